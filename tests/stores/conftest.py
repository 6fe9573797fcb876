"""One S3 endpoint for the tests of stores; a bucket for each test."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from tests.s3_servers import bucket, environment, s3_endpoint


@pytest.fixture(scope="session")
def endpoint() -> Iterator[str]:
    with s3_endpoint() as url, environment(url):
        yield url


@pytest.fixture
def s3(endpoint: str) -> Iterator[str]:
    """The name of a new bucket, with the environment that leads there."""
    with environment(endpoint):
        name = f"stores-{uuid.uuid4().hex}"  # all servers of a process have the same buckets
        bucket(endpoint, name)
        yield name


@pytest.fixture
def other_client(endpoint: str) -> Any:
    """A client that is not r2d2's."""
    import boto3

    return boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1")
