"""What a report says beyond one plan: the runs before it, and what other limits of time would save."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pyarrow.compute as pc

from r2d2.catalog import lakes, runs
from r2d2.job import Job
from r2d2.model.dataset import Dataset
from r2d2.model.edge import Edge
from r2d2.model.plan import Plan
from r2d2.report.trends import LimitPoint, RunPoint, Trends
from r2d2.retention.context import Context
from r2d2.retention.planner import make_plan
from r2d2.retention.what_if import changed

#: Runs that are looked back at.
_RUNS = 50
#: Limits that are tried, in seconds; and datasets up to which that takes no time to speak of.
_LIMITS = (0.0, 60.0, 600.0, 3600.0, 4 * 3600.0, 86_400.0, math.inf)
_MOST = 500


def trends_of(
    job: Job, datasets: Sequence[Dataset], edges: Sequence[Edge], duplicates: Sequence[tuple[str, ...]], plan: Plan
) -> Trends:
    """Runs on the same lake, and plans at other limits where the lake is small; larger ones: ``plan --what-if``."""
    limits: Iterator[LimitPoint] = iter(())
    if plan.retired and len(datasets) <= _MOST:
        limits = _limits(job, datasets, edges, duplicates, plan)
    return Trends((*_before(job), _point_now(job, datasets, plan)), tuple(limits))


def _before(job: Job) -> Iterator[RunPoint]:
    """Earlier runs that came as far as a plan, the oldest first."""
    found = [run for run in runs.runs(job.state) if run.reached(runs.PLANNED) and run.lake == job.lake]
    earlier = [run for run in found if run.started < job.started and run.run_id != job.run_id]
    for run in sorted(earlier[:_RUNS], key=lambda run: run.started):
        size = pc.sum(job.state.rows("datasets", run.run_id, columns=("bytes",))["bytes"]).as_py() or 0
        funnel = run.funnel
        yield RunPoint(run.run_id, run.started, funnel.datasets, size, funnel.bytes_saved, funnel.money_saved)


def _point_now(job: Job, datasets: Sequence[Dataset], plan: Plan) -> RunPoint:
    size = sum(dataset.bytes for dataset in datasets)
    saved = plan.bytes_retired, plan.total_saving_per_month
    return RunPoint(job.run_id, job.started, len(datasets), size, *saved)


def _limits(
    job: Job, datasets: Sequence[Dataset], edges: Sequence[Edge], duplicates: Sequence[tuple[str, ...]], plan: Plan
) -> Iterator[LimitPoint]:
    """What plans at other limits would save, the shortest first; at its own the plan itself."""
    settings = job.settings.retention
    before = lakes.plan_before(job.state, job.lake, plan.number)
    context = replace(Context.of(job.usages, len(job.roots), before, job.started), run_cost=plan.run_cost)
    for seconds in sorted({*_LIMITS, settings.latency_limit}):
        own = seconds == settings.latency_limit
        at = changed(settings, [f"latency_limit={seconds}"])
        found = plan if own else make_plan(datasets, edges, duplicates, at, context)
        yield LimitPoint(seconds, found.total_saving_per_month, len(found.retired), own)
