"""DuckDB gives NULLs for a chunk that claims to hold nothing else, unread: such a claim must be true."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from r2d2.lake import parquet
from tests.parquet_footers import Footer, column_statistics, with_footer


@pytest.mark.parametrize(
    "array",
    [
        pa.array([1, 2, 3]),
        pa.array([None, 2, None], pa.int64()),
        pa.array(["a", "b", None]),
        pa.array([{"x": {"y": 1}}, {"x": {"y": 2}}, None]),
        pa.array([[1], [2], [3]]),
        pa.array([[("a", 1)], [("b", 2)], [("c", 3)]], pa.map_(pa.string(), pa.int64())),
        pa.array([False, False, False]),
    ],
    ids=str,
)
def test_claim_of_nothing_but_nulls_is_refused_where_there_are_values(tmp_path: Path, array: pa.Array) -> None:
    def lie(footer: Footer) -> None:
        column_statistics(footer)[3] = (6, 3)

    path = with_footer(pa.table({"dotted.name": array}), tmp_path / "a.parquet", lie)
    summary = parquet.summarize(path)
    assert summary.status == "error"
    assert "says that a column holds only NULLs" in summary.reason


def test_duckdb_believes_the_claim(tmp_path: Path) -> None:
    """Why the claim is checked; where this fails, the check is no longer needed."""

    def lie(footer: Footer) -> None:
        column_statistics(footer)[3] = (6, 3)

    path = with_footer(pa.table({"c": [1, 2, 3]}), tmp_path / "a.parquet", lie)
    assert duckdb.sql(f"SELECT count(c) FROM '{path}'").fetchall() == [(0,)]


@pytest.mark.parametrize(
    "array",
    [
        pa.array([None, None, None], pa.int64()),
        pa.array([None, None, None], pa.string()),
        pa.array([None, {"x": None}, {"x": {"y": None}}], pa.struct([("x", pa.struct([("y", pa.date32())]))])),
        pa.array([None, [], [None]], pa.list_(pa.int8())),
    ],
    ids=str,
)
def test_true_claims_pass(tmp_path: Path, array: pa.Array) -> None:
    pq.write_table(pa.table({"a": [1, 2, 3], "c": array}), tmp_path / "a.parquet", row_group_size=2)
    summary = parquet.summarize(tmp_path / "a.parquet")
    assert (summary.status, summary.rows) == ("ok", 3), summary.reason


def test_damage_in_a_column_of_nulls_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"c": pa.array([None] * 3, pa.int64())}), path)
    raw = bytearray(path.read_bytes())
    raw[4:30] = bytes(26)
    path.write_bytes(raw)
    summary = parquet.summarize(path)
    assert (summary.status, "can't be read" in summary.reason) == ("error", True)
