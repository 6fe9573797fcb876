"""What runs night after night: an unchanged lake is cheap, a changed one costs what changed, and runs may overlap."""

from __future__ import annotations

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import fastavro
import pyarrow as pa
import pyarrow.orc as orc
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from r2d2 import pipeline
from r2d2.catalog import runs
from r2d2.catalog.state import existing_state, open_state
from r2d2.cli import main
from r2d2.config import load_settings
from r2d2.job import Job
from r2d2.progress import Progress
from tests.operations.opens import files_opened
from tests.s3_servers import Faults, bucket, environment, faulty, s3_endpoint
from tests.small_lakes import delta
from tests.states import base_table, read, results, run_job, small_lake, write

pytestmark = pytest.mark.spark


def many_datasets(lake: Path, number: int) -> None:
    """Parquet files, directories of them, CSV files, and an empty Delta table; of each ten, two hold the same rows."""
    for i in range(number):
        table = base_table(20, 1000 * (i - i % 10 // 9))
        team = lake / f"team {i % 20}"
        if i % 20 == 3:
            write(team / f"{i}.csv", table)
        elif i % 20 == 7:
            write(team / f"{i}/part-0.parquet", table.slice(0, 10))
            write(team / f"{i}/part-1.parquet", table.slice(10))
        else:
            write(team / f"{i}.parquet", table)
    delta(lake / "empty table")


@pytest.mark.parametrize("number", [100, pytest.param(1000, marks=pytest.mark.full)])
def test_an_unchanged_lake_is_planned_again_without_opening_a_data_file(
    spark: SparkSession, tmp_path: Path, number: int, capsys: pytest.CaptureFixture[str]
) -> None:
    lake, state = tmp_path / "lake", tmp_path / "state"
    many_datasets(lake, number)
    rows = {"a": [1, 2, 3]}
    orc.write_table(pa.table(rows), lake / "by spark.orc")
    with (lake / "by spark.avro").open("wb") as stream:
        fields = [{"name": "a", "type": "long"}]
        fastavro.writer(stream, {"type": "record", "name": "r", "fields": fields}, pa.table(rows).to_pylist())
    with files_opened(lake) as opened:
        first = run_job(lake, state)
    files = {path.relative_to(lake) for path in lake.rglob("*") if path.is_file()}
    assert opened == files, "the counter sees what is read by Python, Arrow and DuckDB, here and in Spark's workers"
    started = time.monotonic()
    with files_opened(lake) as opened:
        assert main(["run", str(lake), "--state", str(state)]) == 0
    assert time.monotonic() - started < 60
    assert {path for path in opened if "_delta_log" not in path.parts} == set()
    said = capsys.readouterr().err
    assert f"nothing has changed in the lake since run {first.run_id}: no row of it was read" in said
    again = runs.find_run(open_state(str(state)))
    assert again.funnel.datasets == number + 3
    assert results(state) == results(state, first.run_id)


def test_of_a_changed_lake_is_opened_what_changed_and_what_is_first_compared_with_it(
    spark: SparkSession, tmp_path: Path
) -> None:
    lake, state = tmp_path / "lake", tmp_path / "state"
    many_datasets(lake, 40)
    run_job(lake, state)
    changed, new = Path("team 9/9.parquet"), Path("team 0/new.parquet")
    never_compared = Path("team 2/2.parquet")
    pq.write_table(base_table(15, 8003), lake / changed)
    pq.write_table(base_table(5, 2003), lake / new)  # rows of a dataset that was in no pair until now
    (lake / "team 1/1.parquet").unlink()
    with files_opened(lake) as opened:
        job = run_job(lake, state)
    assert {path for path in opened if "_delta_log" not in path.parts} == {changed, new, never_compared}
    assert not job.funnel.unchanged_since
    assert {("team 8/8.parquet", str(changed)), (str(never_compared), str(new))} <= results(state)["pairs"]


def test_an_empty_dataset_more_is_a_change_although_no_pair_comes_of_it(spark: SparkSession, tmp_path: Path) -> None:
    lake, state = tmp_path / "lake", tmp_path / "state"
    many_datasets(lake, 10)
    run_job(lake, state)
    assert run_job(lake, state).funnel.unchanged_since
    pq.write_table(base_table(0), lake / "none.parquet")
    job = run_job(lake, state)
    assert not job.funnel.unchanged_since
    assert list(read(job)) == ["read metadata"], "and its pairs, of which there are none, were taken over"


def test_an_unchanged_lake_in_a_store_is_only_listed(spark: SparkSession, tmp_path: Path) -> None:
    local, root = tmp_path / "lake", "s3://nightly/lake"
    expected = small_lake(local)
    calls = Faults(every=1 << 30)
    with s3_endpoint() as endpoint, faulty(endpoint, calls) as url, environment(url):
        client = bucket(endpoint, "nightly")
        for path in local.rglob("*.*"):
            client.upload_file(str(path), "nightly", f"lake/{path.relative_to(local)}")
        first = run_job([root], tmp_path / "state")
        assert calls.reads["/nightly/lake/base.parquet"] > 0
        calls.reads.clear()
        again = run_job([root], tmp_path / "state")
    assert results(tmp_path / "state")["pairs"] == expected
    assert again.funnel.unchanged_since == first.run_id
    assert any("list-type=2" in path for path in calls.reads)
    assert [path for path in calls.reads if path.startswith("/nightly/lake/")] == [], "no object was asked for"


def test_nights_that_were_missed_are_caught_up_by_the_next_run(spark: SparkSession, tmp_path: Path) -> None:
    lake, states = tmp_path / "lake", [tmp_path / "each night", tmp_path / "the first and the last"]
    small_lake(lake)
    for night in range(3):
        write(lake / f"night{night}.parquet", base_table().slice(night * 10, 30))
        if night == 1:
            (lake / "range.parquet").unlink()
        run_job(lake, states[0])
        if night in (0, 2):
            run_job(lake, states[1])
    assert results(states[0]) == results(states[1])


def test_two_runs_that_overlap_give_the_result_of_one(spark: SparkSession, tmp_path: Path) -> None:
    lake, state = tmp_path / "lake", tmp_path / "state"
    expected = small_lake(lake)
    settings = load_settings(environ={})

    def night(_: int) -> Job:
        return pipeline.run([str(lake)], str(state), settings, Progress(quiet=True), wait=120).job

    with ThreadPoolExecutor(2) as both:
        first, second = sorted(both.map(night, range(2)), key=lambda job: job.funnel.unchanged_since)
    assert (first.funnel.unchanged_since, second.funnel.unchanged_since) == ("", first.run_id)
    assert results(state, first.run_id) == results(state, second.run_id)
    assert results(state)["pairs"] == expected
    assert read(second) == {}


def test_a_run_waits_for_another_and_says_for_which(spark: SparkSession, tmp_path: Path) -> None:
    lake, state = tmp_path / "lake", tmp_path / "state"
    small_lake(lake)
    run_job(lake, state)
    command = [sys.executable, "-m", "r2d2", "run", str(lake), "--state", str(state), "--wait", "2m"]
    with open_state(str(state)).locked():
        waiting = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        assert waiting.stderr
        line = waiting.stderr.readline()
        assert "in use by another r2d2 run (process " in line
        assert "waits for up to 2 min" in line
        assert waiting.poll() is None
    _, said = waiting.communicate(timeout=120)
    assert (waiting.returncode, "nothing has changed in the lake since run" in said) == (0, True)


def test_a_run_that_waited_in_vain_says_who_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "lake").mkdir()
    state = open_state(str(tmp_path / "state"), create=True)
    command = ["discover", str(tmp_path / "lake"), "--state", str(state.path), "--wait", "0.1"]
    with state.locked():
        assert main(command) == 5
    assert "is in use by another r2d2 run (process " in capsys.readouterr().err


def test_a_time_to_wait_that_is_none_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["run", str(tmp_path), "--state", str(tmp_path / "state"), "--wait", "soon"])
    assert "'soon' is not a time: seconds, or a number with s, m, h or d" in capsys.readouterr().err


def test_a_state_that_another_run_is_making_is_no_strangers_directory(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    (state / f".r2d2-state.json.{2**22}").touch()  # what a run writes first; one that died there leaves it
    assert existing_state(str(state)) is None
    made = open_state(str(state), create=True)
    assert runs.runs(made) == []
    assert existing_state(str(state)) == made
