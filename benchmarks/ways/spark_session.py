"""Spark for the rivals, set up as well as for R2D2."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.parquet as pq

from benchmarks.inventory import Table

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

SETTINGS = (
    "local Spark on all cores, 6 GB driver, adaptive execution, as many shuffle partitions as cores, schemas given, "
    "columns pruned, as many jobs at a time as cores"
)

_WARMING = 3


def start(threads: int) -> SparkSession:
    """A local session."""
    from pyspark.sql import SparkSession

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    os.environ["TZ"] = "UTC"  # Python's timestamps without a zone become literals by it
    time.tzset()
    properties = {
        "spark.driver.host": "localhost",
        "spark.driver.memory": "6g",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.scheduler.mode": "FAIR",
        "spark.sql.shuffle.partitions": str(threads),
        "spark.sql.adaptive.enabled": "true",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.autoBroadcastJoinThreshold": str(64 << 20),
    }
    builder = SparkSession.builder.appName("benchmark").master(f"local[{threads}]")
    for key, value in properties.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    return session


def warm(session: SparkSession, scratch: Path) -> None:
    """Small queries of the kinds that follow: what the JVM's first ones cost is not counted, let alone multiplied."""
    path = str(scratch / "warm.parquet")
    session.range(1000).selectExpr("id", "cast(id AS string) AS name").coalesce(1).write.parquet(path)
    for _ in range(_WARMING):
        table = session.read.parquet(path)
        table.exceptAll(table.where("id > 1")).isEmpty()
        table.limit(10).join(table, ["id", "name"], "left_anti").isEmpty()
        table.sample(fraction=0.1, seed=1).collect()


def rows(session: SparkSession, table: Table, names: list[str]) -> DataFrame:
    """A dataset under some columns; its schema is given, so that no job reads footers."""
    from pyspark.sql.pandas.types import from_arrow_schema

    schema = from_arrow_schema(pq.read_schema(table.files[0]), prefer_timestamp_ntz=True)
    return session.read.schema(schema).parquet(*table.files).select(*(f"`{name}`" for name in names))
