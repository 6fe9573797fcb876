"""The 128-bit hash of a row under a projection, as SQL for DuckDB (EXACTNESS 6, docs/hashing.md).

A value is brought to its family's canonical form and hashed; the hashes of a row's leaves are mixed twice, in their
order and in reverse, by a function that depends on position; both halves are finalised, and only then summed.

* Values of a fixed width (numbers that fit DECIMAL(18,6), doubles, dates, instants in whole microseconds, booleans):
  DuckDB's ``hash`` is a bijection of their 64 bits, so it has no collisions at all; the high half takes the hash of it.
* All else is canonical bytes, hashed behind prefixes of 0, 12, 14 and 18 bytes; two mixes of all four enter the row.
  *Seen*: ``hash`` of two BLOBs that differ in the top bits of their 8th and 16th byte is equal, and a difference in
  byte k of a block of eight reaches only the 64 - 8k bits above it. Behind the four prefixes each byte stands at four
  places of its block, and what reaches is 128 bits at least, whatever differs (docs/hashing.md).
* NULL costs no question where no value has its hash: ``hash(NULL)`` is that of 64 bits that no DECIMAL(18,6), no
  date and no boolean has, and no bytes have all four hashes that NULL has.
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
_ROW_SEED = 0xE7037ED1A0B428DB
#: What stands before the bytes in each of the four hashes: 0, 4, 6 and 2 bytes modulo eight. What it makes of short
#: texts is longer than the 12 bytes that DuckDB holds in place, and hashed a sixth faster.
_PREFIXES = ("", "r2d2r2d2r2d2", "r2d2r2d2r2d2r2", "r2d2r2d2r2d2r2d2r2")

Halves = tuple[str, str]


#: The hash of NULL, and what stands for it where a value could have that hash: for doubles that of bits which are not
#: those of the one NaN that DuckDB hashes, for times that of the infinity, which is refused.
_NULL, _NULL_DOUBLE, _NULL_TIME = "hash(NULL)", f"hash({0x7FF8000000000001}::UBIGINT)", f"hash({2**63 - 1}::BIGINT)"


@dataclass(frozen=True)
class Canonical:
    """SQL of a leaf's canonical value, NULL for NULL: of 64 bits, of bytes, or of either where the value decides.

    Attributes:
        fixed: of a type on whose values ``hash`` is a bijection; empty if there are none.
        text: VARCHAR or BLOB; empty if there is none.
        binary: whether ``text`` is a BLOB.
        null: SQL of the hash of NULL where there is a ``fixed``: one that none of its values has.
    """

    fixed: str = ""
    text: str = ""
    binary: bool = False
    null: str = _NULL


def absent(family: str) -> Canonical:
    """A leaf that a file lacks: NULL in all its rows, with the hash that NULL has in the files that hold the leaf."""
    if family == NUMBER:
        return Canonical("NULL::DECIMAL(18,6)")
    if family == FLOATING:
        return Canonical("NULL::DOUBLE", null=_NULL_DOUBLE)
    if family in (TIMESTAMP, INSTANT):
        return Canonical("NULL::BIGINT", null=_NULL_TIME)
    if family in (BOOLEAN, PRESENCE, DATE):
        return Canonical("NULL::BOOLEAN")
    return Canonical(text="NULL::BLOB" if family == BINARY else "NULL::VARCHAR", binary=family == BINARY)


def canonical(value: str, column: Column, family: str, general: bool = True) -> Canonical:
    """The canonical value of a leaf under ``family``.

    Args:
        value: SQL of the leaf's value as the reader delivers it; for a presence leaf the struct.
        column: the leaf's column tree.
        family: what the leaf is compared as.
        general: whether to expect numbers of 10^12 and more. If not, integers and decimals of up to six places have
            the fixed form only, and the scan fails with ``duckdb.ConversionException`` where it meets such a number.
            All other values have the same hash either way.

    Raises:
        ValueError: a kind that can't be compared as the family, which the schema graph should have seen.
    """
    if family == PRESENCE and column.kind == "STRUCT":
        return Canonical(f"(({value}) IS NOT NULL)")
    if column.kind in ("TEXT", "JSON"):
        return _of_text(text_views.exact(value, column, family), family)
    if family == NUMBER:
        return _number(value, column, general)
    if family == FLOATING:
        return Canonical(f"({value})::DOUBLE", null=_NULL_DOUBLE)
    if family in (TIMESTAMP, INSTANT):
        if column.kind == "TIMESTAMP_NS":
            return _nanoseconds(nanoseconds(value))
        return Canonical(microseconds(value, column.kind), null=_NULL_TIME)
    if family in (BOOLEAN, PRESENCE, DATE):
        return Canonical(value)
    if family in (STRING, BINARY):
        return Canonical(text=value, binary=family == BINARY)
    return Canonical(text=canonical_text(value, column))


def hashed_leaves(leaves: Sequence[Canonical], others: Mapping[str, str], table: str) -> str:
    """SQL of a relation with ``l<i>``, ``k<i>``, the halves of each leaf, and ``others`` (name → SQL on ``table``).

    In three steps, so that nothing is computed twice: canonical values, their hashes, halves.
    """
    values = [f"{sql} AS {name}" for name, sql in others.items()]
    hashes, halves = list(others), list(others)
    for i, leaf in enumerate(leaves):
        values += [f"{sql} AS {name}{i}" for name, sql in _values(leaf).items()]
        hashes += [f"{sql} AS {name}_{i}" for name, sql in _hashes(leaf, f"f{i}", f"t{i}").items()]
        low, high = _leaf_halves(leaf, "{}_" + str(i))
        halves += [f"{low} AS l{i}", f"{high} AS k{i}"]
    inner = f"SELECT {', '.join(values) or '1'} FROM {table}"
    return f"SELECT {', '.join(halves)} FROM (SELECT {', '.join(hashes) or '1'} FROM ({inner}))"


def row_halves(leaves: Sequence[Halves]) -> Halves:
    """SQL of the two halves of a row's hash from those of its leaves, in the order of the projection.

    The high half takes them in reverse: what makes two rows agree in a mix is likely to do so again in one of the same
    order, whatever the seed (docs/hashing.md).
    """
    low = ", ".join(half for half, _ in leaves)
    high = ", ".join(half for _, half in reversed(leaves))
    return f"hash(hash({low}))", f"hash(hash({_ROW_SEED}::UBIGINT, {high}))"


def list_halves(leaf: Canonical, values: Sequence[str]) -> str:
    """SQL of a list of ``{'l': ..., 'k': ...}``, the halves of each of ``values``: SQL of one type.

    Args:
        leaf: the canonical value of ``x``.
        values: what stands for ``x``.
    """
    found = f"list_transform([{', '.join(values)}], lambda x: {_struct(_values(leaf))})"
    hashed = f"list_transform({found}, lambda y: {_struct(_hashes(leaf, 'y.f', 'y.t'))})"
    low, high = _leaf_halves(leaf, "z.{}")
    return f"list_transform({hashed}, lambda z: {_struct({'l': low, 'k': high})})"


def _struct(fields: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"'{name}': {sql}" for name, sql in fields.items()) + "}"


def _values(leaf: Canonical) -> dict[str, str]:
    """SQL of the canonical values by name: ``f`` of fixed width, ``t`` bytes."""
    return {name: sql for name, sql in (("f", leaf.fixed), ("t", leaf.text)) if sql}


def _hashes(leaf: Canonical, f: str, t: str) -> dict[str, str]:
    """SQL by name of what the halves are made of, from that of the canonical values.

    Where most values are fixed, the values themselves: the bytes of the others are hashed where they are met.
    """
    if leaf.fixed and leaf.text:
        return {"f": f, "t": t}
    if leaf.text:
        return {f"b{n}": sql for n, sql in enumerate(_byte_hashes(t, leaf.binary))}
    return {"h": f"hash({f})" if leaf.null == _NULL else f"CASE WHEN {f} IS NULL THEN {leaf.null} ELSE hash({f}) END"}


def _leaf_halves(leaf: Canonical, named: str) -> Halves:
    """The halves of a leaf; ``named`` is the SQL of what ``_hashes`` has, with {} for its name."""
    if not leaf.text:
        return named.format("h"), f"hash({named.format('h')})"
    if not leaf.fixed:
        return _byte_halves([named.format(f"b{n}") for n in range(len(_PREFIXES))])
    f, t = named.format("f"), named.format("t")
    low, high = _byte_halves(_byte_hashes(t, leaf.binary))
    test = f"CASE WHEN {f} IS NOT NULL THEN {{}} WHEN {t} IS NOT NULL THEN {{}} ELSE {{}} END"
    return test.format(f"hash({f})", low, leaf.null), test.format(f"hash(hash({f}))", high, f"hash({leaf.null})")


def _byte_hashes(text: str, binary: bool) -> list[str]:
    """``concat`` takes NULL for nothing, and is a fifth faster than ``||``."""
    behind = "'{}'::BLOB || {}" if binary else "concat('{}', {})"
    return [f"hash({behind.format(prefix, text)})" if prefix else f"hash({text})" for prefix in _PREFIXES]


def _byte_halves(hashes: Sequence[str]) -> Halves:
    return f"hash({', '.join(hashes)})", f"hash({', '.join(reversed(hashes))})"


def _number(value: str, column: Column, general: bool) -> Canonical:
    shape = decimal_shape(column.kind)
    if shape is None and not is_integer(column.kind):
        raise ValueError(f"{column.kind} is no number")
    precision, scale = shape or (20 if column.kind in ("BIGINT", "UBIGINT") else 10, 0)
    conditions = []
    if scale > _SCALE:
        shorter = f"DECIMAL({min(38, precision - scale + 1 + _SCALE)},{_SCALE})"
        rounded = f"TRY_CAST(TRY_CAST({value} AS {shorter}) AS {column.kind})"
        conditions.append(f"coalesce({rounded} = {value}, false)")
    if precision - scale > _WHOLE_DIGITS and (general or scale > _SCALE):
        conditions.append(f"{value} > -{_LIMIT} AND {value} < {_LIMIT}")
    return _either(" AND ".join(conditions), f"({value})::DECIMAL(18,6)", canonical_text(value, column))


def _either(condition: str, fixed: str, text: str, null: str = _NULL) -> Canonical:
    """The fixed form where the value has one, else its text; where there is no condition every value has one."""
    if not condition:
        return Canonical(fixed, null=null)
    either = f"CASE WHEN {condition} THEN {fixed} END", f"CASE WHEN {condition} THEN NULL ELSE {text} END"
    return Canonical(*either, null=null)


def _of_text(value: str, family: str) -> Canonical:
    """Of what ``text_views.converted`` gives: its types are fixed by the family."""
    if family == NUMBER:
        fits = f"regexp_full_match({value}, '-?[0-9]{{1,{_WHOLE_DIGITS}}}(\\.[0-9]{{1,{_SCALE}}})?')"
        return _either(fits, f"({value})::DECIMAL(18,6)", value)
    if family in (TIMESTAMP, INSTANT):
        return _nanoseconds(value)
    if family == FLOATING:
        return Canonical(value, null=_NULL_DOUBLE)
    if family in (BOOLEAN, PRESENCE, DATE):
        return Canonical(value)
    if family in (STRING, JSON) or is_nested(family):
        return Canonical(text=value)
    if family == BINARY:
        return absent(family)  # no text is binary: the column holds NULL only
    raise ValueError(f"text has no {family} view")


def _nanoseconds(value: str) -> Canonical:
    """Whole microseconds as a BIGINT, what is finer as text."""
    whole = f"(({value}) // 1000)::BIGINT"
    return _either(f"({value}) % 1000 = 0", whole, f"({value})::VARCHAR", _NULL_TIME)
