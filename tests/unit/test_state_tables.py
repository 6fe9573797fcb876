"""The state's tables: each write is one Delta commit, and what it replaces goes with it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from r2d2.catalog import commit
from r2d2.catalog.state import State, open_state
from r2d2.catalog.tables import SCHEMAS
from r2d2.errors import StateError

VALUES: dict[pa.DataType, Any] = {
    pa.string(): "snow \u2603",
    pa.int32(): -(2**31),
    pa.int64(): 2**62,
    pa.float32(): 0.5,
    pa.float64(): 0.1,
    pa.bool_(): True,
    pa.binary(): b"\x00\xff",
    pa.decimal128(38, 0): Decimal(2**126),
    pa.timestamp("us", tz="UTC"): datetime(2026, 11, 25, 4, 5, 6, 789, tzinfo=UTC),
    pa.list_(pa.string()): ["a", None, "b"],
    pa.list_(pa.int32()): [1, None, -(2**31)],
    pa.list_(pa.float32()): [0.5, -0.25, 2.0**-149],
}


@pytest.fixture
def state(tmp_path: Path) -> State:
    return open_state(str(tmp_path / "state"), create=True)


def row(table: str, **given: Any) -> dict[str, Any]:
    """A row with a value in each column."""
    return {field.name: VALUES[field.type] for field in SCHEMAS[table]} | given


def edges(run_id: str, *children: str) -> pa.Table:
    rows = [row("edges", run_id=run_id, child=child) for child in children]
    return pa.Table.from_pylist(rows, schema=SCHEMAS["edges"])


def folded(table: pa.Table) -> pa.Table:
    kind = pa.dictionary(pa.int32(), pa.string())
    fields = [field.with_type(kind) if field.type == pa.string() else field for field in table.schema]
    return table.cast(pa.schema(fields))


def versions(state: State, table: str) -> int:
    return len(list((state.path / table / "_delta_log").glob("*.json")))


def children(state: State, run_id: str) -> list[str]:
    return sorted(state.rows("edges", run_id)["child"].to_pylist())


@pytest.mark.parametrize("table", SCHEMAS)
def test_rows_come_back_as_they_were(state: State, table: str) -> None:
    rows = [row(table), dict.fromkeys(SCHEMAS[table].names) | ({"run_id": "r"} if "run_id" in row(table) else {})]
    key = "run_id" if "run_id" in row(table) else SCHEMAS[table].names[0]
    for each in rows:
        state.append(table, [each])
    assert sorted(state.rows(table).to_pylist(), key=lambda r: str(r[key])) == sorted(rows, key=lambda r: str(r[key]))
    assert versions(state, table) == 2


def test_no_rows_are_no_commit(state: State) -> None:
    state.append("edges", [])
    state.write_run("edges", "r", edges("r"))
    assert not (state.path / "edges").exists()
    assert state.rows("edges").num_rows == 0


def test_a_stage_that_runs_again_replaces_its_run_and_no_other_in_one_commit(state: State) -> None:
    state.write_run("edges", "one", edges("one", "a", "b"))
    state.write_run("edges", "two", edges("two", "c"))
    before = versions(state, "edges")
    state.write_run("edges", "one", edges("one", "d"))
    assert versions(state, "edges") == before + 1
    assert (children(state, "one"), children(state, "two")) == (["d"], ["c"])
    state.write_run("edges", "one", edges("one"))
    assert (children(state, "one"), children(state, "two")) == ([], ["c"])


def test_a_copy_of_a_run_is_its_own_and_replaces_what_was_there_in_one_commit(state: State) -> None:
    state.append("edges", [row("edges", run_id="one", child="a"), row("edges", run_id="two", child="b")])
    state.append("edges", edges("one", "c"))
    state.write_run("edges", "three", edges("three", "d"))
    before = versions(state, "edges")
    state.copy_run("edges", "one", "three")
    assert versions(state, "edges") == before + 1
    assert (children(state, "one"), children(state, "two"), children(state, "three")) == (["a", "c"], ["b"], ["a", "c"])
    assert set(state.rows("edges", "three")["run_id"].to_pylist()) == {"three"}
    state.write_run("edges", "one", edges("one", "e"))
    assert (children(state, "one"), children(state, "three")) == (["e"], ["a", "c"])


def test_a_copy_of_a_run_without_rows_has_none(state: State) -> None:
    state.copy_run("edges", "none", "other")
    assert not (state.path / "edges").exists()
    state.write_run("edges", "one", edges("one", "a"))
    state.copy_run("edges", "none", "one")
    assert children(state, "one") == []


def data_files_on_disk(state: State, table: str) -> list[str]:
    return sorted(str(path) for path in (state.path / table).rglob("*.parquet") if "_delta_log" not in path.parts)


def test_rows_that_are_rewritten_leave_nothing_of_what_they_were(state: State) -> None:
    run = 'a "snow \u2603" = / %41'
    state.append("edges", edges("one", "a", "b"))
    state.append("edges", edges(run, "a"))
    state.append("edges", edges("two", "c"))
    untouched = set(data_files_on_disk(state, "edges"))
    before = versions(state, "edges")

    def without_a(rows: pa.Table) -> pa.Table:
        kept = rows.filter(pc.not_equal(rows["child"], "a"))
        return rows if kept.num_rows == rows.num_rows else kept

    state.rewrite("edges", without_a)
    assert versions(state, "edges") == before + 1
    assert (children(state, "one"), children(state, run), children(state, "two")) == (["b"], [], ["c"])
    kept = set(data_files_on_disk(state, "edges"))
    assert len(kept) == 2
    assert len(kept & untouched) == 1
    state.rewrite("edges", without_a)
    assert versions(state, "edges") == before + 1


def test_data_files_that_no_version_names_any_more_go_when_a_table_is_rewritten(state: State) -> None:
    state.write_run("edges", "one", edges("one", "a"))
    state.write_run("edges", "one", edges("one", "b"))
    (state.path / "edges/run_id=one/part-cut-short.parquet").write_bytes(b"PAR1")
    assert len(data_files_on_disk(state, "edges")) == 3
    state.rewrite("edges", lambda rows: rows)
    assert len(data_files_on_disk(state, "edges")) == 1
    assert children(state, "one") == ["b"]
    state.rewrite("plan", lambda rows: rows)
    assert not (state.path / "plan").exists()


def test_proven_edges_come_first_and_are_read_without_the_others(state: State) -> None:
    two = pa.Table.from_pylist([row("edges", run_id="r", grade=g) for g in ("proven", "refuted")], SCHEMAS["edges"])
    state.append("edges", folded(two).take([0] * 3 + [1] * 300_000))
    (file,) = (state.path / "edges/run_id=r").glob("*.parquet")
    metadata = pq.read_metadata(file)
    grade = metadata.schema.names.index("grade")
    bounds = [metadata.row_group(i).column(grade).statistics for i in range(metadata.num_row_groups)]
    assert [bound.min == "refuted" for bound in bounds] == [False, True, True]


def test_texts_may_be_dictionaries_of_several_parts(state: State) -> None:
    parts = [edges("run", *(f"{number:03}" for number in range(start, start + 300))) for start in (0, 200, 900)]
    state.append("edges", pa.concat_tables([folded(part) for part in parts]))
    expected = pa.concat_tables(parts)
    assert state.rows("edges").to_pylist() == expected.to_pylist()
    found = state.rows("edges", "run", ds.field("child") == "250", folded=True)
    assert (found.num_rows, pa.types.is_dictionary(found["child"].type)) == (2, True)
    (file,) = (state.path / "edges/run_id=run").glob("*.parquet")
    assert "RLE_DICTIONARY" in pq.ParquetFile(file).metadata.row_group(0).column(0).encodings


def test_a_table_of_many_commits_has_a_checkpoint_and_is_read_from_it(state: State) -> None:
    for number in range(105):
        state.append("group_edges", [{"run_id": f"r{number % 7}", "parent": number, "child": 0}])
    assert list((state.path / "group_edges/_delta_log").glob("*.checkpoint.parquet"))
    assert sorted(state.rows("group_edges")["parent"].to_pylist()) == list(range(105))
    state.write_run("group_edges", "r1", [{"run_id": "r1", "parent": -1, "child": 0}])
    assert state.rows("group_edges", "r1")["parent"].to_pylist() == [-1]
    assert state.rows("group_edges").num_rows == 105 - 15 + 1


def test_a_write_that_fails_leaves_the_table_as_it_was(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    state.append("edges", edges("one", "a"))

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(commit.pq, "write_table", full)
    with pytest.raises(StateError, match=r"edges can't be written: .*No space left"):
        state.write_run("edges", "one", edges("one", "b"))
    assert children(state, "one") == ["a"]


def test_a_table_that_delta_can_not_append_to_is_told(state: State) -> None:
    state.append("edges", edges("one", "a"))
    (log,) = (state.path / "edges/_delta_log").glob("*.json")
    actions = [json.loads(line) for line in log.read_text().splitlines()]
    for action in actions:
        if "protocol" in action:
            action["protocol"] = {"minReaderVersion": 1, "minWriterVersion": 99}
    log.write_text("\n".join(map(json.dumps, actions)))
    with pytest.raises(StateError, match="edges can't be written"):
        state.append("edges", edges("one", "b"))
