"""Retiring, restoring and purging a child of a small lake, each a step that faults are tried on."""

from __future__ import annotations

from collections.abc import Sequence

from r2d2.errors import NotRetirable
from r2d2.model.receipt import RETIRED, Acceptance
from r2d2.recovery.apply import Outcome
from r2d2.recovery.context import Recovery
from tests import recovery_runs
from tests.recovery.faults.operations import Operation
from tests.recovery.faults.small_worlds import CHILD, PARENT


def _named(recovery: Recovery, start: str) -> str:
    (name,) = [name for name in recovery.datasets() if name.startswith(start)]
    return name


def all_done(outcomes: Sequence[Outcome]) -> None:
    """Raises if something was left alone."""
    for outcome in outcomes:
        if not outcome.done:
            raise NotRetirable(outcome.what, outcome.hint)


def retire(lake: str, state: str) -> None:
    """Unless it is retired."""
    retire_for(lake, state, CHILD, PARENT)


def retire_for(
    lake: str, state: str, child: str, parent: str, accepted: frozenset[Acceptance] = recovery_runs.ALL
) -> None:
    """Retires one dataset for another, by how their names start, unless it is retired."""
    with recovery_runs.at_work(lake, state) as recovery:
        retired = [receipt for receipt in recovery.receipts.values() if receipt.status in RETIRED]
        if any(receipt.dataset.startswith(child) for receipt in retired):
            return
        pair = _named(recovery, child), _named(recovery, parent)
    all_done(recovery_runs.retire(lake, state, pair, accepted=accepted))


def restore(lake: str, state: str) -> None:
    """What is retired, if anything is."""
    with recovery_runs.at_work(lake, state) as recovery:
        retired = [receipt.dataset for receipt in recovery.receipts.values() if receipt.status in RETIRED]
    for name in retired:
        recovery_runs.give_back(lake, state, name)


def purge(lake: str, state: str) -> None:
    all_done(recovery_runs.purge_all(lake, state))


def recover(lake: str, state: str) -> None:
    recovery_runs.recover_all(lake, state)


def nothing_is_left(lake: str, state: str) -> None:
    """Whatever was begun is finished or undone."""
    with recovery_runs.at_work(lake, state) as recovery:
        recovery.require_finished()


#: Outside of apply an OSError is made an error for people by the commands.
BOTH = ("R2D2Error", "OSError")
RETIRE = Operation(retire, recover=recover, back=restore, check=nothing_is_left)
RESTORE = Operation(
    restore, prepare=(retire,), recover=recover, back=retire, check=nothing_is_left, refusal=BOTH, portable=False
)
PURGE = Operation(
    purge, prepare=(retire,), recover=recover, check=nothing_is_left, refusal=BOTH, portable=False, keeps=False
)
REBUILD = Operation(restore, (retire, purge), recover, check=nothing_is_left, refusal=BOTH, portable=False, equal=True)
