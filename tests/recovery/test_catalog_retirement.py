"""Tables of catalogs are renamed and come back with all that their catalogs know of them (DELETION 2)."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from pyspark.errors import AnalysisException

from r2d2.errors import NotRetirable
from r2d2.model.receipt import Status
from r2d2.recovery.apply import Outcome, apply
from r2d2.recovery.moves import quarantine
from r2d2.recovery.records.receipts import of_dataset
from r2d2.recovery.recover import recover
from r2d2.recovery.restore import restore
from tests.recovery_runs import ALL, approve, at_work, plan_of, purge_all, receipt_of, snapshot

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark
DB, ICE = "retiring", "retiring_ice"
TABLES = ("managed", "external", "versioned")
ROWS = 1200


def rows_of(name: str) -> pa.Table:
    texts = [hashlib.sha256(f"{name} {n}".encode()).hexdigest() for n in range(ROWS)]
    return pa.table({f"{name}_id": range(ROWS), "text": texts, "day": [n % 2 for n in range(ROWS)]})


@pytest.fixture(scope="module")
def lake(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A managed table with comments and properties, an external one, a Delta table, and what holds the rows of each."""
    lake = tmp_path_factory.mktemp("retiring") / "lake"
    lake.mkdir()
    spark.sql(f"CREATE DATABASE {DB} LOCATION '{lake}'")
    hows = {
        "managed": "USING parquet PARTITIONED BY (day) COMMENT 'of ours' TBLPROPERTIES ('team' = 'blue')",
        "external": f"USING parquet LOCATION '{lake}/outer place'",
        "versioned": "USING delta TBLPROPERTIES ('team' = 'red')",
    }
    try:
        for name, how in hows.items():
            spark.createDataFrame(rows_of(name)).coalesce(1).createOrReplaceTempView("retiring_rows")
            spark.sql(f"CREATE TABLE {DB}.{name} {how} AS SELECT * FROM retiring_rows")
            spark.table(f"{DB}.{name}").coalesce(1).write.parquet(str(lake / f"kept_{name}"))
        spark.createDataFrame(rows_of("whole")).coalesce(1).createOrReplaceTempView("retiring_rows")
        spark.sql(f"CREATE TABLE {DB}.whole USING parquet AS SELECT * FROM retiring_rows")
        some = f"SELECT text, CAST(whole_id AS INT) AS whole_id FROM {DB}.whole WHERE whole_id BETWEEN 100 AND 899"
        spark.sql(f"CREATE TABLE {DB}.part USING parquet AS {some}")
        yield lake
    finally:
        spark.sql(f"DROP DATABASE {DB} CASCADE")


def ids(name: str) -> str:
    return "lake/outer place" if name == "external" else f"lake/{name}"


def roots(lake: Path) -> list[str]:
    return [str(lake), f"catalog:{DB}"]


def retire(spark: SparkSession, lake: Path, *names: str) -> list[Outcome]:
    with at_work(roots(lake), lake.parent / "state", "retention.across_roots=true", spark=spark) as recovery:
        plan = plan_of(recovery, *((ids(name), f"lake/kept_{name}") for name in names))
        return list(apply(recovery, plan, approve(plan, ALL), lambda _: True))


def give_back(spark: SparkSession, lake: Path, name: str) -> None:
    with at_work(roots(lake), lake.parent / "state", spark=spark) as recovery:
        restore(recovery, of_dataset(recovery.receipts, ids(name)))


def recovered(spark: SparkSession, lake: Path) -> list[str]:
    with at_work(roots(lake), lake.parent / "state", spark=spark) as recovery:
        return [done.what for done in recover(recovery)]


def told(spark: SparkSession, name: str) -> list[tuple[str, str]]:
    """All that the catalog says of a table, but for when it was looked at last."""
    rows = spark.sql(f"DESCRIBE TABLE EXTENDED {DB}.{name}").collect()
    return [(row[0], row[1]) for row in rows if row[0] not in ("Last Access", "Statistics")]


def rows_in(spark: SparkSession, name: str) -> list[Any]:
    return sorted(spark.table(f"{DB}.`{name}`").collect())


def test_tables_of_the_session_catalog_are_renamed_and_come_back_as_they_were(spark: SparkSession, lake: Path) -> None:
    before = {name: (told(spark, name), rows_in(spark, name)) for name in TABLES}
    files = snapshot(lake)
    outcomes = retire(spark, lake, *TABLES)
    assert [outcome.what for outcome in outcomes if not outcome.done] == []
    for name in TABLES:
        with pytest.raises(AnalysisException, match="cannot be found"):
            spark.table(f"{DB}.{name}").collect()
        if name != "managed":  # Spark's own catalog leaves partitions at the old place, unlike a metastore
            table = f"r2d2_retired_{receipt_of(lake.parent / 'state', ids(name)).id.replace('-', '_').lower()}"
            assert rows_in(spark, table) == before[name][1]
    with at_work(roots(lake), lake.parent / "state", spark=spark) as recovery:
        assert not [name for name in recovery.datasets() if "r2d2_retired" in name]
    assert [outcome.done for outcome in purge_all(roots(lake)[:1], lake.parent / "state")] == [False] * 3
    for name in TABLES:
        give_back(spark, lake, name)
    assert {name: (told(spark, name), rows_in(spark, name)) for name in TABLES} == before
    assert snapshot(lake) == files


def test_a_retirement_that_was_cut_short_after_the_rename_is_undone(
    spark: SparkSession, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, files = told(spark, "managed"), snapshot(lake)
    with monkeypatch.context() as patched:
        patched.setattr(quarantine, "leave_note", _killed)
        with pytest.raises(KeyboardInterrupt):
            retire(spark, lake, "managed")
    assert not (lake / "managed").exists()
    assert recovered(spark, lake) == ["its retirement was undone"]
    assert told(spark, "managed") == before
    assert snapshot(lake) == files


def _killed(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_table_that_has_the_old_name_by_now_is_left_alone(spark: SparkSession, lake: Path) -> None:
    before = rows_in(spark, "external")
    retire(spark, lake, "external")
    spark.sql(f"CREATE TABLE {DB}.external USING parquet LOCATION '{lake}/new place' AS SELECT 1 AS a")
    with pytest.raises(NotRetirable, match="in use again"):
        give_back(spark, lake, "external")
    assert spark.table(f"{DB}.external").count() == 1
    spark.sql(f"DROP TABLE {DB}.external")
    assert recovered(spark, lake) == ["its restore was finished"]
    assert rows_in(spark, "external") == before
    assert receipt_of(lake.parent / "state", ids("external")).status is Status.RESTORED


def views(spark: SparkSession) -> list[str]:
    rows = spark.sql(f"SHOW VIEWS IN {DB}").collect()
    return [row["viewName"] for row in rows if not row["isTemporary"]]


def test_a_view_stands_in_the_place_of_a_table_until_that_comes_back(spark: SparkSession, lake: Path) -> None:
    before, types = rows_in(spark, "part"), spark.table(f"{DB}.part").schema
    with at_work(roots(lake), lake.parent / "state", spark=spark) as recovery:
        plan = plan_of(recovery, ("lake/part", "lake/whole"))
        (done,) = apply(recovery, plan, approve(plan, ALL), lambda _: True, leave_view=True)
    assert done.done, done
    assert views(spark) == ["part"]
    assert rows_in(spark, "part") == before
    assert spark.table(f"{DB}.part").schema == types
    give_back(spark, lake, "part")
    assert views(spark) == []
    assert rows_in(spark, "part") == before


def test_an_iceberg_table_goes_to_a_schema_of_its_own_and_one_that_has_no_other_name_stays(
    spark: SparkSession, lake: Path
) -> None:
    """What a JDBC catalog renames, a Hadoop catalog does not."""
    place = lake.parent / "ice"
    _configure(spark, ICE, {"type": "jdbc", "uri": f"jdbc:sqlite:{lake.parent}/c.db", "warehouse": str(place)})
    _configure(spark, f"{ICE}_h", {"type": "hadoop", "warehouse": str(place / "hadoop")})
    jvm: Any = spark._jvm
    jvm.org.sqlite.JDBC()
    spark.createDataFrame(rows_of("ice")).coalesce(1).createOrReplaceTempView("retiring_rows")
    catalogs = {ICE: place / "shop/t", f"{ICE}_h": place / "hadoop/shop/t"}
    for catalog, table in catalogs.items():
        spark.sql(f"CREATE NAMESPACE {catalog}.shop")
        spark.sql(f"CREATE TABLE {catalog}.shop.t USING iceberg AS SELECT * FROM retiring_rows")
        shutil.copytree(table / "data", place / f"kept_{catalog}")
    given = [str(place), *(f"catalog:{catalog}.shop" for catalog in catalogs)]
    state, first = lake.parent / "ice state", snapshot(place)
    with at_work(given, state, "retention.across_roots=true", spark=spark) as recovery:
        found = recovery.datasets().values()
        known = {c: next(d.id for d in found if f"catalog:{c}.shop/t" in (d.id, *d.names)) for c in catalogs}
        kept = [next(d.id for d in found if d.id.startswith(f"ice/kept_{c}/")) for c in catalogs]
        plan = plan_of(recovery, *zip(known.values(), kept, strict=True))
        done, refused = apply(recovery, plan, approve(plan, ALL), lambda _: True)
    assert done.done, done
    assert "can't be renamed" in refused.hint
    assert spark.table(f"{ICE}_h.shop.t").count() == ROWS
    assert not spark.catalog.tableExists(f"{ICE}.shop.t")
    assert spark.sql(f"SHOW TABLES IN {ICE}.r2d2_quarantine").count() == 1
    with at_work(given, state, spark=spark) as recovery:
        restore(recovery, of_dataset(recovery.receipts, known[ICE]))
    assert spark.table(f"{ICE}.shop.t").count() == ROWS
    assert snapshot(place) == first


def _configure(spark: SparkSession, name: str, options: dict[str, str]) -> None:
    spark.conf.set(f"spark.sql.catalog.{name}", "org.apache.iceberg.spark.SparkCatalog")
    for key, value in options.items():
        spark.conf.set(f"spark.sql.catalog.{name}.{key}", value)
