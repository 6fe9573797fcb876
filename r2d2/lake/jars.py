"""Jar sets that a session loads beside Spark's own: the smallest ones that read what a lake holds (DESIGN 5)."""

from __future__ import annotations

from collections.abc import Iterable

DELTA, ICEBERG, AVRO, S3 = "delta", "iceberg", "avro", "s3"

DELTA_PACKAGE = "io.delta:delta-spark_4.1_2.13:4.4.0"
_PACKAGES = {
    DELTA: (DELTA_PACKAGE,),
    ICEBERG: ("org.apache.iceberg:iceberg-spark-runtime-4.1_2.13:1.12.0",),
    AVRO: ("org.apache.spark:spark-avro_2.13:4.1.4",),
    S3: ("org.apache.hadoop:hadoop-aws:3.4.2",),
}
#: What Spark ships itself; leaving it out makes the first start twice as fast.
SHIPPED_WITH_SPARK = (
    "org.apache.hadoop:*,org.apache.logging.log4j:*,org.slf4j:*,org.apache.parquet:*,org.xerial.snappy:*,"
    "com.fasterxml.jackson.core:*"
)


def packages(needs: Iterable[str]) -> tuple[str, ...]:
    """Maven coordinates of jar sets; Delta's, in which the state is kept, are always among them.

    Raises:
        KeyError: there is no such set.
    """
    return tuple(package for name in sorted({DELTA, *needs}) for package in _PACKAGES[name])
