"""A purged dataset is taken back into quarantine: kept from its readers as before, and not dependent on its parent."""

from __future__ import annotations

from dataclasses import replace

from r2d2.lake.file_tree import joined
from r2d2.lake.storage import is_local
from r2d2.model.dataset import Dataset
from r2d2.model.receipt import Receipt
from r2d2.model.recipe import Manifest, Recipe
from r2d2.recovery.context import Recovery
from r2d2.recovery.listing import seen_below
from r2d2.recovery.moving import remove_below
from r2d2.recovery.places import Area
from r2d2.recovery.placing import place, plan_placing
from r2d2.recovery.put_away import Kind, Move, PutAway, Seen
from r2d2.recovery.quarantined import child_facts
from r2d2.recovery.rebinding import dataset_at
from r2d2.recovery.restore import rebuilt


def keep_again(recovery: Recovery, receipt: Receipt, recipe: Recipe) -> None:
    """Rebuilds a purged dataset into its quarantine. Until the journal says so it is purged; this can be done again.

    Raises:
        R2D2Error: it can't be rebuilt, or comes out otherwise than it was.
    """
    area = Area(receipt.root, receipt.id)
    rebuilt(recovery, recipe, area.scratch)
    put_again(recovery, receipt, recipe.manifest, area.scratch, replacing=False)


def put_again(recovery: Recovery, receipt: Receipt, manifest: Manifest, scratch: str, **facts: object) -> None:
    """Puts files of a purged dataset into its quarantine.

    Args:
        scratch: where they are, with the log of a table.
        facts: what else the journal is to say.

    Raises:
        R2D2Error, OSError: it can't be done.
    """
    area = Area(receipt.root, receipt.id)
    remove_below(recovery.lake, area.data)  # all that may lie there is what an earlier try left
    place(recovery.lake, plan_placing(manifest, scratch, area.data, whole=not manifest.is_file))
    away = _away(receipt, area, manifest)
    child = _child(manifest, receipt.location, area)
    told = {"away": away.to_facts(), "child": child_facts(child), "kind": away.kind, "bytes": child.bytes}
    recovery.journal.append("kept-again", receipt.id, **told, **facts)


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
