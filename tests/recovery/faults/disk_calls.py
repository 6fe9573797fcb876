"""Inside the process that meets a fault: its calls that reach the disk are counted; the n-th fails, or kills it.

Calls of Python code only: what pyarrow, DuckDB and delta-rs write by themselves happens between two of them.
"""

from __future__ import annotations

import builtins
import errno
import io
import os
import signal
import threading
from collections.abc import Callable
from typing import Any, NamedTuple

from tests.recovery.faults.disk_log import DiskLog, place_of

CREATE, WRITE, SYNC, LINK, RENAME, UNLINK, MAKE, REMOVE, RIGHTS, READ = (
    "create", "write", "fsync", "link", "rename", "unlink", "mkdir", "rmdir", "chmod", "read",
)  # fmt: skip
CHANGES = frozenset({CREATE, WRITE, SYNC, LINK, RENAME, UNLINK, MAKE, REMOVE, RIGHTS})
#: How a call goes wrong, and which calls can.
WAYS: dict[str, frozenset[str]] = {
    "killed": CHANGES,
    "full": frozenset({CREATE, WRITE, SYNC, LINK, RENAME, MAKE}),
    "denied": CHANGES - {WRITE, SYNC} | {READ},
    "broken": frozenset({WRITE, SYNC, READ}),
}
_ERRORS = {"full": errno.ENOSPC, "denied": errno.EACCES, "broken": errno.EIO}
_FOR_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_REAL_OPEN, _REAL_LISTDIR, _REAL_SCANDIR = io.open, os.listdir, os.scandir


class Plan(NamedTuple):
    """Which call goes wrong, and how.

    Attributes:
        world: calls on what lies below this directory count.
        way: see ``WAYS``.
        at: number of the call, from 1; 0 for none.
        for_good: so do all calls after it.
        log: a directory that is told what was synced; empty for none.
        links: whether the file system has hard links.
    """

    world: str
    way: str = "killed"
    at: int = 0
    for_good: bool = False
    log: str = ""
    links: bool = True


class Disk:
    """Counts, and lets go wrong what is planned."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.calls: list[str] = []
        self.able = 0  # to go wrong in the planned way
        self.log = DiskLog(plan.log) if plan.log else None
        self._lock = threading.RLock()

    def step(self, kind: str, path: str) -> None:
        """Right before a call."""
        if not f"{path}/".startswith(f"{self.plan.world}/"):
            return
        with self._lock:
            self.calls.append(f"{kind} {path.removeprefix(self.plan.world)}")
            self.able += kind in WAYS[self.plan.way]
            now = self.able
        late = now - self.plan.at
        if not self.plan.at or kind not in WAYS[self.plan.way] or late < 0 or (late and not self.plan.for_good):
            return
        if self.plan.way == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        error = _ERRORS[self.plan.way]
        raise OSError(error, os.strerror(error), path)


def install(plan: Plan) -> Disk:
    """Puts the counter before the calls of this process, for good."""
    disk = Disk(plan)
    for name, wrapped in {
        "open": _opening, "fsync": _syncing, "fdatasync": _syncing, "link": _linking, "symlink": _linking,
        "rename": _renaming, "replace": _renaming, "unlink": _removing, "remove": _removing, "mkdir": _making,
        "rmdir": _removing, "chmod": _rights, "fchmod": _rights, "write": _writing, "sendfile": _writing,
        "truncate": _writing, "ftruncate": _writing, "listdir": _listing, "scandir": _listing,
    }.items():  # fmt: skip
        setattr(os, name, wrapped(disk, getattr(os, name)))
    io.open = builtins.open = _files(disk)  # type: ignore[assignment]
    return disk


def _opening(disk: Disk, real: Callable[..., int]) -> Callable[..., int]:
    def call(path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        place = place_of(path, dir_fd)
        new = bool(flags & os.O_CREAT) and not os.path.lexists(place)
        if flags & _FOR_WRITING:
            disk.step(CREATE, place)
        elif not flags & os.O_DIRECTORY:
            disk.step(READ, place)
        handle = real(path, flags, mode, dir_fd=dir_fd)
        if new and disk.log:
            disk.log.added(place)
        return handle

    return call


def _syncing(disk: Disk, _: Callable[[int], None]) -> Callable[[Any], None]:
    def call(fd: Any) -> None:
        """The disk itself is not asked to: only the log knows of power losses, and it takes half of the time."""
        handle = fd if isinstance(fd, int) else fd.fileno()
        disk.step(SYNC, place_of(handle))
        if disk.log:
            disk.log.synced(handle)

    return call


def _linking(disk: Disk, real: Callable[..., None]) -> Callable[..., None]:
    def call(source: Any, target: Any, *flags: Any, **more: Any) -> None:
        place = place_of(target, more.get("dst_dir_fd", more.get("dir_fd")))
        disk.step(LINK, place)
        if not disk.plan.links and real.__name__ == "link":
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM), place)
        real(source, target, *flags, **more)
        if disk.log:
            disk.log.added(place)

    return call


def _renaming(disk: Disk, real: Callable[..., None]) -> Callable[..., None]:
    def call(source: Any, target: Any, *, src_dir_fd: int | None = None, dst_dir_fd: int | None = None) -> None:
        old, new = place_of(source, src_dir_fd), place_of(target, dst_dir_fd)
        disk.step(RENAME, new)
        if disk.log:
            with disk.log.moved(old, new):
                real(old, new)
        else:
            real(old, new)

    return call


def _removing(disk: Disk, real: Callable[..., None]) -> Callable[..., None]:
    kind = REMOVE if real.__name__ == "rmdir" else UNLINK

    def call(path: Any, *, dir_fd: int | None = None) -> None:
        place = place_of(path, dir_fd)
        disk.step(kind, place)
        if disk.log:
            with disk.log.removed(place):
                real(path, dir_fd=dir_fd)
        else:
            real(path, dir_fd=dir_fd)

    return call


def _making(disk: Disk, real: Callable[..., None]) -> Callable[..., None]:
    def call(path: Any, mode: int = 0o777, *, dir_fd: int | None = None) -> None:
        place = place_of(path, dir_fd)
        disk.step(MAKE, place)
        real(path, mode, dir_fd=dir_fd)
        if disk.log:
            disk.log.added(place)

    return call


def _rights(disk: Disk, real: Callable[..., None]) -> Callable[..., None]:
    def call(path: Any, mode: int, **more: Any) -> None:
        disk.step(RIGHTS, place_of(path, more.get("dir_fd")))
        real(path, mode, **more)

    return call


def _writing(disk: Disk, real: Callable[..., Any]) -> Callable[..., Any]:
    def call(target: Any, *arguments: Any, **more: Any) -> Any:
        disk.step(WRITE, place_of(target))
        return real(target, *arguments, **more)

    return call


def _listing(disk: Disk, real: Callable[..., Any]) -> Callable[..., Any]:
    def call(path: Any = ".") -> Any:
        disk.step(READ, place_of(path))
        return real(path)

    return call


def _files(disk: Disk) -> Callable[..., Any]:
    """``open``: what writes goes through a raw file whose writes are counted."""

    class Raw(io.FileIO):
        def write(self, data: Any) -> int:
            disk.step(WRITE, place_of(self.fileno()))
            return super().write(data) or 0

    def opened(
        file: Any, mode: str = "r", buffering: int = -1, encoding: Any = None, errors: Any = None,
        newline: Any = None, closefd: bool = True, opener: Any = None,
    ) -> Any:  # fmt: skip
        place, named = place_of(file), not isinstance(file, int)
        if not set(mode) & set("wax+"):
            if named and opener is None:
                disk.step(READ, place)
            return _REAL_OPEN(file, mode, buffering, encoding, errors, newline, closefd, opener)
        new = named and opener is None and not os.path.lexists(place)
        if named and opener is None:  # an opener asks os.open
            disk.step(CREATE, place)
        raw = Raw(file, mode.replace("b", "").replace("t", ""), closefd, opener)
        if new and disk.log:
            disk.log.added(place)
        if buffering == 0:
            return raw
        content = io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)
        return content if "b" in mode else io.TextIOWrapper(content, encoding, errors, newline)

    return opened
