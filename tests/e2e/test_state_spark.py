"""Spark reads what the state's tables hold, and what Spark once wrote there is added to and replaced."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from r2d2.catalog.state import State, open_state
from r2d2.catalog.tables import SCHEMAS
from tests.sampling import some
from tests.unit.test_state_tables import children, edges, folded, row

pytestmark = pytest.mark.spark


@pytest.fixture
def state(tmp_path: Path) -> State:
    return open_state(str(tmp_path / "state"), create=True)


@pytest.mark.parametrize("table", some(list(SCHEMAS), 4))
def test_spark_reads_every_table(spark: SparkSession, state: State, table: str) -> None:
    state.append(table, [row(table), row(table)])
    found = spark.read.format("delta").load(str(state.path / table))
    assert found.toArrow().select(SCHEMAS[table].names).cast(SCHEMAS[table]).to_pylist() == [row(table)] * 2


def test_spark_reads_no_row_that_was_replaced(spark: SparkSession, state: State) -> None:
    state.write_run("edges", "one", folded(edges("one", "a", "b")))
    state.write_run("edges", "one", folded(edges("one", "c")))
    assert spark.read.format("delta").load(str(state.path / "edges")).where("run_id = 'one'").count() == 1


def test_a_table_of_sparks_is_added_to_and_replaced(spark: SparkSession, state: State) -> None:
    made = spark.createDataFrame(edges("one", "a")).write.format("delta").partitionBy("run_id")
    made.save(str(state.path / "edges"))
    state.append("edges", edges("two", "b"))
    state.write_run("edges", "one", edges("one", "c"))
    assert (children(state, "one"), children(state, "two")) == (["c"], ["b"])
    assert spark.read.format("delta").load(str(state.path / "edges")).count() == 2
