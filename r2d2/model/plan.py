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
        version, parent_version: of the dataset and of its parent, for which this was planned.
    """

    dataset: str
    action: Action
    parent: str | None
    saving_per_month: float
    rebuild_cost: float
    rebuild_seconds: float
    reason: str
    version: str = ""
    parent_version: str = ""


@dataclass(frozen=True)
class Plan:
    """The retention plan of one run.

    Attributes:
        solver: how it was found.
        optimal: whether it is proven that none is cheaper.
        number: of the plan in its state, from 1; 0 for one that is not kept.
    """

    datasets: tuple[PlannedDataset, ...]
    total_saving_per_month: float
    bytes_retired: int
    solver: str
    optimal: bool
    currency: str = "USD"
    number: int = 0

    @property
    def retired(self) -> tuple[PlannedDataset, ...]:
        """What is to be retired, in the plan's order."""
        return tuple(entry for entry in self.datasets if entry.action is Action.RETIRE)
