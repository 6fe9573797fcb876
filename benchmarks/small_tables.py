"""A thousand and more small tables, some of them derived from others: what open data portals and shared drives hold."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from benchmarks.truth import write_truth
from benchmarks.writing import by_duckdb, by_pyarrow, by_pyarrow_zstd

_VOCABULARY = 600
_DERIVED = 0.3
#: Tables that take the columns of one before them, with rows of their own.
_SAME_SCHEMA = 0.15
_WRITERS = (by_duckdb, by_pyarrow, by_pyarrow_zstd)
_KINDS = ("id", "integer", "price", "measure", "category", "text", "date", "flag")


def build_small_tables(lake: Path, count: int, seed: int) -> None:
    """Writes ``count`` files of 5 to 40 columns and 20 to 5,000 rows; three in ten are derived from another.

    Args:
        lake: an empty directory.
        count: of files.
        seed: of everything.
    """
    rng = np.random.default_rng(seed)
    kinds = rng.choice(_KINDS, _VOCABULARY)
    tables: list[pa.Table] = []
    for number in range(count):
        draw = rng.random()
        if tables and draw < _DERIVED:
            table = _derived(rng, tables[int(rng.integers(len(tables)))])
        else:
            again = tables and draw < _DERIVED + _SAME_SCHEMA
            names = tables[int(rng.integers(len(tables)))].column_names if again else _names(rng)
            table = _table(rng, names, kinds)
        tables.append(table)
        folder = lake / f"source_{number % 24:02}"
        folder.mkdir(exist_ok=True)
        _WRITERS[int(rng.integers(len(_WRITERS)))](folder / f"table_{number:05}.parquet", table)
    write_truth(lake.parent)


def _names(rng: np.random.Generator) -> list[str]:
    """Column names, few of them frequent (Zipf)."""
    chances = 1 / np.arange(1, _VOCABULARY + 1) ** 0.9
    chosen = rng.choice(_VOCABULARY, int(rng.integers(5, 41)), replace=False, p=chances / chances.sum())
    return [f"column_{i}" for i in chosen]


def _table(rng: np.random.Generator, names: list[str], kinds: np.ndarray[tuple[int], np.dtype[np.str_]]) -> pa.Table:
    rows = int(np.exp(rng.uniform(np.log(20), np.log(5000))))
    return pa.table({name: _column(rng, str(kinds[int(name.removeprefix("column_"))]), rows) for name in names})


def _column(rng: np.random.Generator, kind: str, rows: int) -> pa.Array:
    nulls = rng.random(rows) < (0.1 if rng.random() < 0.3 else 0.0)
    if kind == "id":
        return pa.array(rng.permutation(rows) + int(rng.integers(1_000)))
    if kind == "integer":
        return pa.array(rng.integers(0, 10 ** int(rng.integers(1, 6)), rows), mask=nulls)
    if kind == "price":
        return pa.array(np.round(rng.gamma(2, 30, rows), 2), mask=nulls)
    if kind == "measure":
        return pa.array(rng.normal(0, 1, rows), mask=nulls)
    if kind == "date":
        return pa.array(rng.integers(15_000, 20_000, rows).astype(np.int32), pa.int32(), mask=nulls).cast(pa.date32())
    if kind == "flag":
        return pa.array(rng.random(rows) < 0.4, mask=nulls)
    values = int(rng.integers(3, 20)) if kind == "category" else max(20, rows // 2)
    words = np.array([f"{kind} {i:x}" for i in rng.integers(0, 1 << 20, values)])
    return pa.array(rng.choice(words, rows), mask=nulls)


def _derived(rng: np.random.Generator, table: pa.Table) -> pa.Table:
    """A copy, some rows, some columns, both, random rows, or one of these with a cell or a row that does not fit."""
    result = table.take(rng.permutation(table.num_rows))
    operation = int(rng.integers(7))
    if operation in (1, 3) and result.num_rows > 40:
        result = result.slice(0, int(rng.integers(20, result.num_rows)))
    if operation in (2, 3) and result.num_columns > 5:
        kept = rng.choice(result.num_columns, int(rng.integers(5, result.num_columns)), replace=False)
        result = result.select([result.column_names[i] for i in sorted(kept)])
    if operation == 4:
        result = result.sort_by(result.column_names[0]).slice(0, max(20, result.num_rows // 3))
    if operation == 5:
        result = _swapped(rng, result)
    if operation == 6:
        result = pa.concat_tables([result, result.slice(0, 1)])
    return result


def _swapped(rng: np.random.Generator, table: pa.Table) -> pa.Table:
    """Two cells of a column change places: all statistics stay."""
    name = table.column_names[int(rng.integers(table.num_columns))]
    order = np.arange(table.num_rows)
    order[[0, 1]] = order[[1, 0]]
    return table.set_column(table.column_names.index(name), name, table[name].take(order))
