"""A retired dataset's recipe is carried over to what its parent, or another dataset, holds now (DELETION 4)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from r2d2.errors import LakeError, NotRetirable, Tampered, UnreadableData, UnsupportedData
from r2d2.lake.file_tree import joined, refused
from r2d2.lake.storage import storage_for
from r2d2.model.dataset import DataFile, Dataset, Leaf
from r2d2.model.receipt import Receipt, Status
from r2d2.model.recipe import Fidelity, Manifest, ParentPin, Recipe, RecipeKind
from r2d2.recovery.context import Recovery
from r2d2.recovery.identity.identity import checksums, look_at
from r2d2.recovery.moves.moving import remove_below
from r2d2.recovery.moves.places import Area
from r2d2.recovery.moves.quarantined import quarantined_dataset
from r2d2.recovery.rebuild.prove import tried
from r2d2.recovery.rebuild.rebuild import rebuild
from r2d2.recovery.recipes import recipe_store
from r2d2.recovery.recipes.predicate import from_json
from r2d2.recovery.recipes.pruning import may_hold
from r2d2.recovery.recipes.recipes import candidates, unified


def parent_at(recovery: Recovery, location: str) -> Dataset | None:
    """What lies where a parent was; None if there is no dataset.

    That its data can't be read says nothing of its rows where it was only refused: damage has to be seen twice, in
    files that can be read.

    Raises:
        LakeError: reading was refused.
    """
    there = recovery.dataset_at(location)
    if there is None or there.status != "error":
        return there
    recovery.look_again()
    there = recovery.dataset_at(location)
    if there is not None and there.status == "error":
        for file in there.files:
            _require_readable(file.path)
    return there


def _require_readable(path: str) -> None:
    try:
        with storage_for(path).open(path) as opened:
            opened.read(1)
    except FileNotFoundError:
        return
    except OSError as error:
        raise LakeError(refused(error), "nothing was decided; guard again when it can be read") from error


def new_recipe(recovery: Recovery, receipt: Receipt, recipe: Recipe, parent: Dataset, intact: bool) -> Recipe | None:
    """A recipe that was seen to give the same back from ``parent`` as it is now; None if there is none.

    Args:
        recipe: the one so far.
        intact: that one can still be followed.
    """
    if parent.status != "ok":
        return None
    area = Area(receipt.root, receipt.id)
    for found in _candidates(recovery, receipt, recipe, parent, intact):
        fidelity = given_back(recovery, found, area)
        if fidelity is Fidelity.IDENTICAL or (fidelity is not None and recipe.fidelity is Fidelity.EQUAL):
            return replace(found, fidelity=fidelity, lost=recipe.lost)
    return None


def adopt(
    recovery: Recovery, receipt: Receipt, recipe: Recipe, why: str, event: str = "rebound", **facts: object
) -> None:
    """Makes a recipe the one that is in force. Until the journal says so, the one before is, and still kept.

    Args:
        event: of the record that says so.
        facts: what else it says.
    """
    recipe_store.keep(recovery.state, recovery.lake, Area(receipt.root, receipt.id), recipe)
    recovery.journal.append(
        event,
        receipt.id,
        recipe=recipe.sha256,
        recipe_kind=recipe.kind.value,
        fidelity=recipe.fidelity.value,
        parent=recipe.parent.dataset,
        parent_location=storage_for(recipe.parent.location).resolved(recipe.parent.location),
        parent_version=recipe.parent.version,
        why=why,
        frozen="",
        **facts,
    )


def _candidates(
    recovery: Recovery, receipt: Receipt, recipe: Recipe, parent: Dataset, intact: bool
) -> Iterator[Recipe]:
    """The same selection from the files that are there now, then whatever else gives the dataset's rows."""
    settings, run = recovery.settings.containment, recovery.run
    if recipe.kind is not RecipeKind.ROWS and parent.source is None:
        yield pinned(recovery, _selecting(recipe), parent)
    with _child(recovery, receipt, recipe, intact) as child:
        if child is None:
            return
        (looked,) = look_at([child], settings, run).values()
        if isinstance(looked, str):
            return
        try:
            yield from candidates(child, looked, parent, recipe.manifest, settings, run)
        except NotRetirable:
            return


def _selecting(recipe: Recipe) -> Recipe:
    """The recipe with all rows in the place of copies of files."""
    if not recipe.copies:
        return recipe
    return replace(recipe, manifest=unified(recipe.manifest), copies=(), keeps_order=False)


def pinned(recovery: Recovery, recipe: Recipe, parent: Dataset) -> Recipe:
    """The recipe with its selection from the files that ``parent`` has now."""
    sensitive = recipe.parent.case_sensitive
    places = may_hold(parent.files, from_json(recipe.predicate), sensitive)
    files = tuple(parent.files[place] for place in places)
    known = checksums(files, recovery.settings.containment, recovery.run)
    sums = tuple(known[file.path] for file in files)
    pin = ParentPin(parent.id, parent.location, parent.format, parent.version, files, sums, parent.readers, sensitive)
    return replace(recipe, parent=pin)


def given_back(recovery: Recovery, recipe: Recipe, area: Area) -> Fidelity | None:
    """What a rebuild gives; None where it gives other rows, or can't be done whatever is tried again.

    Raises:
        R2D2Error: a disk or a store refused.
    """
    try:
        return tried(recovery, recipe, area)
    except (NotRetirable, Tampered, UnreadableData, UnsupportedData):
        return None


@contextmanager
def _child(recovery: Recovery, receipt: Receipt, recipe: Recipe, intact: bool) -> Iterator[Dataset | None]:
    """The retired dataset's rows: in quarantine, or rebuilt for the time being; None where neither can be had."""
    if receipt.status is Status.QUARANTINED:
        yield replace(quarantined_dataset(receipt), leaves=leaves_of(recipe))
        return
    if not intact:
        yield None
        return
    scratch = Area(receipt.root, f"{receipt.id}.child").scratch
    remove_below(recovery.lake, scratch)
    try:
        rebuild(recipe, scratch, recovery.settings.containment, recovery.run)
        yield replace(dataset_at(recipe.manifest, scratch), leaves=leaves_of(recipe))
    finally:
        remove_below(recovery.lake, scratch)


def dataset_at(manifest: Manifest, location: str) -> Dataset:
    """The files of a manifest, as they lie at a location, as a dataset.

    Raises:
        OSError: one of them is not there.
    """
    readers = tuple(dict.fromkeys(manifest.readers))
    files = []
    for record in manifest.files:
        now = storage_for(location).stat(joined(location, record.name))
        number = readers.index(manifest.readers[record.header])
        files.append(DataFile(*now, reader=number, rows=record.rows, partition=record.partition))
    return Dataset(
        id=manifest.dataset,
        format=manifest.format,
        location=location,
        version=manifest.version,
        files=tuple(files),
        readers=readers,
        rows=manifest.rows,
        bytes=sum(file.size for file in files),
        partition_columns=manifest.partition_columns,
    )


def leaves_of(recipe: Recipe) -> tuple[Leaf, ...]:
    """The dataset's columns, as what they were compared as."""
    return tuple(Leaf(path, (family,)) for path, family in recipe.projection)
