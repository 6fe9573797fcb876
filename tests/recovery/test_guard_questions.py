"""Deleted rows are given up only as far as they were deleted: what else becomes of the parent is another question."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, convert_to_deltalake, write_deltalake

from r2d2.errors import NotRetirable
from r2d2.model.receipt import Status
from r2d2.recovery.guard.guard import Verdict
from r2d2.recovery.records.journal import Journal
from tests.recovery.guarded import NOW, ROWS, SLICE, guarded, retired, rows_of, table_and_slice, vacuum
from tests.recovery.test_guard_decisions import CHILD, LATE, LEFT, Killed, decided, deleted, kill_at
from tests.recovery_runs import give_back, opened, receipt_of, recover_all
from tests.sampling import FULL


def made_anew(table: Path, version: int) -> None:
    """The table was dropped, and another one has come to the same version."""
    shutil.rmtree(table)
    for number in range(version + 1):
        write_deltalake(str(table), ROWS.slice(200 + number, 1), mode="append")


def test_a_table_that_was_made_anew_with_the_same_version_deletes_nothing_at_the_deadline(tmp_path: Path) -> None:
    lake, state = deleted(tmp_path)
    made_anew(lake / "t", DeltaTable(str(lake / "t")).version())
    finding = guarded(lake, state, LATE)
    assert finding.verdict is Verdict.ASKED, finding
    give_back(lake, state, CHILD)
    assert rows_of(lake / CHILD) == SLICE


@FULL
def test_a_decision_does_not_cover_what_was_done_to_the_parent_since_it_was_asked(tmp_path: Path) -> None:
    lake, state = deleted(tmp_path)
    write_deltalake(str(lake / "t"), ROWS.slice(200, 10), mode="overwrite")
    with pytest.raises(NotRetirable, match="not only deleted from"):
        decided(lake, state, "honour")
    give_back(lake, state, CHILD)
    assert rows_of(lake / CHILD) == SLICE


@FULL
def test_appends_since_it_was_asked_are_no_reason_to_ask_again(tmp_path: Path) -> None:
    lake, state = deleted(tmp_path)
    write_deltalake(str(lake / "t"), ROWS.slice(0, 5), mode="append")
    decided(lake, state, "honour")
    give_back(lake, state, CHILD)
    assert rows_of(lake / CHILD) == LEFT


def rename_text(table: Path) -> None:
    """Column ``text`` gets another name, as tables with column mapping let one."""
    version = DeltaTable(str(table)).version()
    schema = json.loads(DeltaTable(str(table)).schema().to_json())
    for number, field in enumerate(schema["fields"], 1):
        name = field["name"]
        field["metadata"] = {"delta.columnMapping.id": number, "delta.columnMapping.physicalName": name}
        field["name"] = "words" if name == "text" else name
    first = (table / f"_delta_log/{0:020d}.json").read_text().splitlines()
    held = next(json.loads(line)["metaData"] for line in first if "metaData" in line)
    mapping = {"delta.columnMapping.mode": "name", "delta.columnMapping.maxColumnId": "3"}
    actions = [
        {"commitInfo": {"operation": "RENAME COLUMN"}},
        {"protocol": {"minReaderVersion": 2, "minWriterVersion": 5}},
        {"metaData": {**held, "schemaString": json.dumps(schema), "configuration": mapping}},
    ]
    log = "".join(json.dumps(action) + "\n" for action in actions)
    (table / f"_delta_log/{version + 1:020d}.json").write_text(log)


@FULL
def test_where_a_column_is_gone_too_nothing_is_given_up(tmp_path: Path) -> None:
    lake, state = table_and_slice(tmp_path)
    DeltaTable(str(lake / "t")).delete("id = 700")
    rename_text(lake / "t")
    assert guarded(lake, state).verdict is Verdict.ASKED
    assert guarded(lake, state, LATE).verdict is Verdict.ASKED
    with pytest.raises(NotRetirable, match="no column text"):
        decided(lake, state, "honour")
    give_back(lake, state, CHILD)
    assert rows_of(lake / CHILD) == SLICE


@FULL
def test_what_an_honour_left_half_done_is_not_restored_before_it_is_recovered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake, state = deleted(tmp_path)
    with monkeypatch.context() as patch:
        kill_at(patch, "refill")
        with pytest.raises(Killed):
            decided(lake, state, "honour")
    with pytest.raises(NotRetirable, match="being taken out"):
        give_back(lake, state, CHILD)
    recover_all(lake, state)
    assert (receipt_of(state, CHILD).status, (lake / CHILD).exists()) == (Status.QUARANTINED, False)
    give_back(lake, state, CHILD)
    assert rows_of(lake / CHILD) == LEFT


@FULL
def test_a_deadline_decides_once_also_where_it_can_not_be_honoured(tmp_path: Path) -> None:
    lake, state = table_and_slice(tmp_path)
    DeltaTable(str(lake / "t")).delete("id >= 0")
    verdicts = [guarded(lake, state, when).verdict for when in (NOW, LATE, LATE)]
    assert verdicts == [Verdict.ASKED, Verdict.UNSURE, Verdict.UNSURE]
    assert [record.event for record in Journal(opened(state)).records].count("decided") == 1


@FULL
@pytest.mark.parametrize("looks", [True, False])
def test_files_that_became_a_table_are_asked_about_like_one(tmp_path: Path, looks: bool) -> None:
    lake, state = tmp_path / "lake", tmp_path / "state"
    (lake / "all").mkdir(parents=True)
    for number in range(2):
        pq.write_table(ROWS.slice(number * 1000, 1000), lake / f"all/part-0000{number}.parquet")
    pq.write_table(SLICE, lake / CHILD)
    retired(lake, state, CHILD, "all")
    convert_to_deltalake(str(lake / "all"))
    if looks:
        assert [guarded(lake, state).verdict for _ in range(2)] == [Verdict.CARRIED, Verdict.GOOD]
    DeltaTable(str(lake / "all")).delete("id = 700")
    assert guarded(lake, state).verdict is Verdict.ASKED
    vacuum(lake / "all")
    assert guarded(lake, state).verdict is Verdict.ASKED
    decided(lake, state, "honour")
    give_back(lake, state, CHILD)
    assert rows_of(lake / CHILD) == LEFT
