"""The order in which the entries of maps stand: told from the maps of a file, and given to those of a parent.

It is kept as [[place of the column, places of the fields inside it], order] for each map with texts as keys that stands
in no list; the order is a list of keys, or ``None`` where keys stand sorted. Equal maps may differ in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from r2d2.recovery.formats.headers_json import in_order

#: Different keys that are listed.
_MOST_KEYS = 256

#: One order for each map, ``Place`` → keys.
Place = tuple[int, ...]
Sequences = dict[Place, set[tuple[str, ...]]]


def has_maps(kind: pa.DataType) -> bool:
    """Whether values of a type are maps whose order can be kept, or hold some."""
    if pa.types.is_struct(kind):
        return any(has_maps(field.type) for field in kind)
    return pa.types.is_map(kind) and kind.key_type in (pa.string(), pa.large_string())


def note_keys(found: Sequences, columns: Sequence[pa.Array]) -> None:
    """Adds the sequences of keys of all maps in columns of a batch."""
    for place, array in _maps(columns, ()):
        entries = array.cast(as_lists(array.type))
        keys = entries.flatten().field(0).to_pylist()
        ends = np.cumsum([0, *_lengths(entries)]).tolist()
        found.setdefault(place, set()).update(tuple(keys[start:stop]) for start, stop in pairwise(ends))


def orders(found: Sequences) -> list[list[Any]]:
    """How the entries of each map are ordered; nothing of a map whose keys stand now so and now otherwise."""
    kept: list[list[Any]] = []
    for place, sequences in sorted(found.items()):
        if all(list(keys) == sorted(keys) for keys in sequences):
            kept.append([list(place), None])
        elif (order := _order(sequences)) is not None:
            kept.append([list(place), order])
    return kept


def ordered(columns: Sequence[pa.Array], kept: Iterable[Sequence[Any]]) -> list[pa.Array]:
    """The columns with the entries of their maps in order; keys that no list has come last, as they stand."""
    found = list(columns)
    for place, order in kept:
        found[place[0]] = _ordered(found[place[0]], place[1:], order)
    return found


def _order(sequences: Iterable[tuple[str, ...]]) -> list[str] | None:
    if len({key for keys in sequences for key in keys}) > _MOST_KEYS:
        return None
    order = in_order(sorted(sequences))
    ranks = {key: rank for rank, key in enumerate(order)}
    same = all(list(keys) == sorted(keys, key=ranks.__getitem__) for keys in sequences)
    return order if same else None


def _maps(arrays: Sequence[pa.Array], place: Place) -> Iterator[tuple[Place, pa.Array]]:
    for number, array in enumerate(arrays):
        if pa.types.is_struct(array.type):
            yield from _maps(array.flatten(), (*place, number))
        elif has_maps(array.type):
            yield (*place, number), array


def _ordered(array: pa.Array, place: Sequence[int], order: Sequence[str] | None) -> pa.Array:
    if not place:
        return _map(array, order)
    fields = list(array.type)
    children = [array.field(i) for i in range(len(fields))]
    children[place[0]] = _ordered(children[place[0]], place[1:], order)
    return pa.StructArray.from_arrays(children, fields=fields, mask=pc.is_null(array))


def _map(array: pa.Array, order: Sequence[str] | None) -> pa.Array:
    entries = array.cast(as_lists(array.type))
    lengths = _lengths(entries)
    keys, items = entries.flatten().flatten()
    ranked = pc.rank(keys, tiebreaker="dense") if order is None else pc.index_in(keys, pa.array(order, keys.type))
    ranks = np.asarray(ranked.cast(pa.int64()).fill_null(len(order or ())))
    places = pa.array(np.lexsort((ranks, np.repeat(np.arange(len(array)), lengths))))
    offsets = pa.array(np.cumsum([0, *lengths]).astype(np.int32))
    kept = (keys.take(places), items.take(places))
    return pa.MapArray.from_arrays(offsets, *kept, type=array.type, mask=pc.is_null(array))


def _lengths(lists: pa.Array) -> list[int]:
    lengths: list[int] = pc.list_value_length(lists).fill_null(0).to_pylist()
    return lengths


def as_lists(kind: pa.MapType) -> pa.DataType:
    """The type of a map's entries as lists of structs of ``key`` and ``value``."""
    return pa.list_(pa.struct([pa.field("key", kind.key_type, nullable=False), kind.item_field.with_name("value")]))
