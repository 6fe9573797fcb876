"""A run on what an earlier one has seen takes its containments over, and only then."""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from r2d2 import pipeline
from r2d2.catalog import runs
from r2d2.catalog.state import open_state
from r2d2.cli import main
from r2d2.job import Job
from tests.states import SMALL_SKETCH, base_table, read, results, run_job, small_lake, write


def stages(job: Job) -> set[str]:
    """Names of the stages that a run went through."""
    return {stage.name for stage in job.funnel.stages}


def found_itself(job: Job) -> bool:
    """Whether a run looked at pairs itself."""
    return "schema graph and min-max" in stages(job)


def test_an_unchanged_lake_gives_the_same_without_spark_and_without_reading_a_file(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake, state = tmp_path / "lake", tmp_path / "state"
    expected = small_lake(lake)
    first = run_job(lake, state, SMALL_SKETCH)
    before = results(state)
    assert before["pairs"] == expected

    def refused(*_: object) -> None:
        raise AssertionError("Spark was started")

    monkeypatch.setattr("r2d2.job.build_session", refused)
    second = run_job(lake, state, SMALL_SKETCH)
    assert second.run_id != first.run_id
    assert results(state, second.run_id) == before
    assert read(second) == {}
    assert not found_itself(second)
    counts = {
        name: value for name, value in vars(first.funnel).items() if name not in ("stages", "unchanged_since", "cost")
    }
    assert counts == {name: value for name, value in vars(second.funnel).items() if name in counts}
    assert (first.funnel.unchanged_since, second.funnel.unchanged_since) == ("", first.run_id)


def test_what_a_run_says_is_the_same_when_it_takes_over(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small_lake(tmp_path / "lake")
    command = ["run", str(tmp_path / "lake"), "--state", str(tmp_path / "state")]
    command += ["--set", SMALL_SKETCH, "--set", "retention.storage_price_factor=10000000"]
    said = []
    for _ in range(2):
        assert main(command) == 0
        said.append(capsys.readouterr())
    assert said[0].out == said[1].out
    assert "rebuilt from" in said[0].out
    assert "nothing has changed since" not in said[0].err
    assert f"those of run {runs.runs(open_state(str(tmp_path / 'state')))[1].run_id}" in said[1].err


def test_any_change_of_the_lake_is_found(spark: SparkSession, tmp_path: Path) -> None:
    """One change after the other: a row, a new dataset, one that moved, one that is gone."""
    lake, state = tmp_path / "lake", tmp_path / "state"
    expected = small_lake(lake)
    run_job(lake, state, SMALL_SKETCH)

    def found_again(change: str) -> set[tuple[str, str]]:
        assert found_itself(run_job(lake, state, SMALL_SKETCH)), change
        found: set[tuple[str, str]] = results(state)["pairs"]
        return found

    write(lake / "range.parquet", pa.concat_tables([base_table().slice(100, 79), base_table(1, 500_000)]))
    expected = {pair for pair in expected if "range.parquet" not in pair}
    assert found_again("row") == expected
    write(lake / "new.parquet", base_table().slice(0, 0))
    assert found_again("new") == expected
    (lake / "sample.parquet").rename(lake / "named.parquet")
    expected = {(parent, child.replace("sample", "named")) for parent, child in expected}
    assert found_again("moved") == expected
    (lake / "named.parquet").unlink()
    assert found_again("gone") == {pair for pair in expected if "named.parquet" not in pair}


def test_other_settings_find_again_and_so_do_prices_where_they_decide_what_is_compared(
    spark: SparkSession, tmp_path: Path
) -> None:
    lake, state = tmp_path / "lake", tmp_path / "state"
    small_lake(lake)
    run_job(lake, state)
    assert found_itself(run_job(lake, state, "containment.case_sensitive=true"))
    assert found_itself(run_job(lake, state, "containment.goal=value"))
    assert found_itself(run_job(lake, state, "containment.goal=value"))
    assert not found_itself(run_job(lake, state, "retention.storage_price=7"))


def test_a_dataset_that_could_not_be_read_is_tried_again(spark: SparkSession, tmp_path: Path) -> None:
    lake, state = tmp_path / "lake", tmp_path / "state"
    small_lake(lake)
    content = bytearray((lake / "sample.parquet").read_bytes())
    content[10:200] = bytes(190)
    (lake / "sample.parquet").write_bytes(content)
    for _ in range(2):
        job = run_job(lake, state)
        assert job.funnel.unusable == {"unprovable": 1}
        assert found_itself(job)


def test_a_run_that_a_limit_ended_is_no_result_for_a_later_one(spark: SparkSession, tmp_path: Path) -> None:
    lake, state = tmp_path / "lake", tmp_path / "state"
    expected = small_lake(lake)
    limited = run_job(lake, state, "containment.max_bytes=20KB")
    assert limited.funnel.limit == "max_bytes"
    assert found_itself(run_job(lake, state))
    assert results(state)["pairs"] == expected
    assert not found_itself(run_job(lake, state, "containment.max_bytes=20KB"))
    assert results(state)["pairs"] == expected


def test_a_stage_run_again_leaves_runs_alone_that_took_its_result_over(spark: SparkSession, tmp_path: Path) -> None:
    lake, state = tmp_path / "lake", tmp_path / "state"
    expected = small_lake(lake)
    table = base_table()
    renamed = table.slice(0, 9).rename_columns([name.upper() for name in table.column_names])
    pq.write_table(renamed, lake / "upper.parquet")
    first, second = run_job(lake, state), run_job(lake, state)
    before = results(state, second.run_id)
    assert before["pairs"] > expected
    common = ["--state", str(state), "--run", first.run_id, "--quiet"]
    assert main(["containment", *common, "--set", "containment.case_sensitive=true"]) == 0
    assert main(["retention", *common, "--set", "containment.case_sensitive=true"]) == 0
    assert results(state, first.run_id)["pairs"] == expected
    assert results(state, second.run_id) == before
    assert not found_itself(run_job(lake, state))
    assert results(state)["pairs"] == before["pairs"]


def test_a_result_that_is_not_all_there_any_more_is_found_again(spark: SparkSession, tmp_path: Path) -> None:
    lake, state = tmp_path / "lake", tmp_path / "state"
    expected = small_lake(lake)
    last = run_job(lake, state)
    for harm in (a_row_less, cut_off, gone, a_page):
        harm(state, last.run_id)
        last = run_job(lake, state)
        assert found_itself(last), harm.__name__
        assert results(state, last.run_id)["pairs"] == expected
    assert not found_itself(run_job(lake, state))
    assert results(state)["pairs"] == expected


def a_row_less(state: Path, run_id: str) -> None:
    opened = open_state(str(state))
    opened.write_run("edges", run_id, opened.rows("edges", run_id).slice(1))


def edges_file(state: Path, run_id: str) -> Path:
    (file,) = (state / f"edges/run_id={run_id}").glob("*.parquet")
    return file


def cut_off(state: Path, run_id: str) -> None:
    file = edges_file(state, run_id)
    file.write_bytes(file.read_bytes()[:50])


def gone(state: Path, run_id: str) -> None:
    edges_file(state, run_id).unlink()


def a_page(state: Path, run_id: str) -> None:
    file = edges_file(state, run_id)
    content = bytearray(file.read_bytes())
    content[4:200] = os.urandom(196)
    file.write_bytes(content)


def test_what_was_proven_with_one_secret_is_not_taken_over_by_another(spark: SparkSession, tmp_path: Path) -> None:
    lake, state = tmp_path / "lake", tmp_path / "state"
    expected = small_lake(lake)
    for new in (True, False, True):
        if new:
            (state / ".r2d2.secret").unlink(missing_ok=True)
        job = run_job(lake, state, "containment.verify=keyed")
        assert found_itself(job) == new
        assert bool(read(job).get("scan")) == new
        assert results(state, job.run_id)["pairs"] == expected


def test_a_submitted_program_starts_spark_whatever_there_is_to_do(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """*Seen* in Spark's own code: in cluster mode YARN calls a program failed that ends without a SparkContext."""
    small_lake(tmp_path / "lake")
    assert "start Spark" in stages(run_job(tmp_path / "lake", tmp_path / "state"))
    assert "start Spark" not in stages(run_job(tmp_path / "lake", tmp_path / "state"))
    monkeypatch.setattr(pipeline, "is_submitted", lambda: True)
    assert "start Spark" in stages(run_job(tmp_path / "lake", tmp_path / "state"))
