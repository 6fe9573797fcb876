"""Small lakes of all kinds: a parent, a child with some of its rows, and a dataset that nobody touches."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq

from r2d2.demo.delta import write_delta
from r2d2.demo.writers import hive

PARENT, CHILD, OTHER = "sales/parent", "sales/child", "other/bystander"


class Kind(NamedTuple):
    """How the datasets of a lake are written.

    Attributes:
        end: of a dataset's name.
        write: a table at a path.
    """

    end: str
    write: Callable[[Path, pa.Table], None]


def rows() -> pa.Table:
    """The parent's; the child has those of one category."""
    return pa.table(
        {
            "id": pa.array(range(40), pa.int64()),
            "category": pa.array([f"c{i % 4}" for i in range(40)]),
            "amount": pa.array([None if i % 7 == 0 else i / 8 for i in range(40)], pa.float64()),
        }
    )


def _directory(path: Path, table: pa.Table) -> None:
    path.mkdir(parents=True)
    for number, start in enumerate(range(0, table.num_rows, 20)):
        pq.write_table(table.slice(start, 20), path / f"part-{number}.parquet")
    (path / "_SUCCESS").touch()


def _file(path: Path, table: pa.Table) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path)


def _delta(path: Path, table: pa.Table) -> None:
    write_delta(path, [table.slice(0, table.num_rows // 2), table.slice(table.num_rows // 2)])


def _csv(path: Path, table: pa.Table) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pc.write_csv(table, path)


KINDS = {
    "Parquet directory": Kind("", _directory),
    "Parquet file": Kind(".parquet", _file),
    "partitioned": Kind("", hive("category")),
    "Delta": Kind("", _delta),
    "CSV": Kind(".csv", _csv),
}


def build(kind: str, lake: Path) -> None:
    """A lake of a kind, on disk."""
    table, (end, write) = rows(), KINDS[kind]
    write(lake / f"{PARENT}{end}", table)
    write(lake / f"{CHILD}{end}", table.filter(pa.compute.equal(table["category"], "c1")))
    write(lake / f"{OTHER}{end}", table.slice(3, 9))
