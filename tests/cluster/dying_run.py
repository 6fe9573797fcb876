"""python dying_run.py ARGUMENTS...: `r2d2 ARGUMENTS`, of which one task dies half way, once.

R2D2_TEST_DIES says which: ``KERNEL WHOM MARK``. The task of that kernel that first gets there makes the file MARK and
kills WHOM: ``python`` (its own process), ``executor`` (the JVM that it belongs to) or ``worker`` (the machine, so far
as Spark knows). It has given some results by then. ``slow`` kills nobody, and takes minutes longer.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from r2d2.cli import main
from r2d2.lake import kernels
from r2d2.lake.kernels import InWorker

SLOW = 300.0
KERNEL, WHOM, MARK = os.environ["R2D2_TEST_DIES"].split(" ", 2)


@dataclass(frozen=True)
class Dying(InWorker):
    """A kernel, one task of which dies; Spark sends it to its workers by value, for it belongs to the main module."""

    whom: str = WHOM
    mark: str = MARK

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for number, batch in enumerate(self.kernel(batches)):
            yield batch
            if number == 0 and self._first():
                self._die()

    def _first(self) -> bool:
        try:
            os.close(os.open(self.mark, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return False
        return True

    def _die(self) -> None:
        if self.whom == "slow":
            time.sleep(SLOW)
            return
        daemon = os.getppid()
        executor = int(Path(f"/proc/{daemon}/stat").read_text().rpartition(")")[2].split()[1])
        worker = int(Path(f"/proc/{executor}/stat").read_text().rpartition(")")[2].split()[1])
        for process in {"python": [], "executor": [executor], "worker": [worker, executor]}[self.whom]:
            os.kill(process, signal.SIGKILL)
        os._exit(1)


def dying(kernel: InWorker) -> InWorker:
    name = getattr(kernel, "__name__", type(kernel).__name__)
    return Dying(kernel) if name == KERNEL else InWorker(kernel)


kernels.InWorker = dying  # type: ignore[misc, assignment]
sys.exit(main(sys.argv[1:]))
