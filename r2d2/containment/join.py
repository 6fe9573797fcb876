"""The join by partition of the hash: what decides the pairs that digests, boxes and sketches leave open (DESIGN 5).

One Spark job: scan tasks give the distinct row hashes of each side with their counts, Spark brings equal ranges of
hashes together, and each range counts, for each pair, the rows that the parent lacks. A child is contained exactly
if no range lacks any. Ranges are so many that one fits a task's memory (a grace join).
"""

from __future__ import annotations

import json
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from r2d2.config import ContainmentSettings
from r2d2.containment.request import COMPLETE, Request
from r2d2.containment.row_hash import FAST, RowHash
from r2d2.containment.scan import (
    BATCH,
    Connect,
    open_sources,
    read_failure,
    task_connection,
)
from r2d2.containment.scan_sql import hashed_rows
from r2d2.containment.scanner import PLANNING_BYTES, chunks, planned
from r2d2.containment.sketch import (
    Hashes,
    Sketch,
    lacking_rows,
    merge,
    pack,
    row_hash,
    sketch_of,
    unpack,
)
from r2d2.containment.views import Pair
from r2d2.lake.kernels import Kernel, Totals
from r2d2.lake.relation import batches as row_batches
from r2d2.lake.relation import locked_connection
from r2d2.model.dataset import Dataset
from r2d2.model.edge import Projection, Witness
from r2d2.model.packing import pack_files

_TASKS = pa.schema(
    [
        ("task", pa.int32()),
        ("dataset", pa.int32()),
        ("sides", pa.string()),
        ("files", pa.string()),
        ("part", pa.string()),
        ("readers", pa.string()),
        ("projections", pa.string()),
        ("case_sensitive", pa.bool_()),
        ("memory", pa.string()),
        ("ranges", pa.int32()),
        ("key", pa.string()),
        ("values", pa.bool_()),
    ]
)
#: Rows of a side (a dataset under a projection) in one range of hashes, packed: a row of its own for each hash costs
#: the JVM fifty times as much as these 16 bytes. A row with an error holds none, and travels in range 0.
_PACKED = pa.schema([("range", pa.int32()), ("side", pa.int32()), ("rows", pa.binary()), ("error", pa.string())])
_COUNTS = pa.schema(
    [
        ("pair", pa.int32()),
        ("side", pa.int32()),
        ("rows", pa.int64()),
        ("lacking", pa.int64()),
        ("row_hash", pa.string()),
        ("in_child", pa.int64()),
        ("in_parent", pa.int64()),
        ("error", pa.string()),
    ]
)
#: Bytes of data files whose rows, as values, one range holds: unpacked they take several times that.
_VALUE_BYTES = 32 * 1024 * 1024
#: Rows of a side that are packed together: hashes, and values, one of which may be megabytes.
_PACK_ROWS, _VALUE_ROWS = 1 << 18, 2048
_MOST_RANGES = 1 << 16

#: Both halves of the hashes of some rows.
Block = tuple[Hashes, Hashes]

#: Counts of a side or of a pair in several ranges are one row: what comes to the driver does not grow with the rows.
_TOTALS = Totals(("pair", "side"), ("rows", "lacking"), (("row_hash", "in_child", "in_parent"), ("error",)))

#: Runs a kernel over tasks, brings rows of equal ``range`` together, and runs a second kernel over each range:
#: ``lake.workers.Workers.map_shuffled`` with its session, or a loop without Spark in tests.
ShuffleRunner = Callable[[pa.Table, Kernel, pa.Schema, int, Kernel, pa.Schema, Totals], pa.Table]


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
    compare = CompareValues(wanted, settings.task_memory) if by.values else CompareHashes(wanted)
    counted = run(tasks, hash_kernel, _PACKED, ranges, compare, _COUNTS, _TOTALS)
    return _results(counted, pairs, sides, datasets, failed)


def hash_kernel(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Maps scan tasks to packed row hashes with their counts, each in its range of hashes."""
    with task_connection() as connect:
        for batch in batches:
            for task in batch.to_pylist():
                sides = json.loads(task["sides"])
                try:
                    yield from _packed(task, sides, connect)
                except Exception as error:  # noqa: BLE001  # recorded as the dataset's reason; the others go on
                    failed = {"range": 0, "side": sides[0], "rows": None, "error": read_failure(error)}
                    yield pa.RecordBatch.from_pylist([failed], schema=_PACKED)


def _packed(task: Mapping[str, Any], sides: Sequence[int], connect: Connect) -> Iterator[pa.RecordBatch]:
    projections = [Request.from_json(text).projection for text in json.loads(task["projections"])]
    by = RowHash(task["key"], task["values"])
    with open_sources(task, connect) as (con, sources):
        if not by.values:
            rows = row_batches(con, hashed_rows(sources, projections, [], by), BATCH)
            yield from _packed_hashes(_halves(rows, len(sides)), sides, task["ranges"])
            return
        for side, projection in zip(sides, projections, strict=True):
            yield from _packed_values(con, hashed_rows(sources, [projection], [], by), side, task["ranges"])


def _halves(batches: Iterable[pa.RecordBatch], sides: int) -> Iterator[tuple[Block, ...]]:
    for batch in batches:
        yield tuple((batch.column(f"lo{p}").to_numpy(), batch.column(f"hi{p}").to_numpy()) for p in range(sides))


def _packed_hashes(blocks: Iterable[tuple[Block, ...]], sides: Sequence[int], ranges: int) -> Iterator[pa.RecordBatch]:
    """Blocks of hashes, one for each side, by range."""
    kept: list[list[Block]] = [[] for _ in sides]
    held = 0
    for block in blocks:
        for p, halves in enumerate(block):
            kept[p].append(halves)
        held += len(block[0][0])
        if held >= _PACK_ROWS:
            yield _by_range(kept, sides, ranges)
            kept, held = [[] for _ in sides], 0
    if held:
        yield _by_range(kept, sides, ranges)


def _by_range(kept: Sequence[Sequence[Block]], sides: Sequence[int], ranges: int) -> pa.RecordBatch:
    rows = []
    for side, parts in zip(sides, kept, strict=True):
        low, high = (np.concatenate(half) for half in zip(*parts, strict=True))
        for number, part in enumerate(_ranged(_counted(low, high), ranges)):
            if len(part.low):
                rows.append({"range": number, "side": side, "rows": pack(part), "error": None})
    return pa.RecordBatch.from_pylist(rows, schema=_PACKED)


def _counted(low: Hashes, high: Hashes) -> Sketch:
    """Rows with their counts: brought together where many are alike, for then they take less room."""
    if len(np.unique(low[:_SAMPLE])) < min(len(low), _SAMPLE) // 2:
        return sketch_of(low, high, COMPLETE)
    return Sketch(COMPLETE, low, high, np.ones(len(low), np.int64))


_SAMPLE = 4096


def range_of(low: Hashes, ranges: int) -> npt.NDArray[np.uint16]:
    """The range of each hash, by its low half: as many of them fall into each."""
    return (((low >> np.uint64(32)) * np.uint64(ranges)) >> np.uint64(32)).astype(np.uint16)


def _ranged(rows: Sketch, ranges: int) -> list[Sketch]:
    """The rows cut into ranges of the low half of their hash."""
    if ranges == 1:
        return [rows]
    number = range_of(rows.low, ranges)
    order = np.argsort(number, kind="stable")  # numbers of 16 bits are sorted by radix
    stops = np.searchsorted(number[order], np.arange(ranges), side="right")
    starts = np.concatenate(([0], stops[:-1]))
    cut = [order[a:b] for a, b in zip(starts.tolist(), stops.tolist(), strict=True)]
    return [Sketch(COMPLETE, rows.low[at], rows.high[at], rows.count[at]) for at in cut]


def _packed_values(con: duckdb.DuckDBPyConnection, rows: str, side: int, ranges: int) -> Iterator[pa.RecordBatch]:
    query = (
        f"SELECT (((lo0 >> 32) * {ranges}) >> 32)::INTEGER AS range, lo0, hi0, row0, count(*)::BIGINT AS n"
        f" FROM ({rows}) GROUP BY ALL"
    )
    for batch in row_batches(con, query, _VALUE_ROWS):
        table = pa.Table.from_batches([batch])
        for number in pc.unique(table["range"]).to_pylist():
            part = table.filter(pc.equal(table["range"], number)).drop_columns(["range"])
            sink = pa.BufferOutputStream()
            with pa.ipc.new_stream(sink, part.schema) as writer:
                writer.write_table(part)
            row = {"range": number, "side": side, "rows": sink.getvalue().to_pybytes(), "error": None}
            yield pa.RecordBatch.from_pylist([row], schema=_PACKED)


@dataclass(frozen=True)
class CompareHashes:
    """The kernel of one range: counts, for each (pair, parent side, child side), rows that the parent lacks."""

    pairs: Sequence[tuple[int, int, int]]

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Maps packed rows of one range to counts."""
        parts, errors = _received(batches)
        sides = {side: merge([unpack(data, COMPLETE) for data in packed]) for side, packed in parts.items()}
        counted = [_side_row(side, int(rows.count.sum())) for side, rows in sides.items()]
        nothing = sketch_of(np.empty(0, np.uint64), np.empty(0, np.uint64), COMPLETE)
        for pair, parent, child in self.pairs:
            if child not in sides:
                continue
            lacking, held = lacking_rows(sides[child], sides.get(parent, nothing))
            if len(lacking):
                row, rows = lacking[0], sides[child]
                shown = row_hash(int(rows.low[row]), int(rows.high[row]))
                counted.append(_pair_row(pair, len(lacking), shown, int(rows.count[row]), int(held[0])))
        yield pa.RecordBatch.from_pylist([*counted, *errors], schema=_COUNTS)


@dataclass(frozen=True)
class CompareValues:
    """The same by the values themselves, which come with their hashes."""

    pairs: Sequence[tuple[int, int, int]]
    memory: str

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Maps packed rows of one range to counts."""
        parts, errors = _received(batches)
        counted = list(errors)
        with (
            tempfile.TemporaryDirectory(prefix="r2d2-join-") as name,
            locked_connection(Path(name), self.memory) as con,
        ):
            con.execute("CREATE TABLE parts (side INTEGER, lo UBIGINT, hi UBIGINT, row VARCHAR, n BIGINT)")
            for side, packed in parts.items():
                for data in packed:
                    con.register("part", pa.ipc.open_stream(data).read_all())
                    con.execute(f"INSERT INTO parts SELECT {side}, lo0, hi0, row0, n FROM part")
                    con.unregister("part")
            con.execute("CREATE TABLE rows AS SELECT side, lo, hi, row, sum(n)::BIGINT AS n FROM parts GROUP BY ALL")
            pairs = {"pair": 0, "parent": 1, "child": 2}
            con.register("pairs", pa.table({key: [pair[at] for pair in self.pairs] for key, at in pairs.items()}))
            for side, rows in con.execute("SELECT side, sum(n)::BIGINT FROM rows GROUP BY side").fetchall():
                counted.append(_side_row(side, rows))
            for pair, lacking, low, high, *held in con.execute(_COUNT_PAIRS).fetchall():
                counted.append(_pair_row(pair, lacking, row_hash(low, high), *held))
        yield pa.RecordBatch.from_pylist(counted, schema=_COUNTS)


_COUNT_PAIRS = """
SELECT pair, count(*), min(c.lo), arg_min(c.hi, (c.lo, c.hi)), arg_min(c.n, (c.lo, c.hi)),
  arg_min(coalesce(p.n, 0), (c.lo, c.hi))
FROM pairs JOIN rows c ON c.side = pairs.child
  LEFT JOIN rows p ON p.side = pairs.parent AND p.lo = c.lo AND p.hi = c.hi AND p.row = c.row
WHERE coalesce(p.n, 0) < c.n GROUP BY pair
"""


def _received(batches: Iterator[pa.RecordBatch]) -> tuple[dict[int, list[bytes]], list[dict[str, Any]]]:
    """Packed rows by side, and the errors as counts."""
    parts: dict[int, list[bytes]] = defaultdict(list)
    errors = []
    for batch in batches:
        for row in batch.to_pylist():
            if row["error"] is None:
                parts[row["side"]].append(row["rows"])
            else:
                errors.append({**_side_row(row["side"], 0), "error": row["error"]})
    return parts, errors


def _side_row(side: int, rows: int) -> dict[str, Any]:
    return {"side": side, "rows": rows, "lacking": 0}


def _pair_row(pair: int, lacking: int, shown: str, in_child: int, in_parent: int) -> dict[str, Any]:
    witness = {"row_hash": shown, "in_child": in_child, "in_parent": in_parent}
    return {"pair": pair, "rows": 0, "lacking": lacking, **witness}


def _sides(pair: Pair) -> tuple[tuple[int, Projection], tuple[int, Projection]]:
    return (pair.parent, pair.projection), (pair.child, pair.projection)


def _ranges(sides: Sequence[Dataset], settings: ContainmentSettings, by: RowHash) -> int:
    """Into how many ranges hashes are cut, so that one fits a task; rows themselves take room by their bytes."""
    ranges = 1 + sum(dataset.rows or 0 for dataset in sides) // settings.join_rows_per_task
    if by.values:
        ranges = max(ranges, 1 + sum(dataset.bytes for dataset in sides) // _VALUE_BYTES)
    return min(ranges, _MOST_RANGES)


def _tasks(
    datasets: Sequence[Dataset],
    sides: Sequence[tuple[int, Projection]],
    ranges: int,
    settings: ContainmentSettings,
    by: RowHash,
) -> pa.Table:
    rows: list[dict[str, object]] = []
    by_dataset: dict[int, list[int]] = defaultdict(list)
    for side, (index, _) in enumerate(sides):
        by_dataset[index].append(side)
    for index, asked in by_dataset.items():
        for chunk in chunks(datasets[index], settings.task_bytes):
            rows.append(
                {
                    "dataset": index,
                    "sides": json.dumps(asked),
                    "files": pack_files(chunk.files),
                    "part": chunk.part,
                    "readers": json.dumps(datasets[index].readers),
                    "projections": json.dumps([Request(sides[side][1]).to_json() for side in asked]),
                    "case_sensitive": settings.case_sensitive,
                    "memory": settings.task_memory,
                    "ranges": ranges,
                    "key": by.key,
                    "values": by.values,
                    "bytes": chunk.bytes + PLANNING_BYTES,
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
            pair, shown = row["pair"], Witness(row["row_hash"], row["in_child"], row["in_parent"])
            lacking[pair] += row["lacking"]
            witness[pair] = min(shown, witness.get(pair, shown), key=lambda each: each.row_hash)
    for side, (index, _) in enumerate(sides):
        if rows[side] != datasets[index].rows and index not in failed:
            failed[index] = f"its metadata says {datasets[index].rows} rows, a scan found {rows[side]}"
    return {
        pair: JoinResult(lacking[i], witness.get(i))
        for i, pair in enumerate(pairs)
        if pair.parent not in failed and pair.child not in failed
    }
