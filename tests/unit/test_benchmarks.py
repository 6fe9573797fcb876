"""The benchmark's own parts: its truth, its rivals on a lake where each must be exact, its limits and its table."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.changes import change_some
from benchmarks.inventory import candidate_pairs, read_tables
from benchmarks.lakes import Lake
from benchmarks.machine import Limits, run_turn
from benchmarks.meter import window
from benchmarks.scope import scope_of
from benchmarks.small_tables import build_small_tables
from benchmarks.snapshots import build_snapshots
from benchmarks.summary import summarise, table_text
from benchmarks.task import Task, sampled
from benchmarks.truth import Truth, contained, read_truth, score, write_truth
from benchmarks.ways.paper import schema_graph
from benchmarks.ways.product import linked
from benchmarks.ways.registry import missing, way_named
from benchmarks.ways.value_first import most_that_fits

WHOLE = pa.table(
    {
        "id": [1, 2, 3, 3, 4, None],
        "name": ["a", "b", "c", "c", None, "e"],
        "price": [1.5, 2.5, 3.5, 3.5, None, float("nan")],
        "day": [datetime.date(2026, 1, n) for n in (1, 2, 3, 3, 4, 5)],
    }
)
DATASETS = {
    "whole.parquet": WHOLE,
    "copy.parquet": WHOLE.take([5, 3, 1, 0, 2, 4]),
    "slice.parquet": WHOLE.slice(1, 4),
    "columns.parquet": WHOLE.select(["day", "id"]),
    "once.parquet": WHOLE.take([0, 1, 2]),
    "thrice.parquet": WHOLE.take([2, 2, 2]),  # the others hold this row twice
    "changed.parquet": WHOLE.set_column(1, "name", pa.array(["a", "b", "c", "c", "a", "e"])),
    "shuffled.parquet": WHOLE.set_column(1, "name", WHOLE["name"].take([1, 0, 2, 3, 4, 5])),
    "other_type.parquet": WHOLE.set_column(0, "id", WHOLE["id"].cast(pa.float64())),
}
HELD = {
    ("whole.parquet", "copy.parquet"),
    ("copy.parquet", "whole.parquet"),
    *((parent, child) for parent in ("whole.parquet", "copy.parquet") for child in ("slice.parquet", "once.parquet")),
    *((f"{name}.parquet", "columns.parquet") for name in ("whole", "copy", "changed", "shuffled")),
    ("changed.parquet", "once.parquet"),
    ("parts", "columns.parquet"),
    ("columns.parquet", "parts"),
    *((f"{name}.parquet", "parts") for name in ("whole", "copy", "changed", "shuffled")),
}
EXACT = ("brute-duckdb", "set-similarity", "polars")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("benchmark")
    (home / "lake/parts").mkdir(parents=True)
    for name, table in DATASETS.items():
        pq.write_table(table, home / "lake" / name, row_group_size=4)
    columns = DATASETS["columns.parquet"]
    pq.write_table(columns.slice(0, 2), home / "lake/parts/part-0.parquet")
    pq.write_table(columns.slice(2), home / "lake/parts/part-1.parquet")
    write_truth(home)
    return home


def task(way: str, home: Path, tmp_path: Path) -> Task:
    return Task(way, home / "lake", home, tmp_path, threads=2)


def test_truth_is_what_holds(home: Path) -> None:
    assert read_truth(home).pairs == HELD


@pytest.mark.parametrize("name", [*EXACT, "lsh-ensemble"])
def test_rival(name: str, home: Path, tmp_path: Path) -> None:
    way = way_named(name)
    if missing(way):
        pytest.skip(f"not installed: {', '.join(missing(way))} (the bench extra)")
    (found,) = way.measure(task(name, home, tmp_path))
    assert found.pairs is not None
    pairs = list(found.pairs)
    assert len(pairs) == len(set(pairs))
    assert set(pairs) == HELD if name in EXACT else set(pairs) <= HELD
    assert found.window.seconds > 0
    assert found.window.read > 0


@pytest.fixture(scope="module")
def small_tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("small_tables")
    (home / "lake").mkdir()
    build_small_tables(home / "lake", 25, seed=3)
    return home


@pytest.mark.parametrize("name", EXACT)
def test_rival_on_small_tables(name: str, small_tables: Path, tmp_path: Path) -> None:
    way = way_named(name)
    if missing(way):
        pytest.skip(f"not installed: {', '.join(missing(way))} (the bench extra)")
    (found,) = way.measure(task(name, small_tables, tmp_path))
    assert found.pairs is not None
    assert len(read_truth(small_tables).pairs) > 5
    assert set(found.pairs) == read_truth(small_tables).pairs


def test_limit_finds_nothing(home: Path, tmp_path: Path) -> None:
    (found,) = way_named("limit").measure(task("limit", home, tmp_path))
    assert found.pairs is None
    assert found.notes["datasets"] == 9  # all but the one that fits nothing


def test_metadata_loses_no_pair(home: Path) -> None:
    tables = read_tables(home / "lake", 2)
    left = {(tables[p].id, tables[c].id) for p, c in candidate_pairs(tables).tolist()}
    assert left >= HELD
    assert ("once.parquet", "whole.parquet") not in left
    assert not any("other_type.parquet" in pair for pair in left)


def test_text_is_compared_as_text(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    lake.mkdir()
    (lake / "whole.csv").write_text("id,price\n1,1.50\n2,3\n2,3\n")
    (lake / "part.csv").write_text("price,id\n3,2\n1.5,1\n")
    (lake / "none.csv").write_text("price,id\n3,2\n3,2\n3,2\n")
    (lake / "rows.json").write_text('[{"id": 2, "price": 3}]')
    (lake / "narrow.csv").write_text("id\n1\n2\n")
    (found,) = way_named("brute-duckdb").measure(task("brute-duckdb", tmp_path, tmp_path / "scratch"))
    held = {("whole.csv", "part.csv"), *((f"{p}.csv", "rows.json") for p in ("whole", "part", "none"))}
    held |= {(f"{parent}.csv", "narrow.csv") for parent in ("whole", "part")}
    assert found.pairs is not None
    assert set(found.pairs) == held
    assert scope_of(task("brute-duckdb", tmp_path, tmp_path)) == {"whole.csv", "part.csv"}


def test_snapshots(tmp_path: Path) -> None:
    (tmp_path / "lake").mkdir()
    build_snapshots(tmp_path / "lake", 100, seed=1)
    truth, tables = read_truth(tmp_path), read_tables(tmp_path / "lake", 2)
    assert len(tables) == 100
    chosen = [table for table in tables if table.id.startswith(("shop_00", "shop_01"))]
    found = {(chosen[p].id, chosen[c].id) for p, c in contained(chosen)}
    assert found == {(a.id, b.id) for a in chosen for b in chosen if truth.holds(a.id, b.id)}
    assert truth.count == 20 * 6
    assert score(truth, found).missed == truth.count - len(found)


def test_changed_lake_has_its_own_truth(home: Path, tmp_path: Path) -> None:
    lake = linked(home / "lake", tmp_path / "lake")
    changed = change_some(task("r2d2", home, tmp_path), lake)
    assert changed.home is not None
    tables = read_tables(lake, 2)
    assert read_truth(changed.home).pairs == {(tables[p].id, tables[c].id) for p, c in contained(tables)}
    before = {table.id: table.rows for table in read_tables(home / "lake", 2)}
    assert before == {"parts": 6} | {name: table.num_rows for name, table in DATASETS.items()}
    assert [table.id for table in tables if table.rows != before[table.id]] == list(changed.ids)


def test_score_counts_within_scope() -> None:
    truth = Truth(frozenset({("a", "b"), ("a", "c")}), scope=frozenset({"b", "c", "d"}))
    counted = score(truth, [("a", "b"), ("a", "d"), ("a", "outside")])
    assert (counted.right, counted.wrong, counted.missed) == (1, 1, 1)


def test_schema_graph_of_the_paper_is_exact() -> None:
    rng = np.random.default_rng(5)
    schemas = [frozenset((f"c{i}", "int64") for i in rng.integers(0, 8, 5)) for _ in range(60)]
    found = schema_graph(schemas)
    assert sorted(found) == [(p, c) for p in range(60) for c in range(60) if p != c and schemas[c] <= schemas[p]]


def test_sampled_pairs_are_large_and_small_in_proportion(home: Path) -> None:
    tables = read_tables(home / "lake", 2)
    few = [(p, c) for p, c in candidate_pairs(tables).tolist()]
    pairs = few * 20
    rows = [tables[p].rows + tables[c].rows for p, c in sampled(tables, pairs, 0.25)]
    assert rows == sorted(rows)
    assert len(rows) == len(pairs) // 4
    assert set(sampled(tables, few, 0.001)) == set(few)


def test_a_turn_that_takes_too_long_is_reported(home: Path, tmp_path: Path) -> None:
    lake = Lake("tiny", home, "tiny")
    (row,) = run_turn(lake, "brute-duckdb", 1.0, tmp_path, Limits(0.0, 1 << 40))
    assert row["failed"] == "> 0 s"
    assert not list(tmp_path.iterdir())
    row |= {"lake": "tiny", "group": "tiny"}
    assert "> 0 s" in table_text(summarise([row]))


def test_a_turn_runs_in_a_process_of_its_own(home: Path, tmp_path: Path) -> None:
    (row,) = run_turn(Lake("tiny", home, "tiny"), "brute-duckdb", 1.0, tmp_path, Limits(60.0, 1 << 40))
    assert (row["right"], row["wrong"], row["missed"]) == (len(HELD), 0, 0)
    assert row["peak"] > 10_000_000


def test_summary_takes_medians_and_the_worst_counts() -> None:
    def turn(way: str, seconds: float, wrong: int = 0) -> dict[str, Any]:
        found = {
            "right": 5,
            "wrong": wrong,
            "missed": 0,
            "complete": True,
            "notes": {},
            "peak": 1,
            "bytes_read": 1,
            "cpu": 1.0,
        }
        return {"lake": "l", "group": "g", "way": way, "seconds": seconds} | found

    turns = [turn("limit", 1.0), *(turn("r2d2", s, w) for s, w in ((3.0, 0), (9.0, 1), (4.0, 0)))]
    limit, product = summarise(turns)
    assert (product.seconds, product.wrong, product.to_limit, limit.to_r2d2) == (4.0, 1, 4.0, 0.25)


def test_summary_gives_what_limits_saved_a_line_each() -> None:
    def turn(saved: float) -> dict[str, Any]:
        point = {"limit": "10% of the bytes", "saved": saved, "ceiling": 0.5, "hindsight": 0.3}
        counts = {"right": 5, "wrong": 0, "missed": 0, "complete": True, "peak": 1, "bytes_read": 1, "cpu": 1.0}
        return {"lake": "l", "group": "g", "way": "r2d2-value", "seconds": 1.0, "notes": {"curve": [point]}} | counts

    rows = summarise([turn(0.1), turn(0.2), turn(0.4)])
    told = "r2d2-value: with 10% of the bytes read 20% of the final saving (in hindsight 30%, at most 50%)"
    assert table_text(rows).splitlines()[-1] == told


def test_what_fits_into_a_limit_at_most_takes_the_best_for_its_bytes_and_a_part_of_the_next() -> None:
    items = [(10.0, 100), (30.0, 100), (1.0, 1)]
    assert most_that_fits(items, 0) == 0
    assert most_that_fits(items, 1) == 1
    assert most_that_fits(items, 51) == pytest.approx(1 + 15)
    assert most_that_fits(items, 1000) == 41


def test_window_sees_what_is_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bytes(3_000_000))
    with window() as measured:
        (tmp_path / "file").read_bytes()
    assert 3_000_000 <= measured.read < 4_000_000
