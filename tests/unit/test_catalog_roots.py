"""Tables of a Spark catalog as datasets, with a stand-in for the session."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from r2d2.catalog.discovery import discover
from r2d2.config import DiscoverySettings
from r2d2.lake.spark_catalog import quoted
from tests.small_lakes import by_id, delta, touch


class FakeSpark:
    """Answers the three statements with which a database is described; records what was asked."""

    def __init__(self, tables: dict[str, tuple[str, str, list[str]]], views: tuple[str, ...] = ()) -> None:
        self.tables, self.views, self.asked = tables, views, list[str]()

    def sql(self, statement: str) -> FakeSpark:
        self.asked.append(statement)
        return self

    def collect(self) -> list[dict[str, Any]]:
        statement = self.asked[-1]
        if statement.startswith("SHOW TABLES"):
            rows = [{"tableName": name, "isTemporary": False} for name in (*self.tables, *self.views)]
            return [*rows, {"tableName": "temporary", "isTemporary": True}]
        if statement.startswith("SHOW VIEWS"):
            return [{"viewName": name, "isTemporary": False} for name in self.views]
        name = next(name for name in self.tables if statement.endswith(f".{quoted(name)}"))
        return [dict(zip(("format", "location", "partitionColumns"), self.tables[name], strict=True))]


def test_tables_of_a_catalog_are_one_dataset_each_or_refused(tmp_path: Path) -> None:
    touch(tmp_path, "p/a.parquet", "p/b.parquet", "part/k=1/a.parquet", "c/x.csv", "n/x.csv", "n/y/z.csv", "lake/q.csv")
    touch(tmp_path, "w/a.csv", "%41/a.parquet", "empty/_SUCCESS")
    delta(tmp_path / "d", "a.parquet")
    tables = {
        "p": ("parquet", f"file:{tmp_path}/p", []),
        "d`; DROP TABLE x;--": ("delta", f"file:{tmp_path}/d", []),
        "part": ("parquet", f"file:{tmp_path}/part", ["k"]),
        "c": ("CSV", f"file:{tmp_path}/c", []),
        "n": ("csv", f"file:{tmp_path}/n", []),
        "w": ("parquet", f"file:{tmp_path}/w", []),
        "i": ("iceberg", f"file:{tmp_path}/i", []),
        "gone": ("parquet", f"file:{tmp_path}/gone", []),
        "escaped": ("parquet", f"file:{tmp_path}/%41", []),
        "empty": ("csv", f"file:{tmp_path}/empty", []),
        "nodelta": ("delta", f"file:{tmp_path}/p", []),
    }
    spark: Any = FakeSpark(tables, ("v",))
    listing = by_id(discover(["catalog:db`x"], DiscoverySettings(), None, spark))
    status = {name.removeprefix("catalog:db`x/"): c.status for name, c in listing.items()}
    assert status == {
        **dict.fromkeys(("p", "d`; DROP TABLE x;--", "c", "escaped"), "ok"),
        **dict.fromkeys(("part", "n", "w", "i", "v", "empty", "nodelta"), "unsupported"),
        "gone": "error",
    }
    assert "DESCRIBE DETAIL `db``x`.`d``; DROP TABLE x;--`" in spark.asked
    assert (len(listing["catalog:db`x/p"].files), listing["catalog:db`x/p"].parts) == (2, False)
    assert listing["catalog:db`x/p"].shared_with == ("catalog:db`x/nodelta",)
    assert listing["catalog:db`x/v"].reason == "a view has no files of its own"


def test_a_catalog_table_that_lies_in_a_root_is_one_dataset_with_two_names(tmp_path: Path) -> None:
    touch(tmp_path, "lake/t/part-0.parquet", "lake/k/k=1/part-0.parquet")
    tables = {
        "t": ("parquet", f"file:{tmp_path}/lake/t", []),
        "partitioned": ("parquet", f"file:{tmp_path}/lake/k", ["k"]),
    }
    spark: Any = FakeSpark(tables)
    listing = by_id(discover([str(tmp_path / "lake"), "catalog:db"], DiscoverySettings(), None, spark))
    assert list(listing) == ["catalog:db/partitioned", "lake/k", "lake/t"]
    assert listing["lake/t"].names == ("catalog:db/t",)
    assert listing["lake/k"].shared_with == ("catalog:db/partitioned",)
