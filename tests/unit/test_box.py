"""Boxes: a term is a function of the value alone, whatever holds it, and few of them are kept (EXACTNESS 7)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from r2d2.containment.box import MOST_TERMS, box_of, describe, term_sql
from r2d2.containment.request import Term
from r2d2.lake.layout import Column
from r2d2.lake.relation import locked_connection
from r2d2.model.dataset import Bounds, BoundValue, Leaf, LeafPath
from r2d2.model.family import BOOLEAN, DATE, FLOATING, INSTANT, NUMBER, STRING, TIMESTAMP


@pytest.fixture(scope="module")
def con(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    with locked_connection(tmp_path_factory.mktemp("scratch")) as connection:
        yield connection


def inside(
    con: duckdb.DuckDBPyConnection,
    value: str,
    kind: str,
    family: str,
    low: BoundValue,
    high: BoundValue,
    nulls: bool = False,
) -> bool:
    condition = Term(("x",), family, low, high, nulls, valid=True)
    found = con.execute(f"SELECT {term_sql('v', Column('x', kind), condition)} FROM (SELECT {value} AS v)").fetchone()
    assert found is not None
    assert isinstance(found[0], bool), "a term is never NULL"
    return found[0]


def which_inside(
    con: duckdb.DuckDBPyConnection,
    values: Sequence[str],
    kind: str,
    family: str,
    low: BoundValue,
    high: BoundValue,
) -> list[bool]:
    """As ``inside`` for many values, in one query."""
    term = term_sql("v", Column("x", kind), Term(("x",), family, low, high, False, valid=True))
    return [
        found for (found,) in con.execute(f"SELECT {term} FROM (SELECT unnest([{', '.join(values)}]) AS v)").fetchall()
    ]


RANGES = {
    "TINYINT": (-(2**7), 2**7 - 1, 0), "SMALLINT": (-(2**15), 2**15 - 1, 0), "INTEGER": (-(2**31), 2**31 - 1, 0),
    "BIGINT": (-(2**63), 2**63 - 1, 0), "UTINYINT": (0, 2**8 - 1, 0), "USMALLINT": (0, 2**16 - 1, 0),
    "UINTEGER": (0, 2**32 - 1, 0), "UBIGINT": (0, 2**64 - 1, 0),
} | {
    f"DECIMAL({p},{s})": (-(10**p) + 1, 10**p - 1, s)
    for p, s in ((1, 0), (1, 1), (4, 2), (9, 9), (18, 6), (19, 1), (38, 0), (38, 20), (38, 37), (38, 38))
}  # fmt: skip
EDGES = [Decimal(text) for text in (
    "0", "1", "-1", "0.5", "-0.5", "0.49", "127", "128", "127.5", "-128.5", "255.00001", "1e-38", "-1e-38", "1e-39",
    "9223372036854775807", "9223372036854775808", "18446744073709551615.5", "-1e19", "1e20", "-1e38", "1e38", "1e300",
    "-1e300", "1e-300", "0.12345678901234567890123456789012345678", "0.123456789012345678901234567890123456785",
    "99999999999999999999999999999999999999", "99.99", "99.995", "-9.99", "12345.67",
)]  # fmt: skip


def fraction(unscaled: int, scale: int) -> Decimal:
    """Exactly, unlike arithmetic in a context."""
    return Decimal((int(unscaled < 0), tuple(map(int, str(abs(unscaled)))), -scale))


@st.composite
def typed_numbers(draw: st.DrawFn) -> tuple[str, Decimal]:
    kind = draw(st.sampled_from(sorted(RANGES)))
    low, high, scale = RANGES[kind]
    unscaled = draw(st.sampled_from([low, high, 0, min(1, high), low + 1, high - 1]) | st.integers(low, high))
    return kind, fraction(unscaled, scale)


bound = st.sampled_from(EDGES) | st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**20))


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(typed_numbers(), st.lists(bound, min_size=2, max_size=2), st.booleans())
def test_number_terms_are_what_python_says_for_every_type_and_as_text(
    con: duckdb.DuckDBPyConnection, number: tuple[str, Decimal], bounds: list[Decimal], own: bool
) -> None:
    kind, value = number
    low, high = sorted([value, bounds[0]] if own else bounds)
    expected = low <= value <= high
    assert inside(con, f"'{value:f}'::{kind}", kind, NUMBER, low, high) is expected
    text = f"{value:f}"
    whole, _, decimals = text.lstrip("-").partition(".")
    if len(whole) <= 26 and len(decimals.rstrip("0")) <= 12:
        assert inside(con, f"'{text}'", "TEXT", NUMBER, low, high) is expected
        assert inside(con, f"'{text}'", "JSON", NUMBER, low, high) is expected


def test_a_bound_of_38_digits_after_the_point_is_not_rounded(con: duckdb.DuckDBPyConnection) -> None:
    """*Seen*: DuckDB takes such a literal for a double."""
    value, kind = "0.12345678901234567890123456789012345678", "DECIMAL(38,38)"
    assert inside(con, f"'{value}'::{kind}", kind, NUMBER, Decimal(value), Decimal(value))
    assert not inside(con, f"'{value}'::{kind}", kind, NUMBER, Decimal(value[:-1] + "9"), Decimal(1))
    assert not inside(con, f"'{value}'::{kind}", kind, NUMBER, Decimal(0), Decimal(value[:-1] + "7"))


def test_a_number_too_long_to_be_compared_counts_as_inside(con: duckdb.DuckDBPyConnection) -> None:
    for text in ("1e40", "-1e40", "0.0000000000001"):
        assert inside(con, f"'{text}'", "TEXT", NUMBER, Decimal(5), Decimal(6))
    assert not inside(con, "'1e20'", "TEXT", NUMBER, Decimal(5), Decimal(6))


DOUBLES = [0.0, -0.0, 1.5, -1.5, math.inf, -math.inf, math.nan, 5e-324, 1.7976931348623157e308, 2.0**81, 2.0**82]


@pytest.mark.parametrize("low", [d for d in DOUBLES if not math.isnan(d)])
def test_floating_terms_admit_nan_and_compare_zero_without_sign(con: duckdb.DuckDBPyConnection, low: float) -> None:
    values = [f"'{value!r}'::DOUBLE" for value in DOUBLES]
    for high in (double for double in DOUBLES if not math.isnan(double)):
        expected = [math.isnan(value) or low <= value <= high for value in DOUBLES]
        assert which_inside(con, values, "DOUBLE", FLOATING, low, high) == expected, high
    assert inside(con, "'nan'::FLOAT", "FLOAT", FLOATING, low, low)
    assert inside(con, "'NaN'", "TEXT", FLOATING, low, low)


def test_a_float_is_compared_as_its_double(con: duckdb.DuckDBPyConnection) -> None:
    assert not inside(con, "0.1::FLOAT", "FLOAT", FLOATING, 0.0, 0.1)
    assert inside(con, "0.1::FLOAT", "FLOAT", FLOATING, 0.1, 0.10000000149011612)


MOMENTS = [-1_000_000_001, -1_000_000_000, -999_999_999, -1000, -1, 0, 1, 999, 1000, 1001, 1_000_000, 10**18]


@pytest.mark.parametrize("low", MOMENTS)
def test_moments_are_compared_to_the_nanosecond_at_every_precision(con: duckdb.DuckDBPyConnection, low: int) -> None:
    micros = [ns // 1000 for ns in MOMENTS if ns % 1000 == 0]
    millis = [us for us in micros if us % 1000 == 0]
    spelled = [
        ([f"make_timestamp_ns({ns})" for ns in MOMENTS], "TIMESTAMP_NS", TIMESTAMP, MOMENTS),
        ([f"make_timestamp({us})" for us in micros], "TIMESTAMP", TIMESTAMP, [us * 1000 for us in micros]),
        ([f"make_timestamptz({us})" for us in micros], "TIMESTAMPTZ", INSTANT, [us * 1000 for us in micros]),
        (
            [f"strftime(make_timestamp({us}), '%Y-%m-%d %H:%M:%S.%f')" for us in micros],
            "TEXT",
            TIMESTAMP,
            [us * 1000 for us in micros],
        ),
        (
            [f"make_timestamp({us})::TIMESTAMP_MS" for us in millis],
            "TIMESTAMP_MS",
            TIMESTAMP,
            [us * 1000 for us in millis],
        ),
    ]
    for high in MOMENTS:
        for values, kind, family, moments in spelled:
            assert which_inside(con, values, kind, family, low, high) == [low <= ns <= high for ns in moments], high


@pytest.mark.parametrize("days", [0, -1, 19000, -719162, 2932896, 2**31 - 2, -(2**31) + 2])
def test_dates_are_compared_as_days_to_the_edges_of_the_type(con: duckdb.DuckDBPyConnection, days: int) -> None:
    value = f"(DATE '1970-01-01' + ({max(-(2**31) + 400_000_000, min(days, 2**31 - 800_000_000))}))"
    near_days = max(-(2**31) + 400_000_000, min(days, 2**31 - 800_000_000))
    assert inside(con, value, "DATE", DATE, near_days, near_days)
    assert inside(con, value, "DATE", DATE, -(2**31) + 2, 2**31 - 2)
    assert not inside(con, value, "DATE", DATE, near_days + 1, 2**31 - 2)
    assert not inside(con, value, "DATE", DATE, -(2**31) + 2, near_days - 1)


STRINGS = [
    "", "a", "A", "a'", "';--", "\x00", "a\x00", "a\x00b", "é", "\U0001f600", "\uffff", "\ud7ff", "z" * 300, "\\",
    "\n", '"',
]  # fmt: skip


@pytest.mark.parametrize("low", STRINGS)
def test_strings_are_compared_byte_by_byte_and_never_reach_the_sql(con: duckdb.DuckDBPyConnection, low: str) -> None:
    literals = [f"decode(unhex('{value.encode().hex()}'))" for value in STRINGS]
    for high in STRINGS:
        expected = [low.encode() <= value.encode() <= high.encode() for value in STRINGS]
        assert which_inside(con, literals, "VARCHAR", STRING, low, high) == expected, high
    sql = term_sql("v", Column("x", "VARCHAR"), Term(("';--",), STRING, low, low, True, True))
    assert ";" not in sql


@pytest.mark.parametrize(("low", "high"), [(False, False), (False, True), (True, True)])
def test_booleans(con: duckdb.DuckDBPyConnection, low: bool, high: bool) -> None:
    for value in (False, True):
        for kind, spelled in (("BOOLEAN", str(value)), ("TEXT", f"'{value}'")):
            assert inside(con, spelled, kind, BOOLEAN, low, high) is (low <= value <= high)


@pytest.mark.parametrize(
    ("kind", "family", "low"),
    [
        ("TINYINT", NUMBER, Decimal(500)), ("DECIMAL(4,2)", NUMBER, Decimal(0)), ("DOUBLE", FLOATING, 0.5),
        ("VARCHAR", STRING, "a"), ("DATE", DATE, 3), ("TIMESTAMP", TIMESTAMP, 3), ("TIMESTAMP_NS", TIMESTAMP, 3),
        ("BOOLEAN", BOOLEAN, True), ("TEXT", NUMBER, Decimal("0.1")), ("TEXT", FLOATING, 0.5), ("JSON", STRING, "a"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("nulls", [False, True])
def test_null_is_inside_where_it_is_admitted_and_only_there(
    con: duckdb.DuckDBPyConnection, kind: str, family: str, low: BoundValue, nulls: bool
) -> None:
    stored = "VARCHAR" if kind in ("TEXT", "JSON") else kind
    assert inside(con, f"NULL::{stored}", kind, family, low, low, nulls) is nulls


def number(low: int | str, high: int | str, tight: bool = True, valid: bool = True) -> Bounds:
    return Bounds(Decimal(low), Decimal(high), tight, tight, valid, valid)


def leaves(bounds: Mapping[str, Bounds | None], family: str = NUMBER) -> dict[LeafPath, Leaf]:
    return {(n,): Leaf((n,), (family,), nulls=0, bounds={family: b} if b else {}) for n, b in bounds.items()}


def test_a_box_keeps_the_most_selective_terms_and_no_more() -> None:
    names = "abcdefgh"
    projection = tuple(((n,), NUMBER) for n in names)
    child = leaves({n: number(0, i) for i, n in enumerate(names)})
    box = box_of(projection, child, leaves({n: number(0, 1000) for n in names}))
    assert [t.path[0] for t in box] == list("abcd")
    assert len(box) == MOST_TERMS


def test_a_leaf_without_bounds_or_order_gives_no_term() -> None:
    projection = ((("a",), NUMBER), (("b",), "list<number>"))
    child = {**leaves({"a": None}), ("b",): Leaf(("b",), ("list<number>",), bounds={"list<number>": number(0, 1)})}
    assert box_of(projection, child, child) == ()


def test_a_term_that_excludes_nothing_is_left_out_only_if_the_parents_bounds_are_valid() -> None:
    projection = ((("a",), NUMBER),)
    child = leaves({"a": number(0, 10)})
    assert box_of(projection, child, leaves({"a": number(2, 9)})) == ()
    assert len(box_of(projection, child, leaves({"a": number(2, 9, valid=False)}))) == 1


def test_a_term_admits_null_unless_the_child_is_known_to_have_none() -> None:
    projection = ((("a",), NUMBER),)
    parent = leaves({"a": number(0, 100)})
    for nulls, admitted in ((None, True), (3, True), (0, False)):
        child: dict[LeafPath, Leaf] = {("a",): Leaf(("a",), (NUMBER,), nulls=nulls, bounds={NUMBER: number(1, 2)})}
        assert [t.nulls for t in box_of(projection, child, parent)] == [admitted]


def test_a_term_is_valid_only_if_both_bounds_are() -> None:
    projection = ((("a",), NUMBER),)
    parent = leaves({"a": number(0, 100)})
    for low, high in ((True, False), (False, True), (False, False), (True, True)):
        child = leaves({"a": Bounds(Decimal(1), Decimal(2), low_valid=low, high_valid=high)})
        assert [t.valid for t in box_of(projection, child, parent)] == [low and high]


def test_bounds_of_any_size_can_be_weighed_against_each_other() -> None:
    projection = ((("a",), NUMBER),)
    child = leaves({"a": number("0", "1e999")})
    assert len(box_of(projection, child, leaves({"a": number("-1e-38", "1e-38", tight=False, valid=False)}))) == 1
    floats = ((("a",), FLOATING),)
    wide = leaves({"a": Bounds(0.0, 1.7e308)}, FLOATING)
    assert len(box_of(floats, wide, leaves({"a": Bounds(-5e-324, 5e-324)}, FLOATING))) == 1
    for low, high in ((-math.inf, math.inf), (0.0, math.inf), (math.inf, math.inf)):
        box_of(floats, leaves({"a": Bounds(low, high)}, FLOATING), wide)
        box_of(floats, wide, leaves({"a": Bounds(low, high)}, FLOATING))


def test_the_box_for_people_shows_values_only_where_they_may_be_shown() -> None:
    box = (Term(("salary",), NUMBER, Decimal(10), Decimal(99), True, True),)
    assert describe(box, show_values=False) == "a range of salary"
    assert describe(box, show_values=True) == "salary in [10 .. 99]"


def test_a_scan_inside_of_a_term_never_fails_on_rows_outside_of_its_form(tmp_path: Path) -> None:
    """The cast to a decimal must not be evaluated on texts that are too long for it, whatever the vector's shape."""
    condition = Term(("x",), NUMBER, Decimal(1), Decimal(2), True, True)
    sql = term_sql("v", Column("x", "TEXT"), condition)
    with locked_connection(tmp_path) as con:
        rows = con.execute(
            f"SELECT count(*) FILTER (WHERE {sql}) FROM (VALUES ('1e300'), ('1.5'), (NULL), ('7')) t(v), range(3000)"
        ).fetchone()
    assert rows == (9000,)
