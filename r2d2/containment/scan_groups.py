"""The scan kernel: what is planned once for many task rows, because planning a query costs more than small datasets do.

Whole Parquet files of one schema that are asked the same are one query, each file of which belongs to one dataset.
Small files are held as arrays and hashed together, however they are read (``scan_arrays``).
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from r2d2.containment.accumulate import Accumulator
from r2d2.containment.scan import (
    RESULTS,
    Connect,
    Task,
    keepers_of,
    requests_of,
    result_rows,
    scan_fast,
    scan_task,
    staged,
    task_connection,
    unchanged,
)
from r2d2.containment.scan_arrays import ArrayFile, Rows, hashed_files
from r2d2.lake.arrays import MOST_BYTES, is_small, small_table
from r2d2.lake.layout import Reader
from r2d2.model.dataset import DataFile
from r2d2.model.edge import Projection
from r2d2.model.packing import unpack_files

#: Bytes of files that are held as arrays at a time.
_HELD_BYTES = 16 * 1024 * 1024
#: Fewer Parquet files of one schema than this are no query of their own.
_FEWEST = 8


def scan_kernel(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Maps tasks (``TASKS``) to results (``RESULTS``); a dataset that can't be read gives one row with its error."""
    with task_connection() as connect:
        for batch in batches:
            for tasks in scanned_together(batch.to_pylist()):
                yield pa.RecordBatch.from_pylist(scan_tasks_together(tasks, connect), schema=RESULTS)


def scanned_together(tasks: Sequence[Task]) -> list[list[Task]]:
    """Task rows by what is planned together, the others alone."""
    queries, held, alone = [], [], []
    for group in queried_together(tasks):
        if len(group) < _FEWEST and all(map(_held_as_arrays, group)):
            held += group
        elif _one_query(group[0]):
            queries.append(group)
        else:
            alone.append(group)
    return [*queries, *_in_parts(held), *alone]


def queried_together(tasks: Sequence[Task]) -> list[list[Task]]:
    """Task rows by what one query can read: what differs in dataset, files and thresholds only, the others alone."""
    alike: dict[tuple[object, ...], list[Task]] = defaultdict(list)
    alone = []
    for task in tasks:
        if _one_query(task):
            alike[_query_key(task)].append(task)
        else:
            alone.append([task])
    return [*alike.values(), *alone]


def _query_key(task: Task) -> tuple[object, ...]:
    """Task rows of one query have equal keys."""
    asked = tuple((request.projection, request.box) for request in requests_of(task))
    return asked, *(task[name] for name in ("readers", "case_sensitive", "memory", "key"))


def _in_parts(tasks: Sequence[Task]) -> list[list[Task]]:
    """Task rows that are held as arrays, in parts whose files fit into memory."""
    parts: list[list[Task]] = []
    size = 0
    for task in tasks:
        own = sum(file.size for file in unpack_files(task["files"]))
        if not parts or size + own > _HELD_BYTES:
            parts.append([])
            size = 0
        parts[-1].append(task)
        size += own
    return parts


def scanned_with_others(task: Task) -> bool:
    """Whether what is planned for the task row is planned for others, too."""
    return _held_as_arrays(task) or _one_query(task)


def _one_query(task: Task) -> bool:
    """Whether one query can read the task row and others that differ in dataset, files, thresholds and what is kept."""
    readers, files = json.loads(task["readers"]), unpack_files(task["files"])
    return (
        len(readers) == 1
        and not task["part"]
        and Reader.from_json(readers[0]).format == "parquet"
        and not any(file.partition or file.vector for file in files)
        and sum(file.size for file in files) <= MOST_BYTES
    )


def _held_as_arrays(task: Task) -> bool:
    """Whether the task row asks for the fast hashes of the rows of whole small files."""
    if task["part"] or task["key"]:
        return False
    files = unpack_files(task["files"])
    return (
        not any(file.partition or file.vector for file in files)
        and all(is_small(Reader.from_json(text), files) for text in json.loads(task["readers"]))
        and not any(request.box for request in requests_of(task))
    )


def scan_tasks_together(tasks: Sequence[Task], connect: Connect) -> list[dict[str, Any]]:
    """The results of task rows that are planned together; where that fails, of each half: one spoils no other."""
    try:
        if len(tasks) > 1 and _are_one_query(tasks):
            return scan_fast(tasks, connect)
        if _held_as_arrays(tasks[0]):
            return _scan_arrays(tasks, connect)
    except Exception:  # noqa: BLE001  # it says again in which of them it was
        pass
    if len(tasks) < 2:
        return [row for task in tasks for row in scan_task(task, connect)]
    middle = len(tasks) // 2
    return [row for half in (tasks[:middle], tasks[middle:]) for row in scan_tasks_together(half, connect)]


def _are_one_query(tasks: Sequence[Task]) -> bool:
    return all(map(_one_query, tasks)) and len({_query_key(task) for task in tasks}) == 1


def _scan_arrays(tasks: Sequence[Task], connect: Connect) -> list[dict[str, Any]]:
    """The results of task rows that are held as arrays; of those that can't be after all, each alone."""
    con, read = _array_files(tasks, connect)
    asked = [
        (number, projection, file)
        for number, files in enumerate(read)
        for projection in dict.fromkeys(request.projection for request in requests_of(tasks[number]))
        for file in files
    ]
    rows: list[dict[Projection, list[Rows]]] = [defaultdict(list) for _ in tasks]
    hashes = hashed_files(con, [(file, projection) for _, projection, file in asked])
    for (number, projection, _), found in zip(asked, hashes, strict=True):
        rows[number][projection].append(found)
    return [
        row
        for task, files, found in zip(tasks, read, rows, strict=True)
        for row in (_summed(task, found) if files else scan_task(task, connect))
    ]


def _summed(task: Task, rows: dict[Projection, list[Rows]]) -> list[dict[str, Any]]:
    """The results of a task row, from the hashes of its files' rows."""
    requests = requests_of(task)
    answers = [Accumulator([request]) for request in requests]
    with keepers_of(task, requests) as keepers:
        for answer in answers:
            keeper = keepers.pop(answer.request.projection, None)
            for low, high in rows[answer.request.projection]:
                answer.add(np.zeros(len(low), np.int64), low, high)
                if keeper:
                    keeper.add(low, high)
            if keeper:
                keeper.close(answer.totals[0])
    return result_rows([task], answers)


def _array_files(tasks: Sequence[Task], connect: Connect) -> tuple[duckdb.DuckDBPyConnection, list[list[ArrayFile]]]:
    """The files of each task row; none where they can't be held as arrays, or are not what they were when listed."""
    files = [unpack_files(task["files"]) for task in tasks]
    with staged([file for group in files for file in group], tasks[0], connect) as (con, paths):
        left = iter(paths)
        return con, [
            _held(con, task, group, list(islice(left, len(group)))) for task, group in zip(tasks, files, strict=True)
        ]


def _held(
    con: duckdb.DuckDBPyConnection, task: Task, files: Sequence[DataFile], paths: Sequence[Path]
) -> list[ArrayFile]:
    readers = [Reader.from_json(text) for text in json.loads(task["readers"])]
    try:
        with unchanged(files):
            return [
                ArrayFile(small_table(con, readers[file.reader], path), readers[file.reader], task["case_sensitive"])
                for file, path in zip(files, paths, strict=True)
            ]
    except Exception:  # noqa: BLE001  # the scan of it alone says what is wrong
        return []
