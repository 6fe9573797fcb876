"""The only builder of the SparkSession."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from r2d2.config import SparkSettings
from r2d2.errors import EnvironmentMissing, UsageError, first_line
from r2d2.lake.jars import DELTA_PACKAGE, ICEBERG, S3, jar_properties
from r2d2.lake.java import java_problem
from r2d2.lake.s3_spark import s3a_properties
from r2d2.lake.spark_connect import PACKED_PYTHON, connected, remote_url, unpacked_as

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def build_session(settings: SparkSettings, app: str = "r2d2", needs: Iterable[str] = ()) -> SparkSession:
    """The session: what spark-submit or the environment gives, else local; with Delta, in UTC, and quiet.

    Args:
        needs: jar sets (``lake.jars``) besides Delta's and those of the settings, where this process starts the JVM.

    Raises:
        EnvironmentMissing: Java is missing or too old, a server doesn't answer, or the Delta jars can't be had.
        UsageError: ``spark.jars`` names no directory of jars, or a property can't be set.
    """
    if is_remote(settings):
        return _over_connect(settings)
    require_java(settings)
    from pyspark.sql import SparkSession  # the JVM's client takes a second to import; commands on the state need none

    os.environ.setdefault("PYSPARK_PYTHON", PACKED_PYTHON if _packed(settings) else sys.executable)
    builder = SparkSession.builder.appName(app)
    for key, value in _properties(settings, needs).items():
        builder = builder.config(key, value)
    with _jvm_output_to_file() as chatter:
        try:
            session = builder.getOrCreate()
        except Exception as error:
            raise EnvironmentMissing(
                f"Spark did not start: {first_line(error)}{chatter.tail()}",
                "without access to Maven, put the Delta jars into a directory and set spark.jars to it",
            ) from error
    session.sparkContext.setLogLevel(settings.log_level)
    _require_delta(session)
    return session


def _over_connect(settings: SparkSettings) -> SparkSession:
    session = connected(remote_url(settings.master), _OF_SESSION | dict(settings.conf), _packed(settings))
    _require_delta(session)
    return session


def running_tasks(spark: SparkSession) -> tuple[int, int] | None:
    """(done, all) tasks of the Spark stages that run now; None if there are none, nobody answers, or over Connect."""
    if is_remote():
        return None
    from py4j.protocol import Py4JError

    try:
        tracker = spark.sparkContext.statusTracker()
        stages = [stage for number in tracker.getActiveStageIds() if (stage := tracker.getStageInfo(number))]
    except (Py4JError, ConnectionError):
        return None
    if not stages:
        return None
    return sum(stage.numCompletedTasks for stage in stages), sum(stage.numTasks for stage in stages)


def shares_disk(spark: SparkSession) -> bool:
    """Whether tasks run on this machine, so that they can read what another one wrote to its disk."""
    return not is_remote() and str(spark.sparkContext.master).startswith("local")


def planned_cores(settings: SparkSettings) -> tuple[int, bool]:
    """Cores that a session would have, and whether they are this machine's; without starting one.

    Of a cluster the Spark properties say it, if anything does; else it is taken for one of this machine's size.
    """
    master = "" if is_remote(settings) else _master(settings)
    local = re.fullmatch(r"local(?:\[(\d+|\*)(?:,\d+)?\])?", master)
    if local:
        return (os.cpu_count() or 1) if local[1] == "*" else int(local[1] or 1), True
    cores, executors, each = (
        int(text) if (text := settings.conf.get(f"spark.{key}", "")).isdecimal() else 0
        for key in ("cores.max", "executor.instances", "executor.cores")
    )
    return cores or executors * max(1, each) or os.cpu_count() or 1, False


def held_cores(spark: SparkSession, settings: SparkSettings) -> int:
    """Cores of a session, of whose cluster spark-submit or a server may have been told."""
    told = {name: text for name in _TELL_CORES if (text := spark.conf.get(name, "") or "")}
    conf = {**told, **settings.conf}
    return planned_cores(replace(settings, master=settings.master or told.get("spark.master", ""), conf=conf))[0]


_TELL_CORES = ("spark.master", "spark.cores.max", "spark.executor.instances", "spark.executor.cores")


def require_java(settings: SparkSettings) -> None:
    """Asks for Java where the session would need one here.

    Raises:
        EnvironmentMissing: it is missing or too old.
    """
    problem = "" if is_remote(settings) else java_problem()
    if problem:
        raise EnvironmentMissing(problem)


def _require_delta(session: SparkSession) -> None:
    """spark-submit starts the JVM before this program can ask for jars: they must come with its own flags."""
    from py4j.protocol import Py4JJavaError
    from pyspark.errors import AnalysisException

    try:
        _ = session.read.format("delta").load("/r2d2-there-is-no-such-table").schema  # Spark Connect asks only now
    except (AnalysisException, Py4JJavaError) as error:
        if "DATA_SOURCE_NOT_FOUND" in str(error):
            start = "start the Spark Connect server with" if is_remote() else "spark-submit"
            hint = f"{start} --packages {DELTA_PACKAGE} ... (or --jars with the Delta jars)"
            raise EnvironmentMissing("Delta is not on Spark's class path", hint) from None


def is_remote(settings: SparkSettings | None = None) -> bool:
    """Whether the session is, or with these settings would be, one of a Spark Connect server."""
    asked = settings is not None and bool(remote_url(settings.master))
    return asked or bool(os.environ.get("SPARK_REMOTE") or os.environ.get("SPARK_CONNECT_MODE_ENABLED"))


#: What a session may set that it did not start itself.
_OF_SESSION = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.sql.files.ignoreCorruptFiles": "false",
    "spark.sql.files.ignoreMissingFiles": "false",
}


def _properties(settings: SparkSettings, needs: Iterable[str]) -> dict[str, str]:
    properties = _OF_SESSION | {
        "spark.sql.extensions": ",".join(_extensions(settings, needs)),
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.ui.showConsoleProgress": "false",
        "spark.databricks.delta.snapshotPartitions": "2",
    }
    master = _master(settings)
    if master:
        properties["spark.master"] = master
    if master.startswith("local"):
        properties |= {
            "spark.driver.host": "localhost",
            "spark.ui.enabled": "false",
            "spark.sql.shuffle.partitions": "4",
            "spark.driver.extraJavaOptions": (
                "-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Dderby.system.home=/tmp"
                " -XX:+ExitOnOutOfMemoryError"  # *Seen*: a session without memory waits for ever
            ),
        }
    if packed := _packed(settings):
        properties["spark.archives"] = unpacked_as(packed)
    if settings.driver_memory:
        properties["spark.driver.memory"] = settings.driver_memory
    stores = s3a_properties(os.environ) if S3 in {*settings.extras, *needs} else {}
    return properties | stores | _jars(settings, needs) | dict(settings.conf)


def _extensions(settings: SparkSettings, needs: Iterable[str]) -> list[str]:
    """Of Iceberg, too, where its jar comes: tags are set by its SQL."""
    iceberg = ["org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions"]
    return ["io.delta.sql.DeltaSparkSessionExtension", *(iceberg if ICEBERG in {*settings.extras, *needs} else [])]


def _packed(settings: SparkSettings) -> str:
    """The archive with the workers' environment; workers on this machine run in this process's own."""
    if not settings.environment or (not is_remote(settings) and _master(settings).startswith("local")):
        return ""
    if not Path(settings.environment).is_file():
        raise UsageError(f"spark.environment: {settings.environment} is no file", "`make package` builds the archive")
    return settings.environment


def _master(settings: SparkSettings) -> str:
    """Empty where spark-submit brings its own."""
    return settings.master or ("" if is_submitted() else os.environ.get("SPARK_MASTER", "local[*]"))


def is_submitted() -> bool:
    """Whether spark-submit started this process and brings its own master."""
    return "PYSPARK_GATEWAY_PORT" in os.environ


def _jars(settings: SparkSettings, needs: Iterable[str]) -> dict[str, str]:
    if not settings.jars:
        return jar_properties({*settings.extras, *needs})
    jars = sorted(str(path) for path in Path(settings.jars).glob("*.jar"))
    if not jars:
        raise UsageError(f"spark.jars: {settings.jars} holds no .jar file", "name the directory of the Delta jars")
    return {"spark.jars": ",".join(jars)}


class _Chatter:
    """Where the JVM and Ivy write what they have to say: a file, read only if they fail, and gone when they end."""

    def __init__(self) -> None:
        handle, name = tempfile.mkstemp(prefix="r2d2-spark-", suffix=".log")
        os.close(handle)
        self.path = Path(name)

    def tail(self, lines: int = 5) -> str:
        """The last lines that look like a cause, indented."""
        text = self.path.read_text(errors="replace")
        kept = [line for line in text.splitlines() if re.search(r"unresolved|not found|error|exception", line, re.I)]
        return "".join(f"\n  {line.strip()}" for line in kept[-lines:])


@contextmanager
def _jvm_output_to_file() -> Iterator[_Chatter]:
    """While the JVM starts, its standard output and error are a file; it keeps them, this process does not."""
    chatter = _Chatter()
    sys.stdout.flush()
    sys.stderr.flush()
    saved = [(number, os.dup(number)) for number in (1, 2)]
    target = os.open(chatter.path, os.O_WRONLY | os.O_APPEND)
    try:
        for number, _ in saved:
            os.dup2(target, number)
        yield chatter
    finally:
        os.close(target)
        chatter.path.unlink()
        for number, copy in saved:
            os.dup2(copy, number)
            os.close(copy)
