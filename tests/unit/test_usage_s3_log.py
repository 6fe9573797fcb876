"""S3 server access logs: what is a read, whose it is, and what a log covers."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from r2d2.usage.accesses import MONTH
from tests.usage_fakes import collected, dataset, usages, written

LAKE = [dataset("raw"), dataset("raw/a b+c.csv"), dataset("other", "s3://elsewhere/other"), dataset("quiet")]
ARN = "arn:aws:iam::123456789012:user/ann"
OWNER = "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"
DAYS = 30 * 86_400 / MONTH


def line(
    key: str = "raw/part-0.parquet",
    at: str = "06/Oct/2026:08:00:38 +0000",
    operation: str = "REST.GET.OBJECT",
    who: str = ARN,
    status: str = "200",
    agent: str = "aws-sdk-java/2.20.160 Linux/5.10 OpenJDK/11",
    bucket: str = "lake",
) -> str:
    """A line of today's format, with all of its fields."""
    return (
        f"{OWNER} {bucket} [{at}] 192.0.2.3 {who} 3E57427F3EXAMPLE {operation} {key} "
        f'"GET /{bucket}/{key}?x="y" HTTP/1.1" '
        f'{status} - 113 2048 7 6 "-" "{agent}" - s9lzHYrFp76ZVxRcpX9+5cjAnEH2ROuNkd2BHfIa6UkFVdtjf5mKR3/eTPFvsiP/XV= '
        "SigV4 ECDHE-RSA-AES128-GCM-SHA256 AuthHeader lake.s3.us-west-1.amazonaws.com TLSV1.2 - Yes us-east-1"
    )


#: A window of 30 days.
ENDS = [
    line(key="-", at="01/Oct/2026:00:00:00 +0000", operation="REST.GET.BUCKET"),
    line(key="-", at="31/Oct/2026:00:00:00 +0000", operation="REST.GET.BUCKET"),
]


def times(directory: Path, *more: str, of: str = "raw") -> float | None:
    reads = usages(LAKE, s3_logs=written(directory, "log", *ENDS, *more))[of].reads
    return None if reads is None else round(reads.per_month * DAYS, 6)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, 1),
        ({"status": "206"}, 1),
        ({"status": "304"}, 1),
        ({"operation": "REST.COPY.OBJECT_GET"}, 1),
        ({"key": "raw/_delta_log/00000000000000000000.json"}, 1),
        ({"who": "-"}, 1),
        ({"status": "403"}, 0),
        ({"status": "404"}, 0),
        ({"operation": "REST.HEAD.OBJECT"}, 0),
        ({"operation": "REST.PUT.OBJECT"}, 0),
        ({"operation": "REST.COPY.OBJECT"}, 0),
        ({"operation": "REST.GET.BUCKET"}, 0),
        ({"operation": "S3.EXPIRE.OBJECT"}, 0),
        ({"operation": "BATCH.DELETE.OBJECT"}, 0),
        ({"agent": "aws-sdk-cpp/1.11.900 ua/2.1 api/S3 app/r2d2 md/http#curl"}, 0),
        ({"who": "arn:aws:sts::123456789012:assumed-role/r2d2/i-0abc"}, 0),
        ({"agent": 'odd "agent" app/else'}, 1),
    ],
)
def test_what_is_a_read(tmp_path: Path, given: dict[str, str], expected: int) -> None:
    assert times(tmp_path, line(**given)) == expected


def test_many_requests_of_one_query_are_one_access(tmp_path: Path) -> None:
    lines = [line(key=f"raw/part-{i}.parquet", at=f"06/Oct/2026:08:{i % 60:02}:00 +0000") for i in range(500)]
    assert times(tmp_path, *lines) == 1


def test_times_are_of_their_zone(tmp_path: Path) -> None:
    assert times(tmp_path, line(at="06/Oct/2026:08:10:00 +0000"), line(at="06/Oct/2026:10:50:00 +0200")) == 1


@pytest.mark.parametrize("key", ["raw/a%20b%2Bc.csv", "raw/a%2520b%252Bc.csv"])
def test_keys_are_found_however_often_they_are_encoded(tmp_path: Path, key: str) -> None:
    assert times(tmp_path, line(key=key), of="raw/a b+c.csv") == 1
    assert times(tmp_path, line(key=key)) == 0


def test_a_log_covers_its_buckets_and_no_other(tmp_path: Path) -> None:
    assert times(tmp_path, of="quiet") == 0
    assert times(tmp_path, of="other") is None


def test_each_bucket_has_a_window_of_its_own(tmp_path: Path) -> None:
    days = [line("other/0", at=f"{day:02}/Oct/2026:08:00:00 +0000", bucket="elsewhere") for day in (6, 7)]
    reads = usages(LAKE, s3_logs=written(tmp_path, "log", *ENDS, *days))["other"].reads
    assert reads is not None
    assert reads.per_month == pytest.approx(2 * MONTH / 86_400)


def test_readers_are_named_and_anonymous_ones_by_their_address(tmp_path: Path) -> None:
    reads = usages(LAKE, s3_logs=written(tmp_path, "log", *ENDS, line(), line(who="-")))["raw"].reads
    assert reads is not None
    assert (reads.readers, reads.source) == (("anonymous at 192.0.2.3", ARN), "s3 log")


def test_a_directory_of_plain_and_packed_files_is_read_whatever_is_beside_them(tmp_path: Path) -> None:
    (tmp_path / "2026").mkdir()
    written(tmp_path, "2026/a", *ENDS)
    (tmp_path / "2026/b.gz").write_bytes(gzip.compress(f"{line()}\n".encode()))
    written(tmp_path, "2026/_SUCCESS", "no log")
    written(tmp_path, ".hidden", "no log")
    reads = usages(LAKE, s3_logs=str(tmp_path))["raw"].reads
    assert reads is not None
    assert reads.per_month * DAYS == pytest.approx(1)


@pytest.mark.parametrize(
    "bad",
    [
        "one line of something else",
        line(at="06/Okt/2026:08:00:38 +0000"),
        line(at="06/Oct/1926:08:00:38 +0000"),
        line(at="06/Oct/2026:08:xx:38 +0000"),
        line()[:90],
        '{"json": 1}',
    ],
)
def test_a_bad_line_is_a_problem_and_what_the_log_does_not_mention_is_unknown(tmp_path: Path, bad: str) -> None:
    found = collected(LAKE, s3_logs=written(tmp_path, "log", *ENDS, bad, line()))
    assert "usage.s3_logs: line 3: " in found.problems[0].what
    assert found.usages[0].reads is not None
    assert found.usages[3].reads is None


def test_a_line_without_end_does_not_fill_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("r2d2.usage.sources.MAX_LINE", 1_000)
    found = collected(LAKE, s3_logs=written(tmp_path, "log", *ENDS, "x" * 5_500, line()))
    assert "line 3: it is longer than 1,000 bytes" in found.problems[0].what
    assert found.usages[0].reads is not None
