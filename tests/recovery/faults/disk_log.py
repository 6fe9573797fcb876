"""What a process did to the names of files, and what it synced, told to a directory that outlives it.

A line a change, in the order of the calls; entries go by inode. What is removed or replaced is kept beside, so that no
inode is used again, and what a power loss brings back is the same file.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_OPEN, _WRITE, _READ, _LINK = os.open, os.write, os.read, os.link
_LISTDIR, _LSTAT, _READLINK = os.listdir, os.lstat, os.readlink
EVENTS, CONTENTS, REMOVED = "events", "contents", "removed"


def place_of(path: Any, dir_fd: int | None = None) -> str:
    """The absolute path that a call means, links at its end not followed."""
    if isinstance(path, int):
        return _READLINK(f"/proc/self/fd/{path}").removesuffix(" (deleted)")
    text = os.fsdecode(path)
    if dir_fd is not None:
        text = os.path.join(place_of(dir_fd), text)
    return os.path.abspath(text)


def inode(path: str) -> int:
    """Of what lies there; 0 for nothing."""
    try:
        return _LSTAT(path).st_ino
    except OSError:
        return 0


class DiskLog:
    """Written to by one process."""

    def __init__(self, directory: str) -> None:
        self.directory = directory
        for name in (CONTENTS, REMOVED):
            os.makedirs(os.path.join(directory, name), exist_ok=True)
        self._events = _OPEN(os.path.join(directory, EVENTS), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._number = 0
        self._held: list[int] = []

    def added(self, place: str) -> None:
        """There is an entry that was not there."""
        self._tell(op="change", gone=[], come=[_entry(place)])

    @contextmanager
    def removed(self, place: str) -> Iterator[None]:
        """An entry goes."""
        entry = _entry(place)
        self._keep(place)
        yield
        self._tell(op="change", gone=[entry], come=[])

    @contextmanager
    def moved(self, source: str, target: str) -> Iterator[None]:
        """An entry goes from one name to another, in one step, and takes the place of what is there."""
        gone = [_entry(source)]
        if inode(target):
            self._keep(target)
            gone.append(_entry(target))
        yield
        self._tell(op="change", gone=gone, come=[_entry(target)])

    def synced(self, handle: int) -> None:
        """The content of a file, or the entries of a directory, are there for good."""
        found = os.fstat(handle)
        place = place_of(handle)
        if stat.S_ISDIR(found.st_mode):
            names = {name: inode(os.path.join(place, name)) for name in _LISTDIR(place)}
            self._tell(op="entries", directory=found.st_ino, names=names)
            return
        self._number += 1
        copy = os.path.join(self.directory, CONTENTS, str(self._number))
        target = _OPEN(copy, os.O_WRONLY | os.O_CREAT, 0o600)
        source = _OPEN(f"/proc/self/fd/{handle}", os.O_RDONLY)
        while data := _READ(source, 1 << 20):
            _WRITE(target, data)
        os.close(source)
        os.close(target)
        self._tell(op="content", inode=found.st_ino, copy=str(self._number))

    def _keep(self, place: str) -> None:
        """Its inode stays in use."""
        found = _LSTAT(place)
        if stat.S_ISDIR(found.st_mode):
            self._held.append(_OPEN(place, os.O_PATH))
            return
        kept = os.path.join(self.directory, REMOVED, str(found.st_ino))
        if not inode(kept):
            _LINK(place, kept, follow_symlinks=False)

    def _tell(self, **event: Any) -> None:
        _WRITE(self._events, json.dumps(event).encode() + b"\n")


def _entry(place: str) -> tuple[int, str, int]:
    """The directory's inode, the name, and the inode of what has it."""
    directory, _, name = place.rpartition("/")
    return inode(directory), name, inode(place)
