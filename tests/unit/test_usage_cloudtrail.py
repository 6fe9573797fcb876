"""CloudTrail: data events of S3 in files of any size; a trail covers what it names or is said to cover."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from r2d2.usage.accesses import MONTH
from tests.usage_fakes import collected, dataset, usages, written

LAKE = [dataset("raw"), dataset("quiet"), dataset("tmp/far")]
DAYS = 30 * 86_400 / MONTH
ROLE = "arn:aws:iam::123456789012:role/etl"


def event(
    name: str = "GetObject", key: str | None = "raw/part-0", at: str = "2026-10-06T08:00:38Z", **more: Any
) -> Any:
    """A data event as a trail records it."""
    return {
        "eventVersion": "1.09",
        "userIdentity": {
            "type": "AssumedRole",
            "principalId": "AROAEXAMPLE:task-7",
            "arn": "arn:aws:sts::123456789012:assumed-role/etl/task-7",
            "sessionContext": {"sessionIssuer": {"type": "Role", "arn": ROLE, "userName": "etl"}},
        },
        "eventTime": at,
        "eventSource": "s3.amazonaws.com",
        "eventName": name,
        "awsRegion": "us-east-1",
        "sourceIPAddress": "192.0.2.3",
        "userAgent": "[aws-sdk-java/2.20.160]",
        "requestParameters": {"bucketName": "lake", **({"key": key} if key else {})},
        "readOnly": True,
        "eventType": "AwsApiCall",
        **more,
    }


ENDS = [event("ListObjects", None, f"2026-10-{day}T00:00:00Z") for day in ("01", "31")]


def trail(directory: Path, *events: Any, name: str = "log.json.gz") -> str:
    (directory / name).write_bytes(gzip.compress(json.dumps({"Records": [*ENDS, *events]}).encode()))
    return str(directory / name)


def times(directory: Path, *events: Any) -> float | None:
    reads = usages(LAKE, cloudtrail=trail(directory, *events), cloudtrail_covers="s3://lake/raw")["raw"].reads
    return None if reads is None else round(reads.per_month * DAYS, 6)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (event(), 1),
        (event("SelectObjectContent"), 1),
        (event("CopyObject", "x", requestParameters={"key": "x", "x-amz-copy-source": "lake/raw/part-0"}), 1),
        (event("HeadObject"), 0),
        (event("PutObject"), 0),
        (event("ListObjects", None), 0),
        (event("CopyObject"), 0),
        (event(errorCode="AccessDenied"), 0),
        (event(eventSource="dynamodb.amazonaws.com"), 0),
        (event(userAgent="[aws-sdk-cpp/1.11.900 app/r2d2]"), 0),
        (event(userIdentity={"type": "IAMUser", "arn": "arn:aws:iam::123456789012:user/r2d2"}), 0),
    ],
)
def test_what_is_a_read(tmp_path: Path, given: Any, expected: int) -> None:
    assert times(tmp_path, given) == expected


def test_the_tasks_of_one_role_are_one_reader(tmp_path: Path) -> None:
    events = [event(key=f"raw/{i}") for i in range(50)]
    for i, each in enumerate(events):
        each["userIdentity"]["arn"] += str(i)
    reads = usages(LAKE, cloudtrail=trail(tmp_path, *events))["raw"].reads
    assert reads is not None
    assert (reads.readers, round(reads.per_month * DAYS, 6), reads.source) == ((ROLE,), 1, "cloudtrail")


def test_a_trail_covers_what_it_names_and_what_is_said(tmp_path: Path) -> None:
    found = usages(LAKE, cloudtrail=trail(tmp_path, event()), cloudtrail_covers="s3a://lake/quiet/")
    assert [usage.reads is None for usage in found.values()] == [False, False, True]
    assert found["quiet"].reads is not None
    assert found["quiet"].reads.per_month == 0


def test_a_file_larger_than_any_buffer_and_one_event_a_line_are_read_alike(tmp_path: Path) -> None:
    events = [event(key=f"raw/{i}", at=f"2026-10-{i % 28 + 1:02}T{i % 24:02}:00:00Z") for i in range(4_000)]
    expected = len({each["eventTime"] for each in events})
    assert times(tmp_path, *events) == expected
    lines = written(tmp_path, "l.jsonl", *(json.dumps(each) for each in (*ENDS, *events)))
    reads = usages(LAKE, cloudtrail=lines)["raw"].reads
    assert reads is not None
    assert round(reads.per_month * DAYS, 6) == expected


def test_digests_beside_the_logs_are_passed_over(tmp_path: Path) -> None:
    trail(tmp_path, event())
    written(tmp_path, "digest.json", json.dumps({"awsAccountId": "1", "digestS3Bucket": "b", "logFiles": []}))
    assert usages(LAKE, cloudtrail=str(tmp_path))["raw"].reads is not None


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (json.dumps({"Records": [event(), {"a": 1}]}), "record 2: it is no CloudTrail event"),
        (json.dumps({"Records": [event(at="never")]}), "record 1: 'never' is not a time"),
        (json.dumps({"Records": [event()]})[:-90], "record 1 is cut or not JSON"),
        (json.dumps({"Records": [7]}), "record 1 is not a JSON object"),
        ("no json", "record 1 is cut or not JSON"),
    ],
)
def test_what_is_damaged_is_a_problem_and_the_rest_counts(tmp_path: Path, text: str, what: str) -> None:
    (tmp_path / "bad.json").write_text(text)
    found = collected(LAKE, cloudtrail=(str(tmp_path / "bad.json"), trail(tmp_path, event())))
    assert what in found.problems[0].what
    assert found.usages[0].reads is not None


def test_one_record_without_end_does_not_fill_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("r2d2.usage.cloudtrail.MAX_LINE", 1_000)
    (tmp_path / "bad.json").write_text('{"Records": [{"x": "' + "y" * 3_000_000)
    assert "longer than 1,000 characters" in collected(LAKE, cloudtrail=str(tmp_path / "bad.json")).problems[0].what
