"""INT96 timestamps: exact instants, or refused with the column and the reason."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from r2d2.lake import parquet, parquet_int96
from r2d2.model.dataset import Bounds, FileSummary
from tests.containment_runs import contained, parquet_dataset, proven_pairs
from tests.parquet_footers import Footer, with_footer

US = 1_000_000
#: 1900-01-01, 1582-10-04 and -05 (which the old calendar had, and had not), 1000-01-01, 9999-12-31, in seconds.
OLD = [-2_208_988_801, -12_219_379_200, -12_219_292_800, -30_610_224_000]
INSTANTS = [0, 1, -1, 1_700_000_000 * US + 123_456, -1_000_000_001, *(s * US + 7 for s in OLD), 253_402_300_799 * US]


def _us(values: list[int | None]) -> pa.Array:
    return pa.array(values, pa.timestamp("us"))


def _int96(path: Path, **columns: Any) -> Path:
    pq.write_table(pa.table(columns), path, use_deprecated_int96_timestamps=True, row_group_size=3)
    return path


def _zoned(path: Path, **columns: Any) -> Path:
    """The same instants as timestamps with zone, which is what Spark writes where it is told to."""
    table = pa.table(columns)
    schema = pa.schema([(name, _with_zone(table.schema.field(name).type)) for name in table.column_names])
    pq.write_table(table.cast(schema), path)
    return path


def _with_zone(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_timestamp(kind):
        return pa.timestamp("us", "UTC")
    if pa.types.is_map(kind):
        return pa.map_(_with_zone(kind.key_type), _with_zone(kind.item_type))
    if pa.types.is_list(kind):
        return pa.list_(_with_zone(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([(field.name, _with_zone(field.type)) for field in kind])
    return kind


def _proven(*paths: Path) -> set[tuple[str, str]]:
    datasets = [parquet_dataset(path) for path in paths]
    assert [d.error for d in datasets] == [""] * len(paths)
    return proven_pairs(contained(datasets))


def _refused(path: Path) -> FileSummary:
    summary = parquet.summarize(path)
    assert summary.status == "unsupported", summary
    return summary


def test_duckdb_cuts_int96_and_says_it_has_no_zone(tmp_path: Path) -> None:
    """Why each value is looked at: two instants become one, and none of them is an instant any more."""
    values = pa.array([1_000_000_001, 1_000_000_999], pa.int64()).cast(pa.timestamp("ns"))
    path = _int96(tmp_path / "a.parquet", t=values)
    assert duckdb.sql(f"SELECT count(DISTINCT t), any_value(typeof(t)) FROM '{path}'").fetchall() == [(1, "TIMESTAMP")]


def test_null_counts_and_bounds_are_those_of_the_values(tmp_path: Path) -> None:
    values = [*INSTANTS, None, None]
    summary = parquet.summarize(_int96(tmp_path / "a.parquet", t=_us(values), n=pa.array(range(len(values)))))
    leaf = summary.leaves[0]
    low, high = min(INSTANTS) * 1000, max(INSTANTS) * 1000
    tight = {"low_tight": True, "high_tight": True, "low_valid": True, "high_valid": True}
    assert (leaf.families, leaf.type, leaf.nulls) == (("instant",), "INT96", 2)
    assert leaf.bounds == {"instant": Bounds(low, high, **tight)}
    assert summary.leaves[1].type == "BIGINT"


@pytest.mark.parametrize("values", [[], [None, None, None, None]], ids=["no rows", "NULLs"])
def test_column_without_values_has_no_bounds(tmp_path: Path, values: list[int | None]) -> None:
    leaf = parquet.summarize(_int96(tmp_path / "a.parquet", t=_us(values))).leaves[0]
    assert (leaf.nulls, leaf.bounds) == (len(values), {})


def test_same_instants_in_int96_and_with_zone_are_proven_both_ways(tmp_path: Path) -> None:
    values = _us([*INSTANTS, None])
    a, b = _int96(tmp_path / "a.parquet", t=values), _zoned(tmp_path / "b.parquet", t=values)
    assert _proven(a, b) == {("a", "b"), ("b", "a")}


@pytest.mark.parametrize("place", range(len(INSTANTS)))
def test_one_instant_a_microsecond_off_is_not_proven(tmp_path: Path, place: int) -> None:
    moved = [value + (i == place) for i, value in enumerate(INSTANTS)]
    a, b = _int96(tmp_path / "a.parquet", t=_us(INSTANTS)), _zoned(tmp_path / "b.parquet", t=_us(moved))
    assert _proven(a, b) == set()


def test_int96_is_not_compared_with_timestamps_without_zone(tmp_path: Path) -> None:
    a = _int96(tmp_path / "a.parquet", t=_us([0, 1, 2]))
    pq.write_table(pa.table({"t": _us([0, 1, 2])}), tmp_path / "b.parquet")
    assert _proven(a, tmp_path / "b.parquet") == set()


def test_files_of_one_dataset_may_hold_their_instants_in_different_ways(tmp_path: Path) -> None:
    halves = _us(INSTANTS[:4]), _us([*INSTANTS[4:], None])
    both = parquet_dataset(
        _int96(tmp_path / "a1.parquet", t=halves[0]), _zoned(tmp_path / "a2.parquet", t=halves[1]), name="both"
    )
    whole = parquet_dataset(_int96(tmp_path / "whole.parquet", t=pa.concat_arrays(halves)))
    assert (both.error, both.leaves[0].nulls) == ("", 1)
    assert proven_pairs(contained([both, whole])) == {("both", "whole"), ("whole", "both")}


@pytest.mark.parametrize("zone", [None, "Asia/Tokyo"])
def test_types_that_arrow_remembers_change_nothing(tmp_path: Path, zone: str | None) -> None:
    times = _us([0, None, 5, 0]).cast(pa.timestamp("us", zone))
    a = _int96(tmp_path / "a.parquet", t=times.dictionary_encode(), u=times)
    b = _zoned(tmp_path / "b.parquet", t=times, u=times)
    assert _proven(a, b) == {("a", "b"), ("b", "a")}


NESTED = {
    "list": pa.array([[0, 1, None], [], None, [INSTANTS[5]], [2]], pa.list_(pa.timestamp("us"))),
    "struct": pa.array(
        [{"t": 5, "n": 1}, None, {"t": None, "n": 2}, {"t": -7, "n": None}, {"t": 5, "n": 1}],
        pa.struct([("t", pa.timestamp("us")), ("n", pa.int64())]),
    ),
    "map": pa.array(
        [[(0, 1), (1, None)], None, [], [(-5, INSTANTS[6])], [(3, 3)]],
        pa.map_(pa.timestamp("us"), pa.timestamp("us")),
    ),
    "list of structs of maps": pa.array(
        [[{"m": [("k", 1), ("l", 2)]}, None, {"m": None}], None, [{"m": []}], [], [{"m": [("k", None)]}]],
        pa.list_(pa.struct([("m", pa.map_(pa.string(), pa.timestamp("us")))])),
    ),
}


@pytest.mark.parametrize("column", NESTED.values(), ids=NESTED)
def test_nested_instants_are_proven_and_one_that_differs_is_not(tmp_path: Path, column: pa.Array) -> None:
    a = _int96(tmp_path / "a.parquet", i=pa.array(range(5)), c=column)
    b = _zoned(tmp_path / "b.parquet", i=pa.array(range(5)), c=column)
    assert _proven(a, b) == {("a", "b"), ("b", "a")}
    other = pa.concat_arrays([column.slice(1, 1), column.slice(1)])
    c = _zoned(tmp_path / "c.parquet", i=pa.array(range(5)), c=other)
    assert _proven(a, c) == set()


def test_instants_in_a_struct_have_null_counts_and_bounds(tmp_path: Path) -> None:
    summary = parquet.summarize(_int96(tmp_path / "a.parquet", c=NESTED["struct"]))
    leaf = next(leaf for leaf in summary.leaves if leaf.path == ("c", "t"))
    assert (leaf.nulls, leaf.bounds["instant"].low, leaf.bounds["instant"].high) == (2, -7000, 5000)


def test_many_batches_are_read_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_int96, "_BATCH", 7)
    values = [None if i % 5 == 0 else i * i * US - 4000 for i in range(1000)]
    lists = pa.array([[v] * (i % 3) for i, v in enumerate(values)], pa.list_(pa.timestamp("us")))
    kind = pa.map_(pa.timestamp("us"), pa.timestamp("us"))
    maps = pa.array([[(v or 0, v)] * (i % 2) for i, v in enumerate(values)], kind)
    path = tmp_path / "a.parquet"
    table = pa.table({"t": _us(values), "l": lists, "m": maps})
    pq.write_table(table, path, use_deprecated_int96_timestamps=True, row_group_size=100)
    summary = parquet.summarize(path)
    assert (summary.status, summary.reason, summary.leaves[0].nulls) == ("ok", "", 200)


@pytest.mark.parametrize("remainder", [1, 999])
@pytest.mark.parametrize("nested", [False, True], ids=["flat", "in a list"])
def test_finer_than_a_microsecond_is_unsupported(tmp_path: Path, remainder: int, nested: bool) -> None:
    times = pa.array([0, -1000 + remainder, 5000], pa.int64()).cast(pa.timestamp("ns"))
    column = pa.ListArray.from_arrays([0, 1, 2, 3], times) if nested else times
    reason = _refused(_int96(tmp_path / "a.parquet", when=column)).reason
    assert reason.startswith('column "when')
    assert "finer than a microsecond" in reason


def _raw(path: Path, day: int, nanoseconds: int) -> Path:
    """An INT96 of any bits: in the file the value is found by the bits of a known one."""
    marker = np.array([0], np.int64).view("datetime64[ns]")
    pq.write_table(
        pa.table({"t": marker}), path, use_deprecated_int96_timestamps=True, use_dictionary=False, compression="none"
    )
    known = (0).to_bytes(8, "little") + (2_440_588).to_bytes(4, "little")
    raw = path.read_bytes()
    assert raw.count(known) == 1
    value = nanoseconds.to_bytes(8, "little", signed=True) + day.to_bytes(4, "little", signed=True)
    path.write_bytes(raw.replace(known, value))
    return path


@pytest.mark.parametrize(
    ("day", "nanoseconds"),
    [(2**31 - 1, 0), (-(2**31), 0), (109_192_582, 0), (2_440_588, -1000), (2_440_588, -(2**63)), (0, 2**63 - 1)],
)
def test_bits_that_are_no_time_are_refused(tmp_path: Path, day: int, nanoseconds: int) -> None:
    summary = parquet.summarize(_raw(tmp_path / "a.parquet", day, nanoseconds))
    assert summary.status in ("unsupported", "error"), summary
    assert 'column "t"' in summary.reason


def test_day_outside_of_what_nanoseconds_hold_is_exact(tmp_path: Path) -> None:
    day = 2_440_588 + 20_000_000  # in the year 56728
    summary = parquet.summarize(_raw(tmp_path / "a.parquet", day, 1_000_000_001_000))
    nanoseconds = 20_000_000 * 86_400 * 10**9 + 1_000_000_001_000
    assert summary.leaves[0].bounds["instant"].low == nanoseconds > 2**63


def _by(path: Path, values: list[int], created_by: str, **keys: str) -> Path:
    """A file that says it is by another writer: field 6 of the footer is ``created_by``, field 5 the keys."""

    def change(footer: Footer) -> None:
        footer[6] = (8, created_by.encode())
        pairs = [(key.replace("_", "."), text) for key, text in keys.items()]
        footer[5] = (9, (12, [(12, {1: (8, key.encode()), 2: (8, text.encode())}) for key, text in pairs]))

    return with_footer(pa.table({"t": _us(values)}), path, change, int96=True)


SPARK_3_5, SPARK_3_0, SPARK_2 = "3.5.1", "3.0.3", "2.4.8"
MR = "parquet-mr version 1.12.3"
BEFORE, SINCE = [0, OLD[0] * US], [0, -2_208_988_800 * US]


@pytest.mark.parametrize(
    ("values", "created_by", "keys", "fits"),
    [
        (BEFORE, MR, {"org_apache_spark_version": SPARK_3_5}, True),
        (BEFORE, MR, {"org_apache_spark_version": "4.1.4"}, True),
        (BEFORE, "parquet-cpp-arrow version 20.0.0", {}, True),
        (BEFORE, MR, {"org_apache_spark_version": SPARK_3_0}, False),
        (BEFORE, MR, {"org_apache_spark_version": SPARK_2}, False),
        (BEFORE, MR, {"org_apache_spark_version": "odd"}, False),
        (BEFORE, MR, {}, False),
        (BEFORE, "", {}, False),
        (BEFORE, "impala version 4.0", {}, False),
        (SINCE, MR, {"org_apache_spark_version": SPARK_2}, True),
        (SINCE, MR, {}, True),
        (SINCE, MR, {"org_apache_spark_version": SPARK_3_5, "org_apache_spark_legacyINT96": ""}, False),
    ],
)
def test_times_before_1900_need_a_writer_whose_calendar_is_known(
    tmp_path: Path, values: list[int], created_by: str, keys: dict[str, str], fits: bool
) -> None:
    summary = parquet.summarize(_by(tmp_path / "a.parquet", values, created_by, **keys))
    assert (summary.status == "ok") is fits, summary.reason
    if not fits:
        assert summary.status == "unsupported"
        assert 'column "t"' in summary.reason
        assert "calendar" in summary.reason


@pytest.mark.parametrize(
    "wrong",
    [
        "SELECT us + 1 FROM ({})",
        "SELECT us FROM ({}) LIMIT 3",
        "SELECT us FROM ({}) UNION ALL SELECT 5",
        "SELECT CASE WHEN us = 0 THEN NULL ELSE us END FROM ({})",
    ],
)
def test_values_that_readers_see_differently_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    """Whatever makes DuckDB deliver another number, the file is not used."""
    right = parquet_int96._delivered_sql

    def delivered(*arguments: Any) -> str:
        return wrong.format(right(*arguments))

    monkeypatch.setattr(parquet_int96, "_delivered_sql", delivered)
    summary = parquet.summarize(_int96(tmp_path / "a.parquet", t=_us(INSTANTS)))
    assert (summary.status, 'column "t"' in summary.reason) == ("error", True), summary


def test_damaged_column_is_told(tmp_path: Path) -> None:
    path = _int96(tmp_path / "a.parquet", t=_us(INSTANTS))
    raw = bytearray(path.read_bytes())
    raw[4:30] = bytes(26)
    path.write_bytes(raw)
    summary = parquet.summarize(path)
    assert (summary.status, "INT96" in summary.reason) == ("error", True)


def test_datetime_is_what_the_bounds_say(tmp_path: Path) -> None:
    """The convention of days, against Python's calendar."""
    times = [datetime.datetime(1582, 10, 4, 23, 59, 59, 999_999), datetime.datetime(2026, 2, 28, 12)]
    leaf = parquet.summarize(_int96(tmp_path / "a.parquet", t=pa.array(times, pa.timestamp("us")))).leaves[0]
    epoch = datetime.datetime(1970, 1, 1)
    low, high = ((t - epoch) // datetime.timedelta(microseconds=1) * 1000 for t in times)
    assert (leaf.bounds["instant"].low, leaf.bounds["instant"].high) == (low, high)
