"""Columns as leaves: a kind may be stored as several types, and the bounds of values say nothing of what they mean."""

from __future__ import annotations

from decimal import Decimal
from random import Random

from benchmarks.planted.drafts import Column
from r2d2.model.dataset import TEXT_FORMATS, Bounds, BoundValue, Leaf
from r2d2.model.family import BOOLEAN, DATE, FLOATING, INSTANT, NUMBER, STRING, TIMESTAMP

#: Of each kind: family, type and weight.
_TYPES = {
    "s": ((STRING, "string", 100),),
    "n": ((NUMBER, "int64", 50), (NUMBER, "int32", 20), (NUMBER, "decimal(18,0)", 10), (STRING, "string", 20)),
    "m": ((NUMBER, "decimal(18,2)", 55), (FLOATING, "double", 35), (STRING, "string", 10)),
    "f": ((FLOATING, "double", 60), (NUMBER, "decimal(12,4)", 25), (STRING, "string", 15)),
    "d": ((DATE, "date32", 60), (TIMESTAMP, "timestamp[us]", 15), (STRING, "string", 25)),
    "t": ((TIMESTAMP, "timestamp[us]", 45), (INSTANT, "timestamp[us, UTC]", 30),
          (NUMBER, "int64", 10), (STRING, "string", 15)),
    "b": ((BOOLEAN, "bool", 60), (NUMBER, "int8", 20), (STRING, "string", 20)),
}  # fmt: skip


def leaf(column: Column, form: str, random: Random) -> Leaf:
    """A column as a format stores it: typed, or text that can be read as its family, too."""
    family, type_, _ = random.choices(_TYPES[column.kind], [weight for _, _, weight in _TYPES[column.kind]])[0]
    if form in TEXT_FORMATS:
        families = (family,) if family == STRING else (family, STRING)
        return Leaf(column.path, families, "string")
    low, high = sorted((_value(family, random), _value(family, random)))
    bounds = {family: Bounds(low, high, True, True, True, True)} if random.random() < 0.8 else {}
    nulls = random.choice((None, 0, 0, random.randrange(20)))
    return Leaf(column.path, (family,), type_, nulls=nulls, bounds=bounds)


def _value(family: str, random: Random) -> BoundValue:
    if family == NUMBER:
        return Decimal(random.randrange(10**6))
    if family == FLOATING:
        return random.uniform(0, 10**6)
    if family == BOOLEAN:
        return random.random() < 0.5
    if family == DATE:
        return random.randrange(15_000, 20_000)
    if family in (TIMESTAMP, INSTANT):
        return random.randrange(15_000, 20_000) * 86_400 * 10**9
    return "".join(random.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=random.randrange(3, 10)))
