"""The rows of a small lake, read by others than r2d2."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from deltalake import DeltaTable

from r2d2.lake.storage import is_local, storage_for
from tests.recovery.faults.small_worlds import CHILD, OTHER, PARENT
from tests.recovery.faults.snapshots import Snapshot


def rows_of(lake: Path) -> Snapshot:
    """By dataset: the SHA-256 of its rows in a sorted order."""
    return {name: (hashed_rows(_read(path)), 0) for name in (PARENT, CHILD, OTHER) for path in lake.glob(f"{name}*")}


@contextmanager
def on_disk(place: str) -> Iterator[Path]:
    """A directory, or all that lies below a URL, as files."""
    if is_local(place):
        yield Path(place)
        return
    with TemporaryDirectory() as directory:
        for found in storage_for(place).tree(place, []).files:
            path = Path(directory, found.name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(storage_for(place).read_bytes(found.stat.path))
        yield Path(directory)


def _read(path: Path) -> pa.Table:
    if path.suffix == ".csv":
        return pacsv.read_csv(path)
    if path.is_file():
        return pq.read_table(path)
    if (path / "_delta_log").is_dir():
        return DeltaTable(str(path)).to_pyarrow_table()
    return ds.dataset(path, format="parquet", partitioning="hive").to_table()


def hashed_rows(table: pa.Table) -> str:
    """The SHA-256 of rows in a sorted order."""
    rows = sorted(repr(sorted(row.items())) for row in table.to_pylist())
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()
