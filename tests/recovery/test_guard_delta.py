"""Guard, while a Delta table that retired datasets are rebuilt from changes: no row is lost (DELETION 4)."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from itertools import product
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from r2d2.model.receipt import Status
from r2d2.recovery.guard.guard import Verdict
from tests.recovery.guarded import ROWS, SLICE, guarded, rows_of, table_and_slice, vacuum
from tests.recovery_runs import give_back, receipt_of, snapshot
from tests.sampling import FULL, some

Change = Callable[[str], object]


def append(table: str) -> object:
    return write_deltalake(table, ROWS.slice(200, 300), mode="append")


def optimize(table: str) -> object:
    return DeltaTable(table).optimize.compact()


def delete_other_rows(table: str) -> object:
    return DeltaTable(table).delete("id < 100")


def delete(table: str) -> object:
    return DeltaTable(table).delete("id = 700")


def update(table: str) -> object:
    return DeltaTable(table).update(updates={"text": "'other'"}, predicate="id = 700")


def merge(table: str, only_deletes: bool = False) -> object:
    source = pa.table({"id": pa.array([700, 701], pa.int64())})
    merging = DeltaTable(table).merge(source, predicate="t.id = s.id", source_alias="s", target_alias="t")
    if only_deletes:
        return merging.when_matched_delete().execute()
    return merging.when_matched_update({"text": "'other'"}).execute()


def merge_deletes(table: str) -> object:
    return merge(table, only_deletes=True)


def overwrite(table: str) -> object:
    return write_deltalake(table, ROWS.slice(0, 10), mode="overwrite")


def overwrite_with_the_same(table: str) -> object:
    return write_deltalake(table, ROWS, mode="overwrite")


def add_column(table: str) -> object:
    more = ROWS.slice(0, 10).append_column("more", pa.array([1] * 10))
    return write_deltalake(table, more, mode="append", schema_mode="merge")


def other_schema(table: str) -> object:
    return write_deltalake(table, ROWS.select(["id"]), mode="overwrite", schema_mode="overwrite")


def clean(table: str) -> object:
    return vacuum(Path(table))


#: What is done to the parent, and what becomes of a dataset that is rebuilt from it, purged or not.
CHANGES: dict[Change, Verdict] = {
    append: Verdict.GOOD,
    add_column: Verdict.GOOD,
    clean: Verdict.GOOD,
    optimize: Verdict.CARRIED,
    delete_other_rows: Verdict.CARRIED,
    overwrite_with_the_same: Verdict.CARRIED,
    delete: Verdict.ASKED,
    merge_deletes: Verdict.ASKED,
    update: Verdict.RESTORED,
    merge: Verdict.RESTORED,
    overwrite: Verdict.RESTORED,
    other_schema: Verdict.RESTORED,
}


@pytest.mark.parametrize("case", some(list(product(CHANGES, [False, True])), 4))
def test_a_change_of_the_parent_loses_no_row(tmp_path: Path, case: tuple[Change, bool]) -> None:
    change, purged = case
    lake, state = table_and_slice(tmp_path, purged)
    change(str(lake / "t"))
    finding = guarded(lake, state)
    assert finding.verdict is CHANGES[change], finding
    vacuum(lake / "t")  # whatever the guard did, it does not rest on what the table cleans away
    if finding.verdict is not Verdict.RESTORED:
        in_quarantine = finding.verdict is Verdict.ASKED or not purged
        assert receipt_of(state, "slice.parquet").status is (Status.QUARANTINED if in_quarantine else Status.PURGED)
        give_back(lake, state, "slice.parquet")
    assert rows_of(lake / "slice.parquet") == SLICE


@FULL
def test_what_was_carried_over_is_good_from_then_on(tmp_path: Path) -> None:
    lake, state = table_and_slice(tmp_path)
    optimize(str(lake / "t"))
    assert guarded(lake, state).verdict is Verdict.CARRIED
    vacuum(lake / "t")
    assert guarded(lake, state).verdict is Verdict.GOOD


def test_a_dataset_in_quarantine_comes_back_with_its_bytes_when_its_parent_is_dropped(tmp_path: Path) -> None:
    lake, state = table_and_slice(tmp_path)
    before = _the_bytes_in_quarantine(lake)
    shutil.rmtree(lake / "t")
    finding = guarded(lake, state)
    assert finding.verdict is Verdict.RESTORED, finding
    assert snapshot(lake)["slice.parquet"][0] == before


@FULL
def test_a_purged_dataset_whose_parent_is_dropped_is_told_to_be_lost(tmp_path: Path) -> None:
    lake, state = table_and_slice(tmp_path, purged=True)
    shutil.rmtree(lake / "t")
    finding = guarded(lake, state)
    assert finding.verdict is Verdict.LOST
    assert "backup" in finding.hint


def _the_bytes_in_quarantine(lake: Path) -> str:
    (kept,) = (lake / ".r2d2/quarantine").glob("*/data")
    return hashlib.sha256(kept.read_bytes()).hexdigest()


def test_a_column_that_the_table_lacks_from_now_on_brings_the_dataset_back(tmp_path: Path) -> None:
    """As a dropped column with column mapping: the files stay, and hold it until they are rewritten."""
    lake, state = table_and_slice(tmp_path)
    log = lake / "t/_delta_log"
    first = [json.loads(line) for line in (log / f"{0:020d}.json").read_text().splitlines()]
    metadata = next(action["metaData"] for action in first if "metaData" in action)
    schema = json.loads(metadata["schemaString"])
    schema["fields"] = [field for field in schema["fields"] if field["name"] != "text"]
    changed = {"metaData": {**metadata, "schemaString": json.dumps(schema)}}
    (log / f"{2:020d}.json").write_text(json.dumps(changed))
    finding = guarded(lake, state)
    assert finding.verdict is Verdict.RESTORED, finding
    assert "no column text" in finding.what
    assert rows_of(lake / "slice.parquet") == SLICE
