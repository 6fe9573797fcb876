"""The 128-bit hash of a row under a projection, as SQL for DuckDB (EXACTNESS 6, docs/hashing.md).

A value is brought to its family's canonical form and hashed to two 64-bit halves; the halves of a row's leaves are
mixed by a function that depends on their position and is finalised; only then are they summed.

* Values of a fixed width (numbers that fit DECIMAL(18,6), doubles, dates, instants in whole microseconds, booleans):
  DuckDB's ``hash`` is a bijection of their 64 bits, so the first half has no collisions at all and the second, a
  bijection of the first, adds none: the two differ in how they enter the mix of the row.
* All else is canonical bytes, hashed behind prefixes of 0, 2, 4 and 6 bytes; both halves mix all four.
  *Seen*: ``hash`` of two BLOBs that differ in the top bits of their 8th and 16th byte is equal, and a difference in
  byte k of a block of eight reaches only the 64 - 8k bits above it. Behind the four prefixes each byte stands at four
  places of its block, and what reaches is 128 bits at least, whatever differs (docs/hashing.md).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from r2d2.containment.encoding import canonical_text, decimal_shape, is_integer, microseconds, nanoseconds
from r2d2.lake import text_views
from r2d2.lake.layout import Column
from r2d2.model.family import (
    BINARY,
    BOOLEAN,
    DATE,
    FLOATING,
    INSTANT,
    JSON,
    NUMBER,
    PRESENCE,
    STRING,
    TIMESTAMP,
    is_nested,
)

#: Digits of the first twelve decimal orders: what DECIMAL(18,6) holds before the point.
_WHOLE_DIGITS, _SCALE = 12, 6
_LIMIT = 10**_WHOLE_DIGITS
_NULL = f"{0x9E6C63D0876A9A47}::UBIGINT", f"{0xD1B54A32D192ED03}::UBIGINT"
_SECOND = 0xA0761D6478BD642F
_TEXT_SEED = 0x8EBC6AF09C88C6E3
_ROW_SEED = 0xE7037ED1A0B428DB
_PREFIXES = ("", "r2", "r2d2", "r2d2r2")

Halves = tuple[str, str]


@dataclass(frozen=True)
class Canonical:
    """SQL of a leaf's canonical value, NULL for NULL: of 64 bits, of bytes, or of either where the value decides.

    Attributes:
        fixed: of a type on whose values ``hash`` is a bijection; empty if there are none.
        text: VARCHAR or BLOB; empty if there is none.
        binary: whether ``text`` is a BLOB.
    """

    fixed: str = ""
    text: str = ""
    binary: bool = False


#: A leaf that a file lacks: NULL in all its rows.
ABSENT = Canonical()


def canonical(value: str, column: Column, family: str) -> Canonical:
    """The canonical value of a leaf under ``family``.

    Args:
        value: SQL of the leaf's value as the reader delivers it; for a presence leaf the struct.
        column: the leaf's column tree.
        family: what the leaf is compared as.

    Raises:
        ValueError: a kind that can't be compared as the family, which the schema graph should have seen.
    """
    if family == PRESENCE and column.kind == "STRUCT":
        return Canonical(f"(({value}) IS NOT NULL)")
    if column.kind in ("TEXT", "JSON"):
        return _of_text(text_views.exact(value, column, family), family)
    if family == NUMBER:
        return _number(value, column)
    if family == FLOATING:
        return Canonical(f"({value})::DOUBLE")
    if family in (TIMESTAMP, INSTANT):
        if column.kind == "TIMESTAMP_NS":
            return _nanoseconds(nanoseconds(value))
        return Canonical(microseconds(value, column.kind))
    if family in (BOOLEAN, PRESENCE, DATE):
        return Canonical(value)
    if family in (STRING, BINARY):
        return Canonical(text=value, binary=family == BINARY)
    return Canonical(text=canonical_text(value, column))


def hashed_leaves(leaves: Sequence[Canonical], others: Mapping[str, str], table: str) -> str:
    """SQL of a relation with ``l<i>``, ``k<i>``, the halves of each leaf, and ``others`` (name → SQL on ``table``).

    In three steps, so that nothing is computed twice: canonical values, hashes of bytes, halves.
    """
    values = [f"{sql} AS {name}" for name, sql in others.items()]
    parts, halves = list(others), list(others)
    for i, leaf in enumerate(leaves):
        kept = {f"f{i}": leaf.fixed, f"t{i}": leaf.text}
        values += [f"{sql} AS {name}" for name, sql in kept.items() if sql]
        parts += [name for name, sql in kept.items() if sql]
        if leaf.text and not leaf.fixed:
            parts += [f"{sql} AS b{i}_{n}" for n, sql in enumerate(_byte_hashes(f"t{i}", leaf.binary))]
        low, high = _leaf_halves(leaf, f"f{i}", f"t{i}", f"b{i}_")
        halves += [f"{low} AS l{i}", f"{high} AS k{i}"]
    inner = f"SELECT {', '.join(values)} FROM {table}" if values else f"SELECT 1 FROM {table}"
    return f"SELECT {', '.join(halves)} FROM (SELECT {', '.join(parts) or '1'} FROM ({inner}))"


def row_halves(leaves: Sequence[Halves]) -> Halves:
    """SQL of the two halves of a row's hash from those of its leaves, in the order of the projection."""
    low = ", ".join(half for half, _ in leaves)
    high = ", ".join(half for _, half in leaves)
    return f"hash(hash({low}))", f"hash(hash({_ROW_SEED}::UBIGINT, {high}))"


def list_halves(leaf: Canonical, values: Sequence[str]) -> str:
    """SQL of a list of ``{'l': ..., 'k': ...}``, the halves of each of ``values``: SQL of one type.

    Args:
        leaf: the canonical value of ``x``.
        values: what stands for ``x``.
    """
    kept = [f"'{name}': {sql}" for name, sql in (("f", leaf.fixed), ("t", leaf.text)) if sql]
    hashes = [f"'b{n}': {sql}" for n, sql in enumerate(_byte_hashes("y.t", leaf.binary))]
    found = f"list_transform([{', '.join(values)}], lambda x: {{{', '.join(kept)}}})"
    if leaf.text and not leaf.fixed:
        found = f"list_transform({found}, lambda y: {{{', '.join([chr(39) + 't' + chr(39) + ': y.t', *hashes])}}})"
    low, high = _leaf_halves(leaf, "z.f", "z.t", "z.b")
    return f"list_transform({found}, lambda z: {{'l': {low}, 'k': {high}}})"


def _leaf_halves(leaf: Canonical, f: str, t: str, b: str) -> Halves:
    """The halves of a leaf from its canonical values; NULL has two constants of its own.

    Args:
        leaf: which of those it has.
        f: SQL of the value of fixed width.
        t: SQL of the bytes.
        b: SQL of the hashes of the bytes, before their numbers.
    """
    fixed = f"hash({f})", f"hash(xor(hash({f}), {_SECOND}::UBIGINT))"
    if leaf.fixed and leaf.text:  # most values are fixed: the bytes of the others are hashed where they are met
        text = _byte_halves(_byte_hashes(t, leaf.binary))
        test = f"WHEN {f} IS NOT NULL THEN {{}} WHEN {t} IS NOT NULL THEN {{}}"
        return _cased(test, (fixed[0], text[0]), (fixed[1], text[1]))
    if leaf.fixed:
        return _cased(f"WHEN {f} IS NOT NULL THEN {{}}", (fixed[0],), (fixed[1],))
    if leaf.text:
        text = _byte_halves([f"{b}{n}" for n in range(len(_PREFIXES))])
        return _cased(f"WHEN {t} IS NOT NULL THEN {{}}", (text[0],), (text[1],))
    return _NULL


def _cased(test: str, low: tuple[str, ...], high: tuple[str, ...]) -> Halves:
    return f"CASE {test.format(*low)} ELSE {_NULL[0]} END", f"CASE {test.format(*high)} ELSE {_NULL[1]} END"


def _byte_hashes(text: str, binary: bool) -> list[str]:
    """Not of NULL: ``concat`` takes it for nothing, and is a fifth faster than ``||``."""
    behind = "'{}'::BLOB || {}" if binary else "concat('{}', {})"
    return [f"hash({behind.format(prefix, text)})" if prefix else f"hash({text})" for prefix in _PREFIXES]


def _byte_halves(hashes: Sequence[str]) -> Halves:
    listed = ", ".join(hashes)
    return f"hash({listed})", f"hash({_TEXT_SEED}::UBIGINT, {listed})"


def _number(value: str, column: Column) -> Canonical:
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
    return _either(" AND ".join(conditions), f"({value})::DECIMAL(18,6)", canonical_text(value, column))


def _either(condition: str, fixed: str, text: str) -> Canonical:
    """The fixed form where the value has one, else its text; where there is no condition every value has one."""
    if not condition:
        return Canonical(fixed)
    return Canonical(f"CASE WHEN {condition} THEN {fixed} END", f"CASE WHEN {condition} THEN NULL ELSE {text} END")


def _of_text(value: str, family: str) -> Canonical:
    """Of what ``text_views.converted`` gives: its types are fixed by the family."""
    if family == NUMBER:
        fits = f"regexp_full_match({value}, '-?[0-9]{{1,{_WHOLE_DIGITS}}}(\\.[0-9]{{1,{_SCALE}}})?')"
        return _either(fits, f"({value})::DECIMAL(18,6)", value)
    if family in (TIMESTAMP, INSTANT):
        return _nanoseconds(value)
    if family in (BOOLEAN, PRESENCE, DATE, FLOATING):
        return Canonical(value)
    if family in (STRING, JSON) or is_nested(family):
        return Canonical(text=value)
    if family == BINARY:
        return ABSENT  # no text is binary: the column holds NULL only
    raise ValueError(f"text has no {family} view")


def _nanoseconds(value: str) -> Canonical:
    """Whole microseconds as a BIGINT, what is finer as text."""
    return _either(f"({value}) % 1000 = 0", f"(({value}) // 1000)::BIGINT", f"({value})::VARCHAR")
