"""Small JSON files column by column: what ``json_text`` says of a file record by record, in a fifth of the time.

Whatever is out of the ordinary is left to ``json_text``, which copes with it or says what is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from json.encoder import encode_basestring
from pathlib import Path
from typing import Any

import pyarrow as pa

from r2d2.errors import UnreadableData, UnsupportedData
from r2d2.lake.json_canonical import BadJson, Number, canonical, decoder_with_memory, parse
from r2d2.lake.json_records import records, shape_of
from r2d2.lake.json_shape import Shape
from r2d2.model.dataset import LeafPath

_NULL = type(None)


@dataclass
class Key:
    """What was seen at one path.

    Attributes:
        objects: some values are objects.
        others: some are neither objects nor null.
        shape: what stands in the lists, while all values but null are lists.
    """

    objects: bool = False
    others: bool = False
    keys: dict[str, Key] = field(default_factory=dict)
    shape: Shape | None = None

    @property
    def opened(self) -> bool:
        """Whether it is a struct with leaves of its own."""
        return self.objects and not self.others


@dataclass(frozen=True)
class Parsed:
    """A file that is held in memory: its shape (``array`` or ``lines``), its keys, and its columns by path.

    ``columns``: canonical JSON texts, or for the paths of opened objects whether they are there.
    """

    shape: str
    rows: int
    root: Key
    columns: Mapping[LeafPath, pa.ChunkedArray]


def parsed(path: Path, most_cells: int, most_depth: int) -> Parsed | None:
    """The file, which is not compressed and fits into memory; None where it has to be read record by record.

    Args:
        most_cells: of all columns; records of ever other keys have many times as many as the file has bytes.
        most_depth: of opened objects.

    Raises:
        UnsupportedData, UnreadableData, OSError: as ``json_records.shape_of``.
    """
    shape = shape_of(path, False)
    held = _records(path, shape)
    if not held:
        return None
    root = Key()
    columns: dict[LeafPath, pa.ChunkedArray] = {}
    try:
        for leaf, kind, values in _columns(held, root, (), most_depth):
            columns[leaf] = pa.chunked_array([pa.array(values, kind)])
            if len(columns) * len(held) > most_cells:
                return None
    except _Unusual:
        return None
    return Parsed(shape, len(held), root, columns)


class _Unusual(Exception):
    """What is not read column by column."""


def _records(path: Path, shape: str) -> list[dict[str, Any]] | None:
    """All records; None where anything is wrong with them."""
    try:
        if shape == "lines":
            return list(records(path, False, shape))
        found = parse(path.read_bytes().decode("utf-8-sig"), decoder_with_memory())
    except (UnreadableData, UnsupportedData, BadJson, UnicodeDecodeError):
        return None
    return found if isinstance(found, list) and set(map(type, found)) == {dict} else None


def _columns(
    held: Sequence[dict[str, Any]], into: Key, path: LeafPath, most_depth: int
) -> Iterator[tuple[LeafPath, pa.DataType, list[Any]]]:
    names = dict.fromkeys(chain.from_iterable(held))
    if len(path) >= most_depth:
        raise _Unusual
    for name in names:
        values = [record.get(name) for record in held]
        kinds = set(map(type, values)) - {_NULL}
        key = into.keys[name] = Key(dict in kinds, bool(kinds - {dict}))
        inner = (*path, name)
        if key.opened:
            yield inner, pa.bool_(), [value is not None for value in values]
            yield from _columns([value or {} for value in values], key, inner, most_depth)
        else:
            key.shape = _shape(values) if kinds == {list} else None
            yield inner, pa.string(), _texts(values, kinds)


def _texts(values: list[Any], kinds: set[type]) -> list[str | None]:
    if kinds <= {Number}:
        return values
    if kinds == {str}:
        return [None if value is None else encode_basestring(value) for value in values]
    return [None if value is None else canonical(value) for value in values]


def _shape(values: Sequence[Any]) -> Shape:
    shape = Shape()
    for value in values:
        shape.note(value)
    return shape
