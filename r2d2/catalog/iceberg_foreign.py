"""Parquet files that an Iceberg table took over from another writer (``add_files``, ``snapshot``, ``migrate``).

Iceberg's reader trusts such a file to be what Iceberg would have written. *Seen*: it takes times in milliseconds and
nanoseconds for microseconds, cuts those of INT96, takes numbers for dates and times and a wall clock for an instant,
gives 123.45 for the 1.2345 of a DECIMAL(10,4), and passes over columns and fields that the table has not; none with a
word. Their footers are looked at first, and what it would not give as it is is refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from r2d2.errors import UnreadableData, UnsupportedData
from r2d2.lake.layout import Column, Reader
from r2d2.lake.parquet import TIMES_IN_MILLISECONDS
from r2d2.lake.parquet_types import described, shown
from r2d2.model.dataset import FileSummary

#: The property of tables that hold such files: the columns' names by which Iceberg finds them there.
NAME_MAPPING = "schema.name-mapping.default"
#: Why such a table is not read by us, if nothing else is wrong with it.
FOREIGN = "its files are read by Iceberg's own reader"

_WHOLE = ("TINYINT", "SMALLINT", "INTEGER")
#: Type of Iceberg → what files may hold for it, as ``lake.layout`` says it.
_HELD = {
    "boolean": ("BOOLEAN",),
    "int": _WHOLE,
    "long": (*_WHOLE, "BIGINT"),
    "float": ("FLOAT",),
    "double": ("FLOAT", "DOUBLE"),
    "date": ("DATE",),
    "timestamp": ("TIMESTAMP",),
    "timestamptz": ("TIMESTAMPTZ", "INT96"),
    "string": ("VARCHAR",),
    "binary": ("BLOB",),
}
_DECIMAL = re.compile(r"decimal\((\d+),(\d+)\)", re.IGNORECASE)
_NESTED = {"struct": "STRUCT", "list": "LIST", "map": "MAP"}


def refuse_foreign(schema: str, properties: Mapping[str, Any], parts: Sequence[FileSummary]) -> None:
    """Refuses files that Iceberg's reader would not give as they are.

    Args:
        schema: of the table, as its metadata gives it.
        properties: of the table.
        parts: what its files say.

    Raises:
        UnsupportedData: naming what is wrong.
        UnreadableData: the table's property, or its schema, is damaged.
    """
    for part in parts:
        if part.properties.get(TIMES_IN_MILLISECONDS):
            raise UnsupportedData("its files hold times in milliseconds, which Iceberg takes for microseconds")
        if '"kind":"TIMESTAMP_NS"' in part.reader:
            raise UnsupportedData("its files hold times in nanoseconds, which Iceberg takes for microseconds")
    try:
        types, names = dict(_types(json.loads(schema))), json.loads(properties[NAME_MAPPING])
        for reader in {part.reader for part in parts}:
            _require_fields(Reader.from_json(reader).columns, names, types, ())
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise UnreadableData(f"its schema or its property {NAME_MAPPING} is damaged") from error


def _types(kind: Any) -> Iterator[tuple[int, Any]]:
    """The type of each column and field, by its id."""
    if not isinstance(kind, Mapping):
        return
    inner = [(field["id"], field["type"]) for field in kind.get("fields", ())]
    inner += [(kind[f"{part}-id"], kind[part]) for part in ("element", "key", "value") if part in kind]
    for number, own in inner:
        yield number, own
        yield from _types(own)


def _require_fields(columns: Sequence[Column], names: Any, types: Mapping[int, Any], above: tuple[str, ...]) -> None:
    """``names``: what the property says of these columns; one that the table has no more was dropped by somebody."""
    by_name = {name: entry for entry in names for name in entry["names"]}
    for column in columns:
        path = (*above, column.name)
        if column.name not in by_name:
            raise UnsupportedData(f"its files have a column {shown(path)} that the table has not")
        entry = by_name[column.name]
        if entry.get("field-id") in types:
            _require_type(column, types[entry["field-id"]], entry, types, path)


def _require_type(column: Column, kind: Any, entry: Any, types: Mapping[int, Any], path: tuple[str, ...]) -> None:
    if isinstance(kind, str):
        if not _holds(column.kind, kind):
            told = f"{described(column)} in its files and {kind} in the table"
            raise UnsupportedData(f"column {shown(path)} is {told}, which Iceberg takes one for the other")
        return
    if _NESTED[kind["type"]] != column.kind:
        raise UnsupportedData(
            f"column {shown(path)} is {described(column)} in its files and {kind['type']} in the table"
        )
    inner = entry.get("fields", ())
    if column.kind == "STRUCT":
        _require_fields(column.children, inner, types, path)
        return
    named = {name: one for one in inner for name in one["names"]}
    for child, part in zip(column.children, ("element",) if column.kind == "LIST" else ("key", "value"), strict=True):
        _require_type(child, kind[part], named[part], types, (*path, part))


def _holds(held: str, kind: str) -> bool:
    """Whether Iceberg's reader gives what files hold as ``held`` as it is, where the table's type is ``kind``."""
    wanted, found = (_DECIMAL.fullmatch(text.replace(" ", "")) for text in (kind, held))
    if wanted and found:
        return found[2] == wanted[2] and int(found[1]) <= int(wanted[1])
    return held == "BLOB" if kind.startswith("fixed[") else held in _HELD.get(kind, ())
