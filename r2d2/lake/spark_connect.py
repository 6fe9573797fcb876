"""The session over Spark Connect: a server that runs already, which takes only what may still be set."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from r2d2.errors import EnvironmentMissing, UsageError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession
    from pyspark.sql.connect.client import DefaultChannelBuilder

SCHEME = "sc://"
#: Python in the archive of ``make package``, as each worker finds it.
PACKED_PYTHON = "./environment/bin/python"
#: Seconds in which a server must answer; Spark's own client tries for ten minutes.
PATIENCE = 30.0


def remote_url(master: str) -> str:
    """The URL of the server: the setting ``spark.master`` if it is one, else ``SPARK_REMOTE``; empty for none.

    Raises:
        UsageError: ``SPARK_REMOTE`` is something else than the URL of a server.
    """
    if master:
        return master if master.startswith(SCHEME) else ""
    url = os.environ.get("SPARK_REMOTE", "")
    if url and not url.startswith(SCHEME):
        raise UsageError("SPARK_REMOTE names no Spark Connect server", f"set it to {SCHEME}HOST:PORT, or unset it")
    return url


def unpacked_as(archive: str) -> str:
    """An archive, and the directory into which each worker unpacks it, as Spark takes both."""
    return f"{archive}#environment"


def connected(url: str, properties: Mapping[str, str], archive: str = "") -> SparkSession:
    """A session of the server, with the properties.

    Args:
        url: of the server; it may hold a token, so errors name only host and port. Empty where the host of this
            process has made the session already, as Databricks does.
        archive: with the environment that Python workers run in; empty where they have one.

    Raises:
        EnvironmentMissing: Spark Connect's Python packages are not installed, or the server doesn't answer.
        UsageError: a property that can't be set on a server that runs.
    """
    try:
        from pyspark.sql.connect.client import DefaultChannelBuilder
    except ImportError as error:  # pyspark says which package
        what = f"Spark Connect: {str(error).splitlines()[0]}"
        raise EnvironmentMissing(what, "pip install 'r2d2[connect]'") from None
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    try:
        if url:
            _require_answer(DefaultChannelBuilder(url))
        session = (SparkSession.builder.remote(url) if url else SparkSession.builder).getOrCreate()
    except PySparkException as error:
        raise UsageError(f"spark.master: {error.getCondition()}", f"expected {SCHEME}HOST:PORT") from None
    if archive:
        session.addArtifacts(unpacked_as(archive), archive=True)
        properties = {**properties, "spark.sql.execution.pyspark.python": PACKED_PYTHON}
    for key, value in properties.items():
        try:
            session.conf.set(key, value)
        except PySparkException as error:
            what = f"spark.conf: {key} can't be set over Spark Connect ({error.getCondition()})"
            raise UsageError(what, "set it where the server is started") from None
    return session


def _require_answer(channel: DefaultChannelBuilder) -> None:
    import grpc

    opened = channel.toChannel()
    try:
        grpc.channel_ready_future(opened).result(timeout=PATIENCE)
    except grpc.FutureTimeoutError:
        what = f"the Spark Connect server {channel.endpoint} doesn't answer"
        raise EnvironmentMissing(what, "is it running, and is its port open to this machine?") from None
    finally:
        opened.close()
