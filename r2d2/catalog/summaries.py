"""Summaries of many files by one Spark job: the kernel, and how files are packed into its tasks."""

from __future__ import annotations

import shutil
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from r2d2.catalog import codec
from r2d2.catalog.leaves import merged
from r2d2.catalog.reading import BY_SPARK, FileToRead
from r2d2.errors import UnreadableData, UnsupportedData, unknown_damage
from r2d2.lake import parquet, spark_formats, staging, text_summary
from r2d2.lake.file_tree import shown
from r2d2.lake.kernels import in_jobs, shared_out
from r2d2.lake.parquet_footer import FIRST_READ, end_needed
from r2d2.lake.text_summary import TextFile
from r2d2.model.dataset import HEADED_FORMATS, DataFile, FileSummary
from r2d2.model.packing import pack_files, unpack_files

#: Runs a kernel over tasks, as ``lake.workers.Workers.map_tasks`` does with a session.
Run = Callable[[pa.Table, Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]], pa.Schema], pa.Table]

Row = Mapping[str, str | int]

TASKS = pa.schema(
    [
        ("task", pa.int32()),
        ("key", pa.string()),
        ("path", pa.string()),
        ("files", pa.string()),
        ("format", pa.string()),
    ]
)
RESULTS = pa.schema([("key", pa.string()), ("summary", pa.string())])

#: Bytes of text files that one task reads, about.
TASK_BYTES = 4 * 1024 * 1024
#: Bytes of what a file says of itself: two dozen columns with their bounds.
_SUMMARY_BYTES = 4 * 1024
#: What a text file costs besides its bytes, as bytes that would be read meanwhile.
_TEXT_FILE = 64 * 1024

_CHANGED = "it changed while it was read; run again when it is at rest"
#: Formats whose files are Parquet, of which only the footer is read.
_PARQUET = frozenset({"parquet", "delta", "iceberg", BY_SPARK})
#: Formats of which only an end of each file is read.
_ENDS = _PARQUET | HEADED_FORMATS

_LOST = codec.to_json(FileSummary(status="error", reason="the job that was to read it gave no answer; run again"))


def summarize_files(
    files: Iterable[FileToRead], run: Run, files_per_task: int = 256, task_bytes: int = TASK_BYTES
) -> dict[str, FileSummary]:
    """What each file says of itself, by its path. A file that can't be read has that as its status.

    Args:
        files: a file that is named twice is read once.
        run: how the kernel is run.
        files_per_task: footers read by one task.
        task_bytes: bytes of text files read by one task.
    """
    texts = summary_texts(files, run, files_per_task, task_bytes)
    return {path: codec.from_json(text) for path, text in texts.items()}


def summary_texts(
    files: Iterable[FileToRead], run: Run, files_per_task: int = 256, task_bytes: int = TASK_BYTES
) -> dict[str, str]:
    """The same as ``codec.to_json`` spells it, which is how it is kept."""
    wanted = {file.file.path: file for file in files}
    tasks = _tasks(list(wanted.values()), files_per_task, task_bytes)
    found: dict[str, list[str]] = defaultdict(list)
    for job in in_jobs(tasks, [_SUMMARY_BYTES] * tasks.num_rows):
        table = run(job, kernel, RESULTS)
        for key, text in zip(table["key"].to_pylist(), table["summary"].to_pylist(), strict=True):
            found[key].append(text)
    return {path: _whole(found[path]) if path in found else _LOST for path in wanted}


def _whole(texts: Sequence[str]) -> str:
    """The summary of what was read in parts, as Spark hands rows over."""
    return texts[0] if len(texts) == 1 else codec.to_json(merged([codec.from_json(text) for text in texts]))


def summary_tasks(files: Iterable[FileToRead], files_per_task: int = 256, task_bytes: int = TASK_BYTES) -> int:
    """How many tasks that takes."""
    return len(_tasks(list(files), files_per_task, task_bytes)["task"].unique())


def kernel(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Rows of ``TASKS`` to rows of ``RESULTS``; a failure of one file is its result and ends nothing."""
    for batch in batches:
        rows = batch.to_pylist()
        found: dict[str, FileSummary] = {}
        with tempfile.TemporaryDirectory(prefix="r2d2-files-") as scratch:
            for number, alike in enumerate(_together(rows)):
                found |= _summaries(alike, Path(scratch, str(number)))
        results = [{"key": row["key"], "summary": codec.to_json(found[row["key"]])} for row in rows]
        yield pa.RecordBatch.from_pylist(results, schema=RESULTS)


def _together(rows: Sequence[Row]) -> list[list[Row]]:
    """Rows by what is read together: all text, and each footer."""
    texts = [row for row in rows if row["format"] not in _ENDS]
    return [*([texts] if texts else []), *([row] for row in rows if row["format"] in _ENDS)]


def _summaries(rows: Sequence[Row], scratch: Path) -> dict[str, FileSummary]:
    """By key; where the files can't be read together, each is read alone, so that one spoils no other."""
    try:
        return _read(rows, scratch)
    except Exception as error:  # noqa: BLE001  # a damaged file can fail anywhere in a reader; recorded, not lost
        if len(rows) == 1:
            return {str(rows[0]["key"]): _failed(rows[0], error)}
        found: dict[str, FileSummary] = {}
        for number, row in enumerate(rows):
            found |= _summaries([row], scratch / f"alone-{number}")
        return found


def _read(rows: Sequence[Row], scratch: Path) -> dict[str, FileSummary]:
    """By key.

    Raises:
        UnsupportedData, UnreadableData, OSError: one of the files can't be staged.
    """
    files = [_file(row) for row in rows]
    if len(rows) == 1 and rows[0]["format"] in _PARQUET:
        found = [_from_footer(files[0], scratch)]
    elif len(rows) == 1 and rows[0]["format"] in HEADED_FORMATS:
        found = [spark_formats.summarize(files[0], str(rows[0]["format"]))]
    else:
        staged = staging.stage(files, scratch)
        found = _read_staged(list(zip(rows, staged, strict=True)))
        for path in staged:
            path.unlink()
    return {
        str(row["key"]): FileSummary(status="error", reason=_CHANGED) if staging.changed([file]) else summary
        for row, file, summary in zip(rows, files, found, strict=True)
    }


def _from_footer(file: DataFile, scratch: Path) -> FileSummary:
    """A Parquet file in a store is copied whole only if a column of it has to be read."""
    if staging.is_here(file.path):
        return parquet.summarize(staging.in_place(file))
    end = staging.stage_end(file, scratch, FIRST_READ, end_needed)
    try:
        return parquet.summarize(end, lambda: staging.stage([file], scratch)[0])
    finally:
        shutil.rmtree(scratch)


def _read_staged(staged: Sequence[tuple[Row, Path]]) -> list[FileSummary]:
    files = [TextFile(path, str(row["format"]), str(row["path"]).lower().endswith(".gz"), True) for row, path in staged]
    read = text_summary.summarize_all(files)
    return [replace(summary, bytes_read=file.path.stat().st_size) for summary, file in zip(read, files, strict=True)]


def _failed(row: Row, error: Exception) -> FileSummary:
    if isinstance(error, UnsupportedData):
        return FileSummary(status="unsupported", reason=str(error))
    if isinstance(error, UnreadableData):
        return FileSummary(status="error", reason=str(error).removeprefix(f"{shown(str(row['path']))}: "))
    if isinstance(error, OSError):
        why = error.strerror or "its store does not say why"
        return FileSummary(status="error", reason=f"can't be read: {why}")
    return FileSummary(status="error", reason=unknown_damage(shown(str(row["path"])), error))


def _file(row: Row) -> DataFile:
    return unpack_files(str(row["files"]))[0]


def _tasks(files: Sequence[FileToRead], files_per_task: int, task_bytes: int) -> pa.Table:
    """As few tasks as their size allows, all of nearly the same; a file larger than that is one of its own."""
    footer = max(1, task_bytes // max(1, files_per_task))
    weights = [footer if file.format in _ENDS else max(footer, _TEXT_FILE + file.file.size) for file in files]
    by_size = sorted(zip(weights, files, strict=True), key=lambda some: (-some[0], some[1].file.path))
    tasks = shared_out([weight for weight, _ in by_size], task_bytes)
    rows = [_row(task, file) for task, (_, file) in zip(tasks, by_size, strict=True)]
    return pa.Table.from_pylist(rows, schema=TASKS)


def _row(task: int, file: FileToRead) -> dict[str, str | int]:
    return {
        "task": task,
        "key": file.file.path,
        "path": file.file.path,
        "files": pack_files([file.file]),
        "format": file.format,
    }
