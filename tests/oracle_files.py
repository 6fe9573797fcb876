"""How the oracle finds and loads the datasets of a lake. No code of r2d2."""

from __future__ import annotations

import gzip
import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tests.oracle_values import Key, Leaf, Table, Undecidable, family_of, is_string, text_leaf


def load_lake(lake: Path) -> list[Table]:
    """The datasets of at least one row that can be read, each physical one once, under its real path's id."""
    tables: dict[frozenset[tuple[int, int, str]], Table] = {}
    for path, load in sorted(_datasets(lake.resolve(), lake.resolve())):
        try:
            table = load(path)
        except (Undecidable, OSError, ValueError, KeyError, EOFError, pa.ArrowException):
            continue
        table.id = path.relative_to(lake.resolve()).as_posix()
        table.linked = path.resolve() != path
        known = tables.get(table.files)
        if table.rows and (known is None or (table.linked, table.id) < (known.linked, known.id)):
            tables[table.files] = table
    return sorted(tables.values(), key=lambda table: table.id)


Loader = Callable[[Path], Table]


def _datasets(directory: Path, lake: Path) -> Iterator[tuple[Path, Loader]]:
    entries = sorted(e for e in directory.iterdir() if _visible(e.name) and e.resolve().is_relative_to(lake))
    if (directory / "_delta_log").is_dir():
        yield directory, _load_delta
    elif any(e.is_dir() and "=" in e.name for e in entries) or any(e.name.startswith("part-") for e in entries):
        yield directory, _load_directory
    else:
        for entry in entries:
            if entry.is_dir():
                yield from _datasets(entry, lake)
            elif _format(entry):
                yield entry, _load_file


def _visible(name: str) -> bool:
    return not name.startswith(("_", ".")) and not name.endswith((".crc", ".tmp"))


def _format(path: Path) -> str:
    name = path.name.removesuffix(".gz")
    return {
        ".parquet": "parquet",
        ".csv": "csv",
        ".tsv": "tsv",
        ".jsonl": "json",
        ".ndjson": "json",
        ".json": "json",
    }.get(os.path.splitext(name)[1], "")


def _load_file(path: Path) -> Table:
    leaves, rows = _file_leaves(path)
    return Table("", rows, leaves, frozenset({_identity(path, "")}), linked=False)


def _identity(path: Path, partition: str) -> tuple[int, int, str]:
    status = path.stat()
    return status.st_dev, status.st_ino, partition


def _file_leaves(path: Path) -> tuple[dict[Key, Leaf], int]:
    kind = _format(path)
    if kind == "parquet":
        return _parquet_leaves(path)
    content = path.read_bytes()
    text = (gzip.decompress(content) if path.name.endswith(".gz") else content).decode("utf-8-sig")
    return _separated(text, "\t" if kind == "tsv" else ",") if kind in ("csv", "tsv") else _json(text)


def _parquet_leaves(path: Path) -> tuple[dict[Key, Leaf], int]:
    with path.open("rb") as stream:
        file = pq.ParquetFile(stream)
        if any(file.schema.column(i).physical_type == "INT96" for i in range(len(file.schema))):
            raise Undecidable("INT96")
        table = file.read()
    leaves: dict[Key, Leaf] = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        for key, leaf in _opened((name.lower(),), column):
            if key in leaves:
                raise Undecidable(f"two columns {key}")
            leaves[key] = leaf
    return leaves, table.num_rows


def _opened(key: Key, column: pa.ChunkedArray) -> Iterator[tuple[Key, Leaf]]:
    kind = column.type
    if not pa.types.is_struct(kind):
        yield key, Leaf((family_of(kind),), typed=_plain(column))
        return
    yield (*key, "\x00presence"), Leaf(("presence",), typed=pc.is_valid(column))
    for index in range(kind.num_fields):
        child = kind.field(index)
        yield from _opened((*key, child.name.lower()), pc.struct_field(column, [index]))


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.cast(kind.value_type), kind.value_type
    if is_string(kind):
        return column.cast(pa.string())
    return column.cast(pa.date32()) if pa.types.is_date(kind) else column


def _load_directory(path: Path) -> Table:
    pieces, files, rows = [], set(), 0
    for file in sorted(path.rglob("*")):
        inside = file.relative_to(path).parts
        if file.is_dir() or not all(_visible(part) for part in inside) or not _format(file):
            continue
        leaves, count = _file_leaves(file)
        for folder in inside[:-1]:
            name, _, value = folder.partition("=")
            text = None if value == "__HIVE_DEFAULT_PARTITION__" else unquote(value)
            leaves[(unquote(name).lower(),)] = Leaf((), texts=[text] * count)
        pieces.append(leaves)
        files.add(_identity(file, "/".join(inside[:-1])))
        rows += count
    return Table("", rows, _joined(pieces), frozenset(files), linked=False)


def _joined(pieces: list[dict[Key, Leaf]]) -> dict[Key, Leaf]:
    """The leaves of several files of one schema, one after the other."""
    joined = {}
    for key, first in pieces[0].items():
        leaves = [piece[key] for piece in pieces]
        if first.typed is None:
            joined[key] = text_leaf([text for leaf in leaves for text in leaf.texts])
        else:
            columns = [leaf.typed for leaf in leaves if leaf.typed is not None]
            kinds = {column.type for column in columns}
            if len(columns) < len(leaves) or len(kinds) > 1 or any(set(p) != set(pieces[0]) for p in pieces):
                raise Undecidable("files of several schemas")
            joined[key] = Leaf(first.families, typed=pa.chunked_array([c for col in columns for c in col.chunks]))
    return joined


def _load_delta(path: Path) -> Table:
    added: dict[str, dict[str, Any]] = {}
    schema: list[dict[str, Any]] = []
    for log in sorted((path / "_delta_log").glob("*.json")):
        for line in log.read_text(encoding="utf-8").splitlines():
            action = json.loads(line)
            if "protocol" in action and action["protocol"].get("readerFeatures"):
                raise Undecidable("reader features")
            if "metaData" in action:
                schema = json.loads(action["metaData"]["schemaString"])["fields"]
            if "add" in action:
                added[action["add"]["path"]] = action["add"]
            if "remove" in action:
                added.pop(action["remove"]["path"], None)
    types = {f["name"].lower(): f["type"] for f in schema}
    pieces, files, rows = [], set(), 0
    for add in added.values():
        url = urlparse(add["path"])
        file = Path(unquote(url.path)) if url.scheme == "file" else path / unquote(add["path"])
        leaves, count = _parquet_leaves(file)
        for name, value in add["partitionValues"].items():
            leaves[(name.lower(),)] = _delta_partition(value, types[name.lower()], count)
        pieces.append(leaves)
        files.add(_identity(file, json.dumps(add["partitionValues"], sort_keys=True)))
        rows += count
    return Table("", rows, _joined(pieces) if pieces else {}, frozenset(files), linked=False)


def _delta_partition(value: str | None, kind: str, count: int) -> Leaf:
    arrow: dict[str, pa.DataType] = {
        "string": pa.string(),
        "date": pa.date32(),
        "integer": pa.int64(),
        "long": pa.int64(),
        "boolean": pa.bool_(),
    }
    single = pa.array([value or None], pa.string()).cast(arrow[kind])
    return Leaf((family_of(arrow[kind]),), typed=pa.chunked_array([pa.array([single[0].as_py()] * count, arrow[kind])]))


def _json(text: str) -> tuple[dict[Key, Leaf], int]:
    """Numbers keep their spelling (they become texts); strings and numbers are texts alike."""
    options: dict[str, Any] = {"parse_int": _Number, "parse_float": _Number}
    array = text.lstrip().startswith("[")
    rows = (
        json.loads(text, **options) if array else [json.loads(ln, **options) for ln in text.split("\n") if ln.strip()]
    )
    names = list(dict.fromkeys(name for row in rows for name in row))
    if len({name.lower() for name in names}) < len(names):
        raise Undecidable("two keys that differ in case")
    leaves: dict[Key, Leaf] = {
        (name.lower(),): text_leaf([_json_text(row.get(name)) for row in rows]) for name in names
    }
    return leaves, len(rows)


class _Number(str):
    """The spelling of a JSON number."""


def _json_text(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None or isinstance(value, str):
        return value
    raise Undecidable("nested JSON")


def _separated(text: str, delimiter: str) -> tuple[dict[Key, Leaf], int]:
    if not text:
        raise Undecidable("no header")
    records = list(_records(text, delimiter))
    header = [(name or "").lower() for name in records[0]]
    if len(set(header)) < len(header) or any(len(record) != len(header) for record in records):
        raise Undecidable("ragged, or two columns of one name")
    columns = zip(*records[1:], strict=True) if len(records) > 1 else [()] * len(header)
    leaves: dict[Key, Leaf] = {(n,): text_leaf(list(values)) for n, values in zip(header, columns, strict=True)}
    return leaves, len(records) - 1


def _records(text: str, delimiter: str) -> Iterator[list[str | None]]:
    """Fields; an unquoted empty one is None, a quoted one ''. The csv module can't tell them apart, hence by hand."""
    token = re.compile(rf'(?:"((?:[^"]|"")*)"|([^"{delimiter}\r\n]*))({delimiter}|\r?\n|\Z)')
    text = text.removesuffix("\n").removesuffix("\r")
    position = 0
    while position <= len(text):
        end = text.find("\n", position)
        line = text[position : len(text) if end < 0 else end]
        if '"' not in line:
            yield [part or None for part in line.removesuffix("\r").split(delimiter)]
            position += len(line) + 1
            continue
        record: list[str | None] = []
        end_of_field = delimiter
        while end_of_field == delimiter:
            found = token.match(text, position)
            if found is None:
                raise Undecidable(f"malformed quotes at character {position}")
            record.append(found[2] or None if found[1] is None else found[1].replace('""', '"'))
            position, end_of_field = found.end(), found[3]
        yield record
        position += not end_of_field  # past the end of the text
