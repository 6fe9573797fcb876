"""Guard, while Spark changes the Delta table that a retired dataset is rebuilt from: no row is lost (DELETION 4)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from r2d2.recovery.guard.guard import Verdict
from tests.recovery.guarded import guarded, retired, rows_of
from tests.recovery_runs import give_back
from tests.sampling import FULL

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

VECTORS, MAPPED = {"delta.enableDeletionVectors": "true"}, {"delta.columnMapping.mode": "name"}
ROWS = pa.table(
    {
        "id": pa.array(range(600), pa.int64()),
        "day": pa.array(["a", "b"] * 300),
        "text": pa.array([f"text {i * 7919 % 1009}" for i in range(600)]),
    }
)
#: Of the rows before any of them is changed.
SLICE = ROWS.slice(100, 400)

#: What is done to the table ``T``, and what becomes of the dataset.
CASES: dict[str, tuple[dict[str, str], Sequence[str], Verdict]] = {
    "append": ({}, ["INSERT INTO T SELECT * FROM T WHERE id BETWEEN 200 AND 300"], Verdict.GOOD),
    "delete": ({}, ["DELETE FROM T WHERE id = 200"], Verdict.ASKED),
    "delete of other rows": ({}, ["DELETE FROM T WHERE id < 50"], Verdict.CARRIED),
    "delete of all": ({}, ["DELETE FROM T"], Verdict.ASKED),
    "truncate": ({}, ["TRUNCATE TABLE T"], Verdict.ASKED),
    "update": ({}, ["UPDATE T SET text = 'other' WHERE id = 200"], Verdict.RESTORED),
    "merge": (
        {},
        ["MERGE INTO T AS t USING (SELECT 200L AS id) s ON t.id = s.id WHEN MATCHED THEN UPDATE SET text = 'other'"],
        Verdict.RESTORED,
    ),
    "merge that deletes": (
        {},
        ["MERGE INTO T AS t USING (SELECT 200L AS id) s ON t.id = s.id WHEN MATCHED THEN DELETE"],
        Verdict.ASKED,
    ),
    "merge that adds": (
        {},
        [
            "MERGE INTO T AS t USING (SELECT 9999L AS id) s ON t.id = s.id WHEN MATCHED THEN DELETE"
            " WHEN NOT MATCHED THEN INSERT (id, day, text) VALUES (s.id, 'c', 'new')"
        ],
        Verdict.GOOD,
    ),
    "optimize": ({}, ["OPTIMIZE T"], Verdict.CARRIED),
    "vacuum": ({}, ["VACUUM T RETAIN 0 HOURS"], Verdict.GOOD),
    "overwrite": ({}, ["INSERT OVERWRITE T SELECT * FROM T WHERE id < 150"], Verdict.RESTORED),
    "overwrite by the same": ({}, ["INSERT OVERWRITE T SELECT * FROM T"], Verdict.CARRIED),
    "new column": ({}, ["ALTER TABLE T ADD COLUMN more INT", "INSERT INTO T VALUES (1, 'a', 'x', 2)"], Verdict.GOOD),
    "vectors: delete": (VECTORS, ["DELETE FROM T WHERE id = 200"], Verdict.ASKED),
    "vectors: delete of other rows": (VECTORS, ["DELETE FROM T WHERE id = 50"], Verdict.CARRIED),
    "vectors: update": (VECTORS, ["UPDATE T SET text = 'other' WHERE id = 200"], Verdict.RESTORED),
    "vectors: purged": (
        VECTORS,
        ["DELETE FROM T WHERE id = 50", "REORG TABLE T APPLY (PURGE)"],
        Verdict.CARRIED,
    ),
    "vectors: deleted and purged": (
        VECTORS,
        ["DELETE FROM T WHERE id = 200", "REORG TABLE T APPLY (PURGE)", "OPTIMIZE T"],
        Verdict.ASKED,
    ),
    "mapped: renamed": (MAPPED, ["ALTER TABLE T RENAME COLUMN text TO words"], Verdict.RESTORED),
    "mapped: dropped": (MAPPED, ["ALTER TABLE T DROP COLUMN text"], Verdict.RESTORED),
    "mapped: another dropped": (
        MAPPED,
        ["ALTER TABLE T ADD COLUMN more INT", "ALTER TABLE T DROP COLUMN more", "OPTIMIZE T"],
        Verdict.CARRIED,
    ),
}
IN_CI = ("merge", "vectors: deleted and purged", "mapped: renamed")


def table(spark: SparkSession, where: Path, properties: dict[str, str]) -> None:
    """A table of several files."""
    rows = spark.createDataFrame(ROWS).repartitionByRange(3, "id")
    rows.write.format("delta").options(**properties).save(str(where))


@pytest.mark.parametrize("purged", [pytest.param(False, id="kept"), pytest.param(True, id="purged", marks=FULL)])
@pytest.mark.parametrize("case", [pytest.param(name, marks=() if name in IN_CI else FULL) for name in CASES])
def test_a_change_of_the_table_loses_no_row(spark: SparkSession, tmp_path: Path, case: str, purged: bool) -> None:
    properties, changes, verdict = CASES[case]
    lake, state = tmp_path / "lake", tmp_path / "state"
    lake.mkdir()
    table(spark, lake / "t", properties)
    pq.write_table(SLICE, lake / "slice.parquet")
    retired(lake, state, "slice.parquet", "t", purged)
    changed(spark, lake / "t", changes)
    finding = guarded(lake, state)
    assert finding.verdict is verdict, finding
    changed(spark, lake / "t", ["VACUUM T RETAIN 0 HOURS"])
    if verdict is not Verdict.RESTORED:
        give_back(lake, state, "slice.parquet")
    assert rows_of(lake / "slice.parquet") == SLICE


def changed(spark: SparkSession, where: Path, changes: Sequence[str]) -> None:
    """Does it to the table, without waiting for retentions."""
    settings = {
        "spark.databricks.delta.retentionDurationCheck.enabled": "false",
        "spark.sql.sources.parallelPartitionDiscovery.parallelism": "1",  # VACUUM lists in 200 tasks else
    }
    for name, value in settings.items():
        spark.conf.set(name, value)
    try:
        for change in changes:
            spark.sql(re.sub(r"\bT\b", f"delta.`{where}`", change))
    finally:
        for name in settings:
            spark.conf.unset(name)
