"""spark-submit with the jobs does what the command does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from r2d2.lake.jars import DELTA_PACKAGE, jar_properties
from tests.states import SMALL_SKETCH, results, run_job, small_lake

pytestmark = pytest.mark.spark

ROOT = Path(__file__).resolve().parents[2]


def submit(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    spark_submit = Path(sys.executable).with_name("spark-submit")
    environment = os.environ | {"PYSPARK_PYTHON": sys.executable, "PYTHONPATH": str(ROOT)}
    command = [str(spark_submit), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=600)


def test_submitted_pipeline_gives_the_same_edges_and_plan(spark: SparkSession, tmp_path: Path) -> None:
    """The demo lake is submitted to a cluster by ``tests/cluster``."""
    lake, state = tmp_path / "lake", tmp_path / "submitted"
    pairs = small_lake(lake)
    packages = ["--packages", DELTA_PACKAGE, "--exclude-packages", jar_properties(())["spark.jars.excludes"]]
    job = [ROOT / "jobs/pipeline.py", lake, "--state", state, "--format", "json", "--quiet"]
    done = submit(*packages, *job, "--set", SMALL_SKETCH)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["datasets"], "quiet, because spark-submit puts both outputs of a job into one"
    run_job(lake, tmp_path / "here", SMALL_SKETCH)
    assert results(state) == results(tmp_path / "here")
    assert results(state)["pairs"] == pairs


@pytest.mark.full
def test_job_without_delta_says_which_flag_is_missing(tmp_path: Path) -> None:
    (tmp_path / "lake").mkdir()
    job = ROOT / "jobs/discover.py"
    done = submit("--conf", "spark.ui.enabled=false", job, tmp_path / "lake", "--state", tmp_path / "state")
    assert done.returncode == 3
    assert "r2d2: Delta is not on Spark's class path" in done.stdout
    assert f"--packages {DELTA_PACKAGE}" in done.stdout
    assert "Traceback" not in done.stdout
