"""Retires copies of an Iceberg table's file: ``python -m tests.recovery.iceberg_tags DIRECTORY``, in its own process.

Tags are set by Iceberg's SQL, which a session knows from its start or never.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from r2d2.config import SparkSettings
from r2d2.lake.jars import ICEBERG
from r2d2.lake.session import build_session
from r2d2.recovery.apply import apply
from r2d2.recovery.catalogs.catalog_tags import not_kept
from r2d2.recovery.guard.guard import Finding, Verdict, guard
from r2d2.recovery.recipes import recipe_store
from r2d2.recovery.records.receipts import of_dataset
from r2d2.recovery.restore import restore
from tests.recovery_runs import ALL, approve, at_work, plan_of, purge_all

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

TABLE = "tagging.shop.t"


def main(directory: Path) -> None:
    """The tag is there while the copy is retired, and keeps its file from expiring; what the table deletes is asked."""
    lake, state = directory / "lake", directory / "state"
    spark = build_session(SparkSettings(master="local[2]", extras=(ICEBERG,)))
    child = _copied_table(spark, lake)
    roots = [str(lake), "catalog:tagging.shop"]
    with at_work(roots, state, "retention.across_roots=true", spark=spark) as recovery:
        found = recovery.datasets().values()
        own = next(d.id for d in found if d.location == str(child))
        table = next(d.id for d in found if "catalog:tagging.shop/t" in (d.id, *d.names))
        plan = plan_of(recovery, (own, table))
        (done,) = apply(recovery, plan, approve(plan, ALL), lambda _: True)
        assert done.done, done
    _change_no_row(spark)
    assert _guarded(roots, state, spark).verdict is Verdict.GOOD
    spark.sql(f"DELETE FROM {TABLE} WHERE id = 7")
    found = _guarded(roots, state, spark)
    assert (found.verdict, "deleted or changed" in found.what) == (Verdict.ASKED, True), found
    _rewrite(spark)
    assert _guarded(roots, state, spark).verdict is Verdict.ASKED
    (kept,) = purge_all(roots, state, spark=spark)
    assert "frozen" in kept.what, kept
    with at_work(roots, state, spark=spark) as recovery:
        receipt = of_dataset(recovery.receipts, own)
        recipe = recipe_store.load(recovery.state, receipt)
        assert all(Path(file.path).exists() for file in recipe.parent.files), "they expired"
        assert not_kept(recovery, receipt, recipe) == ""
        spark.sql(f"ALTER TABLE {TABLE} DROP TAG `{receipt.facts['tag']}`")
        assert "no tag keeps" in not_kept(recovery, receipt, recipe)
        spark.sql(f"ALTER TABLE {TABLE} CREATE TAG `{receipt.facts['tag']}`")  # of other rows
        assert "no tag keeps" in not_kept(recovery, receipt, recipe)
        restore(recovery, receipt)
    assert child.exists()
    assert not spark.sql(f"SELECT * FROM {TABLE}.refs WHERE type = 'TAG'").collect()


def _guarded(roots: list[str], state: Path, spark: SparkSession) -> Finding:
    with at_work(roots, state, spark=spark) as recovery:
        (finding,) = guard(recovery, datetime.now(UTC))
    return finding


def _change_no_row(spark: SparkSession) -> None:
    spark.sql(f"INSERT INTO {TABLE} SELECT id + 5000, text FROM rows")
    spark.sql("CALL tagging.system.rewrite_data_files(table => 'shop.t', options => map('rewrite-all', 'true'))")


def _copied_table(spark: SparkSession, lake: Path) -> Path:
    """A table of a Hadoop catalog, and a copy of its only file, which it gives."""
    spark.conf.set("spark.sql.catalog.tagging", "org.apache.iceberg.spark.SparkCatalog")
    spark.conf.set("spark.sql.catalog.tagging.type", "hadoop")
    spark.conf.set("spark.sql.catalog.tagging.warehouse", str(lake))
    texts = [hashlib.sha256(str(n).encode()).hexdigest() for n in range(1200)]
    spark.createDataFrame(pa.table({"id": range(1200), "text": texts})).coalesce(1).createOrReplaceTempView("rows")
    spark.sql("CREATE NAMESPACE tagging.shop")
    spark.sql(f"CREATE TABLE {TABLE} USING iceberg AS SELECT * FROM rows")
    (file,) = (lake / "shop/t/data").glob("*.parquet")
    copy = lake / "copy.parquet"
    shutil.copyfile(file, copy)
    return copy


def _rewrite(spark: SparkSession) -> None:
    """Other rows, and all that no reference keeps is removed."""
    spark.sql(f"INSERT OVERWRITE {TABLE} SELECT id, 'other' FROM rows")
    spark.sql("CALL tagging.system.expire_snapshots(table => 'shop.t', older_than => TIMESTAMP '2999-01-01 00:00:00')")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
