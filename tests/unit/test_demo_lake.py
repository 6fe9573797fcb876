"""The demo lake: what is planted is what brute force finds; its Delta tables are real; it is the same each time."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from r2d2.demo import lake as demo_lake
from r2d2.demo.catalogue import BASE_TABLES, PLANTED, SNAPSHOT_DAYS
from r2d2.demo.delta import delta_type, shallow_clone, write_delta
from r2d2.demo.lake import DemoTruth, build_demo
from r2d2.demo.writers import hive_name
from r2d2.errors import EnvironmentMissing, UsageError
from tests.oracle import contained_pairs, load_lake
from tests.sampling import FULL

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

Demo = tuple[Path, DemoTruth]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    lake = tmp_path_factory.mktemp("demo") / "lake with space"
    return lake, build_demo(lake)


@FULL  # in `make test` a run of the main job finds it, too (tests/e2e/test_main_job.py)
def test_the_planted_truth_is_what_brute_force_finds(demo: Demo) -> None:
    lake, truth = demo
    assert contained_pairs(lake) == truth.contained


def test_every_usable_dataset_is_listed_once(demo: Demo) -> None:
    lake, truth = demo
    assert {table.id for table in load_lake(lake)} == set(truth.datasets)
    assert len(truth.datasets) == len(set(truth.datasets)) == 58


def test_no_trap_is_contained_in_what_it_was_made_from(demo: Demo) -> None:
    _, truth = demo
    assert len(truth.traps) == 12
    assert not {child for _, child in truth.contained} & set(truth.traps)
    assert set(truth.traps) <= set(truth.datasets)


def test_names_clones_and_bad_files_are_where_the_truth_says(demo: Demo) -> None:
    lake, truth = demo
    for name, others in truth.aliases.items():
        inodes = [sorted(f.stat().st_ino for f in _data_files(lake / path)) for path in (name, *others)]
        assert all(found == inodes[0] for found in inodes)
    assert truth.shared == {("warehouse/orders_delta", "scratch/orders_clone")}
    assert truth.shared <= truth.contained
    assert not list((lake / "scratch/orders_clone").glob("*.parquet"))
    for path in (*truth.statuses, *truth.not_datasets, *truth.datasets):
        assert (lake / path).exists(), path
    assert not {name for pair in truth.contained for name in pair} - set(truth.datasets)


def _data_files(path: Path) -> list[Path]:
    return [path] if path.is_file() else sorted(path.glob("part-*.parquet"))


def test_the_unreadable_table_holds_another_datasets_rows(demo: Demo) -> None:
    lake, _ = demo
    (hidden,) = (lake / "archive/part_delta").glob("*.parquet")
    rows = pq.read_table(lake / "warehouse/part.parquet").num_rows
    assert pq.ParquetFile(hidden).metadata.num_rows == rows
    with pytest.raises(json.JSONDecodeError):
        [json.loads(line) for line in (lake / "archive/part_delta/_delta_log" / f"{0:020}.json").open()]


def test_snapshots_grow_day_by_day(demo: Demo) -> None:
    lake, _ = demo
    rows = [_rows(lake / "snapshots/orders" / day) for day in SNAPSHOT_DAYS]
    assert rows == sorted(set(rows))


def _rows(path: Path) -> int:
    return sum(pq.ParquetFile(f).metadata.num_rows for f in _data_files(path))


def test_the_same_lake_is_built_each_time_and_holds_nothing_but_data(demo: Demo, tmp_path: Path) -> None:
    lake, truth = demo
    again = tmp_path / "again [1]"
    assert build_demo(again, truth_file=tmp_path / "truth.json") == truth
    assert _digests(lake) == _digests(again)
    assert json.loads((tmp_path / "truth.json").read_text())["datasets"] == sorted(truth.datasets)
    assert not list(again.glob("*.json"))
    assert sum(f.stat().st_size for f in again.rglob("*") if f.is_file()) < 40_000_000


def _digests(lake: Path) -> dict[str, str]:
    """Of all files; the clone's log holds the lake's own path."""
    files = [f for f in lake.rglob("*") if f.is_file() and "orders_clone" not in f.parts]
    return {f.relative_to(lake).as_posix(): hashlib.sha256(f.read_bytes()).hexdigest() for f in files}


def test_ids_are_unique_and_parents_exist() -> None:
    known = {planted.id for planted in PLANTED} | {f"warehouse/{name}.parquet" for name in BASE_TABLES}
    assert len(known) == len(PLANTED) + len(BASE_TABLES)
    assert {parent for planted in PLANTED for parent in (*planted.inside, *planted.equal)} <= known


def test_a_directory_in_use_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "precious.csv").write_text("a\n1\n")
    with pytest.raises(UsageError, match="not empty"):
        build_demo(tmp_path)
    with pytest.raises(UsageError, match="precious"):
        build_demo(tmp_path / "precious.csv" / "lake")
    with pytest.raises(UsageError, match="scale"):
        build_demo(tmp_path / "new", scale=0)
    assert [f.name for f in tmp_path.iterdir()] == ["precious.csv"]


def test_a_missing_generator_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_lake.sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EnvironmentMissing, match="tpchgen-cli") as raised:
        build_demo(tmp_path / "lake")
    assert raised.value.hint == "pip install 'r2d2[demo]'"


def test_a_failing_generator_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "tpchgen-cli"
    program.write_text("#!/bin/sh\necho no space left >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setattr(demo_lake.sys, "executable", str(tmp_path / "python"))
    with pytest.raises(EnvironmentMissing, match="no space left"):
        build_demo(tmp_path / "lake")


def test_delta_statistics_hold_for_the_rows(tmp_path: Path) -> None:
    long = "é" * 40
    table = pa.table({"n": [3, None, 1], "s": [long, "a", None], "p": ["x=1", "x=1", None]})
    write_delta(tmp_path / "t", [table], ["p"])
    adds = _adds(tmp_path / "t", 0)
    assert [add["partitionValues"] for add in adds] == [{"p": "x=1"}, {"p": None}]
    first = json.loads(adds[0]["stats"])
    assert first["numRecords"] == 2
    assert first["nullCount"] == {"n": 1, "s": 0}
    assert first["minValues"] == {"n": 3, "s": "a"}
    assert first["maxValues"]["n"] == 3
    assert first["maxValues"]["s"] > long
    assert "p%253D" not in adds[0]["path"]
    assert adds[0]["path"].startswith("p%3Dx%253D1/")
    assert hive_name("p", None) == "p=__HIVE_DEFAULT_PARTITION__"


def _adds(table: Path, version: int) -> list[dict[str, object]]:
    lines = (table / "_delta_log" / f"{version:020}.json").read_text().splitlines()
    return [action["add"] for line in lines if "add" in (action := json.loads(line))]


def test_types_that_need_a_table_feature_are_refused() -> None:
    assert delta_type(pa.decimal128(15, 2)) == "decimal(15,2)"
    for kind in (pa.timestamp("us"), pa.uint32(), pa.list_(pa.int64())):
        with pytest.raises(ValueError, match="basic Delta table"):
            delta_type(kind)


@pytest.mark.spark
def test_spark_reads_the_delta_tables_as_written(spark: SparkSession, demo: Demo) -> None:
    lake, _ = demo
    orders = pq.read_table(lake / "warehouse/orders.parquet")
    delta = spark.read.format("delta").load(str(lake / "warehouse/orders_delta"))
    assert _sorted(delta.toArrow().select(orders.column_names), "o_orderkey") == _sorted(orders, "o_orderkey")
    clone = spark.read.format("delta").load(str(lake / "scratch/orders_clone"))
    assert clone.count() == _rows(lake / "snapshots/orders/1998-07-31")
    customers = spark.read.format("delta").load(str(lake / "archive/customer_by_segment")).toArrow()
    wanted = pq.read_table(lake / "warehouse/customer.parquet")
    assert _sorted(customers.select(wanted.column_names), "c_custkey") == _sorted(wanted, "c_custkey")
    skipped = delta.where("o_totalprice > 400000")
    assert skipped.count() == sum(price.as_py() > 400_000 for price in orders["o_totalprice"])
    for broken in ("archive/part_delta", "archive/orders_future"):
        with pytest.raises(Exception, match=r"(?i)delta|malformed|unsupported|version"):
            spark.read.format("delta").load(str(lake / broken)).count()


@pytest.mark.spark
def test_spark_reads_odd_partition_values_nulls_and_clones(spark: SparkSession, tmp_path: Path) -> None:
    values = ["a b", "x=1", "50%", "é/ü", "q'uote", None]
    table = pa.table({"n": list(range(6)), "s": ["x" * 40 + str(i) for i in range(6)], "p": values})
    write_delta(tmp_path / "t a", [table, table.slice(0, 2)], ["p"])
    shallow_clone(tmp_path / "t a", tmp_path / "clone", 0)
    for name, expected in (("t a", [*range(6), 0, 1]), ("clone", list(range(6)))):
        rows = spark.read.format("delta").load(str(tmp_path / name)).collect()
        assert sorted((r.n, r.p, r.s) for r in rows if r.p) == sorted(
            (n, values[n], "x" * 40 + str(n)) for n in expected if values[n]
        )
        assert [r.n for r in rows if r.p is None] == [5]
        filtered = spark.read.format("delta").load(str(tmp_path / name)).where(f"s >= '{'x' * 40}5'")
        assert filtered.count() == 1


def _sorted(table: pa.Table, key: str) -> list[dict[str, object]]:
    return sorted(table.to_pylist(), key=lambda row: row[key])
