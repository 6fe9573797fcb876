"""Datasets whose sizes follow Zipf's law: few hold most of the bytes, and most of what can be saved."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from benchmarks.truth import write_truth
from benchmarks.writing import Writer

_LARGEST, _SMALLEST, _EXPONENT = 2_000_000, 200, 1.3


def build_zipf(lake: Path, families: int, seed: int) -> None:
    """Writes ``families`` tables, table k of 1/k^1.3 of the largest one's rows, and up to three derivations of each.

    Args:
        lake: an empty directory.
        families: number of tables, each with a schema of its own.
        seed: of everything.
    """
    rng = np.random.default_rng(seed)
    writer = Writer(lake, rng)
    largest = _LARGEST if families >= 50 else _LARGEST // 40
    for rank in rng.permutation(families).tolist():
        rows = max(_SMALLEST, int(largest / (rank + 1) ** _EXPONENT))
        table = _table(rng, rank, rows)
        writer.write(f"events_{rank:03}", table)
        for number, operation in enumerate(rng.choice(4, int(rng.integers(0, 4)), replace=False).tolist()):
            writer.write(f"events_{rank:03}_{number}", _derived(rng, table, operation))
    write_truth(lake.parent)


def _table(rng: np.random.Generator, rank: int, rows: int) -> pa.Table:
    return pa.table(
        {
            f"event_{rank}": np.arange(rows, dtype=np.int64),
            "user": rng.integers(0, max(10, rows // 20), rows),
            "at": pa.array(np.sort(rng.integers(1_700_000_000, 1_730_000_000, rows)) * 1_000_000, pa.timestamp("us")),
            "kind": pa.array(rng.choice(["view", "click", "buy", "leave"], rows)),
            "value": np.round(rng.normal(100, 15, rows), 3),
        }
    )


def _derived(rng: np.random.Generator, table: pa.Table, operation: int) -> pa.Table:
    """A copy in another order, a range, random rows, or a copy with one cell changed."""
    rows = table.num_rows
    if operation == 0:
        return table.take(rng.permutation(rows))
    if operation == 1:
        start = int(rng.integers(rows // 2))
        return table.slice(start, rows // 2)
    if operation == 2:
        return table.filter(pa.array(rng.random(rows) < 0.3))
    values = table["value"].to_numpy().copy()
    values[int(rng.integers(rows))] = 100.0005
    return table.set_column(table.column_names.index("value"), "value", pa.array(values))
