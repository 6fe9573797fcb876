"""Guard: can every retired dataset still be given back? What can't be any more for sure is carried over, or comes back.

Where nothing changed, only metadata is looked at (DELETION 4).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from r2d2.errors import NotRetirable, R2D2Error, StateError, Tampered
from r2d2.lake.file_tree import refused, shown
from r2d2.model.receipt import RETIRED, Receipt, Status
from r2d2.model.recipe import Recipe
from r2d2.recovery.catalogs.catalog_tags import ICEBERG
from r2d2.recovery.context import RECOVER_FIRST, Recovery
from r2d2.recovery.guard import frozen
from r2d2.recovery.guard.kept_again import keep_again
from r2d2.recovery.guard.mending import Mending
from r2d2.recovery.moves.pins import as_now
from r2d2.recovery.parents.delta_changes import Cause
from r2d2.recovery.parents.iceberg_changes import with_changes
from r2d2.recovery.parents.older_versions import with_older_versions
from r2d2.recovery.parents.parent_now import ParentNow, Parents
from r2d2.recovery.parents.protection import exposed
from r2d2.recovery.parents.rebinding import adopt, new_recipe, parent_at
from r2d2.recovery.records.receipts import is_unfinished
from r2d2.recovery.restore import restore


class Verdict(StrEnum):
    """What became of a retired dataset.

    ``GOOD``: nothing changed. ``CARRIED``: its recipe was carried over to what its parent holds now. ``RESTORED``: it
    is back. ``ASKED``: a person is to decide. ``HONOURED``: rows that its parent deleted were given up. ``KEPT``: it
    was purged, and is in quarantine again. ``UNSURE``: it could not be told, and nothing was done. ``LOST``: it can't
    be given back.
    """

    GOOD = "good"
    CARRIED = "carried"
    RESTORED = "restored"
    ASKED = "asked"
    HONOURED = "honoured"
    KEPT = "kept"
    UNSURE = "unsure"
    LOST = "lost"


@dataclass(frozen=True)
class Finding:
    """What the guard found about one retirement, and did.

    Attributes:
        what: in words; may be empty for ``GOOD``.
        mended: what of its claims and its recipe was made whole again.
    """

    receipt: str
    dataset: str
    verdict: Verdict
    what: str = ""
    hint: str = ""
    mended: tuple[str, ...] = ()


def guard(recovery: Recovery, now: datetime) -> Iterator[Finding]:
    """Looks after everything that is retired.

    Args:
        now: when it is, UTC.

    Yields:
        a finding for each retired dataset.

    What a crash left half done is ``UNSURE``, and keeps the guard from none of the others.

    Raises:
        StateError: an erasure was begun earlier and is not finished; the state can't be written.
    """
    recovery.require_erased()
    mending, parents, counts = Mending(recovery), Parents(), Counter[str]()
    for receipt in [*recovery.receipts.values()]:
        if is_unfinished(receipt):
            counts[Verdict.UNSURE] += 1
            what = f"something was begun with it and not finished (it is {receipt.status})"
            yield _finding(receipt, Verdict.UNSURE, what, RECOVER_FIRST)
        elif receipt.status in RETIRED:
            finding = _guarded(recovery, receipt, mending, parents, now)
            finding = replace(finding, mended=tuple(mending.said))
            mending.said.clear()
            counts[finding.verdict] += 1
            yield finding
    recovery.journal.append("guarded", looked_at=now.isoformat(), findings=dict(counts))


def _guarded(recovery: Recovery, receipt: Receipt, mending: Mending, parents: Parents, now: datetime) -> Finding:
    try:
        try:
            recipe = mending.recipe(receipt)
        except Tampered as error:
            return _without_recipe(recovery, receipt, error)
        try:
            mending.claims(receipt)
        except NotRetirable as error:  # who retired its parent saw no claim
            return _given_back(recovery, receipt, recipe, parents.now(recipe), str(error))
        return _one(recovery, receipt, recipe, parents, now)
    except StateError:
        raise
    except R2D2Error as error:
        return _finding(receipt, Verdict.UNSURE, str(error), error.hint)
    except OSError as error:
        return _finding(receipt, Verdict.UNSURE, refused(error), "look for rights and space there")


def _one(recovery: Recovery, receipt: Receipt, recipe: Recipe, parents: Parents, now: datetime) -> Finding:
    parent = parents.now(recipe)
    if recipe.parent.format == ICEBERG and parent.intact:
        parent = with_changes(recipe.parent, parent, recovery.dataset_at(recipe.parent.location))
    if parent.good and not receipt.frozen:
        why = exposed(recovery, receipt, recipe, parents)
        return _kept(recovery, receipt, recipe, why) if why else _finding(receipt, Verdict.GOOD)
    if not frozen.is_asked(receipt, parent):
        found = _carried(recovery, receipt, recipe, parent)
        if found:
            adopt(recovery, receipt, found, parent.why)
            why = exposed(recovery, receipt, found, parents)
            if why:
                return _kept(recovery, recovery.receipts[receipt.id], found, why)
            return _finding(receipt, Verdict.CARRIED, f"{parent.why}; it is rebuilt from what is there now")
        if not receipt.frozen and Cause.DELETED not in parent.causes:
            return _given_back(recovery, receipt, recipe, parent, parent.why)
        if not _is_safe(recovery, receipt, recipe, parent):
            return _lost(receipt, parent.why)
        frozen.freeze(recovery, receipt, recipe, parent, now)
    return _asked(recovery, recovery.receipts[receipt.id], now)


def _carried(recovery: Recovery, receipt: Receipt, recipe: Recipe, parent: ParentNow) -> Recipe | None:
    """The recipe on what the parent holds now; None if there is none that is good from then on."""
    if parent.good:
        return recipe
    if not parent.moved_on:
        with suppress(R2D2Error):  # files that were only touched, or copied back, are the same
            same = as_now(recipe)
            return same if Parents().now(same).good else None
    there = parent_at(recovery, recipe.parent.location)
    found = new_recipe(recovery, receipt, recipe, there, parent.intact) if there else None
    return found if found and Parents().now(found).good else None


def _is_safe(recovery: Recovery, receipt: Receipt, recipe: Recipe, parent: ParentNow) -> bool:
    """Whether the rows are in quarantine: what was purged is taken back there while it can be."""
    if receipt.status is not Status.PURGED:
        return True
    if parent.intact:
        keep_again(recovery, receipt, recipe)
        return True
    with with_older_versions(recovery, receipt, recipe) as found:
        if found is not None:
            keep_again(recovery, receipt, found)
        return found is not None


def _kept(recovery: Recovery, receipt: Receipt, recipe: Recipe, why: str) -> Finding:
    """What allowed the purge does not hold any more: a retention was shortened, a tag removed."""
    keep_again(recovery, receipt, recipe)
    return _finding(receipt, Verdict.KEPT, f"{why}; it was purged, and is in quarantine again")


def _asked(recovery: Recovery, receipt: Receipt, now: datetime) -> Finding:
    if not frozen.is_over(receipt, now):
        return _finding(receipt, Verdict.ASKED, frozen.question(receipt), frozen.ASK)
    frozen.honour_late(recovery, receipt)
    return _finding(receipt, Verdict.HONOURED, f"{receipt.frozen}; nobody wanted them back, they were given up")


def _given_back(recovery: Recovery, receipt: Receipt, recipe: Recipe, parent: ParentNow, why: str) -> Finding:
    """What its parent may not hold any more is restored now; where its path is in use, it is kept in quarantine."""
    if not parent.intact and not _is_safe(recovery, receipt, recipe, parent):
        return _lost(receipt, why)
    try:
        done = restore(recovery, recovery.receipts[receipt.id])
    except NotRetirable as error:
        _is_safe(recovery, recovery.receipts[receipt.id], recipe, parent)
        return _finding(receipt, Verdict.KEPT, f"{why}; {error}; it is kept in quarantine", error.hint)
    return _finding(receipt, Verdict.RESTORED, f"{why}; it is back ({done.source})")


def _without_recipe(recovery: Recovery, receipt: Receipt, error: Tampered) -> Finding:
    """A recipe that nobody has any more gives nothing back: what is in quarantine comes back now."""
    if receipt.status is not Status.QUARANTINED:
        return _lost(receipt, str(error), error.hint)
    try:
        restore(recovery, receipt)
    except NotRetirable as failed:
        return _finding(receipt, Verdict.KEPT, f"{error}; {failed}; it is kept in quarantine", failed.hint)
    return _finding(receipt, Verdict.RESTORED, f"{error}; it is back (quarantine)", error.hint)


def _lost(receipt: Receipt, why: str, hint: str = "") -> Finding:
    what = f"{why}; it was purged, and can't be rebuilt any more"
    backup = f"restore {shown(receipt.parent)} from a backup, then guard again"
    return _finding(receipt, Verdict.LOST, what, hint or backup)


def _finding(receipt: Receipt, verdict: Verdict, what: str = "", hint: str = "") -> Finding:
    return Finding(receipt.id, receipt.dataset, verdict, what, hint)
