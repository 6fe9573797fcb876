"""Canonical text: equal for equal values of one family, different for different ones (EXACTNESS 6)."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from r2d2.containment.encoding import canonical_text
from r2d2.lake.layout import Column
from r2d2.lake.parquet_types import MOST_LIST_LEVELS


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("LOAD icu; SET TimeZone = 'UTC'")
        yield connection


def scalar(kind: str) -> Column:
    return Column("x", kind)


def listed(element: Column) -> Column:
    return Column("x", "LIST", (element,))


def text(con: duckdb.DuckDBPyConnection, value: str, column: Column) -> str | None:
    row = con.execute(f"SELECT {canonical_text('v', column)} FROM (SELECT {value} AS v)").fetchone()
    assert row is not None
    found: str | None = row[0]
    return found


NUMBER_KINDS = [
    "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT",
    "DECIMAL(2,0)", "DECIMAL(4,2)", "DECIMAL(9,7)", "DECIMAL(18,6)", "DECIMAL(38,0)", "DECIMAL(38,36)",
]  # fmt: skip


def test_a_whole_number_has_one_text_in_every_type(con: duckdb.DuckDBPyConnection) -> None:
    assert {text(con, f"10::{kind}", scalar(kind)) for kind in NUMBER_KINDS} == {"10"}
    assert {text(con, f"0::{kind}", scalar(kind)) for kind in NUMBER_KINDS} == {"0"}


def test_a_fraction_has_one_text_at_every_precision_and_scale(con: duckdb.DuckDBPyConnection) -> None:
    kinds = ["DECIMAL(1,1)", "DECIMAL(2,2)", "DECIMAL(3,2)", "DECIMAL(7,7)", "DECIMAL(38,38)", "DECIMAL(38,1)"]
    assert {text(con, f"0.5::{kind}", scalar(kind)) for kind in kinds} == {"0.5"}
    assert {text(con, f"'-0.5'::{kind}", scalar(kind)) for kind in kinds} == {"-0.5"}
    assert {text(con, f"0::{kind}", scalar(kind)) for kind in kinds} == {"0"}


@pytest.mark.parametrize(
    ("a", "b"), [("2::DOUBLE**81", "2::DOUBLE**82"), ("'inf'", "'-inf'"), ("'nan'", "'inf'"), ("0.1", "0.1::FLOAT")]
)
def test_doubles_that_differ_have_different_texts(con: duckdb.DuckDBPyConnection, a: str, b: str) -> None:
    assert text(con, f"({a})::DOUBLE", scalar("DOUBLE")) != text(con, f"({b})::DOUBLE", scalar("DOUBLE"))


@settings(max_examples=20, derandomize=True, deadline=None, database=None)
@given(st.lists(st.integers(0, 2**64 - 1), min_size=50, max_size=200))
def test_the_text_of_a_double_gives_the_double_back(bits: list[int]) -> None:
    doubles = [struct.unpack("<d", n.to_bytes(8, "little"))[0] for n in bits]
    with duckdb.connect() as con:
        query = f"SELECT v, {canonical_text('v', scalar('DOUBLE'))} FROM (SELECT unnest(?::DOUBLE[]) AS v)"
        for value, found in con.execute(query, [doubles]).fetchall():
            assert value != value or struct.unpack(">d", bytes.fromhex(found))[0] == value


def test_nan_is_nan_whatever_its_bits_and_zero_has_no_sign(con: duckdb.DuckDBPyConnection) -> None:
    assert text(con, "'nan'::DOUBLE", scalar("DOUBLE")) == text(con, "-('nan'::FLOAT)", scalar("FLOAT"))
    assert text(con, "'-0.0'::DOUBLE", scalar("DOUBLE")) == text(con, "0::FLOAT", scalar("FLOAT"))
    assert text(con, "0.5::DOUBLE", scalar("DOUBLE")) == text(con, "0.5::FLOAT", scalar("FLOAT"))


def test_a_moment_has_one_text_at_every_precision(con: duckdb.DuckDBPyConnection) -> None:
    kinds = ["TIMESTAMP", "TIMESTAMP_MS", "TIMESTAMP_NS", "TIMESTAMPTZ"]
    assert len({text(con, f"'1969-12-31 23:59:59.5'::{kind}", scalar(kind)) for kind in kinds}) == 1


def test_nanoseconds_are_not_cut(con: duckdb.DuckDBPyConnection) -> None:
    fine, coarse = (text(con, f"'2020-01-01 00:00:00.00000{d}'::TIMESTAMP_NS", scalar("TIMESTAMP_NS")) for d in "01")
    assert fine != coarse
    a, b = (text(con, f"make_timestamp_ns({n})", scalar("TIMESTAMP_NS")) for n in (1000, 1001))
    assert a != b


@pytest.mark.parametrize("kind", ["TIMESTAMP", "TIMESTAMP_MS", "TIMESTAMP_NS", "TIMESTAMPTZ"])
def test_an_infinite_time_is_refused_and_not_taken_for_null(con: duckdb.DuckDBPyConnection, kind: str) -> None:
    with pytest.raises(duckdb.Error, match="infinite"):
        text(con, f"['infinity'::{kind}]", listed(scalar(kind)))


STRINGS = listed(scalar("VARCHAR"))
INTS = listed(scalar("INTEGER"))


def all_different(con: duckdb.DuckDBPyConnection, column: Column, values: list[str]) -> None:
    texts = [text(con, value, column) for value in values]
    assert len(set(texts)) == len(texts), dict(zip(values, texts, strict=True))


def test_lists_differ_by_length_null_and_where_an_element_ends(con: duckdb.DuckDBPyConnection) -> None:
    all_different(con, INTS, ["NULL::INT[]", "[]::INT[]", "[NULL]::INT[]", "[NULL, NULL]::INT[]", "[1]", "[1, NULL]"])
    hostile = [
        "''",
        "'a'",
        "'a;vb'",
        "'b;va'",
        "';'",
        "'n'",
        "'v'",
        "'v;'",
        "'\\'",
        "'\\;'",
        "';n'",
        "'1:a'",
        "'0['",
        "'1[n'",
    ]
    pairs = [f"[{a}, {b}]" for a in hostile for b in hostile]
    all_different(con, STRINGS, [*(f"[{a}]" for a in hostile), *pairs, "[NULL]::VARCHAR[]", "['', NULL]", "[NULL, '']"])


def test_nested_lists_differ_by_their_brackets(con: duckdb.DuckDBPyConnection) -> None:
    values = ["[[1], [2]]", "[[1, 2]]", "[[1, 2], []]", "[[], [1, 2]]", "[[]]", "[NULL]", "[[NULL]]", "[]", "NULL"]
    all_different(con, listed(INTS), [f"({value})::INT[][]" for value in values])


def test_structs_differ_by_field_and_a_null_struct_from_one_of_nulls(con: duckdb.DuckDBPyConnection) -> None:
    pair = Column("e", "STRUCT", (Column("a", "VARCHAR"), Column("b", "VARCHAR")))
    values = [
        "[{'a': 'x', 'b': 'y'}]", "[{'a': 'y', 'b': 'x'}]", "[{'a': 'xy', 'b': ''}]", "[{'a': '', 'b': 'xy'}]",
        "[{'a': NULL, 'b': NULL}]", "[NULL]", "[{'a': NULL, 'b': 'n'}]", "[{'a': 'n', 'b': NULL}]",
    ]  # fmt: skip
    all_different(con, listed(pair), [f"({value})::STRUCT(a VARCHAR, b VARCHAR)[]" for value in values])


def test_fields_are_compared_by_name_not_by_position(con: duckdb.DuckDBPyConnection) -> None:
    ab = listed(Column("e", "STRUCT", (Column("a", "INTEGER"), Column("b", "BIGINT"))))
    ba = listed(Column("e", "STRUCT", (Column("b", "SMALLINT"), Column("a", "TINYINT"))))
    first = text(con, "[{'a': 1, 'b': 2}]::STRUCT(a INTEGER, b BIGINT)[]", ab)
    assert first == text(con, "[{'b': 2, 'a': 1}]::STRUCT(b SMALLINT, a TINYINT)[]", ba)


def test_maps_are_compared_without_order_and_with_null_values(con: duckdb.DuckDBPyConnection) -> None:
    column = Column("x", "MAP", (Column("key", "VARCHAR", nullable=False), Column("value", "VARCHAR")))
    assert text(con, "MAP {'a': '1', 'b': '2'}", column) == text(con, "MAP {'b': '2', 'a': '1'}", column)
    values = [
        "MAP {'a': '1', 'b': '2'}", "MAP {'a': '2', 'b': '1'}", "MAP {'a': NULL}", "MAP {'a': 'n'}", "MAP {'a': ''}",
        "MAP {}", "NULL", "MAP {'': 'a'}", "MAP {'a;': ''}",
    ]  # fmt: skip
    all_different(con, column, [f"({value})::MAP(VARCHAR, VARCHAR)" for value in values])


def test_lists_as_deep_as_the_reader_allows_are_planned_and_told_apart(con: duckdb.DuckDBPyConnection) -> None:
    column, value = scalar("VARCHAR"), "'a'"
    for _ in range(MOST_LIST_LEVELS):
        column, value = listed(Column("f", "STRUCT", (column,))), f"[{{'f': {value}}}]"
    assert text(con, value, column) != text(con, value.replace("'a'", "'b'"), column)
