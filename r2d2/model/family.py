"""Families: what the type of a leaf is compared as (EXACTNESS 3).

A family is a string. Scalar families are the constants below; nested ones are spelled recursively:
``list<F>``, ``map<K,V>``, ``struct<n:F,...>``. Two leaves can be compared only under one and the same family.
"""

from __future__ import annotations

from collections.abc import Iterable

PRESENCE = "presence"
BOOLEAN = "boolean"
NUMBER = "number"
FLOATING = "floating"
DATE = "date"
TIMESTAMP = "timestamp"
INSTANT = "instant"
BINARY = "binary"
STRING = "string"
JSON = "json"

#: Narrowest first. A leaf of a text dataset admits several families; a pair is compared under the narrowest common one.
NARROWEST_FIRST = (PRESENCE, BOOLEAN, NUMBER, FLOATING, DATE, TIMESTAMP, INSTANT, BINARY, STRING, JSON)

#: Families whose bounds are totally ordered values that min-max pruning and boxes can use.
ORDERED = frozenset({BOOLEAN, NUMBER, FLOATING, DATE, TIMESTAMP, INSTANT, STRING})


def narrowest_common(a: Iterable[str], b: Iterable[str]) -> str | None:
    """The narrowest family that both leaves admit, or None if there is none.

    >>> narrowest_common(("number", "floating", "string"), ("string",))
    'string'
    """
    common = set(a) & set(b)
    for family in NARROWEST_FIRST:
        if family in common:
            return family
    return min(common) if common else None
