"""The few different values of leaves, for predicates by category; found in one scan of a pair."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import duckdb
import pyarrow as pa

from r2d2.config import ContainmentSettings
from r2d2.containment.request import Request
from r2d2.containment.row_hash import FAST
from r2d2.containment.scan import Connect, Task, open_sources, read_failure, requests_of, task_connection
from r2d2.containment.scan_sql import Source, encoded_leaf
from r2d2.containment.scanner import Runner, scan_tasks
from r2d2.errors import NotRetirable
from r2d2.model.dataset import Dataset, LeafPath
from r2d2.model.edge import Projection
from r2d2.model.family import FLOATING
from r2d2.recovery.recipes.predicate import NAN

#: A leaf of more different values is no category.
MOST_VALUES = 64
#: A leaf of more characters in its values isn't one either: the recipe would hold them all.
_MOST_CHARACTERS = 16_384
#: Rows that are looked at first: most leaves show there that they are no categories.
_FIRST = 10_000
_RESULTS = pa.schema(
    [
        ("dataset", pa.int32()),
        ("leaf", pa.int32()),
        ("values", pa.list_(pa.string())),
        ("nan", pa.bool_()),
        ("error", pa.string()),
    ]
)


@dataclass
class Category:
    """What is known of a leaf's values.

    Attributes:
        values: their canonical texts, None for NULL; None where there are too many.
        nan: whether some are NaN.
    """

    values: set[str | None] | None = field(default_factory=set)
    nan: bool = False

    def add(self, values: list[str | None] | None, nan: bool) -> None:
        """What a part of the dataset has."""
        self.nan = self.nan or nan
        if self.values is not None:
            self.values = None if values is None or _is_many(self.values.union(values)) else self.values.union(values)


Categories = dict[LeafPath, Category]


def categories_of(
    child: Dataset, parent: Dataset, projection: Projection, settings: ContainmentSettings, run: Runner
) -> tuple[Categories, Categories]:
    """Categories of both by folded path.

    Raises:
        NotRetirable: one of them can't be read as its metadata says.
    """
    found: tuple[Categories, Categories] = (
        {p: Category() for p, _ in projection},
        {p: Category() for p, _ in projection},
    )
    wanted = {0: [Request(projection)], 1: [Request(projection)]}
    tasks = scan_tasks([child, parent], wanted, settings, FAST)
    for answer in run(tasks, category_kernel, _RESULTS).to_pylist():
        if answer["error"] is not None:
            raise NotRetirable(f"{(child, parent)[answer['dataset']].id}: {answer['error']}", "")
        path, _ = projection[answer["leaf"]]
        found[answer["dataset"]][path].add(answer["values"], answer["nan"])
    return found


def category_kernel(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Maps scan tasks to the values of leaves that are few, or to the error that ends the dataset's part."""
    with task_connection() as connect:
        for batch in batches:
            for task in batch.to_pylist():
                try:
                    answers = _answers(task, connect)
                except Exception as error:  # noqa: BLE001  # told as the reason why there is no such recipe
                    answers = [{"leaf": 0, "values": None, "nan": False, "error": read_failure(error)}]
                rows = [{"dataset": task["dataset"], "error": None, **answer} for answer in answers]
                yield pa.RecordBatch.from_pylist(rows, schema=_RESULTS)


def _answers(task: Task, connect: Connect) -> list[dict[str, Any]]:
    (request,) = requests_of(task)
    with open_sources(task, connect) as (con, sources):
        return [
            {"leaf": number, "values": _few(con, sources, path, family), "nan": _has_nan(con, sources, path, family)}
            for number, (path, family) in enumerate(request.projection)
        ]


def _few(con: duckdb.DuckDBPyConnection, sources: list[Source], path: LeafPath, family: str) -> list[str | None] | None:
    """The different values of a leaf, unless they are many."""
    texts = [f"SELECT {encoded_leaf(part, path, family)} AS x FROM {part.table}" for part in sources]
    first = " UNION ALL ".join(f"(SELECT x FROM ({each}) LIMIT {_FIRST})" for each in texts)
    for query in (first, " UNION ALL ".join(texts)):
        values = [x for (x,) in con.execute(f"SELECT DISTINCT x FROM ({query}) LIMIT {MOST_VALUES + 2}").fetchall()]
        if _is_many(set(values)):
            return None
    return values


def _is_many(values: set[str | None]) -> bool:
    texts = [value for value in values if value is not None]
    return len(texts) > MOST_VALUES or sum(map(len, texts)) > _MOST_CHARACTERS


def _has_nan(con: duckdb.DuckDBPyConnection, sources: list[Source], path: LeafPath, family: str) -> bool:
    if family != FLOATING:
        return False
    texts = [f"SELECT {encoded_leaf(part, path, family)} AS x FROM {part.table}" for part in sources]
    query = f"SELECT count(*) FROM (({' UNION ALL '.join(texts)})) WHERE x = '{NAN}'"
    return con.execute(query).fetchall() != [(0,)]
