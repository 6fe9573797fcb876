"""Delta tables, one for each feature, written by Spark (or delta-rs) with the rows that must be in them.

What a table holds is worked out beside the writing, not read back, so that Delta's own reader is checked too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import write_deltalake

from tests.tables.truths import base_rows

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

#: Makes the table at a path out of rows, and gives the rows that it holds then.
Maker = Callable[["SparkSession", Path, pa.Table], pa.Table]


@dataclass(frozen=True)
class DeltaCase:
    """A table that uses a feature.

    Attributes:
        name: of the feature, and of the table's directory.
        make: writes it.
        refused: what the reason says where it is not read; empty if it is.
        by_spark: its files don't give its rows, so Spark reads it.
        shares: name of the table with which it has files in common, so that neither is retired.
        sample: it is among those that CI builds.
    """

    name: str
    make: Maker
    refused: str = ""
    by_spark: bool = False
    shares: str = ""
    sample: bool = False


def _sql(spark: SparkSession, path: Path, *statements: str) -> None:
    for statement in statements:
        spark.sql(statement.replace("{t}", f"delta.`{path}`"))


def _write(spark: SparkSession, path: Path, rows: pa.Table, *partition_by: str, **options: str) -> None:
    """Appends the rows as one file (of each partition); table properties are options of the first write."""
    frame = spark.createDataFrame(rows).coalesce(1)
    frame.write.format("delta").mode("append").options(**options).partitionBy(*partition_by).save(str(path))


def _where(rows: pa.Table, condition: pc.Expression) -> pa.Table:
    return rows.filter(condition)


def _id(rows: pa.Table) -> str:
    return str(rows.column_names[0])


def _deletion_vectors(spark: SparkSession, path: Path, rows: pa.Table) -> pa.Table:
    _write(spark, path, rows, **{"delta.enableDeletionVectors": "true"})
    key = _id(rows)
    _sql(spark, path, f"DELETE FROM {{t}} WHERE {key} % 3 = 0", f"UPDATE {{t}} SET name = 'new' WHERE {key} = 4")
    left = _where(rows, pc.field(key).isin([n for n in range(rows.num_rows) if n % 3]))
    names = pc.if_else(pc.equal(left[key], 4), "new", left["name"])
    return left.set_column(left.column_names.index("name"), "name", names)


def _renamed(spark: SparkSession, path: Path, rows: pa.Table, mode: str) -> pa.Table:
    """A column renamed, another one dropped, and one of its name added again: by position or name it would be wrong."""
    _write(spark, path, rows, **{"delta.columnMapping.mode": mode})
    _sql(
        spark,
        path,
        "ALTER TABLE {t} RENAME COLUMN name TO title",
        "ALTER TABLE {t} DROP COLUMN amount",
        "ALTER TABLE {t} ADD COLUMN amount DECIMAL(10,2)",
    )
    places = {"name": "title"}
    kept = rows.drop_columns(["amount"]).rename_columns([places.get(n, n) for n in rows.column_names if n != "amount"])
    more = kept.slice(0, 2).set_column(0, _id(rows), pa.array([1000, 1001]))
    none = pa.nulls(kept.num_rows, pa.decimal128(10, 2))
    _write(spark, path, more.append_column("amount", pa.array([7, 8], pa.decimal128(10, 2))))
    return pa.concat_tables(
        [kept.append_column("amount", none), more.append_column("amount", pa.array([7, 8], pa.decimal128(10, 2)))]
    )


def _mapping_name(spark: SparkSession, path: Path, rows: pa.Table) -> pa.Table:
    return _renamed(spark, path, rows, "name")


def _mapping_id(spark: SparkSession, path: Path, rows: pa.Table) -> pa.Table:
    return _renamed(spark, path, rows, "id")


def _partitioned_rows(rows: pa.Table) -> pa.Table:
    """Rows with partition columns whose values are odd: NULL, with characters that paths escape, a date, a number."""
    regions = pa.array([(None, "a/b", "x=y %41", "é ")[i % 4] for i in range(rows.num_rows)])
    days = pa.array([date(2024, 1, 1 + i % 2) for i in range(rows.num_rows)])
    return rows.append_column("region", regions).append_column("on_day", days)


def _partitions(spark: SparkSession, path: Path, rows: pa.Table) -> pa.Table:
    odd = _partitioned_rows(rows)
    _write(spark, path, odd, "region", "on_day")
    return odd


def _mapping_partitioned(spark: SparkSession, path: Path, rows: pa.Table) -> pa.Table:
    odd = _partitioned_rows(rows)
    _write(spark, path, odd, "region", "on_day", **{"delta.columnMapping.mode": "name"})
    _sql(spark, path, "ALTER TABLE {t} RENAME COLUMN region TO area", "DELETE FROM {t} WHERE area = 'a/b'")
    left = odd.filter(pc.or_kleene(pc.is_null(odd["region"]), pc.not_equal(odd["region"], "a/b")).fill_null(True))
    return left.rename_columns([{"region": "area"}.get(n, n) for n in left.column_names])


def _in_commits(spark: SparkSession, path: Path, rows: pa.Table, **options: str) -> pa.Table:
    """Four commits of a few rows each, and the oldest ones gone once a checkpoint holds them."""
    for start in range(0, rows.num_rows, 6):
        _write(spark, path, rows.slice(start, 6), **({"delta.checkpointInterval": "2", **options} if not start else {}))
    for version in (0, 1):
        (path / "_delta_log" / f"{version:020d}.json").unlink()
        (path / "_delta_log" / f".{version:020d}.json.crc").unlink(missing_ok=True)
    return rows


def _checkpoint_parts(spark: SparkSession, path: Path, rows: pa.Table) -> pa.Table:
    spark.conf.set("spark.databricks.delta.checkpoint.partSize", "2")
    try:
        found = _in_commits(spark, path, rows)
    finally:
        spark.conf.unset("spark.databricks.delta.checkpoint.partSize")
    assert list((path / "_delta_log").glob("*.checkpoint.0000000001.*.parquet")), "no checkpoint in parts was written"
    return found


def _checkpoint_v2(spark: SparkSession, path: Path, rows: pa.Table) -> pa.Table:
    found = _in_commits(spark, path, rows, **{"delta.checkpointPolicy": "v2"})
    assert list((path / "_delta_log/_sidecars").iterdir()), "no sidecar was written"
    return found


def _generated(spark: SparkSession, path: Path, rows: pa.Table) -> pa.Table:
    key = _id(rows)
    _sql(
        spark,
        path,
        f"CREATE TABLE {{t}} ({key} BIGINT GENERATED ALWAYS AS IDENTITY (START WITH 5 INCREMENT BY 1), name STRING,"
        " size BIGINT, twice BIGINT GENERATED ALWAYS AS (size * 2)) USING delta",
        "INSERT INTO {t} (name, size) SELECT 'n' || id, id FROM range(0, 20, 1, 1)",
    )
    sizes = list(range(20))
    keys = pa.array([size + 5 for size in sizes])
    names = pa.array([f"n{size}" for size in sizes])
    return pa.table({key: keys, "name": names, "size": sizes, "twice": [2 * size for size in sizes]})


def _type_widening(spark: SparkSession, path: Path, rows: pa.Table) -> pa.Table:
    key = _id(rows)
    _sql(
        spark,
        path,
        f"CREATE TABLE {{t}} ({key} INT, small TINYINT, ratio FLOAT, price DECIMAL(6,2), seen DATE) USING delta"
        " TBLPROPERTIES ('delta.enableTypeWidening' = 'true', 'delta.feature.timestampNtz' = 'supported')",
        "INSERT INTO {t} SELECT id, id, id / 10, id / 4, date'2024-01-01' + CAST(id AS INT) FROM range(0, 9, 1, 1)",
        f"ALTER TABLE {{t}} CHANGE COLUMN {key} TYPE BIGINT",
        "ALTER TABLE {t} CHANGE COLUMN small TYPE INT",
        "ALTER TABLE {t} CHANGE COLUMN ratio TYPE DOUBLE",
        "ALTER TABLE {t} CHANGE COLUMN price TYPE DECIMAL(12,4)",
        "ALTER TABLE {t} CHANGE COLUMN seen TYPE TIMESTAMP_NTZ",
        "INSERT INTO {t} VALUES (5000000000, 70000, 0.1D, 1234567.1234, timestamp_ntz'2024-02-01 10:00:00.000001')",
    )
    old = pa.table({key: range(9)})
    ids = old[key].cast(pa.int64())
    ratios = pa.array([n / 10 for n in range(9)], pa.float32()).cast(pa.float64())
    prices = pa.array([n / 4 for n in range(9)]).cast(pa.decimal128(12, 4))
    days = pa.array([date(2024, 1, 1 + n) for n in range(9)]).cast(pa.timestamp("us"))
    last = pa.array(["2024-02-01 10:00:00.000001"]).cast(pa.timestamp("us"))
    columns = {
        key: pa.concat_arrays([*ids.chunks, pa.array([5_000_000_000])]),
        "small": pa.array([*range(9), 70_000], pa.int32()),
        "ratio": pa.concat_arrays([ratios, pa.array([0.1])]),
        "price": pa.concat_arrays([prices, pa.array(["1234567.1234"]).cast(pa.decimal128(12, 4))]),
        "seen": pa.concat_arrays([days, last]),
    }
    return pa.table(columns)


def _restored(spark: SparkSession, path: Path, rows: pa.Table) -> pa.Table:
    """Version 0 is the current content again."""
    _write(spark, path, rows)
    _sql(spark, path, f"DELETE FROM {{t}} WHERE {_id(rows)} > 3", "RESTORE TABLE {t} TO VERSION AS OF 0")
    return rows


def _cloned_from(spark: SparkSession, path: Path, rows: pa.Table) -> pa.Table:
    _write(spark, path, rows)
    return rows


def _shallow_clone(spark: SparkSession, path: Path, rows: pa.Table) -> pa.Table:
    source = path.with_name("cloned_from")
    _sql(spark, path, f"CREATE TABLE {{t}} SHALLOW CLONE delta.`{source}`")
    key = "cloned_from_id"
    _sql(spark, path, f"DELETE FROM {{t}} WHERE {key} = 2")
    kept = base_rows("cloned_from")
    return kept.filter(pc.not_equal(kept[key], 2))


def _delta_rs(spark: SparkSession, path: Path, rows: pa.Table) -> pa.Table:
    odd = _partitioned_rows(rows)
    write_deltalake(path, odd.slice(0, 10), partition_by=["region", "on_day"])
    write_deltalake(path, odd.slice(10), mode="append")
    return odd


def _schema_evolution(spark: SparkSession, path: Path, rows: pa.Table) -> pa.Table:
    _write(spark, path, rows.slice(0, 10).drop_columns(["name", "amount"]))
    _write(spark, path, rows.slice(10), mergeSchema="true")
    first = rows.slice(0, 10)
    for name in ("name", "amount"):
        place = first.column_names.index(name)
        first = first.set_column(place, name, pa.nulls(10, first.schema.field(name).type))
    return pa.concat_tables([first, rows.slice(10)])


def _timestamp_ntz(spark: SparkSession, path: Path, rows: pa.Table) -> pa.Table:
    walls = rows.append_column("wall", pc.add(rows["at"].cast(pa.timestamp("us")), pa.scalar(7, pa.duration("us"))))
    spark.conf.set("spark.sql.timestampType", "TIMESTAMP_NTZ")
    try:
        _write(spark, path, walls)
    finally:
        spark.conf.unset("spark.sql.timestampType")
    return walls


def _clustered(spark: SparkSession, path: Path, rows: pa.Table) -> pa.Table:
    key = _id(rows)
    _sql(spark, path, f"CREATE TABLE {{t}} ({key} BIGINT, name STRING) USING delta CLUSTER BY ({key})")
    few = rows.select([key, "name"])
    for start in (0, 12):
        _write(spark, path, few.slice(start, 12))
    _sql(spark, path, "OPTIMIZE {t}")
    return few


def _constraints(spark: SparkSession, path: Path, rows: pa.Table) -> pa.Table:
    key = _id(rows)
    _sql(
        spark,
        path,
        f"CREATE TABLE {{t}} ({key} BIGINT NOT NULL, name STRING DEFAULT 'none') USING delta"
        " TBLPROPERTIES ('delta.feature.allowColumnDefaults' = 'supported')",
        f"ALTER TABLE {{t}} ADD CONSTRAINT small CHECK ({key} < 1000)",
        f"INSERT INTO {{t}} ({key}) VALUES (999)",
    )
    few = rows.select([key, "name"])
    _write(spark, path, few)
    return pa.concat_tables([few, pa.table({key: [999], "name": ["none"]})])


def _row_tracking(spark: SparkSession, path: Path, rows: pa.Table) -> pa.Table:
    _write(spark, path, rows, **{"delta.enableRowTracking": "true"})
    _sql(spark, path, f"DELETE FROM {{t}} WHERE {_id(rows)} = 5")
    return rows.filter(pc.not_equal(rows[_id(rows)], 5))


def _in_commit_timestamps(spark: SparkSession, path: Path, rows: pa.Table) -> pa.Table:
    _write(spark, path, rows, **{"delta.enableInCommitTimestamps": "true"})
    return rows


def _change_data(spark: SparkSession, path: Path, rows: pa.Table) -> pa.Table:
    """Files of changes lie in the table's directory, and are none of its rows."""
    _write(spark, path, rows, **{"delta.enableChangeDataFeed": "true"})
    _sql(spark, path, f"DELETE FROM {{t}} WHERE {_id(rows)} = 6")
    assert (path / "_change_data").is_dir()
    return rows.filter(pc.not_equal(rows[_id(rows)], 6))


def _converted(spark: SparkSession, path: Path, rows: pa.Table) -> pa.Table:
    odd = _partitioned_rows(rows).drop_columns(["region"])
    spark.createDataFrame(odd).coalesce(1).write.partitionBy("on_day").parquet(str(path))
    spark.sql(f"CONVERT TO DELTA parquet.`{path}` PARTITIONED BY (on_day DATE)")
    return odd


def _variant(spark: SparkSession, path: Path, rows: pa.Table) -> pa.Table:
    key = _id(rows)
    _sql(
        spark,
        path,
        f"CREATE TABLE {{t}} ({key} BIGINT, v VARIANT) USING delta",
        "INSERT INTO {t} SELECT id, parse_json('{\"a\": ' || id || '}') FROM range(5)",
    )
    return rows.select([key]).slice(0, 5)


#: In this order: a clone comes after what it is made of.
DELTA_CASES = (
    DeltaCase("deletion_vectors", _deletion_vectors),
    DeltaCase("mapping_name", _mapping_name),
    DeltaCase("mapping_id", _mapping_id, by_spark=True),
    DeltaCase("partitions", _partitions),
    DeltaCase("mapping_partitioned", _mapping_partitioned, sample=True),
    DeltaCase("checkpoint_parts", _checkpoint_parts),
    DeltaCase("checkpoint_v2", _checkpoint_v2),
    DeltaCase("generated", _generated),
    DeltaCase("type_widening", _type_widening, by_spark=True),
    DeltaCase("restored", _restored),
    DeltaCase("cloned_from", _cloned_from, shares="shallow_clone"),
    DeltaCase("shallow_clone", _shallow_clone, shares="cloned_from"),
    DeltaCase("delta_rs", _delta_rs),
    DeltaCase("schema_evolution", _schema_evolution),
    DeltaCase("timestamp_ntz", _timestamp_ntz),
    DeltaCase("clustered", _clustered),
    DeltaCase("constraints", _constraints),
    DeltaCase("row_tracking", _row_tracking),
    DeltaCase("in_commit_timestamps", _in_commit_timestamps),
    DeltaCase("change_data", _change_data),
    DeltaCase("converted", _converted),
    DeltaCase("variant", _variant, refused="variant"),
)
