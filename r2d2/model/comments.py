"""What people wrote about tables and columns, as table logs, catalogs and footers keep it. No I/O; it proves nothing.

Comments are strangers' text: they are cut, and nothing but topics and what is told of them is made from them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from r2d2.model.dataset import COMMENTS, LeafPath

#: Characters of one comment that are kept.
_LONGEST = 200
#: Keys of the property.
_TABLE, _COLUMNS = "table", "columns"


def comments_property(table: object, columns: Iterator[tuple[LeafPath, object]]) -> dict[str, Any]:
    """Comments as a property of a dataset or file, fit for JSON; nothing where there are none.

    Args:
        table: what is said of all of it; whatever is no text is none.
        columns: path and comment.
    """
    told, about = _cut(table), [[list(path), text] for path, comment in columns if (text := _cut(comment))]
    found = {_TABLE: told} if told else {}
    return {COMMENTS: found | ({_COLUMNS: about} if about else {})} if told or about else {}


def table_comment(properties: Mapping[str, Any]) -> str:
    """What is said of a table; empty if nothing is. Properties may be forged: what has not the form is none."""
    told = properties.get(COMMENTS)
    return _cut(told.get(_TABLE)) if isinstance(told, Mapping) else ""


def column_comments(properties: Mapping[str, Any]) -> Mapping[LeafPath, str]:
    """What is said of columns, by path."""
    told = properties.get(COMMENTS)
    rows = told.get(_COLUMNS) if isinstance(told, Mapping) else None
    pairs = (row for row in rows if isinstance(row, list) and len(row) == 2) if isinstance(rows, list) else ()
    return {tuple(map(str, path)): _cut(text) for path, text in pairs if isinstance(path, list)}


def spark_comments(schema: object) -> Iterator[tuple[LeafPath, object]]:
    """Comments of a schema as Spark writes it: in Delta's log, in footers, from a catalog."""
    for path, field in _fields(schema):
        metadata = field.get("metadata")
        if isinstance(metadata, Mapping) and "comment" in metadata:
            yield path, metadata["comment"]


def iceberg_comments(schema: object) -> Iterator[tuple[LeafPath, object]]:
    """Comments of a schema as Iceberg's metadata has it."""
    yield from ((path, field["doc"]) for path, field in _fields(schema) if "doc" in field)


def _fields(schema: object) -> Iterator[tuple[LeafPath, Mapping[str, Any]]]:
    """All fields, those of structs too; what is damaged is left out. Nesting may be of any depth."""
    open_: list[tuple[LeafPath, object]] = [((), schema)]
    while open_:
        path, struct = open_.pop()
        fields = struct.get("fields") if isinstance(struct, Mapping) else None
        for field in fields if isinstance(fields, list) else ():
            if isinstance(field, Mapping):
                inner = (*path, str(field.get("name")))
                yield inner, field
                open_.append((inner, field.get("type")))


def _cut(text: object) -> str:
    """One line of at most 200 characters that can be written anywhere; empty for what is no text."""
    if not isinstance(text, str):
        return ""
    return " ".join(text[: 4 * _LONGEST].encode("utf-8", "replace").decode().split())[:_LONGEST].strip()
