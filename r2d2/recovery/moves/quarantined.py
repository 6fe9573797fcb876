"""A dataset in quarantine, for code that reads datasets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from r2d2.lake.delta_vectors import DeletionVector
from r2d2.lake.storage import storage_for
from r2d2.model.dataset import DataFile, Dataset
from r2d2.model.packing import pack_file, unpack_file
from r2d2.model.receipt import Receipt
from r2d2.recovery.moves.put_away import PutAway


def child_facts(child: Dataset) -> dict[str, Any]:
    """What the journal keeps of a dataset so that its quarantined files can be read."""
    return {
        "format": child.format,
        "version": child.version,
        "rows": child.rows,
        "bytes": child.bytes,
        "readers": list(child.readers),
        "partition_columns": list(child.partition_columns),
        "files": [pack_file(file) for file in child.files],
    }


def retired_dataset(receipt: Receipt) -> Dataset:
    """The dataset as it was where it was before it was put away: its own files only."""
    facts: Mapping[str, Any] = receipt.facts["child"]
    return Dataset(
        id=receipt.dataset,
        format=facts["format"],
        location=receipt.location,
        version=facts["version"],
        files=tuple(map(unpack_file, facts["files"])),
        readers=tuple(facts["readers"]),
        rows=facts["rows"],
        bytes=facts["bytes"],
        partition_columns=tuple(facts["partition_columns"]),
        names=tuple(receipt.facts["names"]),
    )


def quarantined_dataset(receipt: Receipt) -> Dataset:
    """The dataset as it lies in quarantine now.

    Raises:
        OSError: a file of it is gone.
    """
    away = PutAway.from_facts(receipt.facts["away"])
    was = retired_dataset(receipt)
    return replace(was, location=away.place, files=tuple(_moved(file, away) for file in was.files))


def _moved(file: DataFile, away: PutAway) -> DataFile:
    path = away.moved(file.path)
    _, size, mtime, identity, ctime, tag = storage_for(path).stat(path)
    moved = replace(file, path=path, size=size, mtime_ns=mtime, identity=identity, ctime_ns=ctime, tag=tag)
    if not file.vector:
        return moved
    vector = DeletionVector.from_json(file.vector)
    if vector.path:
        place = away.moved(vector.path)
        vector = replace(vector, path=place, stamp=storage_for(place).stat(place).version)
    return replace(moved, vector=vector.to_json())
