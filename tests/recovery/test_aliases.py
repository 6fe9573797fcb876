"""Data that somebody else holds, too: a plan saves nothing by it, apply refuses, and both read on (DELETION 1)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from r2d2.catalog import runs
from r2d2.model.dataset import Dataset
from r2d2.model.plan import Action, Plan, PlannedDataset
from r2d2.recovery.apply import Outcome, apply
from tests.recovery_runs import ALL, approve, at_work
from tests.states import run_job
from tests.tables.truths import base_rows

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark
DB, ICE = "aliases", "alias_ice"
OVERRIDES = ("retention.storage_price_factor=1e12", "retention.across_roots=true")


@dataclass(frozen=True)
class Found:
    """A lake and what a run found and planned there."""

    roots: list[str]
    state: Path
    datasets: dict[str, Dataset]
    plan: Plan


def rows_of(name: str) -> pa.Table:
    return base_rows(name).drop_columns(["at"])


@pytest.fixture(scope="module")
def found(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Found]:
    """One lake with every kind of alias, and a run over it by all its names."""
    lake = tmp_path_factory.mktemp("aliases") / "lake"
    (lake / "inner").mkdir(parents=True)
    spark.sql(f"CREATE DATABASE {DB} LOCATION '{lake}'")
    try:
        _session_tables(spark, lake)
        _iceberg(spark, lake)
        pq.write_table(rows_of("nested"), lake / "inner/nested.parquet")
        roots = [str(lake), str(lake / "inner"), f"catalog:{DB}"]
        job = run_job(roots, lake.parent / "state", *OVERRIDES)
        run = runs.find_run(job.state, job.run_id)
        datasets = {dataset.id: dataset for dataset in runs.datasets(job.state, run)}
        yield Found(roots, lake.parent / "state", datasets, runs.plan(job.state, run))
    finally:
        spark.sql(f"DROP DATABASE {DB} CASCADE")


def _session_tables(spark: SparkSession, lake: Path) -> None:
    for name in ("alias", "source", "parted", "far"):
        spark.createDataFrame(rows_of(name)).coalesce(1).createOrReplaceTempView(f"{name}_rows")
    spark.sql(f"CREATE TABLE {DB}.alias USING parquet AS SELECT * FROM alias_rows")
    spark.sql(f"CREATE TABLE {DB}.source USING delta AS SELECT * FROM source_rows")
    spark.sql(f"CREATE TABLE {DB}.clone SHALLOW CLONE {DB}.source")
    for name, place in (("parted", lake / "parts"), ("far", lake.parent / "far away")):
        spark.sql(
            f"CREATE TABLE {DB}.{name} ({name}_id BIGINT, name STRING, amount DECIMAL(10,2), x DOUBLE, day DATE)"
            " USING parquet PARTITIONED BY (day)"
        )
        spark.sql(f"ALTER TABLE {DB}.{name} ADD PARTITION (day = DATE'1999-12-31') LOCATION '{place}'")
        some = "WHERE day = DATE'1999-12-31'" if name == "far" else ""
        spark.sql(f"INSERT INTO {DB}.{name} SELECT * FROM {name}_rows {some}")
        pq.write_table(spark.table(f"{DB}.{name}").toArrow(), lake / f"{name}.copy.parquet")


def _iceberg(spark: SparkSession, lake: Path) -> None:
    """Of a Hadoop catalog, whose directories alone say what is current."""
    spark.conf.set(f"spark.sql.catalog.{ICE}", "org.apache.iceberg.spark.SparkCatalog")
    spark.conf.set(f"spark.sql.catalog.{ICE}.type", "hadoop")
    spark.conf.set(f"spark.sql.catalog.{ICE}.warehouse", str(lake))
    for name in ("origin", "added"):
        spark.createDataFrame(rows_of(name)).coalesce(1).write.parquet(str(lake / name))
    spark.sql(f"CREATE TABLE {DB}.origin USING parquet LOCATION '{lake}/origin'")
    spark.sql(f"CALL {ICE}.system.snapshot('spark_catalog.{DB}.origin', '{ICE}.ice.snapped')")
    spark.sql(f"DROP TABLE {DB}.origin")
    columns = "added_id BIGINT, name STRING, amount DECIMAL(10,2), x DOUBLE, day DATE"
    spark.sql(f"CREATE TABLE {ICE}.ice.taken ({columns}) USING iceberg")
    spark.sql(f"CALL {ICE}.system.add_files(table => 'ice.taken', source_table => '`parquet`.`{lake}/added`')")


#: Who holds whose files: each pair is one in which either side was tried as the child.
SHARING = {
    ("lake/source", "lake/clone"),
    ("lake/origin", "lake/ice/snapped"),
    ("lake/added", "lake/ice/taken"),
    ("catalog:aliases/parted", "lake/parts"),
}
OWNERS = sorted({name for pair in SHARING for name in pair})


def test_a_table_and_its_path_are_one_dataset_and_so_is_a_file_below_two_roots(found: Found) -> None:
    assert found.datasets["lake/alias"].names == (f"catalog:{DB}/alias",)
    assert found.datasets["inner/nested.parquet"].names == ("lake/inner/nested.parquet",)
    assert f"catalog:{DB}/alias" not in found.datasets


def test_the_plan_claims_no_byte_of_data_that_somebody_else_holds(found: Found) -> None:
    gone = {entry.dataset for entry in found.plan.retired}
    assert gone == {"lake/parted.copy.parquet", "lake/far.copy.parquet"}  # whose tables stay
    assert found.plan.bytes_retired == sum(found.datasets[name].bytes for name in gone)
    reasons = {entry.dataset: entry.reason for entry in found.plan.datasets}
    for name in OWNERS:
        assert reasons[name].startswith("kept: shares files with"), name
    assert reasons[f"catalog:{DB}/far"] == "kept: some of its files lie outside of its directory"


def test_apply_refuses_what_somebody_else_holds_whatever_a_plan_says(spark: SparkSession, found: Found) -> None:
    alias, far = f"catalog:{DB}/alias", f"catalog:{DB}/far"
    both = [*SHARING, *((other, name) for name, other in SHARING)]
    unknown = [("lake/alias", alias), (alias, "lake/alias"), ("inner/nested.parquet", "lake/inner/nested.parquet")]
    others = [*((name, "lake/parted.copy.parquet") for name in OWNERS), (far, "lake/far.copy.parquet")]
    outcomes = forced(spark, found, [*both, *others, *unknown, ("lake/alias", "lake/alias")])
    whys = ("holds some of its files", "can't be used", "outside of", "is not in the lake", "is itself")
    for outcome in outcomes:
        assert not outcome.done
        assert not outcome.receipt, f"it was begun: {outcome}"
        assert any(why in outcome.what for why in whys), outcome


def test_the_other_reader_still_reads_after_all_that(spark: SparkSession, found: Found) -> None:
    for name in ("alias", "source", "clone", "parted"):
        assert spark.table(f"{DB}.{name}").count() == 24
    assert spark.table(f"{DB}.far").count() == 8
    for name in ("ice.snapped", "ice.taken"):
        assert spark.table(f"{ICE}.{name}").count() == 24
    lake = found.roots[0]
    for name in ("origin", "added", "inner/nested.parquet"):
        assert spark.read.parquet(f"{lake}/{name}").count() == 24
    assert not list(Path(lake).glob(".r2d2/quarantine/*"))


def forced(spark: SparkSession, found: Found, pairs: list[tuple[str, str]]) -> list[Outcome]:
    """What apply says of a plan that somebody wrote by hand, (child, parent) by pair, and that was approved."""
    with at_work(found.roots, found.state, *OVERRIDES, spark=spark) as recovery:
        known = recovery.datasets()
        versions = {name: known[name].version if name in known else "" for pair in pairs for name in pair}
        plans = [_plan(child, parent, versions) for child, parent in pairs]
        return [told for plan in plans for told in apply(recovery, plan, approve(plan, ALL), lambda _: True)]


def _plan(child: str, parent: str, versions: dict[str, str]) -> Plan:
    own, theirs = versions[child], versions[parent]
    entry = PlannedDataset(child, Action.RETIRE, parent, 1.0, 0.0, 1.0, "", own, parent_version=theirs)
    return Plan((entry,), 1.0, 1, "by hand", True, number=1)
