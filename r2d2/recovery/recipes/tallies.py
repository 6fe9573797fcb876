"""Rows of a pair by the conditions that they satisfy, counted and summed: one scan answers for every predicate.

Equal count and sums prove that a predicate selects exactly the child's rows (EXACTNESS 7).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import combinations
from typing import Any

import duckdb
import pyarrow as pa

from r2d2.config import ContainmentSettings
from r2d2.containment.request import Request
from r2d2.containment.row_hash import FAST
from r2d2.containment.scan import Connect, Task, open_sources, read_failure, requests_of, task_connection
from r2d2.containment.scan_sql import Source, hashed_rows
from r2d2.containment.scanner import Runner, scan_tasks
from r2d2.errors import NotRetirable
from r2d2.model.dataset import Dataset
from r2d2.model.edge import Projection
from r2d2.recovery.recipes.predicate import Predicate, condition_sql, from_json, to_json

#: Conditions that one scan tells apart.
MOST_CONDITIONS = 6
_RESULTS = pa.schema(
    [
        ("dataset", pa.int32()),
        ("satisfied", pa.int32()),
        ("rows", pa.int64()),
        ("low", pa.decimal128(38, 0)),
        ("high", pa.decimal128(38, 0)),
        ("error", pa.string()),
    ]
)


@dataclass(frozen=True)
class Tally:
    """Rows, and the sums of both halves of their hashes; equal ones mean the same bag of rows."""

    rows: int = 0
    low: int = 0
    high: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.rows + other.rows, self.low + other.low, self.high + other.high)


#: Tallies by the conditions that their rows satisfy, one bit for each.
Tallies = dict[int, Tally]


def tallied(
    child: Dataset,
    parent: Dataset,
    projection: Projection,
    conditions: Predicate,
    settings: ContainmentSettings,
    run: Runner,
) -> tuple[Tally, Tallies]:
    """All rows of the child, and those of the parent by the conditions that they satisfy.

    Raises:
        NotRetirable: one of them can't be read as its metadata says.
    """
    wanted = {0: [Request(projection)], 1: [Request(projection)]}
    tasks = scan_tasks([child, parent], wanted, settings, FAST)
    texts = [to_json(conditions) if dataset else "" for dataset in tasks["dataset"].to_pylist()]
    found: list[Tallies] = [defaultdict(Tally), defaultdict(Tally)]
    for answer in run(tasks.append_column("conditions", pa.array(texts)), tally_kernel, _RESULTS).to_pylist():
        if answer["error"] is not None:
            raise NotRetirable(f"{(child, parent)[answer['dataset']].id}: {answer['error']}", _AGAIN)
        tally = Tally(answer["rows"], int(answer["low"]), int(answer["high"]))
        found[answer["dataset"]][answer["satisfied"]] += tally
    for dataset, tallies in zip((child, parent), found, strict=True):
        rows = total(tallies.values()).rows
        if rows != dataset.rows:
            raise NotRetirable(f"{dataset.id}: its metadata says {dataset.rows} rows, a scan found {rows}", _AGAIN)
    return total(found[0].values()), found[1]


_AGAIN = "run `r2d2 contained` again"


def total(tallies: Iterable[Tally]) -> Tally:
    """The sum."""
    return sum(tallies, Tally())


def fewest(wanted: Tally, tallies: Tallies, conditions: Predicate) -> Predicate | None:
    """The fewest of the conditions whose rows are the wanted ones, of several such sets the shortest; None for none."""
    for size in range(len(conditions) + 1):
        for chosen in sorted(combinations(range(len(conditions)), size), key=lambda c: _length(conditions, c)):
            bits = sum(1 << place for place in chosen)
            if total(tally for satisfied, tally in tallies.items() if satisfied & bits == bits) == wanted:
                return tuple(conditions[place] for place in chosen)
    return None


def _length(conditions: Predicate, chosen: Sequence[int]) -> int:
    return len(to_json(tuple(conditions[place] for place in chosen)))


def tally_kernel(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Maps scan tasks, and the ``conditions`` of each, to tallies, or to the error that ends the dataset's part."""
    with task_connection() as connect:
        for batch in batches:
            for task in batch.to_pylist():
                try:
                    answers = _answers(task, connect)
                except Exception as error:  # noqa: BLE001  # told as the reason why there is no such recipe
                    none = {"satisfied": 0, "rows": 0, "low": Decimal(0), "high": Decimal(0)}
                    answers = [{**none, "error": read_failure(error)}]
                rows = [{"dataset": task["dataset"], "error": None, **answer} for answer in answers]
                yield pa.RecordBatch.from_pylist(rows, schema=_RESULTS)


def _answers(task: Task, connect: Connect) -> list[dict[str, Any]]:
    try:
        return _summed(task, connect, general=False)
    except duckdb.ConversionException:
        return _summed(task, connect, general=True)


def _summed(task: Task, connect: Connect, general: bool) -> list[dict[str, Any]]:
    (request,) = requests_of(task)
    conditions = from_json(task["conditions"])
    with open_sources(task, connect) as (con, sources):
        marked = [_marked(part, conditions) for part in sources]
        rows = hashed_rows(marked, [request.projection], [], FAST, "satisfied", general)
        query = f"SELECT slot, count(*), sum(lo0), sum(hi0) FROM ({rows}) GROUP BY slot"
        found = con.execute(query).fetchall()
    names = ("satisfied", "rows", "low", "high")
    return [dict(zip(names, (slot, rows, Decimal(low), Decimal(high)), strict=True)) for slot, rows, low, high in found]


def _marked(part: Source, conditions: Sequence[Any]) -> Source:
    """The source with a column whose bits say which conditions a row satisfies."""
    bits = [f"CASE WHEN {condition_sql(part, each)} THEN {1 << i} ELSE 0 END" for i, each in enumerate(conditions)]
    return replace(part, table=f"(SELECT *, ({' + '.join(bits) or '0'})::INTEGER AS satisfied FROM {part.table})")
