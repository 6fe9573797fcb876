"""The scan kernel: a task reads files of one dataset once, and answers every request for it (DESIGN 5)."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from r2d2.containment.request import Request
from r2d2.containment.scan_sql import Source, scan_sql, source
from r2d2.containment.sketch import pack
from r2d2.errors import R2D2Error, UnreadableData
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


def pack_files(files: Sequence[DataFile]) -> str:
    """Files as text that travels in a task."""
    return json.dumps([[f.path, f.size, f.mtime_ns, f.identity, f.reader, f.rows, f.partition] for f in files])


def unpack_files(text: str) -> list[DataFile]:
    """The reverse of ``pack_files``."""
    return [
        DataFile(path, size, mtime, identity, reader, rows, tuple((str(k), v) for k, v in partition))
        for path, size, mtime, identity, reader, rows, partition in json.loads(text)
    ]


def scan_kernel(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Maps tasks (``TASKS``) to results (``RESULTS``); a dataset that can't be read gives one row with its error."""
    for batch in batches:
        for task in batch.to_pylist():
            yield pa.RecordBatch.from_pylist(scan_task(task), schema=RESULTS)


def scan_task(task: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The results of one task: a row for each request, or one row with the error that ends the dataset's part."""
    files = unpack_files(task["files"])
    requests = [Request.from_json(text) for text in json.loads(task["requests"])]
    try:
        answers = _scan(files, json.loads(task["readers"]), requests, task["case_sensitive"], task["memory"])
    except (R2D2Error, duckdb.Error, pa.ArrowException, OSError) as error:
        reason = str(error) if isinstance(error, R2D2Error) else read_failure(error)
        empty = {"rows": 0, "low": Decimal(0), "high": Decimal(0), "sketch": None}
        return [{"dataset": task["dataset"], "request": -1, "error": reason, **empty}]
    return [{"dataset": task["dataset"], "request": r, "error": None, **answer} for r, answer in enumerate(answers)]


def read_failure(error: Exception) -> str:
    """Why a read failed, in one line without cell values: only the kind of the error where its text may hold some."""
    if isinstance(error, OSError):
        return f"a file could not be read: {error.strerror or type(error).__name__}"
    if isinstance(error, duckdb.OutOfMemoryException):
        return "the scan ran out of memory; raise containment.task_memory"
    return f"a file could not be read as its metadata says ({type(error).__name__})"


def open_sources(
    con: duckdb.DuckDBPyConnection, files: Sequence[DataFile], readers: Sequence[str], scratch: Path, fold_case: bool
) -> list[Source]:
    """Stages files and opens those that share reader and partition values together."""
    paths = dict(zip(files, stage(files, scratch), strict=True))
    ordered = sorted(files, key=_alike)
    sources = []
    for _, group in groupby(ordered, key=_alike):
        members = list(group)
        reader = Reader.from_json(readers[members[0].reader])
        table = open_relation(con, reader, [paths[member] for member in members])
        sources.append(source(table, reader, members[0].partition, not fold_case))
    return sources


def check_unchanged(files: Sequence[DataFile]) -> None:
    """One version from start to end (EXACTNESS 1).

    Raises:
        UnreadableData: a file is not what it was when it was listed.
    """
    moved = changed(files)
    if moved:
        raise UnreadableData(
            f"changed while it was read: {moved[0]}" + (f" and {len(moved) - 1} more" * (len(moved) > 1))
        )


def _alike(file: DataFile) -> tuple[int, str]:
    return file.reader, json.dumps(file.partition)


def _scan(
    files: Sequence[DataFile], readers: Sequence[str], requests: Sequence[Request], case_sensitive: bool, memory: str
) -> list[dict[str, Any]]:
    check_unchanged(files)
    with (
        tempfile.TemporaryDirectory(prefix="r2d2-scan-") as directory,
        locked_connection(Path(directory), memory) as con,
    ):
        sources = open_sources(con, files, readers, Path(directory), not case_sensitive)
        row = con.execute(scan_sql(sources, requests)).fetchone()
    check_unchanged(files)
    assert row is not None
    return [
        {
            "rows": row[4 * r],
            "low": Decimal(row[4 * r + 1]),
            "high": Decimal(row[4 * r + 2]),
            "sketch": pack(row[4 * r + 3]) if request.threshold else None,
        }
        for r, request in enumerate(requests)
    ]
