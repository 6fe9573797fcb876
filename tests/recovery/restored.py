"""What a recipe selects, as the oracle's leaves; and what a search for recipes is given."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa

from r2d2.config import ContainmentSettings
from r2d2.containment.scan import task_connection
from r2d2.lake.kernels import run_here
from r2d2.lake.layout import Column, Reader
from r2d2.model.dataset import Dataset
from r2d2.model.packing import pack_files
from r2d2.model.recipe import Recipe, units
from r2d2.recovery.recipes.recipes import candidates
from r2d2.recovery.recipes.selection import needed_files, opened, selected
from tests.oracle_pairs import JsonNumber, Leaves, OracleLeaf, canonical, json_leaves, text_column
from tests.oracle_values import family_of, is_string
from tests.recovery.rebuilds import looked_at, manifest_of

SETTINGS = ContainmentSettings()


def recipes_of(child: Dataset, parent: Dataset, settings: ContainmentSettings = SETTINGS) -> list[Recipe]:
    """All recipes for a child from a parent."""
    (looked,) = looked_at(child)
    return list(candidates(child, looked, parent, manifest_of(child, looked), settings, run_here))


def batches_of(recipe: Recipe, unit: int) -> Iterator[pa.RecordBatch]:
    """What a rebuild is given for a unit."""
    task = {
        "files": pack_files(needed_files(recipe)[unit]),
        "part": "",
        "readers": json.dumps(recipe.parent.readers),
        "case_sensitive": recipe.parent.case_sensitive,
        "memory": "",
    }
    with task_connection() as connect, opened(task, connect, recipe, unit) as (con, sources):
        yield from selected(con, sources, recipe, unit)


def restored_leaves(recipe: Recipe) -> tuple[int, Leaves]:
    """How many rows a recipe selects, and what is in them, unit by unit."""
    manifest, found, rows = recipe.manifest, list[dict[tuple[str, ...], list[Any]]](), 0
    kinds: dict[tuple[str, ...], str] = {}
    for number, unit in enumerate(units(manifest)):
        first = manifest.files[unit[0]]
        reader = Reader.from_json(manifest.readers[first.header])
        for batch in batches_of(recipe, number):
            rows += batch.num_rows
            columns: dict[tuple[str, ...], list[Any]] = {}
            for column, array in zip(reader.columns, batch.columns, strict=True):
                _add(columns, kinds, column.path or (column.name,), column, array, manifest.format)
            for name, text in first.partition:
                columns[name,], kinds[name,] = [text] * batch.num_rows, "csv"
            found.append(columns)
    return rows, _leaves({path: [v for part in found for v in part[path]] for path in kinds}, kinds)


def _leaves(columns: dict[tuple[str, ...], list[Any]], kinds: dict[tuple[str, ...], str]) -> Leaves:
    leaves: Leaves = {}
    for path, values in columns.items():
        if kinds[path] == "csv":
            leaves |= text_column(path[0], values)
        elif kinds[path] == "json":
            leaves |= json_leaves(path, values)
        else:
            leaves[path] = OracleLeaf({kinds[path]: [canonical(value) for value in values]})
    return leaves


def _add(
    columns: dict[tuple[str, ...], list[Any]],
    kinds: dict[tuple[str, ...], str],
    path: tuple[str, ...],
    column: Column,
    array: pa.Array,
    format_: str,
) -> None:
    """The leaves of a column; fields of structs are known by their position."""
    if column.kind == "STRUCT":
        columns[path], kinds[path] = array.is_valid().to_pylist(), "presence"
        for place, child in enumerate(column.children):
            _add(columns, kinds, (*path, child.name), child, array.flatten()[place], format_)
    elif column.kind == "JSON" and is_string(array.type):
        texts = array.to_pylist()
        columns[path], kinds[path] = [None if text is None else _parsed(text) for text in texts], "json"
    elif column.kind == "TEXT" and is_string(array.type):
        columns[path], kinds[path] = array.to_pylist(), "csv"
    else:
        columns[path] = values_of(array, column)
        kinds[path] = "presence" if column.presence else _family(array.type, column)


def _parsed(text: str) -> Any:
    return json.loads(text, parse_int=JsonNumber, parse_float=JsonNumber)


def _family(kind: pa.DataType, column: Column) -> str:
    if pa.types.is_list(kind):
        return f"list<{_family(kind.value_type, (column.children or (column,))[0])}>"
    if pa.types.is_struct(kind):
        fields = _fields(kind, column)
        inner = [(child.name, _family(kind.field(i).type, child)) for i, child in enumerate(fields)]
        return f"struct<{','.join(f'{name}:{family}' for name, family in sorted(inner))}>"
    if pa.types.is_map(kind):
        return f"map<{_family(kind.key_type, column)},{_family(kind.item_type, column)}>"
    return "string" if is_string(kind) else str(family_of(kind))


def _fields(kind: pa.DataType, column: Column) -> Sequence[Column]:
    """The child's fields, in its order; for a JSON column those that the parent has."""
    return column.children or [Column(kind.field(i).name, "") for i in range(kind.num_fields)]


def values_of(array: pa.Array, column: Column) -> list[Any]:
    """Values as generated tables have them: numbers as Decimal, moments in nanoseconds, days."""
    kind = array.type
    if pa.types.is_timestamp(kind):
        return list(array.cast(pa.timestamp("ns", tz=kind.tz)).cast(pa.int64()).to_pylist())
    if pa.types.is_date(kind):
        return list(array.cast(pa.int32()).to_pylist())
    if pa.types.is_integer(kind) or pa.types.is_decimal(kind):
        return [None if value is None else Decimal(value) for value in array.to_pylist()]
    if pa.types.is_map(kind):
        return _maps(array, column)
    if pa.types.is_list(kind):
        return _lists(array, column)
    if pa.types.is_struct(kind):
        children = _fields(kind, column)
        fields = [values_of(field, child) for field, child in zip(array.flatten(), children, strict=True)]
        names = [child.name for child in children]
        held = array.is_valid().to_pylist()
        rows: Sequence[tuple[Any, ...]] = list(zip(*fields, strict=True))
        return [dict(zip(names, row, strict=True)) if there else None for row, there in zip(rows, held, strict=True)]
    return list(array.to_pylist())


def _lists(array: pa.Array, column: Column) -> list[Any]:
    inner = (column.children or (column,))[0]
    return [None if not each.is_valid else values_of(each.values, inner) for each in array]


def _maps(array: pa.Array, column: Column) -> list[Any]:
    found = []
    for each in array:
        entries = each.values
        keys, items = (values_of(entries.field(i), column) for i in range(2)) if each.is_valid else ([], [])
        found.append(dict(zip(keys, items, strict=True)) if each.is_valid else None)
    return found
