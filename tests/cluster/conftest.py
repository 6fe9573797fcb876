"""One cluster and one Spark Connect server for all tests of this process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from r2d2.lake.java import java_problem
from tests.spark_cluster import Cluster, serving


@pytest.fixture(scope="session")
def _cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    if problem := java_problem():
        pytest.skip(problem)
    found = Cluster(tmp_path_factory.mktemp("cluster"))
    try:
        found.start()
        yield found
    finally:
        found.stop()


@pytest.fixture
def cluster(_cluster: Cluster) -> Cluster:
    """A standalone cluster, whole again whatever the test before did to it."""
    _cluster.start()
    return _cluster


@pytest.fixture(scope="session")
def connect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a Spark Connect server that runs its tasks itself."""
    directory = tmp_path_factory.mktemp("connect")
    with serving(Cluster(directory).connect_server(directory, "local[2]")) as url:
        yield url


@pytest.fixture(scope="session")
def _connect_to_cluster(_cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(_cluster.connect_server(tmp_path_factory.mktemp("connect-cluster"))) as url:
        yield url


@pytest.fixture
def connect_to_cluster(cluster: Cluster, _connect_to_cluster: str) -> str:
    """The URL of a Spark Connect server whose tasks run on the cluster."""
    return _connect_to_cluster
