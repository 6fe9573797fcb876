"""What a reader does that trusts DuckDB as it is, to be set against r2d2 on the same files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from r2d2.catalog.discovery import discover
from r2d2.config import DiscoverySettings
from r2d2.containment.funnel import Containments
from r2d2.model.dataset import Dataset
from tests.containment_runs import contained, datasets_of, proven_pairs

Row = tuple[Any, ...]


@dataclass(frozen=True)
class Answer:
    """What r2d2 says of a lake: proven (parent, child) pairs, and why datasets take part in none."""

    found: Containments
    pairs: set[tuple[str, str]]
    errors: dict[str, str]

    def refused(self, dataset: str) -> str:
        """Why the dataset is in no pair; fails if it is in one, or if there is no reason."""
        assert self.errors.get(dataset), f"{dataset} is not refused: {self.pairs}"
        assert not [pair for pair in self.pairs if dataset in pair]
        return self.errors[dataset]


def listed(*roots: Path) -> tuple[Dataset, ...]:
    """The datasets below the roots, as discovery and their files describe them."""
    return datasets_of(discover([str(root) for root in roots], DiscoverySettings(), None, None).candidates)


def answer(*roots: Path, datasets: Sequence[Dataset] | None = None) -> Answer:
    """What r2d2 finds below the roots; ``datasets`` if they were listed before."""
    found = contained(datasets or listed(*roots))
    errors = {dataset.id: dataset.error for dataset in found.datasets if dataset.error}
    return Answer(found, proven_pairs(found), errors)


def rows(sql: str) -> list[Row]:
    """What DuckDB gives, as it is set up when it is installed."""
    with duckdb.connect() as con:
        return con.execute(sql).fetchall()


def naive_contained(parent: str, child: str) -> bool:
    """Whether every row of ``child`` (SQL of a relation) is in ``parent``, asked in the plainest way."""
    return rows(f"SELECT count(*) FROM (FROM {child} EXCEPT ALL FROM {parent})") == [(0,)]


def parquet(path: Path, **columns: Any) -> Path:
    """A Parquet file of Arrow arrays, or of lists whose types speak for themselves."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path)
    return path


def text(path: Path, content: str | bytes) -> Path:
    """A file of just these bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def quoted(path: Path) -> str:
    """The file's name as an SQL literal, which is a relation to DuckDB."""
    return "'" + str(path).replace("'", "''") + "'"
