"""What a plan is made in, besides datasets, settings and proofs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from r2d2.model import Dataset, Plan
from r2d2.model.usage import Usage


@dataclass(frozen=True)
class Context:
    """What a plan is made in.

    Attributes:
        usage: what is known of datasets besides their bytes, by id.
        previous: the plan before this one; changes of it must be worth it.
        roots: how many roots the lake has. With more than one, ids begin with their alias.
        now: when the plan is made, UTC.
        run_cost: money that the run itself took.
    """

    usage: Mapping[str, Usage] = field(default_factory=dict)
    previous: Plan | None = None
    roots: int = 1
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    run_cost: float = 0.0

    @staticmethod
    def of(usages: Iterable[Usage], roots: int, previous: Plan | None, now: datetime) -> Context:
        """The context of a run."""
        return Context({usage.dataset: usage for usage in usages}, previous, roots, now)

    @property
    def now_ns(self) -> int:
        """Nanoseconds since 1970-01-01 UTC."""
        return int(self.now.timestamp() * 1e9)

    def usage_of(self, dataset: Dataset) -> Usage:
        """What is known of a dataset."""
        return self.usage.get(dataset.id) or Usage(dataset.id)

    def root_of(self, dataset: Dataset) -> str:
        """The alias of the root that it lies in; empty if there is but one."""
        return dataset.id.partition("/")[0] if self.roots > 1 else ""


def with_reads(datasets: Sequence[Dataset], usage: Mapping[str, Usage], window_days: float) -> list[Dataset]:
    """The datasets, with the reads a month that logs tell of them over at least so many days."""
    found = ((name, each.reads) for name, each in usage.items() if each.reads is not None)
    day = timedelta(days=1)
    measured = {name: reads.per_month for name, reads in found if (reads.until - reads.since) / day >= window_days}
    return [replace(d, reads=measured[d.id]) if d.id in measured else d for d in datasets]
