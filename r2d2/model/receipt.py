"""What people decided of a plan, and what was done with a dataset (DESIGN 2). No Spark, no I/O."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class Acceptance(StrEnum):
    """What a reviewer may accept besides the retirement itself (DELETION 3 and 4)."""

    UNPROTECTED_PARENT = "unprotected-parent"
    MERELY_EQUAL = "merely-equal"
    HISTORY_LOST = "history-lost"


@dataclass(frozen=True)
class Review:
    """One person's decision on one dataset; the newest one of a dataset counts.

    Attributes:
        dataset: its id.
        approved: else it was rejected.
        by, note: who decided, and why.
        at: when, UTC.
        plan: number of the plan that was looked at.
        version, parent, parent_version: what was approved; another version or parent is another question.
        accepted: see there.
        action, rebuild_seconds, rebuild_cost: as planned then; NaN where unknown.
        lapsed: why it counts no more, at that time; empty while it does.
        content: what tells the dataset's files (``content_of``): a table that was made anew may have its old version
            number. Empty where that was not kept.
        number: of the decision in its state, from 1: clocks don't tell which one is newer. 0 where that was not kept.
        journal: SHA-256 of the journal's last record when an approval was made, empty for none: what was done before
            and after it. None where that was not kept.
        location: where the dataset is; empty where that was not kept.
    """

    dataset: str
    approved: bool
    by: str
    note: str
    at: datetime
    plan: int
    version: str
    parent: str
    parent_version: str
    accepted: frozenset[Acceptance] = frozenset()
    action: str = ""
    rebuild_seconds: float = math.nan
    rebuild_cost: float = math.nan
    lapsed: str = ""
    content: str = ""
    number: int = 0
    journal: str | None = None
    location: str = ""


class Status(StrEnum):
    """How far a retirement is. What ends in ``ing`` was begun; ``r2d2 recover`` finishes or undoes it.

    ``ERASED``: all of its rows were people's who asked for that; nothing is left of it.
    """

    APPLYING = "applying"
    MOVING = "moving"
    UNDONE = "undone"
    QUARANTINED = "quarantined"
    RESTORING = "restoring"
    RESTORED = "restored"
    PURGING = "purging"
    PURGED = "purged"
    ERASED = "erased"


#: A dataset in one of these is not in the lake, and can be given back.
RETIRED = frozenset({Status.QUARANTINED, Status.PURGED})
#: Something was begun, and neither finished nor undone.
UNFINISHED = frozenset({Status.APPLYING, Status.MOVING, Status.RESTORING, Status.PURGING})


@dataclass(frozen=True)
class Receipt:
    """The retirement of one dataset, as the journal tells it.

    Attributes:
        id: of the retirement.
        dataset: id of the child.
        status: see there.
        at: when that was reached, UTC.
        sequence: number of the journal's record by which the dataset last left the lake, or came back to it.
        quarantined_at: when it went into quarantine; None before.
        root: the root that it lies in.
        location: where it was.
        kind: how it is quarantined (``recovery.quarantine``).
        parent, parent_location: what it is rebuilt from now.
        recipe: SHA-256 of its recipe's text; empty before there is one.
        plan, by, note, accepted: of the decision.
        promised_seconds: that a rebuild may take by the plan.
        frozen: why it may not be purged for now, and until when a person is asked; empty for no reason.
        facts: what else the records say, the later ones over the earlier ones.
    """

    id: str
    dataset: str
    status: Status
    at: datetime
    root: str
    location: str
    kind: str = ""
    parent: str = ""
    parent_location: str = ""
    recipe: str = ""
    plan: int = 0
    by: str = ""
    note: str = ""
    accepted: frozenset[Acceptance] = frozenset()
    promised_seconds: float = 0.0
    quarantined_at: datetime | None = None
    frozen: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    sequence: int = 0
