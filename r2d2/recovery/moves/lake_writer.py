"""The one way in which R2D2 changes a lake: only below its roots, never through a link, while their locks are held.

Whatever names and links a lake contains, nothing outside of its roots is written or removed (DESIGN 4, rule 6).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from r2d2.errors import NotRetirable
from r2d2.lake.file_tree import shown
from r2d2.lake.object_versions import copy_version
from r2d2.lake.storage import Storage, storage_for
from r2d2.recovery.moves.places import path_roots


class LakeWriter:
    """Changes of a lake.

    Args:
        roots: of the lake, as given.
        fence: raises if the locks of the roots are not held any more; asked right before each change.
    """

    def __init__(self, roots: Sequence[str], fence: Callable[[], None]) -> None:
        self.roots = [storage_for(root).resolved(root) for root in path_roots(roots)]
        self.fence = fence

    def put(self, path: str, data: bytes, only_if: str | None = "") -> str:
        """Writes a file, by default only if there is none; see ``Storage.put``."""
        return self._checked(path).put(path, data, only_if)

    def copy(self, source: str, target: str) -> None:
        """Copies a file; see ``Storage.copy``."""
        self._checked(target).copy(source, target)

    def copy_version(self, source: str, version: str, target: str) -> None:
        """Copies an older version of an object; see ``lake.object_versions``."""
        self._checked(target)
        copy_version(source, version, target)

    def rename(self, source: str, target: str) -> None:
        """Moves a file or a directory; see ``Storage.rename``."""
        self._checked(source)
        self._checked(target).rename(source, target)

    def delete(self, path: str, only_if: str | None = None) -> bool:
        """Removes a file; whether it was there. See ``Storage.delete``."""
        try:
            self._checked(path).delete(path, only_if)
        except FileNotFoundError:
            return False
        return True

    def remove_directory(self, path: str) -> bool:
        """Removes a directory if it is empty; see ``Storage.remove_directory``."""
        return self._checked(path).remove_directory(path)

    def set_mode(self, path: str, mode: int) -> None:
        """Sets the permission bits of a file or directory on disk; not of what a link leads to."""
        self._checked(path)
        if not os.path.islink(path):
            os.chmod(path, mode)

    def is_inside(self, path: str) -> bool:
        """Whether a path lies below one of the roots, links resolved."""
        return storage_for(path).inside(path, self.roots)

    def _checked(self, path: str) -> Storage:
        storage, directory = storage_for(path), path.rstrip("/").rpartition("/")[0] or "/"
        if not self.is_inside(directory) or storage.resolved(directory) != directory:
            hint = "nothing outside of the lake's roots is written or removed; look for links in its path"
            raise NotRetirable(f"{shown(path)} lies outside of the lake's roots, or behind a link", hint)
        self.fence()
        return storage
