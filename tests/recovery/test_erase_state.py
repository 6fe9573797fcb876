"""After an erasure no byte of a person's key is in the state, and what the state knows of others still holds."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from r2d2.catalog.cache import StateCache
from r2d2.catalog.records import dataset_of, dataset_row, edge_row
from r2d2.catalog.state import State, open_state
from r2d2.catalog.tables import SCHEMAS
from r2d2.config import load_settings
from r2d2.lake.kernels import run_here
from r2d2.model.dataset import Dataset
from r2d2.model.edge import Edge, Grade, Witness
from r2d2.recovery.erase.keys import Keys
from r2d2.recovery.erase.state import erase_from_state
from r2d2.recovery.erase.words import Words
from r2d2.recovery.look import look
from tests.recovery.bytes_of import holders

MAIL = "aaron.bürger@example.com"
KEYS = Keys(("person.mail",), ((MAIL,),))
NOW = datetime(2026, 11, 27, tzinfo=UTC)


def people(*mails: str) -> pa.Table:
    return pa.table({"person": [{"mail": mail, "age": 30} for mail in mails], "n": range(len(mails))})


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    lake = tmp_path / "lake"
    (lake / "parts/day=1").mkdir(parents=True)
    (lake / f"parts/person.mail={MAIL}").mkdir()
    pq.write_table(people(MAIL, "zoe@example.com"), lake / "whole.parquet")
    pq.write_table(people("bob@example.com", "zoe@example.com"), lake / "others.parquet")
    pq.write_table(pa.table({"k": [1]}), lake / "apart.parquet")
    return lake


@pytest.fixture
def state(tmp_path: Path) -> State:
    return open_state(str(tmp_path / "state"), create=True)


def rows_of_a_run(state: State, datasets: dict[str, Dataset], run: str) -> None:
    """What a run and people leave in the state."""
    box = f"person.mail in [{MAIL} .. zoe@example.com]"
    edges = [
        Edge("others.parquet", "whole.parquet", Grade.REFUTED, 2, 2, False, "sketch", "", witness=Witness("ab", 1, 0)),
        Edge("whole.parquet", "others.parquet", Grade.PROVEN, 2, 2, False, "box", "as many rows", predicate=box),
        Edge("x", "apart.parquet", Grade.REFUTED, 2, 2, False, "sketch", "", witness=Witness("cd", 1, 0)),
    ]
    state.write_run("datasets", run, [dataset_row(run, dataset) for dataset in datasets.values()])
    state.write_run("edges", run, [edge_row(run, edge) for edge in edges])
    state.write_run("plan", run, [blank("plan", run, plan=1, dataset=f"mail={MAIL}", conditions=[f"ask {MAIL}", "b"])])
    state.write_run("runs", run, [blank("runs", run, at=NOW, problems=json.dumps([{"where": f"x/{MAIL}"}]))])
    state.append("reviews", [blank("reviews", dataset="whole.parquet", by="ann", note=f"{MAIL} asked", at=NOW)])
    state.append("recipes", [blank("recipes", sha256=name, recipe=name) for name in ("kept", "old")])
    state.append("measures", [blank("measures", key="a", rows=3), blank("measures", key="b", sketch=b"x", bound="1")])
    state.append("vectors", [blank("vectors", key="hash of a name", model="m", vector=[0.5])])
    state.append("verdicts", [blank("verdicts", key="a", lacking=0), blank("verdicts", key="b", row_hash="ab")])


def blank(table: str, run_id: str = "", **given: Any) -> dict[str, Any]:
    return dict.fromkeys(SCHEMAS[table].names) | ({"run_id": run_id} if run_id else {}) | given


def filled(lake: Path, state: State) -> dict[str, Dataset]:
    datasets = dict(look([str(lake)], load_settings(environ={}), state, lambda _: run_here))
    rows_of_a_run(state, datasets, "r1")
    state.write_run("datasets", "r1", [dataset_row("r1", dataset) for dataset in datasets.values()])
    state.write_file("report.html", f"<p>{MAIL}".encode())
    return datasets


def test_no_byte_of_a_key_is_left_in_the_state(lake: Path, state: State) -> None:
    filled(lake, state)
    assert {name.split("/")[0] for name in holders(state.path, MAIL)} >= {
        "summaries", "datasets", "edges", "plan", "runs", "reviews", "report.html"
    }  # fmt: skip
    with state.locked():
        erase_from_state(state, Words(KEYS), {"kept"})
    assert holders(state.path, MAIL, MAIL[:16]) == []
    assert not (state.path / "report.html").exists()


def test_vectors_go_since_any_may_tell_what_its_text_was(lake: Path, state: State) -> None:
    filled(lake, state)
    with state.locked():
        erase_from_state(state, Words(KEYS), {"kept"})
    assert state.rows("vectors").num_rows == 0
    assert len(list((state.path / "vectors").glob("*.parquet"))) == 0


def test_what_is_known_of_others_stays(lake: Path, state: State) -> None:
    datasets = filled(lake, state)
    with state.locked():
        erase_from_state(state, Words(KEYS), {"kept"})
    found = {row["dataset"]: dataset_of(row) for row in state.rows("datasets", "r1").to_pylist()}
    assert found.keys() == datasets.keys()
    assert found["others.parquet"] == datasets["others.parquet"]
    bounds = [dict(leaf.bounds) for leaf in found["whole.parquet"].leaves if leaf.path == ("person", "mail")]
    assert bounds == [{}]
    edges = {row["child"]: row for row in state.rows("edges", "r1").to_pylist()}
    assert edges["whole.parquet"]["row_hash"] is edges["whole.parquet"]["in_child"] is None
    assert (edges["apart.parquet"]["row_hash"], edges["others.parquet"]["predicate"]) == ("cd", "")
    assert state.rows("reviews")["note"].to_pylist() == ["erased asked"]
    assert state.rows("plan", "r1")["conditions"].to_pylist() == [["ask erased", "b"]]
    assert state.rows("recipes")["sha256"].to_pylist() == ["kept"]
    assert (state.rows("measures")["key"].to_pylist(), state.rows("verdicts")["key"].to_pylist()) == (["a"], ["a"])
    assert state.rows("summaries").num_rows == 2


def test_an_erasure_can_be_done_again_and_changes_nothing_then(lake: Path, state: State) -> None:
    filled(lake, state)
    with state.locked():
        erase_from_state(state, Words(KEYS), {"kept"})
        before = sorted(path for path in state.path.rglob("*.json"))
        erase_from_state(state, Words(KEYS), {"kept"})
    assert sorted(path for path in state.path.rglob("*.json")) == before


def test_a_key_of_columns_that_no_dataset_has_leaves_all_results(lake: Path, state: State) -> None:
    filled(lake, state)
    rows = {table: state.rows(table).num_rows for table in SCHEMAS}
    with state.locked():
        erase_from_state(state, Words(Keys(("phone",), (("+49 30 123",),))), {"kept", "old"})
    assert {table: state.rows(table).num_rows for table in SCHEMAS} == rows | {"vectors": 0}
    assert state.rows("measures").num_rows == 2


def test_what_was_learned_of_files_is_learned_anew(lake: Path, state: State) -> None:
    datasets = filled(lake, state)
    with state.locked():
        erase_from_state(state, Words(KEYS), ())
        assert dict(look([str(lake)], load_settings(environ={}), state, lambda _: run_here)) == datasets
    assert StateCache(state).state.rows("summaries").num_rows == 3


def test_what_was_rejected_is_still_called_by_its_name(state: State) -> None:
    rows = [
        blank("reviews", dataset=f"{MAIL}.csv", location=f"/lake/{MAIL}.csv", approved=approved, by=MAIL, at=NOW)
        for approved in (True, False)
    ]
    state.append("reviews", rows)
    with state.locked():
        erase_from_state(state, Words(KEYS), ())
    found = {row["approved"]: row for row in state.rows("reviews").to_pylist()}
    assert found[False]["dataset"] == f"{MAIL}.csv"
    assert found[False]["location"] == f"/lake/{MAIL}.csv"
    assert MAIL not in str(found[True])
    assert {row["by"] for row in found.values()} == {"erased"}
