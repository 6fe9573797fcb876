"""Time, work, bytes and memory, measured alike for every way: of all processes of a session, from ``/proc`` (Linux).

Bytes are ``rchar`` of ``/proc/PID/io``: what the processes asked of ``read``, whether from disk, cache or a pipe; what
is mapped into memory instead is not among them. Memory is the sum of resident sizes; pages that processes share count
for each. A child process of the benchmark is started as a session of its own, and JVM and Python workers stay in it.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")
_EVERY = 0.05


@dataclass
class Window:
    """What was measured between the start and the end of a window.

    Attributes:
        seconds: on the clock.
        cpu: seconds that all cores worked for it: what stays comparable where others use the machine, too.
        read: bytes asked of ``read``.
    """

    seconds: float = 0.0
    cpu: float = 0.0
    read: int = 0


@contextmanager
def window() -> Iterator[Window]:
    """Measures what this process and the others of its session do inside of it."""
    measured = Window()
    session = os.getsid(0)
    read, cpu, started = bytes_read(session), cpu_seconds(session), time.perf_counter()
    yield measured
    measured.seconds = time.perf_counter() - started
    measured.cpu = cpu_seconds(session) - cpu
    measured.read = bytes_read(session) - read


def processes(session: int) -> list[int]:
    """The processes of a session; they may end any time."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError, IndexError):
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                if int(fields[3]) == session:
                    found.append(int(entry.name))
    return found


def bytes_read(session: int) -> int:
    """``rchar`` of the session's processes that live now."""
    total = 0
    for process in processes(session):
        with suppress(OSError):
            total += int(Path(f"/proc/{process}/io").read_text().split()[1])
    return total


def cpu_seconds(session: int) -> float:
    """Seconds of work of the session's processes that live now, in user and system mode."""
    ticks = 0
    for process in processes(session):
        with suppress(OSError):
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / _TICKS


def resident(process: int) -> int:
    """Bytes of a process that are in memory; 0 if it has ended."""
    with suppress(OSError):
        return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * _PAGE
    return 0


@dataclass
class MemoryWatch:
    """Samples the memory of a session until it is stopped.

    Attributes:
        session: whose processes.
        limit: bytes beyond which ``exceeded`` is set.
        peak: the largest sum.
        largest_worker: the largest single Python worker of Spark.
    """

    session: int
    limit: int
    peak: int = 0
    largest_worker: int = 0
    exceeded: threading.Event = field(default_factory=threading.Event)
    _done: threading.Event = field(default_factory=threading.Event)
    _workers: dict[int, bool] = field(default_factory=dict)

    def start(self) -> None:
        """Begins to sample, in a thread."""
        threading.Thread(target=self._sample, daemon=True).start()

    def stop(self) -> None:
        """Ends the thread at its next sample."""
        self._done.set()

    def _sample(self) -> None:
        while not self._done.wait(_EVERY):
            sizes = {process: resident(process) for process in processes(self.session)}
            total = sum(sizes.values())
            self.peak = max(self.peak, total)
            workers = [size for process, size in sizes.items() if self._is_worker(process)]
            self.largest_worker = max(self.largest_worker, *workers, 0)
            if total > self.limit:
                self.exceeded.set()

    def _is_worker(self, process: int) -> bool:
        if process not in self._workers:
            with suppress(OSError):
                self._workers[process] = b"pyspark.daemon" in Path(f"/proc/{process}/cmdline").read_bytes()
        return self._workers.get(process, False)
