"""What a listing of storage gives: files with their stat, directories, and what could not be listed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

_UNSHOWABLE = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


class FileStat(NamedTuple):
    """One file as storage describes it.

    Attributes:
        path: absolute path or URL.
        size: bytes.
        mtime_ns: last change, nanoseconds since 1970-01-01 UTC; 0 where the store does not tell.
        identity: the physical object (``DataFile.identity``).
        ctime_ns: last change of the file or of what is known of it; 0 in a store. On disk nobody can set it back, so
            that a file which was written over and given its old time again is seen.
        tag: what a store says of the object's content, its ETag or version id; empty on disk.
    """

    path: str
    size: int
    mtime_ns: int
    identity: str
    ctime_ns: int = 0
    tag: str = ""

    @property
    def version(self) -> str:
        """Changes with the file's content, also on disk: what a conditional ``put`` is given."""
        return self.tag or f"{self.identity}/{self.size}/{self.mtime_ns}/{self.ctime_ns}"


class FoundFile(NamedTuple):
    """A file below a root: ``name`` is its path relative to the root, ``linked`` whether a link led to it."""

    name: str
    stat: FileStat
    linked: bool = False


class Unlisted(NamedTuple):
    """An entry below a root that is not among the files, and why: its name (always valid UTF-8), and what to do."""

    name: str
    reason: str
    hint: str


@dataclass(frozen=True)
class FileTree:
    """Everything below a root.

    Attributes:
        root: absolute path or URL, links resolved.
        is_file: the root is itself a file, the only one in ``files``.
        linked: the root was given through a symbolic link.
        files: sorted by name.
        directories: names relative to the root, those that could not be opened included.
        unlisted: entries that were refused, each with its reason.
        skipped: names of directories that were left out because the caller asked for it.
    """

    root: str
    is_file: bool = False
    linked: bool = False
    files: tuple[FoundFile, ...] = ()
    directories: tuple[str, ...] = ()
    unlisted: tuple[Unlisted, ...] = ()
    skipped: tuple[str, ...] = ()


def joined(directory: str, name: str) -> str:
    """``name`` below ``directory``; an empty directory or name is the root itself."""
    if not directory or not name:
        return directory or name
    return f"{directory.rstrip('/')}/{name}"


def shown(text: str) -> str:
    """A name from the lake as it may stand in a message: control and direction characters are escaped.

    >>> shown("a\\x1b[31m\\n")
    'a\\\\x1b[31m\\\\n'
    """
    return _UNSHOWABLE.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)


def refused(error: OSError) -> str:
    """What a file system or a store refused, and why, as it may stand in a message."""
    return f"{shown(str(error.filename or ''))}: {error.strerror or error}"
