"""Small lakes of all kinds: a parent, a child with rows of it, and a dataset that nobody touches."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from r2d2.demo.delta import write_delta
from r2d2.demo.writers import hive

PARENT, CHILD, OTHER = "sales/parent", "sales/child", "other/bystander"
#: Is not there at first.
WHOLE = "other/whole"
_ROWS = 400


class Kind(NamedTuple):
    """How the datasets of a lake are written.

    Attributes:
        end: of a dataset's name.
        write: a table at a path.
        chosen: the child's rows of the parent's.
    """

    end: str
    write: Callable[[Path, pa.Table], None]
    chosen: Callable[[pa.Table], pa.Table]


def rows() -> pa.Table:
    """The parent's: text that does not compress, so that a recipe is smaller than the child."""
    return pa.table(
        {
            "id": pa.array(range(_ROWS), pa.int64()),
            "category": [f"c{i % 4}" for i in range(_ROWS)],
            "amount": pa.array([None if i % 7 == 0 else i / 8 for i in range(_ROWS)], pa.float64()),
            "text": [hashlib.sha256(bytes([i % 251, i // 251])).hexdigest() for i in range(_ROWS)],
        }
    )


def _some(table: pa.Table) -> pa.Table:
    return table.filter(pc.is_in(table["category"], pa.array(["c1", "c2"])))


def _all(table: pa.Table) -> pa.Table:
    return table


def _directory(path: Path, table: pa.Table) -> None:
    path.mkdir(parents=True)
    for number, start in enumerate(range(0, table.num_rows, _ROWS // 4)):
        pq.write_table(table.slice(start, _ROWS // 4), path / f"part-{number}.parquet")
    (path / "_SUCCESS").touch()


def _file(path: Path, table: pa.Table) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path)


def _delta(path: Path, table: pa.Table) -> None:
    write_delta(path, [table.slice(0, table.num_rows // 2), table.slice(table.num_rows // 2)])


def _csv(path: Path, table: pa.Table) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pacsv.write_csv(table, path)


KINDS = {
    "Parquet directory": Kind("", _directory, _some),
    "Parquet file": Kind(".parquet", _file, _some),
    "partitioned": Kind("", hive("category"), _some),
    "Delta": Kind("", _delta, _some),
    "CSV": Kind(".csv", _csv, _all),
}


def child_rows(lake: Path) -> pa.Table:
    """What a child of the kind that the lake is of holds at first."""
    (end,) = {path.suffix for path in lake.glob(f"{PARENT}*")}
    return next(kind.chosen for kind in KINDS.values() if kind.end == end)(rows())


def build(kind: str, lake: Path) -> None:
    """A lake of a kind, on disk."""
    table, (end, write, chosen) = rows(), KINDS[kind]
    write(lake / f"{PARENT}{end}", table)
    write(lake / f"{CHILD}{end}", chosen(table))
    write(lake / f"{OTHER}{end}", table.slice(3, 9))
