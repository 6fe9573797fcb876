"""The hash of a row under a projection, as SQL for DuckDB (EXACTNESS 6, docs/hashing.md).

A value is brought to its family's canonical form and hashed to two 64-bit halves; the halves of a row's leaves are
mixed by a function that depends on their position and finalised; only then are they summed.

* Values of a fixed width (numbers that fit DECIMAL(18,6), doubles, dates, instants in whole microseconds, booleans):
  DuckDB's ``hash`` is a bijection of their 64 bits, so the first half has no collisions at all and the second, a
  bijection of the first, adds none: the two differ in how they enter the mix of the row.
* All else is canonical bytes, hashed as they are, and for the second half behind prefixes of three and of five bytes.
  *Seen*: ``hash`` of two BLOBs that differ in the top bit of the 8th and of the 16th byte is equal, so a second hash
  with the same alignment would collide with the first; behind three bytes the same pair differs (docs/hashing.md).
"""

from __future__ import annotations

from r2d2.containment.encoding import canonical_text, decimal_shape, is_integer, microseconds, nanoseconds
from r2d2.lake import text_views
from r2d2.lake.layout import Column
from r2d2.model.family import BINARY, BOOLEAN, DATE, FLOATING, INSTANT, JSON, NUMBER, PRESENCE, STRING, TIMESTAMP

#: Digits of the first twelve decimal orders: what DECIMAL(18,6) holds before the point.
_WHOLE_DIGITS, _SCALE = 12, 6
_LIMIT = 10**_WHOLE_DIGITS
_NULL_LOW, _NULL_HIGH = 0x9E6C63D0876A9A47, 0xD1B54A32D192ED03
_SECOND = 0xA0761D6478BD642F
_ROW_SEED = 0xE7037ED1A0B428DB

Halves = tuple[str, str]


def leaf_halves(value: str, column: Column, family: str) -> Halves:
    """SQL of the two UBIGINT halves of a leaf's hash under ``family``; NULL has its own pair of constants.

    Args:
        value: SQL of the leaf's value as the reader delivers it; for a presence leaf the struct.
        column: the leaf's column tree.
        family: what the leaf is compared as.
    """
    if family == PRESENCE and column.kind == "STRUCT":
        return _fixed(f"(({value}) IS NOT NULL)")
    if column.kind in ("TEXT", "JSON"):
        low, high = _text_halves(text_views.converted(value, column.kind, family), family)
    else:
        low, high = _typed_halves(value, column, family)
    null = f"({value}) IS NULL"
    return (
        f"CASE WHEN {null} THEN {_NULL_LOW}::UBIGINT ELSE {low} END",
        f"CASE WHEN {null} THEN {_NULL_HIGH}::UBIGINT ELSE {high} END",
    )


def null_halves() -> Halves:
    """The halves of a leaf that a file lacks: NULL in all its rows."""
    return f"{_NULL_LOW}::UBIGINT", f"{_NULL_HIGH}::UBIGINT"


def row_halves(leaves: list[Halves]) -> Halves:
    """SQL of the two halves of a row's hash from those of its leaves, in the order of the projection."""
    low = ", ".join(half for half, _ in leaves)
    high = ", ".join(half for _, half in leaves)
    return f"hash(hash({low}))", f"hash(hash({_ROW_SEED}::UBIGINT, {high}))"


def _fixed(value: str) -> Halves:
    low = f"hash({value})"
    return low, f"hash(xor({low}, {_SECOND}::UBIGINT))"


def _bytes(text: str) -> Halves:
    return f"hash({text})", f"hash(hash('r2d' || {text}), hash('r2d2r' || {text}))"


def _either(condition: str, fixed: str, text: str) -> Halves:
    """The fixed form where the value has one, else its canonical text."""
    a, b = _fixed(fixed), _bytes(text)
    return f"CASE WHEN {condition} THEN {a[0]} ELSE {b[0]} END", f"CASE WHEN {condition} THEN {a[1]} ELSE {b[1]} END"


def _typed_halves(value: str, column: Column, family: str) -> Halves:
    kind = column.kind
    if family == NUMBER:
        return _number_halves(value, column)
    if family == FLOATING:
        return _fixed(f"({value})::DOUBLE")
    if family in (TIMESTAMP, INSTANT):
        return _nanoseconds(nanoseconds(value)) if kind == "TIMESTAMP_NS" else _fixed(microseconds(value, kind))
    if family in (BOOLEAN, PRESENCE, DATE):
        return _fixed(value)
    if family == STRING:
        return _bytes(value)
    if family == BINARY:
        return f"hash({value})", f"hash(hash('r2d'::BLOB || {value}), hash('r2d2r'::BLOB || {value}))"
    return _bytes(canonical_text(value, column))


def _number_halves(value: str, column: Column) -> Halves:
    fixed = f"({value})::DECIMAL(18,6)"
    shape = decimal_shape(column.kind)
    if shape is None and not is_integer(column.kind):
        raise ValueError(f"{column.kind} is no number")
    precision, scale = shape or (20 if column.kind in ("BIGINT", "UBIGINT") else 10, 0)
    conditions = []
    if scale > _SCALE:
        shorter = f"DECIMAL({min(38, precision - scale + 1 + _SCALE)},{_SCALE})"
        rounded = f"TRY_CAST(TRY_CAST({value} AS {shorter}) AS {column.kind})"
        conditions.append(f"coalesce({rounded} = {value}, false)")
    if precision - scale > _WHOLE_DIGITS:
        conditions.append(f"{value} > -{_LIMIT} AND {value} < {_LIMIT}")
    if not conditions:
        return _fixed(fixed)
    return _either(" AND ".join(conditions), fixed, canonical_text(value, column))


def _text_halves(value: str, family: str) -> Halves:
    """Halves of what ``text_views.converted`` gives: its types are fixed by the family."""
    if family == NUMBER:
        fits = f"regexp_full_match({value}, '-?[0-9]{{1,{_WHOLE_DIGITS}}}(\\.[0-9]{{1,{_SCALE}}})?')"
        return _either(fits, f"({value})::DECIMAL(18,6)", value)
    if family in (TIMESTAMP, INSTANT):
        return _nanoseconds(value)
    if family in (BOOLEAN, PRESENCE, DATE, FLOATING):
        return _fixed(value)
    if family in (STRING, JSON):
        return _bytes(value)
    if family == BINARY:
        return null_halves()  # no text is binary: the column holds NULL only
    raise ValueError(f"text has no {family} view")


def _nanoseconds(value: str) -> Halves:
    """Whole microseconds as a BIGINT, what is finer as text."""
    return _either(f"({value}) % 1000 = 0", f"(({value}) // 1000)::BIGINT", f"({value})::VARCHAR")
