"""Traps of CSV and JSON: a reader that trusts DuckDB's own reading goes wrong, r2d2 does not (docs/traps.md)."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from tests.adversarial.naive import answer, naive_contained, parquet, quoted, rows, text

BOTH_WAYS = {("a.parquet", "b.csv"), ("b.csv", "a.parquet")}


def strict(path: Path, width: int = 2, more: str = "") -> list[tuple[str | None, ...]]:
    """A CSV file as DuckDB reads it when it is told everything and asked to be strict."""
    columns = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(width))
    return rows(
        f"FROM read_csv({quoted(path)}, auto_detect = false, header = true, delim = ',', quote = '\"', escape = '\"', "
        f"strict_mode = true, null_padding = false, ignore_errors = false, columns = {{{columns}}}{more})"
    )


@pytest.mark.parametrize(("spelling", "number"), [("1.7", 2), ("0x10", 16), ("1_000", 1000), (" 5", 5), ("007", 7)])
def test_text_that_a_cast_rounds_or_reads_freely_is_not_that_integer(
    tmp_path: Path, spelling: str, number: int
) -> None:
    parquet(tmp_path / "a.parquet", k=["x"], n=pa.array([number], pa.int32()))
    child = text(tmp_path / "b.csv", f"k,n\nx,{spelling}\n")
    cast = f"(SELECT k, try_cast(n AS INT) AS n FROM read_csv({quoted(child)}, all_varchar = true))"
    assert naive_contained(quoted(tmp_path / "a.parquet"), cast)
    assert not answer(tmp_path).pairs
    text(child, f"k,n\nx,{number}\n")
    assert answer(tmp_path).pairs == BOTH_WAYS


def test_numbers_of_json_beyond_2_to_the_53_are_not_read_as_doubles(tmp_path: Path) -> None:
    parent = text(tmp_path / "a.jsonl", '{"n": 9007199254740992}\n{"n": 0.5}\n')
    child = text(tmp_path / "b.jsonl", '{"n": 9007199254740993}\n{"n": 0.5}\n')
    assert naive_contained(quoted(parent), quoted(child))
    typed = [Decimal("9007199254740993.0"), Decimal("0.5")]
    parquet(tmp_path / "c.parquet", n=pa.array(typed, pa.decimal128(20, 1)))
    assert answer(tmp_path).pairs == {("b.jsonl", "c.parquet"), ("c.parquet", "b.jsonl")}


def test_a_quoted_empty_field_is_the_empty_text_and_not_null(tmp_path: Path) -> None:
    parent = parquet(tmp_path / "a.parquet", i=[1, 2], s=[None, "b"])
    child = text(tmp_path / "b.csv", 'i,s\n1,""\n2,b\n')
    told = f"read_csv({quoted(child)}, header = true, columns = {{'i': 'BIGINT', 's': 'VARCHAR'}})"
    assert naive_contained(quoted(parent), told)
    assert not answer(tmp_path).pairs
    parquet(parent, i=[1, 2], s=["", "b"])
    assert answer(tmp_path).pairs == BOTH_WAYS
    text(child, "i,s\n1,\n2,b\n")
    parquet(parent, i=[1, 2], s=[None, "b"])
    assert answer(tmp_path).pairs == BOTH_WAYS


LEFT = [("1", "x")]
#: What DuckDB's strict reading makes of a file of two columns without a word, and the words in which r2d2 refuses it.
DAMAGED = {
    "quote that is never closed": (b'a,b\n1,x\n2,"y\n3,z\n', ", parallel = false", LEFT, "never closed"),
    "record with a field too many": (b"a,b\n1,x\n2,y,\n", "", [("1", "x"), ("2", "y")], "3 fields instead of 2"),
    "spaces around quotes": (b'a,b\n1, "x" \n', "", LEFT, "space before an opening quote"),
    "last line that ends in a bare return": (b"a,b\r\n1,x\r", "", LEFT, "ends in another way"),
    "line end of another kind in the header": (b'"a\r\n",b\n1,x\n', "", [], "line end of another kind"),
    "line end of another kind among bare returns": (b'"a\n",b\r1,x\r', "", [], "line end of another kind"),
    "quoted field behind a byte order mark": (b'\xef\xbb\xbf"a\n1",b\n1,x\n', "", [('1"', "b"), *LEFT], "byte order"),
}


@pytest.mark.parametrize("trap", DAMAGED)
def test_damaged_text_is_refused_with_its_line_where_duckdb_drops_or_changes_rows(tmp_path: Path, trap: str) -> None:
    content, options, read, words = DAMAGED[trap]
    child = text(tmp_path / "b.csv", content)
    assert strict(child, more=options) == read
    parquet(tmp_path / "a.parquet", a=["1"], b=["x"])
    assert words in answer(tmp_path).refused("b.csv")


def test_quoted_fields_are_read_where_lines_end_in_return_and_line_feed(tmp_path: Path) -> None:
    child = text(tmp_path / "b.csv", b'a,b\r\n1,x\r\n"2",y\r\n')
    assert strict(child, more=", new_line = '\\r\\n'") == []
    parquet(tmp_path / "a.parquet", a=[1, 2], b=["x", "y"])
    assert answer(tmp_path).pairs == BOTH_WAYS


def test_doubles_are_compared_by_value_where_duckdb_prints_another_one(tmp_path: Path) -> None:
    assert rows("SELECT (2.0::DOUBLE ** 81)::VARCHAR::DOUBLE = 2.0::DOUBLE ** 82") == [(True,)]
    parent = parquet(tmp_path / "a.parquet", k=["x"], d=[2.0**81])
    child = text(tmp_path / "b.csv", f"k,d\nx,{2.0**82:.16e}\n")
    printed = f"(SELECT k, d::VARCHAR::DOUBLE AS d FROM {quoted(parent)})"
    assert naive_contained(printed, quoted(child))
    assert not answer(tmp_path).pairs
    text(child, f"k,d\nx,{2.0**81:.16e}\n")
    assert answer(tmp_path).pairs == BOTH_WAYS


def test_keys_missing_in_some_records_are_null_and_no_reason_to_drop_a_record(tmp_path: Path) -> None:
    """A sample of the records does not know of a key that comes late."""
    records = [{"i": i} for i in range(30_000)] + [{"i": 30_000, "late": "x"}]
    parent = text(tmp_path / "a.jsonl", "".join(json.dumps({"i": i}) + "\n" for i in range(30_001)))
    child = text(tmp_path / "b.jsonl", "".join(json.dumps(record) + "\n" for record in records))
    sampled = f"read_json({quoted(child)}, ignore_errors = true)"
    assert naive_contained(quoted(parent), sampled)
    assert answer(tmp_path).pairs == {("b.jsonl", "a.jsonl")}
