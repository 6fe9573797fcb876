"""The Delta tables of delta-io/delta and delta-io/delta-rs: rows and values as Spark reads them, or a refusal."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from r2d2.catalog.assembly import assemble
from r2d2.catalog.described import left_to_spark
from r2d2.catalog.reading import files_of
from r2d2.catalog.summaries import summarize_files
from r2d2.lake.workers import Workers
from tests.conformance.copies import differences
from tests.conformance.inputs import Described, Finding, counted_rows

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SEED = int(os.environ.get("R2D2_SEED", "0"))
#: Its log was edited after Spark had written it, and the checksum files that Hadoop keeps beside it (``.*.crc``) were
#: not; Spark refuses the log until they are gone. The Delta protocol knows no such files; R2D2 does not look at them.
EDITED_LOG = "delta-rs/crates/test/tests/data/cdc_ict_table"
#: Tables of this many rows and more are compared with Spark only in the full run.
MANY_ROWS = 20_000


@pytest.fixture(scope="module")
def tables(findings: list[Finding]) -> list[Finding]:
    """The Delta tables."""
    return [finding for finding in findings if finding.dataset.format == "delta"]


@pytest.fixture(scope="module")
def counted(inputs: Path) -> dict[str, int | None]:
    """Rows of each table as an independent reader saw them."""
    return counted_rows(inputs)


def test_every_directory_with_a_delta_log_is_one_table(tables: list[Finding], inputs: Path) -> None:
    logs = {str(log.parent.relative_to(inputs)) for log in inputs.rglob("_delta_log")}
    assert {table.name for table in tables} == logs
    assert len(logs) == 189


def test_every_delta_table_that_is_read_has_the_rows_that_an_independent_reader_counted(
    tables: list[Finding], counted: dict[str, int | None]
) -> None:
    rows = {table.name: table.dataset.rows for table in tables if table.status in ("ok", "empty")}
    assert rows == {name: counted[name] for name in rows}
    assert len(rows) >= 95


def test_every_refused_delta_table_needs_a_feature_that_is_not_built_or_is_refused_by_others_as_well(
    tables: list[Finding], counted: dict[str, int | None]
) -> None:
    """A status of ``error`` says that the table is damaged, so no other reader may read it."""
    wrong = {t.name: t.reason for t in tables if t.status == "error" and counted[t.name] is not None}
    assert wrong == {}


@pytest.mark.spark
def test_a_sample_of_delta_tables_has_the_values_that_spark_reads(
    tables: list[Finding], spark: SparkSession, tmp_path: Path
) -> None:
    small = [t for t in tables if t.status == "ok" and t.name != EDITED_LOG and (t.dataset.rows or 0) < MANY_ROWS]
    wrong: dict[str, set[tuple[str, str]]] = {}
    for table in random.Random(SEED).sample(small, 3):
        wrong |= spark_differences(table, spark, tmp_path)
    assert wrong == {}


@pytest.mark.spark
@pytest.mark.full
def test_every_delta_table_that_is_read_has_the_values_that_spark_reads(
    tables: list[Finding], spark: SparkSession, tmp_path: Path
) -> None:
    (edited,) = (table for table in tables if table.name == EDITED_LOG)
    assert spark_rows(edited, spark) is None
    for checksum in (edited.path / "_delta_log").glob(".*.crc"):
        checksum.unlink()
    wrong: dict[str, set[tuple[str, str]]] = {}
    for table in (table for table in tables if table.status == "ok"):
        wrong |= spark_differences(table, spark, tmp_path)
    assert wrong == {}


@pytest.mark.spark
def test_a_sample_of_the_tables_that_are_left_to_spark_has_the_rows_that_an_independent_reader_counted(
    looked: Described, counted: dict[str, int | None], spark: SparkSession
) -> None:
    assert wrong_by_spark(looked, counted, spark, 2) == {}


@pytest.mark.spark
@pytest.mark.full
def test_every_table_that_is_left_to_spark_has_the_rows_that_an_independent_reader_counted_or_is_refused(
    looked: Described, counted: dict[str, int | None], spark: SparkSession
) -> None:
    assert wrong_by_spark(looked, counted, spark, None) == {}


def wrong_by_spark(
    looked: Described, counted: dict[str, int | None], spark: SparkSession, some: int | None
) -> dict[str, tuple[str, int | None]]:
    """Status and rows of tables that are left to Spark where they are others than were counted."""
    left = left_to_spark(looked.candidates, looked.summaries, looked.datasets)
    assert len(left) >= 4
    chosen = random.Random(SEED).sample(sorted(left), some or len(left))
    read = summarize_files(files_of([left[name] for name in chosen]), Workers(spark).map_tasks)
    found = assemble([left[name] for name in chosen], read)
    assert {dataset.status for dataset in found} <= {"ok", "unsupported"}
    return {d.id: (d.reason, d.rows) for d in found if d.status == "ok" and d.rows != counted[d.id]}


@pytest.mark.spark
@pytest.mark.full
def test_spark_reads_nothing_in_tables_that_are_damaged_or_empty_for_r2d2(
    tables: list[Finding], spark: SparkSession
) -> None:
    expected = {t.name: 0 if t.status == "empty" else None for t in tables if t.status in ("empty", "error")}
    assert {t.name: spark_rows(t, spark) for t in tables if t.name in expected} == expected


def spark_rows(table: Finding, spark: SparkSession) -> int | None:
    """Rows that Spark reads, or None where it refuses the table."""
    from py4j.protocol import Py4JJavaError
    from pyspark.errors import PySparkException

    try:
        return len(spark_table(table, spark))
    except (Py4JJavaError, PySparkException):
        return None


def spark_table(table: Finding, spark: SparkSession) -> pa.Table:
    """All rows as Spark's Delta reader gives them."""
    return spark.read.format("delta").load(table.dataset.location).toArrow()


def spark_differences(table: Finding, spark: SparkSession, where: Path) -> dict[str, set[tuple[str, str]]]:
    """As ``differences``, for what Spark reads, with one cell changed that goes by the table's name."""
    read = spark_table(table, spark)
    chooser = random.Random(f"{SEED} {table.name}")
    return differences(table, read, [(chooser.randrange(read.num_columns), chooser.randrange(read.num_rows))], where)
