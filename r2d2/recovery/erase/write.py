"""Files written anew without some of their rows, all else as it was: bits of values, headers, bytes of records.

The source files stay; each new one has a name of its own in a scratch place, and was read back before it is given.
"""

from __future__ import annotations

import base64
import hashlib
import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from r2d2.config import ContainmentSettings
from r2d2.containment.scan import read_failure, unchanged
from r2d2.containment.scanner import Runner, planned
from r2d2.errors import UnreadableData, UnsupportedData
from r2d2.lake.delta_vectors import DeletionVector, deleted_rows
from r2d2.lake.layout import Reader
from r2d2.lake.staging import stage
from r2d2.model.dataset import DataFile, Dataset
from r2d2.model.packing import pack_files, unpack_files
from r2d2.recovery.erase.match import Gone, Places
from r2d2.recovery.formats.headers_parquet import parquet_header
from r2d2.recovery.formats.headers_text import Sample, text_header
from r2d2.recovery.formats.text_files import TextFile
from r2d2.recovery.formats.writers import open_writer
from r2d2.recovery.identity.parquet import parquet_batches, parquet_rows
from r2d2.recovery.identity.rows import MODULUS, encoded_rows, sum_of_binaries, sum_of_digests
from r2d2.recovery.identity.text import records, text_rows
from r2d2.recovery.rebuild.kernels import Target
from r2d2.recovery.recipes.row_places import packed, unpacked

TASKS = pa.schema(
    [
        ("task", pa.int32()),
        ("dataset", pa.int32()),
        ("file", pa.int64()),
        ("files", pa.string()),
        ("reader", pa.string()),
        ("gone", pa.string()),
    ]
)
RESULTS = pa.schema([("file", pa.int64()), ("place", pa.string()), ("rows", pa.int64()), ("error", pa.string())])
_CHANGED = "what was written without some rows does not hold exactly the others"


@dataclass(frozen=True)
class Written:
    """A file without some of its rows: ``place`` is the new one's, empty where no row is left."""

    place: str
    rows: int


def write_without(
    dataset: Dataset, gone: Gone, into: str, settings: ContainmentSettings, run: Runner
) -> dict[int, Written]:
    """Writes the files that have rows in ``gone`` anew; rows that a deletion vector takes out go with them.

    Args:
        into: directory or URL for the new files.

    Returns:
        By index of the file what became of it.

    Raises:
        UnreadableData: a file can't be read, or can't be written with exactly the other rows.
    """
    rows = [
        {
            "task": 0,
            "dataset": 0,
            "file": number,
            "files": pack_files([dataset.files[number]]),
            "reader": dataset.readers[dataset.files[number].reader],
            "gone": base64.b64encode(packed(places.astype(np.uint64))).decode("ascii"),
            "bytes": dataset.files[number].size,
        }
        for number, places in gone.items()
    ]
    found = {}
    for answer in run(planned(rows, TASKS, settings.task_bytes), WriteWithout(into), RESULTS).to_pylist():
        if answer["error"] is not None:
            raise UnreadableData(f"{dataset.id}: {answer['error']}")
        found[answer["file"]] = Written(answer["place"], answer["rows"])
    return found


@dataclass(frozen=True)
class WriteWithout:
    """The kernel that writes files without some of their rows."""

    into: str

    def __call__(self, tasks: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Maps task rows to what was written."""
        for batch in tasks:
            for task in batch.to_pylist():
                try:
                    row = self._written(task)
                except Exception as error:  # noqa: BLE001  # the reason why the dataset is left alone
                    row = {"file": task["file"], "error": read_failure(error)}
                yield pa.RecordBatch.from_pylist([row], schema=RESULTS)

    def _written(self, task: Mapping[str, Any]) -> dict[str, Any]:
        (file,) = unpack_files(task["files"])
        gone = _with_deleted(unpacked(task["gone"]), file)
        with unchanged([file]), tempfile.TemporaryDirectory(prefix="r2d2-task-") as directory:
            (path,) = stage([file], Path(directory))
            reader = Reader.from_json(task["reader"])
            rows = _count(path, reader)
            if rows == len(gone):
                return {"file": task["file"], "place": "", "rows": 0, "error": None}
            with Target(self.into, "") as target:
                write = _parquet_without if reader.format == "parquet" else _text_without
                write(path, reader, gone, target.local)
                if _count(target.local, reader) != rows - len(gone):
                    raise UnreadableData(_CHANGED)
        return {"file": task["file"], "place": target.place, "rows": rows - len(gone), "error": None}


def _with_deleted(gone: Places, file: DataFile) -> Places:
    if not file.vector:
        return gone
    return np.union1d(gone, deleted_rows(DeletionVector.from_json(file.vector)))


def _count(path: Path, reader: Reader) -> int:
    return _identity(path, reader)[1]


def _identity(path: Path, reader: Reader) -> tuple[str, int, int]:
    """Header, number and sum of rows.

    Raises:
        UnsupportedData: files of this kind are told by their bytes only.
    """
    found = parquet_rows(path, "", None) if reader.format == "parquet" else text_rows(path, reader)
    if found is None:
        raise UnsupportedData("files of this kind can't be written anew without some of their rows")
    return found


def _parquet_without(path: Path, reader: Reader, gone: Places, target: Path) -> None:
    """Reads, filters, writes, and reads back."""
    header = parquet_header(path)
    writer, columns, total = open_writer(header, target), len(reader.columns), 0
    for start, batch in parquet_batches(path):
        keep = np.ones(batch.num_rows, np.bool_)
        keep[gone[np.searchsorted(gone, start) : np.searchsorted(gone, start + batch.num_rows)] - start] = False
        kept = batch.filter(pa.array(keep))
        writer.write(kept.select(range(columns)))
        total += sum_of_binaries(encoded_rows(kept.columns, list(kept.schema), kept.num_rows))
    writer.close()
    _check(target, reader, header, total)


def _text_without(path: Path, reader: Reader, gone: Places, target: Path) -> None:
    header, _, _ = _identity(path, reader)
    frame = json.loads(header)["identity"]
    sample, total, start, left, file = Sample(reader), 0, 0, 0, TextFile(frame, target)
    ends = b"\r" if reader.format == "json" and frame["newline"] == "\r\n" else b""  # a record of JSON holds it
    for held in records(path, sample):
        among = set(gone[np.searchsorted(gone, start) : np.searchsorted(gone, start + len(held))].tolist())
        kept = [record for place, record in enumerate(held, start) if place not in among]
        file.write(pa.array([record.removesuffix(ends).decode("utf-8") for record in kept], pa.large_string()))
        total += sum_of_digests([hashlib.sha256(record).digest() for record in kept])
        start, left = start + len(held), left + len(kept)
    file.close()
    _check(target, reader, text_header(_as_left(sample, left)), total)


def _as_left(sample: Sample, rows: int) -> Sample:
    """What a file shows with so many rows: lines that are no records are not written again."""
    sample.blanks = 0
    if sample.frame and rows < 2:
        sample.frame.between = ""
    return sample


def _check(path: Path, reader: Reader, header: str, total: int) -> None:
    """Looks that a file has this header and the rows of this sum.

    Raises:
        UnreadableData: it doesn't.
    """
    found, _, seen = _identity(path, reader)
    same = json.loads(found)["identity"] == json.loads(header)["identity"]
    if not same or seen != total % MODULUS:
        raise UnreadableData(_CHANGED)
