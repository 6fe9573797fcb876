"""``containment.verify=paper`` through whole runs: what holds stays plausible, and nothing is proven or retired."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from r2d2.catalog import runs
from r2d2.catalog.state import open_state
from r2d2.cli import main
from r2d2.commands.explain import explain_lines
from tests.states import base_table, read, results, run_job, small_lake, write

pytestmark = pytest.mark.spark


def lake_with_misses(lake: Path) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    """The small lake, and datasets of which half the rows are in no other; pairs that hold, and pairs to be refuted."""
    pairs = small_lake(lake)
    table = base_table()
    for start in (0, 60, 120):
        rows = table.slice(start, 100)
        amounts = pa.array([v + 0.5 * (i % 2) for i, v in enumerate(rows["amount"].to_pylist())], pa.float64())
        write(lake / f"half_{start}.parquet", rows.set_column(2, "amount", amounts))
    return pairs, {("base.parquet", f"half_{start}.parquet") for start in (0, 60, 120)}


def test_true_pairs_stay_plausible_big_misses_are_refuted_and_nothing_is_retired(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pairs, misses = lake_with_misses(tmp_path / "lake")
    job = run_job(tmp_path / "lake", tmp_path / "state", "containment.verify=paper")
    found = results(tmp_path / "state")
    by_grade = {
        grade: {(e["parent"], e["child"]): e for e in found["edges"] if e["grade"] == grade}
        for grade in ("plausible", "refuted", "proven", "candidate")
    }
    assert by_grade["plausible"].keys() >= pairs
    assert by_grade["refuted"].keys() >= misses
    assert (by_grade["proven"], by_grade["candidate"], found["pairs"]) == ({}, {}, set())
    assert {edge["how"] for edge in found["edges"]} == {"sample"}
    assert {entry["action"] for entry in found["plan"]["datasets"]} == {"keep"}
    assert job.funnel.undecided == len(by_grade["plausible"])
    _shown(tmp_path / "state", capsys)
    again = run_job(tmp_path / "lake", tmp_path / "state", "containment.verify=paper")
    assert read(again) == {}
    assert results(tmp_path / "state")["edges"] == found["edges"]


def _shown(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is plausible says so wherever it is shown, with what may be missing all the same."""
    bound = "at 95% confidence at most 23.8% of its rows are missing"
    assert main(["edges", "--state", str(state), "--grade", "plausible", "--format", "csv"]) == 0
    assert bound in capsys.readouterr().out
    opened = open_state(str(state))
    lines = list(explain_lines(opened, runs.find_run(opened, ""), "range.parquet"))
    assert "Holds all its rows and more: no other dataset" in lines
    (heading,) = [number for number, line in enumerate(lines) if line.startswith("May hold all its rows, neither")]
    assert "by sample: not proven" in lines[heading + 1]
    assert bound in lines[heading + 1]
    assert "  kept: no other dataset is proven to hold all its rows" in lines
    report = (state / "report.html").read_text()
    assert "This run only sampled" in report


def test_what_was_sampled_is_proven_by_a_run_that_compares_all_rows(spark: SparkSession, tmp_path: Path) -> None:
    expected = small_lake(tmp_path / "lake")
    run_job(tmp_path / "lake", tmp_path / "state", "containment.verify=paper")
    run_job(tmp_path / "lake", tmp_path / "state")
    assert results(tmp_path / "state")["pairs"] == expected
    assert "This run only sampled" not in (tmp_path / "state/report.html").read_text()
