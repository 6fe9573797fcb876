"""Row hashes: equal values of one family hash equal whatever holds them, different values differ (EXACTNESS 3, 6)."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest

from r2d2.containment.encoding import decimal_shape
from r2d2.containment.hashing import Canonical, absent, canonical, hashed_leaves, row_halves
from r2d2.lake.layout import Column
from r2d2.lake.relation import locked_connection
from r2d2.model.family import (
    BINARY,
    BOOLEAN,
    DATE,
    FLOATING,
    INSTANT,
    JSON,
    NARROWEST_FIRST,
    NUMBER,
    PRESENCE,
    STRING,
    TIMESTAMP,
)

Hash = tuple[int, int]
Words = npt.NDArray[np.int64]


@pytest.fixture(scope="module")
def con(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    with locked_connection(tmp_path_factory.mktemp("scratch")) as connection:
        yield connection


def leaf(con: duckdb.DuckDBPyConnection, value: str, kind: str | Column, family: str) -> Hash:
    column = kind if isinstance(kind, Column) else Column("x", kind)
    return one(con, hashed(f"(SELECT {value} AS v)", canonical("v", column, family)))


def hashed(table: str, *leaves: Canonical) -> str:
    """SQL of the halves of the leaves, in order."""
    return hashed_leaves(leaves, {}, table)


def one(con: duckdb.DuckDBPyConnection, sql: str) -> Hash:
    found = con.execute(sql).fetchone()
    assert found is not None
    assert all(isinstance(half, int) for half in found)
    return found[0], found[1]


def row(con: duckdb.DuckDBPyConnection, values: Sequence[str], kinds: Sequence[str], families: Sequence[str]) -> Hash:
    columns = ", ".join(f"{value} AS v{i}" for i, value in enumerate(values))
    leaves = [
        canonical(f"v{i}", Column("x", kind), family)
        for i, (kind, family) in enumerate(zip(kinds, families, strict=True))
    ]
    low, high = row_halves([(f"l{i}", f"k{i}") for i in range(len(leaves))])
    return one(con, f"SELECT {low}, {high} FROM ({hashed(f'(SELECT {columns})', *leaves)})")


INTEGERS = {
    "TINYINT": (-(2**7), 2**7 - 1), "SMALLINT": (-(2**15), 2**15 - 1), "INTEGER": (-(2**31), 2**31 - 1),
    "BIGINT": (-(2**63), 2**63 - 1), "UTINYINT": (0, 2**8 - 1), "USMALLINT": (0, 2**16 - 1),
    "UINTEGER": (0, 2**32 - 1), "UBIGINT": (0, 2**64 - 1),
}  # fmt: skip
NUMBERS = [
    "0", "1", "-1", "127", "-128", "255", "999999999999", "1000000000000", "-999999999999", "-1000000000000",
    "9223372036854775807", "-9223372036854775808", "18446744073709551615", "18446744073709551617", "0.5", "-0.01",
    "0.000001", "0.0000001", "-0.0000001", "999999999999.5", "-999999999999.9", "999999999999.999999",
    "999999999999.9999999", "1000000000000.5", "0.1234567", "123456789012345678.123456789", "0.999999999999",
    "99999999999999999999999999999999999999", "0.00000000000000000000000000000000000001",
]  # fmt: skip
SCALES = [
    (p, s) for p in (1, 2, 7, 9, 12, 13, 18, 19, 20, 25, 32, 37, 38) for s in (0, 1, 2, 6, 7, 12, 18, 25, 38) if s <= p
]


def holders(number: Decimal) -> list[str]:
    """Every type that holds the number exactly."""
    _, digits, exponent = number.as_tuple()
    assert isinstance(exponent, int)
    scale, whole = max(0, -exponent), max(0, len(digits) + exponent)
    kinds = [f"DECIMAL({p},{s})" for p, s in SCALES if scale <= s and (whole <= p - s or number == 0)]
    if scale == 0:
        kinds += [kind for kind, (low, high) in INTEGERS.items() if low <= number <= high]
    return kinds


@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_has_one_hash_in_every_type_that_holds_it_and_as_text(
    con: duckdb.DuckDBPyConnection, number: str
) -> None:
    kinds = holders(Decimal(number))
    assert kinds
    hashes = {kind: leaf(con, f"'{number}'::{kind}", kind, NUMBER) for kind in kinds}
    spellings = [number, f"{number}e0", f"{number}.0" if "." not in number else f"{number}00"]
    hashes |= {text: leaf(con, f"'{text}'", "TEXT", NUMBER) for text in spellings}
    hashes["JSON"] = leaf(con, f"'{number}'", "JSON", NUMBER)
    assert len(set(hashes.values())) == 1, hashes


def test_different_numbers_have_two_different_halves(con: duckdb.DuckDBPyConnection) -> None:
    hashes = [leaf(con, f"'{number}'", "TEXT", NUMBER) for number in NUMBERS]
    assert len({low for low, _ in hashes}) == len({high for _, high in hashes}) == len(NUMBERS)
    wide = ["0", "-0.01", "-1", "18446744073709551617", "1", "-18446744073709551617"]
    hashes = [leaf(con, f"'{number}'::DECIMAL(38,2)", "DECIMAL(38,2)", NUMBER) for number in wide]
    assert len({low for low, _ in hashes}) == len({high for _, high in hashes}) == len(wide)


def test_a_number_too_wide_for_the_short_form_never_fails_the_scan(con: duckdb.DuckDBPyConnection) -> None:
    """The cast to the short form must not be evaluated on rows that have none, whatever the shape of the vector."""
    values = ", ".join(f"('{n}'::DECIMAL(38,7))" for n in ("1", "1234567890123456789012345678901.5", "0.0000001"))
    for kind, source in (
        ("DECIMAL(38,7)", f"(VALUES {values}) t(v)"),
        ("DECIMAL(38,7)", f"(SELECT v FROM (VALUES {values}) t(v), range(5000) ORDER BY v)"),
        ("UBIGINT", "(SELECT 18446744073709551615::UBIGINT AS v FROM range(3))"),
        ("BIGINT", "(SELECT (-9223372036854775808)::BIGINT AS v FROM range(3))"),
        ("TEXT", "(SELECT '1e300' AS v FROM range(3))"),
    ):
        con.execute(
            f"SELECT sum(l0), sum(k0) FROM ({hashed(source, canonical('v', Column('x', kind), NUMBER))})"
        ).fetchall()


LIMIT = 10**12


def short(con: duckdb.DuckDBPyConnection, number: str, kind: str) -> Hash:
    """The halves of a number where none of 10^12 or more is expected; three rows, so that the cast is not folded."""
    sql = hashed(
        f"(SELECT '{number}'::{kind} AS v FROM range(3))", canonical("v", Column("x", kind), NUMBER, general=False)
    )
    return one(con, sql)


@pytest.mark.parametrize("kind", [*INTEGERS, *(f"DECIMAL({p},{s})" for p, s in SCALES if s <= 6)])
def test_a_number_that_fits_has_one_hash_in_both_forms_and_one_that_does_not_ends_the_scan(
    con: duckdb.DuckDBPyConnection, kind: str
) -> None:
    """Never the hash of another number, which a cast that wraps would give."""
    shape = decimal_shape(kind)
    unit = 10 ** (shape[1] if shape else 0)
    low, high = INTEGERS[kind] if shape is None else (1 - 10 ** shape[0], 10 ** shape[0] - 1)
    edges = {low, high, low // 2, high // 2, -1, 0, 1}
    edges |= {sign * (LIMIT * unit + step) for sign in (-1, 1) for step in (-1, 0, 1)}
    edges |= {2**bits * unit // 10**6 + step for bits in (63, 64, 65) for step in (0, 1)}
    for edge in sorted(each for each in edges if low <= each <= high):
        number = str(Decimal(edge) / unit) if abs(edge) < 10**28 else f"{edge // unit}"
        if abs(Decimal(number)) < LIMIT:
            assert short(con, number, kind) == leaf(con, f"'{number}'::{kind}", kind, NUMBER), number
        else:
            with pytest.raises(duckdb.ConversionException):
                short(con, number, kind)


def test_what_has_no_short_form_for_another_reason_than_its_size_keeps_its_text(con: duckdb.DuckDBPyConnection) -> None:
    for number, kind in (("0.0000001", "DECIMAL(38,7)"), (str(LIMIT), "DECIMAL(38,7)"), (str(LIMIT), "TEXT")):
        stored = "VARCHAR" if kind == "TEXT" else kind
        sql = hashed(f"(SELECT '{number}'::{stored} AS v)", canonical("v", Column("x", kind), NUMBER, general=False))
        assert one(con, sql) == leaf(con, f"'{number}'::{stored}", kind, NUMBER)


def test_a_float_equals_the_double_that_it_is(con: duckdb.DuckDBPyConnection) -> None:
    for value in ("0.5", "1e30", "'inf'", "'-inf'", "1e-45", "16777217"):
        assert leaf(con, f"({value})::FLOAT", "FLOAT", FLOATING) == leaf(
            con, f"({value})::FLOAT::DOUBLE", "DOUBLE", FLOATING
        )
    assert leaf(con, "0.1::FLOAT", "FLOAT", FLOATING) != leaf(con, "0.1::DOUBLE", "DOUBLE", FLOATING)


def test_every_nan_is_nan_and_zero_has_no_sign(con: duckdb.DuckDBPyConnection) -> None:
    nans = [("'nan'::DOUBLE", "DOUBLE"), ("-('nan'::DOUBLE)", "DOUBLE"), ("'nan'::FLOAT", "FLOAT"), ("'NaN'", "TEXT")]
    assert len({leaf(con, value, kind, FLOATING) for value, kind in nans}) == 1
    zeros = [("0::DOUBLE", "DOUBLE"), ("'-0.0'::DOUBLE", "DOUBLE"), ("'-0.0'::FLOAT", "FLOAT"), ("'-0.0'", "TEXT")]
    assert len({leaf(con, value, kind, FLOATING) for value, kind in zeros}) == 1
    different = ["'nan'", "'inf'", "'-inf'", "0", "2::DOUBLE**81", "2::DOUBLE**82", "NULL"]
    assert len({leaf(con, f"({v})::DOUBLE", "DOUBLE", FLOATING) for v in different}) == len(different)


@pytest.mark.parametrize("moment", ["1970-01-01 00:00:00", "1969-12-31 23:59:59.999", "2024-02-29 12:00:00.123"])
def test_a_moment_has_one_hash_at_every_precision_and_as_text(con: duckdb.DuckDBPyConnection, moment: str) -> None:
    kinds = ["TIMESTAMP", "TIMESTAMP_MS", "TIMESTAMP_NS"]
    hashes = {leaf(con, f"'{moment}'::{kind}", kind, TIMESTAMP) for kind in kinds}
    assert hashes == {leaf(con, f"'{moment}'", "TEXT", TIMESTAMP)}
    assert leaf(con, f"'{moment}'::TIMESTAMPTZ", "TIMESTAMPTZ", INSTANT) == leaf(con, f"'{moment}Z'", "TEXT", INSTANT)


def test_nanoseconds_count(con: duckdb.DuckDBPyConnection) -> None:
    values = [f"make_timestamp_ns({n})" for n in (-1001, -1000, -999, -1, 0, 1, 999, 1000, 1001)]
    assert len({leaf(con, value, "TIMESTAMP_NS", TIMESTAMP) for value in values}) == len(values)
    fine = leaf(con, "make_timestamp_ns(-999)", "TIMESTAMP_NS", TIMESTAMP)
    assert fine == leaf(con, "'1969-12-31 23:59:59.999999001'", "TEXT", TIMESTAMP)


@pytest.mark.parametrize("kind", ["TIMESTAMP", "TIMESTAMP_MS", "TIMESTAMP_NS", "TIMESTAMPTZ"])
def test_infinite_times_are_refused_and_never_equal_to_each_other(con: duckdb.DuckDBPyConnection, kind: str) -> None:
    with pytest.raises(duckdb.Error, match="infinite"):
        leaf(con, f"'-infinity'::{kind}", kind, INSTANT if kind == "TIMESTAMPTZ" else TIMESTAMP)


def test_dates_booleans_and_strings_hash_alike_as_text(con: duckdb.DuckDBPyConnection) -> None:
    assert leaf(con, "DATE '1969-07-20'", "DATE", DATE) == leaf(con, "'1969-07-20'", "TEXT", DATE)
    assert leaf(con, "true", "BOOLEAN", BOOLEAN) == leaf(con, "'True'", "TEXT", BOOLEAN)
    assert leaf(con, "'é'", "VARCHAR", STRING) == leaf(con, "'é'", "TEXT", STRING)
    assert leaf(con, "'a\"b'", "VARCHAR", STRING) == leaf(con, '\'"a\\"b"\'', "JSON", STRING)


def test_the_presence_of_an_object_hashes_alike_in_parquet_and_json(con: duckdb.DuckDBPyConnection) -> None:
    struct = Column("x", "STRUCT", (Column("a", "INTEGER"),))
    present, absent = (leaf(con, f"{v}::BOOLEAN", "BOOLEAN", PRESENCE) for v in ("true", "false"))
    assert present == leaf(con, "{'a': NULL::INTEGER}", struct, PRESENCE)
    assert absent == leaf(con, "NULL::STRUCT(a INTEGER)", struct, PRESENCE)
    assert present != absent


KINDS = {
    NUMBER: ("INTEGER", "DECIMAL(18,6)", "DECIMAL(38,10)"), FLOATING: ("FLOAT", "DOUBLE"), BOOLEAN: ("BOOLEAN",),
    DATE: ("DATE",), TIMESTAMP: ("TIMESTAMP", "TIMESTAMP_NS"), INSTANT: ("TIMESTAMPTZ",), STRING: ("VARCHAR",),
    BINARY: ("BLOB",),
}  # fmt: skip


@pytest.mark.parametrize("family", [each for each in NARROWEST_FIRST if each != PRESENCE])
def test_null_has_one_hash_in_every_type_as_text_and_where_the_leaf_is_absent(
    con: duckdb.DuckDBPyConnection, family: str
) -> None:
    nulls = one(con, hashed("(SELECT 1)", absent(family)))
    for kind in KINDS.get(family, ()):
        assert leaf(con, f"NULL::{kind}", kind, family) == nulls, kind
    for kind in ("TEXT", "JSON"):
        assert leaf(con, "NULL::VARCHAR", kind, family) == nulls, kind


MASK, FACTOR = 2**64 - 1, 0xD6E8FEB86659FD93


def finalised(x: int) -> int:
    """DuckDB's hash of 64 bits."""
    for _ in range(2):
        x = (x ^ x >> 32) * FACTOR & MASK
    return x ^ x >> 32


def twice(bits: int) -> Hash:
    """The halves of a value of fixed width."""
    return finalised(bits), finalised(finalised(bits))


def unfinalised(x: int) -> int:
    """The 64 bits with the hash ``x``."""
    inverse = pow(FACTOR, -1, 2**64)
    for _ in range(2):
        x = (x ^ x >> 32) * inverse & MASK
    return x ^ x >> 32


def test_no_value_of_fixed_width_has_the_hash_of_null(con: duckdb.DuckDBPyConnection) -> None:
    """Its 64 bits, as a decimal, have 19 digits; dates have 32 bits, booleans one."""
    (null,) = {one(con, f"SELECT hash(NULL::{k}), 0")[0] for k in ("DECIMAL(18,6)", "DATE", "BOOLEAN", "VARCHAR")}
    bits = unfinalised(null)
    assert finalised(bits) == null
    assert one(con, f"SELECT hash({bits}::UBIGINT), 0")[0] == null
    assert bits - 2**64 < -(10**18)
    assert one(con, "SELECT hash(-1.5::DECIMAL(18,6)), hash(DATE '1969-12-31')") == (
        finalised(2**64 - 1_500_000), finalised(2**32 - 1),
    )  # fmt: skip
    assert one(con, "SELECT hash(false), hash(true)") == (finalised(0), finalised(1))


def test_the_doubles_and_moments_that_share_duckdbs_hash_of_null_are_not_null(con: duckdb.DuckDBPyConnection) -> None:
    bits = unfinalised(one(con, "SELECT hash(NULL), 0")[0])
    (double,) = struct.unpack("<d", struct.pack("<Q", bits))
    assert one(con, f"SELECT hash({double!r}::DOUBLE), 0")[0] == finalised(bits), "the trap is gone"
    assert leaf(con, f"{double!r}::DOUBLE", "DOUBLE", FLOATING) != leaf(con, "NULL::DOUBLE", "DOUBLE", FLOATING)
    moment = f"make_timestamp({bits - 2**64})"
    assert leaf(con, "NULL::TIMESTAMP", "TIMESTAMP", TIMESTAMP) == twice(2**63 - 1)
    assert one(con, f"SELECT hash(epoch_us({moment})), 0")[0] == finalised(bits), "the trap is gone"
    assert leaf(con, moment, "TIMESTAMP", TIMESTAMP) != leaf(con, "NULL::TIMESTAMP", "TIMESTAMP", TIMESTAMP)


def test_the_hash_of_a_null_double_is_that_of_bits_which_no_double_is_hashed_by(con: duckdb.DuckDBPyConnection) -> None:
    """DuckDB hashes all NaN as one, which has other bits than the NaN whose hash stands for NULL."""
    assert leaf(con, "NULL::DOUBLE", "DOUBLE", FLOATING) == twice(0x7FF8000000000001)
    assert leaf(con, "1.5::DOUBLE", "DOUBLE", FLOATING)[0] == finalised(0x3FF8000000000000)
    assert leaf(con, "'nan'::DOUBLE", "DOUBLE", FLOATING)[0] == finalised(0x7FF8000000000000)
    payload = np.frombuffer(struct.pack("<Q", 0x7FF8000000000001), np.float64)
    assert payload.view(np.uint64)[0] == 0x7FF8000000000001
    other = con.cursor()
    other.register("payload", pa.table({"v": payload}))
    sql = hashed("payload", canonical("v", Column("v", "DOUBLE"), FLOATING))
    assert one(other, sql) == leaf(con, "'nan'::DOUBLE", "DOUBLE", FLOATING)


def test_null_is_not_the_empty_string_nor_zero_nor_an_empty_list(con: duckdb.DuckDBPyConnection) -> None:
    nulls = leaf(con, "NULL::VARCHAR", "VARCHAR", STRING)
    ints = Column("x", "LIST", (Column("e", "INTEGER"),))
    assert nulls != leaf(con, "''", "VARCHAR", STRING)
    assert nulls != leaf(con, "''::BLOB", "BLOB", BINARY)
    assert nulls != leaf(con, "0", "INTEGER", NUMBER)
    assert nulls != leaf(con, "false", "BOOLEAN", BOOLEAN)
    lists = [leaf(con, f"{v}::INTEGER[]", ints, "list<number>") for v in ("NULL", "[]", "[NULL]", "[NULL, NULL]")]
    assert len(set(lists)) == 4
    assert lists[0] == nulls


def test_values_cannot_move_across_columns(con: duckdb.DuckDBPyConnection) -> None:
    strings = ["VARCHAR", "VARCHAR"], [STRING, STRING]
    rows = [["'a'", "'bc'"], ["'ab'", "'c'"], ["'bc'", "'a'"], ["'abc'", "''"], ["''", "'abc'"], ["'abc'", "NULL"]]
    assert len({row(con, values, *strings) for values in rows}) == len(rows)
    numbers = ["INTEGER", "INTEGER"], [NUMBER, NUMBER]
    halves = [row(con, values, *numbers) for values in (["1", "2"], ["2", "1"], ["NULL", "1"], ["1", "NULL"])]
    assert len({low for low, _ in halves}) == len({high for _, high in halves}) == 4


def test_the_halves_of_a_row_differ(con: duckdb.DuckDBPyConnection) -> None:
    for values in (["1"], ["NULL"], ["1", "1"], ["1", "2", "1"]):
        low, high = row(con, values, ["INTEGER"] * len(values), [NUMBER] * len(values))
        assert low != high


def test_a_row_is_mixed_in_order_and_in_reverse_as_the_analysis_of_the_mix_takes_it(
    con: duckdb.DuckDBPyConnection,
) -> None:
    """The mix itself, without DuckDB: another one would need another analysis (docs/hashing.md)."""
    low, high = zip(*(twice(value * 10**6) for value in (1, 2, 3)), strict=True)
    expected = finalised(mixed(low)), finalised(mixed([0xE7037ED1A0B428DB, *reversed(high)]))
    assert row(con, ["1", "2", "3"], ["INTEGER"] * 3, [NUMBER] * 3) == expected


def mixed(values: Sequence[int]) -> int:
    """DuckDB's ``hash(a, b, ...)``."""
    state = finalised(values[0])
    for value in values[1:]:
        state = (state ^ state >> 32) * FACTOR & MASK ^ finalised(value)
    return state


def stepped(words: Words, bits: int) -> Words:
    """The step of DuckDB's mix, and of its finaliser, in words of few bits: a bijection of them."""
    product = (words ^ words >> bits // 2) * (FACTOR >> 64 - bits | 1)
    return np.asarray(product & 2**bits - 1, np.int64)


@pytest.mark.parametrize("bits", [8, 10])
def test_two_leaves_that_hide_each_other_in_one_mix_show_in_the_reversed_one(bits: int) -> None:
    """In short words, over all pairs of rows that differ in two neighbours: how often both mixes agree, as a multiple
    of what it would be for independent ones. In the same order, from other seeds, they agree far more often.
    """
    count = 2**bits
    words = np.arange(count)
    mix = stepped(words, bits)
    steps = np.stack([np.bincount(mix ^ mix[words ^ step], minlength=count) for step in range(1, count)])[:, 1:] / count
    assert (steps * steps.T).sum() < 1.5
    assert (steps * steps).sum() > 16


@pytest.mark.parametrize(("hashed_again", "low", "high"), [(True, 0.3, 2), (False, 16, 128)])
def test_two_columns_that_are_equal_in_all_rows_need_other_hashes_in_the_high_half(
    hashed_again: bool, low: float, high: float
) -> None:
    """Read in reverse they are the same: only other hashes keep the halves apart. Pairs of rows that agree in both,
    over all seeds, as a multiple of what it would be for independent halves.
    """
    bits = 10
    count = 2**bits

    def final(words: Words) -> Words:
        twice_stepped = stepped(stepped(words, bits), bits)
        return twice_stepped ^ twice_stepped >> bits // 2

    leaves = final(np.arange(count))
    z, again = final(leaves), final(final(leaves) if hashed_again else leaves)
    first = stepped(z, bits) ^ z
    agreeing = 0
    for seed in range(count):
        second = stepped(stepped(np.full(count, seed), bits) ^ again, bits) ^ again
        _, alike = np.unique(first * count + second, return_counts=True)
        agreeing += int((alike * (alike - 1) // 2).sum())
    assert low < agreeing / ((count - 1) / 2) < high


def test_rows_of_shuffled_columns_have_another_sum(con: duckdb.DuckDBPyConnection) -> None:
    """With plain sums of column hashes, a table with one column shuffled has the digest of the table itself."""
    leaves = [canonical(name, Column(name, "BIGINT"), NUMBER) for name in "ab"]
    low, high = row_halves([("l0", "k0"), ("l1", "k1")])
    straight, shuffled = (
        con.execute(f"SELECT sum({low}), sum({high}) FROM ({hashed(table, *leaves)})").fetchone()
        for table in (
            "(SELECT i AS a, i AS b FROM range(100) t(i))",
            "(SELECT i AS a, 99 - i AS b FROM range(100) t(i))",
        )
    )
    assert straight is not None
    assert shuffled is not None
    assert straight[0] != shuffled[0]
    assert straight[1] != shuffled[1]


TWIN = bytearray(range(1, 25))
OTHER = bytearray(TWIN)
OTHER[7] ^= 0x80
OTHER[15] ^= 0x80


def test_the_structural_collision_of_duckdbs_hash_reaches_neither_half(con: duckdb.DuckDBPyConnection) -> None:
    values = [f"unhex('{data.hex()}')" for data in (TWIN, OTHER)]
    plain = {one(con, f"SELECT hash({value}), hash({value})") for value in values}
    assert len(plain) == 1, "the trap is gone: another DuckDB, and docs/hashing.md is out of date"
    a, b = (leaf(con, value, "BLOB", BINARY) for value in values)
    assert a[0] != b[0]
    assert a[1] != b[1]


def test_the_structural_collision_does_not_reach_the_hash_of_a_row(con: duckdb.DuckDBPyConnection) -> None:
    kinds, families = ["INTEGER", "BLOB", "VARCHAR"], [NUMBER, BINARY, STRING]
    a, b = (row(con, ["1", f"unhex('{data.hex()}')", "'x'"], kinds, families) for data in (TWIN, OTHER))
    assert a[0] != b[0]
    assert a[1] != b[1]


def colliding_texts() -> tuple[str, str]:
    """Two ASCII texts with one DuckDB hash: what differs in the state after eight bytes is undone by the next eight."""
    factor, rng = 0xD6E8FEB86659FD93, random.Random(5)
    start = 0xE17A1465 ^ (24 * 0xC6A4A7935BD1E995) % 2**64
    while True:
        first, other = (int.from_bytes(rng.choices(range(97, 123), k=8), "little") for _ in range(2))
        difference = ((start ^ first) * factor ^ (start ^ other) * factor) % 2**64
        if difference & 0x8080808080808080 == 0:
            blocks = [(first, 0x6161616161616161), (other, 0x6161616161616161 ^ difference)]
            a, b = (b"".join(word.to_bytes(8, "little") for word in pair) + b"the rest" for pair in blocks)
            return a.decode("ascii"), b.decode("ascii")


def test_texts_that_are_made_to_collide_in_duckdbs_hash_differ_in_both_halves(con: duckdb.DuckDBPyConnection) -> None:
    texts = [f"decode(unhex('{text.encode().hex()}'))" for text in colliding_texts()]
    plain = {one(con, f"SELECT hash({text}), hash({text})") for text in texts}
    assert len(plain) == 1, "the trap is gone: another DuckDB, and docs/hashing.md is out of date"
    a, b = (leaf(con, text, "VARCHAR", STRING) for text in texts)
    assert a[0] != b[0]
    assert a[1] != b[1]


@pytest.mark.parametrize("place", range(8))
def test_texts_that_differ_in_one_place_of_each_block_only_have_no_common_half(
    con: duckdb.DuckDBPyConnection, place: int
) -> None:
    """The worst pattern for DuckDB's hash: in the last place of a block, 100,000 such texts have few hundred hashes."""
    digits = " || ".join(
        f"'{'x' * place}' || chr((97 + i // {10**n} % 10)::INTEGER) || '{'x' * (7 - place)}'" for n in range(5)
    )
    table = f"(SELECT {digits} AS v FROM range(100000) t(i))"
    sql = hashed(table, canonical("v", Column("v", "VARCHAR"), STRING))
    assert one(con, f"SELECT count(DISTINCT l0), count(DISTINCT k0) FROM ({sql})") == (100_000, 100_000)
    plain, _ = one(con, f"SELECT count(DISTINCT hash(v)), 0 FROM {table}")
    assert (plain < 1000) == (place == 7)


@pytest.mark.parametrize("shift", range(9))
def test_no_alignment_of_the_flipped_bits_collides_in_both_halves(con: duckdb.DuckDBPyConnection, shift: int) -> None:
    for first in range(shift, 32, 8):
        base = bytearray(range(1, 49))
        flipped = bytearray(base)
        flipped[first] ^= 0x80
        flipped[first + 8] ^= 0x80
        a, b = (leaf(con, f"unhex('{data.hex()}')", "BLOB", BINARY) for data in (base, flipped))
        assert a != b


def test_json_is_not_the_string_that_spells_it(con: duckdb.DuckDBPyConnection) -> None:
    assert leaf(con, "'\"1\"'", "JSON", JSON) != leaf(con, "'1'", "JSON", JSON)
    assert leaf(con, "'\"1\"'", "JSON", STRING) == leaf(con, "'1'", "VARCHAR", STRING)


def test_a_kind_that_the_family_cannot_hold_is_an_error_not_a_hash() -> None:
    with pytest.raises(ValueError, match="no number"):
        canonical("v", Column("x", "DOUBLE"), NUMBER)
    with pytest.raises(ValueError, match="no canonical text"):
        canonical("v", Column("x", "LIST", (Column("e", "INTERVAL"),)), "list<x>")


def test_names_of_the_data_never_reach_the_sql(tmp_path: Path) -> None:
    hostile = Column("'); DROP TABLE t; --", "STRUCT", (Column("\"a'", "INTEGER"),))
    sql = hashed("t", canonical("v", Column("x", "LIST", (hostile,)), "list<struct<...>>"))
    assert "DROP" not in sql
    assert "a'" not in sql
