"""Kernels: plain functions from Arrow batches to Arrow batches, and how they run in this process, without Spark."""

from __future__ import annotations

import heapq
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast
from zipimport import zipimporter

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from r2d2.model.dataset import HANDED_BY_SPARK

if TYPE_CHECKING:
    from pyspark.sql.pandas._typing import ArrowMapIterFunction

#: Maps batches of tasks to batches of results; it has no side effects, so that Spark may run it twice.
Kernel = Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]


@dataclass(frozen=True)
class InWorker:
    """A kernel as one of Spark's Python workers runs it, which goes on with the next task."""

    kernel: Kernel

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """What the kernel gives."""
        try:
            yield from self.kernel(batches)
        finally:
            _forget_archives()


def for_spark(kernel: Kernel) -> ArrowMapIterFunction:
    """A kernel for ``DataFrame.mapInArrow``, whose type asks for one that takes any iterable; it gets an iterator."""
    return cast("ArrowMapIterFunction", InWorker(kernel))


def _forget_archives() -> None:
    """Drops what Python knows of archives on its path; it looks again if it needs one.

    Before each task Spark has Python look for new modules, and Python 3.11 then reads the list of every archive that it
    knows: with Spark's own, of 1,300 files, that took a quarter of a second a task, as long as many a task itself.
    """
    for path, finder in list(sys.path_importer_cache.items()):
        if isinstance(finder, zipimporter):
            del sys.path_importer_cache[path]


def shared_out(sizes: Sequence[int], most: int) -> list[int]:
    """The number of the task of each size: as few tasks as ``most`` allows, all of nearly the same size.

    The largest go first, each to the emptiest task; one that is larger than ``most`` has a task of its own, or nearly.
    """
    count = -(-sum(sizes) // max(1, most))
    tasks = [(0, task) for task in range(max(1, min(count, len(sizes))))]
    found = [0] * len(sizes)
    for place in sorted(range(len(sizes)), key=lambda place: -sizes[place]):
        filled, found[place] = heapq.heappop(tasks)
        heapq.heappush(tasks, (filled + sizes[place], found[place]))
    return found


#: Bytes of results that one job may bring to the driver: a quarter of what Spark allows by default.
JOB_RESULTS = 256 * 1024 * 1024


def in_jobs(tasks: pa.Table, sizes: Sequence[int], most: int = JOB_RESULTS) -> Iterator[pa.Table]:
    """Cuts task rows into jobs to be run one after the other, so that what the driver collects at once is bounded.

    Tasks stay whole and are numbered from 0 in each job.

    Args:
        sizes: bytes of the results of each row, at most.
        most: bytes of the results of a job, if it has more than one task.
    """
    if tasks.num_rows == 0:
        return
    numbers = tasks["task"].to_numpy()
    totals = np.bincount(numbers, weights=sizes)
    first, size = 0, 0.0
    for task, own in enumerate(totals):
        if task > first and size + own > most:
            yield _renumbered(tasks, numbers, first, task)
            first, size = task, 0.0
        size += own
    yield _renumbered(tasks, numbers, first, len(totals))


def _renumbered(tasks: pa.Table, numbers: npt.NDArray[np.int32], first: int, stop: int) -> pa.Table:
    if (first, stop) == (0, int(numbers.max()) + 1):
        return tasks
    own = tasks.filter(pa.array((numbers >= first) & (numbers < stop)))
    renumbered = pc.subtract(own["task"], pa.scalar(first, pa.int32()))
    return own.set_column(own.schema.get_field_index("task"), "task", renumbered)


def split_sources(tasks: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Task rows whose files can be opened, and those of which Spark reads the datasets."""
    if "files" not in tasks.schema.names:
        return tasks, tasks.slice(0, 0)
    by_spark = pc.starts_with(tasks["files"], f'[["{HANDED_BY_SPARK}')
    return tasks.filter(pc.invert(by_spark)), tasks.filter(by_spark)


def run_here(tasks: pa.Table, kernel: Kernel, schema: pa.Schema) -> pa.Table:
    """Runs a kernel over tasks one after the other; what ``lake.workers.Workers.map_tasks`` does with Spark."""
    return pa.Table.from_batches(kernel(iter(tasks.to_batches())), schema=schema)


@dataclass(frozen=True)
class Totals:
    """How results of several ranges become fewer, before they come to the driver: those of equal ``keys`` are one.

    Attributes:
        summed: columns that are added up.
        least: columns of which the least rows are taken, each group of them together.
    """

    keys: tuple[str, ...]
    summed: tuple[str, ...]
    least: tuple[tuple[str, ...], ...]


def run_shuffled_here(
    tasks: pa.Table, kernel: Kernel, schema: pa.Schema, ranges: int, second: Kernel, result: pa.Schema, totals: Totals
) -> pa.Table:
    """Runs two kernels with a shuffle between them; what ``lake.workers.Workers.map_shuffled`` does with Spark.

    Nothing is sent anywhere, so nothing is brought together.
    """
    rows = run_here(tasks, kernel, schema)
    parts = [rows.filter(pc.equal(rows["range"], number)) for number in range(ranges)]
    return pa.concat_tables([run_here(part, second, result) for part in parts])
