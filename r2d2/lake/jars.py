"""Jar sets that a session loads beside Spark's own: the smallest ones that read what a lake holds (DESIGN 5)."""

from __future__ import annotations

from collections.abc import Iterable

from r2d2.errors import UsageError
from r2d2.lake.s3_spark import S3_EXCLUDES, S3_PACKAGES

DELTA, ICEBERG, AVRO, S3 = "delta", "iceberg", "avro", "s3"

DELTA_PACKAGE = "io.delta:delta-spark_4.1_2.13:4.4.0"
_PACKAGES = {
    DELTA: (DELTA_PACKAGE,),
    ICEBERG: ("org.apache.iceberg:iceberg-spark-runtime-4.1_2.13:1.12.0",),
    AVRO: ("org.apache.spark:spark-avro_2.13:4.1.1",),  # the newest that there is; Spark 4.1.4 reads with it
    S3: S3_PACKAGES,
}
#: What Spark ships itself; leaving it out makes the first start twice as fast.
_SHIPPED = (
    "org.apache.logging.log4j:*",
    "org.slf4j:*",
    "org.apache.parquet:*",
    "org.xerial.snappy:*",
    "com.fasterxml.jackson.core:*",
)


def jar_properties(needs: Iterable[str]) -> dict[str, str]:
    """Spark properties that load jar sets; Delta's, in which the state is kept, is always among them.

    Raises:
        UsageError: there is no such set.
    """
    wanted = sorted({DELTA, *needs})
    unknown = next((name for name in wanted if name not in _PACKAGES), None)
    if unknown is not None:
        raise UsageError(f"spark.extras: there is no jar set {unknown!r}", f"there are {', '.join(_PACKAGES)}")
    hadoop = S3_EXCLUDES if S3 in wanted else ("org.apache.hadoop:*",)
    return {
        "spark.jars.packages": ",".join(package for name in wanted for package in _PACKAGES[name]),
        "spark.jars.excludes": ",".join((*hadoop, *_SHIPPED)),
    }


def packages_of(needs: Iterable[str]) -> str:
    """The coordinates as ``spark-submit --packages`` takes them."""
    return jar_properties(needs)["spark.jars.packages"]
