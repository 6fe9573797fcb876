"""The schema that a Delta table's log gives, as the columns that its Parquet files deliver."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from r2d2.errors import UnreadableData, UnsupportedData
from r2d2.lake.layout import Column
from r2d2.lake.parquet_types import DEEPEST, shown
from r2d2.model.names import fold_name

_KINDS = {
    "string": "VARCHAR",
    "long": "BIGINT",
    "integer": "INTEGER",
    "short": "SMALLINT",
    "byte": "TINYINT",
    "float": "FLOAT",
    "double": "DOUBLE",
    "boolean": "BOOLEAN",
    "binary": "BLOB",
    "date": "DATE",
    "timestamp": "TIMESTAMPTZ",
    "timestamp_ntz": "TIMESTAMP",
}
#: What Spark calls the default of a column for rows that were there before it.
_DEFAULT = "EXISTS_DEFAULT"
_DECIMAL = re.compile(r"decimal\(\s*(\d{1,2})\s*,\s*(\d{1,2})\s*\)")
_Path = tuple[str, ...]


def delta_columns(schema: str) -> tuple[Column, ...]:
    """The columns of a table, partition columns included, in its order.

    Args:
        schema: ``schemaString`` of the log.

    Raises:
        UnsupportedData: a column of a type that has no exact family, naming it; no columns; names that repeat.
        UnreadableData: the text is no schema.
    """
    try:
        columns = _fields(json.loads(schema), ())
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UnreadableData("the schema in the table's log is damaged") from error
    if not columns:
        raise UnsupportedData("no columns")
    return columns


def defaults(schema: str) -> tuple[str, ...]:
    """Columns that have another value than NULL in the rows of files which lack them; ``schema`` is a good one."""
    told = {field["name"]: field.get("metadata") for field in json.loads(schema)["fields"]}
    return tuple(
        name
        for name, about in told.items()
        if isinstance(about, Mapping) and str(about.get(_DEFAULT, "NULL")).strip().upper() != "NULL"
    )


def _fields(struct: Mapping[str, Any], path: _Path) -> tuple[Column, ...]:
    if struct["type"] != "struct":
        raise UnreadableData("the schema in the table's log is no struct")
    seen: dict[str, str] = {}
    for field in struct["fields"]:
        other = seen.setdefault(fold_name(field["name"]), field["name"])
        if other is not field["name"]:
            both = f"{shown((*path, other))} and {shown((*path, field['name']))}"
            raise UnsupportedData(f"columns {both} have the same name, or differ only in case")
    return tuple(
        _column(field["name"], field["type"], field["nullable"], (*path, field["name"])) for field in struct["fields"]
    )


def _column(name: str, kind: Any, nullable: bool, path: _Path) -> Column:
    if len(path) > DEEPEST:
        raise UnsupportedData(f"column {shown(path[:3])} is nested deeper than {DEEPEST} levels")
    if isinstance(kind, str):
        return Column(name, _scalar(kind, path), (), nullable)
    if kind["type"] == "struct":
        return Column(name, "STRUCT", _fields(kind, path), nullable)
    if kind["type"] == "array":
        element = _column("element", kind["elementType"], kind["containsNull"], (*path, "element"))
        return Column(name, "LIST", (element,), nullable)
    if kind["type"] == "map":
        key = _column("key", kind["keyType"], False, (*path, "key"))
        value = _column("value", kind["valueType"], kind["valueContainsNull"], (*path, "value"))
        return Column(name, "MAP", (key, value), nullable)
    raise UnsupportedData(f"column {shown(path)} is of the type {kind['type']}")


def _scalar(kind: str, path: _Path) -> str:
    if kind in _KINDS:
        return _KINDS[kind]
    decimal = _DECIMAL.fullmatch(kind)
    if decimal and 1 <= int(decimal[1]) <= 38 and int(decimal[2]) <= int(decimal[1]):
        return f"DECIMAL({int(decimal[1])},{int(decimal[2])})"
    raise UnsupportedData(f"column {shown(path)} is of the type {kind}")
