"""Iceberg tables that a catalog keeps: Hadoop, JDBC and REST catalogs, each asked by Spark under its name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.compute as pc
import pytest

from r2d2.catalog.discovery import discover
from r2d2.config import DiscoverySettings
from tests.tables.lake_runs import Found, run_lake
from tests.tables.rest_catalog import serving
from tests.tables.truths import base_rows, relations, write_relatives

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark
CATALOG = "org.apache.iceberg.spark.SparkCatalog"


@pytest.fixture(scope="module")
def lake(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A JDBC catalog with a table that has deletes, the same by REST, and a Hadoop catalog with another table."""
    lake = tmp_path_factory.mktemp("iceberg_catalogs") / "lake"
    lake.mkdir()
    _driver(spark)
    keep = {
        "type": "jdbc",
        "uri": f"jdbc:sqlite:{lake.parent}/catalog.db",
        "warehouse": str(lake),
        "jdbc.schema-version": "V1",
    }
    _configure(spark, "kept", keep)
    _configure(spark, "plain", {"type": "hadoop", "warehouse": str(lake.parent / "hadoop")})
    _write(spark, lake, "kept")
    _write(spark, lake, "plain")
    with serving(lake.parent / "catalog.db") as address:
        _configure(spark, "served", {"type": "rest", "uri": address})
        yield lake


def _driver(spark: SparkSession) -> None:
    """Java's list of drivers was made before the jars came; a session that has them from the start knows SQLite's."""
    jvm: Any = spark._jvm
    jvm.org.sqlite.JDBC()


def _configure(spark: SparkSession, name: str, options: dict[str, str]) -> None:
    spark.conf.set(f"spark.sql.catalog.{name}", CATALOG)
    for key, value in options.items():
        spark.conf.set(f"spark.sql.catalog.{name}.{key}", value)


def _write(spark: SparkSession, lake: Path, catalog: str) -> None:
    rows = base_rows(catalog)
    key = rows.column_names[0]
    spark.createDataFrame(rows).coalesce(1).createOrReplaceTempView("catalog_rows")
    spark.sql(f"CREATE NAMESPACE {catalog}.shop")
    properties = "TBLPROPERTIES ('write.delete.mode' = 'merge-on-read')"
    spark.sql(f"CREATE TABLE {catalog}.shop.{catalog} USING iceberg {properties} AS SELECT * FROM catalog_rows")
    spark.sql(f"DELETE FROM {catalog}.shop.{catalog} WHERE {key} = 3")
    write_relatives(lake, f"{catalog}", rows.filter(pc.field(key) != 3))


@pytest.fixture(scope="module")
def found(lake: Path) -> Found:
    """A run over the lake and all three catalogs."""
    catalogs = [f"catalog:{name}.shop" for name in ("kept", "plain", "served")]
    return run_lake([str(lake), *catalogs], lake.parent / "state")


def _pairs(found: Found, table: str, name: str) -> set[tuple[str, str]]:
    """Pairs of a table and the files around it, as if they lay in one place."""
    ids = {known: known.removeprefix("lake/") for known in found.datasets if known.startswith(f"lake/{name}.")}
    ids[table] = name
    return {(ids[a], ids[b]) for a, b in found.pairs if a in ids and b in ids}


@pytest.mark.parametrize("name", ["kept", "plain"])
def test_a_table_of_a_catalog_is_read_as_its_current_metadata_says(found: Found, name: str) -> None:
    table = f"catalog:{name}.shop/{name}"
    assert (found.datasets[table].error, found.datasets[table].rows) == ("", 23)
    assert _pairs(found, table, name) == relations(name)


def test_a_table_in_two_catalogs_and_below_a_root_is_one_dataset(found: Found) -> None:
    table = found.datasets["catalog:kept.shop/kept"]
    assert table.names == ("catalog:served.shop/kept", "lake/shop/kept")
    assert table.shared_with == ()


def test_a_directory_whose_catalog_is_no_root_is_refused(lake: Path) -> None:
    (alone,) = (c for c in discover([str(lake)], DiscoverySettings(), None, None).candidates if c.id == "shop/kept")
    assert alone.status == "unsupported"
    assert "only its catalog knows" in alone.reason
