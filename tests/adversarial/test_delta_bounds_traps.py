"""Statistics of a Delta log as Spark writes them: a reader that prunes by them drops pairs that hold (EXACTNESS 5)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from tests.adversarial.naive import answer

pytestmark = pytest.mark.spark

LAST = datetime(2024, 5, 17, 12, 30, 45, 123_987, tzinfo=UTC)
LONG = ["m" * 40, "z" * 40]


@pytest.fixture(scope="module")
def table(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of 40 columns that Delta's own writer made."""
    lake = tmp_path_factory.mktemp("delta") / "lake"
    filler = {f"f{i}": [i, i + 1] for i in range(38)}
    source = lake.parent / "source.parquet"
    times = pa.array([datetime(2024, 1, 1, tzinfo=UTC), LAST], pa.timestamp("us", "UTC"))
    pq.write_table(pa.table({"t": times, "s": LONG, **filler, "late": [5, 7]}), source)
    spark.read.parquet(str(source)).coalesce(1).write.format("delta").save(str(lake / "table"))
    return lake / "table"


def stats(table: Path) -> Mapping[str, Any]:
    """The statistics of the table's only file."""
    lines = "".join(path.read_text() for path in (table / "_delta_log").glob("*.json")).splitlines()
    (found,) = [json.loads(json.loads(line)["add"]["stats"]) for line in lines if '"add"' in line]
    assert isinstance(found, dict)
    return found


def child(table: Path, **columns: Any) -> set[tuple[str, str]]:
    """The pairs of the lake with a child of these columns."""
    path = table.parent / "child.parquet"
    pq.write_table(pa.table(columns), path)
    return answer(table.parent).pairs


def test_a_timestamp_beyond_the_logs_maximum_which_is_cut_to_milliseconds_is_found(table: Path) -> None:
    most = datetime.fromisoformat(stats(table)["maxValues"]["t"])
    assert most < LAST, "the log's maximum lies below the true one: a naive reader drops the pair"
    assert child(table, t=pa.array([LAST], pa.timestamp("us", "UTC"))) == {("table", "child.parquet")}


def test_a_text_beyond_the_logs_maximum_which_is_cut_to_32_characters_is_found(table: Path) -> None:
    found = stats(table)
    assert len(found["minValues"]["s"]) == 32
    assert found["minValues"]["s"] != LONG[0], "no row holds it: a naive reader takes it for the smallest value"
    assert child(table, s=[LONG[1]]) == {("table", "child.parquet")}
    assert child(table, s=["m" * 32]) == set()


def test_a_column_past_the_thirty_second_has_no_statistics_and_is_found(table: Path) -> None:
    found = stats(table)
    assert "late" not in found["maxValues"]
    assert found["maxValues"].get("late", -1) < 7, "a naive default for what is missing"
    assert child(table, late=[7]) == {("table", "child.parquet")}
