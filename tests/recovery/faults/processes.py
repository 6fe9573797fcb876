"""A process of its own for each try of an operation: a kill is a real one, and takes locks and open files with it.

They are forked from one that has the modules loaded and does nothing else, so that one takes milliseconds.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import traceback
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.connection import Connection
from typing import NamedTuple

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
        how: ``done``, ``killed``, or by which exception: ``R2D2Error``, ``OSError``, or the name of any other.
        said: the error.
        calls: those that reached the disk; none of a process that was killed.
    """

    how: str
    said: str = ""
    calls: tuple[str, ...] = ()


def run(
    steps: Sequence[Step],
    lake: str,
    state: str,
    plan: Plan | None = None,
    environ: Mapping[str, str] | None = None,
    started: Callable[[int], object] = id,
) -> Outcome:
    """Runs steps in a process of its own, which takes leases of those that died for over.

    Args:
        steps: functions of modules, as they go there by name.
        plan: what goes wrong on disk.
        environ: variables that lead to a store.
        started: is told the process's number before the first step begins.
    """
    here, there = _CONTEXT.Pipe()
    process = _CONTEXT.Process(target=_main, args=(there, [*steps], lake, state, plan, environ or {}), daemon=True)
    process.start()
    there.close()
    started(process.pid or 0)
    here.send("begin")
    try:
        if not here.poll(_LONGEST):
            process.kill()
            raise AssertionError(f"{steps} does not end")
        return Outcome(*here.recv())
    except (EOFError, ConnectionError):
        process.join()
        assert process.exitcode == -signal.SIGKILL, f"{steps} ended with {process.exitcode}"
        return Outcome("killed")
    finally:
        process.join()
        process.close()
        here.close()


def _main(
    pipe: Connection, steps: Sequence[Step], lake: str, state: str, plan: Plan | None, environ: Mapping[str, str]
) -> None:
    pipe.recv()
    os.environ.update(environ)
    store_lease._CLOCKS = -2 * store_lease.LASTS
    disk = install(plan or Plan(lake))
    how, said = "done", ""
    for step in steps:
        how, said = _tried(step, lake, state)
        if how != "done":
            break
    pipe.send((how, said, tuple(disk.calls)))


def _tried(step: Step, lake: str, state: str) -> tuple[str, str]:
    try:
        step(lake, state)
    except R2D2Error as error:
        return "R2D2Error", f"{step.__name__}: {error} ({error.hint})"
    except Exception as error:  # noqa: BLE001
        return "OSError" if isinstance(error, OSError) else type(error).__name__, traceback.format_exc()
    return "done", ""
