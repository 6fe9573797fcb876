"""A lease on an object: who replaced it last holds it until its time is over, and then only who replaces it again.

All rests on the store's conditional writes: of two processes that replace one version, one wins. Whether a lease is
over is told by the store's time of the object and this machine's clock, which may be ``_CLOCKS`` apart; where they are
more, a process may lose a lease that it renews, and its next write is refused (``fence``).
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
import uuid
from typing import Any, NamedTuple

from r2d2.lake.file_tree import FileStat, shown
from r2d2.lake.storage import Storage

#: Seconds that a lease lasts, and after which it is renewed.
LASTS, RENEWED_AFTER = 120.0, 30.0
_CLOCKS = 30.0
#: Time goes on while the machine sleeps, where the system tells such a time.
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Holder(NamedTuple):
    """Who holds a lease, and in how many seconds it ends if it is not renewed."""

    who: str
    seconds: float


class LeaseLost(Exception):
    """This process does not hold the lease, or can't know whether it still does."""


class NoLease(OSError):
    """What lies at the place of the lease is none."""


class _Seen(NamedTuple):
    """The object: its version (empty: there is none), number, writer's id, whether it was given back, who holds it."""

    version: str = ""
    fence: int = 0
    by: str = ""
    free: bool = False
    holder: Holder | None = None


class Lease:
    """The lease on the object at a URL."""

    def __init__(self, storage: Storage, url: str) -> None:
        self.storage, self.url = storage, url
        self.who = f"{socket.gethostname()}, process {os.getpid()}"
        self.abandoned = False
        self._id, self._version, self._fence, self._ends = "", "", 0, 0.0
        self._done = threading.Event()
        self._thread: threading.Thread | None = None

    def holder(self) -> Holder | None:
        """Who holds it now; None if nobody does.

        Raises:
            OSError: the store can't be asked.
        """
        return self._look().holder

    def take(self) -> Holder | None:
        """Takes it and keeps it renewed; who holds it if somebody else does.

        Afterwards ``abandoned`` tells whether a holder before may still believe to hold it.

        Raises:
            OSError: the store can't be written to.
            NoLease: something else is there.
        """
        seen = self._look()
        if seen.holder:
            return seen.holder
        self.abandoned = not seen.free
        # not only one more: the object may have been removed by hand, and numbers must grow all the same
        fence, begun = max(seen.fence + 1, time.time_ns() // 1_000_000), _now()
        self._id = uuid.uuid4().hex
        try:
            self._version = self.storage.put(self.url, self._record(fence), only_if=seen.version)
        except FileExistsError:
            return self._look().holder or _SOMEBODY
        self._fence, self._ends = fence, begun + LASTS
        self._done.clear()
        self._thread = threading.Thread(target=self._keep, name="state lease", daemon=True)
        self._thread.start()
        return None

    def fence(self) -> int:
        """The number of this holder: each has a larger one than those before.

        Raises:
            LeaseLost: it is not this process's, or its time is over.
        """
        if self._thread is None:
            raise LeaseLost("it is written only while it is locked")
        if _now() >= self._ends:
            raise LeaseLost("the lease on it was lost: another run may have begun to write to it")
        return self._fence

    def give_back(self) -> None:
        """Lets go of it, as far as it is still this process's; if the store can't be told, it runs out."""
        self._done.set()
        if self._thread:
            self._thread.join()
        self._thread, self._ends = None, 0.0
        try:
            self._replace(self._record(self._fence, free=True))
        except OSError:
            return  # it is another's by now, or ends by itself

    def _keep(self) -> None:
        while not self._done.wait(RENEWED_AFTER):
            begun = _now()
            try:
                self._replace(self._record(self._fence))
            except FileExistsError:
                self._ends = 0.0
                return
            except OSError:
                continue  # until its time is over
            self._ends = begun + LASTS

    def _replace(self, record: bytes) -> None:
        """Replaces the object if it is this process's, also where it never heard that an earlier try was done."""
        try:
            self._version = self.storage.put(self.url, record, only_if=self._version)
        except FileExistsError:
            seen = self._look()
            if seen.by != self._id:
                raise
            self._version = self.storage.put(self.url, record, only_if=seen.version)

    def _record(self, fence: int, free: bool = False) -> bytes:
        """No two are equal, so that nobody takes another's for its own."""
        holder = "" if free else self.who
        return json.dumps({"fence": fence, "holder": holder, "by": self._id, "id": uuid.uuid4().hex}).encode()

    def _look(self) -> _Seen:
        try:
            stat = self.storage.stat(self.url)
            with self.storage.open(self.url, stat.tag) as source:
                record = source.read()
        except FileNotFoundError:
            return _Seen()
        except FileExistsError:  # replaced between the two requests: by somebody who holds it now
            return _Seen(holder=_SOMEBODY)
        return _seen(stat, record)


_SOMEBODY = Holder("one that began at the same moment", LASTS)


def _seen(stat: FileStat, record: bytes) -> _Seen:
    try:
        raw: Any = json.loads(record)
    except (ValueError, RecursionError):
        raw = None
    if not isinstance(raw, dict) or type(raw.get("fence")) is not int or not isinstance(raw.get("holder"), str):
        raise NoLease("it is no lock of r2d2")
    who, by = raw["holder"], str(raw.get("by", ""))
    left = stat.mtime_ns / 1e9 + LASTS + _CLOCKS - time.time()
    return _Seen(stat.version, raw["fence"], by, not who, Holder(shown(who), left) if who and left > 0 else None)


def _now() -> float:
    return time.clock_gettime(_CLOCK)
