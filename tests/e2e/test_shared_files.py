"""Datasets that hold some files in common, through a whole run: told to all who ask, never proven or retired."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable

import pytest
from pyspark.sql import SparkSession

from r2d2.cli import main
from r2d2.job import Job
from tests.states import base_table, results, run_job, write

Output = Callable[..., str]


@pytest.fixture(scope="module")
def job(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Job:
    """Two snapshots that have a file in common (a hard link), a third that a copy made, and a slice of all."""
    lake = tmp_path_factory.mktemp("sharing") / "lake"
    table = base_table()
    write(lake / "monday/part-0.parquet", table.slice(0, 150))
    write(lake / "monday/part-1.parquet", table.slice(150))
    (lake / "tuesday").mkdir()
    os.link(lake / "monday/part-0.parquet", lake / "tuesday/part-0.parquet")
    write(lake / "tuesday/part-1.parquet", table.slice(150).take(list(reversed(range(150)))))
    write(lake / "copy.parquet", table)
    write(lake / "slice.parquet", table.slice(140, 30))
    return run_job(lake, lake.parent / "state", "retention.storage_price_factor=1e12")


@pytest.fixture
def output(job: Job, capsys: pytest.CaptureFixture[str]) -> Output:
    def run(*arguments: str) -> str:
        assert main([*arguments, "--state", str(job.state.path)]) == 0
        return str(capsys.readouterr().out)

    return run


SHARED = {("monday", "tuesday"), ("tuesday", "monday")}


def test_the_pair_is_not_proven_although_its_rows_are_equal_and_neither_side_is_retired(job: Job) -> None:
    found = results(job.state.path)
    assert not found["pairs"] & SHARED
    others = [("copy.parquet", "monday"), ("copy.parquet", "tuesday"), ("monday", "slice.parquet")]
    assert set(others) <= found["pairs"]
    fate = {entry["dataset"]: (entry["action"], entry["reason"]) for entry in found["plan"]["datasets"]}
    assert fate["monday"] == ("keep", "kept: shares files with tuesday")
    assert fate["tuesday"] == ("keep", "kept: shares files with monday")
    assert fate["copy.parquet"][0] == fate["slice.parquet"][0] == "retire"


def test_datasets_lists_with_whom_files_are_shared(output: Output) -> None:
    rows = {row["dataset"]: row for row in json.loads(output("datasets", "--format", "json"))}
    shared = {name: row["shared_with"] for name, row in rows.items()}
    assert shared == {"copy.parquet": [], "monday": ["tuesday"], "slice.parquet": [], "tuesday": ["monday"]}
    lines = csv.DictReader(io.StringIO(output("datasets", "--format", "csv")))
    assert {line["dataset"]: line["shared_with"] for line in lines}["monday"] == "tuesday"
    assert "shared with" in output("datasets")


def test_edges_lists_shared_pairs_for_who_asks_and_among_no_other_grade(output: Output) -> None:
    edges = json.loads(output("edges", "--grade", "shared", "--format", "json"))
    assert {(edge["parent"], edge["child"]) for edge in edges} == SHARED
    assert {(edge["grade"], edge["how"], edge["equal"]) for edge in edges} == {("shared", "", False)}
    assert {edge["reason"] for edge in edges} == {"they hold files in common, so neither can be retired; not compared"}
    assert 'source="monday" target="tuesday"' in output("edges", "--grade", "shared", "--format", "graphml")
    for grade in ("candidate", "plausible", "proven", "refuted"):
        listed = json.loads(output("edges", "--grade", grade, "--all", "--format", "json"))
        assert not {(edge["parent"], edge["child"]) for edge in listed} & SHARED, grade


def test_explain_says_it_for_both_and_for_no_other(output: Output) -> None:
    for dataset, other in SHARED:
        text = output("explain", dataset)
        assert f"shares files with {other}: neither can be retired, and they are not compared with each other" in text
        assert f"Not compared, because they hold files in common: 1\n  {other}: it has the same columns\n" in text
        assert "Holds the same rows: 1\n  copy.parquet" in text
    assert "in common" not in output("explain", "copy.parquet")


def test_the_funnel_counts_them_for_people_and_machines_and_the_report_says_it(
    job: Job, capsys: pytest.CaptureFixture[str]
) -> None:
    lake, state = job.roots[0], job.state.path
    assert main(["run", lake, "--state", str(state), "--format", "json"]) == 0
    out, err = capsys.readouterr()
    funnel = json.loads(out)
    assert funnel["shared"] == 2
    assert funnel["candidates"] == 12
    assert "2  hold files in common: not compared, neither is retired" in err
    page = (state / "report.html").read_text()
    assert "2 pairs whose schema fits hold files in common" in page
    assert "holds files that are also in tuesday" in page
