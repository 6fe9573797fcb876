"""Before a parent of retired datasets is retired itself, their recipes move to another dataset that is kept."""

from __future__ import annotations

from r2d2.errors import NotRetirable
from r2d2.lake.file_tree import shown
from r2d2.lake.storage import storage_for
from r2d2.model.dataset import Dataset
from r2d2.model.receipt import RETIRED, Receipt
from r2d2.model.recipe import Recipe
from r2d2.recovery.claims.claims import ClaimKind
from r2d2.recovery.context import Recovery
from r2d2.recovery.parents.parent_now import Parents
from r2d2.recovery.parents.protection import exposed
from r2d2.recovery.parents.rebinding import adopt, new_recipe
from r2d2.recovery.recipes import recipe_store


def rehome(recovery: Recovery, child: Dataset, new_parent: Dataset) -> list[str]:
    """Moves the recipes of all that is rebuilt from a dataset to another one, each by a fresh proof; all or none.

    Args:
        child: what is to be retired.
        new_parent: what it will be rebuilt from.

    Returns:
        Ids of the datasets whose recipes moved.

    Raises:
        NotRetirable: one of them can't be rebuilt from ``new_parent``, or was retired with another state.
    """
    location, target = map(_resolved, (child, new_parent))
    own = [r for r in recovery.receipts.values() if r.status in RETIRED and r.parent_location == location]
    _drop_stale(recovery, location, {receipt.id for receipt in own})
    found = [(receipt, _proven(recovery, receipt, child, new_parent)) for receipt in own]
    for receipt, recipe in found:
        recovery.claims.make(ClaimKind.PARENT, target, receipt.location, receipt.id)
        recovery.claims.refuse_taken(receipt.location, target, receipt.id)
        adopt(recovery, receipt, recipe, f"{child.id} is retired")
        recovery.claims.release(location, receipt.id)
    return [receipt.dataset for receipt in own]


def _resolved(dataset: Dataset) -> str:
    """Where every state looks for claims on a dataset."""
    return storage_for(dataset.location).resolved(dataset.location)


def _drop_stale(recovery: Recovery, location: str, own: set[str]) -> None:
    """Removes claims of this state that a move which was cut short has left.

    Raises:
        NotRetirable: another state rebuilds something from the dataset.
    """
    known = recovery.receipts
    for claim in recovery.claims.on(location):
        if claim.kind is not ClaimKind.PARENT or claim.receipt in own:
            continue
        moved = claim.receipt in known and known[claim.receipt].status in RETIRED
        if claim.state != recovery.claims.id or not moved:
            what = f"{shown(claim.child)} is rebuilt from it (state {shown(claim.said)})"
            raise NotRetirable(f"{shown(location)} is claimed: {what}", "restore that one first, or keep this one")
        recovery.claims.release(location, claim.receipt)


def _proven(recovery: Recovery, receipt: Receipt, child: Dataset, new_parent: Dataset) -> Recipe:
    if receipt.frozen:  # the question would be forgotten, and the deleted rows come back by themselves
        what = f"a person is asked about {shown(receipt.dataset)}, which is rebuilt from it: {shown(receipt.frozen)}"
        raise NotRetirable(what, "decide that first: `r2d2 guard --decide honour|restore DATASET --by NAME`")
    recipe = recipe_store.load(recovery.state, receipt)
    intact = Parents().now(recipe).intact
    found = new_recipe(recovery, receipt, recipe, new_parent, intact)
    if found is None:
        what = f"{shown(receipt.dataset)} is rebuilt from {shown(child.id)}, and can't be from {shown(new_parent.id)}"
        raise NotRetirable(what, "restore that one first, or keep this one")
    why = exposed(recovery, receipt, found, Parents())
    if why:
        what = f"{shown(receipt.dataset)} was purged, and would be rebuilt from {shown(new_parent.id)}: {why}"
        raise NotRetirable(what, "restore that one first, or keep this one")
    return found
