"""R2D2: a first run, a second one with nothing changed, and a third after 1% of the datasets changed."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from benchmarks.changes import change_some
from benchmarks.meter import Window, window
from benchmarks.task import Finding, Task, Way
from benchmarks.truth import Pair
from r2d2 import pipeline
from r2d2.catalog import runs
from r2d2.catalog.state import State, open_state
from r2d2.config import Settings
from r2d2.contained import Contained
from r2d2.job import new_job
from r2d2.lake.workers import Workers
from r2d2.progress import Progress


@dataclass
class _Ran:
    """One run: what it took, what it found, and its stages."""

    window: Window
    found: Contained
    notes: dict[str, Any]


def measure(task: Task) -> list[Finding]:
    """The three runs on one state, one Spark session; the clock runs from its being up to edges written."""
    lake = linked(task.lake, task.scratch / "lake")
    state = open_state(str(task.scratch / "state"), create=True)
    settings = Settings()
    with state.locked():
        with window() as starting:
            job = new_job([str(lake)], state, settings, Progress(quiet=True))
            session = job.spark
        with window() as warming:
            Workers(session).map_tasks(_warm_tasks(task.threads), _warm, _WARM)
        first = _run(lake, state, settings)
        first.notes |= {"start_spark": starting.seconds, "warm_workers": warming.seconds}
        findings = [Finding("r2d2", first.window, proven_pairs(first.found), notes=first.notes)]
        again = _run(lake, state, settings)
        findings.append(Finding("r2d2-again", again.window, proven_pairs(again.found), notes=again.notes))
        changed = change_some(task, lake)
        third = _run(lake, state, settings)
        third.notes["changed"] = len(changed.ids)
        findings.append(
            Finding("r2d2-changed", third.window, proven_pairs(third.found), changed.home, notes=third.notes)
        )
    return findings


def linked(lake: Path, target: Path) -> Path:
    """The lake under another name, by hard links: what changes there leaves the lake as it is."""
    for directory, _, names in os.walk(lake):
        copy = target / Path(directory).relative_to(lake)
        copy.mkdir(parents=True)
        for name in names:
            os.link(Path(directory) / name, copy / name)
    return target


def _run(lake: Path, state: State, settings: Settings) -> _Ran:
    progress = Progress(quiet=True)
    job = new_job([str(lake)], state, settings, progress)
    job.spark  # noqa: B018  # the session is up already; the job takes it
    progress.figures.clear()
    with window() as measured:
        datasets = pipeline.discover_stage(job)
        found = pipeline.containment_stage(job, datasets)
        job.record(runs.CONTAINED)
    stages = {f.name: {"seconds": f.seconds, "bytes": f.bytes_read, "files": f.files_read} for f in progress.figures}
    funnel = json.loads(job.funnel.to_json())
    notes: dict[str, Any] = {"stages": stages, "funnel": {k: v for k, v in funnel.items() if k != "stages"}}
    notes["lake_bytes_read"] = sum(figure.bytes_read for figure in progress.figures)
    return _Ran(measured, found, notes)


def proven_pairs(found: Contained) -> Iterator[Pair]:
    """Every proven pair."""
    return ((edge.parent, edge.child) for edge in found.all_pairs())


_WARM = pa.schema([("task", pa.int32())])


def _warm_tasks(threads: int) -> pa.Table:
    return pa.table({"task": pa.array(range(threads), pa.int32())})


def _warm(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Makes a worker import what the kernels need."""
    import r2d2.catalog.summaries
    import r2d2.containment.join
    import r2d2.containment.scan_groups  # noqa: F401

    yield from batches


WAY = Way(
    "r2d2",
    "r2d2's defaults on local Spark; from the session being up, workers warm, to edges written; no plan, no report",
    measure,
)
