"""How datasets that could go stand with those who decide, as a report says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from r2d2.model.plan import Plan, PlannedDataset
from r2d2.recovery.records.decisions import Decided, Decisions


class Stand(StrEnum):
    """How a dataset that could go stands with those who decide."""

    OPEN = "open"
    APPROVED = "approved"
    REJECTED = "rejected"
    RETIRED = "retired"


class Standing(NamedTuple):
    """How a dataset stands, and what is to be known of an earlier decision."""

    stand: Stand = Stand.OPEN
    note: str = ""


@dataclass(frozen=True)
class Stands:
    """How the datasets of a plan stand.

    Attributes:
        of: by dataset; those that are not among them are open.
        at: when that was looked at, UTC; None where nobody looked.
    """

    of: Mapping[str, Standing] = field(default_factory=dict)
    at: datetime | None = None


NO_STANDS = Stands()


def stands_in(plan: Plan, decisions: Decisions) -> Stands:
    """How each dataset stands that a plan retires."""
    return Stands({entry.dataset: standing(decisions, entry) for entry in plan.retired}, decisions.now)


def standing(decisions: Decisions, entry: PlannedDataset) -> Standing:
    """How a dataset of a plan stands now."""
    decided = decisions.on(entry)
    if decided is Decided.LAPSED:
        review = decisions.newest[entry.dataset]
        word = "approved" if review.approved else "kept"
        return Standing(Stand.OPEN, f"{review.by} had {word} it, and that counts no more: {decisions.lapse(entry)}")
    return Standing(Stand.OPEN if decided is Decided.UNDECIDED else Stand(decided.value))
