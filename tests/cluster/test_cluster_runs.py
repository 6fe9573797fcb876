"""The main job on a standalone cluster and over Spark Connect: what it finds is what a run on this machine finds."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from pyspark.sql import SparkSession

from r2d2.catalog import runs
from r2d2.catalog.state import open_state
from r2d2.commands.lake import DEMO_SETTINGS
from r2d2.demo.lake import DemoTruth
from tests.lakes import seed_from_environment, tpch_lake
from tests.spark_cluster import DELTA, PROGRAM, ROOT, Cluster, flags, modules
from tests.states import SMALL_SKETCH, results, run_job, small_lake

pytestmark = pytest.mark.spark

DYING_RUN, PIPELINE = Path(__file__).with_name("dying_run.py"), ROOT / "jobs/pipeline.py"
#: How a pair was decided is another matter where tasks share no disk: by boxes, which need no kept hashes.
_HOW = ("how", "reason")
#: A second copy of a task is started as soon as it takes long.
SPECULATION = {
    "spark.speculation": "true",
    "spark.speculation.interval": "100ms",
    "spark.speculation.quantile": "0.5",
    "spark.speculation.task.duration.threshold": "5s",
}


@dataclass(frozen=True)
class Known:
    """A lake, the settings to run on it with, and what a run on this machine finds."""

    lake: Path
    settings: tuple[str, ...]
    found: dict[str, Any]


def known(lake: Path, state: Path, *settings: str) -> Known:
    run_job(lake, state, *settings)
    return Known(lake, settings, outcome(state))


def outcome(state: Path) -> dict[str, Any]:
    """What a run found, without how each pair was decided."""
    found = results(state)
    found["edges"] = sorted(({k: v for k, v in e.items() if k not in _HOW} for e in found["edges"]), key=str)
    return found


def arguments(of: Known, state: Path) -> list[str]:
    return [str(of.lake), "--state", str(state), *(text for each in of.settings for text in ("--set", each))]


def ran(command: list[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own; it must succeed in less time than a slow task takes."""
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=modules() | dict(environment), timeout=600
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def submitted(
    cluster: Cluster, of: Known, state: Path, dies: str = "", properties: Mapping[str, str] = MappingProxyType({})
) -> str:
    """The main job under spark-submit on the cluster; with ``dies`` one of its tasks does (``dying_run``)."""
    spark_submit = str(Path(sys.executable).with_name("spark-submit"))
    job = [str(DYING_RUN), "run"] if dies else [str(PIPELINE)]
    options = ["--master", cluster.url, *flags(PROGRAM | DELTA | dict(properties))]
    done = ran([spark_submit, *options, *job, *arguments(of, state)], {"R2D2_TEST_DIES": dies})
    return done.stdout + done.stderr


def over_connect(url: str, of: Known, state: Path, dies: str = "") -> str:
    """The main job as a client of a Spark Connect server; what it logs, as JSON lines."""
    job = [str(DYING_RUN), "run"] if dies else [str(PIPELINE)]
    environment = {"R2D2_TEST_DIES": dies, "SPARK_REMOTE": url, "R2D2_LOG__FORMAT": "json"}
    return ran([sys.executable, *job, *arguments(of, state)], environment).stderr


@pytest.fixture(scope="module")
def small(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Known:
    """A small lake whose pairs need every way to decide."""
    directory = tmp_path_factory.mktemp("small")
    pairs = small_lake(directory / "lake")
    found = known(directory / "lake", directory / "state", SMALL_SKETCH)
    assert found.found["pairs"] == pairs
    return found


@pytest.fixture(scope="module")
def demo(spark: SparkSession, demo_lake: tuple[Path, DemoTruth], tmp_path_factory: pytest.TempPathFactory) -> Known:
    lake, truth = demo_lake
    found = known(lake, tmp_path_factory.mktemp("demo-here"), *DEMO_SETTINGS)
    assert found.found["pairs"] == truth.contained - truth.shared
    return found


@pytest.fixture(scope="module")
def tpch(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Known:
    """TPC-H tables and 70 datasets made from them; small enough pieces for every stage to have several tasks."""
    directory = tmp_path_factory.mktemp("tpch")
    tpch_lake(directory / "lake", scale=0.05, derived=70, seed=seed_from_environment())
    settings = "containment.task_bytes=2MB", "containment.join_rows_per_task=100000"
    return known(directory / "lake", directory / "state", *settings)


def test_a_run_over_spark_connect_finds_the_same(connect: str, small: Known, tmp_path: Path) -> None:
    said = over_connect(connect, small, tmp_path / "state")
    assert outcome(tmp_path / "state") == small.found, said
    lines = [json.loads(line) for line in said.splitlines()]
    assert {line["run_id"] for line in lines} == {runs.find_run(open_state(str(tmp_path / "state"))).run_id}
    assert {"scan", "join", "plan"} <= {line["stage"] for line in lines if line["event"] == "stage"}


@pytest.mark.full
def test_a_submitted_run_whose_worker_is_killed_half_way_through_a_task_finds_the_same(
    cluster: Cluster, small: Known, tmp_path: Path
) -> None:
    mark = tmp_path / "killed"
    said = submitted(cluster, small, tmp_path / "state", f"scan_kernel worker {mark}")
    assert mark.exists(), said
    assert sum(worker.runs for worker in cluster.workers) == 1
    assert outcome(tmp_path / "state") == small.found, said


@pytest.mark.full
@pytest.mark.parametrize("dies", ["kernel python", "hash_kernel python", "CompareHashes executor"])
def test_a_task_that_dies_half_way_changes_nothing(cluster: Cluster, small: Known, tmp_path: Path, dies: str) -> None:
    mark = tmp_path / "died"
    said = submitted(cluster, small, tmp_path / "state", f"{dies} {mark}")
    assert mark.exists(), said
    assert outcome(tmp_path / "state") == small.found, said


@pytest.mark.full
@pytest.mark.parametrize("kernel", ["kernel", "scan_kernel", "CompareHashes"])
def test_a_second_copy_of_a_slow_task_changes_nothing(
    cluster: Cluster, small: Known, tmp_path: Path, kernel: str
) -> None:
    mark = tmp_path / "slow"
    said = submitted(cluster, small, tmp_path / "state", f"{kernel} slow {mark}", SPECULATION)
    assert mark.exists(), said
    assert outcome(tmp_path / "state") == small.found, said


@pytest.mark.full
@pytest.mark.parametrize("lake", ["demo", "tpch"])
@pytest.mark.parametrize("dies", ["", "scan_kernel worker", "CompareHashes worker"])
def test_a_whole_lake_on_the_cluster_gives_what_it_gives_here(
    cluster: Cluster, request: pytest.FixtureRequest, tmp_path: Path, lake: str, dies: str
) -> None:
    here: Known = request.getfixturevalue(lake)
    said = submitted(cluster, here, tmp_path / "state", dies and f"{dies} {tmp_path / 'killed'}")
    assert sum(worker.runs for worker in cluster.workers) == (1 if dies else 2), said
    assert outcome(tmp_path / "state") == here.found, said


@pytest.mark.full
@pytest.mark.parametrize("lake", ["demo", "tpch"])
@pytest.mark.parametrize("dies", ["", "scan_kernel worker"])
def test_a_whole_lake_over_spark_connect_gives_what_it_gives_here(
    cluster: Cluster, connect_to_cluster: str, request: pytest.FixtureRequest, tmp_path: Path, lake: str, dies: str
) -> None:
    here: Known = request.getfixturevalue(lake)
    said = over_connect(connect_to_cluster, here, tmp_path / "state", dies and f"{dies} {tmp_path / 'killed'}")
    assert sum(worker.runs for worker in cluster.workers) == (1 if dies else 2), said
    assert outcome(tmp_path / "state") == here.found, said


@pytest.mark.full
def test_a_property_that_only_the_server_may_set_is_refused(connect: str, small: Known, tmp_path: Path) -> None:
    settings = ["--set", f"spark.master={connect}", "--set", "spark.conf=spark.driver.memory=2g"]
    command = [sys.executable, str(PIPELINE), *arguments(small, tmp_path / "state"), *settings]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=modules())
    assert done.returncode == 2, done.stderr
    assert "spark.driver.memory can't be set over Spark Connect" in done.stderr
