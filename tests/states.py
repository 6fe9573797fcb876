"""Runs on small lakes, and what a state says of them, without what differs from run to run."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq
import pytest

from r2d2 import pipeline
from r2d2.catalog import runs
from r2d2.catalog.state import open_state
from r2d2.commands.plans import plan_object
from r2d2.commands.state import dataset_row, edge_row
from r2d2.config import load_settings
from r2d2.job import Job
from r2d2.model.edge import Grade
from r2d2.progress import Progress

#: With so small a sketch, 300 rows already need boxes and joins.
SMALL_SKETCH = "containment.sketch_size=16"


def base_table(rows: int = 300, start: int = 0) -> pa.Table:
    """Rows that are all different, in every column."""
    ids = range(start, start + rows)
    return pa.table(
        {
            "id": pa.array(ids, pa.int64()),
            "name": pa.array([f"name {i * 7919 % 100_003}" for i in ids]),
            "amount": pa.array([i * 1.25 + 0.1 for i in ids], pa.float64()),
        }
    )


def write(path: Path, table: pa.Table) -> Path:
    """The table as Parquet or CSV, as the name says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pc.write_csv(table, path) if path.suffix == ".csv" else pq.write_table(table, path)
    return path


def small_lake(lake: Path) -> set[tuple[str, str]]:
    """A lake whose pairs need every way to decide; returns those that hold."""
    table = base_table()
    write(lake / "base.parquet", table)
    write(lake / "copy/again.parquet", table.take(list(reversed(range(300)))))
    write(lake / "export.csv", table)
    write(lake / "range.parquet", table.slice(100, 80))
    write(lake / "sample.parquet", table.take(list(range(0, 300, 3))))
    write(lake / "columns.parquet", table.select(["id", "amount"]))
    write(lake / "tiny.parquet", table.slice(7, 5))
    write(lake / "changed.parquet", pa.concat_tables([table.slice(100, 80), base_table(1, 299_000)]))
    amounts = pa.array([99.0, *table["amount"].to_pylist()[31:90]], pa.float64())
    write(lake / "near.parquet", table.slice(30, 60).set_column(2, "amount", amounts))
    whole, parts = ["base.parquet", "copy/again.parquet", "export.csv"], ["range.parquet", "sample.parquet"]
    pairs = {(a, b) for a in whole for b in whole if a != b}
    pairs |= {(a, b) for a in whole for b in [*parts, "columns.parquet", "tiny.parquet"]}
    return pairs | {("changed.parquet", "range.parquet")}


def run_job(roots: Path | Sequence[str | Path], state: Path, *overrides: str, progress: Progress | None = None) -> Job:
    """The main job in this process; it makes topics only where it is told to."""
    given = [roots] if isinstance(roots, Path) else roots
    settings = load_settings(overrides=("semantics.topics=false", *overrides), environ={})
    return pipeline.run([str(root) for root in given], str(state), settings, progress or Progress(quiet=True)).job


def results(state: Path, run_id: str = "") -> dict[str, Any]:
    """Datasets, edges, all pairs and the plan of a run (default: the newest that is finished)."""
    opened = open_state(str(state))
    run = runs.find_run(opened, run_id, runs.PLANNED)
    found, stored = runs.datasets(opened, run), [edge for grade in Grade for edge in runs.edges(opened, run, grade)]
    pairs = runs.all_pairs(found, runs.proven(opened, run), runs.groups(opened, run))
    return {
        "datasets": [dataset_row(dataset) for dataset in found],
        "edges": sorted((edge_row(edge) for edge in stored), key=str),
        "pairs": {(edge.parent, edge.child) for edge in pairs},
        "plan": plan_object(runs.plan(opened, run), show_values=True),
    }


def read(job: Job) -> dict[str, tuple[int, int]]:
    """Files and bytes of the lake that each stage of a run read, of those that read any."""
    return {s.name: (s.files_read, s.bytes_read) for s in job.funnel.stages if s.files_read or s.bytes_read}


def without_override() -> list[str]:
    """What to put before a command for rights to count: root reads and writes everything unless it gives that up."""
    if os.getuid() != 0:
        return []
    if not shutil.which("setpriv"):
        pytest.skip("root without setpriv (util-linux) has every right")
    return ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
