"""What is to be kept and what retired, and why (DESIGN 2). No Spark, no I/O."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Action(StrEnum):
    """What the plan does with a dataset."""

    KEEP = "keep"
    RETIRE = "retire"


@dataclass(frozen=True)
class PlannedDataset:
    """One line of the plan.

    Attributes:
        parent: the kept dataset that it is rebuilt from; None for a kept one.
        saving_per_month: money a month that retiring it saves, net of expected rebuilds; 0 for a kept one.
        rebuild_cost: money for one rebuild; for a kept dataset 0.
        rebuild_seconds: seconds for one rebuild; for a kept dataset 0.
        reason: why, in money and seconds, for its owner.
    """

    dataset: str
    action: Action
    parent: str | None
    saving_per_month: float
    rebuild_cost: float
    rebuild_seconds: float
    reason: str


@dataclass(frozen=True)
class Plan:
    """The retention plan of one run. ``solver`` says how it was found; ``optimal`` whether that is proven."""

    datasets: tuple[PlannedDataset, ...]
    total_saving_per_month: float
    bytes_retired: int
    solver: str
    optimal: bool
    currency: str = "USD"
