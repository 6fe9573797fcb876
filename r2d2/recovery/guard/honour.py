"""A deletion in the parent is honoured: a retired dataset gives up the rows that its parent lost (DELETION 4).

What is left is selected from the parent as it is now, and lies whole beside the quarantine before that is removed: at
no moment do the rows that stay depend on the parent. What a crash cuts short ``r2d2 recover`` goes on with.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from r2d2.errors import NotRetirable
from r2d2.lake.file_tree import shown
from r2d2.model.dataset import Dataset
from r2d2.model.names import fold
from r2d2.model.receipt import Receipt, Status
from r2d2.model.recipe import FileRecord, Manifest, Recipe, RecipeKind, units
from r2d2.recovery import purge
from r2d2.recovery.context import Recovery
from r2d2.recovery.guard.kept_again import keep_again
from r2d2.recovery.moves.moving import remove_below
from r2d2.recovery.moves.places import Area
from r2d2.recovery.moves.put_away import PutAway
from r2d2.recovery.moves.quarantined import quarantined_dataset
from r2d2.recovery.parents.rebinding import adopt, given_back, leaves_of, pinned
from r2d2.recovery.rebuild.rebuild import rebuild
from r2d2.recovery.recipes import recipe_store
from r2d2.recovery.recipes.matching import held_rows
from r2d2.recovery.records.receipts import REPLACING
from r2d2.recovery.restore import rebuilt

_NOTHING = "nothing of it would be left"
_HINT = "decide restore, or leave it in quarantine"


def honour(recovery: Recovery, receipt: Receipt) -> None:
    """Removes the rows that the parent lacks from quarantine and recipe.

    Raises:
        NotRetirable: it can't be done; nothing was changed.
        R2D2Error: a step failed; ``r2d2 recover`` goes on from there.
    """
    if receipt.status is not Status.QUARANTINED:
        raise NotRetirable(f"{shown(receipt.dataset)} is not in quarantine", _HINT)
    gone = purge.to_remove(PutAway.from_facts(receipt.facts["away"]))
    purge.refuse_other_readers(recovery, receipt)
    left = _left(recovery, receipt, recipe_store.load(recovery.state, receipt))
    rebuilt(recovery, left, Area(receipt.root, receipt.id).next)
    why = "rows that its parent lost were given up"
    adopt(recovery, receipt, left, why, event="purge-begun", **{REPLACING: True}, gone=gone)
    go_on(recovery, recovery.receipts[receipt.id])


def go_on(recovery: Recovery, receipt: Receipt) -> None:
    """The steps after the new recipe came into force; can be done again from wherever they ended."""
    if receipt.status is Status.PURGING:
        purge.go_on(recovery, receipt)
        receipt = recovery.receipts[receipt.id]
    recipe_store.forget_others(recovery.state, receipt.id, receipt.recipe)
    keep_again(recovery, receipt, recipe_store.load(recovery.state, receipt))


def _left(recovery: Recovery, receipt: Receipt, recipe: Recipe) -> Recipe:
    """A recipe of what the parent still has, seen to give that."""
    parent = recovery.dataset_at(recipe.parent.location)
    if parent is not None and parent.status == "empty":
        raise NotRetirable(f"{shown(receipt.dataset)}: {_NOTHING}", _HINT)
    if parent is None or parent.status != "ok" or parent.source is not None:
        raise NotRetirable(f"{shown(recipe.parent.dataset)} can't be read", _HINT)
    _refuse_lacking(recipe, parent)
    child = replace(quarantined_dataset(receipt), leaves=leaves_of(recipe))
    settings = recovery.settings.containment
    members = units(recipe.manifest)
    held, rows = held_rows(child, members, parent, recipe.projection, settings, recovery.run)
    if not sum(rows):
        raise NotRetirable(f"{shown(receipt.dataset)}: {_NOTHING}", _HINT)
    listed = _listed(recovery, recipe, parent, _cut(recipe.manifest, members, rows), [h for h in held if h])
    built = _built(recovery, receipt, listed)
    if recipe.kind is RecipeKind.ROWS or recipe.copies:
        return built
    selected = replace(built, kind=recipe.kind, predicate=recipe.predicate, rows=(), keeps_order=recipe.keeps_order)
    selected = pinned(recovery, selected, parent)
    return selected if given_back(recovery, selected, Area(receipt.root, receipt.id)) is recipe.fidelity else built


def _refuse_lacking(recipe: Recipe, parent: Dataset) -> None:
    """Raises if a column of the dataset is gone from its parent: no row could be told from a deleted one.

    Raises:
        NotRetirable: names it.
    """
    sensitive = recipe.parent.case_sensitive
    held = {fold(leaf.path, sensitive) for leaf in parent.leaves}
    for path, _ in recipe.projection:
        if fold(path, sensitive) not in held:
            what = f"{shown(parent.id)} has no column {shown('.'.join(path))} any more: what it deleted can't be told"
            raise NotRetirable(what, _HINT)


def _cut(manifest: Manifest, members: Sequence[Sequence[int]], rows: Sequence[int]) -> Manifest:
    """The manifest with so many rows in each unit: files keep theirs while there are any; those without go."""
    files: list[FileRecord] = []
    for unit, kept in zip(members, rows, strict=True):
        for record in (manifest.files[index] for index in unit):
            own = min(record.rows, kept)
            kept -= own
            files += [replace(record, rows=own)] if own else []
    left = {"", *(directory for file in files for directory in _above(file.directory))}
    modes = tuple((name, mode) for name, mode in manifest.modes if name in left)
    return replace(manifest, files=tuple(files), rows=sum(rows), modes=modes)


def _above(directory: str) -> Iterator[str]:
    """A directory, and those that it lies in."""
    while directory:
        yield directory
        directory = directory.rpartition("/")[0]


def _listed(
    recovery: Recovery, recipe: Recipe, parent: Dataset, manifest: Manifest, held: Sequence[dict[int, str]]
) -> Recipe:
    """The recipe of the rows that the parent has."""
    places = sorted({place for unit in held for place in unit})
    numbers = {place: number for number, place in enumerate(places)}
    rows = tuple({numbers[place]: text for place, text in sorted(unit.items())} for unit in held)
    files = tuple(parent.files[place] for place in places)
    whole = pinned(recovery, replace(recipe, predicate=""), replace(parent, files=files))
    return replace(
        whole, kind=RecipeKind.ROWS, manifest=manifest, predicate="", copies=(), rows=rows, keeps_order=False
    )


def _built(recovery: Recovery, receipt: Receipt, recipe: Recipe) -> Recipe:
    """The recipe with the manifest of what it gives."""
    scratch = Area(receipt.root, receipt.id).scratch
    remove_below(recovery.lake, scratch)
    try:
        built = rebuild(recipe, scratch, recovery.settings.containment, recovery.run)
    finally:
        remove_below(recovery.lake, scratch)
    size = sum(file.size for file in built.files)
    manifest = replace(recipe.manifest, files=built.files, identity=built.identity, digest=built.digest, bytes=size)
    return replace(recipe, manifest=manifest)
