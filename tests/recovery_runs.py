"""Apply, restore, purge and recover on small lakes, in this process and without a JVM."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from r2d2.catalog.state import State, open_state
from r2d2.config import RecoverySettings, Settings, load_settings
from r2d2.lake.kernels import run_here
from r2d2.lake.storage import is_local, storage_for
from r2d2.lake.workers import Workers
from r2d2.model.dataset import Dataset
from r2d2.model.plan import Action, Plan, PlannedDataset
from r2d2.model.receipt import Acceptance, Receipt, Review
from r2d2.progress import Progress
from r2d2.recovery.apply import Outcome, apply
from r2d2.recovery.context import Recovery, recovering
from r2d2.recovery.look import look
from r2d2.recovery.purge import purge
from r2d2.recovery.records.decisions import Decisions
from r2d2.recovery.records.receipts import of_dataset
from r2d2.recovery.recover import Recovered, recover
from r2d2.recovery.restore import Restored, restore

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

ALL = frozenset(Acceptance)
LATER = timedelta(days=365)


def settings_of(*overrides: str) -> Settings:
    """Settings that no environment changes."""
    return load_settings(overrides=overrides, environ={})


@contextmanager
def at_work(
    lakes: Sequence[str | Path] | str | Path, state_dir: str | Path, *overrides: str, spark: SparkSession | None = None
) -> Iterator[Recovery]:
    """A command at work: the state's lock is held, and those of the roots.

    Args:
        spark: where a root is a catalog.
    """
    roots = [str(lakes)] if isinstance(lakes, str | Path) else [str(lake) for lake in lakes]
    state, settings = open_state(str(state_dir), create=True), settings_of(*overrides)
    run = Workers(spark).map_tasks if spark else run_here
    session = (lambda: spark) if spark else None
    seen = partial(look, roots, settings, state, lambda _: run, spark)
    with (
        state.locked(),
        recovering(state, roots, settings, Progress(quiet=True), run, seen, session) as recovery,
    ):
        yield recovery


def plan_of(recovery: Recovery, *pairs: tuple[str, str]) -> Plan:
    """A plan that retires each child for its parent, as they are now."""
    found = recovery.datasets()
    entries = [_entry(found[child], found[parent]) for child, parent in pairs]
    return Plan(tuple(entries), 1.0, sum(found[child].bytes for child, _ in pairs), "by hand", True, number=1)


def _entry(child: Dataset, parent: Dataset) -> PlannedDataset:
    return PlannedDataset(
        child.id, Action.RETIRE, parent.id, 1.0, 0.0, 60.0, "", child.version, parent_version=parent.version
    )


def approve(plan: Plan, accepted: frozenset[Acceptance] = frozenset(), by: str = "ann") -> Decisions:
    """Everything that a plan retires is approved."""
    return Decisions.of(reviews_of(plan, accepted, by), (), RecoverySettings())


def reviews_of(plan: Plan, accepted: frozenset[Acceptance] = frozenset(), by: str = "ann") -> list[Review]:
    """That, as reviews."""
    now = datetime.now(UTC)
    return [
        Review(
            *(e.dataset, True, by, "not needed", now, 1, e.version, e.parent or "", e.parent_version, accepted),
            *(e.action.value, e.rebuild_seconds, e.rebuild_cost),
        )
        for e in plan.retired
    ]


def retire(
    lakes: str | Path | Sequence[str | Path],
    state: str | Path,
    *pairs: tuple[str, str],
    accepted: frozenset[Acceptance] = frozenset(),
    overrides: Sequence[str] = (),
) -> list[Outcome]:
    """Plans, approves and applies."""
    with at_work(lakes, state, *overrides) as recovery:
        plan = plan_of(recovery, *pairs)
        return list(apply(recovery, plan, approve(plan, accepted), lambda _: True))


def give_back(lakes: str | Path | Sequence[str | Path], state: str | Path, dataset: str, to: str = "") -> Restored:
    """Restores a dataset."""
    with at_work(lakes, state) as recovery:
        return restore(recovery, of_dataset(recovery.receipts, dataset), to)


def purge_all(
    lakes: str | Path | Sequence[str | Path], state: str | Path, spark: SparkSession | None = None
) -> list[Outcome]:
    """Purges whatever may be, when the grace period is long over."""
    with at_work(lakes, state, spark=spark) as recovery:
        now = datetime.now(UTC) + LATER
        return list(purge(recovery, timedelta(days=30), lambda _: True, lambda _: (), now=now))


def recover_all(lakes: str | Path | Sequence[str | Path], state: str | Path) -> list[Recovered]:
    """Finishes or undoes whatever was begun."""
    with at_work(lakes, state) as recovery:
        return list(recover(recovery))


def receipt_of(state: str | Path, dataset: str) -> Receipt:
    """The newest receipt of a dataset."""
    from r2d2.recovery.records.journal import Journal
    from r2d2.recovery.records.receipts import receipts

    return of_dataset(receipts(Journal(opened(state)).records), dataset)


def opened(state: str | Path) -> State:
    """The state."""
    return open_state(str(state))


def snapshot(root: str | Path, own: Callable[[str], bool] = lambda _: False) -> dict[str, tuple[str, int]]:
    """SHA-256 and mode of each file below a root but for what R2D2 keeps there: its area, and notes.

    Args:
        own: further names that are left out.
    """
    storage = storage_for(str(root))
    tree = storage.tree(str(root), [str(root)])
    found = {}
    for file in tree.files:
        if ".r2d2" in file.name.split("/") or file.name.endswith(".retired-by-r2d2.txt") or own(file.name):
            continue
        mode = os.stat(file.stat.path).st_mode & 0o7777 if is_local(file.stat.path) else 0
        found[file.name] = hashlib.sha256(storage.read_bytes(file.stat.path)).hexdigest(), mode
    return found
