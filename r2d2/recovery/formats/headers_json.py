"""What the writer of JSON lines needs to know: order of keys, style, whether NULLs are written, and how values are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any

from r2d2.lake.json_canonical import Number
from r2d2.lake.layout import Reader
from r2d2.model.dataset import LeafPath
from r2d2.recovery.formats.json_style import spelled_values, style_of
from r2d2.recovery.formats.spellings import styles_of

_OF_STYLE = 256


def json_advice(reader: Reader, records: Sequence[bytes]) -> dict[str, Any]:
    """The advice of a header, from some records.

    Its ``keys`` are the keys of the records in their order, each as [name, column that holds it or -1, column that says
    whether the object is there or -1, whether NULL is written, styles by family, keys of the object].
    """
    texts = [record.strip(b" \t\r").decode("utf-8", "surrogateescape") for record in records]
    places = {(column.path or (column.name,), column.presence): i for i, column in enumerate(reader.columns)}
    values = [spelled_values(text) for text in texts]
    return {"style": style_of(texts[:_OF_STYLE]).packed(), "keys": _keys((), values, places)}


def _keys(path: LeafPath, objects: Sequence[Any], places: Mapping[tuple[LeafPath, bool], int]) -> list[list[Any]]:
    """The keys of objects at a path: those that were sampled in their order, then those that were not."""
    sampled = in_order([list(value) for value in objects])
    known = [found[-1] for found, _ in places if found[:-1] == path]
    return [_key((*path, name), objects, places) for name in dict.fromkeys([*sampled, *known]) if name in known]


def _key(path: LeafPath, objects: Sequence[Any], places: Mapping[tuple[LeafPath, bool], int]) -> list[Any]:
    name = path[-1]
    there = [value[name] for value in objects if name in value]
    values = [value for value in there if value is not None]
    opened = places.get((path, True), -1)
    written = len(there) == len(objects) if len(there) == len(values) else len(there) - len(values) > 0
    inner = _keys(path, values, places) if opened >= 0 else []
    styles = styles_of(list(spelled_in(values))) if opened < 0 else {}
    return [name, places.get((path, False), -1), opened, written, styles, inner]


def spelled_in(values: Iterable[Any]) -> Iterable[str]:
    """The texts of all scalars in values."""
    for value in values:
        if isinstance(value, Number | str):
            yield str(value)
        elif isinstance(value, bool):
            yield "true" if value else "false"
        elif isinstance(value, list):
            yield from spelled_in(value)
        elif isinstance(value, dict):
            yield from spelled_in(value.values())


def in_order(sequences: Iterable[Sequence[str]]) -> list[str]:
    """All names in an order that fits every sequence; as they come first where there is none."""
    before: dict[str, set[str]] = {}
    for sequence in dict.fromkeys(tuple(sequence) for sequence in sequences):
        for place, name in enumerate(sequence):
            before.setdefault(name, set()).update(sequence[place - 1 : place])
    try:
        return list(TopologicalSorter(before).static_order())
    except CycleError:
        return list(before)
