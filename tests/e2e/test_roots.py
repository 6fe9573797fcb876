"""Several roots at once. Roots in object stores: ``tests/stores``; databases of a catalog: ``tests/tables``."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from r2d2 import pipeline
from r2d2.catalog import runs
from r2d2.config import load_settings
from r2d2.progress import Progress

pytestmark = pytest.mark.spark

TABLE = pa.table({"id": pa.array(range(5000)), "name": pa.array([f"n{i % 700}" for i in range(5000)])})


def proven(roots: list[str], state: Path) -> set[tuple[str, str]]:
    job = pipeline.run(roots, str(state), load_settings(environ={}), Progress(quiet=True)).job
    run = runs.find_run(job.state, job.run_id)
    edges = runs.all_pairs(runs.datasets(job.state, run), runs.proven(job.state, run), runs.groups(job.state, run))
    return {(edge.parent, edge.child) for edge in edges}


def test_several_roots_are_compared_with_each_other_under_their_aliases(spark: SparkSession, tmp_path: Path) -> None:
    for team, rows in (("sales", TABLE), ("audit", TABLE.slice(0, 50))):
        (tmp_path / team).mkdir()
        pq.write_table(rows, tmp_path / team / "t.parquet")
    roots = [str(tmp_path / "sales"), str(tmp_path / "audit")]
    assert proven(roots, tmp_path / "state") == {("sales/t.parquet", "audit/t.parquet")}
