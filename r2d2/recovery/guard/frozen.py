"""Rows that a retired dataset holds were deleted in its parent: nothing comes back by itself, a person is asked.

Until somebody decides, or the deadline has passed, the dataset stays in quarantine and is not purged (DELETION 4).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from r2d2.errors import NotRetirable, UsageError
from r2d2.lake.file_tree import shown
from r2d2.model.receipt import Receipt
from r2d2.model.recipe import Recipe
from r2d2.recovery.context import Recovery
from r2d2.recovery.guard.honour import honour
from r2d2.recovery.parents.delta_changes import Cause
from r2d2.recovery.parents.parent_now import ParentNow, Parents
from r2d2.recovery.recipes import recipe_store
from r2d2.recovery.restore import Restored, restore

#: What is asked: are the deleted rows given up, or does the dataset come back with them?
HONOUR, RESTORE = "honour", "restore"
_DEADLINE = "deadline"
ASK = "decide with `r2d2 guard --decide honour|restore DATASET --by NAME --state DIR`"


def freeze(recovery: Recovery, receipt: Receipt, recipe: Recipe, parent: ParentNow, now: datetime) -> None:
    """Stops the purge of a dataset, and says until when a person is asked.

    There is no deadline where rows were changed, too: giving those up is nothing that a deletion asks for.
    """
    only_deleted = set(parent.causes) <= {Cause.DELETED, Cause.COMPACTED}
    until = receipt.facts.get("frozen_until") if receipt.frozen else None
    if until is None:
        until = (now + timedelta(days=recovery.settings.recovery.honour_days)).isoformat()
    recovery.journal.append(
        "frozen",
        receipt.id,
        frozen=f"rows that it holds were deleted{'' if only_deleted else ' or changed'} in {recipe.parent.dataset}",
        frozen_until=until if only_deleted else "",
        frozen_version=parent.version,
        frozen_causes=list(parent.causes),
        decided_by="",
    )


def is_asked(receipt: Receipt, parent: ParentNow) -> bool:
    """Whether the question was asked already, and the parent is as it was then."""
    asked = receipt.facts.get("frozen_version"), receipt.facts.get("frozen_causes")
    return bool(receipt.frozen) and asked == (parent.version, list(parent.causes))


def is_over(receipt: Receipt, now: datetime) -> bool:
    """Whether nobody has answered until the deadline."""
    until = receipt.facts.get("frozen_until", "")
    return bool(receipt.frozen and until) and now >= datetime.fromisoformat(until)


def question(receipt: Receipt) -> str:
    """What is asked, in words."""
    until = receipt.facts.get("frozen_until", "")
    then = f"after {until[:10]} the deletion is honoured" if until else "rows were changed, too, so that it waits"
    return f"{shown(receipt.frozen)}; it stays in quarantine ({then})"


def decide(recovery: Recovery, receipt: Receipt, decision: str, by: str) -> Restored | None:
    """Carries out what a person decided about deleted rows: honour the deletion, or restore the dataset with them.

    Returns:
        What came back; None where rows were given up.

    Raises:
        UsageError: nobody decided, or there is nothing to decide.
        NotRetirable: it can't be done now; nothing was changed.
    """
    if not by.strip():
        raise UsageError("--by: a decision is somebody's", "give a name")
    if decision not in (HONOUR, RESTORE):
        raise UsageError(f"--decide: {decision!r} is none of honour, restore", "give one of both")
    if not receipt.frozen:
        raise UsageError(
            f"{shown(receipt.dataset)}: nothing is to be decided", "`r2d2 guard --state DIR` tells what is"
        )
    if decision == HONOUR:
        _refuse_more(recovery, receipt)
    recovery.journal.append("decided", receipt.id, decision=decision, decided_by=by.strip())
    if decision == RESTORE:
        return restore(recovery, recovery.receipts[receipt.id])
    honour(recovery, recovery.receipts[receipt.id])
    return None


def _refuse_more(recovery: Recovery, receipt: Receipt) -> None:
    """Raises if more was done to the parent than who decides was told: rows would be given up that nobody deleted.

    Raises:
        NotRetirable: it was written anew, say, since the guard looked.
    """
    now = Parents().now(recipe_store.load(recovery.state, receipt)).causes
    if set(now) - {Cause.DELETED, Cause.COMPACTED, *receipt.facts.get("frozen_causes", ())}:
        what = f"{shown(receipt.parent)} was not only deleted from since that was asked: its rows were changed, too"
        raise NotRetirable(what, "`r2d2 guard --state DIR` looks again, and asks anew")


def honour_late(recovery: Recovery, receipt: Receipt) -> None:
    """What is done when nobody has answered until the deadline.

    Raises:
        NotRetirable: it can't be done now; nothing was changed.
    """
    if receipt.facts.get("decided_by") != _DEADLINE:  # it may have failed before
        recovery.journal.append("decided", receipt.id, decision=HONOUR, decided_by=_DEADLINE)
    honour(recovery, recovery.receipts[receipt.id])
