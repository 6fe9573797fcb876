"""Iceberg tables, one for each feature, written by Spark with the rows that must be in them.

They lie in the warehouse of a Hadoop catalog, so that their directories alone say what is current.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

#: The catalog that writes the tables; the product does not use it.
CATALOG = "iceberg_lake"
NAMESPACE = "ice"
_MERGE_ON_READ = {f"write.{kind}.mode": "merge-on-read" for kind in ("delete", "update", "merge")}


@dataclass(frozen=True)
class Place:
    """Where a table is made: a session, the table's name in its catalog, and its directory."""

    spark: SparkSession
    name: str
    path: Path

    def sql(self, *statements: str) -> None:
        for statement in statements:
            self.spark.sql(statement.replace("{t}", self.name))

    def create(self, rows: pa.Table, *partitioned_by: str, **properties: str) -> None:
        """An empty table with the columns of the rows."""
        self.spark.createDataFrame(rows).createOrReplaceTempView("new_rows")
        listed = ", ".join(f"'{key}' = '{value}'" for key, value in {"format-version": "2", **properties}.items())
        by = f"PARTITIONED BY ({', '.join(partitioned_by)})" if partitioned_by else ""
        self.sql(f"CREATE TABLE {{t}} USING iceberg {by} TBLPROPERTIES ({listed}) AS SELECT * FROM new_rows LIMIT 0")

    def append(self, rows: pa.Table) -> None:
        """Adds the rows as one file (of each partition)."""
        self.spark.createDataFrame(rows).coalesce(1).writeTo(self.name).append()

    def table(self) -> Any:
        """The table in Iceberg's Java API."""
        jvm: Any = self.spark._jvm
        return jvm.org.apache.iceberg.spark.Spark3Util.loadIcebergTable(self.spark._jsparkSession, self.name)


#: Makes the table, and gives the rows that it holds then.
Maker = Callable[[Place, pa.Table], pa.Table]


@dataclass(frozen=True)
class IcebergCase:
    """A table that uses a feature.

    Attributes:
        name: of the feature, and of the table's directory.
        make: writes it.
        status: that it must have.
        refused: what the reason says where it is not read.
        shares: id of the dataset with which it has files in common, so that neither is retired.
        sample: it is among those that CI builds.
    """

    name: str
    make: Maker
    status: str = "ok"
    refused: str = ""
    shares: str = ""
    sample: bool = False


def build(spark: SparkSession, lake: Path, case: IcebergCase, rows: pa.Table) -> pa.Table:
    """Makes a table of the lake."""
    spark.conf.set(f"spark.sql.catalog.{CATALOG}", "org.apache.iceberg.spark.SparkCatalog")
    spark.conf.set(f"spark.sql.catalog.{CATALOG}.type", "hadoop")
    spark.conf.set(f"spark.sql.catalog.{CATALOG}.warehouse", str(lake))
    return case.make(Place(spark, f"{CATALOG}.{NAMESPACE}.{case.name}", lake / NAMESPACE / case.name), rows)


def _hidden_partitioning(at: Place, rows: pa.Table) -> pa.Table:
    key = rows.column_names[0]
    at.create(rows, "days(at)", f"bucket(4, {key})", "truncate(1, name)")
    at.append(rows)
    return rows


def _position_deletes(at: Place, rows: pa.Table) -> pa.Table:
    key = rows.column_names[0]
    at.create(rows, **_MERGE_ON_READ)
    at.append(rows)
    at.sql(f"DELETE FROM {{t}} WHERE {key} % 3 = 0", f"UPDATE {{t}} SET name = 'new' WHERE {key} = 4")
    assert list(at.path.rglob("*-deletes.parquet")), "no file of deletes was written"
    left = rows.filter(pc.field(key).isin([n for n in range(rows.num_rows) if n % 3]))
    names = pc.if_else(pc.equal(left[key], 4), "new", left["name"])
    return left.set_column(left.column_names.index("name"), "name", names)


def _equality_deletes(at: Place, rows: pa.Table) -> pa.Table:
    """Rows with ids 3 and 5 are deleted by value, as Flink does, and id 5 comes again later."""
    key = rows.column_names[0]
    at.create(rows)
    at.append(rows)
    table = at.table()
    field = table.schema().findField(key).fieldId()
    path = at.path / "data" / f"{uuid.uuid4()}-deletes.parquet"
    schema = pa.schema([pa.field(key, pa.int64(), metadata={"PARQUET:field_id": str(field)})])
    pq.write_table(pa.table({key: [3, 5]}, schema=schema), path)
    gateway: Any = at.spark.sparkContext._gateway
    fields = gateway.new_array(gateway.jvm.int, 1)
    fields[0] = field
    deletes = gateway.jvm.org.apache.iceberg.FileMetadata.deleteFileBuilder(table.spec()).ofEqualityDeletes(fields)
    described = deletes.withPath(str(path)).withFileSizeInBytes(os.path.getsize(path)).withRecordCount(2)
    table.newRowDelta().addDeletes(described.withFormat("parquet").build()).commit()
    at.sql("REFRESH TABLE {t}")
    again = rows.slice(5, 1)
    at.append(again)
    return pa.concat_tables([rows.filter(~pc.field(key).isin([3, 5])), again])


def _schema_evolution(at: Place, rows: pa.Table) -> pa.Table:
    key = rows.column_names[0]
    at.sql(
        f"CREATE TABLE {{t}} ({key} INT, name STRING, ratio FLOAT, price DECIMAL(6,2), inner STRUCT<a: INT, b: STRING>)"
        " USING iceberg TBLPROPERTIES ('format-version' = '2')",
        "INSERT INTO {t} SELECT id, 'n' || id, id / 10, id / 4, named_struct('a', id, 'b', 'x') FROM range(0, 9, 1, 1)",
        f"ALTER TABLE {{t}} ALTER COLUMN {key} TYPE BIGINT",
        "ALTER TABLE {t} ALTER COLUMN ratio TYPE DOUBLE",
        "ALTER TABLE {t} ALTER COLUMN price TYPE DECIMAL(12,2)",
        "ALTER TABLE {t} RENAME COLUMN name TO title",
        "ALTER TABLE {t} ADD COLUMN name STRING",
        "ALTER TABLE {t} RENAME COLUMN inner.b TO c",
        "ALTER TABLE {t} ALTER COLUMN price FIRST",
        "INSERT INTO {t} VALUES (99999999.25, 5000000000, 'new', 0.1D, named_struct('a', 1, 'c', 'y'), 'now')",
    )
    ids = list(range(9))
    return pa.table(
        {
            key: pa.array([*ids, 5_000_000_000]),
            "price": pa.array([*(Decimal(n) / 4 for n in ids), Decimal("99999999.25")], pa.decimal128(12, 2)),
            "title": [*(f"n{n}" for n in ids), "new"],
            "ratio": pa.array([*pa.array([n / 10 for n in ids], pa.float32()).to_pylist(), 0.1], pa.float64()),
            "inner": [*({"a": n, "c": "x"} for n in ids), {"a": 1, "c": "y"}],
            "name": pa.array([None] * 9 + ["now"]),
        }
    )


def _schema_after_snapshot(at: Place, rows: pa.Table) -> pa.Table:
    """A column is added after the last rows were: readers of the current table see it, those of the snapshot don't."""
    at.create(rows)
    at.append(rows)
    at.sql("ALTER TABLE {t} ADD COLUMN later STRING")
    return rows.append_column("later", pa.nulls(rows.num_rows, pa.string()))


def _partition_evolution(at: Place, rows: pa.Table) -> pa.Table:
    at.create(rows, "name")
    at.append(rows.slice(0, 12))
    at.table().updateSpec().removeField("name").addField("day").commit()
    at.sql("REFRESH TABLE {t}")
    at.append(rows.slice(12))
    return rows


def _branches_and_tags(at: Place, rows: pa.Table) -> pa.Table:
    """More rows on a branch, a tag on a snapshot that is no longer current: neither is what the table holds."""
    at.create(rows)
    at.append(rows)
    first = at.table().currentSnapshot().snapshotId()
    at.append(rows.slice(0, 3))
    more = at.table().currentSnapshot().snapshotId()
    at.table().manageSnapshots().createTag("first", first).createBranch("audit", more).rollbackTo(first).commit()
    at.sql("REFRESH TABLE {t}", f"DELETE FROM {{t}} WHERE {rows.column_names[0]} = 7")
    return rows.filter(pc.field(rows.column_names[0]) != 7)


def _rolled_back(at: Place, rows: pa.Table) -> pa.Table:
    at.create(rows)
    at.append(rows)
    first = at.table().currentSnapshot().snapshotId()
    at.append(rows.slice(0, 3))
    at.sql(f"CALL {CATALOG}.system.rollback_to_snapshot('{at.name.partition('.')[2]}', {first})")
    return rows


def _compacted(at: Place, rows: pa.Table) -> pa.Table:
    at.create(rows)
    for start in (0, 12):
        at.append(rows.slice(start, 12))
    at.sql(
        f"CALL {CATALOG}.system.rewrite_data_files(table => '{at.name.partition('.')[2]}',"
        " options => map('rewrite-all', 'true'))"
    )
    return rows


def _add_files(at: Place, rows: pa.Table) -> pa.Table:
    """The files of a Parquet dataset become the table's, without ids in them: columns are found by a name mapping."""
    source = at.path.parent / "added"
    source.mkdir(parents=True)
    pq.write_table(rows, source / "part-0.parquet")
    at.create(rows)
    table = at.name.partition(".")[2]
    at.sql(f"CALL {CATALOG}.system.add_files(table => '{table}', source_table => '`parquet`.`{source}`')")
    return rows


def _snapshot_of(at: Place, rows: pa.Table) -> pa.Table:
    """The procedure ``snapshot`` makes a table of another one's files."""
    source = at.path.parent / "origin"
    at.spark.createDataFrame(rows).coalesce(1).write.parquet(str(source))
    at.spark.sql(f"CREATE TABLE iceberg_origin USING parquet LOCATION '{source}'")
    try:
        at.sql(f"CALL {CATALOG}.system.snapshot('spark_catalog.default.iceberg_origin', '{at.name}')")
    finally:
        at.spark.sql("DROP TABLE iceberg_origin")
    return rows


def _format_1(at: Place, rows: pa.Table) -> pa.Table:
    at.create(rows, "name", **{"format-version": "1"})
    at.append(rows)
    return rows


def _format_3(at: Place, rows: pa.Table) -> pa.Table:
    at.create(rows, **{"format-version": "3"})
    at.append(rows)
    return rows


def _orc_and_avro(at: Place, rows: pa.Table) -> pa.Table:
    at.create(rows, **{"write.format.default": "orc"})
    at.append(rows.slice(0, 10))
    at.sql("ALTER TABLE {t} SET TBLPROPERTIES ('write.format.default' = 'avro')")
    at.append(rows.slice(10))
    return rows


def _local_times(at: Place, rows: pa.Table) -> pa.Table:
    key = rows.column_names[0]
    at.sql(
        f"CREATE TABLE {{t}} ({key} BIGINT, wall TIMESTAMP_NTZ, bytes BINARY) USING iceberg",
        "INSERT INTO {t} SELECT id, timestamp_ntz'1969-12-31 23:59:59.999999' + make_interval(0, 0, 0, id), x'00ff'"
        " FROM (SELECT CAST(id AS INT) AS id FROM range(0, 6, 1, 1))",
    )
    walls = [
        datetime(1969, 12, 31, 23, 59, 59, 999999),
        *(datetime(1970, 1, n, 23, 59, 59, 999999) for n in range(1, 6)),
    ]
    return pa.table({key: range(6), "wall": pa.array(walls, pa.timestamp("us")), "bytes": [b"\x00\xff"] * 6})


def _empty(at: Place, rows: pa.Table) -> pa.Table:
    at.sql(f"CREATE TABLE {{t}} ({rows.column_names[0]} BIGINT) USING iceberg")
    return rows.select([0]).slice(0, 0)


ICEBERG_CASES = (
    IcebergCase("hidden_partitioning", _hidden_partitioning),
    IcebergCase("position_deletes", _position_deletes, sample=True),
    IcebergCase("equality_deletes", _equality_deletes, sample=True),
    IcebergCase("schema_evolution", _schema_evolution),
    IcebergCase("schema_after_snapshot", _schema_after_snapshot),
    IcebergCase("partition_evolution", _partition_evolution),
    IcebergCase("branches_and_tags", _branches_and_tags),
    IcebergCase("rolled_back", _rolled_back),
    IcebergCase("compacted", _compacted),
    IcebergCase("add_files", _add_files, shares=f"{NAMESPACE}/added", sample=True),
    IcebergCase("snapshot_of", _snapshot_of, shares=f"{NAMESPACE}/origin"),
    IcebergCase("format_1", _format_1),
    IcebergCase("format_3", _format_3, "unsupported", "format version 3"),
    IcebergCase("orc_and_avro", _orc_and_avro),
    IcebergCase("local_times", _local_times),
    IcebergCase("empty", _empty, "empty", "no rows"),
)
