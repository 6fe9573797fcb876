"""Runs with limits, from the command line: they end well, say what they left and why, and go on where they stopped."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from r2d2.cli import main
from tests.states import base_table, read, results, run_job, small_lake, write

pytestmark = pytest.mark.spark
DEAR = "retention.storage_price_factor=1e9"


def funnel(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    """The funnel of a run, which must end well."""
    assert main(["run", *arguments, "--set", DEAR, "--quiet", "--format", "json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def bytes_read(found: dict[str, Any]) -> int:
    return sum(stage["bytes_read"] for stage in found["stages"])


def test_the_same_command_goes_on_until_all_is_found(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lake, state = tmp_path / "lake", tmp_path / "state"
    expected = small_lake(lake)
    limit = 4 * max(path.stat().st_size for path in lake.rglob("*.*"))
    before: set[tuple[str, str]] = set()
    unread = []
    for _ in range(20):
        found = funnel(capsys, str(lake), "--state", str(state), "--max-bytes", str(limit))
        pairs = results(state)["pairs"]
        assert before <= pairs <= expected
        unread.append(found["unusable"].get("unread", 0))
        before = pairs
        left = found["not_compared"].get("limit", 0)
        assert (found["limit"] == "max_bytes") == bool(left or unread[-1])
        if not found["limit"]:
            break
    assert before == expected
    assert unread[-1] == 0


def test_text_is_not_read_beyond_the_limit_and_says_so(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lake, state = tmp_path / "lake", tmp_path / "state"
    write(lake / "export.csv", base_table(3000))
    write(lake / "small.csv", base_table(30))
    most = (lake / "small.csv").stat().st_size * 3
    found = funnel(capsys, str(lake), "--state", str(state), "--max-bytes", f"{most}B")
    assert bytes_read(found) <= most
    assert found["unusable"] == {"unread": 1}
    assert main(["explain", "export.csv", "--state", str(state)]) == 0
    assert "unread: its metadata was not read yet: the run's limit was reached" in capsys.readouterr().out
    assert "was not read yet" in (state / "report.html").read_text()
    assert main(["discover", str(lake), "--state", str(state), "--max-bytes", f"{most}B"]) == 0
    assert "1 dataset not read for lack of room" in capsys.readouterr().err


def test_a_damaged_file_keeps_no_run_from_going_on(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is kept of it, so that each run reads it again: after what is new."""
    lake, state = tmp_path / "lake", tmp_path / "state"
    damaged = write(lake / "damaged.csv", base_table(300))
    damaged.write_bytes(damaged.read_bytes() + b'\n"1,2,3')
    fine = write(lake / "fine.csv", base_table(250))
    limit = damaged.stat().st_size * 2 + 10
    first = funnel(capsys, str(lake), "--state", str(state), "--max-bytes", str(limit))
    assert first["unusable"] == {"error": 1, "unread": 1}
    second = funnel(capsys, str(lake), "--state", str(state), "--max-bytes", str(limit))
    assert second["usable"] == 1
    assert fine.exists()


def test_pairs_that_a_limit_left_are_shown_as_plausible_with_the_reason(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lake, state = tmp_path / "lake", tmp_path / "state"
    small_lake(lake)
    found = funnel(capsys, str(lake), "--state", str(state), "--time-limit", "0.001")
    assert found["limit"] == "time_limit"
    assert not found["proven"]
    found = funnel(capsys, str(lake), "--state", str(state))
    assert not found["limit"]


def test_a_stage_of_its_own_has_limits_of_its_own(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What an earlier try of the same stage read does not count against the next one."""
    lake, state = tmp_path / "lake", tmp_path / "state"
    expected = small_lake(lake)
    expected = {pair for pair in expected if not any(name.endswith(".csv") for name in pair)}
    (lake / "export.csv").unlink()
    common = ["--state", str(state), "--quiet", "--set", DEAR]
    assert main(["discover", str(lake), *common]) == 0
    capsys.readouterr()
    limit = 4 * max(path.stat().st_size for path in lake.rglob("*.*"))
    for _ in range(20):
        assert main(["containment", "--max-bytes", str(limit), *common]) == 0
        assert main(["edges", "--grade", "plausible", "--format", "json", "--state", str(state)]) == 0
        left = json.loads(capsys.readouterr().out)
        assert all(edge["how"] == "limit" and "limit was reached" in edge["reason"] for edge in left)
        if not left:
            break
    assert main(["retention", *common]) == 0
    assert results(state)["pairs"] == expected


def test_what_can_not_pay_is_left_plausible_and_costs_nothing(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lake, state = tmp_path / "lake", tmp_path / "state"
    small_lake(lake)
    job = run_job(lake, state, "containment.goal=value")  # at usual prices so few bytes never pay
    assert set(read(job)) == {"read metadata"}
    assert job.funnel.not_compared == {"value": job.funnel.after_minmax}
    assert main(["explain", "range.parquet", "--state", str(state)]) == 0
    assert "base.parquet: not compared: retiring it with the help of the other could not save money" in (
        capsys.readouterr().out
    )
