"""Tables and views of a database of a Spark catalog, as far as the catalog itself describes them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from r2d2.errors import LakeError, first_line
from r2d2.lake.catalog_names import name_sql, quoted, text_literal
from r2d2.lake.hadoop_paths import local_path

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

VIEW = "view"
_DATA_SOURCES = frozenset({"parquet", "delta", "csv", "json", "orc", "iceberg"})
#: Hive's own tables whose serde keeps every value as it is; others read what does not fit a type as NULL.
_SERDES = {
    "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe": "parquet",
    "org.apache.hadoop.hive.ql.io.orc.OrcSerde": "orc",
}
_DETAILS = "# Detailed Table Information"


def spark_errors() -> tuple[type[Exception], ...]:
    """How Spark says that it can't: in its own words, or in those of what it called (a format's jar, a store).

    What lists a lake without a catalog does not load pyspark.
    """
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    return PySparkException, Py4JError


@dataclass(frozen=True)
class CatalogTable:
    """A table or view as the catalog describes it.

    Attributes:
        path: catalog (if it was named), databases and name, as the catalog spells them.
        provider: lower case; ``view`` for a view, the format of the serde for Hive's own tables, empty if unknown.
        location: absolute path or URL of its directory; empty where it has none.
        partition_columns: names.
        refusal: why it is not read; empty if it is.
        comment: what people wrote about it.
    """

    path: tuple[str, ...]
    provider: str
    location: str = ""
    partition_columns: tuple[str, ...] = ()
    refusal: str = ""
    comment: str = ""

    @property
    def name(self) -> str:
        """Without catalog and database."""
        return self.path[-1]

    @property
    def sql(self) -> str:
        """Its name in a statement."""
        return name_sql(self.path)


@dataclass(frozen=True)
class CatalogPartition:
    """A partition: the text of its values, in the order of the partition columns, and where it lies."""

    values: tuple[str | None, ...]
    location: str


def catalog_tables(spark: SparkSession, database: Sequence[str]) -> list[CatalogTable]:
    """All tables and views of ``database``, sorted by name; temporary ones are not the database's.

    Raises:
        LakeError: the database is missing or can't be listed.
    """
    where = name_sql(database)
    try:
        tables = _names(spark, f"SHOW TABLES IN {where}", "tableName")
        views = _views(spark, where)
    except spark_errors() as error:
        raise LakeError(
            f"catalog:{'.'.join(database)}: {first_line(error)}",
            "check the name with SHOW DATABASES and the right to list it; catalogs are configured by spark.conf and"
            " need their jars (spark.extras)",
        ) from error
    return [
        CatalogTable((*database, name), VIEW) if name in views else _described(spark, (*database, name))
        for name in sorted(tables | views)
    ]


def partitions_of(
    spark: SparkSession, table: CatalogTable, specs: Sequence[Mapping[str, str | None]]
) -> Iterator[CatalogPartition]:
    """Where the partitions of a table lie; each costs one statement.

    Args:
        specs: of each partition the values by column, None for NULL.

    Raises:
        PySparkException, Py4JError: the catalog does not describe it.
    """
    for spec in specs:
        told = ", ".join(
            f"{quoted(name)} = {'NULL' if value is None else text_literal(value)}" for name, value in spec.items()
        )
        found = _as_json(spark, f"{table.sql} PARTITION ({told})")
        yield CatalogPartition(
            tuple(spec[name] for name in table.partition_columns), local_path(str(found["location"]))
        )


def partition_names(spark: SparkSession, table: CatalogTable) -> list[str]:
    """Partitions as the catalog spells them: ``k=v/k=v``, escaped as directories are."""
    return [str(row["partition"]) for row in spark.sql(f"SHOW PARTITIONS {table.sql}").collect()]


def iceberg_metadata_file(spark: SparkSession, table: CatalogTable) -> str:
    """The metadata file that the catalog of an Iceberg table says is the current one.

    Raises:
        PySparkException, Py4JError: the table can't be opened.
    """
    logged = spark.sql(f"SELECT file FROM {table.sql}.metadata_log_entries").collect()
    return local_path(str(logged[-1]["file"]))  # the log ends with the file that it was read from


def location_of(spark: SparkSession, path: Sequence[str]) -> str:
    """Where a table lies, as its catalog says; empty where that does not tell.

    Raises:
        PySparkException, Py4JError: the catalog does not describe it.
    """
    return local_path(str(_details(spark, name_sql(path)).get("location") or ""))


def comment_on(spark: SparkSession, path: Sequence[str]) -> str:
    """What people wrote about a table or view; empty if nothing.

    Raises:
        PySparkException, Py4JError: the catalog does not describe it.
    """
    return str(_details(spark, name_sql(path)).get("comment") or "")


def _names(spark: SparkSession, statement: str, column: str) -> set[str]:
    return {row[column] for row in spark.sql(statement).collect() if not row["isTemporary"]}


def _views(spark: SparkSession, where: str) -> set[str]:
    from pyspark.errors import PySparkException

    try:
        return _names(spark, f"SHOW VIEWS IN {where}", "viewName")
    except PySparkException as error:
        if (error.getCondition() or "") != "MISSING_CATALOG_ABILITY.VIEWS":
            raise
        return set()


def _described(spark: SparkSession, path: tuple[str, ...]) -> CatalogTable:
    bare = CatalogTable(path, "")
    try:
        found = _details(spark, bare.sql)
    except spark_errors() as error:
        return CatalogTable(path, "", refusal=f"the catalog does not describe it: {first_line(error)}")
    provider = str(found.get("provider") or "").lower()
    serde = str(found.get("serde_library") or "")
    known = _SERDES.get(serde, provider) if provider == "hive" else provider
    location, columns = local_path(str(found.get("location") or "")), tuple(found.get("partition_columns") or ())
    refusal, comment = _refusal(known, location, columns, serde), str(found.get("comment") or "")
    return CatalogTable(path, known, location, columns, refusal, comment)


def _details(spark: SparkSession, name: str) -> Mapping[str, Any]:
    from pyspark.errors import PySparkException

    try:
        return _as_json(spark, name)
    except PySparkException as error:
        if error.getCondition() != "NOT_SUPPORTED_COMMAND_FOR_V2_TABLE":
            raise
    rows = spark.sql(f"DESCRIBE TABLE EXTENDED {name}").collect()
    # columns come first, and may have any name: what follows the last such line is the catalog's own
    start = max((i for i, row in enumerate(rows) if row["col_name"] == _DETAILS), default=len(rows))
    return {row["col_name"].lower(): row["data_type"] for row in rows[start:]}


def _as_json(spark: SparkSession, what: str) -> Mapping[str, Any]:
    (row,) = spark.sql(f"DESCRIBE TABLE EXTENDED {what} AS JSON").collect()
    found: Mapping[str, Any] = json.loads(row["json_metadata"])
    return found


def _refusal(provider: str, location: str, columns: tuple[str, ...], serde: str) -> str:
    if provider == "hive":
        return f"its serde {serde or 'unknown'} reads what does not fit a column's type as NULL: not supported"
    if provider not in _DATA_SOURCES:
        return f"tables of the provider {provider or 'unknown'} are not supported yet"
    if not location:
        return "the catalog gives it no location"
    if columns and provider in ("csv", "json"):
        # each partition can lie elsewhere, and a directory need not be a partition
        return "the catalog, not the directory, says which partitions it has: not supported yet for text"
    return ""
