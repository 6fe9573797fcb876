"""The view that stands in the place of a retired table of a catalog: its rows, read from what it would be rebuilt from.

Spark evaluates it, by rules of its own: before it counts, its digest is compared with the table's.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from r2d2.errors import NotRetirable
from r2d2.lake.catalog_names import TableName, name_sql, quoted, text_literal
from r2d2.lake.file_tree import shown
from r2d2.model.dataset import BoundValue, Dataset, LeafPath
from r2d2.model.family import BINARY, BOOLEAN, DATE, FLOATING, INSTANT, NUMBER, STRING
from r2d2.model.recipe import Recipe, RecipeKind
from r2d2.recovery.catalogs.catalog_quarantine import table_of
from r2d2.recovery.context import Recovery
from r2d2.recovery.moves.places import CATALOG
from r2d2.recovery.moves.put_away import Kind, PutAway
from r2d2.recovery.recipes.predicate import Condition, Filled, Listed, Predicate, Range, from_json
from r2d2.recovery.recipes.recipes import digest_of

_KEEP = "leave no view in its place, or keep it"
_MOST_DIGITS, _MICROSECOND = 38, 1000


def view_for(recovery: Recovery, away: PutAway, recipe: Recipe, parent: Dataset) -> str:
    """The query of the view that can stand in the place of a dataset.

    Raises:
        NotRetirable: there can be none.
        LakeError: its catalog can't be asked.
    """
    if away.kind is not Kind.CATALOG:
        raise NotRetirable("only a table of a catalog can have a view in its place", "retire it without one")
    source = table_of(parent, recovery.roots)
    if not source:
        raise NotRetirable(f"{shown(parent.id)} is no table of a catalog, which a view could read", _KEEP)
    return view_sql(recipe, recovery.catalogs.columns(away.table[0]), source)


def refuse_other_rows(recovery: Recovery, child: Dataset, recipe: Recipe) -> None:
    """Raises if the view in the place of a dataset has not exactly its rows.

    Raises:
        NotRetirable: it has not, or that can't be told.
    """
    name = next(name for name in (child.id, *child.names) if name.startswith(CATALOG))
    view = recovery.look().get(name)
    if view is None or view.status != "ok":
        why = view.reason if view else "it is not found"
        raise NotRetirable(f"the view in its place can't be read exactly: {why}", _KEEP)
    if digest_of(view, recovery.settings.containment, recovery.run) != recipe.manifest.digest:
        raise NotRetirable("the view in its place has other rows", _KEEP)


def view_sql(recipe: Recipe, columns: Sequence[tuple[str, str]], parent: TableName) -> str:
    """A query on the parent that gives the child's rows.

    Args:
        columns: of the child, name and type as Spark spells them.
        parent: a table of the same session.

    Raises:
        NotRetirable: it can't be said in Spark's SQL.
    """
    if recipe.kind is RecipeKind.ROWS:
        raise NotRetirable("its rows are told by their places in the parent's files, which no view can do", _KEEP)
    if any(len(path) > 1 for path, _ in recipe.projection):
        raise NotRetirable("it has columns of structs, which no view puts together", _KEEP)
    given = ", ".join(f"CAST({quoted(name)} AS {kind}) AS {quoted(name)}" for name, kind in columns)
    where = conditions_sql(from_json(recipe.predicate))
    return f"SELECT {given} FROM {name_sql(parent)}" + (f" WHERE {where}" if where else "")


def conditions_sql(predicate: Predicate) -> str:
    """The predicate in Spark's SQL; empty for all rows.

    Raises:
        NotRetirable: it can't be said there.
    """
    return " AND ".join(f"({_condition(each)})" for each in predicate)


def _condition(condition: Condition) -> str:
    column = _column(condition.path)
    if isinstance(condition, Range):
        term = condition.term
        low, high = (_literal(term.family, value) for value in (term.low, term.high))
        inside = f"{column} >= {low} AND {column} <= {high}"  # whatever is used must be a view that runs read, too
        if term.family == FLOATING:  # for Spark NaN is larger than all
            inside = f"{inside} OR isnan({column})" if condition.nan else f"{inside} AND NOT isnan({column})"
        return f"{inside} OR {column} IS NULL" if term.nulls else inside
    if isinstance(condition, Filled):
        return f"{column} IS NOT NULL"
    return _listed(condition, column)


def _listed(condition: Listed, column: str) -> str:
    values = ", ".join(_literal(condition.family, _value(condition.family, text)) for text in condition.values)
    parts = [f"{column} IN ({values})"] if values else []
    parts += [f"{column} IS NULL"] if condition.nulls else []
    return " OR ".join(parts) or "false"


def _column(path: LeafPath) -> str:
    if len(path) > 1:
        raise NotRetirable("its rows are told by a field of a struct, which no view does", _KEEP)
    return quoted(path[0])


def _literal(family: str, value: BoundValue) -> str:
    made = _LITERALS[family](value) if family in _LITERALS else None
    if made is None:
        raise NotRetirable(f"its rows are told by a value of the family {family}, which no view spells exactly", _KEEP)
    return made


def _number(value: object) -> str | None:
    number = Decimal(str(value))
    text = f"{number:f}"
    digits = sum(letter.isdigit() for letter in text)
    return f"{text}BD" if digits <= _MOST_DIGITS else None


def _moment(value: object) -> str | None:
    micros, rest = divmod(int(str(value)), _MICROSECOND)
    try:
        moment = datetime(1970, 1, 1) + timedelta(microseconds=micros)  # spelled as UTC below
    except OverflowError:
        return None
    return None if rest else f"TIMESTAMP'{moment.isoformat(sep=' ')}Z'"


_LITERALS: Mapping[str, Callable[[object], str | None]] = {
    NUMBER: _number,
    FLOATING: lambda value: f"CAST('{float(str(value))!r}' AS DOUBLE)",
    BOOLEAN: lambda value: str(value).lower(),
    DATE: lambda value: f"DATE_ADD(DATE'1970-01-01', {int(str(value))})",
    INSTANT: _moment,
    STRING: lambda value: text_literal(str(value)),
    BINARY: lambda value: f"X'{value}'",
}


def _value(family: str, text: str) -> BoundValue:
    """What a canonical text (docs/encoding.md) stands for."""
    if family == FLOATING:
        (number,) = struct.unpack(">d", bytes.fromhex(text))
        return float(number)
    return _unescaped(text) if family == STRING else text


def _unescaped(text: str) -> str:
    parts = text.split("\\\\")
    return "\\".join(part.replace("\\;", ";") for part in parts)
