"""Spark's workers get at data in three ways, and each gives the same: they open files, or Spark hands rows or bytes."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from r2d2.catalog.discovery import discover
from r2d2.catalog.reading import FileToRead
from r2d2.catalog.summaries import summarize_files
from r2d2.cli import main
from r2d2.config import ContainmentSettings, DiscoverySettings
from r2d2.containment.join import join_pairs
from r2d2.containment.request import Request
from r2d2.containment.row_hash import FAST
from r2d2.containment.scan import RESULTS
from r2d2.containment.scan_groups import scan_kernel
from r2d2.containment.scanner import scan_tasks
from r2d2.containment.views import Pair
from r2d2.lake.kernels import run_here, run_shuffled_here
from r2d2.lake.spark_files import Access
from r2d2.lake.workers import Workers
from r2d2.model.family import NUMBER
from tests.containment_runs import data_file, datasets_of, parquet_dataset
from tests.states import results, run_job

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark

ROWS = pa.table({"k": range(500), "s": [f"text {i}" for i in range(500)]})


def files(lake: Path) -> list[Path]:
    """Files of each kind, with names that a pattern or a URL would read otherwise."""
    found = [lake / "a[b]{c}*?.parquet", lake / "d=1/p q%20é.csv", lake / "x.jsonl.gz", lake / "none.csv"]
    (lake / "d=1").mkdir()
    pq.write_table(ROWS, found[0])
    found[1].write_text("k,s\n" + "".join(f"{i},text {i}\n" for i in range(400)))
    found[2].write_bytes(
        gzip.compress("".join(json.dumps({"k": i, "s": f"text {i}"}) + "\n" for i in range(300)).encode())
    )
    found[3].touch()
    return found


def read(paths: list[Path]) -> list[FileToRead]:
    formats = {".parquet": "parquet", ".csv": "csv", ".gz": "jsonl"}
    return [FileToRead(data_file(path), formats[path.suffix]) for path in paths]


def test_bytes_that_spark_hands_over_are_read_as_the_files_are(spark: SparkSession, tmp_path: Path) -> None:
    paths = files(tmp_path)
    handed = Workers(spark, Access.HANDED)
    summaries = summarize_files(read(paths), handed.map_tasks)
    assert summaries == summarize_files(read(paths), run_here)
    assert [summaries[str(path)].rows for path in paths] == [500, 400, 300, 0]
    listed = discover([str(tmp_path)], DiscoverySettings(), None, None).candidates
    datasets = [dataset for dataset in datasets_of(listed) if dataset.status == "ok"]
    assert len(datasets) == 3
    wanted = {i: [Request(((("k",), "number"), (("s",), "string")), 1 << 60)] for i in range(3)}
    tasks = scan_tasks(datasets, wanted, ContainmentSettings(), FAST)
    found = handed.map_tasks(tasks, scan_kernel, RESULTS)
    assert not any(found["error"].to_pylist())
    assert by_dataset(found) == by_dataset(run_here(tasks, scan_kernel, RESULTS))


def by_dataset(results: pa.Table) -> list[dict[str, object]]:
    return sorted(results.to_pylist(), key=lambda row: int(row["dataset"]))


@pytest.mark.parametrize("name", ["_hidden.csv", ".dotted.csv", "with:colon.csv"])
def test_what_spark_does_not_hand_over_is_said_of_that_file_and_the_others_are_read(
    spark: SparkSession, tmp_path: Path, name: str
) -> None:
    for each in (name, "ok.csv"):
        (tmp_path / each).write_text("a\n1\n")
    paths = [tmp_path / name, tmp_path / "ok.csv"]
    found = summarize_files(read(paths), Workers(spark, Access.HANDED).map_tasks)
    assert (found[str(paths[1])].status, found[str(paths[1])].rows) == ("ok", 1)
    assert found[str(paths[0])].status == "error"
    assert "Spark's reader passes over files of such a name" in found[str(paths[0])].reason


def test_what_a_join_brings_to_the_driver_does_not_grow_with_the_ranges_of_its_hashes(
    spark: SparkSession, tmp_path: Path
) -> None:
    datasets = []
    for name, rows in {"whole": range(4000), "part": range(3000), "more": range(-50, 3000)}.items():
        pq.write_table(pa.table({"k": rows}), tmp_path / f"{name}.parquet")
        datasets.append(parquet_dataset(tmp_path / f"{name}.parquet"))
    pairs = [Pair(0, child, ((("k",), NUMBER),)) for child in (1, 2)]
    brought = []

    def run(*arguments: Any) -> pa.Table:
        brought.append(Workers(spark).map_shuffled(*arguments))
        return brought[-1]

    settings = ContainmentSettings(join_rows_per_task=500)
    found = join_pairs(run, datasets, settings, pairs, {})
    assert [found[pair].lacking for pair in pairs] == [0, 50]
    assert [counts.num_rows for counts in brought] == [4], "a count of each side, and one witness"
    assert found == join_pairs(run_shuffled_here, datasets, settings, pairs, {}), "the same witness, too"


def test_a_file_that_changed_since_it_was_listed_is_not_handed_over(spark: SparkSession, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a\n1\n")
    listed = read([path])
    path.write_text("a\n2\n")
    os.utime(path, ns=(0, listed[0].file.mtime_ns + 5_000_000))
    found = summarize_files(listed, Workers(spark, Access.HANDED).map_tasks)
    assert found[str(path)].status == "error"
    assert "changed while it was read" in found[str(path)].reason


@pytest.fixture
def sandboxed(spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Makes Spark start Python workers that may not read what belongs to another user; the JVM may."""
    setpriv = shutil.which("setpriv")
    if setpriv is None or os.geteuid() != 0:
        pytest.skip("only root can take rights from the workers (setpriv of util-linux)")
    python = tmp_path / "python"
    rights = "-dac_override,-dac_read_search"
    python.write_text(f'#!/bin/sh\nexec {setpriv} --inh-caps {rights} --bounding-set {rights} {sys.executable} "$@"\n')
    python.chmod(0o755)

    def take() -> None:
        monkeypatch.setenv("PYSPARK_PYTHON", str(python))
        monkeypatch.setattr(spark.sparkContext, "pythonExec", str(python))  # what a new session takes from there

    return take


def test_a_run_whose_workers_may_not_read_the_lake_finds_what_one_that_may_finds(
    spark: SparkSession, sandboxed: Callable[[], None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lake = tmp_path / "lake"
    lake.mkdir()
    files(lake)
    pq.write_table(ROWS.slice(0, 450), lake / "most.parquet")
    table = f"delta.`{lake}/deleted`"
    properties = "TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')"
    spark.sql(f"CREATE TABLE {table} USING delta {properties} AS SELECT * FROM range(90)")
    spark.sql(f"DELETE FROM {table} WHERE id < 10")
    pq.write_table(pa.table({"id": range(100)}), lake / "ids.parquet")
    for path in (lake, *lake.rglob("*")):
        os.chown(path, 65534, 65534)
        path.chmod(stat.S_IRWXU if path.is_dir() else stat.S_IRUSR)
    opened, handed = tmp_path / "opened", tmp_path / "handed"
    run_job(lake, opened)
    sandboxed()
    assert main(["run", str(lake), "--state", str(handed)]) == 0
    assert "Spark's workers may not open the lake's files: Spark reads them" in capsys.readouterr().err
    assert results(handed) == results(opened)
    assert ("ids.parquet", "deleted") in results(handed)["pairs"]
