"""What a truth speaks of: that of a text lake lists only children of at least two columns and two distinct rows."""

from __future__ import annotations

from dataclasses import replace

import duckdb

from benchmarks.inventory import column_list, source
from benchmarks.staging import open_tables
from benchmarks.task import Task


def scope_of(task: Task) -> frozenset[str] | None:
    """Ids of the children that count; None where all do: every generated lake."""
    if any(task.lake.rglob("*.parquet")):
        return None
    scratch = task.scratch / "scope"
    scratch.mkdir()
    tables = open_tables(replace(task, scratch=scratch))
    with duckdb.connect() as connection:
        distinct = {
            table.id: connection.execute(
                f"SELECT count(*) FROM (SELECT DISTINCT {column_list(table)} FROM {source(table)})"
            ).fetchall()[0][0]
            for table in tables
        }
    return frozenset(table.id for table in tables if len(table.columns) > 1 and distinct[table.id] > 1)
