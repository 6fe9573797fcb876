"""The leaves of a Delta table, from its log and from what its files say of themselves."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from r2d2.catalog.delta_schema import defaults, delta_columns
from r2d2.catalog.leaves import FileLeaves, merge_leaf, partition_leaf
from r2d2.catalog.listing import Candidate
from r2d2.errors import UnreadableData, UnsupportedData
from r2d2.lake.delta_log import PHYSICAL_NAME
from r2d2.lake.delta_vectors import DeletionVector
from r2d2.lake.layout import Column, Reader, leaf_columns
from r2d2.lake.parquet_types import described, family_of, shown
from r2d2.model import family as families
from r2d2.model.dataset import Bounds, DataFile, FileSummary, Leaf
from r2d2.model.names import fold, fold_name

#: Partition values of these types are not kept exactly by a Delta log: a float's text is not that of its double.
_INEXACT = ("FLOAT", "BLOB", "LIST", "MAP", "STRUCT")
#: What the name of a column begins with that files hold and the table has no more; no name of the table does.
_DROPPED = "\0"


def table_summaries(candidate: Candidate, parts: Sequence[FileSummary]) -> list[FileSummary]:
    """What files say, in the table's names and without the rows that are deleted.

    Args:
        parts: of the candidate's files, in their order.

    Raises:
        UnreadableData: more rows are deleted than a file has, or the table's schema is damaged.
        UnsupportedData: a column of the table is of a type that can't be read exactly.
    """
    mapped = candidate.properties.get("delta.columnMapping.mode", "none") != "none"
    named = _all_renamed(parts, candidate.schema) if mapped else list(parts)
    return [_without_deleted(part, file) for part, file in zip(named, candidate.files, strict=True)]


def _all_renamed(parts: Sequence[FileSummary], schema: str) -> list[FileSummary]:
    delta_columns(schema)  # checks all but what is told of names
    try:
        return [renamed(part, json.loads(schema)) for part in parts]
    except (KeyError, TypeError, AttributeError) as error:
        raise UnreadableData("the schema in the table's log is damaged") from error


def _without_deleted(part: FileSummary, file: DataFile) -> FileSummary:
    """Which rows are gone is not known here: bounds still hold and need not be met, and counts of NULLs are lost."""
    if not file.vector:
        return part
    rows = part.rows - DeletionVector.from_json(file.vector).rows
    if rows < 0:
        raise UnreadableData(f"its log deletes {part.rows - rows:,} of the {part.rows:,} rows of a file")
    return replace(part, rows=rows, leaves=tuple(_loosened(leaf, part.rows, rows) for leaf in part.leaves))


def _loosened(leaf: Leaf, before: int, rows: int) -> Leaf:
    nulls = rows if leaf.nulls == before else 0 if leaf.nulls == 0 else None
    return replace(leaf, nulls=nulls, bounds={family: _untight(bounds) for family, bounds in leaf.bounds.items()})


def _untight(bounds: Bounds) -> Bounds:
    return replace(bounds, low_tight=False, high_tight=False)


def renamed(part: FileSummary, schema: Mapping[str, Any]) -> FileSummary:
    """What a file says, by the names that a table with mapped columns gives them; ``schema`` is the log's."""
    reader = Reader.from_json(part.reader)
    own = replace(reader, columns=_named(reader.columns, schema))
    leaves = (_as(leaf, found.path, found.column) for leaf, found in zip(part.leaves, leaf_columns(own), strict=True))
    return replace(part, reader=own.to_json(), leaves=tuple(leaves))


def _as(leaf: Leaf, path: tuple[str, ...], column: Column) -> Leaf:
    nested = column.children and leaf.families != (families.PRESENCE,)
    return replace(leaf, path=path, families=(family_of(column),) if nested else leaf.families)


def _named(columns: Sequence[Column], struct: Mapping[str, Any]) -> tuple[Column, ...]:
    """Files that were there before the names were mapped may spell them in another case: so Delta finds them, too."""
    fields: dict[str, Mapping[str, Any]] = {}
    for field in struct["fields"]:
        physical = fold_name(field["metadata"][PHYSICAL_NAME])
        if fields.setdefault(physical, field) is not field:
            raise UnreadableData(f"its log finds two columns in files by one name, {shown((physical,))}")
    return tuple(_in_table(column, fields.get(fold_name(column.name))) for column in columns)


def _in_table(column: Column, field: Mapping[str, Any] | None) -> Column:
    if field is None:
        return replace(column, name=f"{_DROPPED}{column.name}")
    return replace(_valued(column, field["type"]), name=field["name"])


def _valued(column: Column, kind: Any) -> Column:
    """A column whose fields have the names of the type; where the two don't fit, that is seen later."""
    if not isinstance(kind, Mapping):
        return column
    if kind["type"] == "struct" and column.kind == "STRUCT":
        return replace(column, children=_named(column.children, kind))
    if kind["type"] == "array" and column.kind == "LIST":
        return replace(column, children=(_valued(column.children[0], kind["elementType"]),))
    if kind["type"] == "map" and column.kind == "MAP":
        key, value = column.children
        return replace(column, children=(_valued(key, kind["keyType"]), _valued(value, kind["valueType"])))
    return column


def delta_partition(file: DataFile) -> tuple[tuple[str, str | None], ...]:
    """In a Delta log an empty text stands for NULL, for every type."""
    return tuple((name, value or None) for name, value in file.partition)


def partition_values(name: str, files: Sequence[DataFile]) -> list[tuple[int, str | None]]:
    """Rows and value of a partition column, of each file.

    Raises:
        UnsupportedData: a file has none.
    """
    values = []
    for file in files:
        known = dict(file.partition)
        if name not in known:
            raise UnsupportedData(f"partition column {shown((name,))} has no value for some of the files")
        values.append((file.rows or 0, known[name]))
    return values


def delta_leaves(
    candidate: Candidate, files: Sequence[DataFile], parts: Sequence[FileLeaves], case_sensitive: bool
) -> tuple[Leaf, ...]:
    """Leaves as the table's log gives them; files may lack those that were added later.

    Raises:
        UnsupportedData: a column is of a type that can't be read exactly, or of another one in the files; or rows of
            files that lack it have a default.
        UnreadableData: a partition column is none of the table's.
    """
    columns = delta_columns(candidate.schema)
    _refuse_defaults(defaults(candidate.schema), candidate.partition_columns, parts, case_sensitive)
    partitioned = set(candidate.partition_columns)
    unknown = next((name for name in candidate.partition_columns if name not in {c.name for c in columns}), None)
    if unknown is not None:  # spelled otherwise it would pass for a column that files lack, and so be NULL
        raise UnreadableData(f"its partition column {shown((unknown,))} is not in its schema")
    leaves = []
    for found in leaf_columns(Reader("parquet", columns)):
        kind = described(found.column)
        if found.path[0] in partitioned:
            if found.column.kind in _INEXACT:
                raise UnsupportedData(f"partition column {shown(found.path[:1])} is of the type {kind}")
            values = partition_values(found.path[0], files)
            leaves.append(partition_leaf(found.path[0], values, family_of(found.column), kind))
            continue
        family = families.PRESENCE if found.presence else family_of(found.column)
        leaves.append(_table_leaf(Leaf(found.path, (family,), kind), parts, case_sensitive))
    return tuple(leaves)


def _refuse_defaults(
    names: Iterable[str], partitioned: Sequence[str], parts: Sequence[FileLeaves], case_sensitive: bool
) -> None:
    held = [{path[0] for path in part.leaves} for part in parts]
    for name in names:
        (column,) = fold((name,), case_sensitive)
        if name not in partitioned and not all(column in some for some in held):
            raise UnsupportedData(f"some of its files lack the column {shown((name,))}, which has a default there")


def _table_leaf(leaf: Leaf, parts: Sequence[FileLeaves], case_sensitive: bool) -> Leaf:
    path = fold(leaf.path, case_sensitive)
    nulls = 0 if leaf.families == (families.PRESENCE,) else sum(part.rows for part in parts)
    if not any(path in part.leaves for part in parts):
        return replace(leaf, nulls=nulls)
    merged = merge_leaf(path, parts)
    if merged.families != leaf.families:
        stored = "/".join(merged.families)
        raise UnsupportedData(
            f"column {shown(leaf.path)} is {leaf.families[0]} in the table, but {stored} in its files"
        )
    return replace(leaf, nulls=merged.nulls, bounds=merged.bounds)
