"""Rows as sets of 64-bit tokens, for the rivals that compare sets.

A bag becomes a set when each repetition of a row is a token of its own: the k-th occurrence of a row is hashed with k.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
import numpy.typing as npt

from benchmarks.inventory import Ints, Table, quoted, source

Tokens = npt.NDArray[np.uint64]
_ODD = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class Group:
    """Candidate pairs of children of one schema: everything in them is compared by that schema's columns.

    Attributes:
        names: the columns.
        parents, children: indexes of tables; ``pairs`` are the candidates among them.
    """

    names: tuple[str, ...]
    parents: tuple[int, ...]
    children: tuple[int, ...]
    pairs: frozenset[tuple[int, int]]


def groups(tables: Sequence[Table], pairs: Ints) -> Iterator[Group]:
    """Candidate pairs by the schema of the child."""
    by_schema: dict[tuple[str, ...], set[tuple[int, int]]] = defaultdict(set)
    for parent, child in pairs.tolist():
        by_schema[tuple(sorted(tables[child].columns))].add((parent, child))
    for names, found in by_schema.items():
        parents, children = {parent for parent, _ in found}, {child for _, child in found}
        yield Group(names, tuple(sorted(parents)), tuple(sorted(children)), frozenset(found))


def tokens(connection: duckdb.DuckDBPyConnection, table: Table, names: Sequence[str]) -> Tokens:
    """The distinct tokens of a table's rows under some columns, sorted; as many as it has rows."""
    columns = ", ".join(map(quoted, names))
    found = connection.execute(f"SELECT hash({columns}) AS h FROM {source(table)}").fetchnumpy()["h"]
    rows: Tokens = np.sort(np.asarray(found, np.uint64))
    first = np.concatenate(([True], rows[1:] != rows[:-1]))
    if first.all():
        return rows
    starts = np.flatnonzero(first)
    occurrence = np.arange(len(rows)) - np.repeat(starts, np.diff(np.append(starts, len(rows))))
    return np.sort(rows ^ (occurrence.astype(np.uint64) * _ODD))
