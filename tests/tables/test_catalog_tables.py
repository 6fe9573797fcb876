"""Tables of Spark's own catalog: what the catalog says of partitions and types counts, not the directories."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.orc as orc
import pyarrow.parquet as pq
import pytest

from r2d2.model.comments import column_comments, table_comment
from tests.tables.lake_runs import Found, run_lake
from tests.tables.truths import base_rows, relations, write_relatives

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark
DB = "catalog_tables"
PREFIX = f"catalog:{DB}"
KINDS = ("copy", "more", "less", "changed")


@pytest.fixture(scope="module")
def found(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Found]:
    """A run over a database and over the directory where its tables and the files around them lie."""
    lake = tmp_path_factory.mktemp("catalog_tables") / "lake"
    elsewhere = lake.parent / "elsewhere"
    spark.sql(f"CREATE DATABASE {DB} LOCATION '{lake}'")
    try:
        _partitioned(spark, lake, elsewhere)
        _orc(spark, lake)
        _refused(spark, lake)
        _delta(spark, lake)
        _views(spark, lake)
        yield run_lake([str(lake), f"catalog:{DB}"], lake.parent / "state")
    finally:
        spark.sql(f"DROP DATABASE {DB} CASCADE")


def _partitioned(spark: SparkSession, lake: Path, elsewhere: Path) -> None:
    """A partition lies elsewhere, and one of NULL; the number ``k`` is a number for the catalog only."""
    rows = base_rows("parted").append_column(
        "k", pa.array([None if n % 5 == 0 else n % 2 for n in range(24)], pa.int32())
    )
    spark.createDataFrame(rows).createOrReplaceTempView("parted_rows")
    columns = "name STRING, amount DECIMAL(10,2), at TIMESTAMP, x DOUBLE, day DATE, k INT"
    columns = f"parted_id BIGINT COMMENT 'which part', {columns}"
    spark.sql(f"CREATE TABLE {DB}.parted ({columns}) USING parquet PARTITIONED BY (k) COMMENT 'parts of things'")
    spark.sql(f"ALTER TABLE {DB}.parted ADD PARTITION (k = 1) LOCATION '{elsewhere}'")
    spark.sql(f"INSERT INTO {DB}.parted SELECT * FROM parted_rows")
    assert list(elsewhere.glob("*.parquet"))
    write_relatives(lake, "parted", rows)


def _orc(spark: SparkSession, lake: Path) -> None:
    rows = base_rows("orc_table").drop_columns(["at"])
    spark.createDataFrame(rows).createOrReplaceTempView("orc_rows")
    spark.sql(f"CREATE TABLE {DB}.orc_table USING orc PARTITIONED BY (day) AS SELECT * FROM orc_rows")
    write_relatives(lake, "orc_table", rows)


def _delta(spark: SparkSession, lake: Path) -> None:
    rows = base_rows("versioned")
    spark.createDataFrame(rows).createOrReplaceTempView("versioned_rows")
    spark.sql(f"CREATE TABLE {DB}.versioned USING delta COMMENT 'things by version' AS SELECT * FROM versioned_rows")
    spark.sql(f"ALTER TABLE {DB}.versioned ALTER COLUMN name COMMENT 'of a thing'")
    write_relatives(lake, "versioned", rows)


def _refused(spark: SparkSession, lake: Path) -> None:
    (lake / "narrow").mkdir()
    spark.sql(f"CREATE TABLE {DB}.narrow (a INT) USING parquet LOCATION '{lake}/narrow'")
    pq.write_table(pa.table({"a": pa.array([1], pa.int32()), "more": ["x"]}), lake / "narrow/part-0.parquet")
    spark.sql(f"CREATE TABLE {DB}.later USING parquet AS SELECT 1 AS a")
    spark.sql(f"ALTER TABLE {DB}.later ADD COLUMN b INT DEFAULT 5")
    (lake / "halves").mkdir()
    orc.write_table(pa.table({"a": [1.5]}), str(lake / "halves/part-0.orc"))
    spark.sql(f"CREATE TABLE {DB}.halves (a INT) USING orc LOCATION '{lake}/halves'")
    spark.sql(f"CREATE TABLE {DB}.orc_times USING orc AS SELECT timestamp'2024-01-01 00:00:00' AS at")


def _views(spark: SparkSession, lake: Path) -> None:
    selected = f"SELECT parted_id, name FROM {DB}.parted WHERE k = 1"
    spark.sql(f"CREATE VIEW {DB}.recent (parted_id, name COMMENT 'of a part') COMMENT 'the last of k' AS {selected}")
    spark.sql(f"CREATE VIEW {DB}.second AS SELECT parted_id, name FROM {DB}.recent WHERE parted_id > 3")
    spark.sql(f"CREATE VIEW {DB}.random AS SELECT parted_id, rand() AS r FROM {DB}.parted")
    spark.sql(f"CREATE VIEW {DB}.now AS SELECT parted_id, now() AS at FROM {DB}.parted")
    spark.sql(f"CREATE VIEW {DB}.some AS SELECT parted_id FROM {DB}.parted LIMIT 3")
    spark.sql(f"CREATE VIEW {DB}.sums AS SELECT sum(x) AS x FROM {DB}.parted")
    spark.sql(f"CREATE VIEW {DB}.within AS SELECT name FROM {DB}.orc_table WHERE EXISTS (SELECT 1 FROM {DB}.parted)")
    spark.sql(f"CREATE TABLE {DB}.torn USING delta AS SELECT 1 AS a")
    spark.sql(f"INSERT INTO {DB}.torn VALUES (2)")
    spark.sql(f"CREATE VIEW {DB}.over_torn AS SELECT a FROM {DB}.torn WHERE a > 0")
    (lake / f"torn/_delta_log/{1:020d}.json").write_text("torn")
    spark.sql(
        f"CREATE VIEW {DB}.folded AS SELECT DISTINCT CAST(name AS STRING COLLATE UTF8_LCASE) AS n FROM {DB}.parted"
    )
    few = spark.table(f"{DB}.recent").toArrow().slice(0, 3)
    pq.write_table(few, lake / "recent.some.parquet")


def _table(found: Found, name: str) -> set[tuple[str, str]]:
    """Pairs between a table of the database and the files around it, as if all lay in one place."""
    ids = {f"{PREFIX}/{name}": name, f"lake/{name}": name} | {
        f"lake/{name}.{kind}.parquet": f"{name}.{kind}.parquet" for kind in KINDS
    }
    return {(ids[a], ids[b]) for a, b in found.pairs if a in ids and b in ids}


def test_a_table_with_a_partition_elsewhere_holds_what_the_catalog_says(found: Found) -> None:
    table = found.datasets[f"{PREFIX}/parted"]
    assert (table.status, table.rows) == ("ok", 24)
    assert {leaf.families for leaf in table.leaves if leaf.path == ("k",)} == {("number",)}
    assert _table(found, "parted") == relations("parted")


def test_what_people_wrote_about_tables_and_columns_is_known(found: Found) -> None:
    names = f"{PREFIX}/parted", "lake/versioned", f"{PREFIX}/recent"
    parted, versioned, view = (found.datasets[name].properties for name in names)
    assert (table_comment(parted), column_comments(parted)) == ("parts of things", {("parted_id",): "which part"})
    assert (table_comment(versioned), column_comments(versioned)) == ("things by version", {("name",): "of a thing"})
    of_columns = {("parted_id",): "which part", ("name",): "of a part"}
    assert (table_comment(view), column_comments(view)) == ("the last of k", of_columns)


def test_a_directory_that_is_only_a_part_of_a_table_shares_files_with_it(found: Found) -> None:
    assert found.datasets["lake/parted"].rows == 14
    assert f"{PREFIX}/parted" in found.datasets["lake/parted"].shared_with


def test_a_partitioned_table_of_orc_is_read(found: Found) -> None:
    assert found.datasets["lake/orc_table"].names == (f"{PREFIX}/orc_table",)
    assert _table(found, "orc_table") == relations("orc_table")


def test_a_table_of_delta_is_one_dataset_with_its_directory(found: Found) -> None:
    assert found.datasets["lake/versioned"].names == (f"{PREFIX}/versioned",)
    assert _table(found, "versioned") == relations("versioned")


def test_columns_that_a_table_does_not_show_and_times_in_orc_are_refused(found: Found) -> None:
    narrow = found.datasets["lake/narrow"]
    assert f"{PREFIX}/narrow" in narrow.names
    assert narrow.error == 'unsupported: its files have a column "more" that the table has not'
    assert "times" in found.datasets["lake/orc_times"].error


def test_what_spark_would_convert_to_the_type_of_a_table_of_orc_is_refused(found: Found) -> None:
    halves = found.datasets["lake/halves"]
    assert halves.error == 'unsupported: column "a" is double in its files and integer in the table: Spark converts it'


def test_a_column_whose_default_stands_for_what_older_files_lack_is_refused(found: Found) -> None:
    later = found.datasets["lake/later"]
    assert later.error == 'unsupported: some of its files lack the column "b", which has a default there'


def test_a_view_may_contain_others_shares_what_it_reads_and_is_never_retired(found: Found) -> None:
    view = found.datasets[f"{PREFIX}/recent"]
    assert (view.status, view.rows, view.retirable) == ("ok", 10, False)
    assert view.shared_with == (f"{PREFIX}/parted", f"{PREFIX}/second")
    assert (f"{PREFIX}/recent", "lake/recent.some.parquet") in found.pairs


def test_two_views_of_the_same_files_are_two_datasets(found: Found) -> None:
    assert (found.datasets[f"{PREFIX}/second"].names, found.datasets[f"{PREFIX}/second"].rows) == ((), 8)
    assert (f"{PREFIX}/second", "lake/recent.some.parquet") not in found.pairs


def test_a_view_over_a_damaged_table_is_an_error_and_ends_no_run(found: Found) -> None:
    assert found.datasets["lake/torn"].status == "error"
    assert found.datasets[f"{PREFIX}/over_torn"].error.startswith("error: Spark can't open it: org.apache.spark")


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("random", "differ"),
        ("now", "Now"),
        ("some", "GlobalLimit"),
        ("sums", "Sum"),
        ("folded", "collation"),
        ("within", "Exists"),
    ],
)
def test_a_view_whose_rows_can_differ_is_refused(found: Found, name: str, why: str) -> None:
    view = found.datasets[f"{PREFIX}/{name}"]
    assert (view.status, view.retirable) == ("unsupported", False)
    assert why in view.reason
