"""R2D2 with limits: how much of the final saving a run finds that may read only a part of what a full run reads.

A full run, and runs with ``max_bytes``, each on a state of its own, one Spark session. What is saved is what the plan
saves. Beside it stand the ceiling, which no way exceeds that proves exactly: whatever is retired has to be read, and
its saving is at most what metadata says; and hindsight: what the same order finds that knows which pairs hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.meter import Window, window
from benchmarks.task import Finding, Task, Way
from benchmarks.ways.product import proven_pairs
from r2d2 import pipeline
from r2d2.catalog.state import open_state
from r2d2.config import RetentionSettings, Settings
from r2d2.contained import Contained
from r2d2.containment.budget import Budget
from r2d2.containment.waves import Choices, best_stars
from r2d2.job import new_job
from r2d2.model.plan import Plan
from r2d2.progress import Progress
from r2d2.retention.worth import worth_of

#: Shares of the bytes that a full run reads.
SHARES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
#: Of these bytes of the whole lake, too.
_OF_LAKE = 0.1
#: As in the demo: megabytes stand for terabytes, so that every dataset that is held by another one pays.
_PRICE_FACTOR = 100_000.0


@dataclass(frozen=True)
class _Ran:
    window: Window
    found: Contained
    plan: Plan
    read: int


def measure(task: Task) -> list[Finding]:
    """The full run; in its notes one point for each limit."""
    prices = replace(Settings().retention, storage_price_factor=_PRICE_FACTOR)
    settings = replace(Settings(), retention=prices)
    full = _run(task, "full", settings)
    lake = sum(dataset.bytes for dataset in full.found.datasets)
    limits = {f"{share:.0%} of the bytes": int(full.read * share) for share in SHARES}
    limits[f"{_OF_LAKE:.0%} of the lake"] = int(lake * _OF_LAKE)
    know = _Hindsight(full, prices)
    curve = []
    for name, most in limits.items():
        limited = replace(settings, containment=replace(settings.containment, max_bytes=most))
        ran = _run(task, name.replace(" ", "-"), limited)
        point = {"limit": name, "max_bytes": most, "read": ran.read, "seconds": ran.window.seconds}
        saved = ran.plan.total_saving_per_month / know.final
        curve.append(point | {"saved": saved, "ceiling": know.ceiling(most), "hindsight": know.greedy(most)})
    notes = {"bytes": lake, "lake_bytes_read": full.read, "saving": know.final, "curve": curve}
    return [Finding("r2d2-value", full.window, proven_pairs(full.found), notes=notes)]


def _run(task: Task, name: str, settings: Settings) -> _Ran:
    state = open_state(str(task.scratch / f"state-{name}"), create=True)
    progress = Progress(quiet=True)
    with state.locked():
        job = new_job([str(task.lake)], state, settings, progress)
        job.spark  # noqa: B018  # started before the clock
        progress.figures.clear()
        with window() as measured:
            found = pipeline.containment_stage(job, pipeline.discover_stage(job))
        plan = pipeline.retention_stage(job, found.datasets, found.edges, found.duplicates)
    return _Ran(measured, found, plan, sum(figure.bytes_read for figure in progress.figures))


class _Hindsight:
    """What could be saved by one who knows what a full run finds."""

    def __init__(self, full: _Ran, prices: RetentionSettings) -> None:
        datasets = full.found.datasets
        self.final = full.plan.total_saving_per_month
        self.sizes = [dataset.bytes for dataset in datasets]
        place = {dataset.id: index for index, dataset in enumerate(datasets)}
        pairs = [(place[parent], place[child]) for parent, child in proven_pairs(full.found)]
        self.parent, self.child = (np.asarray(side, np.int64) for side in zip(*pairs, strict=True))
        worth = worth_of(datasets, prices)
        self.saving, self.price = worth.saving(self.parent, self.child), worth.price
        self.retired = {place[entry.dataset]: entry.saving_per_month for entry in full.plan.retired}

    def ceiling(self, most: int) -> float:
        """The share of the final saving that no exact way exceeds that reads ``most`` bytes.

        Of all datasets that another one holds those are read that save most for their bytes, one of them in part, and
        what they are rebuilt from is free.
        """
        best: dict[int, float] = {}
        for child, saving in zip(self.child.tolist(), self.saving.tolist(), strict=True):
            best[child] = max(best.get(child, 0.0), saving)
        return min(
            1.0, most_that_fits([(saving, self.sizes[child]) for child, saving in best.items()], most) / self.final
        )

    def greedy(self, most: int) -> float:
        """The share that r2d2's order finds if it is given no pair but those of the final plan's retired datasets."""
        kept = np.isin(self.child, list(self.retired)) & (self.saving > 0)
        choices = Choices(self.parent[kept], self.child[kept], self.saving[kept], self.price)
        room = Budget(max_bytes=most).room(self.sizes)
        stars = best_stars(choices, np.zeros(len(self.sizes), bool), room)
        read = {child for star in stars for child in star.children}
        return sum(self.retired[child] for child in read) / self.final


def most_that_fits(items: Sequence[tuple[float, int]], room: float) -> float:
    """The most that fits into a room, in fractions."""
    total = 0.0
    for amount, size in sorted(items, key=lambda item: -item[0] / max(1, item[1])):
        part = min(1.0, room / max(1, size))
        total, room = total + amount * part, room - size * part
    return total


WAY = Way(
    "r2d2-value",
    "r2d2 with max_bytes at shares of what its full run reads, each on a new state; prices as in the demo",
    measure,
)
