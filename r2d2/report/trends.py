"""What reports know beyond one plan: runs before it, and plans at other limits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple


@dataclass(frozen=True)
class RunPoint:
    """A run in figures: what was in the lake, and what its plan would retire; ``started`` in UTC."""

    run_id: str
    started: datetime
    datasets: int
    bytes: int
    bytes_retired: int
    saving_per_month: float


@dataclass(frozen=True)
class LimitPoint:
    """What would be saved if a rebuild might take so many seconds; ``chosen`` is the limit of the plan."""

    seconds: float
    saving_per_month: float
    retired: int
    chosen: bool


class Trends(NamedTuple):
    """What is known beyond the plan: runs on the lake, the oldest first; plans at other limits, the shortest first."""

    growth: tuple[RunPoint, ...] = ()
    limits: tuple[LimitPoint, ...] = ()


NO_TRENDS = Trends()
