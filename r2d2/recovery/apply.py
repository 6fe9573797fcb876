"""Apply: what a plan retires and a person approved goes into quarantine, once its way back was tried (DELETION 1-3)."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from r2d2.errors import NotRetirable
from r2d2.lake.file_tree import shown
from r2d2.lake.storage import storage_for
from r2d2.model.dataset import Dataset
from r2d2.model.plan import Action, Plan, PlannedDataset
from r2d2.model.receipt import Acceptance, Review
from r2d2.model.recipe import Fidelity, Recipe
from r2d2.recovery import recipe_store
from r2d2.recovery.claims import ClaimKind
from r2d2.recovery.context import ONE_DATASET, Recovery
from r2d2.recovery.listing import seen_below
from r2d2.recovery.places import Area, root_of
from r2d2.recovery.prove import proven_recipe, take_down
from r2d2.recovery.put_away import PutAway
from r2d2.recovery.quarantine import plan_away, put_away, refuse_changed
from r2d2.recovery.quarantined import child_facts
from r2d2.recovery.reviews import approval
from r2d2.recovery.undo import undo


@dataclass(frozen=True)
class Outcome:
    """What became of one dataset.

    Attributes:
        done: whether it was done; else it is as it was.
        what: what was done, or why not, and what to do about it.
        receipt: id of the retirement; empty if none was begun.
    """

    dataset: str
    done: bool
    what: str
    hint: str = ""
    receipt: str = ""
    bytes: int = 0


def apply(
    recovery: Recovery, plan: Plan, reviews: Sequence[Review], wanted: Callable[[str], bool], dry_run: bool = False
) -> Iterable[Outcome]:
    """Retires the approved datasets of a plan, one after the other; what is wrong with one does not stop the others.

    Args:
        wanted: which datasets, by id.
        dry_run: only says what would be done; nothing is written.

    Yields:
        an outcome for each wanted dataset that the plan retires.

    Raises:
        StateError: something was begun earlier and is not finished; the state can't be written.
    """
    recovery.require_finished()
    for entry in plan.retired:
        if wanted(entry.dataset):
            yield one(recovery, entry, plan.number, reviews, dry_run)


def one(
    recovery: Recovery, entry: PlannedDataset, number: int, reviews: Sequence[Review], dry_run: bool = False
) -> Outcome:
    """Retires one dataset, or says why not."""
    receipt = ""
    try:
        review = approval(entry, reviews)
        child, parent = _both(recovery, entry)
        area = Area(root_of(child.location, recovery.roots), _new_id())
        away = plan_away(child, area, recovery.settings.recovery.objects, review.by)
        if dry_run:
            return Outcome(entry.dataset, False, f"would be retired ({away.kind}), rebuilt from {parent.id}")
        receipt = area.receipt
        _begin(recovery, entry, number, review, area, child, parent)
        return _retired(recovery, child, parent, area, away, review)
    except ONE_DATASET as error:
        if receipt:
            undo(recovery, receipt, str(error))
        return Outcome(entry.dataset, False, str(error), error.hint, receipt)
    except OSError as error:
        if not receipt:
            raise
        reason = f"{shown(error.filename or '')}: {error.strerror or error}"
        undo(recovery, receipt, reason)
        return Outcome(entry.dataset, False, reason, "look for rights and space there", receipt)


def _both(recovery: Recovery, entry: PlannedDataset) -> tuple[Dataset, Dataset]:
    """The dataset and its parent as they are now.

    Raises:
        NotRetirable: one of them is not what the plan was made for, or its files are others' too.
    """
    if entry.action is not Action.RETIRE:
        raise NotRetirable(f"{entry.action} is not done by apply", "put the view in its place, then plan again")
    found = recovery.datasets()
    child, parent = found.get(entry.dataset), found.get(entry.parent or "")
    if child is None or parent is None:
        gone = entry.dataset if child is None else entry.parent
        raise NotRetirable(f"{shown(gone or '')} is not in the lake any more", "plan again")
    if child.version != entry.version:
        raise NotRetirable("it changed since the plan was made", "plan again")
    for dataset in (child, parent):
        if dataset.status != "ok":
            raise NotRetirable(f"{shown(dataset.id)} can't be used: {dataset.error}", "")
    _refuse_shared(child, found.values())
    return child, parent


def _refuse_shared(child: Dataset, datasets: Iterable[Dataset]) -> None:
    """A file that another dataset holds or refers to is not ours to take away (EXACTNESS 1)."""
    if not child.retirable:
        raise NotRetirable("a view has no bytes of its own", "")
    own = {file.identity for file in child.files}
    for other in datasets:
        if other.id != child.id and (
            other.id in child.shared_with or child.id in other.shared_with or own.intersection(other.pins)
        ):
            raise NotRetirable(f"{shown(other.id)} holds some of its files, or refers to them", "keep it")
    if child.shared_with:
        raise NotRetirable(f"{shown(child.shared_with[0])} holds some of its files, or refers to them", "keep it")


def _begin(
    recovery: Recovery,
    entry: PlannedDataset,
    number: int,
    review: Review,
    area: Area,
    child: Dataset,
    parent: Dataset,
) -> None:
    """The journal's first record, and the claims; then it is looked whether anybody else's stand against them.

    Claims on a parent lie where all find them, whatever links they took to it.
    """
    parent_location = storage_for(parent.location).resolved(parent.location)
    recovery.journal.append(
        "apply-begun",
        area.receipt,
        dataset=child.id,
        names=list(child.names),
        version=child.version,
        root=area.root,
        location=child.location.rstrip("/"),
        parent=parent.id,
        parent_location=parent_location,
        plan=number,
        by=review.by,
        note=review.note,
        accepted=sorted(review.accepted),
        promised_seconds=entry.rebuild_seconds,
        saving_per_month=entry.saving_per_month,
    )
    recovery.claims.make(ClaimKind.RETIRED, child.location, child.location, area.receipt)
    recovery.claims.make(ClaimKind.PARENT, parent_location, child.location, area.receipt)
    recovery.claims.refuse_taken(child.location, parent_location, area.receipt)


def _retired(recovery: Recovery, child: Dataset, parent: Dataset, area: Area, away: PutAway, review: Review) -> Outcome:
    taken = take_down(recovery, child, seen_below(away.location))
    refuse_changed(away)
    recipe = proven_recipe(recovery, taken, parent, area)
    if recipe.fidelity is Fidelity.EQUAL and Acceptance.MERELY_EQUAL not in review.accepted:
        hint = "approve it with --accept merely-equal, or keep it"
        raise NotRetirable("what would come back is equal, and not the same", hint)
    recovery.journal.append("recipe-written", area.receipt, recipe=recipe.sha256, kind=away.kind, **_of(recipe))
    recipe_store.keep(recovery.state, recovery.lake, area, recipe)
    recovery.journal.append("quarantine-begun", area.receipt, away=away.to_facts(), child=child_facts(child))
    put_away(recovery.lake, away)
    recovery.journal.append("quarantined", area.receipt, bytes=child.bytes)
    what = f"in quarantine ({away.kind}); rebuilt from {parent.id} by {describe(recipe)}"
    return Outcome(child.id, True, what, receipt=area.receipt, bytes=child.bytes)


def describe(recipe: Recipe) -> str:
    """The recipe in a few words."""
    size = f"{recipe.size:,} bytes"
    same = "the same data" if recipe.fidelity is Fidelity.IDENTICAL else "equal data"
    order = "in its order" if recipe.keeps_order else "rows in any order"
    return f"a recipe of kind {recipe.kind} ({size}; {same}, {order})"


def _of(recipe: Recipe) -> dict[str, object]:
    return {
        "recipe_kind": recipe.kind.value,
        "fidelity": recipe.fidelity.value,
        "lost": list(recipe.lost),
        "parent_version": recipe.parent.version,
    }


def _new_id() -> str:
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:8]}"
