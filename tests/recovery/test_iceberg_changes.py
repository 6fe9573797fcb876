"""What the guard makes of the snapshots of an Iceberg table from which something retired is rebuilt (DELETION 4)."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from r2d2.errors import LakeError
from r2d2.model.dataset import DataFile, Dataset
from r2d2.model.recipe import ParentPin
from r2d2.model.source import SparkSource
from r2d2.recovery.parents.delta_changes import Cause
from r2d2.recovery.parents.iceberg_changes import with_changes
from r2d2.recovery.parents.parent_now import ParentNow

FILE, NEW = (DataFile(f"/t/data/{name}.parquet", 10, 0, name, rows=5) for name in ("old", "new"))
PIN = ParentPin("t", "/t", "iceberg", "s1", (FILE,), ("",), (), True)
GOOD = ParentNow("", intact=True, moved_on=False)
EITHER = (Cause.CHANGED, Cause.DELETED)


def table(directory: Path, *operations: str, files: tuple[DataFile, ...] = (FILE,), first: int = 2) -> Dataset:
    """A table whose snapshots after the pinned one, 1, did this; the newest is current."""
    schema = {"schema-id": 0, "type": "struct", "fields": []}
    snapshots: list[dict[str, Any]] = [{"snapshot-id": 1, "manifest-list": "m", "summary": {"operation": "append"}}]
    for number, operation in enumerate(operations, first):
        snapshot = {"snapshot-id": number, "parent-snapshot-id": number - 1, "manifest-list": "m"}
        snapshots.append(snapshot | ({"summary": {"operation": operation}} if operation else {}))
    current = snapshots[-1]["snapshot-id"]
    metadata = {"format-version": 2, "location": "/t", "last-updated-ms": 0, "current-snapshot-id": current}
    metadata |= {"snapshots": snapshots, "schemas": [schema], "current-schema-id": 0}
    metadata |= {"partition-specs": [{"spec-id": 0, "fields": []}], "default-spec-id": 0}
    path = directory / "v9.metadata.json"
    path.write_text(json.dumps(metadata))
    return Dataset("t", "iceberg", "/t", f"s{current}", files, source=SparkSource("iceberg", (str(path),)))


@pytest.mark.parametrize(
    ("operations", "files"),
    [
        ((), (FILE,)),
        (("append", "append"), (FILE, NEW)),
        (("replace",), (NEW,)),
        (("overwrite", "delete"), (FILE, NEW)),  # of other rows: the file is still there, and nothing is taken from it
    ],
)
def test_a_table_that_still_has_the_rows_is_good(
    tmp_path: Path, operations: tuple[str, ...], files: tuple[DataFile, ...]
) -> None:
    assert with_changes(PIN, GOOD, table(tmp_path, *operations, files=files)) == GOOD


@pytest.mark.parametrize(
    ("operations", "causes"),
    [
        (("delete",), (Cause.DELETED,)),
        (("append", "overwrite", "replace"), EITHER),
        (("",), (Cause.DELETED, Cause.UNTOLD)),
        (("something new",), (Cause.DELETED, Cause.UNTOLD)),
    ],
)
@pytest.mark.parametrize("files", [(NEW,), (replace(FILE, rows=None),)], ids=["another file", "with deletes"])
def test_rows_that_may_be_gone_are_asked_about(
    tmp_path: Path, operations: tuple[str, ...], causes: tuple[Cause, ...], files: tuple[DataFile, ...]
) -> None:
    found = with_changes(PIN, GOOD, table(tmp_path, *operations, files=files))
    assert (found.moved_on, found.intact, found.causes) == (True, True, causes)
    assert "rows were taken out of t since s1" in found.why


def test_a_table_that_went_another_way_since_is_asked_about(tmp_path: Path) -> None:
    found = with_changes(PIN, GOOD, table(tmp_path, "append", files=(NEW,), first=5))
    assert Cause.UNTOLD in found.causes


@pytest.mark.parametrize("damage", ["", "{", "[]"])
def test_what_can_not_be_told_is_not_taken_for_good(tmp_path: Path, damage: str) -> None:
    now = table(tmp_path, "append")
    (tmp_path / "v9.metadata.json").write_text(damage)
    with pytest.raises(LakeError):
        with_changes(PIN, GOOD, now)
    for gone in (None, replace(now, source=None)):
        with pytest.raises(LakeError):
            with_changes(PIN, GOOD, gone)
