"""``run --estimate``: it reads no data file and writes nothing, and what a run then reads is what it said."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from r2d2.cli import main
from tests.states import base_table, run_job, small_lake, without_override, write

Stages = dict[str, dict[str, Any]]


def estimated(capsys: pytest.CaptureFixture[str], lake: Path, state: Path, *more: str) -> tuple[dict[str, Any], Stages]:
    assert main(["run", str(lake), "--state", str(state), "--estimate", "--format", "json", "--quiet", *more]) == 0
    found = json.loads(capsys.readouterr().out)
    return found, {stage["name"]: stage for stage in found["stages"]}


def files_of(directory: Path) -> dict[str, tuple[int, int]]:
    stats = {str(path): path.stat() for path in sorted(directory.rglob("*"))}
    return {path: (stat.st_size, stat.st_mtime_ns) for path, stat in stats.items()}


def size_of(lake: Path, *suffixes: str) -> int:
    return sum(path.stat().st_size for path in lake.rglob("*") if path.suffix in suffixes)


def test_on_a_new_lake_it_opens_no_file_makes_no_state_and_bounds_what_is_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lake, state = tmp_path / "lake", tmp_path / "state"
    small_lake(lake)
    (lake / "damaged.parquet").write_bytes(b"PAR1 this is none PAR1")
    before = files_of(lake)
    found, stages = estimated(capsys, lake, state)
    assert (files_of(lake), state.exists()) == (before, False)
    assert not found["exact"]
    assert found["unknown_files"] == sum(path.is_file() for path in lake.rglob("*"))
    assert stages["metadata, text"]["bytes"] == size_of(lake, ".csv")
    assert stages["metadata, Parquet"]["bytes"] <= size_of(lake, ".parquet")
    assert stages["scan"]["bytes"] == 0
    assert stages["scan, new"]["bytes"] == size_of(lake, ".parquet", ".csv")


def test_it_needs_no_right_to_read_data_or_to_write(tmp_path: Path) -> None:
    lake, state = tmp_path / "lake", tmp_path / "state"
    small_lake(lake)
    for path in lake.rglob("*.*"):
        path.chmod(0)
    tmp_path.chmod(0o555)
    command = [sys.executable, "-m", "r2d2", "run", str(lake), "--state", str(state), "--estimate"]
    # Java would be looked for where this points to: Spark is not needed
    environment = os.environ | {"JAVA_HOME": "/nowhere"}
    done = subprocess.run([*without_override(), *command], capture_output=True, text=True, env=environment)
    tmp_path.chmod(0o755)
    assert done.returncode == 0, done.stderr
    assert "in all at most" in done.stdout


@pytest.mark.spark
@pytest.mark.parametrize("form", ["all ways", "sketches only"])
def test_once_metadata_is_known_it_says_what_the_scan_will_read(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    lake, state = tmp_path / "lake", tmp_path / "state"
    small_lake(lake)
    write(lake / "alone.parquet", base_table(50).rename_columns(["x", "y", "z"]))  # in no pair: not read
    settings = ("containment.sketch_size=16",) if form == "all ways" else ()
    flags = [part for setting in settings for part in ("--set", setting)]
    assert main(["discover", str(lake), "--state", str(state), "--quiet"]) == 0
    capsys.readouterr()
    kept = files_of(state)
    found, stages = estimated(capsys, lake, state, *flags)
    assert files_of(state) == kept
    assert found["exact"]
    assert found["unknown_files"] == stages["metadata, text"]["bytes"] == stages["metadata, Parquet"]["files"] == 0
    job = run_job(lake, state, *settings)
    read = {stage.name: stage for stage in job.funnel.stages}
    said = stages["scan"]
    assert 0 < said["bytes"] <= size_of(lake, ".parquet", ".csv") - (lake / "alone.parquet").stat().st_size
    if form == "sketches only":
        assert (read["scan"].bytes_read, read["scan"].files_read) == (said["bytes"], said["files"])
    else:  # boxes and joins that read again are an estimate, from another lake
        assert said["bytes"] <= read["scan"].bytes_read + read["join"].bytes_read <= 4 * said["bytes"]
    found, stages = estimated(capsys, lake, state, *flags)
    assert (found["bytes"], found["exact"]) == (0, True)


@pytest.mark.spark
def test_after_a_run_only_what_changed_costs(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lake, state = tmp_path / "lake", tmp_path / "state"
    small_lake(lake)
    run_job(lake, state)
    changed = write(lake / "sample.parquet", base_table(100, 100))
    found, stages = estimated(capsys, lake, state)
    assert not found["exact"]
    assert (stages["metadata, Parquet"]["files"], stages["scan, changed"]["datasets"]) == (1, 1)
    assert stages["scan, changed"]["bytes"] == changed.stat().st_size
    assert stages["scan"]["bytes"] == 0
    job = run_job(lake, state)
    assert sum(stage.bytes_read for stage in job.funnel.stages) <= found["bytes"]
    new = write(lake / "new.parquet", base_table(10))
    found, stages = estimated(capsys, lake, state)
    assert stages["scan, new"]["bytes"] == new.stat().st_size
    assert stages["scan, for new ones"]["bytes"] == size_of(lake, ".parquet", ".csv") - new.stat().st_size


@pytest.mark.spark
def test_with_the_goal_of_value_what_can_not_pay_costs_nothing(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lake, state = tmp_path / "lake", tmp_path / "state"
    small_lake(lake)
    assert main(["discover", str(lake), "--state", str(state), "--quiet"]) == 0
    capsys.readouterr()
    found, _ = estimated(capsys, lake, state, "--goal", "value")
    assert found["bytes"] == 0
    found, _ = estimated(capsys, lake, state, "--goal", "value", "--set", "retention.storage_price_factor=1e9")
    assert found["bytes"] > 0


@pytest.mark.spark
def test_of_a_run_that_only_samples_it_gives_a_bound_without_joins(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lake, state = tmp_path / "lake", tmp_path / "state"
    small_lake(lake)
    assert main(["discover", str(lake), "--state", str(state), "--quiet"]) == 0
    capsys.readouterr()
    _, stages = estimated(capsys, lake, state, "--set", "containment.verify=paper")
    assert stages["scan"]["basis"] == "at most: all of it as child and as parent"
    assert stages["boxes and joins"]["core_seconds"] == 0
    job = run_job(lake, state, "containment.verify=paper")
    assert sum(stage.bytes_read for stage in job.funnel.stages) <= stages["scan"]["bytes"]


def test_money_has_a_line_for_each_storage_class_and_limits_say_what_fits(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lake = tmp_path / "lake"
    small_lake(lake)
    classes = "retention.storage_classes=copy=STANDARD_IA,*.csv=DEEP_ARCHIVE"
    limit = size_of(lake, ".parquet")
    found, _ = estimated(capsys, lake, tmp_path / "state", "--set", classes, "--max-bytes", str(limit))
    lines = {line["storage_class"]: line for line in found["storage_classes"]}
    assert lines["DEEP_ARCHIVE"] == {
        "storage_class": "DEEP_ARCHIVE", "datasets": 1, "bytes": size_of(lake, ".csv"), "requests": 0,
        "request_cost": 0.0, "retrieval_cost": 0.0, "archived": True,
    }  # fmt: skip
    assert lines["STANDARD_IA"]["retrieval_cost"] == pytest.approx(lines["STANDARD_IA"]["bytes"] / 2**30 * 0.01)
    assert found["cost"] > found["compute_cost"]
    (share,) = found["limits"]
    assert 0 < share["scan"] < 1
    assert main(["run", str(lake), "--state", str(tmp_path / "state"), "--estimate", "--set", classes]) == 0
    table = capsys.readouterr().out
    assert "archived: not read" in table


def test_a_directory_that_a_run_could_not_use_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lake = tmp_path / "lake"
    small_lake(lake)
    assert main(["run", str(lake), "--state", str(lake), "--estimate", "--quiet"]) == 5
    assert "holds no r2d2 state" in capsys.readouterr().err
