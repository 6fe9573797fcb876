"""Row hashes of small files that are held as arrays: what ``scan_sql`` says of them, planned once for all of them.

The distinct texts of all columns that are compared as one family are hashed by one query, and the hashes of rows are
mixed from theirs by one query for each number of columns. *Seen*: a query for each of 26 files took 50 ms each, 27 of
them for each column of numbers; together they take as long as three.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from r2d2.containment.hashing import canonical, hashed_leaves, row_halves
from r2d2.containment.sketch import Hashes
from r2d2.lake.layout import Column, Reader, leaf_columns
from r2d2.model.dataset import LeafPath
from r2d2.model.edge import Projection
from r2d2.model.names import fold

Rows = tuple[Hashes, Hashes]


@dataclass(frozen=True)
class _Values:
    """A column by its distinct values, NULL among them: the values, and the place of each row's among them."""

    column: Column
    distinct: pa.Array
    places: npt.NDArray[np.int64]


class ArrayFile:
    """A small file whose leaves are columns of their own."""

    def __init__(self, table: pa.Table, reader: Reader, case_sensitive: bool) -> None:
        self._table, self._found = table, dict[LeafPath, _Values]()
        self._leaves = {fold(leaf.path, case_sensitive): leaf for leaf in leaf_columns(reader)}

    def values(self, path: LeafPath) -> _Values:
        """The values of a leaf.

        Raises:
            KeyError: the file has none of that path.
        """
        if path not in self._found:
            leaf = self._leaves[path]
            self._found[path] = _Values(leaf.column, *_distinct(self._table.column(leaf.positions[0])))
        return self._found[path]


def _distinct(column: pa.ChunkedArray) -> tuple[pa.Array, npt.NDArray[np.int64]]:
    if pa.types.is_dictionary(column.type):  # its NULLs have no place among the values
        whole = column.unify_dictionaries().combine_chunks()
        values = pa.concat_arrays([whole.dictionary, pa.nulls(1, whole.dictionary.type)])
        places = pc.fill_null(whole.indices, len(whole.dictionary))
    else:
        whole = pc.dictionary_encode(column.combine_chunks(), null_encoding="encode")
        values, places = whole.dictionary, whole.indices
    return values, places.to_numpy().astype(np.int64)


def hashed_files(con: duckdb.DuckDBPyConnection, asked: Sequence[tuple[ArrayFile, Projection]]) -> list[Rows]:
    """The halves of the hash of each row, in order, for each file and projection.

    Raises:
        KeyError: a file lacks a leaf of the projection.
        duckdb.Error: a value does not convert to its family.
    """
    leaves = _hashed_leaves(con, asked)
    found: dict[int, Rows] = {}
    by_width: dict[int, list[int]] = defaultdict(list)
    for number, (_, projection) in enumerate(asked):
        by_width[len(projection)].append(number)
    for numbers in by_width.values():
        of_rows = [[leaves[id(asked[n][0]), *leaf] for leaf in asked[n][1]] for n in numbers]
        columns = [tuple(map(np.concatenate, zip(*column, strict=True))) for column in zip(*of_rows, strict=True)]
        low, high = _hashed_rows(con, columns)
        ends = np.cumsum([len(leaves_of_file[0][0]) for leaves_of_file in of_rows])[:-1]
        found |= dict(zip(numbers, zip(np.split(low, ends), np.split(high, ends), strict=True), strict=True))
    return [found[number] for number in range(len(asked))]


#: File, path and family of a leaf.
_Leaf = tuple[int, LeafPath, str]


def _hashed_leaves(
    con: duckdb.DuckDBPyConnection, asked: Sequence[tuple[ArrayFile, Projection]]
) -> Mapping[_Leaf, Rows]:
    """The halves of each leaf's hash, for each row."""
    alike: dict[tuple[str, str, str], dict[_Leaf, _Values]] = defaultdict(dict)
    for file, projection in asked:
        for path, family in projection:
            values = file.values(path)
            alike[values.column.kind, values.column.null_token, family][id(file), path, family] = values
    found: dict[_Leaf, Rows] = {}
    for (_, _, family), members in alike.items():
        distinct = [values.distinct for values in members.values()]
        low, high = _hashed_values(con, next(iter(members.values())).column, family, distinct)
        start = 0
        for leaf, values in members.items():
            found[leaf] = low[start + values.places], high[start + values.places]
            start += len(values.distinct)
    return found


def _hashed_values(con: duckdb.DuckDBPyConnection, column: Column, family: str, values: Sequence[pa.Array]) -> Rows:
    stacked = pa.chunked_array(values)
    with _registered(con, {"x": stacked, "i": np.arange(len(stacked))}) as table:
        return _halves(con, hashed_leaves([canonical("x", column, family)], {"i": "i"}, table), "l0", "k0")


def _hashed_rows(con: duckdb.DuckDBPyConnection, columns: Sequence[Sequence[Hashes]]) -> Rows:
    """The halves of rows from those of their leaves."""
    held = {f"{name}{i}": half for i, halves in enumerate(columns) for name, half in zip("lk", halves, strict=True)}
    low, high = row_halves([(f"l{i}", f"k{i}") for i in range(len(columns))])
    with _registered(con, {**held, "i": np.arange(len(columns[0][0]))}) as table:
        return _halves(con, f"SELECT {low} AS lo, {high} AS hi, i FROM {table}", "lo", "hi")


def _halves(con: duckdb.DuckDBPyConnection, query: str, low: str, high: str) -> Rows:
    """Two columns of a query's result in the order of its column ``i``, which holds 0, 1, ... in any order."""
    found = con.sql(query).to_arrow_table()
    order = found["i"].to_numpy()
    halves = np.empty(len(order), np.uint64), np.empty(len(order), np.uint64)
    for name, half in zip((low, high), halves, strict=True):
        half[order] = found[name].to_numpy()
    return halves


@contextmanager
def _registered(con: duckdb.DuckDBPyConnection, columns: Mapping[str, object]) -> Iterator[str]:
    name = f"arrays_{uuid.uuid4().hex}"
    con.register(name, pa.table(columns))
    try:
        yield name
    finally:
        con.unregister(name)
