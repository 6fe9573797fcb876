"""Summaries of many files by one Spark job: the kernel, and how files are packed into its tasks."""

from __future__ import annotations

import logging
import tempfile
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa

from r2d2.catalog import codec
from r2d2.errors import UnreadableData, UnsupportedData
from r2d2.lake import parquet, staging, text_summary
from r2d2.lake.file_tree import shown
from r2d2.model.dataset import DataFile, FileSummary

_LOG = logging.getLogger(__name__)

#: Runs a kernel over tasks, as ``lake.session.map_tasks`` does with a session.
Run = Callable[[pa.Table, Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]], pa.Schema], pa.Table]

TASKS = pa.schema(
    [
        ("task", pa.int32()),
        ("key", pa.string()),
        ("path", pa.string()),
        ("size", pa.int64()),
        ("mtime_ns", pa.int64()),
        ("identity", pa.string()),
        ("ctime_ns", pa.int64()),
        ("format", pa.string()),
    ]
)
RESULTS = pa.schema([("key", pa.string()), ("summary", pa.string())])

#: What it costs to plan the queries on one text file, as bytes that would be read meanwhile.
_TEXT_PLANNING = 500_000

#: Formats whose files are Parquet, of which only the footer is read.
_PARQUET = ("parquet", "delta")


@dataclass(frozen=True)
class FileToRead:
    """A file to summarise; ``format`` is that of its dataset."""

    file: DataFile
    format: str


def summarize_files(
    files: Iterable[FileToRead], run: Run, files_per_task: int = 256, task_bytes: int = 4 * 1024 * 1024
) -> dict[str, FileSummary]:
    """What each file says of itself, by its path. A file that can't be read has that as its status.

    Args:
        files: a file that is named twice is read once.
        run: how the kernel is run.
        files_per_task: footers read by one task.
        task_bytes: bytes of text files read by one task.
    """
    wanted = {file.file.path: file for file in files}
    table = run(_tasks(list(wanted.values()), files_per_task, task_bytes), kernel, RESULTS)
    found = dict(zip(table["key"].to_pylist(), table["summary"].to_pylist(), strict=True))
    lost = FileSummary(status="error", reason="the job that was to read it gave no answer; run again")
    return {path: codec.from_json(found[path]) if path in found else lost for path in wanted}


def kernel(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Rows of ``TASKS`` to rows of ``RESULTS``; a failure of one file is its result and ends nothing."""
    for batch in batches:
        rows = batch.to_pylist()
        with tempfile.TemporaryDirectory(prefix="r2d2-files-") as scratch:
            results = [
                {"key": row["key"], "summary": codec.to_json(_summary(row, Path(scratch, str(number))))}
                for number, row in enumerate(rows)
            ]
        yield pa.RecordBatch.from_pylist(results, schema=RESULTS)


def _summary(row: dict[str, str | int], scratch: Path) -> FileSummary:
    file = DataFile(
        str(row["path"]), int(row["size"]), int(row["mtime_ns"]), str(row["identity"]), int(row["ctime_ns"])
    )
    try:
        (path,) = staging.stage([file], scratch)
        summary = _read(path, str(row["format"]), file.path)
        path.unlink()
        if staging.changed([file]):
            return FileSummary(status="error", reason="it changed while it was read; run again when it is at rest")
    except UnsupportedData as error:
        return FileSummary(status="unsupported", reason=str(error))
    except UnreadableData as error:
        return FileSummary(status="error", reason=str(error).removeprefix(f"{shown(file.path)}: "))
    except OSError as error:
        return FileSummary(status="error", reason=f"can't be read: {error.strerror or 'its store does not say why'}")
    except Exception as error:  # noqa: BLE001  # a damaged file can fail anywhere in a reader; recorded, not lost
        where = traceback.extract_tb(error.__traceback__)[-1]
        # for us, not for the data's owner; never what the error says, which may cite values of the file
        _LOG.warning("%s: %s at %s:%s", shown(file.path), type(error).__name__, where.filename, where.lineno)
        return FileSummary(status="error", reason="can't be read: it is damaged in a way that R2D2 does not know")
    return summary


def _read(staged: Path, format_: str, path: str) -> FileSummary:
    if format_ in _PARQUET:
        return parquet.summarize(staged)
    summary = text_summary.summarize(staged, format_, path.lower().endswith(".gz"))
    return replace(summary, bytes_read=staged.stat().st_size)


def _tasks(files: Sequence[FileToRead], files_per_task: int, task_bytes: int) -> pa.Table:
    """Heaviest first, so that no task of one big file starts last while other cores are idle."""
    least = max(1, task_bytes // max(1, files_per_task))
    weights = {file.file.path: least if file.format in _PARQUET else max(least, file.file.size) for file in files}
    rows: list[dict[str, str | int]] = []
    task, filled = 0, 0
    for file in sorted(files, key=lambda file: (-weights[file.file.path], file.file.path)):
        weight = weights[file.file.path]
        if filled and filled + weight > task_bytes:
            task, filled = task + 1, 0
        filled += weight
        rows.append(_row(task, file))
    return pa.Table.from_pylist(rows, schema=TASKS)


def _row(task: int, file: FileToRead) -> dict[str, str | int]:
    return {
        "task": task,
        "key": file.file.path,
        "path": file.file.path,
        "size": file.file.size,
        "mtime_ns": file.file.mtime_ns,
        "identity": file.file.identity,
        "ctime_ns": file.file.ctime_ns,
        "format": file.format,
    }
