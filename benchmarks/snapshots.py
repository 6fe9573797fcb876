"""Ten thousand small datasets of one schema: chains of snapshots, and near misses beside them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

FAMILIES = 20
#: Of a family's datasets this share is its chain; the others are copies of snapshots with one cell changed.
_CHAIN = 0.8
_FIRST_ROWS = 500
_CATEGORIES = ("new", "paid", "packed", "sent", "returned", "lost")


def build_snapshots(lake: Path, datasets: int, seed: int) -> None:
    """Writes ``datasets`` files of some 700 rows each, in 20 families, and the truth beside them as chains.

    Each snapshot holds the one before it and a few rows more. A near miss is a copy of a snapshot in which one cell of
    a row that all snapshots hold is changed, within the bounds, to a value that no other dataset has: it is in none,
    and none is in it. 10,000 datasets: 8,000 snapshots, 1,596,000 pairs.

    Args:
        lake: an empty directory.
        datasets: a multiple of 100.
        seed: of everything.
    """
    rng = np.random.default_rng(seed)
    each = datasets // FAMILIES
    length = round(each * _CHAIN)
    step = max(1, 400 // length)
    chains = []
    for family in range(FAMILIES):
        rows = _rows(rng, _FIRST_ROWS + step * length)
        folder = lake / f"shop_{family:02}"
        folder.mkdir()
        chain = []
        for number in range(length):
            name = f"orders_{number:04}.parquet"
            _write(folder / name, rows.slice(0, _FIRST_ROWS + step * number), rng)
            chain.append(f"{folder.name}/{name}")
        for number in range(each - length):
            size = _FIRST_ROWS + step * int(rng.integers(1, length))
            _write(folder / f"fixed_{number:04}.parquet", _changed(rows.slice(0, size), number, rng), rng)
        chains.append(chain)
    content = {
        "meaning": "each dataset of a chain holds all that stand before it; nothing else holds",
        "chains": chains,
    }
    (lake.parent / "truth.json").write_text(json.dumps(content), encoding="utf-8")


def _rows(rng: np.random.Generator, count: int) -> pa.Table:
    """Orders of one shop; ids and times of all shops lie in one range, so that bounds tell little."""
    return pa.table(
        {
            "order_id": rng.choice(10_000_000, count, replace=False).astype(np.int64),
            "ordered_at": pa.array(rng.integers(1_700_000_000, 1_730_000_000, count) * 1_000_000, pa.timestamp("us")),
            "customer": rng.integers(1, 200_000, count),
            "status": pa.array(rng.choice(_CATEGORIES, count)),
            "quantity": rng.integers(1, 50, count).astype(np.int32),
            "amount": np.round(rng.gamma(2.0, 40.0, count), 2),
        }
    )


def _changed(rows: pa.Table, number: int, rng: np.random.Generator) -> pa.Table:
    """One amount of the first snapshot's rows becomes one of its own."""
    amounts = rows["amount"].to_numpy().copy()
    amounts[int(rng.integers(_FIRST_ROWS))] = amounts.min() + 0.001 + number / 1_000_000
    return rows.set_column(rows.column_names.index("amount"), "amount", pa.array(amounts))


def _write(path: Path, rows: pa.Table, rng: np.random.Generator) -> None:
    """Rows in an order of their own."""
    pq.write_table(rows.take(rng.permutation(rows.num_rows)), path)
