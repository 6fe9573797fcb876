"""Families: what the type of a leaf is compared as (EXACTNESS 3).

A family is a string. Scalar families are the constants below; nested ones are spelled recursively:
``list<F>``, ``map<K,V>``, ``struct<n:F,...>``. Two leaves can be compared only under one and the same family.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

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


@dataclass(frozen=True)
class Nested:
    """A nested family taken apart: ``list``, ``map`` or ``struct``, and the families inside; names of a struct only."""

    kind: str
    inner: tuple[str, ...]
    names: tuple[str, ...] = ()


def is_nested(family: str) -> bool:
    """Whether it is the family of a list, a map, or a struct inside of one."""
    return family.endswith(">")


@lru_cache(maxsize=4096)
def taken_apart(family: str) -> Nested:
    """The parts of a nested family.

    >>> taken_apart('struct<a:number,"b c":list<string>>')
    Nested(kind='struct', inner=('number', 'list<string>'), names=('a', 'b c'))
    """
    kind, _, rest = family.partition("<")
    names, inner, position = [], [], 0
    while position < len(rest) - 1:
        if kind == "struct":
            name, position = _name(rest, position)
            names.append(name)
        end = _end(rest, position)
        inner.append(rest[position:end])
        position = end + 1
    return Nested(kind, tuple(inner), tuple(names))


def _name(text: str, position: int) -> tuple[str, int]:
    """The field name at a position, a plain word or a JSON string, and where its family begins."""
    if text[position] == '"':
        name, end = json.JSONDecoder().raw_decode(text, position)
        return str(name), end + 1
    end = text.index(":", position)
    return text[position:end], end + 1


def _end(text: str, position: int) -> int:
    """Where the family that begins at a position ends: at a comma or bracket outside of its own brackets and names."""
    depth = 0
    while depth or text[position] not in ",>":
        if text[position] == '"':
            _, position = json.JSONDecoder().raw_decode(text, position)
            continue
        depth += (text[position] == "<") - (text[position] == ">")
        position += 1
    return position


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
