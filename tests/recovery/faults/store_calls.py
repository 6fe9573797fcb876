"""What goes wrong between a process and a store: the proxy counts its requests, and kills it at the n-th or fails them.

Every request counts, whoever makes it: obstore, delta-rs, pyarrow.
"""

from __future__ import annotations

import os
import signal
from typing import NamedTuple

from tests.s3_servers import Faults

CHANGES = ("PUT", "POST", "DELETE")


class StoreFault(NamedTuple):
    """What goes wrong.

    Attributes:
        way: ``killed before`` or ``killed after`` a change was done; else an answer (``s3_servers.Faults``).
        at: number of the request, from 1: of the changes for kills, of all of them for answers; 0 for none.
        every: of the requests from then on, one of how many goes wrong; 0: only that one.
        call: which one it is.
    """

    way: str
    at: int
    every: int = 0
    call: str = ""

    @property
    def kills(self) -> bool:
        return self.way.startswith("killed")

    @property
    def sort(self) -> str:
        return "kills" if self.kills else "failing calls"


class Watched(Faults):
    """The requests of one process."""

    def __init__(self) -> None:
        super().__init__(1)
        self.watch(StoreFault("killed before", 0))

    def watch(self, fault: StoreFault) -> None:
        """From now on."""
        self.fault, self.process = fault, 0
        self.requests: list[str] = []

    def started(self, process: int) -> None:
        """Which process is to be killed."""
        self.process = process

    @property
    def changes(self) -> list[str]:
        """Those that change something."""
        return [request for request in self.requests if request.startswith(CHANGES)]

    def next(self, method: str, path: str) -> str:
        with self._lock:
            self.requests.append(f"{method} {path}")
            if not self.fault.kills:
                return self.fault.way if self._hits(len(self.requests)) else ""
            if method in CHANGES and self.fault.way == "killed before" and len(self.changes) == self.fault.at:
                os.kill(self.process, signal.SIGKILL)
                return "reset"
        return ""

    def passed_on(self) -> None:
        if self.fault.way == "killed after" and self.fault.at and len(self.changes) == self.fault.at:
            os.kill(self.process, signal.SIGKILL)

    def _hits(self, number: int) -> bool:
        late = number - self.fault.at
        return late == 0 or (late > 0 and self.fault.every > 0 and late % self.fault.every == 0)
