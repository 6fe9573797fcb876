"""What runs tell other systems: OpenLineage events, metrics, what a run cost."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from datetime import datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from openlineage.client.event_v2 import RunEvent
from prometheus_client.parser import text_string_to_metric_families
from pyspark.sql import SparkSession

from r2d2 import pipeline
from r2d2.catalog import runs
from r2d2.catalog.state import State, open_state
from r2d2.cli import main
from r2d2.config import OperationsSettings, Settings, load_settings
from r2d2.errors import UsageError
from r2d2.job import new_job
from r2d2.lake.session import held_cores
from r2d2.model.funnel import Funnel
from r2d2.operations.lineage import MOST_INPUTS, Told, emitter, event
from r2d2.operations.observe import _told
from r2d2.progress import Progress
from r2d2.retention.run_cost import run_cost
from tests.operations.openlineage_rules import check as conforms
from tests.states import base_table, run_job, write

pytestmark = pytest.mark.spark

Event = dict[str, Any]


class Receiver:
    """An HTTP server that keeps what it is sent."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.headers: list[dict[str, str]] = []
        self.status = 201
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.events.append(json.loads(body))
                receiver.headers.append(dict(self.headers) | {"path": self.path})
                self.send_response(receiver.status)
                self.send_header("Retry-After", "3600")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    table = base_table(50)
    write(tmp_path / "lake/base.parquet", table)
    write(tmp_path / "lake/part.csv", table.slice(0, 20))
    write(tmp_path / "lake/none.parquet", table.slice(0, 0))
    (tmp_path / "lake/broken.parquet").write_bytes(b"PAR1 it is not")
    return tmp_path / "lake"


def check(told: Event) -> None:
    """What the published schema asks of a run event and of each facet."""
    conforms(told)
    assert {"eventTime", "producer", "schemaURL", "run", "job", "eventType"} <= set(told)
    assert datetime.fromisoformat(told["eventTime"]).tzinfo
    uuid.UUID(told["run"]["runId"])
    assert told["job"]["namespace"]
    assert told["job"]["name"]
    sides = [told["run"], told["job"], *told["inputs"], *told["outputs"]]
    facets = [
        facet for side in sides for kind in side if kind.lower().endswith("facets") for facet in side[kind].values()
    ]
    assert facets
    assert all(":" in facet["_producer"] and ":" in facet["_schemaURL"] for facet in facets)
    assert all(dataset["namespace"] and dataset["name"] for dataset in told["inputs"] + told["outputs"])


def lines(path: Path) -> list[Event]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def samples(path: Path) -> dict[tuple[str, str], float]:
    """Values of a metrics file by name and stage."""
    families = text_string_to_metric_families(path.read_text())
    return {(s.name.removeprefix("r2d2_"), s.labels.get("stage", "")): s.value for f in families for s in f.samples}


def test_a_run_sends_where_it_begins_and_what_came_of_it(
    spark: SparkSession, lake: Path, tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENLINEAGE_API_KEY", "a very secret key")
    where = [f"operations.openlineage={receiver.url}", "operations.namespace=lake house"]
    job = run_job(lake, tmp_path / "state", *where)
    start, complete = receiver.events
    assert [told["eventType"] for told in receiver.events] == ["START", "COMPLETE"]
    for told in (start, complete):
        check(told)
        assert told["run"]["runId"] == start["run"]["runId"]
        assert (told["job"]["namespace"], told["job"]["name"]) == ("lake house", "run")
        assert told["run"]["facets"]["r2d2"]["runId"] == job.run_id
    found = {Path(name["name"]).name: name for name in complete["inputs"]}
    assert set(found) == {"base.parquet", "part.csv"}, "not what could not be read, or holds nothing"
    assert found["base.parquet"]["namespace"] == "file"
    assert found["base.parquet"]["inputFacets"]["inputStatistics"]["rowCount"] == 50
    versions = {row["location"]: row["version"] for row in job.state.rows("datasets", job.run_id).to_pylist()}
    assert {i["name"]: i["facets"]["version"]["datasetVersion"] for i in complete["inputs"]}.items() <= versions.items()
    tables = {(output["namespace"], output["name"]) for output in complete["outputs"]}
    assert ("file", str(tmp_path / "state/edges")) in tables
    assert all(Path(name).is_dir() for _, name in tables)
    figures = complete["run"]["facets"]["r2d2"]
    assert (figures["provenPairs"], figures["inputsLeftOut"]) == (1, 0)
    assert figures["stages"][-1]["name"] == "report"
    assert {header["path"] for header in receiver.headers} == {"/api/v1/lineage"}
    assert receiver.headers[0]["Authorization"] == "Bearer a very secret key"
    kept = b"".join(path.read_bytes() for path in (tmp_path / "state").rglob("*") if path.is_file())
    assert b"very secret" not in kept
    assert "very secret" not in json.dumps(receiver.events)


def test_a_run_that_failed_says_of_what_and_when_one_last_did_not(
    spark: SparkSession, lake: Path, tmp_path: Path
) -> None:
    file, metrics, state = tmp_path / "events.jsonl", tmp_path / "r2d2.prom", tmp_path / "state"
    told = ["--set", f"operations.openlineage={file}", "--set", f"operations.metrics_file={metrics}", "--quiet"]
    assert main(["run", str(lake), "--state", str(state), *told]) == 0
    before = samples(metrics)
    assert before["run_success", ""] == 1
    assert main(["run", str(tmp_path / "gone"), "--state", str(state), *told]) == 4
    events, after = lines(file), samples(metrics)
    assert [told["eventType"] for told in events] == ["START", "COMPLETE", "START", "FAIL"]
    check(events[-1])
    assert "gone" in events[-1]["run"]["facets"]["errorMessage"]["message"]
    assert after["run_success", ""] == 0
    assert after["run_ended_timestamp_seconds", ""] > before["run_ended_timestamp_seconds", ""]
    assert after["last_success_timestamp_seconds", ""] == pytest.approx(
        before["run_ended_timestamp_seconds", ""], abs=5
    )


def test_a_run_that_was_stopped_is_aborted(
    spark: SparkSession, lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(pipeline, "retention_stage", stopped)
    file = tmp_path / "events.jsonl"
    command = ["run", str(lake), "--state", str(tmp_path / "state"), "--quiet"]
    assert main([*command, "--set", f"operations.openlineage={file}"]) == 130
    assert [told["eventType"] for told in lines(file)] == ["START", "ABORT"]


def test_a_run_that_a_scheduler_ends_is_aborted_and_can_be_gone_on_with(
    spark: SparkSession, lake: Path, tmp_path: Path
) -> None:
    file, state = tmp_path / "events.jsonl", tmp_path / "state"
    command = [sys.executable, "-m", "r2d2", "run", str(lake), "--state", str(state)]
    told = ["--set", f"operations.openlineage={file}"]
    process = subprocess.Popen([*command, *told], stderr=subprocess.PIPE, text=True)
    while not (file.exists() and file.read_text().endswith("\n")):  # the file is made before it is written
        assert process.poll() is None
        time.sleep(0.05)
    process.terminate()
    _, said = process.communicate(timeout=60)
    assert (process.returncode, "stopped; the same command goes on from here" in said) == (143, True)
    assert [told["eventType"] for told in lines(file)] == ["START", "ABORT"]
    assert not open_state(str(state)).in_use()
    assert run_job(lake, state).funnel.proven_pairs == 1


def test_stages_run_one_by_one_tell_of_themselves(spark: SparkSession, lake: Path, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    common = ["--state", str(tmp_path / "state"), "--quiet", "--set", f"operations.openlineage={file}"]
    for command in (["discover", str(lake)], ["containment"], ["retention"]):
        assert main([*command, *common]) == 0
    events = lines(file)
    assert [(told["job"]["name"], told["eventType"]) for told in events] == [
        (stage, kind) for stage in ("discover", "containment", "retention") for kind in ("START", "COMPLETE")
    ]
    assert len({told["run"]["runId"] for told in events}) == 3
    assert len({told["run"]["facets"]["r2d2"]["runId"] for told in events}) == 1
    assert {Path(output["name"]).name for output in events[3]["outputs"]} == {"edges", "groups", "group_edges", "runs"}


def test_a_run_goes_on_where_nobody_listens_and_says_so(
    spark: SparkSession, lake: Path, tmp_path: Path, receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    receiver.server.server_close()  # the port is nobody's now
    metrics = tmp_path / "there/r2d2.prom"
    metrics.mkdir(parents=True)  # a directory where the file should be
    told = ["--set", f"operations.openlineage={receiver.url}", "--set", f"operations.metrics_file={metrics}"]
    assert main(["run", str(lake), "--state", str(tmp_path / "state"), *told]) == 0
    said = capsys.readouterr().err
    assert f"note: the START event did not get to {receiver.url}: " in said
    assert f"note: the COMPLETE event did not get to {receiver.url}: " in said
    assert f"note: {metrics} can't be written: " in said


@pytest.mark.parametrize(
    ("setting", "problem"),
    [
        ("operations.openlineage=http://r2d2:geheim@host/api", "a URL must hold no password"),
        ("operations.openlineage=https://host/api?token=geheim", "a URL must hold no password"),
        ("operations.openlineage=http://", "not the URL of a receiver"),
        ("operations.openlineage=https://[geheim", "not the URL of a receiver"),
        ("operations.openlineage=http://host:geheim/", "not the URL of a receiver"),
        ("operations.openlineage=s3://bucket/events", "is in no directory that there is"),
        ("operations.openlineage=/nowhere/at/all.jsonl", "is in no directory that there is"),
        ("operations.metrics_file=/nowhere/at/all.prom", "is in no directory that there is"),
    ],
)
def test_what_can_not_be_told_is_found_before_anything_is_done(
    lake: Path, tmp_path: Path, setting: str, problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["discover", str(lake), "--state", str(tmp_path / "state"), "--set", setting]
    assert main([*command, "--dry-run"]) == main(command) == 2
    said = capsys.readouterr().err
    assert problem in said
    assert "geheim" not in said
    assert runs.runs(open_state(str(tmp_path / "state"))) == []


def started(state: str = "/state") -> RunEvent:
    now = datetime.now().astimezone()
    job = new_job(["/lake"], State(state), Settings(), Progress(quiet=True))
    return event("COMPLETE", _told(job, "discover", now), "r2d2", now)


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("", "/api/v1/lineage"),
        ("/", "/api/v1/lineage"),
        ("/api/v1/lineage", "/api/v1/lineage"),
        ("/of/ours/", "/of/ours/"),
    ],
)
def test_events_are_sent_to_the_path_of_the_url(receiver: Receiver, path: str, asked: str) -> None:
    emit = emitter(OperationsSettings(openlineage=receiver.url.upper().replace("HTTP", "Http") + path))
    assert emit
    emit(started())
    assert [header["path"] for header in receiver.headers] == [asked]


def test_a_receiver_that_fails_is_tried_three_times_and_makes_nobody_wait(receiver: Receiver) -> None:
    receiver.status = 503
    emit = emitter(OperationsSettings(openlineage=receiver.url))
    assert emit
    begun = time.monotonic()
    with pytest.raises(OSError, match="too many 503 error responses"):
        emit(started())
    assert (len(receiver.events), time.monotonic() - begun < 30) == (3, True)


def test_a_key_that_no_header_holds_is_refused_and_not_repeated(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENLINEAGE_API_KEY", "geheim\n")  # as files end
    emit = emitter(OperationsSettings(openlineage=receiver.url))
    assert emit
    emit(started())
    assert receiver.headers[0]["Authorization"] == "Bearer geheim"
    monkeypatch.setenv("OPENLINEAGE_API_KEY", "geheim\nund mehr")
    with pytest.raises(UsageError, match="OPENLINEAGE_API_KEY holds") as caught:
        emitter(OperationsSettings(openlineage=receiver.url))
    assert "geheim" not in str(caught.value)


def test_tables_of_a_state_in_a_store_are_named_as_that_store_names_them() -> None:
    outputs = started("s3://bucket/of/r2d2").outputs
    assert outputs
    assert {(table.namespace, table.name) for table in outputs} == {
        ("s3://bucket", "of/r2d2/datasets"),
        ("s3://bucket", "of/r2d2/runs"),
    }


def test_r2d2s_own_events_are_no_use_of_data(spark: SparkSession, lake: Path, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    for _ in range(2):
        job = run_job(lake, tmp_path / "state", f"operations.openlineage={file}", f"usage.openlineage={file}")
    assert len(lines(file)) == 4
    run = runs.find_run(job.state, job.run_id)
    assert [problem for problem in run.problems if problem["status"] == "usage"] == []
    assert {usage.consumers for usage in runs.usage(job.state, run)} == {()}


def test_an_event_of_very_many_datasets_says_how_many_it_leaves_out() -> None:
    inputs = tuple(
        {"dataset": f"{i}", "location": f"s3://lake/{i}", "version": "1", "rows": 1, "bytes": 2} for i in range(10_007)
    )
    told = Told("run", "id", datetime.now().astimezone(), (), "/state", Funnel(), inputs)
    made = event("COMPLETE", told, "r2d2", datetime.now().astimezone())
    assert (len(made.inputs or ()), MOST_INPUTS) == (10_000, 10_000)
    assert made.run.facets["r2d2"].inputsLeftOut == 7


def test_metrics_are_those_of_the_run(spark: SparkSession, lake: Path, tmp_path: Path) -> None:
    metrics = tmp_path / "r2d2.prom"
    settings = [f"operations.metrics_file={metrics}", 'operations.namespace=a "b"\\c\nd']
    job = run_job(lake, tmp_path / "state", *settings)
    found = samples(metrics)
    funnel = runs.find_run(job.state, job.run_id).funnel
    assert found["datasets", ""] == funnel.datasets == 4
    assert found["pairs_proven", ""] == 1
    assert found["run_cost", ""] == pytest.approx(funnel.cost)
    for stage in funnel.stages:
        assert found["stage_seconds", stage.name] == pytest.approx(stage.seconds)
        assert found["stage_read_bytes", stage.name] == stage.bytes_read
        assert found["stage_driver_peak_bytes", stage.name] == stage.driver_peak_bytes > 1 << 20
    families = text_string_to_metric_families(metrics.read_text())
    assert {s.labels["namespace"] for f in families for s in f.samples} == {'a "b"\\c\nd'}
    assert list(tmp_path.glob("r2d2.prom*")) == [metrics], "it is written beside and put in place as a whole"


def test_what_a_run_cost_is_shown(
    spark: SparkSession, lake: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    job = run_job(lake, tmp_path / "state", "retention.compute_price=7")
    settings = load_settings(overrides=("retention.compute_price=7",), environ={})
    cores = held_cores(spark, settings.spark)
    assert main(["runs", "--state", str(tmp_path / "state"), "--format", "json"]) == 0
    (shown,) = json.loads(capsys.readouterr().out)
    assert shown["cost"] == pytest.approx(run_cost(job.progress.figures, cores, settings.retention))
    assert shown["seconds"] == pytest.approx(sum(stage.seconds for stage in job.progress.figures), abs=0.01)
    assert shown["cost"] > shown["seconds"] * cores * 7 / 3600 * 0.99


@pytest.mark.full
def test_spark_tells_its_tasks_of_each_stage(spark: SparkSession, tmp_path: Path) -> None:
    for i in range(6):
        write(tmp_path / f"lake/{i}.parquet", base_table(50, i * 1000))
    spark.range(10).repartition(7).count()  # none of the run's
    job = run_job(tmp_path / "lake", tmp_path / "state", "discovery.files_per_task=2")
    tasks = {stage.name: stage.spark.tasks for stage in job.progress.figures if stage.spark}
    assert 3 <= tasks["read metadata"] <= 3 + 2, "and those that hand the work out, one a core"
    assert sum(tasks.values()) == tasks["read metadata"]
    assert all(stage.spark.failed_tasks == 0 for stage in job.progress.figures if stage.spark)


@pytest.mark.full
def test_sparks_interface_tells_time_and_bytes(lake: Path, tmp_path: Path) -> None:
    for i in range(3):
        write(tmp_path / f"lake/{i}.parquet", base_table(3000, 0))
    command = [sys.executable, "-m", "r2d2", "run", str(lake), "--state", str(tmp_path / "state"), "--format", "json"]
    command += ["--set", "spark.conf=spark.ui.enabled=true,spark.ui.port=0", "--set", "discovery.files_per_task=1"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    by_name = {stage["name"]: stage["spark"] for stage in json.loads(done.stdout)["stages"]}
    assert by_name["list the lake"] is None, "there was no session yet"
    assert by_name["read metadata"]["executor_seconds"] > 0
    assert by_name["read metadata"]["tasks"] >= 7
    assert by_name["read metadata"]["shuffle_bytes"] > 0
    assert by_name["plan"] == {
        "tasks": 0,
        "failed_tasks": 0,
        "executor_seconds": 0,
        "shuffle_bytes": 0,
        "spilled_bytes": 0,
    }


def test_funnels_of_older_versions_are_read() -> None:
    old = Funnel(datasets=3)
    raw = json.loads(old.to_json()) | {"stages": [{"name": "scan", "seconds": 1.0, "bytes_read": 2, "files_read": 3}]}
    for new in ("cost", "unchanged_since"):
        del raw[new]
    read = Funnel.from_json(json.dumps(raw))
    assert (read.datasets, read.stages[0].spark, read.stages[0].bytes_read) == (3, None, 2)
    assert Funnel.from_json(read.to_json()) == read
