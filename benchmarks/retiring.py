"""How the time of a retirement grows with the number of retirements: it should not.

``python -m benchmarks.retiring [--number N] [--times K]``. Two lakes of small Parquet files, with N and K times N pairs
of a parent and a child that is a copy of it, so that proofs take little. Each command of recovery works on all pairs of
a lake at once, in this process and without a JVM, each lake with a state of its own. The figures are CPU seconds a
retirement, at N and at K times N, and the second by the first: 1 or less where the work of a command is linear.
Waiting for disks is left out.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from r2d2.model.plan import Plan
from r2d2.recovery import apply as applying
from r2d2.recovery import purge as purging
from r2d2.recovery.apply import Outcome
from r2d2.recovery.context import Recovery
from r2d2.recovery.guard.guard import Verdict, guard
from r2d2.recovery.records.derived import keep_derived
from r2d2.recovery.records.history import story
from r2d2.recovery.restore import restore
from tests.recovery_runs import ALL, LATER, approve, at_work, plan_of

_ROWS, _COLUMNS, _SEED = 400, 4, 7


def main() -> None:
    """Builds the lakes and prints a line for each command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--number", type=int, default=40, help="retirements of the smaller lake (default 40)")
    parser.add_argument("--times", type=int, default=10, help="as many times more in the larger one (default 10)")
    arguments = parser.parse_args()
    _measured(2)  # what is loaded and compiled when it is first needed
    few, many = (_measured(number) for number in (arguments.number, arguments.number * arguments.times))
    print(f"CPU seconds a retirement, of {arguments.number} and of {arguments.number * arguments.times}")
    for name, seconds in few.items():
        print(f"  {name:26} {seconds:8.4f} {many[name]:8.4f}  {many[name] / seconds:5.2f}")


def _measured(number: int) -> dict[str, float]:
    """CPU seconds a retirement of each command on a new lake."""
    with tempfile.TemporaryDirectory() as name:
        lake, state = Path(name, "lake"), Path(name, "state")
        pairs = _build(lake, number)
        children = [child for child, _ in pairs]
        gone, kept = children[::2], children[1::2]
        steps: dict[str, tuple[int, Callable[[Recovery], object]]] = {
            "look at the lake": (number, lambda recovery: recovery.datasets()),
            "apply": (number, lambda recovery: _apply(recovery, plan_of(recovery, *pairs))),
            "open the journal": (number, lambda recovery: recovery.receipts),
            "tables of receipts": (number, lambda recovery: keep_derived(recovery.state, recovery.journal.records)),
            "guard": (number, _guard),
            "purge": (len(gone), lambda recovery: _purge(recovery, gone)),
            "guard, half of it purged": (number, _guard),
            "history of one": (number, lambda recovery: story(recovery.state, gone[0], recovery.journal.records)),
            "restore from quarantine": (len(kept), lambda recovery: _restore(recovery, kept)),
            "restore from recipes": (len(gone), lambda recovery: _restore(recovery, gone)),
        }
        return {name: _timed(lake, state, step) / count for name, (count, step) in steps.items()}


def _build(lake: Path, number: int) -> list[tuple[str, str]]:
    """Writes pairs of files; (child, parent) of each."""
    draw = np.random.default_rng(_SEED)
    pairs = []
    for place in range(number):
        directory = lake / f"t{place:06d}"
        directory.mkdir(parents=True)
        ids = pa.array(range(place * _ROWS, (place + 1) * _ROWS))
        numbers = {f"n{i}": pa.array(draw.integers(0, 1 << 30, _ROWS)) for i in range(_COLUMNS)}
        pq.write_table(pa.table({"id": ids, **numbers}), directory / "parent.parquet")
        shutil.copyfile(directory / "parent.parquet", directory / "child.parquet")
        pairs.append((f"{directory.name}/child.parquet", f"{directory.name}/parent.parquet"))
    return pairs


def _timed(lake: Path, state: Path, step: Callable[[Recovery], object]) -> float:
    """CPU seconds that a command takes, its locks and its checks of the journal and the lake included."""
    begun = time.process_time()
    with at_work(lake, state) as recovery:
        step(recovery)
    return time.process_time() - begun


def _apply(recovery: Recovery, plan: Plan) -> None:
    _require(list(applying.apply(recovery, plan, approve(plan, ALL), lambda _: True)))


def _guard(recovery: Recovery) -> None:
    found = [finding for finding in guard(recovery, datetime.now(UTC)) if finding.verdict is not Verdict.GOOD]
    if found:
        raise SystemExit(str(found[0]))


def _purge(recovery: Recovery, names: Sequence[str]) -> None:
    now, wanted = datetime.now(UTC) + LATER, frozenset(names)
    _require(list(purging.purge(recovery, timedelta(days=30), wanted.__contains__, lambda _: (), now=now)))


def _restore(recovery: Recovery, names: Sequence[str]) -> None:
    """All in one, which commands do one by one: each would open the journal anew."""
    ids = {receipt.dataset: receipt.id for receipt in recovery.receipts.values()}
    for name in names:
        restore(recovery, recovery.receipts[ids[name]])


def _require(outcomes: Sequence[Outcome]) -> None:
    left = [outcome for outcome in outcomes if not outcome.done]
    if left:
        raise SystemExit(str(left[0]))


if __name__ == "__main__":
    main()
