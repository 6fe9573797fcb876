"""python kill_at.py POINT WHOM ARGUMENTS...: `r2d2 ARGUMENTS`, killed without warning at a point on its way.

POINT is ``begin:STAGE``, ``inside:STAGE``, ``end:STAGE``, ``before:N``, ``during:N`` or ``after:N`` (the N-th write to
the state); for ``inside`` and ``during`` R2D2_TEST_KILL_DELAY says after how many seconds.
WHOM is ``all`` (this process and the JVM) or ``python`` (the JVM lives on for a while, and may finish a write).
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from r2d2.catalog.state import State
from r2d2.cli import main
from r2d2.progress import Progress, Reading

POINT, WHOM = sys.argv[1:3]
DELAY = float(os.environ["R2D2_TEST_KILL_DELAY"])


def die() -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os.killpg(0, signal.SIGKILL) if WHOM == "all" else os.kill(os.getpid(), signal.SIGKILL)


def at(point: str) -> None:
    if point == POINT:
        die()


original_stage = Progress.stage
writes = 0


@contextmanager
def stage(self: Progress, name: str) -> Iterator[Reading]:
    with original_stage(self, name) as reading:
        at(f"begin:{name}")
        if f"inside:{name}" == POINT:
            threading.Timer(DELAY, die).start()
        yield reading
        at(f"end:{name}")


def killing(write: Callable[..., None]) -> Callable[..., None]:
    """The write, with the points around it."""

    def killed(self: State, *arguments: Any) -> None:
        global writes
        writes += 1
        at(f"before:{writes}")
        if f"during:{writes}" == POINT:
            threading.Timer(DELAY, die).start()
        write(self, *arguments)
        at(f"after:{writes}")

    return killed


Progress.stage = stage  # type: ignore[method-assign, assignment]
State.append = killing(State.append)  # type: ignore[method-assign]
State.write_run = killing(State.write_run)  # type: ignore[method-assign]
sys.exit(main(sys.argv[3:]))
