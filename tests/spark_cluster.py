"""A Spark standalone cluster and a Spark Connect server, each process of them real, on free ports of this machine."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pyspark

from r2d2.lake.jars import DELTA_PACKAGE, SHIPPED_WITH_SPARK

ROOT = Path(__file__).resolve().parents[1]
HOST = "localhost"
#: Of the workers: Spark starts no second copy of a task on the machine where the first one runs.
_HOSTS = (HOST, "127.0.0.1")
#: Starts are most of what these tests wait for.
_FAST_JVM = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1"
#: What each program asks for: an executor on each worker, so that a lost one leaves another, and two programs fit.
PROGRAM = {
    "spark.cores.max": "2",
    "spark.driver.host": HOST,
    "spark.ui.enabled": "false",
    "spark.executor.cores": "1",
    "spark.executor.memory": "512m",
    "spark.executor.extraJavaOptions": _FAST_JVM,
    "spark.driver.extraJavaOptions": _FAST_JVM,
    "spark.sql.shuffle.partitions": "4",
}
DELTA = {
    "spark.jars.packages": DELTA_PACKAGE,
    "spark.jars.excludes": SHIPPED_WITH_SPARK,
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
}
_CONNECT_SERVER = "org.apache.spark.sql.connect.service.SparkConnectServer"


def flags(properties: dict[str, str]) -> list[str]:
    """Spark properties as spark-submit takes them."""
    return [text for key, value in properties.items() for text in ("--conf", f"{key}={value}")]


def modules() -> dict[str, str]:
    """The environment in which a Python process finds the package and what it needs, as this one does."""
    found = {"PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)]), "PYSPARK_PYTHON": sys.executable}
    return {key: value for key, value in os.environ.items() if not key.startswith("SPARK_")} | found


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        return int(listener.getsockname()[1])


@dataclass
class Service:
    """A process that serves on a port, in a group of processes of its own."""

    command: Sequence[str]
    log: Path
    port: int
    environment: Mapping[str, str]
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        environment = {"SPARK_LOCAL_IP": "127.0.0.1", "SPARK_LOCAL_HOSTNAME": HOST, "SPARK_DAEMON_MEMORY": "512m"}
        environment |= {"SPARK_DAEMON_JAVA_OPTS": _FAST_JVM, **self.environment}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=environment, start_new_session=True
            )

    @property
    def runs(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def wait(self, seconds: float = 90) -> None:
        """Until it serves."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self.runs:
            with socket.socket() as client:
                if client.connect_ex((HOST, self.port)) == 0:
                    return
            time.sleep(0.05)
        raise AssertionError(f"{self.command[1:3]} does not serve:\n{self.log.read_text()[-2000:]}")

    def stop(self) -> None:
        """It and all that it has started."""
        if self.process is not None:
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except ProcessLookupError:
                return
            finally:
                self.process.wait()


@dataclass
class Cluster:
    """A master and two workers, each with room for an executor of two programs.

    Attributes:
        spark: where pyspark is installed.
        environment: of all processes; by default what makes this package importable.
    """

    directory: Path
    spark: Path = Path(pyspark.__path__[0])
    environment: Mapping[str, str] = field(default_factory=modules)
    master: Service = field(init=False)
    workers: list[Service] = field(init=False)

    def __post_init__(self) -> None:
        port, web = free_port(), free_port()
        options = ["--host", HOST, "--port", str(port), "--webui-port", str(web)]
        command = [self.program("spark-class"), "org.apache.spark.deploy.master.Master", *options]
        self.master = Service(command, self.directory / "master.log", port, self.environment)
        self.workers = [self._worker(number, host) for number, host in enumerate(_HOSTS)]

    def _worker(self, number: int, host: str) -> Service:
        port = free_port()
        options = ["--host", host, "--port", str(port), "--webui-port", "0", "--cores", "2", "--memory", "2g"]
        options += ["--work-dir", str(self.directory / f"work-{number}"), self.url]
        command = [self.program("spark-class"), "org.apache.spark.deploy.worker.Worker", *options]
        return Service(command, self.directory / f"worker-{number}.log", port, self.environment)

    def program(self, name: str) -> str:
        return str(self.spark / "bin" / name)

    def connect_server(self, directory: Path, master: str = "") -> Service:
        """A Spark Connect server whose tasks run on the cluster, or where ``master`` says."""
        port = free_port()
        binding = {"spark.connect.grpc.binding.port": str(port), "spark.connect.grpc.binding.address": HOST}
        local = {"spark.local.dir": str(directory), "spark.sql.warehouse.dir": str(directory / "warehouse")}
        options = ["--master", master or self.url, *flags(PROGRAM | DELTA | binding | local)]
        command = [self.program("spark-submit"), *options, "--class", _CONNECT_SERVER, "spark-internal"]
        return Service(command, directory / "connect.log", port, self.environment)

    @property
    def url(self) -> str:
        return f"spark://{HOST}:{self.master.port}"

    def start(self) -> None:
        """What doesn't run; a worker looks for the master until it is there."""
        started = [service for service in (self.master, *self.workers) if not service.runs]
        for service in started:
            service.start()
        for service in started:
            service.wait()

    def stop(self) -> None:
        for service in (*self.workers, self.master):
            service.stop()


@contextmanager
def serving(server: Service) -> Iterator[str]:
    """The URL of a Spark Connect server, while it runs."""
    try:
        server.start()
        server.wait()
        yield f"sc://localhost:{server.port}"
    finally:
        server.stop()
