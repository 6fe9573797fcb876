"""Files of a recipe that were overwritten or deleted in a bucket that keeps older versions, while it is followed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from r2d2.errors import UnreadableData
from r2d2.lake.file_tree import joined
from r2d2.lake.object_versions import can_be_told, version_with
from r2d2.lake.storage import is_local, storage_for
from r2d2.model.dataset import DataFile
from r2d2.model.receipt import Receipt
from r2d2.model.recipe import Recipe
from r2d2.recovery.context import Recovery
from r2d2.recovery.moves.moving import remove_below
from r2d2.recovery.moves.pins import as_now
from r2d2.recovery.moves.places import Area
from r2d2.recovery.parents.file_checks import differing


@contextmanager
def with_older_versions(recovery: Recovery, receipt: Receipt, recipe: Recipe) -> Iterator[Recipe | None]:
    """The recipe, reading copies of what its files were; None where some of that is gone for good.

    Files that were only touched, or copied back, are read where they are.

    Raises:
        LakeError: the store does not say what it keeps, or does not give it.
    """
    scratch = Area(receipt.root, f"{receipt.id}.parent").scratch
    remove_below(recovery.lake, scratch)
    try:
        yield _same(recipe) or _copied(recovery, recipe, scratch)
    finally:
        remove_below(recovery.lake, scratch)


def _same(recipe: Recipe) -> Recipe | None:
    try:
        return as_now(recipe)
    except UnreadableData:
        return None


def _copied(recovery: Recovery, recipe: Recipe, scratch: str) -> Recipe | None:
    pin = recipe.parent
    gone = set(differing(pin.files, pin.location))
    if not _is_told(scratch) or any(file.vector or not _is_told(file.path) for file in pin.files if file.path in gone):
        return None
    versions = {file.path: version_with(file.path, file.tag) for file in pin.files if file.path in gone}
    if gone != {path for path, version in versions.items() if version}:
        return None
    for place, file in enumerate(pin.files):
        if file.path in gone:
            recovery.lake.copy_version(file.path, versions[file.path], joined(scratch, str(place)))
    files = (_at(joined(scratch, str(n)), file) if file.path in gone else file for n, file in enumerate(pin.files))
    return replace(recipe, parent=replace(pin, files=tuple(files)))


def _is_told(path: str) -> bool:
    return not is_local(path) and can_be_told(path)


def _at(place: str, file: DataFile) -> DataFile:
    _, size, mtime, identity, ctime, tag = storage_for(place).stat(place)
    return replace(file, path=place, size=size, mtime_ns=mtime, identity=identity, ctime_ns=ctime, tag=tag)
