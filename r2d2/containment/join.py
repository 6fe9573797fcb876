"""The join by partition of the hash: what decides the pairs that digests, boxes and sketches leave open (DESIGN 5).

One Spark job: scan tasks give the distinct row hashes of each side with their counts, Spark brings equal ranges of
hashes together, and each range counts, for each pair, the rows that the parent lacks. A child is contained exactly
if no range lacks any. Ranges are so many that one fits a task's memory (a grace join).
"""

from __future__ import annotations

import json
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from r2d2.config import ContainmentSettings
from r2d2.containment.request import Request
from r2d2.containment.row_hash import FAST, RowHash
from r2d2.containment.scan import Connect, open_sources, pack_files, read_failure, task_connection
from r2d2.containment.scan_sql import hashed_rows
from r2d2.containment.scanner import PLANNING_BYTES, chunks, planned
from r2d2.containment.views import Pair
from r2d2.lake.kernels import Kernel
from r2d2.lake.relation import locked_connection
from r2d2.model.dataset import Dataset
from r2d2.model.edge import Projection, Witness

_TASKS = pa.schema(
    [
        ("task", pa.int32()),
        ("dataset", pa.int32()),
        ("side", pa.int32()),
        ("files", pa.string()),
        ("readers", pa.string()),
        ("projection", pa.string()),
        ("case_sensitive", pa.bool_()),
        ("memory", pa.string()),
        ("ranges", pa.int32()),
        ("key", pa.string()),
        ("values", pa.bool_()),
    ]
)
#: A side is a dataset under a projection; a row with an error has no hash, and travels in range 0.
#: Halves travel as signed numbers, 2^63 below what they are: Arrow's unsigned ones are refused, and bytes are slower.
_HASHES = pa.schema(
    [
        ("range", pa.int32()),
        ("side", pa.int32()),
        ("low", pa.int64()),
        ("high", pa.int64()),
        ("row", pa.string()),
        ("n", pa.int64()),
        ("error", pa.string()),
    ]
)
_OFFSET = 2**63
#: Bytes of data files whose rows, as values, one range holds: unpacked they take several times that.
_VALUE_BYTES = 32 * 1024 * 1024
_COUNTS = pa.schema(
    [
        ("pair", pa.int32()),
        ("side", pa.int32()),
        ("rows", pa.int64()),
        ("lacking", pa.int64()),
        ("low", pa.int64()),
        ("high", pa.int64()),
        ("in_child", pa.int64()),
        ("in_parent", pa.int64()),
        ("error", pa.string()),
    ]
)


#: Runs a kernel over tasks, brings rows of equal ``range`` together, and runs a second kernel over each range:
#: ``lake.session.map_shuffled`` with its session, or a loop without Spark in tests.
ShuffleRunner = Callable[[pa.Table, Kernel, pa.Schema, int, Kernel, pa.Schema], pa.Table]


@dataclass(frozen=True)
class JoinResult:
    """``lacking``: distinct rows that the parent holds too rarely; 0 proves the pair, else the witness refutes it."""

    lacking: int
    witness: Witness | None


def join_pairs(
    run: ShuffleRunner,
    datasets: Sequence[Dataset],
    settings: ContainmentSettings,
    pairs: Sequence[Pair],
    failed: dict[int, str],
    by: RowHash = FAST,
) -> dict[Pair, JoinResult]:
    """Decides pairs by comparing every row of the child with those of the parent, by its hash or by its values.

    Args:
        run: how the two kernels are run.
        failed: gets the datasets whose files could not be read as one version; their pairs get no result.
        by: what rows are told apart by.
    """
    if not pairs:
        return {}
    sides = list(dict.fromkeys(side for pair in pairs for side in _sides(pair)))
    number = {side: i for i, side in enumerate(sides)}
    ranges = _ranges([datasets[index] for index, _ in sides], settings, by)
    tasks = _tasks(datasets, sides, ranges, settings, by)
    wanted = [(i, number[parent], number[child]) for i, (parent, child) in enumerate(map(_sides, pairs))]
    compare = _Compare(wanted, settings.task_memory, by.values)
    counted = run(tasks, hash_kernel, _HASHES, ranges, compare, _COUNTS)
    return _results(counted, pairs, sides, datasets, failed)


def hash_kernel(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Maps scan tasks to distinct row hashes with their counts, each in its range of hashes."""
    with task_connection() as connect:
        for batch in batches:
            for task in batch.to_pylist():
                try:
                    yield from _hashes(task, connect)
                except Exception as error:  # noqa: BLE001  # recorded as the dataset's reason; the others go on
                    failed = {"range": 0, "side": task["side"], "n": 0, "error": read_failure(error)}
                    yield pa.RecordBatch.from_pylist([failed], schema=_HASHES)


def _hashes(task: Mapping[str, Any], connect: Connect) -> Iterator[pa.RecordBatch]:
    projection = Request.from_json(task["projection"]).projection
    with open_sources(task, connect) as (con, sources):
        by = RowHash(task["key"], task["values"])
        rows = hashed_rows(sources, [projection], [], by)
        row = "row0" if by.values else "NULL::VARCHAR"
        query = (
            f"SELECT (lo0 % {task['ranges']})::INTEGER AS range, {task['side']}::INTEGER AS side,"
            f" (lo0::HUGEINT - {_OFFSET})::BIGINT AS low, (hi0::HUGEINT - {_OFFSET})::BIGINT AS high,"
            f" {row} AS row, count(*)::BIGINT AS n, NULL::VARCHAR AS error"
            f" FROM ({rows}) GROUP BY lo0, hi0{', row0' if by.values else ''}"
        )
        reader: pa.RecordBatchReader = con.sql(query).to_arrow_reader(65536)
        for batch in reader:
            yield batch.cast(_HASHES)


class _Compare:
    """The kernel of one range: counts, for each pair, the child's rows that the parent holds too rarely."""

    def __init__(self, pairs: Sequence[tuple[int, int, int]], memory: str, values: bool) -> None:
        self.pairs = pa.table({"pair": [p for p, _, _ in pairs], "parent": [p for _, p, _ in pairs],
                               "child": [c for _, _, c in pairs]})  # fmt: skip
        self.memory = memory
        self.same_row = "AND p.row = c.row" if values else ""

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        received = pa.Table.from_batches(list(batches), schema=_HASHES)
        if received.num_rows == 0:
            return
        with (
            tempfile.TemporaryDirectory(prefix="r2d2-join-") as name,
            locked_connection(Path(name), self.memory) as con,
        ):
            con.register("received", received)
            con.register("pairs", self.pairs)
            con.execute(
                "CREATE TABLE hashes AS SELECT side, low, high, row, sum(n)::BIGINT AS n FROM received"
                " WHERE error IS NULL GROUP BY side, low, high, row"
            )
            for query in (_COUNT_PAIRS.format(same_row=self.same_row), _COUNT_SIDES, _ERRORS):
                counted: pa.Table = con.sql(query).to_arrow_table()
                yield from counted.cast(_COUNTS).to_batches()


_COUNT_PAIRS = """
SELECT pair::INTEGER AS pair, NULL::INTEGER AS side, 0::BIGINT AS rows, count(*)::BIGINT AS lacking,
  min(c.low) AS low, arg_min(c.high, (c.low, c.high)) AS high, arg_min(c.n, (c.low, c.high))::BIGINT AS in_child,
  arg_min(coalesce(p.n, 0), (c.low, c.high))::BIGINT AS in_parent, NULL::VARCHAR AS error
FROM pairs JOIN hashes c ON c.side = pairs.child
  LEFT JOIN hashes p ON p.side = pairs.parent AND p.low = c.low AND p.high = c.high {same_row}
WHERE coalesce(p.n, 0) < c.n GROUP BY pair
"""
_COUNT_SIDES = """
SELECT NULL::INTEGER AS pair, side, sum(n)::BIGINT AS rows, 0::BIGINT AS lacking, 0::BIGINT AS low, 0::BIGINT AS high,
  0::BIGINT AS in_child, 0::BIGINT AS in_parent, NULL::VARCHAR AS error FROM hashes GROUP BY side
"""
_ERRORS = """
SELECT NULL::INTEGER AS pair, side, 0::BIGINT AS rows, 0::BIGINT AS lacking, 0::BIGINT AS low, 0::BIGINT AS high,
  0::BIGINT AS in_child, 0::BIGINT AS in_parent, error FROM received WHERE error IS NOT NULL
"""


def _sides(pair: Pair) -> tuple[tuple[int, Projection], tuple[int, Projection]]:
    return (pair.parent, pair.projection), (pair.child, pair.projection)


def _ranges(sides: Sequence[Dataset], settings: ContainmentSettings, by: RowHash) -> int:
    """Into how many ranges hashes are cut, so that one fits a task; rows themselves take room by their bytes."""
    ranges = 1 + sum(dataset.rows or 0 for dataset in sides) // settings.join_rows_per_task
    return max(ranges, 1 + sum(dataset.bytes for dataset in sides) // _VALUE_BYTES) if by.values else ranges


def _tasks(
    datasets: Sequence[Dataset],
    sides: Sequence[tuple[int, Projection]],
    ranges: int,
    settings: ContainmentSettings,
    by: RowHash,
) -> pa.Table:
    rows: list[dict[str, object]] = []
    for side, (index, projection) in enumerate(sides):
        for files in chunks(datasets[index].files, settings.task_bytes):
            rows.append(
                {
                    "dataset": index,
                    "side": side,
                    "files": pack_files(files),
                    "readers": json.dumps(datasets[index].readers),
                    "projection": Request(projection).to_json(),
                    "case_sensitive": settings.case_sensitive,
                    "memory": settings.task_memory,
                    "ranges": ranges,
                    "key": by.key,
                    "values": by.values,
                    "bytes": sum(file.size for file in files) + PLANNING_BYTES,
                }
            )
    return planned(rows, _TASKS, settings.task_bytes)


def _results(
    counted: pa.Table,
    pairs: Sequence[Pair],
    sides: Sequence[tuple[int, Projection]],
    datasets: Sequence[Dataset],
    failed: dict[int, str],
) -> dict[Pair, JoinResult]:
    lacking: dict[int, int] = defaultdict(int)
    witness: dict[int, Witness] = {}
    rows: dict[int, int] = defaultdict(int)
    for row in counted.to_pylist():
        if row["error"] is not None:
            failed[sides[row["side"]][0]] = row["error"]
        elif row["side"] is not None:
            rows[row["side"]] += row["rows"]
        else:
            lacking[row["pair"]] += row["lacking"]
            row_hash = f"{row['high'] + _OFFSET:016x}{row['low'] + _OFFSET:016x}"
            witness[row["pair"]] = Witness(row_hash, row["in_child"], row["in_parent"])
    for side, (index, _) in enumerate(sides):
        if rows[side] != datasets[index].rows and index not in failed:
            failed[index] = f"its metadata says {datasets[index].rows} rows, a scan found {rows[side]}"
    return {
        pair: JoinResult(lacking[i], witness.get(i))
        for i, pair in enumerate(pairs)
        if pair.parent not in failed and pair.child not in failed
    }
