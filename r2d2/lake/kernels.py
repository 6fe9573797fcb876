"""Kernels: plain functions from Arrow batches to Arrow batches, and how they run in this process, without Spark."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pyarrow as pa
import pyarrow.compute as pc

#: Maps batches of tasks to batches of results; it has no side effects, so that Spark may run it twice.
Kernel = Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]


def run_here(tasks: pa.Table, kernel: Kernel, schema: pa.Schema) -> pa.Table:
    """Runs a kernel over tasks one after the other; what ``lake.session.map_tasks`` does with Spark."""
    return pa.Table.from_batches(kernel(iter(tasks.to_batches())), schema=schema)


def run_shuffled_here(
    tasks: pa.Table, kernel: Kernel, schema: pa.Schema, ranges: int, second: Kernel, result: pa.Schema
) -> pa.Table:
    """Runs two kernels with a shuffle between them; what ``lake.session.map_shuffled`` does with Spark."""
    rows = run_here(tasks, kernel, schema)
    parts = [rows.filter(pc.equal(rows["range"], number)) for number in range(ranges)]
    return pa.concat_tables([run_here(part, second, result) for part in parts])
