"""What was done to an Iceberg table since a recipe was made: from its metadata, without reading data (DELETION 4).

Its tag keeps the rows that the recipe reads, also those that the table gave up since: somebody has to be asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from r2d2.errors import LakeError, UnreadableData, UnsupportedData
from r2d2.lake.file_tree import shown
from r2d2.lake.iceberg_metadata import IcebergMetadata, Snapshot, read_metadata
from r2d2.lake.storage import storage_for
from r2d2.model.dataset import Dataset
from r2d2.model.recipe import ParentPin
from r2d2.recovery.parents.delta_changes import Cause
from r2d2.recovery.parents.parent_now import ParentNow

_LOOK = "nothing was decided; look again when it can be read"
#: Operations after which all rows are still there. Spark calls deletes, updates and merges alike ``overwrite``.
_KEEP_ROWS = frozenset({"append", "replace"})
_CAUSES = {"delete": (Cause.DELETED,), "overwrite": (Cause.DELETED, Cause.CHANGED)}


def with_changes(pin: ParentPin, parent: ParentNow, now: Dataset | None) -> ParentNow:
    """What became of a parent that is an Iceberg table, with what took rows out of it.

    Args:
        parent: what became of the files that are pinned.
        now: the table as the lake shows it.

    Raises:
        LakeError: it can't be told.
    """
    if now is None:
        raise LakeError(f"{shown(pin.dataset)} is not there, or its catalog is no root", _LOOK)
    if now.version == pin.version:
        return parent
    causes = tuple(sorted(set(_causes(_metadata(now), pin.version))))
    if not causes or not _is_touched(pin, now):
        return parent
    why = f"rows were taken out of {shown(pin.dataset)} since {pin.version}"
    return replace(parent, version=now.version, moved_on=True, why=parent.why or why, causes=causes)


def _metadata(now: Dataset) -> IcebergMetadata:
    if now.source is None or not now.source.paths:
        raise LakeError(f"{shown(now.id)}: {now.error or 'its metadata is not known'}", _LOOK)
    path = now.source.paths[0]
    try:
        return read_metadata(storage_for(path), path)
    except (UnreadableData, UnsupportedData) as error:
        raise LakeError(f"{shown(now.id)}: {error}", _LOOK) from error


def _causes(metadata: IcebergMetadata, since: str) -> Iterator[Cause]:
    """What each snapshot after one did; ``UNTOLD`` where the one is none of its ancestors."""
    snapshots = {snapshot.id: snapshot for snapshot in metadata.snapshots}
    found: Snapshot | None = metadata.current
    while found is not None and f"s{found.id}" != since:
        if found.operation not in _KEEP_ROWS:
            yield from _CAUSES.get(found.operation, (Cause.DELETED, Cause.UNTOLD))
        found = snapshots.get(found.parent) if found.parent is not None else None
    if found is None:
        yield from (Cause.DELETED, Cause.UNTOLD)


def _is_touched(pin: ParentPin, now: Dataset) -> bool:
    """Whether the table may lack rows of the files that are pinned."""
    held = {file.path for file in now.files}
    has_deletes = any(file.rows is None for file in now.files)  # only without deletes its manifests tell the rows
    return has_deletes or not all(file.path in held for file in pin.files)
