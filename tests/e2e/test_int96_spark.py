"""Plain Parquet as Spark writes it by default, with INT96 timestamps, against what else holds the same instants."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
import pytest

from tests.containment_runs import contained, parquet_dataset, proven_pairs

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

TIMES = """SELECT CAST(t AS TIMESTAMP) AS t, array(CAST(t AS TIMESTAMP), NULL) AS l,
  named_struct('t', CAST(t AS TIMESTAMP)) AS s, map('k', CAST(t AS TIMESTAMP)) AS m
  FROM VALUES ('2024-02-29 12:00:00.123456'), ('1969-12-31 23:59:59.999999'), (NULL), ('2024-02-29 12:00:00.123456'),
  ('1900-01-01 00:00:00'), ({}) AS v(t)"""
MODES = "spark.sql.parquet.outputTimestampType", "spark.sql.parquet.int96RebaseModeInWrite"


def _written(spark: SparkSession, frame: DataFrame, path: Path, kind: str, mode: str = "CORRECTED") -> Path:
    before = [spark.conf.get(key) for key in MODES]
    try:
        for key, value in zip(MODES, (kind, mode), strict=True):
            spark.conf.set(key, value)
        frame.coalesce(1).write.parquet(str(path))
    finally:
        for key, value in zip(MODES, before, strict=True):
            spark.conf.set(key, value)
    (file,) = path.glob("*.parquet")
    renamed = path.with_suffix(".parquet")
    file.rename(renamed)
    return renamed


@pytest.mark.parametrize("old", ["1899-12-31 23:59:59.999999", "1582-10-04 00:00:00", "0001-01-01 00:00:00"])
def test_int96_by_spark_equals_its_microseconds_with_zone(spark: SparkSession, tmp_path: Path, old: str) -> None:
    frame = spark.sql(TIMES.format(f"'{old}'"))
    a = _written(spark, frame, tmp_path / "a", "INT96")
    assert pq.ParquetFile(a).schema.column(0).physical_type == "INT96"
    b = _written(spark, frame, tmp_path / "b", "TIMESTAMP_MICROS")
    other = spark.sql(
        TIMES.format(f"'{old}' - INTERVAL 1 MICROSECOND" if old > "0002" else "'0001-01-01 00:00:00.000001'")
    )
    c = _written(spark, other, tmp_path / "c", "TIMESTAMP_MICROS")
    datasets = [parquet_dataset(path) for path in (a, b, c)]
    assert [d.error for d in datasets] == [""] * 3
    assert proven_pairs(contained(datasets)) == {("a", "b"), ("b", "a")}


def test_int96_by_spark_in_the_old_calendar_is_unsupported(spark: SparkSession, tmp_path: Path) -> None:
    frame = spark.sql(TIMES.format("'1582-10-04 00:00:00'"))
    found = parquet_dataset(_written(spark, frame, tmp_path / "a", "INT96", "LEGACY"))
    assert found.status == "unsupported"
    assert "legacy calendar" in found.reason
