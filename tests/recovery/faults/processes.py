"""A process of its own for each try of an operation: a kill is a real one, and takes locks and open files with it.

They are forked from one that has the modules loaded and does nothing else, so that one takes milliseconds.
"""

from __future__ import annotations

import multiprocessing
import signal
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

from r2d2.catalog import store_lease
from r2d2.errors import R2D2Error
from tests.recovery.faults.disk_calls import Plan, install

#: Does one thing to a lake, by the path or URL of the lake's root and of the state.
Step = Callable[[str, str], None]
_LONGEST = 120.0
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.recovery.faults.loaded"])


class Outcome(NamedTuple):
    """How a process ended.

    Attributes:
        how: ``done``, ``error`` (one that is meant for people), ``killed``, or ``bug`` (any other exception).
        said: the error.
        calls: those that could have gone wrong in the planned way; empty for a process that was killed.
    """

    how: str
    said: str = ""
    calls: tuple[str, ...] = ()


def run(step: Step, lake: str, state: str, plan: Plan | None = None, started: Callable[[int], None] = id) -> Outcome:
    """Runs a step in a process of its own, which takes leases of those that died for over.

    Args:
        step: a function of a module, as it goes there by name.
        plan: what goes wrong on disk.
        started: is told the process's number before the step begins.
    """
    here, there = _CONTEXT.Pipe()
    process = _CONTEXT.Process(target=_main, args=(there, step, lake, state, plan), daemon=True)
    process.start()
    there.close()
    started(process.pid or 0)
    here.send("begin")
    try:
        if not here.poll(_LONGEST):
            process.kill()
            raise AssertionError(f"{step} does not end")
        return Outcome(*here.recv())
    except (EOFError, ConnectionError):
        process.join()
        assert process.exitcode == -signal.SIGKILL, f"{step} ended with {process.exitcode}"
        return Outcome("killed")
    finally:
        process.join()
        process.close()
        here.close()


def _main(pipe: Connection, step: Step, lake: str, state: str, plan: Plan | None) -> None:
    pipe.recv()
    store_lease._CLOCKS = -2 * store_lease.LASTS
    disk = install(plan or Plan(lake))
    pipe.send((*_tried(step, lake, state), tuple(disk.calls)))


def _tried(step: Step, lake: str, state: str) -> tuple[str, Any]:
    try:
        step(lake, state)
    except R2D2Error as error:
        return "error", f"{error} ({error.hint})"
    except Exception:
        return "bug", traceback.format_exc()
    return "done", ""
