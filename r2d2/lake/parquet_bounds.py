"""Null counts and bounds from a Parquet footer, each believed only as far as its writer is known (EXACTNESS 5).

* Statistics count, bound by bound, only if the writer is on the list below, the values are in the newer fields, and
  the footer says that they follow the order of their type. Else null counts are unknown and bounds are neither tight
  nor valid.
* A bound is tight unless the writer says that it cut it; a string only if the writer says that it did not, or never
  cuts.
* NaN takes no part in statistics; a bound that is NaN is none. Writers turn a smallest 0.0 into -0.0 and a largest -0.0
  into 0.0: by value the same number, so a row does hold it.
* A bound needs all row groups. One that holds only NULL adds nothing; one that says nothing takes all bounds away.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import reduce

from r2d2.errors import UnsupportedData
from r2d2.lake.parquet_footer import Chunk, SchemaElement
from r2d2.lake.parquet_types import first_member, shown
from r2d2.model import family as families
from r2d2.model.dataset import Bounds, BoundValue

#: Writer → first version whose statistics are in order for every type on the allow-list. Older parquet-mr sorts strings
#: as signed bytes (PARQUET-251, PARQUET-686), older parquet-cpp decimals as unsigned ones (PARQUET-1655).
_WRITERS: tuple[tuple[re.Pattern[str], tuple[int, int]], ...] = (
    (re.compile(r"parquet-mr version (\d+)\.(\d+)"), (1, 10)),
    (re.compile(r"parquet-cpp-arrow version (\d+)\.(\d+)"), (10, 0)),
    (re.compile(r"parquet-rs version (\d+)\.(\d+)"), (50, 0)),
    (re.compile(r"datafusion version (\d+)\.(\d+)"), (45, 0)),
    (re.compile(r"DuckDB version v(\d+)\.(\d+)"), (1, 2)),
    (re.compile(r"Polars \(python\) version (\d+)\.(\d+)"), (2, 1)),
)
#: Drops a long bound rather than cut it, and did so before it could say that a bound is exact.
_NEVER_CUTS = re.compile(r"parquet-cpp-arrow version ")

_MILLISECOND = 1_000_000
_MICROSECOND = 1_000
_INFINITE = 2**63 - 1  # DuckDB's infinity as a timestamp; its negative is the other one
_OLDEST_MICROSECOND = -9_223_372_022_400_000_000  # DuckDB's first timestamp
#: Kind → raw values that DuckDB delivers as they are. Beyond them it cuts, fails, or sees an infinity.
_RANGES = {
    "TINYINT": (-(2**7), 2**7 - 1),
    "SMALLINT": (-(2**15), 2**15 - 1),
    "UTINYINT": (0, 2**8 - 1),
    "USMALLINT": (0, 2**16 - 1),
    "DATE": (-(2**31) + 2, 2**31 - 2),
    "TIMESTAMP_NS": (-_INFINITE + 1, _INFINITE - 1),
}


@dataclass(frozen=True)
class Column:
    """A flat column of the footer: its place among a row group's chunks, and what its bytes mean."""

    index: int
    path: tuple[str, ...]
    kind: str
    family: str
    element: SchemaElement


@dataclass(frozen=True)
class Trust:
    """What a footer's statistics are worth."""

    writer: bool
    never_cuts: bool

    @staticmethod
    def in_writer(created_by: str) -> Trust:
        """By the name and version that the writer gives itself."""
        matches = ((pattern.match(created_by), first) for pattern, first in _WRITERS)
        known = any(match is not None and (int(match[1]), int(match[2])) >= first for match, first in matches)
        return Trust(known, known and _NEVER_CUTS.match(created_by) is not None)


def null_count(chunks: Sequence[tuple[int, Chunk]], trust: Trust) -> int | None:
    """NULLs of a column that is in no list, over (rows, chunk) of all row groups; None if one doesn't tell."""
    total = 0
    for rows, chunk in chunks:
        nulls = _nulls(rows, chunk)
        if nulls is None or not trust.writer:
            return None
        total += nulls
    return total


def bounds(chunks: Sequence[tuple[int, Chunk]], column: Column, trust: Trust, type_ordered: bool) -> Bounds | None:
    """Bounds of a column over (rows, chunk) of all row groups; None where there are none, or not for all of them.

    Raises:
        UnsupportedData: a bound lies where DuckDB would not deliver the value as it is.
    """
    found = [
        _chunk_bounds(chunk, column, trust, type_ordered)
        for rows, chunk in chunks
        if rows > 0 and not (trust.writer and _nulls(rows, chunk) == rows)
    ]
    present = [one for one in found if one is not None]
    return reduce(merge, present) if present and len(present) == len(found) else None


def merge(a: Bounds, b: Bounds) -> Bounds:
    """Bounds of the rows of both: the outer value is tight if the side that gives it is, and valid if both are."""
    low, low_tight = _outer(a.low, a.low_tight, b.low, b.low_tight, smaller=True)
    high, high_tight = _outer(a.high, a.high_tight, b.high, b.high_tight, smaller=False)
    return Bounds(low, high, low_tight, high_tight, a.low_valid and b.low_valid, a.high_valid and b.high_valid)


def _outer(a: BoundValue, a_tight: bool, b: BoundValue, b_tight: bool, *, smaller: bool) -> tuple[BoundValue, bool]:
    if a == b:
        return a, a_tight or b_tight
    return (a, a_tight) if (a < b) == smaller else (b, b_tight)  # type: ignore[operator]  # both are of one family


def _nulls(rows: int, chunk: Chunk) -> int | None:
    if rows == 0:
        return 0
    nulls = chunk.statistics.nulls if chunk.statistics else None
    return nulls if nulls is not None and 0 <= nulls <= rows == chunk.values else None


def _chunk_bounds(chunk: Chunk, column: Column, trust: Trust, type_ordered: bool) -> Bounds | None:
    statistics = chunk.statistics
    if statistics is None or statistics.low is None or statistics.high is None:
        return None
    trusted = trust.writer and statistics.ordered and type_ordered
    if not trusted and column.family not in (families.NUMBER, families.DATE, families.TIMESTAMP, families.INSTANT):
        return None  # in an unknown order the two may even be swapped
    try:
        low, high = (_value(raw, column) for raw in (statistics.low, statistics.high))
    except (ValueError, struct.error):
        return None
    if _is_nan(low) or _is_nan(high) or low > high:  # type: ignore[operator]  # both are of one family
        return None
    low_tight, high_tight = (
        trusted and _is_exact(flag, column, trust) for flag in (statistics.low_exact, statistics.high_exact)
    )
    return Bounds(low, high, low_tight, high_tight, trusted, trusted)


def _is_exact(flag: bool | None, column: Column, trust: Trust) -> bool:
    if flag is None:
        return column.family != families.STRING or trust.never_cuts
    return flag


def _is_nan(value: BoundValue) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _value(raw: bytes, column: Column) -> BoundValue:
    """The canonical form of a raw bound.

    Raises:
        ValueError, struct.error: the bytes are not a value of the type.
        UnsupportedData: DuckDB would not deliver it as it is.
    """
    kind, family = column.kind, column.family
    if family == families.STRING:
        return raw.decode("utf-8")
    if family == families.BOOLEAN:
        return _boolean(raw)
    if family == families.FLOATING:
        number: float = struct.unpack("<f" if kind == "FLOAT" else "<d", raw)[0]
        return number
    integer = _integer(raw, column)
    _refuse_beyond_range(integer, column)
    if kind.startswith("DECIMAL"):
        return Decimal(f"{integer}E-{column.element.scale}")
    if family == families.NUMBER:
        return Decimal(integer)
    return integer if family == families.DATE else integer * _nanoseconds(column)


def _boolean(raw: bytes) -> bool:
    if raw not in (b"\0", b"\1"):
        raise ValueError("not a boolean")
    return raw == b"\1"


def _integer(raw: bytes, column: Column) -> int:
    physical = column.element.physical
    if physical in ("BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY"):
        if not raw:
            raise ValueError("an empty number")
        return int.from_bytes(raw, "big", signed=True)
    if len(raw) != (4 if physical == "INT32" else 8):
        raise ValueError("a number of the wrong width")
    return int.from_bytes(raw, "little", signed=not column.kind.startswith("U"))


def _nanoseconds(column: Column) -> int:
    """Nanoseconds in the unit of a timestamp column."""
    if column.kind == "TIMESTAMP_NS":
        return 1
    return _MILLISECOND if _is_milliseconds(column) else _MICROSECOND


def _is_milliseconds(column: Column) -> bool:
    logical = column.element.logical
    return logical is not None and first_member(logical[1].get(2)) == 1


def _refuse_beyond_range(value: int, column: Column) -> None:
    low, high = _range(column)
    if not low <= value <= high:
        what = "a date or time" if column.family != families.NUMBER else "a number"
        raise UnsupportedData(f"column {shown(column.path)} holds {what} beyond the range of {column.kind} in DuckDB")


def _range(column: Column) -> tuple[int, int]:
    if column.kind in ("TIMESTAMP", "TIMESTAMPTZ"):
        unit = 1000 if _is_milliseconds(column) else 1
        return -(-_OLDEST_MICROSECOND // unit), (_INFINITE - 1) // unit
    if column.kind.startswith("DECIMAL"):
        limit: int = 10 ** (column.element.precision or 0) - 1
        return -limit, limit
    return _RANGES.get(column.kind, (-(2**64), 2**64))
