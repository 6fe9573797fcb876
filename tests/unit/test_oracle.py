"""The brute force is itself checked: by hand-made cases, and its two ways against each other."""

from __future__ import annotations

import datetime as dt
import json
import math
import os
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.lakes import FORMATS, seed_from_environment, tpch_lake
from tests.oracle import contained_pairs, load_lake
from tests.sampling import FULL, examples

A_IN_B = {("b.parquet", "a.parquet")}
BOTH = {("a.parquet", "b.parquet"), ("b.parquet", "a.parquet")}


def verdicts(lake: Path) -> set[tuple[str, str]]:
    """What both ways say; they must agree."""
    pairs = contained_pairs(lake)
    assert pairs == contained_pairs(lake, "python")
    return pairs


def of_tables(lake: Path, a: pa.Table, b: pa.Table) -> set[tuple[str, str]]:
    pq.write_table(a, lake / "a.parquet")
    pq.write_table(b, lake / "b.parquet")
    return verdicts(lake)


def column(values: list[object], kind: pa.DataType) -> pa.Table:
    return pa.table({"x": pa.array(values, kind)})


NUMBERS = pa.decimal128(10, 3)
CASES = [
    ("a subset", column([1], pa.int64()), column([1, 2], pa.int64()), A_IN_B),
    ("a row twice", column([1, 1], pa.int64()), column([1, 2, 3], pa.int64()), set()),
    ("a row twice in both", column([1, 1], pa.int64()), column([1, 1, 2], pa.int64()), A_IN_B),
    ("NULL equals NULL", column([None, 1], pa.int64()), column([1, None], pa.int32()), BOTH),
    ("NULL is not 0", column([None], pa.int64()), column([0, 1], pa.int64()), set()),
    ("integers of any width", column([1, 2], pa.int8()), column([2, 1], pa.uint64()), BOTH),
    ("integers and decimals", column([1, 2], pa.int64()), column([Decimal("1.000"), Decimal("2.000")], NUMBERS), BOTH),
    ("another decimal", column([1, 2], pa.int64()), column([Decimal("1.000"), Decimal("2.001")], NUMBERS), set()),
    ("wide", column([2**64 - 1], pa.uint64()), column([Decimal(2**64 - 1)], pa.decimal128(38, 15)), BOTH),
    ("a double is no integer", column([1.0], pa.float64()), column([1], pa.int64()), set()),
    ("NaN and -0.0", column([math.nan, -0.0], pa.float64()), column([0.0, math.nan], pa.float32()), BOTH),
    ("0.1 as float and double", column([0.1], pa.float64()), column([0.1], pa.float32()), set()),
    ("'' is not NULL", column([""], pa.string()), column([None], pa.string()), set()),
    ("dictionary", column(["p"], pa.string()), column(["p"], pa.dictionary(pa.int32(), pa.string())), BOTH),
    ("bytes are no string", column(["p"], pa.string()), column([b"p"], pa.binary()), set()),
    ("ms and ns", column([1], pa.timestamp("ms")), column([1_000_000], pa.timestamp("ns")), BOTH),
    ("a ns more", column([1], pa.timestamp("ms")), column([1_000_001], pa.timestamp("ns")), set()),
    ("instant and wall clock", column([1], pa.timestamp("us")), column([1], pa.timestamp("us", tz="UTC")), set()),
    ("zones", column([1], pa.timestamp("us", tz="Asia/Tokyo")), column([1], pa.timestamp("us", tz="UTC")), BOTH),
    ("lists keep order", column([[1, 2]], pa.list_(pa.int64())), column([[2, 1]], pa.list_(pa.int64())), set()),
    ("lists of any width", column([[1, None]], pa.list_(pa.int64())), column([[1, None]], pa.list_(pa.int8())), BOTH),
    ("[] and [NULL]", column([[]], pa.list_(pa.int64())), column([[None], None], pa.list_(pa.int64())), set()),
    (
        "maps without order",
        column([[("p", 1), ("q", 2)]], pa.map_(pa.string(), pa.int64())),
        column([[("q", 2), ("p", 1)]], pa.map_(pa.string(), pa.int64())),
        BOTH,
    ),
    (
        "a missing struct and one of NULLs",
        column([None], pa.struct([("y", pa.int64())])),
        column([{"y": None}], pa.struct([("y", pa.int64())])),
        set(),
    ),
    (
        "fewer fields, another order",
        column([{"y": 1}], pa.struct([("y", pa.int64())])),
        column([{"z": "p", "Y": 1}], pa.struct([("z", pa.string()), ("Y", pa.int32())])),
        A_IN_B,
    ),
]


@pytest.mark.parametrize(("a", "b", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_hand_made_pairs(tmp_path: Path, a: pa.Table, b: pa.Table, expected: set[tuple[str, str]]) -> None:
    assert of_tables(tmp_path, a, b) == expected


def test_names_match_without_case_and_more_columns_are_fine(tmp_path: Path) -> None:
    a = pa.table({"ID": [1, 2]})
    assert of_tables(tmp_path, a, pa.table({"id": [2, 1, 3], "more": [None, None, 1]})) == A_IN_B


def test_empty_datasets_take_part_in_nothing(tmp_path: Path) -> None:
    assert of_tables(tmp_path, column([], pa.int64()), column([1], pa.int64())) == set()


TEXT_CASES = [
    ("a,b\n1,x\n", "a,b\n1.0,x\n", True),
    ("a,b\n1,x\n", "a,b\n01,x\n", False),
    ("a,b\n1e2,x\n", "a,b\n100,x\n", True),
    ("a,b\n,x\n", 'a,b\n"",x\n', False),
    ("a,b\n2020-01-01,x\n", "a,b\n2020-1-1,x\n", False),
    ('a,b\n"1,""",x\n', 'a,b\n"1,""","x"\n', True),
    ('a,b\n"p\nq",x\n', 'a,b\r\n"p\nq",x\r\n', True),
    ("a,b\n0x10,x\n", "a,b\n16,x\n", False),
    ("a,b\n1_000,x\n", "a,b\n1000,x\n", False),
    ("a,b\n 1,x\n", "a,b\n1,x\n", False),
]


@pytest.mark.parametrize(("first", "second", "equal"), TEXT_CASES)
def test_text_against_text(tmp_path: Path, first: str, second: str, equal: bool) -> None:
    (tmp_path / "a.csv").write_text(first, newline="")
    (tmp_path / "b.csv").write_text(second, newline="")
    assert verdicts(tmp_path) == ({("a.csv", "b.csv"), ("b.csv", "a.csv")} if equal else set())


def test_a_text_is_compared_as_the_typed_side_asks(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("x\n1\n2\n")
    for name, kind in (("int", pa.int64()), ("str", pa.string()), ("dbl", pa.float64()), ("date", pa.date32())):
        pq.write_table(pa.table({"x": pa.array([1, 2], pa.int32()).cast(kind)}), tmp_path / f"{name}.parquet")
    assert {parent for parent, child in verdicts(tmp_path) if child == "t.csv"} == {
        "int.parquet",
        "str.parquet",
        "dbl.parquet",
    }
    assert ("int.parquet", "str.parquet") not in verdicts(tmp_path)


def test_one_value_that_does_not_convert_makes_the_pair_impossible(tmp_path: Path) -> None:
    (tmp_path / "t.tsv").write_text("x\ty\n1\tp\nx\tq\n")
    pq.write_table(pa.table({"x": [1], "y": ["p"]}), tmp_path / "int.parquet")
    assert verdicts(tmp_path) == set()


def test_json_lines_arrays_and_csv_are_compared_by_value(tmp_path: Path) -> None:
    rows = [{"id": 9007199254740993, "day": "2020-02-29", "ok": True}, {"id": 1.50, "day": None, "ok": False}]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "b.json").write_text(json.dumps(rows[::-1], indent=1))
    (tmp_path / "c.csv").write_text("ok,id,day\ntrue,9007199254740993,2020-02-29\nfalse,1.5,\n")
    typed = pa.table(
        {
            "id": pa.array([Decimal("9007199254740993.0"), Decimal("1.5")], pa.decimal128(20, 1)),
            "day": pa.array([dt.date(2020, 2, 29), None]),
            "ok": [True, False],
        }
    )
    pq.write_table(typed, tmp_path / "d.parquet")
    assert len(verdicts(tmp_path)) == 12


def test_partition_values_are_text(tmp_path: Path) -> None:
    for folder, value in (("padded", "01"), ("plain", "1")):
        (tmp_path / folder / f"m={value}").mkdir(parents=True)
        pq.write_table(pa.table({"x": [5]}), tmp_path / folder / f"m={value}" / "f.parquet")
    pq.write_table(pa.table({"x": [5], "m": [1]}), tmp_path / "typed.parquet")
    assert verdicts(tmp_path) == {("plain", "typed.parquet"), ("typed.parquet", "plain")}


def test_names_of_the_same_files_are_one_dataset(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    pq.write_table(pa.table({"x": [1]}), tmp_path / "real" / "part-0.parquet")
    (tmp_path / "a_link").symlink_to("real")
    (tmp_path / "z_hard").mkdir()
    os.link(tmp_path / "real" / "part-0.parquet", tmp_path / "z_hard" / "part-7.parquet")
    (tmp_path / "outside").symlink_to("/etc")
    assert [table.id for table in load_lake(tmp_path)] == ["real"]


def test_what_cannot_be_read_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "zero.parquet").touch()
    (tmp_path / "ragged.csv").write_text("a,b\n1,2\n3\n")
    (tmp_path / "open.csv").write_text('a,b\n1,"2\n')
    (tmp_path / "bad.jsonl").write_text('{"a": 1}\n{"a": \n')
    (tmp_path / "nothing.csv").touch()
    (tmp_path / "broken" / "_delta_log").mkdir(parents=True)
    (tmp_path / "broken" / "_delta_log" / f"{0:020}.json").write_text("{")
    pq.write_table(pa.table({"a": [1]}), tmp_path / "broken" / "part-0.parquet")
    pq.write_table(pa.table({"a": [1], "A": [1]}), tmp_path / "case.parquet")
    assert load_lake(tmp_path) == []


CELLS = {
    pa.int64(): st.sampled_from([None, 0, -1, 2**40]),
    pa.int16(): st.sampled_from([None, 0, -1, 7]),
    pa.decimal128(20, 2): st.sampled_from([None, Decimal("0.00"), Decimal("-1.00"), Decimal("-0.01")]),
    pa.float64(): st.sampled_from([None, 0.0, -0.0, math.nan, 0.5]),
    pa.string(): st.sampled_from([None, "", "a", "A", "a\x00"]),
    pa.bool_(): st.sampled_from([None, True, False]),
    pa.timestamp("us"): st.sampled_from([None, 0, 1]),
    pa.list_(pa.int64()): st.sampled_from([None, [], [None], [1, 2]]),
}


@st.composite
def small_tables(draw: st.DrawFn) -> pa.Table:
    kinds = draw(st.lists(st.sampled_from(list(CELLS)), min_size=1, max_size=3))
    rows = draw(st.integers(1, 5))
    columns = {f"c{i}": pa.array([draw(CELLS[kind]) for _ in range(rows)], kind) for i, kind in enumerate(kinds)}
    return pa.table(columns)


@settings(max_examples=examples(60), deadline=None)
@given(tables=st.lists(small_tables(), min_size=2, max_size=5), repeat=st.booleans())
def test_both_ways_agree_on_small_tables(
    tmp_path_factory: pytest.TempPathFactory, tables: list[pa.Table], repeat: bool
) -> None:
    lake = tmp_path_factory.mktemp("lake")
    for number, table in enumerate(tables):
        pq.write_table(table, lake / f"t{number}.parquet")
        pq.write_table(pa.concat_tables([table, table.slice(0, 1)]) if repeat else table, lake / f"u{number}.parquet")
    pairs = verdicts(lake)
    assert all((f"u{number}.parquet", f"t{number}.parquet") in pairs for number in range(len(tables)))


@pytest.mark.parametrize("kind", [pytest.param(kind, marks=() if kind == "mixed" else FULL) for kind in FORMATS])
def test_both_ways_agree_on_generated_lakes(tmp_path: Path, kind: str) -> None:
    seed = seed_from_environment()
    tpch_lake(tmp_path / "lake", scale=0.001, derived=14, seed=seed, format=kind)
    pairs = verdicts(tmp_path / "lake")
    assert len(load_lake(tmp_path / "lake")) == 22, f"seed {seed}"
    assert len(pairs) > 2, f"seed {seed}"


def test_a_seed_gives_the_same_lake_each_time_and_another_seed_another(tmp_path: Path) -> None:
    for name, seed in (("one", 1), ("again", 1), ("two", 2)):
        tpch_lake(tmp_path / name, scale=0.001, derived=3, seed=seed)
    first, again, second = (contained_pairs(tmp_path / name) for name in ("one", "again", "two"))
    assert first == again != second
