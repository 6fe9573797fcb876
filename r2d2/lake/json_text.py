"""JSON files as flat tables of canonical JSON texts (EXACTNESS 2 and 4).

Objects are opened as structs: an object adds a presence leaf and its keys' leaves. Where a key holds objects in some
records and other values in others, and for lists, the whole value is one leaf. A missing key and ``null`` are NULL.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from r2d2.errors import UnreadableData, UnsupportedData
from r2d2.lake.json_canonical import canonical
from r2d2.lake.json_columns import Key, parsed
from r2d2.lake.json_records import records, shape_of
from r2d2.lake.json_shape import Shape
from r2d2.lake.layout import Column, Reader
from r2d2.lake.parquet_types import shown
from r2d2.model.dataset import LeafPath
from r2d2.model.names import fold_name

#: More leaves than this, and the keys are data, not columns.
MAX_LEAVES = 20_000
MAX_DEPTH = 100

#: Cells of a file that is held in memory.
_MOST_CELLS = 4_000_000
_BATCH_ROWS = 10_000
_BATCH_BYTES = 16 * 1024 * 1024


def sniff(path: Path, compressed: bool, format: str = "json") -> Reader:  # noqa: A002
    """How the file is read, from a pass over all of it.

    Args:
        path: of the file; opened by Python, so no name is special.
        compressed: by gzip.
        format: ``jsonl``: one object on one line is a table of one row; ``json``: it is no table.

    Raises:
        UnsupportedData: no list of records, keys that differ only in case, no keys at all.
        UnreadableData: malformed; with the line or the number of the record.
        OSError: it can't be opened.
    """
    return inspect(path, compressed, format)[0]


def inspect(
    path: Path,
    compressed: bool,
    format: str = "json",  # noqa: A002
) -> tuple[Reader, int, dict[LeafPath, str]]:
    """Like ``sniff``, with the number of rows, and the shapes of leaves whose values are lists (``json_shape``)."""
    shape = shape_of(path, compressed)
    root, rows = Key(), 0
    try:
        for record in records(path, compressed, shape):
            rows += 1
            _note(record, root, 1)
    except UnreadableData as error:
        if shape == "lines" and format != "jsonl" and rows == 0:
            raise UnsupportedData(f"a JSON object, not a list of records, nor one record a line: {error}") from None
        raise
    if shape == "lines" and format != "jsonl" and rows == 1:
        raise UnsupportedData("a JSON object, not a list of records")
    return _reader(root, rows, shape, compressed), rows, dict(_shapes(root, ()))


def _reader(root: Key, rows: int, shape: str, compressed: bool) -> Reader:
    columns = tuple(_columns(root, ()))
    if not columns:
        raise UnsupportedData("no columns: its records have no keys" if rows else "no columns: an empty list")
    if len(columns) > MAX_LEAVES:
        raise UnsupportedData(f"its records hold more than {MAX_LEAVES} different keys")
    return Reader("json", columns, {"shape": shape, "compression": "gzip" if compressed else "none"})


def read_small(path: Path, format: str) -> tuple[Reader, dict[LeafPath, str], pa.Table] | None:  # noqa: A002
    """What ``inspect`` and ``relation`` say of a plain file that fits into memory, in one pass over it.

    Returns:
        reader, shapes, and the columns ``c0 .. cN``; None where the file has to be read by those two.

    Raises:
        UnsupportedData, UnreadableData, OSError: as ``inspect``.
    """
    found = parsed(path, _MOST_CELLS, MAX_DEPTH)
    if found is None or (found.shape == "lines" and format != "jsonl" and found.rows == 1):
        return None
    reader = _reader(found.root, found.rows, found.shape, compressed=False)
    columns = {f"c{i}": found.columns[column.path] for i, column in enumerate(reader.columns)}
    return reader, dict(_shapes(found.root, ())), pa.table(columns)


def relation(con: duckdb.DuckDBPyConnection, reader: Reader, paths: Sequence[Path]) -> str:
    """The name of a view on ``con`` with the columns ``c0 .. cN``: canonical JSON texts, presence leaves as BOOLEAN.

    The files are parsed anew by each scan, in batches.
    """
    name = f"json_{uuid.uuid4().hex}"
    con.register(name, _Stream(reader, tuple(paths)))
    return name


def _note(record: dict[str, Any], into: Key, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise UnsupportedData(f"objects nested more than {MAX_DEPTH} levels deep")
    for name, value in record.items():
        key = into.keys.get(name)
        if key is None:
            key = into.keys[name] = Key()
            if len(into.keys) > MAX_LEAVES:
                raise UnsupportedData(f"an object in it holds more than {MAX_LEAVES} different keys")
        if isinstance(value, dict):
            key.objects, key.shape = True, None
            if not key.others:
                _note(value, key, depth + 1)
        elif value is not None:
            _note_other(value, key)


def _note_other(value: Any, key: Key) -> None:
    """A value that is neither an object nor null."""
    if not isinstance(value, list):
        key.shape = None
    elif not key.others and not key.objects:
        key.shape = Shape()
    if key.shape is not None:
        key.shape.note(value)
    key.others = True
    key.keys.clear()


def _shapes(key: Key, path: LeafPath) -> Iterator[tuple[LeafPath, str]]:
    for name, child in key.keys.items():
        if child.opened:
            yield from _shapes(child, (*path, name))
        elif child.shape is not None:
            yield (*path, name), child.shape.to_json()


def _columns(key: Key, path: LeafPath) -> Iterator[Column]:
    folded: dict[str, str] = {}
    for name, child in key.keys.items():
        other = folded.setdefault(fold_name(name), name)
        if other != name:
            raise UnsupportedData(f"keys {shown((other,))} and {shown((name,))} have the same name, but for case")
        inner = (*path, name)
        if child.opened:
            yield Column(name, "BOOLEAN", nullable=False, path=inner, presence=True)
            yield from _columns(child, inner)
        else:
            yield Column(name, "JSON", path=inner)


class _Stream:
    """Rows as Arrow batches, for any number of scans."""

    def __init__(self, reader: Reader, paths: tuple[Path, ...]) -> None:
        self.reader, self.paths = reader, paths
        self.schema = pa.schema(
            [(f"c{i}", pa.bool_() if c.presence else pa.string()) for i, c in enumerate(reader.columns)]
        )

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        batches = pa.RecordBatchReader.from_batches(self.schema, self._batches())
        return batches.__arrow_c_stream__(requested_schema)

    def _batches(self) -> Iterator[pa.RecordBatch]:
        tree = _tree(self.reader.columns)
        width = len(self.reader.columns)
        rows: list[list[str | bool | None]] = []
        size = 0
        for path in self.paths:
            for record in records(path, self.reader.options["compression"] == "gzip", self.reader.options["shape"]):
                row: list[str | bool | None] = [None] * width
                size += _fill(row, record, tree) + width
                rows.append(row)
                if len(rows) >= _BATCH_ROWS or size > _BATCH_BYTES:
                    yield self._batch(rows)
                    rows, size = [], 0
        if rows:
            yield self._batch(rows)

    def _batch(self, rows: list[list[str | bool | None]]) -> pa.RecordBatch:
        columns = zip(*rows, strict=True)
        arrays = [pa.array(c, f.type) for c, f in zip(columns, self.schema, strict=True)]
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema)


#: Key → position of its leaf, or of its presence leaf and the keys inside.
_Tree = dict[str, "int | tuple[int, _Tree]"]


def _tree(columns: Sequence[Column]) -> _Tree:
    root: _Tree = {}
    inside: dict[LeafPath, _Tree] = {(): root}
    for position, column in enumerate(columns):
        parent = inside[column.path[:-1]]
        if column.presence:
            children: _Tree = {}
            parent[column.name] = (position, children)
            inside[column.path] = children
        else:
            parent[column.name] = position
    return root


def _fill(row: list[str | bool | None], record: dict[str, Any], tree: _Tree) -> int:
    """Puts a record into its row; the characters put there."""
    size = 0
    if not record.keys() <= tree.keys():
        raise UnreadableData("a record has a key that was not there before: the file changed while it was read")
    for name, leaf in tree.items():
        value = record.get(name)
        if isinstance(leaf, int):
            if value is not None:
                text = row[leaf] = canonical(value)
                size += len(text)
            continue
        position, children = leaf
        row[position] = isinstance(value, dict)
        if value is not None and not isinstance(value, dict):
            raise UnreadableData("a value became something else: the file changed while it was read")
        size += _fill(row, value or {}, children)
    return size
