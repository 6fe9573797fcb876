"""Restore: a retired dataset is given back, from quarantine at once, or rebuilt from its recipe (DELETION 3)."""

from __future__ import annotations

import time
from dataclasses import dataclass

from r2d2.errors import LakeError, NotRetirable, Tampered
from r2d2.lake.file_tree import joined, shown
from r2d2.lake.storage import absolute, storage_for
from r2d2.model.receipt import RETIRED, UNFINISHED, Receipt, Status
from r2d2.model.recipe import Fidelity, Recipe
from r2d2.recovery.catalogs.catalog_quarantine import bring_back
from r2d2.recovery.claims.claims import ClaimKind
from r2d2.recovery.context import RECOVER_FIRST, Recovery
from r2d2.recovery.moves.bring_back import remove_own
from r2d2.recovery.moves.listing import exists
from r2d2.recovery.moves.moving import remove_below
from r2d2.recovery.moves.pins import copied
from r2d2.recovery.moves.places import Area, root_of
from r2d2.recovery.moves.placing import Placing, is_gone, place, plan_placing, require_free, write_log
from r2d2.recovery.moves.put_away import PutAway
from r2d2.recovery.moves.quarantine import is_whole, seen_now, written_again
from r2d2.recovery.rebuild.rebuild import rebuild
from r2d2.recovery.recipes import recipe_store
from r2d2.recovery.records.receipts import REPLACING
from r2d2.recovery.undo import release

_IN_USE = "give another place with --to, or move what is there"
_NOT_THE_SAME = "its rows are what they were, its files are not"


@dataclass(frozen=True)
class Restored:
    """What a restore gave.

    Attributes:
        path: where the dataset is.
        source: ``quarantine`` or ``recipe``.
        seconds, promised_seconds: that it took, and that the plan said a rebuild may take.
        notes: what its owner should know.
    """

    dataset: str
    path: str
    source: str
    seconds: float
    promised_seconds: float
    notes: tuple[str, ...] = ()


def restore(recovery: Recovery, receipt: Receipt, to: str = "", equal: bool = False) -> Restored:
    """Gives a dataset back.

    Args:
        receipt: of a retirement that is in quarantine, or purged.
        to: another place below a root, where a copy is put; the dataset stays retired then.
        equal: a rebuild that is equal is put in place, too, where it is not the same.

    Raises:
        NotRetirable: its path is in use again, or it is not retired.
        Tampered: what is kept of it is not what was written.
        LakeError: what it is rebuilt from is gone.
    """
    begun = time.monotonic()
    if receipt.facts.get("erasing") or receipt.facts.get(REPLACING):
        raise NotRetirable("rows are being taken out of it", RECOVER_FIRST)
    if receipt.status is Status.RESTORING:
        resume(recovery, receipt)
        receipt = recovery.receipts[receipt.id]
        if receipt.status is Status.RESTORED and not to:
            return _told(recovery, receipt, receipt.location, receipt.facts["source"], begun, ())
    if receipt.status not in RETIRED and not to:
        hint = RECOVER_FIRST if receipt.status in UNFINISHED else "give a copy with --to PATH"
        raise NotRetirable(f"{shown(receipt.dataset)} is {receipt.status}, not retired", hint)
    source = "quarantine" if receipt.status is Status.QUARANTINED else "recipe"
    if to:
        target = _spelled(to)
        notes = _copied(recovery, receipt, target, equal)
    elif source == "quarantine":
        target, notes = receipt.location, _from_quarantine(recovery, receipt)
    else:
        target, notes = receipt.location, _from_recipe(recovery, receipt, equal)
    return _told(recovery, receipt, target, source, begun, notes)


def resume(recovery: Recovery, receipt: Receipt) -> None:
    """Finishes a restore that a crash cut short, or gives it up where it had not begun to change the lake.

    It is given up, too, where something else has come to lie at the old path, or what was put there is gone.

    Raises:
        NotRetirable: an old path is in use again.
    """
    if receipt.facts["source"] == "quarantine":
        away = PutAway.from_facts(receipt.facts["away"])
        goes_on = not any(move.directory and exists(move.source) and exists(move.target) for move in away.moves)
    else:
        goes_on = "placing" in receipt.facts and not is_gone(Placing.from_facts(receipt.facts["placing"]))
    (go_on if goes_on else give_up)(recovery, receipt)


def go_on(recovery: Recovery, receipt: Receipt) -> None:
    """The steps of a restore that is about to change the lake; can be done again from wherever they ended.

    Raises:
        NotRetirable: an old path is in use again.
    """
    if receipt.facts["source"] == "quarantine":
        left = bring_back(recovery, PutAway.from_facts(receipt.facts["away"]))
        if left:
            names = ", ".join(shown(file.wanted) for file in left[:3])
            raise NotRetirable(f"in use again: {names}", f"move it away; what was there is kept: {shown(left[0].path)}")
    else:
        away = PutAway.from_facts(receipt.facts["away"])
        place(recovery.lake, Placing.from_facts(receipt.facts["placing"]))
        remove_own(recovery.lake, away.note, away.note_text)
    release(recovery, receipt)
    recovery.journal.append("restored", receipt.id)


def rebuilt(recovery: Recovery, recipe: Recipe, scratch: str, equal: bool = False) -> tuple[str, ...]:
    """Rebuilds into a scratch place; what does not have the digest that the recipe promises is never put in place.

    Args:
        equal: equal rows are enough, whatever the recipe promises.

    Returns:
        What its owner should know of it.

    Raises:
        Tampered: what was rebuilt is not what the recipe promises.
        LakeError: a file that the recipe reads is gone, or not what it was.
    """
    remove_below(recovery.lake, scratch)
    built = rebuild(recipe, scratch, recovery.settings.containment, recovery.run)
    same, rows = built.identity == recipe.manifest.identity, built.digest == recipe.manifest.digest
    if not (same or (rows and (equal or recipe.fidelity is Fidelity.EQUAL))):
        raise _other(recipe, built.identity, rows)
    if recipe.manifest.format == "delta":
        write_log(recipe.manifest, [file.name for file in recipe.manifest.files], scratch)
    return recipe.lost if same or recipe.fidelity is Fidelity.EQUAL else (*recipe.lost, _NOT_THE_SAME)


def _other(recipe: Recipe, found: str, rows: bool) -> Tampered:
    dataset = shown(recipe.manifest.dataset)
    if rows:  # whatever writes them has changed since: another version of a library, say
        what = f"what was rebuilt of {dataset} has the same rows, but its files are not what they were"
        return Tampered(what, "nothing was put in place; to have it all the same: --accept merely-equal")
    what = f"what was rebuilt of {dataset} is not what was retired: {found}, not {recipe.manifest.identity}"
    return Tampered(what, f"{shown(recipe.parent.dataset)} holds other rows now; nothing was put in place")


def _from_quarantine(recovery: Recovery, receipt: Receipt) -> tuple[str, ...]:
    away = PutAway.from_facts(receipt.facts["away"])
    if written_again(away):
        raise NotRetirable(f"{shown(receipt.location)} is in use", _IN_USE)
    if not seen_now(away, moved=True):
        hint = "give it back from its recipe, to another place: --to PATH"
        raise LakeError(f"{shown(receipt.dataset)}: its quarantine is empty", hint)
    changed = "" if is_whole(away) else "it was written to while it was in quarantine; it comes back as it is now"
    recovery.journal.append("restore-begun", receipt.id, source="quarantine", was=receipt.status.value)
    go_on(recovery, recovery.receipts[receipt.id])
    return (changed,) if changed else ()


def _from_recipe(recovery: Recovery, receipt: Receipt, equal: bool) -> tuple[str, ...]:
    recipe = recipe_store.load(recovery.state, receipt)
    scratch, whole = Area(receipt.root, receipt.id).scratch, _is_whole_directory(receipt)
    if whole and exists(receipt.location):
        raise NotRetirable(f"{shown(receipt.location)} is in use", _IN_USE)
    recovery.journal.append("restore-begun", receipt.id, source="recipe", was=receipt.status.value)
    try:
        notes = rebuilt(recovery, recipe, scratch, equal)
        placing = plan_placing(recipe.manifest, scratch, receipt.location, whole)
        require_free(placing)
    except Exception:
        give_up(recovery, recovery.receipts[receipt.id])
        raise
    recovery.journal.append("restore-placing", receipt.id, placing=placing.to_facts())
    go_on(recovery, recovery.receipts[receipt.id])
    return notes


def give_up(recovery: Recovery, receipt: Receipt) -> None:
    """A restore that has not begun to change the lake ends; the dataset is retired as before."""
    if "placing" in receipt.facts:  # it had come so far that claims may have been released
        for kind, location in ((ClaimKind.RETIRED, receipt.location), (ClaimKind.PARENT, receipt.parent_location)):
            recovery.claims.mend(kind, location, receipt.location, receipt.id)
    remove_below(recovery.lake, Area(receipt.root, receipt.id).scratch)
    recovery.journal.append("restore-undone", receipt.id, status=receipt.facts["was"])


def _spelled(to: str) -> str:
    """A place as it is spelled without links on the way to it."""
    directory, _, name = absolute(to).rstrip("/").rpartition("/")
    return joined(storage_for(to).resolved(directory or "/"), name)


def _copied(recovery: Recovery, receipt: Receipt, target: str, equal: bool) -> tuple[str, ...]:
    """A copy in another place, of which nothing needs to be remembered: it is there, whole, or it is not."""
    recipe = recipe_store.load(recovery.state, receipt)
    scratch = Area(root_of(target, recovery.roots), receipt.id).scratch
    if exists(target):
        raise NotRetirable(f"{shown(target)} is in use", "give a place where nothing is")
    notes: tuple[str, ...] = ()
    try:
        if receipt.status is Status.QUARANTINED:
            _copy_quarantine(recovery, PutAway.from_facts(receipt.facts["away"]), scratch)
        else:
            notes = rebuilt(recovery, recipe, scratch, equal)
        place(recovery.lake, plan_placing(recipe.manifest, scratch, target, whole=not recipe.manifest.is_file))
    finally:
        remove_below(recovery.lake, scratch)
    return notes


def _copy_quarantine(recovery: Recovery, away: PutAway, scratch: str) -> None:
    remove_below(recovery.lake, scratch)
    for file in away.seen:
        name = file.path[len(away.location) + 1 :]
        if file.path == away.location or file.path.startswith(f"{away.location}/"):
            copied(away.moved(file.path), joined(scratch, name))


def _is_whole_directory(receipt: Receipt) -> bool:
    """Whether all that lay at its place was its own, so that its directory goes and comes as one."""
    away = PutAway.from_facts(receipt.facts["away"])
    return any(move.directory for move in away.moves) or bool(away.fence)


def _told(
    recovery: Recovery, receipt: Receipt, path: str, source: str, begun: float, notes: tuple[str, ...]
) -> Restored:
    seconds = time.monotonic() - begun
    recovery.journal.append("restore-took", receipt.id, seconds=seconds, by=source, path=path)
    return Restored(receipt.dataset, path, source, seconds, receipt.promised_seconds, notes)
