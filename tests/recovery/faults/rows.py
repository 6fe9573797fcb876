"""The rows of a small lake, read by others than r2d2."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from deltalake import DeltaTable

from tests.recovery.faults.small_worlds import CHILD, OTHER, PARENT
from tests.recovery.faults.snapshots import Snapshot


def rows_of(lake: Path) -> Snapshot:
    """By dataset: the SHA-256 of its rows in a sorted order."""
    return {name: (_hashed(_read(path)), 0) for name in (PARENT, CHILD, OTHER) for path in lake.glob(f"{name}*")}


def _read(path: Path) -> pa.Table:
    if path.suffix == ".csv":
        return pacsv.read_csv(path)
    if path.is_file():
        return pq.read_table(path)
    if (path / "_delta_log").is_dir():
        return DeltaTable(str(path)).to_pyarrow_table()
    return ds.dataset(path, format="parquet", partitioning="hive").to_table()


def _hashed(table: pa.Table) -> str:
    rows = sorted(repr(sorted(row.items())) for row in table.to_pylist())
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()
