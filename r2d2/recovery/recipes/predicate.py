"""The predicate of a recipe: which rows of the parent are the child's, as data, as SQL and in words.

It is evaluated by the code of the proof (EXACTNESS 7): terms of boxes, and canonical texts of values.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from r2d2.containment import box
from r2d2.containment.request import Term, pack_term, unpack_term
from r2d2.containment.scan_sql import Source, encoded_leaf, inside_term, text_sql
from r2d2.model.dataset import LeafPath
from r2d2.model.family import FLOATING

#: The canonical text of all NaN (docs/encoding.md).
NAN = "7FF8000000000000"


@dataclass(frozen=True)
class Range:
    """A leaf lies between two values, or is NULL where the term admits that, or NaN where ``nan`` does."""

    term: Term
    nan: bool = False

    @property
    def path(self) -> LeafPath:
        """The leaf, folded."""
        return self.term.path


@dataclass(frozen=True)
class Listed:
    """A leaf has one of some values, or is NULL where ``nulls`` admits that.

    Attributes:
        path: of the leaf, folded.
        family: that it is compared as.
        values: canonical texts (``containment.encoding``), sorted; none of them where it is always NULL.
    """

    path: LeafPath
    family: str
    values: tuple[str, ...]
    nulls: bool


@dataclass(frozen=True)
class Filled:
    """A leaf is not NULL."""

    path: LeafPath
    family: str


Condition = Range | Listed | Filled
#: Conditions that all must hold.
Predicate = tuple[Condition, ...]


def to_json(predicate: Predicate) -> str:
    """The predicate as text, empty for none; equal ones give equal text."""
    return json.dumps([_pack(each) for each in predicate], separators=(",", ":")) if predicate else ""


def from_json(text: str) -> Predicate:
    """The reverse of ``to_json``.

    Raises:
        ValueError, KeyError, TypeError: it is none.
    """
    return tuple(_unpack(each) for each in json.loads(text)) if text else ()


def predicate_sql(part: Source, predicate: Predicate) -> str:
    """SQL BOOLEAN on the source, never NULL: whether a row satisfies all conditions."""
    return " AND ".join(f"({condition_sql(part, each)})" for each in predicate) or "true"


def condition_sql(part: Source, condition: Condition) -> str:
    """SQL BOOLEAN on the source, never NULL: whether a row satisfies the condition. No value enters it as text."""
    if isinstance(condition, Range):
        inside = inside_term(part, condition.term)
        if condition.nan or condition.term.family != FLOATING:
            return inside
        value = encoded_leaf(part, condition.path, condition.term.family)
        return f"{inside} AND ({value}) IS DISTINCT FROM '{NAN}'"
    value = encoded_leaf(part, condition.path, condition.family)
    if isinstance(condition, Filled):
        return f"({value}) IS NOT NULL"
    if not condition.values:
        return f"({value}) IS NULL" if condition.nulls else "false"
    texts = ", ".join(map(text_sql, condition.values))
    return f"coalesce(({value}) IN ({texts}), {str(condition.nulls).lower()})"


def describe(predicate: Predicate, show_values: bool) -> str:
    """The predicate for people: names, and values only where those may be shown.

    What is given holds names from the data: print it through ``r2d2.visible``.
    """
    return " and ".join(_described(each, show_values) for each in predicate) or "all rows"


def _described(condition: Condition, show_values: bool) -> str:
    name = ".".join(condition.path)
    if isinstance(condition, Range):
        return _or_null(box.describe([condition.term], show_values), condition.term.nulls)
    if isinstance(condition, Filled):
        return f"{name} is not NULL"
    if not condition.values:
        return f"{name} is NULL" if condition.nulls else "no row"
    if show_values:
        return _or_null(f"{name} in ({', '.join(map(repr, condition.values))})", condition.nulls)
    number = len(condition.values)
    return _or_null(f"{name} is one of {number} values" if number > 1 else f"{name} is one value", condition.nulls)


def _or_null(text: str, nulls: bool) -> str:
    return f"({text} or NULL)" if nulls else text


def _pack(condition: Condition) -> dict[str, Any]:
    if isinstance(condition, Range):
        return {"range": pack_term(condition.term), "nan": condition.nan}
    leaf = [list(condition.path), condition.family]
    if isinstance(condition, Filled):
        return {"filled": leaf}
    return {"listed": leaf, "values": list(condition.values), "nulls": condition.nulls}


def _unpack(raw: dict[str, Any]) -> Condition:
    if "range" in raw:
        return Range(unpack_term(raw["range"]), raw["nan"])
    path, family = _leaf(raw["filled"] if "filled" in raw else raw["listed"])
    return Filled(path, family) if "filled" in raw else Listed(path, family, tuple(raw["values"]), raw["nulls"])


def _leaf(raw: Sequence[Any]) -> tuple[LeafPath, str]:
    path, family = raw
    return tuple(path), family
