"""Tables of a Spark catalog database: where their files are, as far as the catalog itself says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.errors import PySparkException

from r2d2.errors import LakeError
from r2d2.lake.hadoop_paths import local_path

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_DATA_SOURCES = frozenset({"parquet", "delta", "csv", "json"})


@dataclass(frozen=True)
class CatalogTable:
    """A table as the catalog describes it.

    Attributes:
        name: of the table, as the catalog spells it.
        provider: lower case; ``view`` for a view, empty if unknown.
        location: absolute path or URL of its directory; empty where it has none.
        partition_columns: names.
        refusal: why its files are not the table; empty if they are.
    """

    name: str
    provider: str
    location: str = ""
    partition_columns: tuple[str, ...] = ()
    refusal: str = ""


def catalog_tables(spark: SparkSession, database: str) -> list[CatalogTable]:
    """All tables and views of ``database``, sorted by name; temporary ones are not the database's.

    Raises:
        LakeError: the database is missing or can't be listed.
    """
    try:
        tables = _names(spark, f"SHOW TABLES IN {quoted(database)}", "tableName")
        views = _names(spark, f"SHOW VIEWS IN {quoted(database)}", "viewName")
    except PySparkException as error:
        raise LakeError(
            f"catalog:{database}: {_first_line(error)}", "check the name with SHOW DATABASES and the right to list it"
        ) from error
    return [
        CatalogTable(name, "view", refusal="a view has no files of its own")
        if name in views
        else _described(spark, database, name)
        for name in sorted(tables | views)
    ]


def quoted(name: str) -> str:
    """``name`` as an identifier in Spark SQL; nothing in it is read as SQL.

    >>> quoted("a`; DROP TABLE b;--")
    '`a``; DROP TABLE b;--`'
    """
    return f"`{name.replace('`', '``')}`"


def _names(spark: SparkSession, statement: str, column: str) -> set[str]:
    return {row[column] for row in spark.sql(statement).collect() if not row["isTemporary"]}


def _described(spark: SparkSession, database: str, name: str) -> CatalogTable:
    try:
        detail = spark.sql(f"DESCRIBE DETAIL {quoted(database)}.{quoted(name)}").collect()[0]
    except PySparkException as error:
        return CatalogTable(name, "", refusal=f"the catalog does not describe it: {_first_line(error)}")
    provider = (detail["format"] or "").lower()
    location = local_path(detail["location"] or "")
    columns = tuple(detail["partitionColumns"] or ())
    return CatalogTable(name, provider, location, columns, _refusal(provider, location, columns))


def _refusal(provider: str, location: str, columns: tuple[str, ...]) -> str:
    if provider not in _DATA_SOURCES:
        return f"tables of the provider {provider or 'unknown'} are not supported yet"
    if not location:
        return "the catalog gives it no location"
    if columns and provider != "delta":
        # each partition can lie elsewhere, and a directory need not be a partition
        return "the catalog, not the directory, says which partitions it has: not supported yet"
    return ""


def _first_line(error: PySparkException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
