"""Plans are numbered over all runs of a state, stay as they were, and can be compared."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from r2d2.catalog import runs
from r2d2.catalog.state import State, open_state
from r2d2.cli import main
from tests.states import base_table, run_job, small_lake, write

DEAR = "retention.storage_price_factor=10000000"
Told = Callable[..., Any]


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    small_lake(tmp_path / "lake")
    return tmp_path / "lake"


@pytest.fixture
def state(spark: SparkSession, lake: Path, tmp_path: Path) -> State:
    """A state with a run, and plan 1 of it."""
    run_job(lake, tmp_path / "state", DEAR)
    return open_state(str(tmp_path / "state"))


@pytest.fixture
def told(state: State, capsys: pytest.CaptureFixture[str]) -> Told:
    """What a command says as JSON."""

    def call(*arguments: str) -> Any:
        assert main([*arguments, "--state", str(state.path), "--format", "json"]) == 0
        return json.loads(capsys.readouterr().out)

    return call


def planned_again(state: State, *overrides: str) -> None:
    flags = [part for text in overrides for part in ("--set", text)]
    assert main(["retention", "--state", str(state.path), "--quiet", *flags]) == 0


def test_each_plan_has_the_next_number_and_those_before_stay_as_they_were(state: State, told: Told, lake: Path) -> None:
    first = told("plan")
    planned_again(state, DEAR, "retention.keep=range.parquet")
    assert told("plan", "--number", "1") == first
    assert told("plan", "--number", "2") == told("plan") != first
    run_job(lake, state.path, DEAR)
    assert told("plan") == told("plan", "--number", "3") == first
    heads = told("plans")
    assert [head["plan"] for head in heads] == [3, 2, 1]
    assert len({head["run_id"] for head in heads}) == 2
    retired = sum(row["action"] == "retire" for row in first["datasets"])
    assert [head["retired"] for head in heads] == [retired, retired - 1, retired]
    assert heads[0]["total_saving_per_month"] == first["total_saving_per_month"]


def test_two_plans_are_told_apart_by_what_differs(state: State, told: Told, lake: Path) -> None:
    planned_again(state, DEAR, "retention.keep=range.parquet")
    (line,) = told("plan", "--diff", "1", "2")
    assert (line["dataset"], line["after"], line["saving_after"]) == ("range.parquet", "keep", 0)
    assert line["before"].startswith("retire for ")
    assert line["saving_before"] > 0
    assert "retention.keep" in line["reason"]
    assert told("plan", "--diff", "2", "2") == []
    write(lake / "more.parquet", base_table(7, 900_000))
    (lake / "tiny.parquet").unlink()
    run_job(lake, state.path, DEAR)
    found = {row["dataset"]: row for row in told("plan", "--diff", "1", "3")}
    assert found.keys() == {"more.parquet", "tiny.parquet"}
    assert (found["more.parquet"]["before"], found["more.parquet"]["after"]) == (None, "keep")
    assert found["tiny.parquet"]["after"] is None
    assert found["tiny.parquet"]["reason"] == "it is not in the lake any more"


def test_a_plan_says_for_which_versions_it_was_made(state: State) -> None:
    run = runs.find_run(state)
    versions = {dataset.id: dataset.version for dataset in runs.datasets(state, run)}
    plan = runs.plan(state, run)
    assert {entry.dataset: entry.version for entry in plan.datasets} == versions
    assert plan.retired
    assert all(entry.parent_version == versions[entry.parent or ""] for entry in plan.retired)


def test_a_plan_that_a_crash_cut_off_is_no_plan(state: State, told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    first = told("plan")
    append = State.append

    def dies(self: State, table: str, rows: Any) -> None:
        if table == "plan":
            raise KeyboardInterrupt
        append(self, table, rows)

    monkeypatch.setattr(State, "append", dies)
    with pytest.raises(KeyboardInterrupt):
        runs.keep_plan(state, runs.find_run(state).run_id, runs.plan(state, runs.find_run(state)))
    monkeypatch.undo()
    assert told("plan") == first
    assert main(["plan", "--number", "2", "--state", str(state.path)]) == 6
    planned_again(state, DEAR)
    assert told("plan", "--number", "3") == first


@pytest.mark.parametrize(
    ("arguments", "code", "what"),
    [
        (["--number", "9"], 6, "there is no plan 9"),
        (["--diff", "1", "9"], 6, "there is no plan 9"),
        (["--number", "1", "--diff", "1", "1"], 2, "exclude each other"),
        (["--number", "1", "--what-if", "storage_price=2"], 2, "exclude each other"),
        (["--what-if", "price=2"], 2, "there is no 'price'"),
    ],
)
def test_what_can_not_be_shown_is_told(
    state: State, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, what: str
) -> None:
    assert main(["plan", "--state", str(state.path), *arguments]) == code
    assert what in capsys.readouterr().err


def test_details_say_what_each_line_takes_once_who_is_asked_and_how_its_parent_was_proven(
    state: State, told: Told
) -> None:
    plan, detailed = told("plan"), told("plan", "--details")
    assert detailed == told("plan", "--number", "1", "--details")
    assert [
        {key: row[key] for key in before} for row, before in zip(detailed["datasets"], plan["datasets"], strict=True)
    ] == (plan["datasets"])
    retired = [row for row in detailed["datasets"] if row["action"] == "retire"]
    assert retired
    assert all(row["once_cost"] > 0 and row["parent_version"] and row["changes_if"] for row in retired)
    assert any(row["evidence"] for row in retired)
    once = sum(row["once_cost"] for row in detailed["datasets"])
    assert detailed["once_cost"] == pytest.approx(once + detailed["run_cost"])
    assert detailed["run_cost"] > 0
    assert detailed["payback_months"] == pytest.approx(detailed["once_cost"] / plan["total_saving_per_month"])
    assert detailed["payback_date"] > "2026"
    assert main(["plan", "--details", "--what-if", "accesses=2", "--state", str(state.path)]) == 2


def test_at_factor_1_what_if_is_the_plan_also_where_one_was_made_before(state: State, told: Told, lake: Path) -> None:
    run_job(lake, state.path, DEAR)
    assert told("plan", "--what-if", "storage_price=1") == told("plan")
    planned_again(state, DEAR, "retention.max_retired_datasets=1")
    assert len([row for row in told("plan")["datasets"] if row["action"] == "retire"]) == 1
    assert told("plan", "--what-if", "max_retired_datasets=1") == told("plan")


def test_what_a_job_writes_every_night_is_not_retired_but_its_job_named(
    state: State, told: Told, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = next(row for row in told("plan")["datasets"] if row["action"] == "retire")
    name, now, lineage = made["dataset"], datetime.now(UTC), tmp_path / "lineage.csv"
    lineage.write_text(f"job,input,output,last_run\nnightly <b>copy</b>,{made['parent']},{name},{now.isoformat()}\n")
    planned_again(state, DEAR, f"usage.lineage_csv={lineage}")
    (row,) = (row for row in told("plan")["datasets"] if row["dataset"] == name)
    assert (row["action"], row["saving_per_month"]) == ("stop producer", 0.0)
    assert "nightly <b>copy</b> would write it again" in row["reason"]
    (changed,) = (row for row in told("plan", "--diff", "1", "2") if row["dataset"] == name)
    assert changed["after"].startswith("stop producer for ")
    capsys.readouterr()
    assert main(["explain", name, "--state", str(state.path)]) == 0
    assert "it could be retired once nightly <b>copy</b> has stopped" in capsys.readouterr().out


def test_a_plan_names_what_has_changed_since_it_was_made(
    state: State, told: Told, lake: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = told("plan", "--details")
    assert plan["out_of_date"] == []
    name = next(row["dataset"] for row in plan["datasets"] if row["action"] == "retire")
    write(lake / name, base_table(start=7)) if name.endswith(".parquet") else (lake / name).write_text("a,b\n1,2\n")
    assert main(["discover", str(lake), "--state", str(state.path), "--quiet"]) == 0
    capsys.readouterr()
    assert name in told("plan", "--number", "1", "--details")["out_of_date"]
    capsys.readouterr()
    assert main(["plan", "--number", "1", "--state", str(state.path)]) == 0
    assert re.search(rf"^out of date.*{re.escape(name)}", capsys.readouterr().out, re.MULTILINE)
