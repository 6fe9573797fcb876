r"""Canonical text of a value, as SQL: equal for equal values of one family, different for different ones (EXACTNESS 6).

``docs/encoding.md`` specifies it byte by byte; ``tests/encoding_reference.py`` is a second implementation.
Scalars have a plain spelling; a row, and what stands inside a nested value, is written as parts: ``n`` for NULL,
``v<text>;`` for a value; lists and maps begin with their number of elements. In strings ``\`` and ``;`` are escaped by
``\``, and no other scalar holds either, so that every part ends where its first bare ``;`` outside of nested parts
stands, and no two values of one family share a spelling. Each value is named once in the SQL of the level above, so
that deep nesting makes it longer by its depth, not by a power of two; the reader allows four lists in each other.
Field names, positions in structs and types come from the footer; names never reach the SQL.
"""

from __future__ import annotations

from r2d2.lake import text_views
from r2d2.lake.layout import Column
from r2d2.model.family import DATE, FLOATING, JSON, PRESENCE, STRING, is_nested
from r2d2.model.names import fold_name

_INTEGERS = frozenset({"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"})


def is_integer(kind: str) -> bool:
    """Whether the kind is a whole number of any width."""
    return kind in _INTEGERS


def decimal_shape(kind: str) -> tuple[int, int] | None:
    """(precision, scale) of a ``DECIMAL(p,s)`` kind, else None."""
    if not kind.startswith("DECIMAL("):
        return None
    precision, scale = kind[len("DECIMAL(") : -1].split(",")
    return int(precision), int(scale)


def encoded(value: str, column: Column, family: str) -> str:
    """SQL for the canonical VARCHAR of a leaf compared as ``family``, whatever form it has; NULL for NULL."""
    if family == PRESENCE and column.kind == "STRUCT":
        return f"(({value}) IS NOT NULL)::VARCHAR"
    if column.kind not in ("TEXT", "JSON"):
        return canonical_text(value, column)
    found = text_views.exact(value, column, family)
    if is_nested(family):
        return found
    if family in (STRING, JSON):
        return _escaped(found)
    if family == FLOATING:
        return _double_text(found)
    return _day_text(found) if family == DATE else f"({found})::VARCHAR"


def canonical_text(value: str, column: Column, depth: int = 0) -> str:
    """SQL for the canonical VARCHAR of a typed value; NULL for NULL.

    Args:
        value: SQL of the value, of the type that ``column.kind`` names.
        column: its tree; ``TEXT`` and ``JSON`` columns are not typed and don't come here.
        depth: nesting so far, for the names of lambda parameters.

    Raises:
        ValueError: a kind that has no canonical text, which the allow-list of the reader should have refused.
    """
    kind = column.kind
    if kind == "LIST":
        return _list_text(value, column.children[0], depth)
    if kind == "MAP":
        return _map_text(value, column, depth)
    if kind == "STRUCT":
        return _struct_text(value, column, depth)
    return _scalar_text(value, kind)


def _scalar_text(value: str, kind: str) -> str:
    if kind == "VARCHAR":
        return _escaped(value)
    if is_integer(kind) or kind == "BOOLEAN":
        return f"({value})::VARCHAR"
    shape = decimal_shape(kind)
    if shape is not None:
        return _decimal_text(value, *shape)
    if kind in ("FLOAT", "DOUBLE"):
        return _double_text(f"({value})::DOUBLE")
    if kind == "DATE":
        return _day_text(value)
    if kind == "BLOB":
        return f"hex({value})"
    if kind == "TIMESTAMP_NS":
        return f"({nanoseconds(value)})::VARCHAR"
    if kind in ("TIMESTAMP", "TIMESTAMP_MS", "TIMESTAMPTZ", "INT96"):
        return f"({microseconds(value, kind)}::HUGEINT * 1000)::VARCHAR"
    raise ValueError(f"no canonical text for {kind}")


def _escaped(text: str) -> str:
    return f"replace(replace({text}, '\\', '\\\\'), ';', '\\;')"


def _double_text(double: str) -> str:
    """The 64 bits; of all NaN and of both zeros there is one."""
    return f"CASE WHEN isnan({double}) THEN '7FF8000000000000' ELSE hex(({double} + 0.0::DOUBLE)::BIT::BLOB) END"


def _day_text(date: str) -> str:
    return f"(({date}) - DATE '1970-01-01')::VARCHAR"


def microseconds(value: str, kind: str) -> str:
    """SQL for the microseconds since 1970-01-01 of a timestamp of at most that precision; fails for an infinite one."""
    return _finite(value, f"epoch_us(({value})::TIMESTAMP)" if kind == "TIMESTAMP_MS" else f"epoch_us({value})")


def nanoseconds(value: str) -> str:
    """SQL for the nanoseconds since 1970-01-01 of a ``TIMESTAMP_NS``; fails for an infinite one."""
    return _finite(value, f"epoch_ns({value})")


def _finite(value: str, number: str) -> str:
    """*Seen*: the number of both infinities is NULL, so that they would equal each other, and NULL in a list."""
    return f"CASE WHEN isinf({value}) THEN error('an infinite time')::BIGINT ELSE {number} END"


def _decimal_text(value: str, precision: int, scale: int) -> str:
    """Without trailing zeros. *Seen*: a decimal that has no digits before the point has no ``0`` there either."""
    text = f"({value})::VARCHAR"
    if scale == 0:
        return text
    if precision == scale:
        text = f"replace({text}, '.', '0.')"
    return f"rtrim(rtrim({text}, '0'), '.')"


def as_part(text: str) -> str:
    """One part of a row or of a nested value; ``text`` is SQL that is NULL for NULL."""
    return f"coalesce('v' || {text} || ';', 'n')"


def _list_text(value: str, element: Column, depth: int) -> str:
    name = f"e{depth}"
    parts = f"list_transform({value}, lambda {name}: {as_part(canonical_text(name, element, depth + 1))})"
    return f"(len({value}) || '[' || array_to_string({parts}, ''))"


def _map_text(value: str, column: Column, depth: int) -> str:
    """Entries in the order of their encoded keys: maps are compared without order."""
    name = f"e{depth}"
    key, item = column.children
    entry = (
        f"{as_part(canonical_text(f'{name}.key', key, depth + 1))} || "
        f"{as_part(canonical_text(f'{name}.value', item, depth + 1))}"
    )
    parts = f"list_sort(list_transform(map_entries({value}), lambda {name}: {entry}))"
    return f"(cardinality({value}) || '{{' || array_to_string({parts}, ''))"


def _struct_text(value: str, column: Column, depth: int) -> str:
    """Fields by name: in the order of their names, which are part of the family and so equal on both sides."""
    order = sorted(range(len(column.children)), key=lambda i: fold_name(column.children[i].name))
    fields = [as_part(canonical_text(f"struct_extract_at({value}, {i + 1})", column.children[i], depth)) for i in order]
    return f"CASE WHEN ({value}) IS NULL THEN NULL ELSE {' || '.join(fields)} END"
