"""The SQL grammar against an oracle in plain Python that shares nothing with it."""

from __future__ import annotations

import json
import math
import re
import struct
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal, localcontext
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from r2d2.lake.text_views import JSON_FAMILIES, TEXT_FAMILIES, converted, convertible
from r2d2.model.family import BINARY, BOOLEAN, DATE, FLOATING, INSTANT, JSON, NUMBER, STRING, TIMESTAMP
from tests.sampling import examples

EPOCH = date(1970, 1, 1)
NO = object()


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 1}) as connection:
        yield connection


def in_sql(con: duckdb.DuckDBPyConnection, kind: str, family: str, texts: list[str]) -> list[Any]:
    con.register("given", pa.table({"i": range(len(texts)), "x": pa.array(texts, pa.string())}))
    test, value = convertible("x", kind, family), converted("x", kind, family)
    rows = con.execute(f"SELECT {test}, CASE WHEN {test} THEN {value} END FROM given ORDER BY i").fetchall()
    assert all(ok is not None for ok, _ in rows)
    return [value if ok else NO for ok, value in rows]


# --- the oracle: character loops, Decimal, datetime, repr -------------------------------------------------------------


def plain(number: Decimal) -> str:
    text = format(number, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def number_of(text: str) -> Decimal | None:
    body = text[1:] if text.startswith("-") else text
    mantissa, mark, exponent = body.replace("E", "e").partition("e")
    whole, point, fraction = mantissa.partition(".")
    digits = set("0123456789")
    if len(text) > 1000 or not set(whole) <= digits or not set(fraction) <= digits or (point and not fraction):
        return None
    if (not whole and not point) or (len(whole) > 1 and whole[0] == "0"):
        return None
    if mark:
        power = exponent[1:] if exponent[:1] in ("+", "-") else exponent
        if not power or not set(power) <= digits or abs(int(power)) > 999:
            return None
    with localcontext() as context:
        context.prec = 5000
        return Decimal(text)


def expect_number(text: str) -> Any:
    number = number_of(text)
    if number is None:
        return NO
    spelled = plain(number)
    return spelled if sum(c.isdigit() for c in spelled) <= 400 else NO


def expect_floating(text: str) -> Any:
    if text in ("NaN", "nan", "inf", "-inf", "Infinity", "-Infinity"):
        return float(text)
    if expect_number(text) is NO:
        return NO
    value = float(text)
    if math.isinf(value) or Decimal(repr(value)) != number_of(text):
        return NO
    return value + 0.0


def day_of(text: str) -> date | None:
    if len(text) != 10 or not all(c in "0123456789-" for c in text) or text[4] != "-" or text[7] != "-":
        return None
    try:
        return date(int(text[:4]), int(text[5:7]), int(text[8:]))
    except ValueError:
        return None


def expect_date(text: str) -> Any:
    return day_of(text) or NO


def clock(text: str) -> int | None:
    """Nanoseconds since midnight of HH:MM:SS[.fraction]."""
    main, point, fraction = text.partition(".")
    if len(main) != 8 or not main.isascii() or (point and not (fraction.isdigit() and fraction.isascii())):
        return None
    if len(fraction) > 9 or not re.match(r"[0-9]{2}:[0-9]{2}:[0-9]{2}\Z", main):
        return None
    try:
        moment = datetime.strptime(main, "%H:%M:%S")
    except ValueError:
        return None
    if moment.second != int(main[6:]):  # strptime folds 60 and 61
        return None
    seconds = moment.hour * 3600 + moment.minute * 60 + moment.second
    return seconds * 10**9 + int((fraction + "0" * 9)[:9])


def expect_timestamp(text: str) -> Any:
    day = day_of(text[:10])
    nanoseconds = clock(text[11:])
    if day is None or nanoseconds is None or text[10] not in " T":
        return NO
    return (day - EPOCH) // timedelta(days=1) * 86400 * 10**9 + nanoseconds


def expect_instant(text: str) -> Any:
    for cut in range(19, len(text)):
        local, zone = expect_timestamp(text[:cut]), text[cut:]
        if local is NO or (zone != "Z" and not re.match(r"[+-][0-9]{2}(:[0-9]{2}){0,2}\Z", zone)):
            continue
        parts = [0, 0, 0] if zone == "Z" else [int(p) for p in zone[1:].split(":")] + [0, 0]
        if parts[0] > 23 or parts[1] > 59 or parts[2] > 59:
            return NO
        ahead = parts[0] * 3600 + parts[1] * 60 + parts[2]
        return local + (ahead if zone[0] == "-" else -ahead) * 10**9
    return NO


def expect(kind: str, family: str, text: str) -> Any:
    if family == JSON:
        return text if kind == "JSON" else NO
    if kind == "JSON":
        value = json.loads(text, parse_int=str, parse_float=str)
        is_string = text.startswith('"')
        if family == BOOLEAN:
            return value if isinstance(value, bool) else NO
        if is_string != (family not in (NUMBER, FLOATING)) or text[0] in "{[tfn":
            return NO
        text = value
    oracles = {
        BOOLEAN: lambda t: t.lower() == "true" if t in {"true", "false", "True", "False", "TRUE", "FALSE"} else NO,
        NUMBER: expect_number,
        FLOATING: expect_floating,
        DATE: expect_date,
        TIMESTAMP: expect_timestamp,
        INSTANT: expect_instant,
        STRING: lambda t: t,
    }
    return oracles[family](text)


def same(a: Any, b: Any) -> bool:
    if isinstance(a, float) and isinstance(b, float):
        return struct.pack("d", a) == struct.pack("d", b) or (math.isnan(a) and math.isnan(b))
    return type(a) is type(b) and a == b


def check(con: duckdb.DuckDBPyConnection, kind: str, texts: list[str]) -> None:
    for family in TEXT_FAMILIES if kind == "TEXT" else JSON_FAMILIES:
        got = in_sql(con, kind, family, texts)
        wrong = [
            (family, t, "no" if g is NO else g)
            for t, g in zip(texts, got, strict=True)
            if not same(g, expect(kind, family, t))
        ]
        assert not wrong


# --- generated texts ------------------------------------------------------------------------------------------

digits = st.text("0123456789", max_size=25)
numbers = st.builds(
    "".join,
    st.tuples(
        st.sampled_from(["", "", "-", "+", "--"]),
        st.one_of(digits, st.integers(0, 10**20).map(str), st.just("0")),
        st.sampled_from(["", ".", "."]),
        digits,
        st.sampled_from(["", "", "e", "E", "e-", "E+", "e+0"]),
        st.one_of(st.just(""), st.integers(0, 420).map(str)),
    ),
)
doubles = st.floats(allow_nan=False, allow_infinity=False)
spelled_doubles = st.one_of(
    doubles.map(repr),
    doubles.map(lambda d: format(d, ".17g")),
    doubles.map(lambda d: format(d, ".16e").upper()),
    doubles.map(lambda d: plain(Decimal(repr(d)))),
    st.integers(-1074, 1023).map(lambda k: repr(2.0**k)),
    st.integers(-1074, 1023).map(lambda k: format(2.0**k, ".16g")),
    st.integers(2**52, 2**66).map(str),
)
times = st.builds(
    lambda d, sep, t, f, z: d + sep + t + f + z,
    st.one_of(
        st.dates().map(str), st.sampled_from(["2023-02-30", "1900-02-29", "2000-02-29", "0000-01-01", "10000-01-01"])
    ),
    st.sampled_from(["", " ", "T", "T", "t", "  "]),
    st.one_of(
        st.just(""),
        st.times().map(lambda t: t.strftime("%H:%M:%S")),
        st.sampled_from(["24:00:00", "23:60:00", "23:59:60", "1:00:00", "12:00", "12:00:00 "]),
    ),
    st.one_of(st.just(""), st.text("0123456789", max_size=10).map(lambda f: "." + f), st.just(",5")),
    st.one_of(
        st.sampled_from(
            ["", "", "Z", "z", " Z", "+24:00", "-05", "+05:30", "-00:00:01", "+0530", "+5", " UTC", "+05:60"]
        ),
        st.timedeltas(timedelta(), timedelta(hours=23)).map(
            lambda d: f"+{int(d.seconds / 3600):02}:{d.seconds // 60 % 60:02}"
        ),
    ),
)
texts = st.one_of(
    numbers,
    spelled_doubles,
    times,
    st.text(max_size=12),
    st.text("0123456789eE.+-_x naifNITrue\n\x00\u0661\uff11", max_size=8),
)
EDGES = [
    "", "1.7", "0x10", "1_000", " 1", "1 ", "1\n", "\n1", "1\x00", "1e400", "1e-400", "-0", "-0.0", "-0.00e5",
    "0e999", "0e1000", "9007199254740993", "9007199254740992", "18446744073709551617", "00", "01", "-01", ".5", "-.5",
    "5.", ".", "-", "-.", "1e", "1e+", "e5", "１", "٣", "1e1_0", "1E10", "1.0E10", "10000000000.0", "1e00005", "1,000",
    "1 000", "NaN", "nan", "NAN", "inf", "+inf", "-inf", "Infinity", "-Infinity", "infinity", "-nan", "true", "True",
    "TRUE", "tRUE", "t", "1", "0", "yes", "false", "False", "FALSE", "ＴＲＵＥ", "0.1", "0.10", "0.10000000000000001",
    "5e-324", "4.9E-324", "2.4178516392292583e+24", "2.4758800785707605e+27", "8.535058474086213e+242",
    "1.7976931348623157e308", "1.7976931348623159e308", "2.2250738585072014E-308", "9.5367431640625e-07", "1e22",
    "1e23", "9.999999999999999e22", "1" + "0" * 399, "1" + "0" * 400, "0." + "0" * 398 + "1", "0." + "0" * 399 + "1",
    "1" + "0" * 398 + ".0", "1e399", "1" + "." + "0" * 998, "1" + "." + "0" * 999, "0" * 400, "1e-399",
    "123456789012345678901234567890.123e-20", "2023-02-30", "0000-01-01", "0001-01-01", "9999-12-31", "10000-01-01",
    "infinity", "epoch", "2020-1-1", "2020-01-01 ", "2020/01/01", "2020-01-01\n", "0001-01-01 (BC)", "２０２０-01-01",
    "-100-01-01", "today", "2020-02-29", "2021-02-29", "2020-01-01 00:00:00", "2020-01-01T23:59:59.999999999",
    "2020-01-01 00:00:00.", "2020-01-01 00:00:00.1234567890", "2020-01-01 24:00:00", "2020-01-01 23:59:60",
    "2020-01-01T00:00:00Z", "2020-01-01 00:00:00+00", "2020-01-01 00:00:00-05:30", "0001-01-01 00:00:00+23:59:59",
    "9999-12-31 23:59:59.999999999-23:59:59", "2020-01-01 00:00:00.5-00:00:01", "1677-09-21 00:12:43",
    "2262-04-12 00:00:00", "0001-01-01 00:00:00", "9999-12-31T23:59:59.999999999", "2023-02-30 00:00:00Z",
]  # fmt: skip


def as_json(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def test_edges_as_text(con: duckdb.DuckDBPyConnection) -> None:
    check(con, "TEXT", EDGES)


def test_edges_as_json_strings_are_never_numbers(con: duckdb.DuckDBPyConnection) -> None:
    check(con, "JSON", [as_json(t) for t in EDGES])


def test_json_values_keep_their_kind(con: duckdb.DuckDBPyConnection) -> None:
    check(con, "JSON", ["true", "false", "0", "-1.5", "9007199254740993", "1e400", "0.1", "[]", "[1]", "{}", '{"a":1}'])
    check(
        con, "JSON", [as_json(t) for t in ("", "\\", '"', "\x00", "\x1f", "a\nb\t", "é\u2028😀", "{}", "null", "true")]
    )


@settings(max_examples=examples(30), deadline=None, suppress_health_check=list(HealthCheck))
@given(batch=st.lists(texts, min_size=150, max_size=200))
def test_generated_texts(con: duckdb.DuckDBPyConnection, batch: list[str]) -> None:
    check(con, "TEXT", batch)
    check(con, "JSON", [as_json(t) for t in batch])


@settings(max_examples=examples(20), deadline=None, suppress_health_check=list(HealthCheck))
@given(batch=st.lists(st.one_of(spelled_doubles, numbers), min_size=200, max_size=300))
def test_generated_json_numbers(con: duckdb.DuckDBPyConnection, batch: list[str]) -> None:
    check(con, "JSON", [t for t in batch if re.match(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?\Z", t)])


def test_every_double_printed_shortest_is_floating(con: duckdb.DuckDBPyConnection) -> None:
    """DuckDB 2.0.0 prints 2**81 as 2**82; the grammar must not depend on how it prints doubles."""
    powers = [2.0**k for k in range(-1074, 1024)]
    doubles = powers + [math.nextafter(p, math.inf) for p in powers] + [math.nextafter(p, 0) for p in powers]
    got = in_sql(con, "TEXT", FLOATING, [repr(d) for d in doubles])
    assert got == doubles


def test_null_is_null_in_every_family(con: duckdb.DuckDBPyConnection) -> None:
    for kind in ("TEXT", "JSON"):
        for family in (*JSON_FAMILIES, BINARY):
            sql = converted("x", kind, family)
            assert con.execute(f"SELECT {sql} FROM (SELECT CAST(NULL AS VARCHAR) x)").fetchall() == [(None,)]


def test_text_is_never_binary_json_or_nested(con: duckdb.DuckDBPyConnection) -> None:
    assert in_sql(con, "TEXT", JSON, ["1"]) == [NO]
    assert in_sql(con, "TEXT", BINARY, ["1"]) == [NO]
    assert convertible("x", "TEXT", "list<number>") == "false"
    assert con.execute(f"SELECT {converted('x', 'TEXT', 'list<number>')} FROM (SELECT '[1]' AS x)").fetchall() == [
        (None,)
    ]
    with pytest.raises(ValueError, match="no text converts"):
        converted("x", "TEXT", "presence")


def test_long_strings_are_refused_quickly(con: duckdb.DuckDBPyConnection) -> None:
    huge = ["9" * 10_000_000, "a" * 10_000_000, "." + "0" * 10_000_000, "-" * 1_000_000]
    for family in (NUMBER, FLOATING, DATE, TIMESTAMP, INSTANT):
        assert in_sql(con, "TEXT", family, huge) == [NO] * 4
