"""The rows of the parent that a recipe names, as the child's columns: what a rebuild writes (DELETION 3).

A rebuild opens the parent's files that a unit needs (``needed_files``) by ``opened``, and writes what ``selected``
gives. Both run in tasks: nothing but the recipe is needed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb
import pyarrow as pa

from r2d2.containment.encoding import encoded
from r2d2.containment.scan import Connect, Task, open_sources, task_connection
from r2d2.containment.scan_sql import Source, text_sql
from r2d2.lake.layout import Column, Reader
from r2d2.lake.relation import batches
from r2d2.model.dataset import DataFile
from r2d2.model.names import fold
from r2d2.model.recipe import Recipe, RecipeKind, units
from r2d2.recovery.recipes import predicate as predicates
from r2d2.recovery.recipes.predicate import Listed, Predicate
from r2d2.recovery.recipes.pruning import holding
from r2d2.recovery.recipes.row_places import listed_sources
from r2d2.recovery.recipes.shaping import child_columns

#: Rows of a batch.
BATCH = 1 << 16


def selected(
    con: duckdb.DuckDBPyConnection, sources: list[Source], recipe: Recipe, unit: int
) -> Iterator[pa.RecordBatch]:
    """The rows of one unit (``model.recipe.units``), each as ``c0 .. cN``: the columns of its reader, in that order.

    Columns are of the parent's types, batches of different readers of the parent may differ in them; they are equal to
    the child's values and need a cast. Fields of structs are told by their position, their names mean nothing; only
    those in lists for a JSON column have the names that the parent gives them. For a text child: the parent's typed
    value, or text where the parent is text. A text for a CSV column is the content of the field, one for a JSON column
    is the JSON text of the value, its quotes included. Partition columns of the child don't appear: they choose the
    unit.

    Args:
        con, sources: as ``opened`` gives them.
    """
    reader = _reader(recipe, unit)
    predicate = (*predicates.from_json(recipe.predicate), *unit_conditions(con, recipe, unit))
    for part in sources:
        columns = child_columns(part, reader, recipe.projection, recipe.parent.case_sensitive)
        named = ", ".join(f"{sql} AS c{i}" for i, sql in enumerate(columns))
        where = predicates.predicate_sql(part, predicate)
        yield from batches(con, f"SELECT {named} FROM {part.table} WHERE {where}", BATCH)


@contextmanager
def opened(
    task: Task, connect: Connect, recipe: Recipe, unit: int
) -> Iterator[tuple[duckdb.DuckDBPyConnection, list[Source]]]:
    """The files of a task row (fields as of ``containment.scan.TASKS``), some of ``needed_files``, as sources.

    Raises:
        UnreadableData: a file is not what it was when it was listed, before the scan or after it.
    """
    if recipe.kind is RecipeKind.ROWS:
        held = {recipe.parent.files[index]: text for index, text in recipe.rows[unit].items()}
        with listed_sources(task, connect, held) as opened_files:
            yield opened_files
    else:
        with open_sources(task, connect) as opened_files:
            yield opened_files


def needed_files(recipe: Recipe) -> list[list[DataFile]]:
    """Of each unit the parent's files that may hold rows of it."""
    files = recipe.parent.files
    if recipe.kind is RecipeKind.ROWS:
        return [[files[index] for index in sorted(unit)] for unit in recipe.rows]
    sensitive = recipe.parent.case_sensitive
    with task_connection() as connect:
        con, _ = connect("")
        keys = (unit_conditions(con, recipe, unit) for unit in range(len(units(recipe.manifest))))
        return [[files[place] for place in holding(con, files, key, sensitive)] for key in keys]


def unit_keys(recipe: Recipe) -> list[Predicate]:
    """What tells the rows of each unit; where two are equal, nothing tells them apart."""
    with task_connection() as connect:
        con, _ = connect("")
        return [unit_conditions(con, recipe, unit) for unit in range(len(units(recipe.manifest)))]


def unit_conditions(con: duckdb.DuckDBPyConnection, recipe: Recipe, unit: int) -> Predicate:
    """Which rows are of a unit, where there are several and the rows are not listed: its partition values."""
    groups = units(recipe.manifest)
    if recipe.kind is RecipeKind.ROWS or len(groups) < 2:
        return ()
    families = dict(recipe.projection)
    found = []
    for name, raw in recipe.manifest.files[groups[unit][0]].partition:
        path = fold((name,), recipe.parent.case_sensitive)
        query = f"SELECT {encoded(text_sql(raw), Column(name, 'TEXT'), families[path])}"
        ((text,),) = con.execute(query).fetchall()
        found.append(Listed(path, families[path], () if text is None else (text,), text is None))
    return tuple(sorted(found, key=lambda each: each.path))


def _reader(recipe: Recipe, unit: int) -> Reader:
    """How the files of a unit are read."""
    first = units(recipe.manifest)[unit][0]
    return Reader.from_json(recipe.manifest.readers[recipe.manifest.files[first].header])
