"""What is to be kept and what retired, and why (DESIGN 2). No Spark, no I/O."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Action(StrEnum):
    """What the plan does with a dataset."""

    KEEP = "keep"
    RETIRE = "retire"
    REDIRECT = "redirect"
    COLDER = "colder"
    STOP_PRODUCER = "stop producer"


#: Actions by which a dataset's own bytes go.
GONE = frozenset({Action.RETIRE, Action.REDIRECT})


@dataclass(frozen=True)
class PlannedDataset:
    """One line of the plan.

    Attributes:
        parent: the kept dataset that it is rebuilt from, or that a view in its place reads; None for a kept one.
        saving_per_month: money a month that is saved, net of expected rebuilds; 0 for a kept one.
        rebuild_cost: money for one rebuild (of a redirected one: what an access costs more); for a kept dataset 0.
        rebuild_seconds: seconds for one rebuild (of a redirected one: for one access); for a kept dataset 0.
        reason: why, in money and seconds, for its owner.
        version, parent_version: of the dataset and of its parent, for which this was planned.
        once_cost: money that doing it takes once.
        tier: the storage class that it moves to, where it does.
        changes_if: what would change the decision.
        conditions: what must be approved besides the action itself.
        owner: who is to be asked; empty if unknown.
        could_go: policies, time and money would let it go; the plan as a whole decided.
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
    once_cost: float = 0.0
    tier: str = ""
    changes_if: str = ""
    conditions: tuple[str, ...] = ()
    owner: str = ""
    could_go: bool = False


@dataclass(frozen=True)
class Plan:
    """The retention plan of one run.

    Attributes:
        solver: how it was found.
        optimal: whether it is proven that none is cheaper, with what undoing the plan before costs in the model.
        number: of the plan in its state, from 1; 0 for one that is not kept.
        findings: what a person must decide.
        run_cost: money that the run took which found it.
    """

    datasets: tuple[PlannedDataset, ...]
    total_saving_per_month: float
    bytes_retired: int
    solver: str
    optimal: bool
    currency: str = "USD"
    number: int = 0
    findings: tuple[str, ...] = ()
    run_cost: float = 0.0

    @property
    def once_cost(self) -> float:
        """Money that carrying it out takes once, the run that found it included."""
        return math.fsum((*(entry.once_cost for entry in self.datasets), self.run_cost))

    @property
    def payback_months(self) -> float:
        """Months until what it takes once is saved; infinite if it never is."""
        return self.once_cost / self.total_saving_per_month if self.total_saving_per_month > 0 else math.inf

    @property
    def retired(self) -> tuple[PlannedDataset, ...]:
        """What is to go, in the plan's order: rebuilt on demand, or a view in its place."""
        return tuple(entry for entry in self.datasets if entry.action in GONE)

    @property
    def gone(self) -> frozenset[str]:
        """Ids of what is to go."""
        return frozenset(entry.dataset for entry in self.retired)

    def out_of_date(self, versions: Mapping[str, str]) -> tuple[str, ...]:
        """Datasets that are to go or to move, and of which they or their parents are not what the plan was made for.

        Args:
            versions: of datasets now, by id; those that are not there any more are left out.
        """
        return tuple(
            entry.dataset
            for entry in self.datasets
            if entry.action is not Action.KEEP
            and (
                versions.get(entry.dataset) != entry.version
                or (entry.parent is not None and versions.get(entry.parent) != entry.parent_version)
            )
        )
