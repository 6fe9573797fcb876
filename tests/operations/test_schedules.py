"""Schedules of other systems name what there is: jobs, flags, settings, dependencies."""

from __future__ import annotations

import json
import runpy
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from r2d2.cli import _parser

ROOT = Path(__file__).resolve().parents[2]
SCHEDULES = ROOT / "jobs/schedules"
IN_WORKSPACE = "/Workspace/Shared/r2d2/"


@pytest.fixture(scope="module")
def job() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((SCHEDULES / "databricks_job.json").read_text())
    return found


@pytest.mark.full
def test_databricks_knows_every_field_of_its_job(job: dict[str, Any]) -> None:
    """What its own client reads and gives back; it drops what the service does not know."""
    from databricks.sdk.service.jobs import JobSettings

    assert JobSettings.from_dict(job).as_dict() == job
    assert JobSettings.from_dict({**job, "made_up": 1}).as_dict() == job


def test_the_databricks_job_calls_what_there_is(job: dict[str, Any]) -> None:
    tasks = {task["task_key"]: task for task in job["tasks"]}
    assert set(tasks) == {"pipeline", "apply", "guard"}
    for name, task in tasks.items():
        script = task["spark_python_task"]["python_file"]
        assert (ROOT / script.removeprefix(IN_WORKSPACE)).is_file()
        command = "run" if name == "pipeline" else name
        parsed = _parser().parse_args([command, *task["spark_python_task"]["parameters"]])
        assert parsed.state == "{{job.parameters.state}}"
        assert task["job_cluster_key"] == job["job_clusters"][0]["job_cluster_key"]
        assert name != "pipeline" or parsed.lakes == ["{{job.parameters.lake}}"]
        assert name != "apply" or parsed.yes, "nobody is there to be asked"
    assert {parameter["name"] for parameter in job["parameters"]} == {"lake", "state"}
    assert job["max_concurrent_runs"] == 1


@pytest.mark.parametrize("name", ["apply", "purge", "restore", "guard"])
def test_jobs_for_spark_submit_call_their_command(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    job = str(ROOT / f"jobs/{name}.py")
    monkeypatch.setattr(sys, "argv", [job, "--help"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(job, run_name="__main__")
    assert f"usage: r2d2 {name} " in capsys.readouterr().out
    assert ended.value.code == 0


def test_databricks_gets_what_r2d2_needs_besides_spark(job: dict[str, Any]) -> None:
    (file,) = {task["libraries"][0]["requirements"].removeprefix(IN_WORKSPACE) for task in job["tasks"]}
    wanted = [line for line in (ROOT / file).read_text().splitlines() if not line.startswith("#")]
    needed = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    assert wanted == [name for name in needed if not name.startswith(("pyspark", "delta-spark"))]
