"""Roots that are not directories on disk: an object store, tables of a Spark catalog, several roots at once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.fs
import pyarrow.parquet as pq
import pytest
from moto.server import ThreadedMotoServer
from pyspark.sql import SparkSession

from r2d2 import pipeline
from r2d2.catalog import runs
from r2d2.config import load_settings
from r2d2.progress import Progress
from tests.conftest import R2D2

pytestmark = pytest.mark.spark

TABLE = pa.table({"id": pa.array(range(5000)), "name": pa.array([f"n{i % 700}" for i in range(5000)])})


def proven(roots: list[str], state: Path) -> set[tuple[str, str]]:
    job = pipeline.run(roots, str(state), load_settings(environ={}), Progress(quiet=True)).job
    run = runs.find_run(job.state, job.run_id)
    edges = runs.all_pairs(runs.datasets(job.state, run), runs.proven(job.state, run), runs.groups(job.state, run))
    return {(edge.parent, edge.child) for edge in edges}


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[pyarrow.fs.S3FileSystem]:
    """A real S3 endpoint on this machine, and the environment that leads there."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a-secret-that-must-not-show")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    store = pyarrow.fs.S3FileSystem(
        endpoint_override=f"{host}:{port}", scheme="http", allow_bucket_creation=True, region="us-east-1",
        access_key="test", secret_key="a-secret-that-must-not-show",
    )  # fmt: skip
    store.create_dir("roots")
    yield store
    server.stop()


def test_a_lake_on_an_object_store_is_read_and_proven(
    bucket: pyarrow.fs.S3FileSystem, r2d2: R2D2, tmp_path: Path
) -> None:
    pq.write_table(TABLE, "roots/sales/all.parquet", filesystem=bucket)
    pq.write_table(TABLE.slice(100, 900), "roots/sales/some [1] #é.parquet", filesystem=bucket)
    with bucket.open_output_stream("roots/exports/all.csv") as stream:
        pyarrow.csv.write_csv(TABLE, stream)
    done = r2d2("run", "s3://roots", "--state", str(tmp_path / "state"))
    assert done.returncode == 0, done.stderr
    edges = r2d2.json("edges", "--all", "--state", str(tmp_path / "state"))
    assert isinstance(edges, list)
    assert {(edge["parent"], edge["child"]) for edge in edges} == {
        ("sales/all.parquet", "sales/some [1] #é.parquet"),
        ("exports/all.csv", "sales/some [1] #é.parquet"),
        ("exports/all.csv", "sales/all.parquet"),
        ("sales/all.parquet", "exports/all.csv"),
    }
    state = [path.read_bytes() for path in (tmp_path / "state").rglob("*") if path.is_file()]
    assert not any(os.environ["AWS_SECRET_ACCESS_KEY"].encode() in content for content in state)


def test_tables_of_a_catalog_database_are_datasets(spark: SparkSession, tmp_path: Path) -> None:
    spark.sql(f"CREATE DATABASE shop LOCATION '{tmp_path / 'warehouse'}'")
    try:
        spark.sql("CREATE TABLE shop.sales USING delta AS SELECT id, 'x' || id % 7 AS name FROM range(3000)")
        spark.sql("CREATE TABLE shop.sales_2024 USING parquet AS SELECT * FROM shop.sales WHERE id < 1000")
        spark.sql("CREATE VIEW shop.recent AS SELECT * FROM shop.sales")
        found = proven(["catalog:shop"], tmp_path / "state")
        # the view shares its files with the table that it reads, and may contain others all the same
        assert found == {(f"catalog:shop/{name}", "catalog:shop/sales_2024") for name in ("sales", "recent")}
    finally:
        spark.sql("DROP DATABASE shop CASCADE")


def test_several_roots_are_compared_with_each_other_under_their_aliases(spark: SparkSession, tmp_path: Path) -> None:
    for team, rows in (("sales", TABLE), ("audit", TABLE.slice(0, 50))):
        (tmp_path / team).mkdir()
        pq.write_table(rows, tmp_path / team / "t.parquet")
    roots = [str(tmp_path / "sales"), str(tmp_path / "audit")]
    assert proven(roots, tmp_path / "state") == {("sales/t.parquet", "audit/t.parquet")}
