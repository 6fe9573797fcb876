"""Which files of a directory are opened, by whatever process and library: the kernel itself tells (inotify, Linux)."""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_OPENED, _DIRECTORY = 0x20, 0x40000000
_EVENT = struct.Struct("iIII")
_BUFFER = 1 << 20


@contextmanager
def files_opened(root: Path) -> Iterator[set[Path]]:
    """Fills the set, at the end, with the files below ``root`` that were opened, relative to it.

    Raises:
        OSError: the system's limit of watches, or of events that wait to be read, is too low for it.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    found: set[Path] = set()
    descriptor = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
    watches = {}
    try:
        for directory, _, _ in os.walk(root):
            watch = libc.inotify_add_watch(descriptor, os.fsencode(directory), _OPENED)
            if watch < 0:
                raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), directory)
            watches[watch] = Path(directory)
        yield found
        found |= {path.relative_to(root) for path in _events(descriptor, watches)}
    finally:
        os.close(descriptor)


def _events(descriptor: int, watches: dict[int, Path]) -> Iterator[Path]:
    while True:
        try:
            content = os.read(descriptor, _BUFFER)
        except BlockingIOError:
            return
        position = 0
        while position < len(content):
            watch, mask, _, length = _EVENT.unpack_from(content, position)
            name = content[position + _EVENT.size : position + _EVENT.size + length].rstrip(b"\0")
            position += _EVENT.size + length
            if watch < 0:
                raise OSError("more files were opened than the kernel keeps events of")
            if not mask & _DIRECTORY:
                yield watches[watch] / os.fsdecode(name)
