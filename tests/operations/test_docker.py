"""What the image and the compose file do, done natively: not every machine can run containers."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml

from r2d2.cli import _parser
from tests.operations.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = (ROOT / "docker/Dockerfile").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker/compose.yaml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]


def instructions(name: str) -> list[str]:
    lines = DOCKERFILE.replace("\\\n", " ").splitlines()
    return [line.removeprefix(name).strip() for line in lines if line.startswith(f"{name} ")]


def test_the_image_is_pinned_and_runs_as_nobody_special() -> None:
    (base,) = instructions("FROM")
    assert re.fullmatch(r"python:\d+\.\d+\.\d+-slim-\w+", base)
    (user,) = instructions("USER")
    assert f"--create-home {user}" in DOCKERFILE
    assert user != "root"
    assert DOCKERFILE.index("USER ") < DOCKERFILE.index("COPY ") < DOCKERFILE.index("CMD ")
    version = ".".join(base.removeprefix("python:").split(".")[:2])
    assert f"/opt/venv/lib/python{version}/site-packages/pyspark" in DOCKERFILE


def test_what_the_image_copies_is_there_and_let_through() -> None:
    let_through = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {name for line in instructions("COPY") for name in line.split()[:-1] if not name.startswith("--")}
    assert copied == let_through
    assert all((ROOT / name).exists() for name in copied)


def test_every_service_says_whether_it_is_well() -> None:
    assert len(instructions("HEALTHCHECK")) == 1
    for name, service in SERVICES.items():
        assert "HEALTH_URL" in service["environment"] or name == "demo"
    ports = [port for service in SERVICES.values() for port in service.get("ports", ())]
    assert all(port.startswith("127.0.0.1:") for port in ports), "nothing is open to the network"


def test_the_demo_is_a_command_that_there_is() -> None:
    command = shlex.split(SERVICES["demo"]["command"])
    assert command.pop(0) == "r2d2"
    assert _parser().parse_args(command).dir == "/data/demo"


@pytest.mark.parametrize("url", ["", "http://127.0.0.1:9/"])
def test_the_health_check_tells_by_its_exit_code(url: str) -> None:
    command = [sys.executable, str(ROOT / "docker/healthy.py")]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "HEALTH_URL": url}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode == 0) == (not url)


class Cluster:
    """The services of the compose file as processes of this machine, on ports that are free."""

    def __init__(self, data: Path) -> None:
        self.ports = {port: str(free_port()) for port in ("7077", "8080", "5000")}
        self.data, self.processes = data, list[subprocess.Popen[bytes]]()
        self.environment = os.environ | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "PYSPARK_PYTHON": sys.executable,
            "SPARK_LOCAL_HOSTNAME": "localhost",
            "SPARK_WORKER_DIR": str(data / "work"),
        }

    def here(self, text: str) -> str:
        """A command or URL of the compose file, for this machine."""
        for port, free in self.ports.items():
            text = re.sub(rf"\b{port}\b", free, text)
        text = re.sub(r"\b(master|store)(?=[:\s])", "localhost", text)
        return text.replace("0.0.0.0", "127.0.0.1").replace("/data", str(self.data)).replace("=demo", "=localhost")

    def start(self, service: str) -> None:
        if service == "worker":
            self.ports["8081"] = str(free_port())  # each has its own
        command = self.here(SERVICES[service]["command"])
        with (self.data / f"{service}.log").open("ab") as log:
            started = subprocess.Popen(
                shlex.split(command), env=self.environment, stdout=log, stderr=log, start_new_session=True
            )
        self.processes.append(started)
        self.until_well(self.here(SERVICES[service]["environment"]["HEALTH_URL"]))

    def until_well(self, url: str) -> None:
        check = [sys.executable, str(ROOT / "docker/healthy.py")]
        limit = time.monotonic() + 120
        while subprocess.run(check, env=self.environment | {"HEALTH_URL": url}, capture_output=True).returncode:
            assert time.monotonic() < limit, f"{url} does not answer; see {self.data}"
            time.sleep(1)

    def stop(self) -> None:
        for process in self.processes:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(30)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    made = Cluster(tmp_path)
    try:
        yield made
    finally:
        made.stop()


@pytest.mark.full
def test_the_demo_runs_on_the_cluster_as_the_compose_file_has_it(cluster: Cluster) -> None:
    for service in ("master", "worker", "worker"):
        cluster.start(service)
    command = shlex.split(cluster.here(SERVICES["demo"]["command"]))
    call = [sys.executable, "-m", *command]
    done = subprocess.run(call, env=cluster.environment, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr
    assert "exactly the planted truth: " in done.stderr
    with urllib.request.urlopen(f"http://localhost:{cluster.ports['8080']}/json/", timeout=20) as answer:
        known = answer.read().decode()
    assert known.count('"state" : "ALIVE"') == 2
    assert '"completedapps" : [ {' in known, "it ran there, and not in the demo's own process"


@pytest.mark.full
def test_the_store_of_the_compose_file_takes_and_gives(cluster: Cluster) -> None:
    from pyarrow.fs import S3FileSystem

    cluster.start("store")
    environment = SERVICES["store"]["environment"]
    keys = {"access_key": environment["AWS_ACCESS_KEY_ID"], "secret_key": environment["AWS_SECRET_ACCESS_KEY"]}
    endpoint = cluster.here(environment["AWS_ENDPOINT_URL"].replace("store", "localhost"))
    store = S3FileSystem(**keys, endpoint_override=endpoint, region="us-east-1", allow_bucket_creation=True)
    store.create_dir("lake")
    with store.open_output_stream("lake/a.csv") as file:
        file.write(b"a\n1\n")
    call = [sys.executable, "-m", "r2d2", "digest", "s3://lake", "--format", "json"]
    variables = environment | {"AWS_ENDPOINT_URL": endpoint}
    done = subprocess.run(call, env=cluster.environment | variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "a.csv" in done.stdout


@pytest.mark.full
@pytest.mark.skipif(find_spec("jupyterlab") is None, reason="JupyterLab is not there: pip install 'r2d2[notebooks]'")
def test_notebooks_start_as_the_compose_file_has_it(cluster: Cluster) -> None:
    cluster.ports["8888"] = str(free_port())
    cluster.start("notebooks")
