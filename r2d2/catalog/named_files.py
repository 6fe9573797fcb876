"""Files that a table's log names: found and looked at, in whatever store, without trusting the name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from r2d2.errors import LakeError
from r2d2.lake.file_tree import FileStat
from r2d2.lake.storage import storage_for


def look(path: str) -> FileStat | None:
    """The file at ``path``, or None where it is missing or can't be looked at."""
    try:
        return storage_for(path).stat(path)
    except (OSError, LakeError, ValueError):
        return None


def is_inside(path: str, within: Sequence[str]) -> bool:
    """Whether ``path`` lies in one of the roots, links resolved."""
    try:
        return storage_for(path).inside(path, within)
    except (OSError, LakeError, ValueError):
        return False


def identities(paths: Iterable[str]) -> set[str]:
    """What the files are known by; no store is asked, and a name that means nothing is none."""
    return {identity for path in paths if (identity := _identity(path)) is not None}


def _identity(path: str) -> str | None:
    try:
        return storage_for(path).identity(path)
    except (OSError, LakeError, ValueError):
        return None
