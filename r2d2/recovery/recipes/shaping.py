"""The child's columns from the parent's leaves, as SQL on a source: structs put together, texts read exactly.

Values stay of the parent's type; a struct's fields stand in the child's order, under names of our own. A text for a
typed column becomes a value of the column's kind, and the scan fails where it is none (EXACTNESS 4).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from r2d2.containment.encoding import canonical_text
from r2d2.containment.scan_sql import Source, value_of
from r2d2.errors import UnsupportedData
from r2d2.lake import text_views
from r2d2.lake.layout import Column, Reader
from r2d2.model.dataset import LeafPath
from r2d2.model.edge import Projection
from r2d2.model.family import BOOLEAN, FLOATING, INSTANT, JSON, NUMBER, PRESENCE, STRING, TIMESTAMP, is_nested
from r2d2.model.names import fold, fold_name

_TEXTS = ("TEXT", "JSON")


def child_columns(part: Source, child: Reader, projection: Projection, case_sensitive: bool) -> list[str]:
    """SQL on the source for each column of the child's reader, in its order.

    Raises:
        UnsupportedData: a text can't be given back as the child has it.
    """
    shape = _Shape(part, dict(projection), case_sensitive)
    return [shape.column(column, column.path or (column.name,)) for column in child.columns]


@dataclass(frozen=True)
class _Shape:
    part: Source
    families: Mapping[LeafPath, str]
    case_sensitive: bool

    def column(self, column: Column, path: LeafPath) -> str:
        folded = fold(path, self.case_sensitive)
        if folded not in self.families:
            raise UnsupportedData("its files hold a column that the table has dropped, which no recipe gives back")
        if column.presence:
            return self._presence(folded)
        if column.kind == "STRUCT":
            fields = [self.column(child, (*path, child.name)) for child in column.children]
            return f"CASE WHEN {self._presence(folded)} THEN {_struct(fields)} END"
        family = self.families[folded]
        found = value_of(self.part, folded, family)
        return _given(*found, column, family) if found else f"NULL::{_sql_type(column)}"

    def _presence(self, path: LeafPath) -> str:
        found = value_of(self.part, path, PRESENCE)
        assert found is not None, "every source says of a presence leaf whether it is there"
        value, held = found
        return f"({value}) IS NOT NULL" if held.kind == "STRUCT" else value


def _struct(fields: list[str]) -> str:
    return f"struct_pack({', '.join(f'f{i} := {field}' for i, field in enumerate(fields))})"


def _given(value: str, held: Column, column: Column, family: str) -> str:
    """A leaf's value for the child's column, from the column that the parent holds it in."""
    if held.kind not in _TEXTS:
        in_json = column.kind == "JSON" and held.kind == "VARCHAR"
        return f"to_json({value})::VARCHAR" if in_json else _conformed(value, held, column)
    if column.kind == held.kind:
        return text_views.present(value, held, family)
    if is_nested(family) or family == JSON:
        raise UnsupportedData(f"column {column.name} holds JSON, and comes back from JSON only")
    if column.kind in _TEXTS:
        return _other_text(text_views.present(value, held, family), held.kind, family)
    return _typed(value, held, column, family)


def _other_text(x: str, kind: str, family: str) -> str:
    """A CSV field as the JSON text of its value, or the other way round."""
    if kind == "JSON":
        return text_views.converted(x, kind, family if family in (BOOLEAN, NUMBER) else STRING)
    if family == BOOLEAN:
        return f"lower({x})"
    return text_views.converted(x, kind, NUMBER) if family in (NUMBER, FLOATING) else f"to_json({x})::VARCHAR"


def _typed(value: str, held: Column, column: Column, family: str) -> str:
    """A text as a value of the child's kind, which is what it denotes or an error."""
    exact = text_views.exact(value, held, family)
    if family == FLOATING:  # what is exact by value has no -0.0
        present = text_views.present(value, held, family)
        return f"CASE WHEN ({exact}) IS NOT NULL THEN TRY_CAST({present} AS DOUBLE) END"
    if family == NUMBER:
        cast = f"TRY_CAST({exact} AS {column.kind})"
        return _checked(cast, exact, canonical_text(cast, column), column.kind)
    if family in (TIMESTAMP, INSTANT):
        return _moment(exact, column.kind)
    return exact


def _moment(nanoseconds: str, kind: str) -> str:
    if kind == "TIMESTAMP_NS":
        return f"make_timestamp_ns(({nanoseconds})::BIGINT)"
    moment = f"make_timestamp((({nanoseconds}) // 1000)::BIGINT)"
    zoned = f"({moment} AT TIME ZONE 'UTC')" if kind in ("TIMESTAMPTZ", "INT96") else moment
    return _checked(zoned, f"(({nanoseconds}) % 1000)", "0", "TIMESTAMPTZ" if zoned != moment else "TIMESTAMP")


def _checked(value: str, given: str, expected: str, kind: str) -> str:
    """The value where two other values are equal, NULL for NULL, else an error."""
    return (
        f"CASE WHEN ({given}) IS NULL THEN NULL WHEN coalesce(({given}) = ({expected}), false) THEN {value} "
        f"ELSE error('a text is no {kind}')::{kind} END"
    )


def _conformed(value: str, held: Column, column: Column, depth: int = 0) -> str:
    """A typed value with the fields of its structs in the child's order; for a text column as it is."""
    if held.kind == "INT96":
        return f"(({value}) AT TIME ZONE 'UTC')"
    if column.kind in _TEXTS or _is_alike(held, column):
        return value
    name = f"v{depth}"
    if held.kind == "LIST":
        inner = _conformed(name, held.children[0], column.children[0], depth + 1)
        return f"list_transform({value}, lambda {name}: {inner})"
    if held.kind == "MAP":
        sides = zip(("key", "value"), held.children, column.children, strict=True)
        entry = _struct([_conformed(f"{name}.{side}", mine, theirs, depth + 1) for side, mine, theirs in sides])
        return f"map_from_entries(list_transform(map_entries({value}), lambda {name}: {entry}))"
    places = {fold_name(child.name): (place, child) for place, child in enumerate(held.children, 1)}
    fields = []
    for child in column.children:
        place, other = places[fold_name(child.name)]
        fields.append(_conformed(f"struct_extract_at({value}, {place})", other, child, depth))
    return f"CASE WHEN ({value}) IS NOT NULL THEN {_struct(fields)} END"


def _is_alike(held: Column, column: Column) -> bool:
    """Whether nothing in a value of one has to be moved for the other."""
    if held.kind == "INT96":
        return False
    if held.kind == "STRUCT" and [fold_name(c.name) for c in held.children] != [
        fold_name(c.name) for c in column.children
    ]:
        return False
    return all(map(_is_alike, held.children, column.children))


def _sql_type(column: Column) -> str:
    """The DuckDB type of a column's values."""
    if column.kind == "LIST":
        return f"{_sql_type(column.children[0])}[]"
    if column.kind == "MAP":
        return f"MAP({', '.join(map(_sql_type, column.children))})"
    if column.kind == "STRUCT":
        return f"STRUCT({', '.join(f'f{i} {_sql_type(child)}' for i, child in enumerate(column.children))})"
    return {"INT96": "TIMESTAMPTZ", "TEXT": "VARCHAR", "JSON": "VARCHAR"}.get(column.kind, column.kind)
