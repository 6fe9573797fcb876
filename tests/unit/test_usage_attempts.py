"""Who tried to read what was retired: answered or not, since it was retired, and not r2d2 itself."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from r2d2.config import UsageSettings
from r2d2.usage.attempts import Attempts, attempts
from tests.unit.test_usage_cloudtrail import event, trail
from tests.unit.test_usage_s3_log import ARN, line
from tests.usage_fakes import collected, dataset, written

GONE = [dataset("gone", files=("part-0",)), dataset("gone too")]
SINCE = datetime(2026, 10, 6, 8, tzinfo=UTC)
BEFORE, AFTER = "06/Oct/2026:07:59:59 +0000", "06/Oct/2026:08:00:00 +0000"


def found(**settings: str) -> Attempts:
    given = {name: (value,) for name, value in settings.items()}
    return attempts(GONE, [SINCE, SINCE], UsageSettings(**given))


@pytest.mark.parametrize(
    ("given", "counts"),
    [
        ({"status": "404"}, True),
        ({"status": "403"}, True),
        ({"status": "200"}, True),  # an object that is retired in place can still be read
        ({"status": "404", "operation": "REST.HEAD.OBJECT"}, True),  # what Hadoop asks before it reads
        ({"status": "200", "operation": "REST.HEAD.OBJECT"}, False),
        ({"status": "404", "operation": "REST.PUT.OBJECT"}, False),
        ({"status": "404", "at": BEFORE}, False),
        ({"status": "404", "key": "kept/part-0"}, False),
        ({"status": "404", "agent": "Hadoop 3.4.2, app/r2d2"}, False),
        ({"status": "404", "who": "arn:aws:iam::1:role/r2d2"}, False),
    ],
)
def test_a_line_of_an_s3_log(tmp_path: Path, given: dict[str, str], counts: bool) -> None:
    log = written(tmp_path, "log", line(**{"key": "gone/part-0", "at": AFTER, **given}))
    assert found(s3_logs=log).readers == ({0: (f"{ARN}, says s3 log",)} if counts else {})


def test_what_cloudtrail_says_was_refused_counts(tmp_path: Path) -> None:
    log = trail(
        tmp_path,
        event(key="gone/part-0", errorCode="NoSuchKey"),
        event("HeadObject", key="gone too/part-0", errorCode="NoSuchKey"),
        event("HeadObject", key="gone/part-0"),
        event(key="gone too/part-0", at="2026-10-06T07:00:00Z", errorCode="AccessDenied"),
    )
    role = "arn:aws:iam::123456789012:role/etl, says cloudtrail"
    assert found(cloudtrail=log).readers == {0: (role,), 1: (role,)}


def test_a_window_that_ends_after_the_retirement_counts_for_it_may_have_been_then(tmp_path: Path) -> None:
    rows = [
        "dataset,reader,at,count,since,until",
        "gone,ann,2026-10-06T08:00:01Z,,,",
        "gone,ben,,3,2026-10-01,2026-10-07",
        "gone,eve,,3,2026-10-01,2026-10-05",
        "gone too,,,0,2026-10-01,2026-10-07",
    ]
    reads = written(tmp_path, "reads.csv", *rows)
    assert found(reads_csv=reads).readers == {0: ("ben, says csv reads.csv", "ann, says csv reads.csv")}


def test_logs_that_can_not_be_read_are_told(tmp_path: Path) -> None:
    (problem,) = found(s3_logs=written(tmp_path, "log", "no line of a log")).problems
    assert "no line of an S3 server access log" in problem.what


def test_reads_that_failed_are_still_no_accesses(tmp_path: Path) -> None:
    log = written(tmp_path, "log", line(key="gone/part-0"), *[line(key="gone/part-0", status="404")] * 3)
    later = written(tmp_path, "later", line(key="-", at="07/Oct/2026:00:00:00 +0000", operation="REST.GET.BUCKET"))
    usage = collected(GONE, s3_logs=(log, later)).usages[0]
    assert usage.reads is not None
    assert usage.reads.per_month == pytest.approx(30.4375 * 86_400 / (16 * 3600 - 38))
