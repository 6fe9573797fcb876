"""``r2d2 ask`` on a state: text and JSON, the plan's verdicts, no Spark, errors that say what to do."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from pathlib import Path

import pytest

from r2d2.catalog import records, runs
from r2d2.catalog.state import State, open_state
from r2d2.cli import main
from r2d2.commands.asking_about import index_of
from r2d2.config import Settings
from r2d2.job import new_job
from r2d2.model.plan import Action, Plan, PlannedDataset
from r2d2.progress import Progress
from r2d2.semantics.entities.entities import Catalog
from r2d2.semantics.retrieval.ask import ask
from r2d2.semantics.topics.stage import group_run
from tests.semantics.small_topics import lake

PAGE = Path(__file__).parents[2] / "docs/asking.md"
SETTINGS = replace(Settings().semantics, model="hashing")
QUESTION = "what do we hold about patients and their blood?"


def planned(state: State, root: Path) -> None:
    """A run with datasets, a plan and topics, as the main job leaves it."""
    job = new_job([str(root)], state, Settings(), Progress(quiet=True))
    entries = [PlannedDataset(one.id, Action.KEEP, None, 0.0, 0.0, 0.0, "needed") for one in lake()]
    for number in (0, 2):  # the same table as its columns say, so that one is told with the other
        gone = replace(entries[number], action=Action.RETIRE, parent=lake()[1].id)
        entries[number] = replace(gone, saving_per_month=1.5, rebuild_seconds=60)
    with state.locked():
        state.append("datasets", [records.dataset_row(job.run_id, one) for one in lake()])
        runs.keep_plan(state, job.run_id, Plan(tuple(entries), 1.5, 1000, "none", True))
        group_run(state, job.run_id, Catalog(lake()), SETTINGS)
        job.record(runs.PLANNED)


@pytest.fixture(scope="module")
def where(tmp_path_factory: pytest.TempPathFactory) -> str:
    root = tmp_path_factory.mktemp("lake")
    place = str(tmp_path_factory.mktemp("kept") / "state")
    planned(open_state(place, create=True), root)
    return place


def test_json_is_what_is_promised(where: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ask", QUESTION, "--state", where, "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert list(found) == ["question", "answer", "evidence", "tokens"]
    assert found["question"] == QUESTION
    assert found["evidence"][0]["dataset"].startswith("patients/")
    assert "plan: keep" in found["evidence"][0]["facts"]


def test_text_is_for_people(where: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ask", "orders with a discount", "--state", where, "--level", "base"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("The best match is orders/")
    assert "Evidence (" in said
    assert f"plan: retire, saves 1.50 USD a month, back from {lake()[1].id} in 1 min" in said
    assert f"and 1 more with the same columns, 100 rows and 1.00 kB together: {lake()[2].id}" in said
    assert "the plan lets 1 of these go" in said


def test_no_spark_is_started_or_loaded(where: str) -> None:
    code = f"import sys; from r2d2.cli import main; main(['ask', 'orders', '--state', {where!r}]); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "orders/order_0" in done.stdout
    assert not {"pyspark", "py4j", "torch"} & set(done.stdout.split())


def test_a_small_lake_answers_in_under_a_second_once_started(where: str) -> None:
    state = open_state(where)
    start = time.process_time()
    ask(index_of(state, runs.find_run(state), SETTINGS), QUESTION, SETTINGS)
    assert time.process_time() - start < 1


def test_the_example_of_its_page_runs(where: str, capsys: pytest.CaptureFixture[str]) -> None:
    (example,) = re.findall(r"^ +from r2d2.*?(?=^\S)", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    exec(textwrap.dedent(example).replace('"DIR"', repr(where)), {})
    assert capsys.readouterr().out.startswith("The best match is orders/")


def test_a_run_without_topics_says_how_to_get_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = open_state(str(tmp_path / "state"), create=True)
    job = new_job([str(tmp_path)], state, Settings(), Progress(quiet=True))
    with state.locked():
        job.record(runs.DISCOVERED)
    assert main(["ask", "orders", "--state", str(tmp_path / "state")]) == 6
    assert "r2d2 topics --fresh" in capsys.readouterr().err


def test_where_the_newest_run_has_no_topics_the_newest_one_that_has_some_is_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = str(tmp_path / "state")
    state = open_state(place, create=True)
    planned(state, tmp_path)
    job = new_job([str(tmp_path)], state, Settings(), Progress(quiet=True))
    with state.locked():
        state.append("datasets", [records.dataset_row(job.run_id, one) for one in lake()[:9]])
        job.record(runs.DISCOVERED)
    assert main(["ask", QUESTION, "--state", place]) == 0
    said = capsys.readouterr()
    assert "patients/" in said.out
    assert f"{job.run_id}, which is newer, has no topics (`r2d2 topics --group`)" in said.err
    assert main(["topics", "--group", "--state", place, "--set", "semantics.model=hashing", "--format", "json"]) == 0
    (root,) = [topic for topic in json.loads(capsys.readouterr().out) if not topic["parent"]]
    assert len(root["datasets"]) == 9
    assert main(["ask", QUESTION, "--state", place]) == 0
    assert "which is newer" not in capsys.readouterr().err


@pytest.mark.parametrize("given", ["semantics.piece=0", "semantics.piece=1", "semantics.seed=99999999999999999999"])
def test_numbers_that_mean_nothing_are_refused_before_anything_is_done(
    where: str, given: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["topics", "--fresh", "--state", where, "--set", given]) == 2
    assert f"{given.partition('=')[0]} must be from" in capsys.readouterr().err
