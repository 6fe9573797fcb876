"""Brute force: which datasets of a lake are contained in which, decided without any code of r2d2.

Two ways that share only the loading of files: ``duckdb`` (``EXCEPT ALL`` over canonical types, for scalar leaves;
nested pairs fall back to Python) and ``python`` (``Counter`` over canonical values). Rules: EXACTNESS 2 to 4.
"""

from __future__ import annotations

import gzip
import json
import math
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

Pair = tuple[str, str]
Key = tuple[str, ...]
TEXT_ORDER = ("boolean", "number", "floating", "date", "timestamp", "instant", "string")


class Undecidable(Exception):
    """A dataset or value that the oracle refuses."""


@dataclass
class Leaf:
    """One leaf: its values (an Arrow array if typed, else texts with None), and what it may be compared as."""

    families: tuple[str, ...]
    typed: pa.ChunkedArray | None = None
    texts: list[str | None] = field(default_factory=list)
    scale: int = 0  # digits behind the point of a number leaf
    cache: dict[str, list[Any]] = field(default_factory=dict)

    def keys(self, family: str) -> list[Any]:
        """The values as hashable Python keys that are equal exactly when the values are."""
        if family not in self.cache:
            if self.typed is None:
                known = {text: None if text is None else CONVERT[family](text) for text in set(self.texts)}
                self.cache[family] = [known[text] for text in self.texts]
            else:
                kind = self.typed.type
                self.cache[family] = [_key(kind, value) for value in _values(self.typed)]
        return self.cache[family]


@dataclass
class Table:
    id: str
    rows: int
    leaves: dict[Key, Leaf]
    files: frozenset[tuple[int, int, str]]
    linked: bool


# ------------------------------------------------------------------------------------------------ the pairs


def contained_pairs(lake: Path, engine: str = "duckdb") -> set[Pair]:
    """Every (parent, child) of distinct physical datasets, of at least one row each, that holds as bags."""
    tables = load_lake(lake)
    judge = _DuckDB(tables) if engine == "duckdb" else _Python()
    pairs = set()
    for parent in tables:
        for child in tables:
            if parent is child or child.rows > parent.rows:
                continue
            projection = _projection(parent, child)
            if projection is not None and judge.holds(parent, child, projection):
                pairs.add((parent.id, child.id))
    return pairs


def _projection(parent: Table, child: Table) -> dict[Key, str] | None:
    """The child's leaves with the family that each is compared as, or None if the schema does not fit."""
    chosen = {}
    for name, leaf in child.leaves.items():
        other = parent.leaves.get(name)
        common = set(leaf.families) & set(other.families) if other else set()
        if not common:
            return None
        chosen[name] = min(common, key=lambda f: TEXT_ORDER.index(f) if f in TEXT_ORDER else 99)
    return chosen


class _Python:
    def holds(self, parent: Table, child: Table, projection: dict[Key, str]) -> bool:
        return not _bag(child, projection) - _bag(parent, projection)


def _bag(table: Table, projection: dict[Key, str]) -> Counter[tuple[Any, ...]]:
    columns = [table.leaves[name].keys(family) for name, family in projection.items()]
    return Counter(zip(*columns, strict=True))


class _DuckDB:
    """Each leaf of each dataset lies once, under each family asked for, in a table of canonical types."""

    def __init__(self, tables: list[Table]) -> None:
        self.python = _Python()
        self.connection = duckdb.connect(config={"preserve_insertion_order": False})
        self.numbers = _number_types(tables)
        self.stored: dict[str, dict[tuple[Key, str], str]] = {}
        self.tables = {table.id: f"t{index}" for index, table in enumerate(tables)}
        wanted: dict[str, set[tuple[Key, str]]] = {table.id: set() for table in tables}
        for parent in tables:
            for child in tables:
                projection = _projection(parent, child) if parent is not child and child.rows <= parent.rows else None
                if projection and self._scalar(projection):
                    wanted[parent.id] |= set(projection.items())
                    wanted[child.id] |= set(projection.items())
        for table in tables:
            self._store(table, sorted(wanted[table.id]))

    def _scalar(self, projection: dict[Key, str]) -> bool:
        return all(
            family in (*TEXT_ORDER, "binary", "presence") and (family != "number" or self.numbers.get(name))
            for name, family in projection.items()
        )

    def _store(self, table: Table, wanted: list[tuple[Key, str]]) -> None:
        if not wanted:
            return
        columns = {f"c{i}": self._arrow(table.leaves[name], family) for i, (name, family) in enumerate(wanted)}
        casts = ", ".join(f"{self._cast(name, family, f'c{i}')} AS c{i}" for i, (name, family) in enumerate(wanted))
        self.connection.register("incoming", pa.table(columns))
        self.connection.execute(f"CREATE TABLE {self.tables[table.id]} AS SELECT {casts} FROM incoming")
        self.connection.unregister("incoming")
        self.stored[table.id] = {column: f"c{i}" for i, column in enumerate(wanted)}

    @staticmethod
    def _arrow(leaf: Leaf, family: str) -> pa.ChunkedArray | pa.Array:
        if leaf.typed is not None:
            moment = pa.types.is_timestamp(leaf.typed.type)
            return pa.chunked_array([pa.array(_values(leaf.typed), pa.int64())]) if moment else leaf.typed
        keys = leaf.keys(family)
        if family == "number":
            return pa.array([None if k is None else format(k, "f") for k in keys], pa.string())
        if family == "floating":
            return pa.array([None if k is None else _double(k) for k in keys], pa.float64())
        if family in ("timestamp", "instant"):
            return pa.array(keys, pa.int64())
        return pa.array(keys, {"boolean": pa.bool_(), "date": pa.date32(), "string": pa.string()}[family])

    def _cast(self, name: Key, family: str, column: str) -> str:
        if family == "floating":
            return f"({column}::DOUBLE + 0.0)"
        return f"{column}::{self.numbers[name]}" if family == "number" else column

    def holds(self, parent: Table, child: Table, projection: dict[Key, str]) -> bool:
        if not self._scalar(projection):
            return self.python.holds(parent, child, projection)
        left, right = self.tables[child.id], self.tables[parent.id]
        ours = ", ".join(self.stored[child.id][column] for column in projection.items())
        theirs = ", ".join(self.stored[parent.id][column] for column in projection.items())
        step = max(1, child.rows // 200)
        some = f"SELECT {ours} FROM {left} WHERE rowid % {step} = 0"
        if self._left_over(f"({some}) EXCEPT (SELECT {theirs} FROM {right})"):
            return False  # a part of the child that is not held, not even as a set
        return not self._left_over(f"(SELECT {ours} FROM {left}) EXCEPT ALL (SELECT {theirs} FROM {right})")

    def _left_over(self, query: str) -> bool:
        found = self.connection.execute(f"SELECT count(*) FROM ({query})").fetchall()
        return bool(found[0][0])


def _double(key: Any) -> float:
    return math.nan if key == "nan" else float(key)


def _number_types(tables: list[Table]) -> dict[Key, str]:
    """For each number leaf a DECIMAL that holds all its values in the lake; none where 38 digits don't do."""
    digits: dict[Key, list[tuple[int, int]]] = {}
    for table in tables:
        for name, leaf in table.leaves.items():
            if "number" in leaf.families:
                digits.setdefault(name, []).append(_digits(leaf))
    kinds = {}
    for name, found in digits.items():
        whole, scale = max(1, *(w for w, _ in found)), max(0, *(s for _, s in found))
        if whole + scale <= 38:
            kinds[name] = f"DECIMAL({18 if whole + scale <= 18 else 38},{scale})"
    return kinds


def _digits(leaf: Leaf) -> tuple[int, int]:
    """The most digits before and behind the point."""
    if leaf.typed is None:
        numbers = [k for k in set(leaf.keys("number")) if k is not None]
        exponents = [n.as_tuple().exponent for n in numbers]
        scale = max((-e for e in exponents if isinstance(e, int)), default=0)
        return max((n.adjusted() + 1 for n in numbers), default=1), scale
    if pa.types.is_decimal(leaf.typed.type):
        return leaf.typed.type.precision - leaf.typed.type.scale, max(leaf.typed.type.scale, 0)
    extremes = pc.min_max(leaf.typed).as_py()
    return max(len(str(abs(extremes["min"] or 0))), len(str(abs(extremes["max"] or 0)))), 0


# ------------------------------------------------------------------------------------------------ values


def _values(column: pa.ChunkedArray) -> list[Any]:
    kind = column.type
    if pa.types.is_timestamp(kind):
        return column.cast(pa.timestamp("ns", tz=kind.tz)).cast(pa.int64()).to_pylist()
    return column.to_pylist()


def _key(kind: pa.DataType, value: Any) -> Any:
    """A hashable key; lists, maps and structs recursively."""
    if value is None:
        return None
    if pa.types.is_floating(kind):
        return "nan" if math.isnan(value) else value + 0.0
    if pa.types.is_integer(kind) or pa.types.is_decimal(kind):
        return Decimal(value)
    if pa.types.is_map(kind):
        entries = value.items() if isinstance(value, dict) else value
        keyed = Counter((_key(kind.key_type, k), _key(kind.item_type, v)) for k, v in entries)
        return ("map", frozenset(keyed.items()))
    if _is_list(kind):
        return ("list", *(_key(kind.value_type, item) for item in value))
    if pa.types.is_struct(kind):
        names = sorted((kind.field(i).name for i in range(kind.num_fields)), key=str.lower)
        return ("struct", *(_key(kind.field(n).type, value[n]) for n in names))
    return value


def _is_list(kind: pa.DataType) -> bool:
    return pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)


def _family(kind: pa.DataType) -> str:
    if pa.types.is_dictionary(kind):
        return _family(kind.value_type)
    if pa.types.is_timestamp(kind):
        return "instant" if kind.tz else "timestamp"
    if pa.types.is_map(kind):
        return f"map<{_family(kind.key_type)},{_family(kind.item_type)}>"
    if _is_list(kind):
        return f"list<{_family(kind.value_type)}>"
    if pa.types.is_struct(kind):
        fields = sorted((kind.field(i).name.lower(), _family(kind.field(i).type)) for i in range(kind.num_fields))
        return "struct<" + ",".join(f"{name}:{family}" for name, family in fields) + ">"
    checks: list[tuple[Callable[[pa.DataType], bool], str]] = [
        (pa.types.is_boolean, "boolean"),
        (pa.types.is_integer, "number"),
        (pa.types.is_decimal, "number"),
        (pa.types.is_floating, "floating"),
        (pa.types.is_date, "date"),
        (_is_string, "string"),
        (_is_binary, "binary"),
    ]
    for check, family in checks:
        if check(kind):
            return family
    raise Undecidable(f"type {kind}")


def _is_string(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or kind == pa.string_view()


def _is_binary(kind: pa.DataType) -> bool:
    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind)


# ------------------------------------------------------------------------------------------------ text

_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(\.\d{1,9})?(Z|[+-]\d\d:\d\d)?")


def _to_boolean(text: str) -> bool:
    if text not in ("true", "false"):
        raise Undecidable(text)
    return text == "true"


def _to_number(text: str) -> Decimal:
    if not _NUMBER.fullmatch(text):
        raise Undecidable(text)
    number = Decimal(text)
    if abs(number.adjusted()) > 60:
        raise Undecidable(text)
    return number


def _to_floating(text: str) -> Any:
    """A double whose shortest spelling denotes the same number as the text."""
    if text in ("NaN", "Infinity", "-Infinity"):
        return "nan" if text == "NaN" else float(text)
    if not _NUMBER.fullmatch(text) or Decimal(repr(float(text))) != Decimal(text):
        raise Undecidable(text)
    return float(text) + 0.0


def _to_date(text: str) -> date:
    if not _DATE.fullmatch(text):
        raise Undecidable(text)
    return _parsed(date.fromisoformat, text)


def _to_timestamp(text: str) -> int:
    return _nanoseconds(text, zoned=False)


def _to_instant(text: str) -> int:
    return _nanoseconds(text, zoned=True)


def _nanoseconds(text: str, zoned: bool) -> int:
    found = _TIME.fullmatch(text)
    if not found or bool(found[4]) != zoned:
        raise Undecidable(text)
    clock = datetime.combine(_parsed(date.fromisoformat, found[1]), _parsed(time.fromisoformat, found[2]))
    if zoned and found[4] != "Z":
        hours, minutes = int(found[4][1:3]), int(found[4][4:6])
        offset = timedelta(hours=hours, minutes=minutes)
        clock = clock - offset if found[4][0] == "+" else clock + offset
    since = clock - datetime(1970, 1, 1)
    return (since.days * 86_400 + since.seconds) * 10**9 + int((found[3] or ".0")[1:].ljust(9, "0"))


def _parsed(parse: Callable[[str], Any], text: str) -> Any:
    try:
        return parse(text)
    except ValueError as error:
        raise Undecidable(text) from error


CONVERT: dict[str, Callable[[str], Any]] = {
    "boolean": _to_boolean,
    "number": _to_number,
    "floating": _to_floating,
    "date": _to_date,
    "timestamp": _to_timestamp,
    "instant": _to_instant,
    "string": str,
}


def text_leaf(texts: list[str | None]) -> Leaf:
    """A leaf of a text file, with every family to which all its values convert exactly."""
    distinct = {text for text in texts if text is not None}
    return Leaf(tuple(family for family in TEXT_ORDER if _converts(distinct, family)), texts=texts)


def _converts(texts: set[str], family: str) -> bool:
    try:
        for text in texts:
            CONVERT[family](text)
    except Undecidable:
        return False
    return True


# ------------------------------------------------------------------------------------------------ loading


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
        for key, leaf in _opened((name.lower(),), column, table.schema.field(name).nullable):
            if key in leaves:
                raise Undecidable(f"two columns {key}")
            leaves[key] = leaf
    return leaves, table.num_rows


def _opened(key: Key, column: pa.ChunkedArray, nullable: bool) -> Iterator[tuple[Key, Leaf]]:
    kind = column.type
    if not pa.types.is_struct(kind):
        yield key, Leaf((_family(kind),), typed=_plain(column))
        return
    if nullable:
        yield (*key, "\x00presence"), Leaf(("presence",), typed=pc.is_valid(column))
    for index in range(kind.num_fields):
        child = kind.field(index)
        yield from _opened((*key, child.name.lower()), pc.struct_field(column, [index]), child.nullable)


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.cast(kind.value_type), kind.value_type
    if _is_string(kind):
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
            if len({leaf.families for leaf in leaves}) > 1 or any(set(p) != set(pieces[0]) for p in pieces):
                raise Undecidable("files of several schemas")
            typed = pa.chunked_array([c for leaf in leaves for c in leaf.typed.cast(first.typed.type).chunks])
            joined[key] = Leaf(first.families, typed=typed)
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
    return Leaf((_family(arrow[kind]),), typed=pa.chunked_array([pa.array([single[0].as_py()] * count, arrow[kind])]))


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
    leaves = {(name.lower(),): text_leaf([_json_text(row.get(name)) for row in rows]) for name in names}
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
    return {(name,): text_leaf(list(values)) for name, values in zip(header, columns, strict=True)}, len(records) - 1


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
