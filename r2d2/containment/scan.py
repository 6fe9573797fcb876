"""The scan kernel: a task reads files of one dataset once, and answers every request for it (DESIGN 5)."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from r2d2.catalog.codec import pack_file, unpack_file
from r2d2.containment.request import Request
from r2d2.containment.row_hash import RowHash
from r2d2.containment.scan_sql import Source, scan_sql, source
from r2d2.containment.sketch import pack
from r2d2.errors import R2D2Error, UnreadableData
from r2d2.lake.file_tree import shown
from r2d2.lake.layout import Reader
from r2d2.lake.relation import locked_connection, open_relation
from r2d2.lake.staging import changed, stage
from r2d2.model.dataset import DataFile

TASKS = pa.schema(
    [
        ("task", pa.int32()),
        ("dataset", pa.int32()),
        ("files", pa.string()),
        ("readers", pa.string()),
        ("requests", pa.string()),
        ("case_sensitive", pa.bool_()),
        ("memory", pa.string()),
        ("key", pa.string()),
    ]
)
RESULTS = pa.schema(
    [
        ("dataset", pa.int32()),
        ("request", pa.int32()),
        ("rows", pa.int64()),
        ("low", pa.decimal128(38, 0)),
        ("high", pa.decimal128(38, 0)),
        ("sketch", pa.binary()),
        ("error", pa.string()),
    ]
)


#: Gives the task's connection, and its scratch directory, for a memory limit.
Connect = Callable[[str], tuple[duckdb.DuckDBPyConnection, Path]]


def pack_files(files: Sequence[DataFile]) -> str:
    """Files as text that travels in a task."""
    return json.dumps([pack_file(file) for file in files])


def unpack_files(text: str) -> list[DataFile]:
    """The reverse of ``pack_files``."""
    return [unpack_file(raw) for raw in json.loads(text)]


def scan_kernel(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Maps tasks (``TASKS``) to results (``RESULTS``); a dataset that can't be read gives one row with its error."""
    with task_connection() as connect:
        for batch in batches:
            for task in batch.to_pylist():
                yield pa.RecordBatch.from_pylist(scan_task(task, connect), schema=RESULTS)


def scan_task(task: Mapping[str, Any], connect: Connect) -> list[dict[str, Any]]:
    """The results of one task row: a row for each request, or one with the error that ends the dataset's part."""
    requests = [Request.from_json(text) for text in json.loads(task["requests"])]
    try:
        answers = _scan(task, requests, connect)
    except Exception as error:  # noqa: BLE001  # recorded as the dataset's reason; the others of the task are scanned
        empty = {"rows": 0, "low": Decimal(0), "high": Decimal(0), "sketch": None}
        return [{"dataset": task["dataset"], "request": -1, "error": read_failure(error), **empty}]
    return [{"dataset": task["dataset"], "request": r, "error": None, **answer} for r, answer in enumerate(answers)]


def read_failure(error: Exception) -> str:
    """Why a read failed, in one line for the data's owner and without cell values, which an error's text may hold."""
    if isinstance(error, R2D2Error):
        return str(error)
    if isinstance(error, OSError):
        return f"a file could not be read: {error.strerror or 'its store does not say why'}"
    if isinstance(error, duckdb.OutOfMemoryException):
        return "the scan ran out of memory; raise containment.task_memory"
    return "a file could not be read as its metadata says; it may be damaged"


@contextmanager
def task_connection() -> Iterator[Connect]:
    """One DuckDB connection for a task, made when it is first needed, with scratch space of its own."""
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="r2d2-task-")))
        made: list[duckdb.DuckDBPyConnection] = []

        def connect(memory: str) -> tuple[duckdb.DuckDBPyConnection, Path]:
            if not made or not _is_usable(made[-1]):
                made.append(stack.enter_context(locked_connection(scratch, memory)))
            return made[-1], scratch

        yield connect


def _is_usable(con: duckdb.DuckDBPyConnection) -> bool:
    """An internal error in one dataset makes DuckDB refuse whatever comes after it on the same connection."""
    try:
        con.execute("SELECT 1").fetchall()
    except duckdb.Error:
        return False
    return True


@contextmanager
def open_sources(task: Mapping[str, Any], connect: Connect) -> Iterator[tuple[duckdb.DuckDBPyConnection, list[Source]]]:
    """The files of a task row as sources, one for each reader.

    Raises:
        UnreadableData: a file is not what it was when it was listed, before the scan or after it (EXACTNESS 1).
    """
    files = unpack_files(task["files"])
    readers = json.loads(task["readers"])
    _check_unchanged(files)
    con, scratch = connect(task["memory"])
    with tempfile.TemporaryDirectory(dir=scratch) as directory:
        paths = dict(zip(files, stage(files, Path(directory)), strict=True))
        sources = []
        for (number, _), group in groupby(
            sorted(files, key=lambda f: (_source_key(f), branch_key(f))), key=_source_key
        ):
            reader = Reader.from_json(readers[number])
            tables = []
            for _, alike in groupby(group, key=branch_key):
                members = list(alike)
                tables.append((open_relation(con, reader, [paths[m] for m in members]), members[0].partition))
            sources.append(source(tables, reader, task["case_sensitive"]))
        yield con, sources
    _check_unchanged(files)


def _check_unchanged(files: Sequence[DataFile]) -> None:
    moved = changed(files)
    if moved:
        raise UnreadableData(
            f"changed while it was read: {shown(moved[0])}" + (f" and {len(moved) - 1} more" * (len(moved) > 1))
        )


def _source_key(file: DataFile) -> tuple[int, list[str]]:
    """Files with equal keys are one source: the same reader, and values for the same partition columns."""
    return file.reader, sorted(name for name, _ in file.partition)


def branch_key(file: DataFile) -> tuple[int, str]:
    """Files with equal keys are read by one branch of the query: the same reader and partition values."""
    return file.reader, json.dumps(file.partition)


def _scan(task: Mapping[str, Any], requests: Sequence[Request], connect: Connect) -> list[dict[str, Any]]:
    with open_sources(task, connect) as (con, sources):
        (row,) = con.execute(scan_sql(sources, requests, RowHash(task["key"]))).fetchall()
    return [
        {
            "rows": row[4 * r],
            "low": Decimal(row[4 * r + 1]),
            "high": Decimal(row[4 * r + 2]),
            "sketch": pack(row[4 * r + 3]) if request.threshold else None,
        }
        for r, request in enumerate(requests)
    ]
