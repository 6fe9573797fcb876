"""The DAGs, in a real Airflow: they load without a warning, and run end to end with the gate in between.

Airflow has an environment of its own (``make airflow``), as it would have at a user's.
"""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest

from r2d2.catalog import runs
from r2d2.catalog.state import open_state
from r2d2.recovery.records.reviews import reviews
from tests.operations.ports import free_port
from tests.states import base_table, write

ROOT = Path(__file__).resolve().parents[2]
AIRFLOW = ROOT / ".airflow/bin"
DAGS = ROOT / "jobs/schedules"
NEVER = "0 0 29 2 *"
_PATIENCE = 400.0

pytestmark = pytest.mark.skipif(not AIRFLOW.is_dir(), reason=f"{AIRFLOW} is not there: `make airflow` installs it")

_LOAD = """
import json, sys
from airflow.dag_processing.dagbag import DagBag
bag = DagBag(sys.argv[1])
dags = {name: {task.task_id: sorted(task.upstream_task_ids) for task in dag.tasks} for name, dag in bag.dags.items()}
print(json.dumps({"errors": bag.import_errors, "warnings": bag.captured_warnings, "dags": dags,
                  "catchup": [dag.catchup for dag in bag.dags.values()]}))
"""


def environment(home: Path) -> dict[str, str]:
    """Nothing of this process's Python, and a home where there is nothing yet."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "AIRFLOW", "R2D2"))}
    return kept | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "PATH": f"{AIRFLOW}{os.pathsep}{os.environ['PATH']}",
    }


def test_the_dags_load_without_a_warning(tmp_path: Path) -> None:
    command = [AIRFLOW / "python", "-c", _LOAD, str(DAGS)]
    done = subprocess.run(command, env=environment(tmp_path), capture_output=True, text=True, check=True)
    loaded = json.loads(done.stdout.splitlines()[-1])
    assert (loaded["errors"], loaded["warnings"]) == ({}, {})
    assert loaded["catchup"] == [False, False], "a missed night is caught up by the next run, not by one of its own"
    assert loaded["dags"] == {
        "r2d2_nightly": {
            "discover": [],
            "containment": ["discover"],
            "retention": ["containment"],
            "report": ["retention"],
            "proposal": ["discover", "report"],
            "approve": ["proposal"],
            "apply": ["approve", "proposal"],
        },
        "r2d2_guard": {"guard": []},
    }


class Airflow:
    """The services, and what a person does in the browser, by the same interface."""

    def __init__(self, home: Path, settings: dict[str, str]) -> None:
        self.port, self.home = free_port(), home
        self.url = f"http://localhost:{self.port}"
        self.environment = environment(home) | settings | self._configured()
        self.services: list[subprocess.Popen[bytes]] = []
        self.headers = {"Content-Type": "application/json"}

    def _configured(self) -> dict[str, str]:
        values = {
            "CORE__EXECUTOR": "LocalExecutor",
            "CORE__PARALLELISM": "2",
            "CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
            "CORE__EXECUTION_API_SERVER_URL": f"{self.url}/execution/",
            "API__HOST": "127.0.0.1",
            "API__PORT": str(self.port),
            "API__BASE_URL": self.url,
            "API__WORKERS": "1",
            "API__SECRET_KEY": os.urandom(16).hex(),
            "API_AUTH__JWT_SECRET": os.urandom(32).hex(),
            "SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "1",
        }
        return {f"AIRFLOW__{key}": value for key, value in values.items()}

    def start(self) -> None:
        command = [str(AIRFLOW / "airflow")]
        subprocess.run([*command, "db", "migrate"], env=self.environment, check=True, capture_output=True)
        for service in ("api-server", "scheduler", "dag-processor"):
            with (self.home / f"{service}.log").open("wb") as log:
                started = subprocess.Popen(
                    [*command, service], env=self.environment, stdout=log, stderr=log, start_new_session=True
                )
            self.services.append(started)
        self.until("the services", lambda: self._token() and len(self.ask("dags")["dags"]) == 2)
        for name in ("r2d2_nightly", "r2d2_guard"):
            self.ask(f"dags/{name}", "PATCH", {"is_paused": False})

    def _token(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/auth/token", timeout=20) as answer:
                self.headers["Authorization"] = f"Bearer {json.load(answer)['access_token']}"
        except (URLError, OSError):
            return False
        return True

    def stop(self) -> None:
        for service in self.services:
            os.killpg(service.pid, signal.SIGTERM)
        for service in self.services:
            try:
                service.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(service.pid, signal.SIGKILL)
                service.wait()

    def ask(self, path: str, method: str = "GET", body: dict[str, Any] | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/api/v2/{path}", data, self.headers, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def trigger(self, dag: str, run: str) -> None:
        self.ask(f"dags/{dag}/dagRuns", "POST", {"dag_run_id": run, "logical_date": None})

    def tasks(self, dag: str, run: str) -> dict[str, str]:
        found = self.ask(f"dags/{dag}/dagRuns/{run}/taskInstances")["task_instances"]
        return {task["task_id"]: task["state"] for task in found}

    def ended(self, dag: str, run: str) -> dict[str, str]:
        """The states of a run's tasks, once it has ended well."""

        def well() -> bool:
            state = self.ask(f"dags/{dag}/dagRuns/{run}")["state"]
            assert state != "failed", self.tasks(dag, run)
            return bool(state == "success")

        self.until(f"the end of {run}", well)
        return self.tasks(dag, run)

    def asked(self, run: str) -> dict[str, Any]:
        """What a person is asked, once they are."""

        def waits() -> bool:
            states = self.tasks("r2d2_nightly", run)
            assert "up_for_retry" not in states.values(), states
            return states["approve"] == "awaiting_input"

        self.until(f"the question of {run}", waits)
        found = self.ask(f"dags/r2d2_nightly/dagRuns/{run}/taskInstances/approve/-1/hitlDetails")
        assert isinstance(found, dict)
        return found

    def answer(self, run: str, option: str) -> None:
        """As fast as a person might. *Seen*: within five seconds the process that asked is still on its way out, and
        Airflow 3.3 takes the answer for an attempt that failed; it asks again after ``retry_delay``.
        """
        time.sleep(10)
        path = f"dags/r2d2_nightly/dagRuns/{run}/taskInstances/approve/-1/hitlDetails"
        self.ask(path, "PATCH", {"chosen_options": [option], "params_input": {}})

    def log(self, dag: str, run: str, task: str) -> str:
        return json.dumps(self.ask(f"dags/{dag}/dagRuns/{run}/taskInstances/{task}/logs/1"))

    def until(self, what: str, there: Callable[[], bool]) -> None:
        limit = time.monotonic() + _PATIENCE
        while not there():
            assert time.monotonic() < limit, f"{what} did not come; see {self.home}"
            assert all(service.poll() is None for service in self.services), f"a service ended; see {self.home}"
            time.sleep(1)


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    table = base_table(300)
    write(tmp_path / "my lake/base.parquet", table)
    write(tmp_path / "my lake/copy.parquet", table)
    write(tmp_path / "my lake/<b>`*\nodd.parquet", table.slice(0, 100))
    return tmp_path / "my lake"


@pytest.fixture
def airflow(lake: Path, tmp_path: Path) -> Iterator[Airflow]:
    (tmp_path / "home").mkdir()
    settings = {
        "R2D2_LAKES": shlex.quote(str(lake)),
        "R2D2_STATE": str(tmp_path / "state"),
        "R2D2_COMMAND": shlex.join(["env", f"PYTHONPATH={ROOT}", sys.executable, "-m", "r2d2"]),
        "R2D2_FLAGS": "--set retention.storage_price_factor=10000000",
        "R2D2_SCHEDULE": NEVER,
        "R2D2_GUARD_SCHEDULE": NEVER,
    }
    started = Airflow(tmp_path / "home", settings)
    try:
        started.start()
        yield started
    finally:
        started.stop()


@pytest.mark.full
def test_the_dags_run_with_a_persons_word_in_between(airflow: Airflow, lake: Path, tmp_path: Path) -> None:
    airflow.trigger("r2d2_nightly", "first")
    question = airflow.asked("first")
    assert question["subject"] == "Retire 2 datasets?"
    assert '\n    "copy.parquet"  from  "base.parquet"\n' in question["body"]
    assert '\n    "<b>`*\\nodd.parquet"  from  "base.parquet"\n' in question["body"], "a name is one line of code"
    assert question["defaults"] == ["Reject"], "what nobody decides on is not applied"
    airflow.answer("first", "Approve")
    assert set(airflow.ended("r2d2_nightly", "first").values()) == {"success"}
    assert not (lake / "copy.parquet").exists()
    assert not (lake / "<b>`*\nodd.parquet").exists()
    state = open_state(str(tmp_path / "state"))
    assert {review.by for review in reviews(state)} != {""}

    write(lake / "another.parquet", base_table(300))
    airflow.trigger("r2d2_nightly", "second")
    airflow.asked("second")
    airflow.answer("second", "Reject")
    assert airflow.ended("r2d2_nightly", "second")["apply"] == "skipped"
    assert (lake / "another.parquet").exists()

    (lake / "another.parquet").unlink()
    airflow.trigger("r2d2_nightly", "third")
    states = airflow.ended("r2d2_nightly", "third")
    assert (states["proposal"], states["approve"], states["apply"]) == ("success", "skipped", "skipped")
    assert {run.status for run in runs.runs(state)} == {runs.PLANNED}

    airflow.trigger("r2d2_guard", "alone")
    assert airflow.ended("r2d2_guard", "alone") == {"guard": "success"}
