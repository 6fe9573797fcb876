"""Looks at files: SHA-256 of their bytes, their headers, and sums over their rows (``identity_rows``).

One task row is a chunk of files of one dataset, or a range of the rows of one large file.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from r2d2.containment.scan import read_failure, unchanged
from r2d2.lake.layout import Reader
from r2d2.lake.staging import stage
from r2d2.model.dataset import DataFile
from r2d2.model.packing import unpack_files
from r2d2.recovery.formats import headers
from r2d2.recovery.identity.parquet import parquet_rows
from r2d2.recovery.identity.rows import sum_of_digests
from r2d2.recovery.identity.text import text_rows

TASKS = pa.schema(
    [
        ("task", pa.int32()),
        ("dataset", pa.int32()),
        ("files", pa.string()),
        ("places", pa.string()),
        ("part", pa.string()),
        ("readers", pa.string()),
    ]
)
#: ``header`` is given once a task row, and by its SHA-256 after that. ``sum`` is 32 bytes, the most significant first.
RESULTS = pa.schema(
    [
        ("dataset", pa.int32()),
        ("file", pa.int64()),
        ("sha256", pa.string()),
        ("rows", pa.int64()),
        ("sum", pa.binary()),
        ("header_sha256", pa.string()),
        ("header", pa.string()),
        ("error", pa.string()),
    ]
)


def identity_kernel(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Maps task rows to what was seen of each of their files, or to the error that ends the dataset's part."""
    for batch in batches:
        for task in batch.to_pylist():
            try:
                rows = _looked_at(task)
            except Exception as error:  # noqa: BLE001  # recorded as the dataset's reason; the others go on
                rows = [{"dataset": task["dataset"], "error": read_failure(error)}]
            yield pa.RecordBatch.from_pylist(rows, schema=RESULTS)


def _looked_at(task: Mapping[str, Any]) -> list[dict[str, Any]]:
    files, readers = unpack_files(task["files"]), json.loads(task["readers"])
    part = tuple(json.loads(task["part"])) if task["part"] else None
    rows, seen = [], set[str]()
    for place, file in zip(json.loads(task["places"]), files, strict=True):
        with unchanged([file]), tempfile.TemporaryDirectory(prefix="r2d2-task-") as directory:
            (path,) = stage([file], Path(directory))
            row = _file(path, file, readers[file.reader] if readers else "", part)
        rows.append({"dataset": task["dataset"], "file": place, "error": None, **row})
        if row["header_sha256"] in seen:
            row["header"] = None
        seen.add(row["header_sha256"])
    return rows


def _file(path: Path, file: DataFile, reader: str, part: tuple[int, int] | None) -> dict[str, Any]:
    """What one file shows; ``part``: of these rows only, and the SHA-256 of the file only for the first ones."""
    digest = [_sha256(path)] if part is None or part[0] == 0 else []
    found = _by_rows(path, file, reader, part)
    header, rows, total = found or (headers.OF_BYTES, (file.rows or 0) * len(digest), sum_of_digests(digest))
    return {
        "sha256": "".join(one.hex() for one in digest),
        "rows": rows,
        "sum": total.to_bytes(32, "big"),
        "header_sha256": hashlib.sha256(header.encode("ascii")).hexdigest(),
        "header": header,
    }


def _by_rows(path: Path, file: DataFile, reader: str, part: tuple[int, int] | None) -> tuple[str, int, int] | None:
    """Header, number and sum of the rows; None where only the bytes can be looked at."""
    if not reader:
        return None
    read = Reader.from_json(reader)
    return parquet_rows(path, file.vector, part) if read.format == "parquet" else text_rows(path, read)


def _sha256(path: Path) -> bytes:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").digest()
