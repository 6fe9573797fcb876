"""One writer of a state at a time: a lock file on disk, a lock object with a lease in a store (DELETION 1)."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from io import FileIO
from pathlib import Path
from typing import Protocol

from r2d2.catalog.store_lease import Lease, LeaseLost, NoLease
from r2d2.errors import StateError, StateInUse
from r2d2.lake.file_tree import joined
from r2d2.lake.storage import is_local, storage_for

LOCK = ".r2d2.lock"
_WAIT = "wait until it ends (--wait 2h does), or give another --state"


class Lock(Protocol):
    """The right to write a state."""

    def held(self) -> AbstractContextManager[bool]:
        """Holds it; whether one that held it before may still believe to hold it.

        Raises:
            StateInUse: another process holds it.
            StateError: it can't be had.
        """

    def in_use(self) -> bool:
        """Whether a process holds it now."""

    def fence(self) -> int | None:
        """A number that grows with each holder, for a write that is about to be made; None on disk, which needs none.

        Raises:
            StateError: this process does not hold it, or no longer.
        """


def lock_of(location: str) -> Lock:
    """The lock of the state at a path or URL."""
    return _FileLock(Path(location) / LOCK) if is_local(location) else _StoreLock(location)


class _FileLock:
    """Held by an open file: the system lets go of it when its process dies."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def in_use(self) -> bool:
        try:
            with open(self.path, opener=_not_linked) as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        except OSError as error:
            raise self._broken(error) from error
        return False

    def fence(self) -> int | None:
        return None

    @contextmanager
    def held(self) -> Iterator[bool]:
        try:
            # unbuffered: what a full disk refused must not be tried again at the end
            file = open(self.path, "a+b", buffering=0, opener=_not_linked)  # noqa: SIM115  # closed below
        except OSError as error:
            raise self._broken(error) from error
        with file:
            try:
                self._take(file)
            except OSError as error:
                raise self._broken(error) from error
            yield False

    def _take(self, file: FileIO) -> None:
        is_own = os.fstat(file.fileno()).st_nlink == 1  # else the file has other names, and may be anybody's
        if not _taken(file):
            file.seek(0)
            holder = file.read().decode("ascii", "replace").strip() if is_own else ""
            raise StateInUse(f"{self.path.parent} is in use by another r2d2 run (process {holder or 'unknown'})", _WAIT)
        if is_own:
            file.truncate(0)
            file.write(str(os.getpid()).encode("ascii"))

    def _broken(self, error: OSError) -> StateError:
        hint = "give a state that may be written, or the right to write it"
        return StateError(f"{self.path} can't be used as a lock: {error.strerror}", hint)


def _not_linked(path: str, flags: int) -> int:
    """Never opens what a link leads to: in a lake's root anybody may have put one there."""
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK, 0o666)


def _taken(file: FileIO) -> bool:
    """Whether the lock could be had; a moment's patience is for commands that only ask whether it is held."""
    for _ in range(10):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.05)
        else:
            return True
    return False


class _StoreLock:
    """Held by an object that only one process can make or replace; the lease of one that died runs out."""

    def __init__(self, location: str) -> None:
        self.location = location
        self.lease = Lease(storage_for(location), joined(location, LOCK))

    def in_use(self) -> bool:
        with self._as_state_error("can't be read"):
            return self.lease.holder() is not None

    def fence(self) -> int | None:
        try:
            return self.lease.fence()
        except LeaseLost as error:
            hint = (
                "run the same command again when no other run writes to this state; what was kept before is still good"
            )
            raise StateError(f"{self.location}: {error}", hint) from None

    @contextmanager
    def held(self) -> Iterator[bool]:
        with self._as_state_error("can't be locked"):
            other = self.lease.take()
        if other is not None:
            raise StateInUse(
                f"{self.location} is in use by another r2d2 run ({other.who})",
                f"{_WAIT}; if it died, its lease ends in {other.seconds:.0f} seconds",
            )
        try:
            yield self.lease.abandoned
        finally:
            self.lease.give_back()

    @contextmanager
    def _as_state_error(self, what: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            hint = "give a state that may be written, or the right to write it"
            if isinstance(error, NoLease):
                hint = "remove it when no run is at work there"
            raise StateError(f"{joined(self.location, LOCK)} {what}: {error}", hint) from error
