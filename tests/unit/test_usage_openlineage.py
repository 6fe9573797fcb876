"""OpenLineage events: jobs, what they write and read, whatever the datasets are called."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from r2d2.model.usage import Consumer, Job
from tests.usage_fakes import collected, dataset, usages, written

RAW, COPY, TABLE = dataset("raw/orders"), dataset("copy", "/data/lake/copy"), dataset("catalog:sales/t", "s3://wh/t")
LAKE = [RAW, COPY, TABLE]


def event(inputs: list[Any], outputs: list[Any], **more: Any) -> str:
    """An event as the Spark integration sends it."""
    content = {
        "eventType": "COMPLETE",
        "eventTime": "2026-10-30T04:00:00.123Z",
        "run": {"runId": "3b452093-782c-4ef2-9c0c-aafe2aa6f34d", "facets": {}},
        "job": {"namespace": "airflow", "name": "copy.task", "facets": {}},
        "inputs": inputs,
        "outputs": outputs,
        "producer": "https://github.com/OpenLineage/OpenLineage/tree/1.40.0/integration/spark",
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
        **more,
    }
    return json.dumps(content)


def named(namespace: str, name: str, *links: tuple[str, str]) -> dict[str, Any]:
    identifiers = [{"namespace": each, "name": other, "type": "TABLE"} for each, other in links]
    return {"namespace": namespace, "name": name, "facets": {"symlinks": {"identifiers": identifiers}} if links else {}}


S3 = named("s3://lake", "raw/orders")
AT = datetime(2026, 10, 30, 4, 0, 0, 123_000, tzinfo=UTC)


def test_outputs_are_produced_and_inputs_consumed(tmp_path: Path) -> None:
    found = usages(LAKE, openlineage=written(tmp_path, "e.jsonl", event([S3], [named("file", "/data/lake/copy")])))
    assert found["copy"].producers == (Job("airflow/copy.task", "openlineage", AT, live=True),)
    assert found["copy"].upstream == ("raw/orders",)
    assert found["raw/orders"].consumers == (Consumer("airflow/copy.task", "job", "openlineage"),)


@pytest.mark.parametrize(
    ("given", "owner"),
    [
        (named("s3a://lake", "/raw/orders"), "raw/orders"),
        (named("file", "data/lake/copy/part-0"), "copy"),
        (named("hive://metastore:9083", "sales.t"), "catalog:sales/t"),
        (named("arn:aws:glue:eu-west-1:123456789012", "table/sales/t"), "catalog:sales/t"),
        (named("s3://elsewhere", "x", ("hive://metastore", "sales.t")), "catalog:sales/t"),
        (named("s3://elsewhere", "raw/orders"), None),
        (named("postgres://db:5432", "sales.t"), None),
        (named("kafka://broker", "raw/orders"), None),
    ],
)
def test_a_dataset_is_found_by_its_url_its_table_or_a_symlink(
    tmp_path: Path, given: dict[str, Any], owner: str | None
) -> None:
    found = usages(LAKE, openlineage=written(tmp_path, "e.jsonl", event([], [given])))
    assert [name for name, usage in found.items() if usage.producers] == ([owner] if owner else [])


def test_the_last_run_counts_and_a_failed_run_is_one(tmp_path: Path) -> None:
    times = {"2026-06-01T00:00:00Z": "COMPLETE", "2026-10-30T04:00:00.123Z": "FAIL", "2026-07-01T00:00:00Z": "COMPLETE"}
    lines = [event([], [S3], eventTime=time, eventType=kind) for time, kind in times.items()]
    found = usages(LAKE, openlineage=written(tmp_path, "e.jsonl", *lines))
    assert found["raw/orders"].producers == (Job("airflow/copy.task", "openlineage", AT, live=True),)


def test_a_job_that_ran_long_ago_is_not_live(tmp_path: Path) -> None:
    old = event([], [S3], eventTime="2026-01-01T00:00:00Z")
    found = usages(LAKE, openlineage=written(tmp_path, "e.jsonl", old))
    assert [job.live for job in found["raw/orders"].producers] == [False]


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("{", "it is not JSON"),
        ("[]", "it is not a JSON object"),
        ("{}", "it is no OpenLineage event"),
        (event([], [], job={"namespace": "", "name": ""}), "its job has no name"),
        (event([], [], eventTime="soon"), "'soon' is not a time"),
        (event([7], []), "it has a dataset without a name"),
        (event([{"namespace": "s3://lake"}], []), "it has a dataset without a name"),
    ],
)
def test_a_bad_event_is_a_problem_and_the_others_count(tmp_path: Path, line: str, what: str) -> None:
    found = collected(LAKE, openlineage=written(tmp_path, "e.jsonl", line, event([], [S3])))
    assert f"line 1: {what}" in found.problems[0].what
    assert found.usages[0].producers


def test_a_dataset_event_tells_of_no_job(tmp_path: Path) -> None:
    line = json.dumps({"eventTime": "2026-10-30T04:00:00Z", "dataset": S3, "producer": "x", "schemaURL": "y"})
    assert not usages(LAKE, openlineage=written(tmp_path, "e.jsonl", line))["raw/orders"].producers
