"""R2D2 with limits: how much of the final saving a run finds that may read only a part of what a full run reads.

A full run, and runs with ``max_bytes``, each on a state of its own, one Spark session. What is saved is what the plan
saves. The ceiling is what no way that proves exactly can exceed: whatever is retired has to be read, and its saving
is at most what metadata says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from benchmarks.meter import Window, window
from benchmarks.task import Finding, Task, Way
from benchmarks.ways.product import proven_pairs
from r2d2 import pipeline
from r2d2.catalog.state import open_state
from r2d2.config import Settings
from r2d2.containment.funnel import Containments
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
    found: Containments
    plan: Plan
    read: int


def measure(task: Task) -> list[Finding]:
    """The full run, and one for each limit."""
    prices = replace(Settings().retention, storage_price_factor=_PRICE_FACTOR)
    settings = replace(Settings(), retention=prices)
    full = _run(task, "full", settings)
    lake = sum(dataset.bytes for dataset in full.found.datasets)
    limits = {f"{share:.0%}": int(full.read * share) for share in SHARES}
    limits[f"{_OF_LAKE:.0%} of the lake"] = int(lake * _OF_LAKE)
    notes = {"lake": lake, "bytes": full.read, "read": full.read, "saving": full.plan.total_saving_per_month}
    findings = [Finding("r2d2-value", full.window, proven_pairs(full.found), notes=notes)]
    for name, most in limits.items():
        limited = replace(settings, containment=replace(settings.containment, max_bytes=most))
        ran = _run(task, name.replace(" ", "-"), limited)
        told = _told(full, ran, most, prices)
        findings.append(Finding(f"r2d2-value {name}", ran.window, None, complete=False, notes=told))
    return findings


def _run(task: Task, name: str, settings: Settings) -> _Ran:
    state = open_state(str(task.scratch / f"state-{name}"), create=True)
    progress = Progress(quiet=True)
    with state.locked():
        job = pipeline.new_job([str(task.lake)], state, settings, progress)
        job.spark  # noqa: B018  # started before the clock
        progress.figures.clear()
        with window() as measured:
            found = pipeline.containment_stage(job, pipeline.discover_stage(job))
        plan = pipeline.retention_stage(job, found.datasets, found.edges, found.duplicates)
    return _Ran(measured, found, plan, sum(figure.bytes_read for figure in progress.figures))


def _told(full: _Ran, ran: _Ran, most: int, prices: Any) -> dict[str, Any]:
    final = full.plan.total_saving_per_month
    return {
        "max_bytes": most,
        "read": ran.read,
        "saving": ran.plan.total_saving_per_month,
        "share": ran.plan.total_saving_per_month / final if final else 1.0,
        "ceiling": ceiling(full.found, final, most, prices),
    }


def ceiling(found: Containments, final: float, most: int, prices: Any) -> float:
    """The share of the final saving that no exact way exceeds that reads ``most`` bytes.

    Of the datasets that another one holds those are read that save most for their bytes, one of them in part, and
    what they are rebuilt from is free.
    """
    place = {dataset.id: index for index, dataset in enumerate(found.datasets)}
    saving: dict[int, float] = {}
    worth = worth_of(found.datasets, prices)
    for parent, child in proven_pairs(found):
        one, other = place[parent], place[child]
        amount = float(worth.saving(np.asarray([one]), np.asarray([other]))[0])
        saving[other] = max(saving.get(other, 0.0), amount)
    items = [(amount, found.datasets[index].bytes) for index, amount in saving.items() if amount > 0]
    return min(1.0, _most(items, most) / final) if final else 1.0


def _most(items: Sequence[tuple[float, int]], room: float) -> float:
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
