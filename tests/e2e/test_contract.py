"""Output for machines is a contract: keys, types, what is on standard output, exit codes."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from r2d2.catalog import runs
from r2d2.catalog.state import open_state
from r2d2.cli import main
from r2d2.config import describe
from tests.states import SMALL_SKETCH, base_table, read, results, run_job, small_lake, write

#: So that a lake of kilobytes has something to save.
DEAR = "retention.storage_price_factor=1e9"
EDGE = {
    "parent": str,
    "child": str,
    "grade": str,
    "rows_child": int,
    "rows_parent": int,
    "equal": bool,
    "how": str,
    "reason": str,
}
DATASET = {
    "dataset": str,
    "format": str,
    "rows": (int, type(None)),
    "bytes": int,
    "columns": int,
    "version": str,
    "names": list,
    "shared_with": list,
    "error": str,
}
PLANNED = {
    "dataset": str,
    "action": str,
    "parent": (str, type(None)),
    "saving_per_month": float,
    "rebuild_cost": float,
    "rebuild_seconds": float,
    "reason": str,
}
PLAN = {
    "datasets": list,
    "total_saving_per_month": float,
    "bytes_retired": int,
    "currency": str,
    "solver": str,
    "optimal": bool,
}
RUN = {
    "run_id": str,
    "started": str,
    "status": str,
    "roots": list,
    "datasets": int,
    "edges": int,
    "money_saved": float,
    "seconds": float,
    "cost": float,
    "version": str,
}
PRICE = {
    "sheet": str,
    "class": str,
    "figure": str,
    "value": float,
    "unit": str,
    "as_of": str,
    "source": str,
    "note": str,
}
Output = Callable[..., str]


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    lake = tmp_path_factory.mktemp("contract") / "lake"
    small_lake(lake)
    write(lake / "older.parquet", base_table(300).slice(0, 299)).with_suffix(".txt").write_text("no data")
    (lake / "broken.parquet").write_bytes(b"PAR1")
    write(lake / "elsewhere.parquet", base_table(40, 5_000))
    return lake


@pytest.fixture(scope="module")
def state(spark: SparkSession, lake: Path) -> Path:
    run_job(lake, lake.parent / "state", SMALL_SKETCH, DEAR)
    return lake.parent / "state"


@pytest.fixture
def output(state: Path, capsys: pytest.CaptureFixture[str]) -> Output:
    """Standard output of a command on the state; nothing may be on standard error."""

    def run(*arguments: str) -> str:
        assert main([*arguments, "--state", str(state)]) == 0
        out, err = capsys.readouterr()
        assert not err
        return str(out)

    return run


def is_of(row: dict[str, Any], kinds: dict[str, Any]) -> bool:
    """Exactly these keys, in this order, with values of exactly these types."""
    types = [kind if isinstance(kind, tuple) else (kind,) for kind in kinds.values()]
    return list(row) == list(kinds) and all(type(v) in kind for v, kind in zip(row.values(), types, strict=True))


def pairs(edges: list[dict[str, Any]]) -> set[tuple[str, str]]:
    return {(edge["parent"], edge["child"]) for edge in edges}


def test_edges_are_the_reduction_and_with_all_every_pair(output: Output, tmp_path: Path) -> None:
    edges = json.loads(output("edges", "--format", "json"))
    every = json.loads(output("edges", "--all", "--format", "json"))
    assert all(is_of(edge, EDGE) for edge in edges + every)
    assert {edge["grade"] for edge in edges + every} == {"proven"}
    assert pairs(edges) < pairs(every)
    assert len(pairs(every)) == len(every)
    assert small_lake(tmp_path / "lake") <= pairs(every)
    assert {edge["equal"] for edge in every} == {True, False}
    assert {(b, a) for a, b in pairs([e for e in every if e["equal"]])} == pairs([e for e in every if e["equal"]])


def test_refuted_edges_say_why_and_with_all_those_by_metadata_too(output: Output) -> None:
    refuted = json.loads(output("edges", "--grade", "refuted", "--format", "json"))
    every = json.loads(output("edges", "--grade", "refuted", "--all", "--format", "json"))
    assert all(is_of(edge, EDGE) and edge["reason"] and edge["how"] for edge in refuted + every)
    assert {edge["grade"] for edge in every} == {"refuted"}
    assert pairs(refuted) < pairs(every)
    assert {edge["how"] for edge in every if (edge["parent"], edge["child"]) not in pairs(refuted)} == {"min-max"}
    for grade in ("plausible", "shared"):
        assert json.loads(output("edges", "--grade", grade, "--format", "json")) == []


def test_datasets_and_runs_have_their_keys(output: Output, lake: Path) -> None:
    datasets = json.loads(output("datasets", "--format", "json"))
    assert all(is_of(row, DATASET) for row in datasets)
    assert [row["dataset"] for row in datasets] == sorted(row["dataset"] for row in datasets)
    by_id = {row["dataset"]: row for row in datasets}
    assert by_id["base.parquet"] | {"bytes": 0, "version": ""} == {
        "dataset": "base.parquet",
        "format": "parquet",
        "rows": 300,
        "bytes": 0,
        "columns": 3,
        "version": "",
        "names": [],
        "shared_with": [],
        "error": "",
    }
    assert (by_id["broken.parquet"]["rows"], by_id["broken.parquet"]["error"][:7]) == (None, "error: ")
    (run, *_) = json.loads(output("runs", "--format", "json"))
    assert is_of(run, RUN)
    assert (run["status"], run["roots"], run["datasets"]) == ("finished", [str(lake)], len(datasets))
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ", run["started"])


def test_plan_has_its_keys_and_adds_up(output: Output) -> None:
    plan = json.loads(output("plan", "--format", "json"))
    assert is_of(plan, PLAN)
    assert all(
        is_of(row, PLANNED) and row["action"] in ("keep", "retire") and row["reason"] for row in plan["datasets"]
    )
    retired = [row for row in plan["datasets"] if row["action"] == "retire"]
    kept = {row["dataset"] for row in plan["datasets"]} - {row["dataset"] for row in retired}
    assert retired
    assert all(row["parent"] in kept and row["saving_per_month"] > 0 for row in retired)
    assert all(row["parent"] is None for row in plan["datasets"] if row["action"] == "keep")
    assert plan["total_saving_per_month"] == pytest.approx(sum(row["saving_per_month"] for row in retired))
    sizes = {row["dataset"]: row["bytes"] for row in json.loads(output("datasets", "--format", "json"))}
    assert plan["bytes_retired"] == sum(sizes[row["dataset"]] for row in retired)
    assert len(plan["datasets"]) == len(sizes)


def test_what_if_plans_anew_at_other_prices_and_limits_and_keeps_nothing(output: Output) -> None:
    def planned(*what_if: str) -> dict[str, Any]:
        flags = [part for text in what_if for part in ("--what-if", text)]
        plan: dict[str, Any] = json.loads(output("plan", "--format", "json", *flags))
        assert is_of(plan, PLAN)
        return plan

    plan, runs_before = planned(), output("runs")
    assert planned("storage_price=1") == plan
    for nothing in ("storage_price=0", "latency_limit=0", "accesses=1e9"):
        assert planned(nothing)["bytes_retired"] == 0, nothing
    dearer = planned("storage_price=2", "accesses=0")
    assert dearer["total_saving_per_month"] > 2 * plan["total_saving_per_month"]
    assert dearer["bytes_retired"] >= plan["bytes_retired"]
    assert (planned(), output("runs")) == (plan, runs_before)
    table = output("plan", "--what-if", "storage_price=0")
    assert "would save 0.00 USD a month and 0 B" in table
    assert re.search(r"plan 1 saves \S+ USD a month", table)


@pytest.mark.parametrize(
    ("command", "columns"), [("edges", EDGE), ("datasets", DATASET), ("plan", PLANNED), ("runs", RUN)]
)
def test_csv_and_table_say_the_same_as_json(output: Output, command: str, columns: dict[str, Any]) -> None:
    payload = json.loads(output(command, "--format", "json"))
    rows = payload["datasets"] if command == "plan" else payload
    lines = list(csv.DictReader(io.StringIO(output(command, "--format", "csv"))))
    assert list(lines[0]) == list(columns)
    assert len(lines) == len(rows)
    text = [name for name, kind in columns.items() if kind in (str, int)]
    assert [[line[name] for name in text] for line in lines] == [[str(row[name]) for name in text] for row in rows]
    table = output(command)
    first = next(iter(columns))
    assert all(str(row[first]) in table for row in rows)
    assert all(name.replace("_", " ") in table for name in columns)


def test_run_is_named_by_the_start_of_its_id(output: Output) -> None:
    run_id = json.loads(output("runs", "--format", "json"))[-1]["run_id"]
    newest = output("edges", "--format", "json")
    assert output("edges", "--run", run_id, "--format", "json") == newest
    assert output("edges", "--run", run_id[:-2], "--format", "json") == newest


def amounts_in(text: str, end: str = "USD") -> list[float]:
    return [float(n.replace(",", "")) for n in re.findall(rf"^  .*?(-?[\d,]+\.?\d*) {end}$", text, re.M)]


def test_explain_gives_each_stage_the_witness_and_a_sum(output: Output) -> None:
    text = output("explain", "sample.parquet")
    assert "Holds all its rows and more: " in text
    assert "  older.parquet, by join: all 100 rows compared one by one" in text
    assert "  base.parquet, by implied: it follows from proven containments" in text
    assert re.search(r"Ruled out by row counts, null counts and bounds: [1-9]", text), text
    assert "Ruled out by the schema: 1" in text
    assert "columns.parquet lacks name" in text
    assert "Plan: retire" in text
    *lines, total = amounts_in(text)
    assert total == pytest.approx(sum(lines), abs=0.02 * len(lines))
    plan = json.loads(output("plan", "--format", "json"))
    (entry,) = (row for row in plan["datasets"] if row["dataset"] == "sample.parquet")
    assert total == pytest.approx(entry["saving_per_month"], abs=0.01)
    *lines, once = amounts_in(text, "USD once")
    assert once == pytest.approx(sum(lines), abs=0.01 * len(lines))
    (months,) = re.findall(r"pays back in +([\d.]+) months", text)
    assert float(months) == pytest.approx(once / total, abs=0.06)
    assert "versions that a bucket's own rules keep" in text


def test_explain_of_what_can_not_be_used_says_why(output: Output) -> None:
    text = output("explain", "broken.parquet")
    assert "it takes part in no comparison" in text
    assert "Plan: keep" in text


def test_refutation_by_content_has_a_witness(output: Output) -> None:
    text = output("explain", "near.parquet")
    witness = r" .* \[witness: a row, here once, there not at all\]"
    assert re.search(r"sample\.parquet, by sketch:" + witness, text), text
    assert re.search(r"base\.parquet, by join: 1 of its distinct rows" + witness, text), text
    assert "Holds all its rows and more: no other dataset" in text
    shown = output("explain", "near.parquet", "--set", "report.show_values=true")
    assert re.search(r"\[witness: row hash [0-9a-f]{32}, here once, there not at all\]", shown), shown


def test_second_run_reads_nothing_and_finds_the_same(spark: SparkSession, state: Path, lake: Path) -> None:
    before = results(state)
    job = run_job(lake, state, SMALL_SKETCH, DEAR)
    assert read(job) == {"read metadata": (1, 0)}, "only what could not be read is tried again"
    after = results(state, job.run_id)
    assert after == before


def test_commands_on_the_state_start_no_spark_and_answer_at_once(state: Path) -> None:
    for command in (["edges", "--all"], ["datasets"], ["plan"], ["runs"], ["explain", "base.parquet"]):
        code = (
            f"import sys; sys.argv = ['r2d2', *{command!r}, '--state', {str(state)!r}]\n"
            "from r2d2.cli import main\nassert main() == 0\n"
            "print([name for name in sys.modules if name.partition('.')[0] in ('pyspark', 'py4j', 'duckdb', 'pulp')],"
            " file=sys.stderr)"
        )
        started = time.monotonic()
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        seconds = time.monotonic() - started
        assert done.returncode == 0, done.stderr
        print(command, round(seconds, 2), done.stderr)
        assert "pyspark" not in done.stderr
        assert seconds < 10, "1 s where the machine is idle"


def test_check_says_what_can_be_read(lake: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(lake), "--format", "json"]) == 4
    out, err = capsys.readouterr()
    rows = {row["dataset"]: row for row in json.loads(out)}
    assert all(is_of(row, DATASET) for row in rows.values())
    assert rows["base.parquet"]["rows"] == 300
    assert "1 error" in err
    small_lake(tmp_path / "fine")
    assert main(["check", str(tmp_path / "fine"), "--quiet"]) == 0
    assert capsys.readouterr().err == ""


def test_settings_lists_each_setting(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["settings"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" = ")[0] for line in lines] == [key for key, _ in describe()]


def test_prices_name_their_sources(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prices", "--format", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {row["sheet"] for row in rows} == {"s3", "adls", "gcs", "on-premises"}
    assert all(is_of(row, PRICE) and row["source"] and row["as_of"] for row in rows)
    (standard,) = (row for row in rows if (row["sheet"], row["class"], row["figure"]) == ("s3", "STANDARD", "storage"))
    assert (standard["value"], standard["unit"]) == (0.023, "USD a GB a month")


def test_help_names_commands_and_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    text = capsys.readouterr().out
    for code, error in EXIT_CODES.items():
        assert f"{code} {error}" in text
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    with pytest.raises(SystemExit, match="2"):
        main([])


EXIT_CODES = {
    0: "done",
    1: "other error",
    2: "usage",
    3: "something to install",
    4: "lake",
    5: "state",
    6: "not found",
    7: "solver",
    8: "scan",
    9: "a dataset was left alone",
    10: "tampered with",
}


STAGE_FIGURES = {"name", "seconds", "bytes_read", "files_read", "driver_peak_bytes", "spark"}


def test_stages_one_by_one_give_what_run_gives(
    spark: SparkSession, state: Path, lake: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = ["--set", SMALL_SKETCH, "--set", DEAR]
    stages = [["discover", str(lake)], ["containment"], ["retention"], ["report"]]
    for stage, *arguments in stages:
        assert main([stage, *arguments, "--state", str(tmp_path / "state"), *settings]) == 0
        out, err = capsys.readouterr()
        newest = runs.runs(open_state(str(tmp_path / "state")))[0].run_id
        assert out == (f"{newest}\n" if stage == "discover" else "")
        assert err
    assert results(tmp_path / "state") == results(state)
    assert (tmp_path / "state/report.html").stat().st_size > 10_000
    assert main(["runs", "--state", str(tmp_path / "state"), "--format", "json"]) == 0
    assert [run["status"] for run in json.loads(capsys.readouterr().out)] == ["planned"]


def test_only_the_payload_goes_to_standard_output(
    spark: SparkSession, lake: Path, state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = ["--set", SMALL_SKETCH, "--set", "semantics.topics=true"]
    assert main(["run", str(lake), "--state", str(state), "--format", "json", *settings]) == 0
    out, err = capsys.readouterr()
    funnel = json.loads(out)
    assert funnel["proven"]
    assert (funnel["datasets"] - funnel["usable"], funnel["unusable"], funnel["shared"]) == (1, {"error": 1}, 0)
    assert re.search(r"  datasets +\d+  1 takes no part: 1 error\n", err), err
    assert [stage["name"] for stage in funnel["stages"]][-1] == "report"
    assert all(set(stage) == STAGE_FIGURES for stage in funnel["stages"])
    assert f"report: {state}/report.html" in err
    assert re.search(rf"\n\d+ topics: r2d2 topics --state {re.escape(str(state))}\n", err), err
    assert 'id="topics"' in (state / "report.html").read_text(encoding="utf-8")
    assert "note: " in err
    assert main(["run", str(lake), "--state", str(state), "--quiet", "--set", SMALL_SKETCH]) == 0
    out, err = capsys.readouterr()
    assert out == "  nothing is worth retiring; `r2d2 plan` says why for each dataset\n"
    assert not err
