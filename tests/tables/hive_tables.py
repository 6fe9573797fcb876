"""Makes tables in a Hive metastore: ``python -m tests.tables.hive_tables DIRECTORY``, in a process of its own.

A session has the one catalog or the other for as long as it lives, and the tests' session has no metastore.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from r2d2.config import SparkSettings
from r2d2.lake.session import build_session
from tests.tables.truths import base_rows, write_relatives

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

COLUMNS = "{0}_id BIGINT, name STRING, amount DECIMAL(10,2), x DOUBLE"


def properties(directory: Path) -> dict[str, str]:
    """Spark properties of a metastore in a Derby database of its own."""
    return {
        "spark.sql.catalogImplementation": "hive",
        "spark.hadoop.javax.jdo.option.ConnectionURL": f"jdbc:derby:;databaseName={directory}/metastore;create=true",
        "spark.sql.warehouse.dir": str(directory / "warehouse"),
    }


def rows_of(name: str) -> pa.Table:
    """The rows of a table; it is partitioned by ``day`` and ``k``, which is NULL in some rows."""
    rows = base_rows(name)
    ks = pa.array([None if n % 5 == 0 else n % 2 for n in range(rows.num_rows)], pa.int32())
    return rows.drop_columns(["at"]).append_column("k", ks)


def main(directory: Path) -> None:
    """Tables ``parquet``, ``orc`` (partitioned, one partition elsewhere) and ``text`` of the database ``shop``."""
    spark = build_session(SparkSettings(master="local[2]", conf=properties(directory)))
    spark.conf.set("hive.exec.dynamic.partition.mode", "nonstrict")
    spark.sql("CREATE DATABASE shop")
    for kind in ("parquet", "orc"):
        _partitioned(spark, directory, kind)
    spark.sql("CREATE TABLE shop.text (id INT, name STRING) STORED AS TEXTFILE")
    spark.sql("INSERT INTO shop.text VALUES (1, 'x')")
    spark.sql("CREATE VIEW shop.recent AS SELECT parquet_id, name FROM shop.parquet WHERE k = 1")
    spark.sql("CREATE VIEW shop.textual AS SELECT id FROM shop.text")
    spark.stop()


def _partitioned(spark: SparkSession, directory: Path, kind: str) -> None:
    rows = rows_of(kind)
    spark.createDataFrame(rows).createOrReplaceTempView("new_rows")
    by = "PARTITIONED BY (day DATE, k INT)"
    spark.sql(f"CREATE TABLE shop.{kind} ({COLUMNS.format(kind)}) {by} STORED AS {kind.upper()}")
    spark.sql(
        f"ALTER TABLE shop.{kind} ADD PARTITION (day = DATE'1999-12-31', k = 1) LOCATION '{directory}/else_{kind}'"
    )
    spark.sql(f"INSERT INTO shop.{kind} PARTITION (day, k) SELECT {kind}_id, name, amount, x, day, k FROM new_rows")
    (directory / "files").mkdir(exist_ok=True)
    write_relatives(directory / "files", kind, rows)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
