"""One S3 endpoint with a proxy that counts; a bucket for each test."""

from __future__ import annotations

import itertools
import logging
import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.recovery.faults.store_calls import Watched
from tests.recovery.faults.store_world import StoreWorld
from tests.s3_servers import bucket, environment, faulty, s3_endpoint

_NUMBERS = itertools.count()


@pytest.fixture(scope="session")
def counted() -> Iterator[tuple[str, str, Watched]]:
    """The endpoint, the proxy, and what the proxy goes by."""
    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # a line a request would be all that a failure shows
    with s3_endpoint() as endpoint, faulty(endpoint, watched := Watched()) as proxy:
        yield endpoint, proxy, watched


@pytest.fixture
def store_world(counted: tuple[str, str, Watched], tmp_path: Path) -> Iterator[Callable[[str, bool], StoreWorld]]:
    """Makes a world of a kind in a bucket, which has versions or not."""
    endpoint, proxy, watched = counted

    def made(kind: str, versions: bool) -> StoreWorld:
        name = f"faults-{next(_NUMBERS)}"
        client = bucket(endpoint, name)
        if versions:
            client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        with environment(proxy):
            environ = {key: value for key, value in os.environ.items() if key.startswith("AWS_")}
        return StoreWorld(kind, name, environ, watched, client, tmp_path / "built")

    with environment(endpoint):
        yield made


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How many faults were tried."""
    reports = [report for name in ("passed", "failed") for report in terminalreporter.getreports(name)]
    counts = [count for report in reports for name, count in report.user_properties if name == "faults"]
    if counts:
        total = sum((Counter(count) for count in counts), Counter[str]())
        of_each = ", ".join(f"{number} {sort}" for sort, number in sorted(total.items()))
        terminalreporter.write_line(f"{total.total()} faults tried in {len(counts)} cases: {of_each}")
