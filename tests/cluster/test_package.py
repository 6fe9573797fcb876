"""``make package``: a cluster whose Python has nothing but pyspark runs the jobs from the archive alone."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from r2d2.version import __version__
from tests.spark_cluster import DELTA, PROGRAM, ROOT, Cluster, flags, modules, serving
from tests.states import SMALL_SKETCH, results, small_lake

pytestmark = [pytest.mark.spark, pytest.mark.full]

PYSPARK = "4.1.4"


def must_run(command: list[str], **options: Any) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@dataclass(frozen=True)
class Bare:
    """A cluster without this package: the environment of its processes, the archive, and where that is unpacked."""

    cluster: Cluster
    environment: dict[str, str]
    archive: Path
    directory: Path


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bare]:
    directory = tmp_path_factory.mktemp("bare")
    must_run(["make", "package", f"PYTHON={sys.executable}"], cwd=ROOT)
    archive = ROOT / f"dist/r2d2-env-{__version__}.tar.gz"
    with tarfile.open(archive) as packed:
        packed.extractall(directory / "environment", filter="fully_trusted")
    must_run([sys.executable, "-m", "venv", str(directory / "venv")])
    python = directory / "venv/bin/python"
    must_run([str(python), "-m", "pip", "install", "--quiet", f"pyspark=={PYSPARK}"])
    spark = must_run([str(python), "-c", "import pyspark; print(pyspark.__path__[0])"]).strip()
    java = {key: os.environ[key] for key in ("JAVA_HOME",) if key in os.environ}
    paths = f"{python.parent}:{Path(shutil.which('java') or '/usr/bin/java').parent}:/usr/bin:/bin"
    environment = {"PATH": paths, "HOME": os.environ["HOME"], **java}
    cluster = Cluster(directory, Path(spark), environment)
    try:
        cluster.start()
        yield Bare(cluster, environment, archive, directory)
    finally:
        cluster.stop()


def test_spark_submit_needs_only_pyspark_and_the_archive(bare: Bare, tmp_path: Path) -> None:
    pairs = small_lake(tmp_path / "lake")
    packed = {"spark.archives": f"{bare.archive}#environment", "spark.pyspark.python": "./environment/bin/python"}
    options = ["--master", bare.cluster.url, *flags(PROGRAM | DELTA | packed)]
    job = ["environment/jobs/pipeline.py", str(tmp_path / "lake"), "--state", str(tmp_path / "state")]
    command = [str(bare.directory / "venv/bin/spark-submit"), *options, *job, "--set", SMALL_SKETCH]
    must_run(command, cwd=bare.directory, env=bare.environment)
    assert results(tmp_path / "state")["pairs"] == pairs


def test_spark_connect_sends_the_archive_to_workers(bare: Bare, tmp_path: Path) -> None:
    pairs = small_lake(tmp_path / "lake")
    with serving(bare.cluster.connect_server(bare.directory)) as url:
        settings = [f"spark.master={url}", f"spark.environment={bare.archive}", SMALL_SKETCH]
        job = [str(ROOT / "jobs/pipeline.py"), str(tmp_path / "lake"), "--state", str(tmp_path / "state")]
        command = [sys.executable, *job, *(text for setting in settings for text in ("--set", setting))]
        must_run(command, env=modules())
    assert results(tmp_path / "state")["pairs"] == pairs


def test_workers_without_it_are_told_what_is_missing(bare: Bare, tmp_path: Path) -> None:
    small_lake(tmp_path / "lake")
    job = [str(ROOT / "jobs/pipeline.py"), str(tmp_path / "lake"), "--state", str(tmp_path / "state")]
    python = str(bare.directory / "venv/bin/python")
    environment = modules() | {"SPARK_MASTER": bare.cluster.url, "PYSPARK_PYTHON": python}
    lines = "".join(f"{json.dumps(key)} = {json.dumps(value)}\n" for key, value in PROGRAM.items())
    (tmp_path / "r2d2.toml").write_text(f"[spark.conf]\n{lines}")
    command = [sys.executable, *job, "--config", str(tmp_path / "r2d2.toml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "Python workers can't run r2d2" in done.stderr
