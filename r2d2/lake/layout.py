"""How the columns of a file are read: what a footer or a text dialect says, in a form that travels to the kernel.

The kernel never uses names from the data. A reader opens files as a relation with columns ``c0 .. cN`` in the order of
``Reader.columns``; a leaf is found by its position (EXACTNESS 8). ``kind`` is one of

* a DuckDB scalar type: ``BOOLEAN TINYINT SMALLINT INTEGER BIGINT UTINYINT USMALLINT UINTEGER UBIGINT FLOAT DOUBLE
  DECIMAL(p,s) VARCHAR BLOB DATE TIMESTAMP TIMESTAMP_MS TIMESTAMP_NS TIMESTAMPTZ`` (the type the relation delivers),
* ``INT96``: an instant that the relation delivers as TIMESTAMP,
* ``LIST`` (one child), ``MAP`` (key, value), ``STRUCT`` (one child a field),
* ``TEXT`` (a CSV field or a partition value: VARCHAR) or ``JSON`` (the raw JSON text of one value: VARCHAR).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from r2d2.model.dataset import LeafPath


@dataclass(frozen=True)
class Column:
    """One column or field; ``path`` is given only where one flat column stands for a nested leaf (JSON).

    ``presence``: a BOOLEAN column, never NULL, that says whether the object at ``path`` is there (JSON).
    ``null_token``: the text that stands for NULL in every family but string (CSV, ``lake.null_tokens``).
    """

    name: str
    kind: str
    children: tuple[Column, ...] = ()
    nullable: bool = True
    path: LeafPath = ()
    presence: bool = False
    null_token: str = ""


@dataclass(frozen=True)
class Reader:
    """How the files of one exact schema or dialect are opened.

    Attributes:
        format: ``parquet``, ``csv`` or ``json``.
        columns: top-level columns in the file's order.
        options: the dialect (``lake.csv_text``, ``lake.json_text``); empty for Parquet.
    """

    format: str
    columns: tuple[Column, ...]
    options: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> str:
        """The reader as text; equal readers give equal text."""
        return json.dumps(
            {"format": self.format, "columns": [_pack(c) for c in self.columns], "options": self.options},
            sort_keys=True,
            separators=(",", ":"),
        )

    @staticmethod
    @lru_cache(maxsize=1024)
    def from_json(text: str) -> Reader:
        """The reverse of ``to_json``; thousands of files have few different ones."""
        raw = json.loads(text)
        return Reader(raw["format"], tuple(_unpack(c) for c in raw["columns"]), raw["options"])


@dataclass(frozen=True)
class LeafColumn:
    """Where a leaf is found: the column tree node, and its positions from the outside in."""

    path: LeafPath
    positions: tuple[int, ...]
    column: Column
    presence: bool = False


def leaf_columns(reader: Reader) -> Iterator[LeafColumn]:
    """The leaves of a reader (EXACTNESS 2): structs are opened, and each adds a presence leaf.

    So does one that is never NULL: else a required struct of nulls would pass for a null struct of a parent, and a
    struct that one writer calls nullable and another required would not fit.
    """
    for position, column in enumerate(reader.columns):
        yield from _leaves(column, column.path or (column.name,), (position,))


def _leaves(column: Column, path: LeafPath, positions: tuple[int, ...]) -> Iterator[LeafColumn]:
    if column.kind != "STRUCT":
        yield LeafColumn(path, positions, column, column.presence)
        return
    yield LeafColumn(path, positions, column, presence=True)
    for index, child in enumerate(column.children):
        yield from _leaves(child, (*path, child.name), (*positions, index))


def _pack(column: Column) -> dict[str, Any]:
    packed: dict[str, Any] = {"name": column.name, "kind": column.kind, "nullable": column.nullable}
    if column.children:
        packed["children"] = [_pack(c) for c in column.children]
    if column.path:
        packed["path"] = list(column.path)
    if column.presence:
        packed["presence"] = True
    if column.null_token:
        packed["null_token"] = column.null_token
    return packed


def _unpack(raw: dict[str, Any]) -> Column:
    children = tuple(_unpack(c) for c in raw.get("children", ()))
    path = tuple(raw.get("path", ()))
    flags = raw.get("presence", False), raw.get("null_token", "")
    return Column(raw["name"], raw["kind"], children, raw["nullable"], path, *flags)
