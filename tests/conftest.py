"""One lazy SparkSession for all tests; lakes that several tests look at are built once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from r2d2.config import SparkSettings
from r2d2.demo.lake import DemoTruth, build_demo
from r2d2.lake.jars import AVRO, ICEBERG, packages_of
from r2d2.lake.java import java_problem
from r2d2.lake.session import build_session

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

#: Most runs are made for proofs and plans, which know nothing of topics; tests of topics ask for them.
os.environ.setdefault("R2D2_SEMANTICS__TOPICS", "false")
SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Who runs which file (``make test``)."""
    from tests.scheduling import scheduler

    return scheduler(config, log)


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    """The session that all tests in this process share; commands called in this process find it, too."""
    if problem := java_problem():
        pytest.skip(problem)
    # jars can't come later into a JVM that runs: those that only a few tests need are there from the start
    jars = f"{packages_of((AVRO, ICEBERG))},org.xerial:sqlite-jdbc:3.51.1.0"
    session = build_session(SparkSettings(master="local[2]", conf={"spark.jars.packages": jars}))
    yield session
    session.stop()


@pytest.fixture(scope="session")
def demo_lake(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, DemoTruth]:
    """The demo lake and the truth about it."""
    lake = tmp_path_factory.mktemp("demo") / "lake"
    return lake, build_demo(lake)


@pytest.fixture(scope="session")
def real_lakes() -> Path:
    """Real lakes with known truth; only where the project is developed."""
    lakes = SHARED / "data" / "lakes"
    if not lakes.is_dir():
        pytest.skip(f"{lakes} is not there (it comes with the project's own machines, not with the package)")
    return lakes


@dataclass(frozen=True)
class R2D2:
    """The command line as a user runs it: a process of its own."""

    def __call__(self, *arguments: str, timeout: float = 300) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "r2d2", *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)

    def json(self, *arguments: str) -> object:
        """The payload of a command that must succeed."""
        done = self(*arguments, "--format", "json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@pytest.fixture(scope="session")
def r2d2() -> R2D2:
    """Runs `r2d2 ...` in a process of its own."""
    return R2D2()
