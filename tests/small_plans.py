"""Plans of two or three datasets."""

from __future__ import annotations

from datetime import UTC, datetime

from r2d2.config import RetentionSettings
from r2d2.model import Dataset, Edge, Grade, Plan, PlannedDataset
from r2d2.model.usage import Usage
from r2d2.retention.context import Context
from r2d2.retention.planner import make_plan

GB = 2**30


NOW = datetime(2026, 6, 1, tzinfo=UTC)


SETTINGS = RetentionSettings()


def dataset(name: str, gigabytes: float = 10, **fields: object) -> Dataset:
    given = {"rows": int(gigabytes * 100), "modified_ns": 0, **fields}
    return Dataset(name, "parquet", f"/lake/{name}", "v1", bytes=int(gigabytes * GB), **given)  # type: ignore[arg-type]


PAIR = [dataset("whole", 30), dataset("part", 10)]


def plan_of(
    datasets: list[Dataset],
    *usage: Usage,
    groups: list[tuple[str, ...]] | None = None,
    settings: RetentionSettings = SETTINGS,
    previous: Plan | None = None,
    roots: int = 1,
) -> Plan:
    """The first holds all others, unless groups say that they are equal."""
    first, *others = datasets
    edges = [] if groups else [Edge(first.id, d.id, Grade.PROVEN, 1, 2, False, "join", "") for d in others]
    context = Context({u.dataset: u for u in usage}, previous, roots, NOW)
    return make_plan(datasets, edges, groups or [], settings, context)


def actions(plan: Plan) -> dict[str, str]:
    return {line.dataset: line.action.value for line in plan.datasets}


def line(plan: Plan, name: str) -> PlannedDataset:
    return next(line for line in plan.datasets if line.dataset == name)
