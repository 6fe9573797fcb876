"""People's rows are taken out of a purged dataset: it is rebuilt for the time being, and its recipe made anew."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from r2d2.errors import NotRetirable, R2D2Error
from r2d2.lake.file_tree import joined, shown
from r2d2.model.dataset import Dataset
from r2d2.model.receipt import Receipt
from r2d2.model.recipe import Recipe
from r2d2.recovery.context import Recovery
from r2d2.recovery.erase.match import matching
from r2d2.recovery.erase.swap import NewFile, Swap, swap_files
from r2d2.recovery.erase.words import Words
from r2d2.recovery.erase.write import write_without
from r2d2.recovery.moves.moving import remove_below
from r2d2.recovery.moves.pins import as_now
from r2d2.recovery.moves.places import Area
from r2d2.recovery.parents.rebinding import dataset_at
from r2d2.recovery.rebuild.rebuild import rebuild


def holds_people(recovery: Recovery, recipe: Recipe, words: Words) -> bool:
    """Whether what a recipe reads has rows of people.

    Raises:
        NotRetirable: that is gone, so that it can't be told.
    """
    try:
        pin = as_now(recipe).parent
        found = matching(pin.as_dataset(), words.keys, recovery.settings.containment, recovery.run)
    except R2D2Error as error:
        raise _lost(recipe, error) from error
    return bool(found)


@contextmanager
def rebuilt_rest(recovery: Recovery, receipt: Receipt, recipe: Recipe, words: Words) -> Iterator[Dataset]:
    """The dataset without people's rows, in a scratch place; without files where all rows were theirs.

    Raises:
        NotRetirable: it can't be rebuilt.
        R2D2Error: it can't be written without these rows.
    """
    scratch = Area(receipt.root, f"{receipt.id}.rest").scratch
    written = Area(receipt.root, f"{receipt.id}.written").scratch
    settings, run = recovery.settings.containment, recovery.run
    try:
        for place in (scratch, written):
            remove_below(recovery.lake, place)
        try:
            rebuild(recipe, scratch, settings, run)
        except R2D2Error as error:
            raise _lost(recipe, error) from error
        dataset = dataset_at(recipe.manifest, scratch)
        held = write_without(dataset, matching(dataset, words.keys, settings, run), written, settings, run)
        new = tuple(NewFile(each.place, dataset.files[i].path, 0) for i, each in held.items() if each.place)
        gone = tuple(dataset.files[i].path for i, each in held.items() if not each.place)
        rows = {dataset.files[i].path: each.rows for i, each in held.items() if each.place}
        swap_files(recovery.lake, Swap(new, gone, rows, scratch))
        yield _rest(recipe, dataset, gone, rows)
    finally:
        for place in (scratch, written):
            remove_below(recovery.lake, place)


def _rest(recipe: Recipe, dataset: Dataset, gone: tuple[str, ...], rows: dict[str, int]) -> Dataset:
    """The dataset as it is now."""
    names = {joined(dataset.location, record.name): record for record in recipe.manifest.files}
    files = (file for file in dataset.files if file.path not in gone)
    left = [replace(names[file.path], rows=rows.get(file.path, file.rows or 0)) for file in files]
    manifest = replace(recipe.manifest, files=tuple(left), rows=sum(record.rows for record in left))
    return dataset_at(manifest, dataset.location)


def _lost(recipe: Recipe, error: R2D2Error) -> NotRetirable:
    what = f"it can't be rebuilt, so that nothing can be taken out of it: {error}"
    return NotRetirable(what, f"restore {shown(recipe.parent.dataset)} from a backup, then erase again")
