"""Which generated tables contain which, decided on Python values: no file, no reader, no hash, no code of r2d2.

A table has leaves by path; a leaf has the families that it may be compared as and, for each, its values as keys that
are equal exactly when EXACTNESS says so. What a text form admits is worked out from all its texts.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from tests.oracle_values import CONVERT, TEXT_ORDER, Undecidable

Path = tuple[str, ...]
NARROWEST = ("presence", *TEXT_ORDER[:-1], "binary", "string", "json")
_ALL = NARROWEST[1:]


@dataclass(frozen=True)
class OracleLeaf:
    """Keys by family; a family that is no key of the mapping does not fit."""

    keys: Mapping[str, Sequence[Any]]
    raw: Sequence[Any] = ()  # values of a text form, where nested families may be asked of them


Leaves = dict[Path, OracleLeaf]


def holds(parent: Leaves, child: Leaves) -> bool:
    """Whether the child's rows are among the parent's under the narrowest families that both admit."""
    mine, theirs = [], []
    for path, leaf in child.items():
        other = parent.get(path)
        common = set(leaf.keys) & set(other.keys) if other else set()
        if other is None or not common:
            return False
        family = min(common, key=lambda f: NARROWEST.index(f) if f in NARROWEST else 99)
        mine.append(leaf.keys[family])
        theirs.append(other.keys[family])
    return not Counter(zip(*mine, strict=True)) - Counter(zip(*theirs, strict=True))


def typed_leaves(name: str, family: str, values: Sequence[Any]) -> Leaves:
    """Of a column of a typed form; a struct is opened."""
    if family.startswith("struct<"):
        leaves = {(name,): OracleLeaf({"presence": [value is not None for value in values]})}
        for field, inner in fields_of(family):
            held = [None if value is None else value[field] for value in values]
            leaves |= {(name, *path): leaf for path, leaf in typed_leaves(field, inner, held).items()}
        return leaves
    return {(name,): OracleLeaf({family: [canonical(value) for value in values]})}


def fields_of(family: str) -> list[tuple[str, str]]:
    """Names and families of a struct of scalars."""
    return [(name, inner) for name, inner in (field.split(":") for field in family[len("struct<") : -1].split(","))]


def canonical(value: Any) -> Any:
    """A hashable value, equal to another of its family exactly if the two are equal by EXACTNESS 3."""
    if isinstance(value, float):
        return "nan" if math.isnan(value) else value + 0.0
    if isinstance(value, list):
        return ("list", *map(canonical, value))
    if isinstance(value, dict):
        return ("map", frozenset((key, canonical(item)) for key, item in value.items()))
    return value


def with_nested(tables: Sequence[Leaves]) -> list[Leaves]:
    """The tables, with the nested families that typed ones ask for where the values of a text form convert to them."""
    asked: dict[Path, set[str]] = {}
    for leaves in tables:
        for path, leaf in leaves.items():
            asked.setdefault(path, set()).update(family for family in leaf.keys if family.endswith(">"))
    return [{path: _widened(leaf, asked[path]) for path, leaf in leaves.items()} for leaves in tables]


def _widened(leaf: OracleLeaf, asked: set[str]) -> OracleLeaf:
    more = {}
    for family in asked if leaf.raw else ():
        try:
            more[family] = [_nested(value, family) for value in leaf.raw]
        except Undecidable:
            continue
    return OracleLeaf({**leaf.keys, **more})


def _nested(value: Any, family: str) -> Any:
    """The key of a JSON value under a family; that of the typed value that it spells."""
    if value is None:
        return None
    if family.startswith("list<") and isinstance(value, list):
        return ("list", *(_nested(item, family[5:-1]) for item in value))
    if family.startswith("map<string,") and isinstance(value, dict):
        return ("map", frozenset((key, _nested(item, family[len("map<string,") : -1])) for key, item in value.items()))
    if family.startswith("struct<") and isinstance(value, dict):
        fields = dict(fields_of(family))
        if value.keys() <= fields.keys():
            return ("map", frozenset((name, _nested(value.get(name), inner)) for name, inner in fields.items()))
    if family in _JSON_FAMILIES and _JSON_FAMILIES[family](value):
        found = _converted({_word(value)}, family)
        if found is not None:
            return found[_word(value)]
    raise Undecidable(family)


def text_column(name: str, texts: Sequence[str | None], null: str | None = None) -> Leaves:
    """Of a CSV column; ``null`` is a word that stands for NULL in all views but that of the text itself."""
    held = {text for text in texts if text is not None}
    if not held:
        return {(name,): OracleLeaf(dict.fromkeys(_ALL, texts), texts)}
    keys: dict[str, Sequence[Any]] = {}
    for family in TEXT_ORDER:
        words = held if family == "string" else held - {null}
        if words and (found := _converted(words, family)) is not None:
            keys[family] = [found.get(text) if text is not None else None for text in texts]
    return {(name,): OracleLeaf(keys)}


def _converted(texts: set[str], family: str) -> dict[str, Any] | None:
    try:
        found = {text: CONVERT[family](text) for text in texts}
    except Undecidable:
        return None
    return {text: (day - date(1970, 1, 1)).days for text, day in found.items()} if family == "date" else found


class JsonNumber(str):
    """The spelling of a JSON number."""


def json_leaves(path: Path, values: Sequence[Any]) -> Leaves:
    """Of JSON values at one path: dict, list, str, bool, ``JsonNumber``, None; opened if all are objects."""
    held = [value for value in values if value is not None]
    if not held:
        return {path: OracleLeaf(dict.fromkeys(_ALL, values), values)}
    if all(isinstance(value, dict) for value in held):
        leaves = {path: OracleLeaf({"presence": [value is not None for value in values]})}
        for name in dict.fromkeys(key for value in held for key in value):
            leaves |= json_leaves((*path, name), [None if value is None else value.get(name) for value in values])
        return leaves
    keys: dict[str, Sequence[Any]] = {"json": [None if value is None else _json_key(value) for value in values]}
    for family, fits in _JSON_FAMILIES.items():
        if all(fits(value) for value in held):
            words = {_word(value) for value in held}
            if (found := _converted(words, family)) is not None:
                keys[family] = [None if value is None else found[_word(value)] for value in values]
    return {path: OracleLeaf(keys, values)}


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and not isinstance(value, JsonNumber)


def _is_number(value: Any) -> bool:
    return isinstance(value, JsonNumber)


_JSON_FAMILIES: dict[str, Callable[[Any], bool]] = {
    "boolean": lambda value: isinstance(value, bool),
    "number": _is_number,
    "floating": _is_number,
    **dict.fromkeys(("date", "timestamp", "instant", "string"), _is_text),
}


def _json_key(value: Any) -> Any:
    if isinstance(value, JsonNumber):
        return ("number", Decimal(value))
    if isinstance(value, list):
        return ("list", *map(_json_key, value))
    if isinstance(value, dict):
        return ("object", frozenset((key, _json_key(item)) for key, item in value.items()))
    return (type(value).__name__, value)
