"""A purged dataset is taken back into quarantine: kept from its readers as before, and not dependent on its parent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from r2d2.errors import NotRetirable
from r2d2.lake.file_tree import joined, shown
from r2d2.lake.storage import is_local
from r2d2.model.dataset import Dataset
from r2d2.model.receipt import Receipt
from r2d2.model.recipe import Manifest, Recipe
from r2d2.recovery.context import Recovery
from r2d2.recovery.identity.identity import look_at
from r2d2.recovery.moves.listing import exists, seen_below
from r2d2.recovery.moves.moving import carry, remove_below
from r2d2.recovery.moves.places import Area
from r2d2.recovery.moves.placing import LOG, place, plan_placing
from r2d2.recovery.moves.put_away import Kind, Move, PutAway, Seen
from r2d2.recovery.moves.quarantined import child_facts
from r2d2.recovery.parents.rebinding import dataset_at
from r2d2.recovery.records.receipts import REPLACING
from r2d2.recovery.restore import rebuilt


def keep_again(recovery: Recovery, receipt: Receipt, recipe: Recipe) -> None:
    """Rebuilds a purged dataset into its quarantine. Until the journal says so it is purged; this can be done again.

    What lies there, or beside it, whole, is not rebuilt: its parent may have changed since.

    Raises:
        R2D2Error: it can't be rebuilt, or comes out otherwise than it was.
    """
    area = Area(receipt.root, receipt.id)
    if _holds(recovery, recipe, area.data):
        _said(recovery, receipt, recipe.manifest, {})
        return
    if not is_local(area.data) and not receipt.facts.get("kept"):
        _back(recovery, area)
    if not _holds(recovery, recipe, area.next):
        rebuilt(recovery, recipe, area.next)
    put_again(recovery, receipt, recipe.manifest, area.next)


def _back(recovery: Recovery, area: Area) -> None:
    """What a move that was cut short has put into the quarantine of a store goes back to the others."""
    for file in seen_below(area.data):
        carry(recovery.lake, file.path, area.next + file.path[len(area.data) :])


def put_again(recovery: Recovery, receipt: Receipt, manifest: Manifest, scratch: str, **facts: object) -> None:
    """Puts files of a purged dataset into its quarantine.

    Args:
        scratch: where they are, with the log of a table.
        facts: what else the journal is to say.

    Raises:
        NotRetirable: files that somebody wrote to while it was purged are kept there.
        R2D2Error, OSError: it can't be done.
    """
    area = Area(receipt.root, receipt.id)
    kept = [path for path in receipt.facts.get("kept", ()) if exists(path)]
    if kept:
        raise NotRetirable(f"{shown(kept[0])} was written to while it was purged, and kept", "move it away")
    remove_below(recovery.lake, area.data)  # all that else may lie there is what an earlier try left
    place(recovery.lake, plan_placing(manifest, scratch, area.data, whole=not manifest.is_file))
    _said(recovery, receipt, manifest, facts)


def _holds(recovery: Recovery, recipe: Recipe, place: str) -> bool:
    """Whether a place has all of what a recipe gives."""
    manifest = recipe.manifest
    if manifest.format == "delta" and not exists(joined(place, LOG)):
        return False
    try:
        dataset = dataset_at(manifest, place)
    except OSError:
        return False
    (looked,) = look_at([dataset], recovery.settings.containment, recovery.run).values()
    return not isinstance(looked, str) and looked.identity == manifest.identity


def _said(recovery: Recovery, receipt: Receipt, manifest: Manifest, facts: Mapping[str, object]) -> None:
    """The journal says that a dataset is in quarantine again."""
    area = Area(receipt.root, receipt.id)
    away = _away(receipt, area, manifest)
    child = _child(manifest, receipt.location, area)
    told = {"away": away.to_facts(), "child": child_facts(child), "kind": away.kind, "bytes": child.bytes}
    recovery.journal.append("kept-again", receipt.id, **told, **{REPLACING: False}, **facts)


def _away(receipt: Receipt, area: Area, manifest: Manifest) -> PutAway:
    before = PutAway.from_facts(receipt.facts["away"])
    there = tuple(
        Seen(receipt.location + file.path[len(area.data) :], file.version, file.mark) for file in seen_below(area.data)
    )
    local = is_local(receipt.location)
    whole = local and not manifest.is_file and (bool(before.fence) or any(move.directory for move in before.moves))
    moves = tuple(Move(file.path, area.data + file.path[len(receipt.location) :]) for file in there)
    return PutAway(
        kind=Kind.RENAMED if local else Kind.COPIED,
        location=receipt.location,
        moves=(Move(receipt.location, area.data, directory=True),) if whole else moves,
        seen=there,
        note=before.note,
        note_text=before.note_text,
    )


def _child(manifest: Manifest, location: str, area: Area) -> Dataset:
    """The dataset by the names that its files had before they were put away."""
    found = dataset_at(manifest, area.data)
    files = tuple(
        replace(file, path=joined(location, record.name))
        for file, record in zip(found.files, manifest.files, strict=True)
    )
    return replace(found, location=location, files=files)
