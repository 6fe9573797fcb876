"""A run that is killed at any moment and started again gives what an undisturbed run gives, and reads nothing twice."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from r2d2.catalog import runs
from r2d2.catalog.state import State, open_state
from r2d2.errors import NotFound
from tests.lakes import seed_from_environment
from tests.states import SMALL_SKETCH, base_table, read, results, run_job, small_lake, write

pytestmark = pytest.mark.spark

KILL_AT = Path(__file__).with_name("kill_at.py")
#: What a run writes to its state, in this order: one table a write. The join decides what is left in two steps here.
WRITES = [
    *("runs", "summaries", "datasets", "measures", "verdicts", "verdicts", "edges", "groups", "group_edges"),
    *("usage", "plans", "plan"),
    *("vectors", "look_alikes", "topic_members", "topic_relations", "topics", "groupings", "runs"),
]
#: The moments of a run in their order.
MOMENTS = [
    "begin:list the lake",
    "end:list the lake",
    "begin:start Spark",
    "inside:start Spark",
    "end:start Spark",
    *(f"{when}:1" for when in ("before", "during", "after")),
    "begin:read metadata",
    "inside:read metadata",
    *(f"{when}:{n}" for n in (2, 3) for when in ("before", "during", "after")),
    "end:read metadata",
    "begin:schema graph and min-max",
    "end:schema graph and min-max",
    "begin:scan",
    "inside:scan",
    *(f"{when}:4" for when in ("before", "during", "after")),
    "end:scan",
    "begin:join",
    "inside:join",
    *(f"{when}:{n}" for n in (5, 6) for when in ("before", "during", "after")),
    "end:join",
    "begin:reduction",
    "end:reduction",
    "begin:write edges",
    *(f"{when}:{n}" for n in (7, 8, 9) for when in ("before", "during", "after")),
    "end:write edges",
    "begin:collect usage",
    *(f"{when}:10" for when in ("before", "during", "after")),
    "end:collect usage",
    "begin:plan",
    *(f"{when}:{n}" for n in (11, 12) for when in ("before", "during", "after")),
    "end:plan",
    "begin:group topics",
    "inside:group topics",
    *(f"{when}:{n}" for n in range(13, 19) for when in ("before", "during", "after")),
    "end:group topics",
    "begin:report",
    "end:report",
    "before:19",
    "during:19",
    "after:19",
]
#: What runs are made with.
SETTINGS = (SMALL_SKETCH, "semantics.topics=true")
MODULES = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
KEPT = {"read metadata": "after:2", "scan": "after:4", "join": "after:6"}


@dataclass(frozen=True)
class Undisturbed:
    """A lake; a state that a run finished on before the lake got a dataset more; what a run finds now."""

    lake: Path
    older: Path
    before: dict[str, Any]
    now: dict[str, Any]


@pytest.fixture(scope="module")
def undisturbed(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    directory = tmp_path_factory.mktemp("kill")
    lake = directory / "lake"
    small_lake(lake)
    run_job(lake, directory / "older", *SETTINGS)
    write(lake / "sample.csv", base_table(300).take(list(range(0, 300, 2))))
    run_job(lake, directory / "now", *SETTINGS)
    before, now = results(directory / "older"), results(directory / "now")
    assert ("base.parquet", "sample.csv") in now["pairs"] - before["pairs"]
    return Undisturbed(lake, directory / "older", before, now)


def kill(moment: str, whom: str, lake: Path, state: Path, delay: float) -> str:
    """Starts a run and kills it at a moment; what it said until then."""
    where, name = moment.split(":", 1)
    arguments = ["run", str(lake), "--state", str(state), *(word for each in SETTINGS for word in ("--set", each))]
    environment = os.environ | MODULES | {"R2D2_TEST_KILL_DELAY": str(delay)}
    done = subprocess.run(
        [sys.executable, str(KILL_AT), f"{where}:{name}", whom, *arguments],
        capture_output=True,
        text=True,
        start_new_session=True,
        check=False,
        env=environment,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    return done.stderr


def check_killed_run(undisturbed: Undisturbed, state: Path, moment: str, whom: str, finished_before: bool) -> None:
    delay = random.Random(f"{seed_from_environment()} {moment}").uniform(0.02, 0.4)
    if finished_before:
        shutil.copytree(undisturbed.older, state)
        shutil.rmtree(state / "vectors")  # a cache: with it this run would have no vector to write
    said = kill(moment, whom, undisturbed.lake, state, delay)
    told = f"R2D2_SEED={seed_from_environment()} {moment} {whom}\n{said}"
    check_what_is_shown(undisturbed, state, moment, finished_before)
    job = run_job(undisturbed.lake, state, *SETTINGS)
    found = results(state, job.run_id)
    for part, expected in undisturbed.now.items():
        assert found[part] == expected, told
    again = read(job)
    kept = {stage for stage, write in KEPT.items() if MOMENTS.index(moment) >= MOMENTS.index(write)}
    assert not kept & again.keys(), told
    opened = open_state(str(state))
    assert runs.find_run(opened).run_id == job.run_id
    assert results(state) == found


def check_what_is_shown(undisturbed: Undisturbed, state: Path, moment: str, finished_before: bool) -> None:
    """While the killed run lies dead it is a run that runs; the last one that finished is what commands show."""
    opened = open_state(str(state))
    statuses = [run.status for run in runs.runs(opened)]
    timed = moment.startswith(("during:", "inside:"))
    if (timed or moment == f"after:{len(WRITES)}") and statuses == [runs.FINISHED] * (1 + finished_before):
        return  # a fast run is at its end by then
    killed = [runs.RUNNING] if MOMENTS.index(moment) >= MOMENTS.index("after:1") else []
    assert statuses in (killed + [runs.FINISHED] * finished_before, [runs.RUNNING] + [runs.FINISHED] * finished_before)
    if finished_before:
        assert results(state) == undisturbed.before
    else:
        with pytest.raises(NotFound):
            results(state)


def chosen(count: int) -> list[tuple[str, str, bool]]:
    rng = random.Random(seed_from_environment())
    moments = rng.sample(MOMENTS[MOMENTS.index("after:1") : MOMENTS.index("before:13")], count)
    return [(moment, rng.choice(["all", "python"]), rng.random() < 0.5) for moment in moments]


def test_a_run_writes_what_the_moments_go_by(
    undisturbed: Undisturbed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []

    def noted(write: Callable[..., None]) -> Callable[..., None]:
        return lambda state, table, *rest: written.append(table) or write(state, table, *rest)  # type: ignore[func-returns-value]

    for name in ("append", "write_run"):
        monkeypatch.setattr(State, name, noted(getattr(State, name)))
    run_job(undisturbed.lake, tmp_path / "state", *SETTINGS)
    assert written == WRITES


@pytest.mark.parametrize(("moment", "whom", "finished_before"), chosen(1))
def test_killed_run_started_again_gives_the_same_and_reads_nothing_twice(
    undisturbed: Undisturbed, tmp_path: Path, moment: str, whom: str, finished_before: bool
) -> None:
    """One moment, chosen by the seed; each in the test below."""
    check_killed_run(undisturbed, tmp_path / "state", moment, whom, finished_before)


@pytest.mark.full
@pytest.mark.parametrize("moment", MOMENTS)
def test_run_killed_at_any_moment_gives_the_same(undisturbed: Undisturbed, tmp_path: Path, moment: str) -> None:
    number = MOMENTS.index(moment)
    check_killed_run(undisturbed, tmp_path / "state", moment, ("all", "python")[number % 3 == 2], number % 2 == 1)


@pytest.mark.full
def test_run_killed_again_and_again_gets_to_its_end(undisturbed: Undisturbed, tmp_path: Path) -> None:
    for moment in ("during:2", "before:4", "during:5", "before:7", "during:10"):
        kill(moment, "all", undisturbed.lake, tmp_path / "state", 0.1)
    job = run_job(undisturbed.lake, tmp_path / "state", *SETTINGS)
    assert results(tmp_path / "state") == undisturbed.now
    assert read(job).keys() <= {"join"}


def test_first_write_to_a_table_that_came_to_nothing_is_no_damage(undisturbed: Undisturbed, tmp_path: Path) -> None:
    """Killed after Spark wrote the rows, before Delta wrote the log."""
    state = open_state(str(tmp_path / "state"), create=True)
    for table in ("runs", "summaries", "measures", "edges", "plan"):
        (source,) = (undisturbed.older / table).rglob("*.parquet") if table == "summaries" else [None]
        (state.path / table / "_delta_log").mkdir(parents=True)
        (state.path / table / "part-00000-lost.snappy.parquet").write_bytes(source.read_bytes() if source else b"PAR1")
    (state.path / "datasets").mkdir()
    assert runs.runs(state) == []
    run_job(undisturbed.lake, state.path, *SETTINGS)
    assert results(state.path) == undisturbed.now


def test_process_that_dies_lets_go_of_the_lock(tmp_path: Path) -> None:
    state = open_state(str(tmp_path / "state"), create=True)
    code = "import os, sys; from pathlib import Path; from r2d2.catalog.state import State\n"
    code += f"with State({str(state.path)!r}).locked(): os.kill(os.getpid(), 9)"
    subprocess.run(
        [sys.executable, "-c", code], check=False, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    )
    with state.locked():
        pass


@pytest.mark.full
def test_a_jvm_that_dies_ends_a_run_as_a_job_that_failed_and_the_same_command_goes_on(tmp_path: Path) -> None:
    lake, state = tmp_path / "lake", tmp_path / "state"
    expected = small_lake(lake)
    command = [sys.executable, "-m", "r2d2", "run", str(lake), "--state", str(state), "--log-format", "json"]
    command += ["--set", "containment.task_bytes=1000"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    assert process.stderr
    for line in process.stderr:
        if json.loads(line).get("stage") == "read metadata":
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            assert children
            for child in children:
                os.kill(int(child), signal.SIGKILL)
            break
    last = [json.loads(line) for line in process.stderr]
    assert (process.wait(60), last[-1]["exit_code"]) == (8, 8)
    assert "Spark does not answer any more" in next(line["message"] for line in last if line["event"] == "error")
    run_job(lake, state)
    assert results(state)["pairs"] == expected
