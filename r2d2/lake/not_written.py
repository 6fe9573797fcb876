"""The write side of stores that have no conditional writes: refused."""

from __future__ import annotations

from r2d2.lake.urls import split_url, without_credentials


class NotWritten:
    """R2D2 writes nothing where two processes could write over each other."""

    def put(self, path: str, data: bytes, only_if: str | None = None, private: bool = False) -> str:
        """Refused.

        Raises:
            OSError: always.
        """
        raise _refusal(path)

    def copy(self, source: str, target: str) -> None:
        """Refused.

        Raises:
            OSError: always.
        """
        raise _refusal(target)

    def rename(self, source: str, target: str) -> None:
        """Refused.

        Raises:
            OSError: always.
        """
        raise _refusal(target)

    def delete(self, path: str, only_if: str | None = None) -> None:
        """Refused.

        Raises:
            OSError: always.
        """
        raise _refusal(path)

    def remove_directory(self, path: str) -> bool:
        """Refused.

        Raises:
            OSError: always.
        """
        raise _refusal(path)


def _refusal(path: str) -> OSError:
    return OSError(95, f"R2D2 does not write to {split_url(path)[0]}:// stores", without_credentials(path))
