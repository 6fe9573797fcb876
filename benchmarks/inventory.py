"""What a lake holds, from Parquet footers: what every rival starts from, and no code of r2d2's.

A dataset is a Parquet file, or a directory of ``part-*.parquet`` files. Text is turned into Parquet first
(``benchmarks.staging``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

#: Parquet writers cut longer bounds of strings, and pyarrow does not say whether one was cut.
_SURE_STRING = 64
#: Pairs compared at once.
_BLOCK = 1 << 24
_LOWEST, _HIGHEST = -1, np.iinfo(np.int64).max

Ints = npt.NDArray[np.int64]
#: (name, Arrow type) of each column.
Schema = frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Column:
    """A column: its Arrow type, null count and bounds (None where a file does not say them)."""

    type: str
    nulls: int | None
    low: Any = None
    high: Any = None


@dataclass(frozen=True)
class Table:
    """A dataset: id (path below the lake), files, columns in their order, rows and bytes of the files."""

    id: str
    files: tuple[str, ...]
    columns: dict[str, Column]
    rows: int
    bytes: int

    @property
    def schema(self) -> Schema:
        """What has to be in a parent's schema."""
        return frozenset((name, column.type) for name, column in self.columns.items())


def read_tables(lake: Path, threads: int) -> list[Table]:
    """All datasets below ``lake`` that hold rows, by id."""
    grouped: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(lake.rglob("*.parquet")):
        owner = path.parent if path.name.startswith("part-") else path
        grouped[str(owner.relative_to(lake))].append(path)
    with ThreadPoolExecutor(threads) as pool:
        tables = pool.map(_table, grouped, grouped.values())
        return [table for table in tables if table.rows]


def _table(name: str, paths: Sequence[Path]) -> Table:
    footers = [pq.read_metadata(path) for path in paths]
    schema = footers[0].schema.to_arrow_schema()
    columns = {field.name: _column(footers, position, field.type) for position, field in enumerate(schema)}
    rows = sum(footer.num_rows for footer in footers)
    return Table(name, tuple(map(str, paths)), columns, rows, sum(path.stat().st_size for path in paths))


def _column(footers: Sequence[pq.FileMetaData], position: int, kind: pa.DataType) -> Column:
    """One column over all row groups. The lakes have flat columns only, so positions are those of the schema."""
    chunks = [f.row_group(g).column(position).statistics for f in footers for g in range(f.num_row_groups)]
    if any(chunk is None or not chunk.has_null_count for chunk in chunks):
        return Column(str(kind), None)
    nulls = sum(chunk.null_count for chunk in chunks)
    filled = [chunk for chunk in chunks if chunk.num_values > 0]
    if not filled or not all(chunk.has_min_max for chunk in filled):
        return Column(str(kind), nulls)
    low, high = min(chunk.min for chunk in filled), max(chunk.max for chunk in filled)
    if isinstance(low, str) and max(len(low.encode()), len(high.encode())) >= _SURE_STRING:
        return Column(str(kind), nulls)
    return Column(str(kind), nulls, low, high)


def candidate_pairs(tables: Sequence[Table]) -> Ints:
    """(parent, child) of every pair whose schema, row counts, null counts and bounds fit; shape (n, 2)."""
    classes: dict[Schema, list[int]] = defaultdict(list)
    for index, table in enumerate(tables):
        classes[table.schema].append(index)
    blocks = [
        block
        for child, children in classes.items()
        for parent, parents in classes.items()
        if child <= parent
        for block in _fitting(tables, np.asarray(parents), np.asarray(children), sorted(name for name, _ in child))
    ]
    return np.concatenate(blocks) if blocks else np.empty((0, 2), np.int64)


def fitting_pairs(tables: Sequence[Table], edges: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Those of ``edges`` (parent, child) that row counts, null counts and bounds leave."""
    wanted = set(edges)
    return [pair for pair in map(tuple, candidate_pairs(tables).tolist()) if pair in wanted]


def _fitting(tables: Sequence[Table], parents: Ints, children: Ints, names: Sequence[str]) -> Iterator[Ints]:
    limits = list(_limits(tables, parents, children, names))
    step = max(1, _BLOCK // len(children))
    for start in range(0, len(parents), step):
        part = slice(start, start + step)
        fits = parents[part, None] != children[None, :]
        for less, more in limits:
            fits &= less[part, None] <= more[None, :]
        rows, columns = np.nonzero(fits)
        yield np.stack([parents[part][rows], children[columns]], axis=1)


def _limits(
    tables: Sequence[Table], parents: Ints, children: Ints, names: Sequence[str]
) -> Iterator[tuple[Ints, Ints]]:
    """Pairs of arrays (of parents, of children) of which the first must not exceed the second."""
    yield _counts([-tables[i].rows for i in parents]), _counts([-tables[i].rows for i in children])
    for name in names:
        theirs, mine = [tables[i].columns[name] for i in parents], [tables[i].columns[name] for i in children]
        known = [c.nulls for c in theirs], [c.nulls for c in mine]
        yield (
            _counts([_LOWEST * _HIGHEST if n is None else -n for n in known[0]]),
            _counts([0 if n is None else -n for n in known[1]]),
        )
        values = {v for c in (*theirs, *mine) for v in (c.low, c.high) if v is not None}
        rank = {value: position for position, value in enumerate(sorted(values))}
        yield (
            _counts([_LOWEST if c.low is None else rank[c.low] for c in theirs]),
            _counts([_HIGHEST if c.low is None else rank[c.low] for c in mine]),
        )
        yield (
            _counts([-_HIGHEST if c.high is None else -rank[c.high] for c in theirs]),
            _counts([1 if c.high is None else -rank[c.high] for c in mine]),
        )


def _counts(values: Sequence[int]) -> Ints:
    return np.asarray(values, np.int64)


def quoted(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def source(table: Table) -> str:
    """The dataset in DuckDB's SQL. Lakes of benchmarks have no glob characters in their names."""
    files = ", ".join("'" + file.replace("'", "''") + "'" for file in table.files)
    return f"read_parquet([{files}], hive_partitioning=false)"


def column_list(table: Table) -> str:
    """The columns of a dataset, in the order of their names, for both sides of a comparison."""
    return ", ".join(quoted(name) for name in sorted(table.columns))
