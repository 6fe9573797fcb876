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
from typing import NamedTuple

from r2d2.lake.file_tree import FileStat, shown
from r2d2.lake.storage import Storage

#: Seconds that a lease lasts, and after which it is renewed.
LASTS, RENEWED_AFTER = 120.0, 30.0
_CLOCKS = 30.0


class Holder(NamedTuple):
    """Who holds a lease, and in how many seconds it ends if it is not renewed."""

    who: str
    seconds: float


class LeaseLost(Exception):
    """This process does not hold the lease, or can't know whether it still does."""


class _Seen(NamedTuple):
    version: str
    fence: int
    holder: Holder | None


class Lease:
    """The lease on the object at a URL."""

    def __init__(self, storage: Storage, url: str) -> None:
        self.storage, self.url = storage, url
        self.who = f"{socket.gethostname()}, process {os.getpid()}"
        self._version, self._fence, self._ends = "", 0, 0.0
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

        Raises:
            OSError: the store can't be written to.
        """
        seen = self._look()
        if seen.holder:
            return seen.holder
        begun = time.monotonic()
        try:
            self._version = self.storage.put(self.url, self._record(seen.fence + 1), only_if=seen.version)
        except FileExistsError:
            return self._look().holder or Holder("one that began at the same moment", LASTS)
        self._fence, self._ends = seen.fence + 1, begun + LASTS
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
        if time.monotonic() >= self._ends:
            raise LeaseLost("the lease on it was lost: another run may have begun to write to it")
        return self._fence

    def give_back(self) -> None:
        """Lets go of it, as far as it is still this process's; if the store can't be told, it runs out."""
        self._done.set()
        if self._thread:
            self._thread.join()
        self._thread, self._ends = None, 0.0
        try:
            self.storage.put(self.url, self._record(self._fence, free=True), only_if=self._version)
        except OSError:
            return  # it is another's by now, or ends by itself

    def _keep(self) -> None:
        while not self._done.wait(RENEWED_AFTER):
            begun = time.monotonic()
            try:
                self._version = self.storage.put(self.url, self._record(self._fence), only_if=self._version)
            except FileExistsError:
                self._ends = 0.0
                return
            except OSError:
                continue  # until its time is over
            self._ends = begun + LASTS

    def _record(self, fence: int, free: bool = False) -> bytes:
        """No two are equal, so that nobody takes another's for its own."""
        return json.dumps({"fence": fence, "holder": "" if free else self.who, "id": uuid.uuid4().hex}).encode()

    def _look(self) -> _Seen:
        try:
            stat = self.storage.stat(self.url)
            with self.storage.open(self.url, stat.tag) as source:
                record = source.read()
        except FileNotFoundError:
            return _Seen("", 0, None)
        except FileExistsError:  # replaced between the two requests: by somebody who holds it now
            return _Seen("", 0, Holder("one that began at the same moment", LASTS))
        return _seen(stat, record)


def _seen(stat: FileStat, record: bytes) -> _Seen:
    try:
        raw = json.loads(record)
        fence, who = int(raw["fence"]), str(raw["holder"])
    except (ValueError, KeyError, TypeError) as error:
        raise OSError(0, f"it is no lock of r2d2: {error}", stat.path) from error
    left = stat.mtime_ns / 1e9 + LASTS + _CLOCKS - time.time()
    return _Seen(stat.version, fence, Holder(shown(who), left) if who and left > 0 else None)
