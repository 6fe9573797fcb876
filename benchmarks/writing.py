"""How datasets are written: by the writers that people use, with their usual codecs and row groups, in turn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

_TEAMS = ("finance", "marketing", "exports", "archive", "scratch")
_PARTS = 4


@dataclass
class Writer:
    """Writes tables below a lake; ``ids`` says under which id each was written."""

    lake: Path
    rng: np.random.Generator
    ids: dict[str, str] = field(default_factory=dict)

    def write(self, name: str, table: pa.Table) -> None:
        """One dataset, as a file or as a directory of parts."""
        folder = self.lake / _TEAMS[len(self.ids) % len(_TEAMS)]
        folder.mkdir(exist_ok=True)
        layout = _LAYOUTS[int(self.rng.integers(len(_LAYOUTS)))]
        if layout is by_parts and table.num_rows >= 10 * _PARTS:
            path = folder / name
        else:
            path, layout = folder / f"{name}.parquet", by_duckdb if layout is by_parts else layout
        layout(path, table)
        self.ids[name] = str(path.relative_to(self.lake))


def by_duckdb(path: Path, table: pa.Table) -> None:
    """DuckDB's defaults: snappy, 122,880 rows in a group."""
    _copy(path, table, "snappy")


def by_duckdb_zstd(path: Path, table: pa.Table) -> None:
    """DuckDB with zstd."""
    _copy(path, table, "zstd")


def by_pyarrow(path: Path, table: pa.Table) -> None:
    """pyarrow's defaults: snappy, a million rows in a group."""
    pq.write_table(table, path)


def by_pyarrow_zstd(path: Path, table: pa.Table) -> None:
    """pyarrow with zstd and smaller row groups."""
    pq.write_table(table, path, compression="zstd", row_group_size=200_000)


def by_parts(path: Path, table: pa.Table) -> None:
    """A directory of several files, as Spark writes it."""
    path.mkdir()
    step = -(-table.num_rows // _PARTS)
    for number in range(_PARTS):
        pq.write_table(table.slice(number * step, step), path / f"part-{number:05}.parquet")


_LAYOUTS: tuple[Callable[[Path, pa.Table], None], ...] = (
    by_duckdb,
    by_duckdb_zstd,
    by_pyarrow,
    by_pyarrow_zstd,
    by_parts,
)


def _copy(path: Path, table: pa.Table, codec: str) -> None:
    with duckdb.connect() as connection:
        connection.execute("SET enable_progress_bar = false")
        connection.register("rows", table)
        connection.execute(f"COPY rows TO '{path}' (FORMAT parquet, COMPRESSION {codec})")
