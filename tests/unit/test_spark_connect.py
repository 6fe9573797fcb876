"""Where a session comes from: a Spark Connect server, or this process; and what is said if it can't be had."""

from __future__ import annotations

import socket
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from pyspark.sql import SparkSession

from r2d2.config import SparkSettings
from r2d2.errors import EnvironmentMissing, UsageError
from r2d2.lake import session, spark_connect
from r2d2.lake.session import build_session, held_cores, is_remote, planned_cores, require_java
from r2d2.lake.spark_connect import remote_url


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SPARK_REMOTE", "SPARK_CONNECT_MODE_ENABLED", "SPARK_MASTER", "PYSPARK_GATEWAY_PORT"):
        monkeypatch.delenv(name, raising=False)


def test_a_server_is_named_by_the_setting_or_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert remote_url("") == ""
    assert remote_url("sc://host:1") == "sc://host:1"
    assert not is_remote(SparkSettings(master="spark://host:7077"))
    assert is_remote(SparkSettings(master="sc://host:1"))
    monkeypatch.setenv("SPARK_REMOTE", "sc://other:2")
    assert remote_url("") == "sc://other:2"


@pytest.mark.parametrize("url", ["local[2]", "https://user:hunter2@host"])
def test_what_is_no_url_of_a_server_is_refused_and_not_repeated(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("SPARK_REMOTE", url)
    with pytest.raises(UsageError, match="SPARK_REMOTE names no Spark Connect server") as refused:
        build_session(SparkSettings())
    assert "hunter2" not in f"{refused.value} {refused.value.hint}"


def test_a_client_needs_no_java_and_has_another_machines_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "java_problem", lambda: "no Java here")
    remote = SparkSettings(master="sc://host:1", conf={"spark.cores.max": "64"})
    require_java(remote)
    assert planned_cores(remote) == (64, False)
    with pytest.raises(EnvironmentMissing, match="no Java here"):
        require_java(SparkSettings())


def test_a_server_that_is_silent_is_named_without_its_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spark_connect, "PATIENCE", 0.3)
    with socket.socket() as listener:  # it takes connections and never answers
        listener.bind(("localhost", 0))
        listener.listen()
        port = listener.getsockname()[1]
        with pytest.raises(EnvironmentMissing, match=f"localhost:{port} doesn't answer") as silent:
            build_session(SparkSettings(master=f"sc://localhost:{port}/;user_id=x;session_id="))
    assert "user_id" not in f"{silent.value} {silent.value.hint}"


def test_a_url_without_a_port_that_is_a_number_is_refused_without_its_token() -> None:
    with pytest.raises(UsageError, match=r"^spark\.master: ") as refused:
        build_session(SparkSettings(master="sc://host:port/;token=hunter2"))
    assert "hunter2" not in f"{refused.value} {refused.value.hint}"


def test_an_archive_that_is_not_there_is_said_before_anything_starts(tmp_path: Path) -> None:
    missing = SparkSettings(master="spark://host:7077", environment=str(tmp_path / "none.tar.gz"))
    with pytest.raises(UsageError, match=r"spark\.environment: .*none\.tar\.gz is no file"):
        build_session(missing)


@pytest.mark.parametrize(
    ("told", "cores"),
    [
        ({"spark.master": "yarn", "spark.executor.instances": "5", "spark.executor.cores": "4"}, 20),
        ({"spark.master": "spark://host:7077", "spark.cores.max": "12"}, 12),
        ({"spark.master": "local[3]", "spark.cores.max": "12"}, 3),
    ],
)
def test_what_a_run_costs_counts_the_cores_that_spark_submit_asked_for(
    told: dict[str, str], cores: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYSPARK_GATEWAY_PORT", "1")
    submitted = SimpleNamespace(conf=told)  # a session's has `get` as well
    assert held_cores(cast(SparkSession, submitted), SparkSettings()) == cores
