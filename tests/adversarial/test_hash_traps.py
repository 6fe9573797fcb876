"""Traps of hashing: sums and digests built on DuckDB's ``hash`` alone prove falsely, r2d2's do not."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from tests.adversarial.naive import answer, parquet, quoted, rows

EACH_OTHER = {("a.parquet", "b.parquet"), ("b.parquet", "a.parquet")}


def digest(path: Path, row: str) -> tuple[Any, ...]:
    """Count and exact sum of a hash of each row: a naive digest of a bag."""
    (found,) = rows(f"SELECT count(*), sum(({row})::HUGEINT) FROM {quoted(path)}")
    return found


def pair(directory: Path, a: pa.Array, b: pa.Array) -> tuple[Path, Path]:
    """Two files of a column under one key."""
    keys = pa.array(range(len(a)), pa.int64())
    return tuple(parquet(directory / f"{name}.parquet", k=keys, x=x) for name, x in (("a", a), ("b", b)))  # type: ignore[return-value]


def lists(kind: pa.DataType, *values: Any) -> pa.Array:
    return pa.array(values, kind)


_INTS = pa.list_(pa.int64())
_WIDE = pa.decimal128(38, 2)
_DEEP = pa.list_(_INTS)
_STRUCTS = pa.list_(pa.struct([("f", pa.int64())]))
#: The 64 bits that have the hash of NULL.
_LIKE_NULL = 0xD753516BCC57F282
#: Two values that ``hash`` does not tell apart.
TWINS: dict[str, tuple[pa.Array, pa.Array]] = {
    "0 and -1 as HUGEINT": (lists(_WIDE, Decimal(0)), lists(_WIDE, Decimal("-0.01"))),
    "empty list and NULL": (lists(_INTS, []), lists(_INTS, None)),
    "empty list and list of NULL": (lists(_INTS, []), lists(_INTS, [None])),
    "list of lists and its flat form": (lists(_DEEP, [[1], [2]]), lists(_DEEP, [[1, 2]])),
    "NULL struct and struct of NULLs": (lists(_STRUCTS, [None]), lists(_STRUCTS, [{"f": None}])),
    "NULL and a whole number": (lists(pa.int64(), _LIKE_NULL - 2**64), lists(pa.int64(), None)),
    "NULL and a double": (
        lists(pa.float64(), struct.unpack("<d", struct.pack("<Q", _LIKE_NULL))[0]),
        lists(pa.float64(), None),
    ),
    "NULL and a moment": (
        pa.array([_LIKE_NULL - 2**64], pa.int64()).cast(pa.timestamp("us")),
        lists(pa.timestamp("us"), None),
    ),
    "bytes that differ in two top bits": (
        lists(pa.binary(), bytes(range(1, 25))),
        lists(pa.binary(), bytes(b ^ 0x80 if i in (7, 15) else b for i, b in enumerate(range(1, 25)))),
    ),
}


@pytest.mark.parametrize("twins", TWINS)
def test_values_that_duckdb_hashes_alike_are_told_apart(tmp_path: Path, twins: str) -> None:
    a, b = pair(tmp_path, *TWINS[twins])
    assert digest(a, "hash(x)") == digest(b, "hash(x)")
    assert not answer(tmp_path).pairs


def test_a_salt_put_in_afterwards_does_not_part_what_collides_and_r2d2s_second_half_does(tmp_path: Path) -> None:
    a, b = pair(tmp_path, *TWINS["bytes that differ in two top bits"])
    for row in ("hash(x, 17)", "hash(xor(hash(x), 17::UBIGINT))", "hash(17, hash(x), k)"):
        assert digest(a, row) == digest(b, row)
    assert not answer(tmp_path).pairs


def test_a_number_is_one_number_in_every_width(tmp_path: Path) -> None:
    a, b = pair(tmp_path, pa.array([-1, 5], pa.int32()), pa.array([-1, 5], pa.int64()))
    assert digest(a, "hash(k, x)") != digest(b, "hash(k, x)"), "a wrong refutation"
    assert answer(tmp_path).pairs == EACH_OTHER


def test_maps_have_one_hash_in_every_order(tmp_path: Path) -> None:
    kind = pa.map_(pa.int64(), pa.int64())
    a, b = pair(tmp_path, pa.array([[(1, 3), (2, 4)]], kind), pa.array([[(2, 4), (1, 3)]], kind))
    assert digest(a, "hash(k, x)") != digest(b, "hash(k, x)"), "a wrong refutation"
    assert answer(tmp_path).pairs == EACH_OTHER


@pytest.mark.parametrize("combined", ["hash(k)::HUGEINT + hash(x)::HUGEINT", "xor(hash(k), hash(x))"])
def test_a_child_with_one_column_shuffled_has_not_its_parents_digest(tmp_path: Path, combined: str) -> None:
    count = 1000
    a, b = pair(tmp_path, pa.array(range(count)), pa.array([(i + 1) % count for i in range(count)]))
    total = "bit_xor" if "xor" in combined else "sum"
    asked = [rows(f"SELECT count(*), {total}({combined}) FROM {quoted(path)}") for path in (a, b)]
    assert asked[0] == asked[1]
    assert rows(f"SELECT count(*) FROM (FROM {quoted(a)} INTERSECT FROM {quoted(b)})") == [(0,)]
    assert not answer(tmp_path).pairs


def test_values_exchanged_between_two_columns_are_other_rows(tmp_path: Path) -> None:
    parquet(tmp_path / "a.parquet", x=[1, 2, 3], y=[4, 5, 6])
    parquet(tmp_path / "b.parquet", x=[4, 5, 6], y=[1, 2, 3])
    digests = [digest(tmp_path / f"{name}.parquet", "xor(hash(x), hash(y))") for name in ("a", "b")]
    assert digests[0] == digests[1]
    assert not answer(tmp_path).pairs


def test_sums_are_exact_where_unsigned_128_bits_are_summed_as_doubles(tmp_path: Path) -> None:
    """The row that differs is lost below the last bit of a double of the sum."""
    wide = "((hash(k)::UHUGEINT << 40) | (x::UHUGEINT))"
    count = 3000
    a, b = pair(tmp_path, pa.array([1] * count), pa.array([2] + [1] * (count - 1)))
    sums = [rows(f"SELECT typeof(sum({wide})), sum({wide}) FROM {quoted(path)}") for path in (a, b)]
    assert sums[0][0][0] == "DOUBLE"
    assert sums[0] == sums[1]
    assert not answer(tmp_path).pairs


def test_sums_do_not_overflow_where_128_bits_signed_do(tmp_path: Path) -> None:
    count = 5000
    a, _ = pair(tmp_path, pa.array(range(count)), pa.array(range(count)))
    with pytest.raises(duckdb.OutOfRangeException, match="Overflow"):
        rows(f"SELECT sum((hash(k)::HUGEINT << 62) | hash(x)::HUGEINT) FROM {quoted(a)}")
    assert answer(tmp_path).pairs == EACH_OTHER


def test_texts_that_differ_in_every_eighth_character_only_are_told_apart(tmp_path: Path) -> None:
    """Of a hundred such texts ``hash`` keeps 84 apart; a child that swaps two that collide has its parent's digest."""
    texts = [f"aaaaaaa{one}bbbbbbb{two}cccccccc" for one in "0123456789" for two in "0123456789"]
    twins = _twins(texts)
    assert twins, "the trap is gone: another DuckDB, and docs/hashing.md is out of date"
    one, other = twins[0]
    a, b = pair(tmp_path, pa.array([one, "same"]), pa.array([other, "same"]))
    assert digest(a, "hash(k, x)") == digest(b, "hash(k, x)")
    assert not answer(tmp_path).pairs


def _twins(texts: Sequence[str]) -> list[tuple[str, str]]:
    """Pairs of the texts with one hash."""
    listed = ", ".join(f"'{each}'" for each in texts)
    found = rows(f"SELECT min(t), max(t) FROM (SELECT unnest([{listed}]) AS t) GROUP BY hash(t) HAVING count(*) > 1")
    return [(str(low), str(high)) for low, high in found]
