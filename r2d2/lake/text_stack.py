"""Text columns stacked into one: rows of ``p``, the column's position, ``x``, a text, and ``n``, how often it is there.

Columns that are held as Arrow arrays are stacked by their distinct texts, those of many small files together: of the
files of a real lake a fifth of the values were distinct, and one query for 60 files costs what one for each does.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa

#: So many rows of a table, or distinct texts of an array, are looked at first.
_FIRST_ROWS, _FIRST_TEXTS = 1000, 50

#: SQL of the rows of a stack that are of some positions.
Rows = Callable[[Sequence[int]], str]


@dataclass(frozen=True)
class Stack:
    """Stacked columns of one kind.

    Attributes:
        con: the connection that knows the tables in the SQL.
        kind: ``TEXT`` or ``JSON``.
        rows: SQL of all rows of the columns at given positions.
        first: SQL of the first rows of each.
    """

    con: duckdb.DuckDBPyConnection
    kind: str
    rows: Rows
    first: Rows

    def without(self, token: str) -> Stack:
        """The stack with NULL for ``token``, one of ``text_views.NULL_TOKENS``."""

        def rows(positions: Sequence[int]) -> str:
            return f"(SELECT p, nullif(x, '{token}') AS x, n FROM {self.rows(positions)})"

        def first(positions: Sequence[int]) -> str:
            return f"(SELECT p, nullif(x, '{token}') AS x, n FROM {self.first(positions)})"

        return Stack(self.con, self.kind, rows, first)


def stacked_table(con: duckdb.DuckDBPyConnection, kind: str, table: str) -> Stack:
    """The columns ``c0 .. cN``, all VARCHAR, of an SQL table expression, which is scanned by each query."""

    def columns(positions: Sequence[int]) -> str:
        return ", ".join(f"c{p}" for p in positions)

    def stacked(positions: Sequence[int], source: str) -> str:
        return f"(SELECT unnest({list(positions)}) AS p, unnest([{columns(positions)}]) AS x, 1 AS n FROM {source})"

    def first(positions: Sequence[int]) -> str:
        return stacked(positions, f"(SELECT {columns(positions)} FROM {table} LIMIT {_FIRST_ROWS})")

    return Stack(con, kind, lambda positions: stacked(positions, table), first)


@contextmanager
def stacked_arrays(con: duckdb.DuckDBPyConnection, kind: str, columns: Sequence[pa.ChunkedArray]) -> Iterator[Stack]:
    """Arrays of strings, the first at position 0; the stack can be read while the context lasts."""
    counts = [column.value_counts() for column in columns]
    with (
        _table(con, counts) as all_rows,
        _table(con, [texts.slice(0, _FIRST_TEXTS) for texts in counts]) as first_rows,
    ):
        yield Stack(con, kind, lambda p: _at(all_rows, p, len(columns)), lambda p: _at(first_rows, p, len(columns)))


def _at(table: str, positions: Sequence[int], columns: int) -> str:
    if len(positions) == columns:
        return table
    listed = ", ".join(map(str, positions)) or "NULL"
    return f"(SELECT p, x, n FROM {table} WHERE p IN ({listed}))"


@contextmanager
def _table(con: duckdb.DuckDBPyConnection, counts: Sequence[pa.StructArray]) -> Iterator[str]:
    name = f"stack_{uuid.uuid4().hex}"
    positions = np.repeat(np.arange(len(counts), dtype=np.int32), [len(texts) for texts in counts])
    texts, numbers = (
        pa.chunked_array([c.field(i) for c in counts], t) for i, t in enumerate((pa.string(), pa.int64()))
    )
    con.register(name, pa.table({"p": positions, "x": texts, "n": numbers}))
    con.execute(f"CREATE TEMP TABLE {name}_t AS SELECT p, x, n FROM {name}").fetchall()
    con.unregister(name)
    try:
        yield f"{name}_t"
    finally:
        con.execute(f"DROP TABLE {name}_t").fetchall()
