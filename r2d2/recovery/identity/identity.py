"""Identity of datasets: what must be equal for data to be the same, not only equal (DELETION 3).

Equal identities mean the same rows with their bits, in files with the same headers (``recovery.headers``) in the same
directories with the same partition values. Left out are the order of rows, the number and the names of files, and what
no reader of the data sees, such as compression. Files that are told by their bytes alone (``headers.OF_BYTES``) count
by those.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from stat import S_IMODE
from typing import Any

from r2d2.config import ContainmentSettings
from r2d2.containment.scanner import Chunk, Runner, chunks, planned
from r2d2.errors import UnreadableData
from r2d2.lake.file_tree import shown
from r2d2.lake.storage import is_local
from r2d2.model.dataset import DataFile, Dataset
from r2d2.model.packing import pack_files
from r2d2.model.recipe import FileRecord
from r2d2.recovery.formats.headers import identity_of
from r2d2.recovery.identity.kernel import RESULTS, TASKS, identity_kernel
from r2d2.recovery.identity.rows import MODULUS

_VERSION = "r2d2-id-1"
_PLANNING_BYTES = 500_000

_Row = Mapping[str, Any]


@dataclass(frozen=True)
class Looked:
    """What one pass over a dataset's bytes shows.

    Attributes:
        identity: of rows and headers; equal ones mean the same data.
        headers: of its files, each different one once.
        readers: how files are read (``Dataset.readers``), by header; empty where only the bytes were looked at.
        files: as a manifest keeps them, in the order of ``Dataset.files``.
    """

    identity: str
    headers: tuple[str, ...]
    readers: tuple[str, ...]
    files: tuple[FileRecord, ...]


def look_at(datasets: Sequence[Dataset], settings: ContainmentSettings, run: Runner) -> dict[int, Looked | str]:
    """By index what the bytes of each dataset show, or why that can't be told, in words for its owner."""
    reasons = {index: reason for index, dataset in enumerate(datasets) if (reason := _reason(dataset))}
    rows = [row for i, dataset in enumerate(datasets) if i not in reasons for row in _tasks(i, dataset, settings)]
    answers = run(planned(rows, TASKS, settings.task_bytes), identity_kernel, RESULTS).to_pylist()
    by_dataset: dict[int, list[_Row]] = defaultdict(list)
    for answer in answers:
        by_dataset[answer["dataset"]].append(answer)
    looked = {index: _looked(datasets[index], found) for index, found in by_dataset.items()}
    return {index: reasons[index] if index in reasons else looked[index] for index in range(len(datasets))}


def checksums(files: Sequence[DataFile], settings: ContainmentSettings, run: Runner) -> dict[str, str]:
    """SHA-256 of files by path; each is read once.

    Raises:
        UnreadableData: one can't be read, or changed meanwhile.
    """
    if not files:
        return {}
    bare = Dataset("", "", "", "", tuple(replace(file, rows=None, reader=0, vector="") for file in files))
    rows = [_task(0, bare, Chunk((file,)), {file.path: place}) for place, file in enumerate(bare.files)]
    answers = run(planned(rows, TASKS, settings.task_bytes), identity_kernel, RESULTS).to_pylist()
    error = next((answer["error"] for answer in answers if answer["error"] is not None), None)
    if error is not None:
        raise UnreadableData(str(error))
    return {files[answer["file"]].path: answer["sha256"] for answer in answers}


def _reason(dataset: Dataset) -> str:
    """Why a dataset can't be looked at; empty if it can."""
    if dataset.status != "ok":
        return dataset.error
    if not dataset.files:
        return "it has no files of its own"
    names = (name_in(dataset, file) for file in dataset.files)
    outside = next((file for file, name in zip(dataset.files, names, strict=True) if name is None), None)
    return f"it has files outside of its directory: {shown(outside.path)}" if outside else ""


def name_in(dataset: Dataset, file: DataFile) -> str | None:
    """A file's name relative to the dataset's location, empty where it is the location; None if it lies elsewhere."""
    if file.path == dataset.location:
        return ""
    directory = f"{dataset.location.rstrip('/')}/"
    return file.path.removeprefix(directory) if file.path.startswith(directory) else None


def _tasks(index: int, dataset: Dataset, settings: ContainmentSettings) -> list[dict[str, Any]]:
    places = {file.path: place for place, file in enumerate(dataset.files)}
    return [_task(index, dataset, chunk, places) for chunk in _chunks(dataset, settings.task_bytes)]


def _chunks(dataset: Dataset, most_bytes: int) -> list[Chunk]:
    """As scans cut them; what Spark reads has no names for tasks there, and is looked at by files."""
    if dataset.source is None:
        return chunks(dataset, most_bytes)
    return [Chunk((file,)) for file in dataset.files]


def _task(index: int, dataset: Dataset, chunk: Chunk, places: Mapping[str, int]) -> dict[str, Any]:
    return {
        "task": 0,
        "dataset": index,
        "files": pack_files(chunk.files),
        "places": json.dumps([places[file.path] for file in chunk.files]),
        "part": chunk.part,
        "readers": json.dumps(dataset.readers if dataset.source is None else []),
        "bytes": chunk.bytes + _PLANNING_BYTES,
    }


def _looked(dataset: Dataset, answers: Sequence[_Row]) -> Looked | str:
    error = next((answer["error"] for answer in answers if answer["error"] is not None), None)
    if error is not None:
        return str(error)
    texts = {answer["header_sha256"]: answer["header"] for answer in answers if answer["header"] is not None}
    found = sorted(answers, key=lambda answer: answer["file"])
    files = [_merged(list(parts)) for _, parts in groupby(found, key=lambda answer: answer["file"])]
    rows = sum(file["rows"] for file in files)
    if rows != dataset.rows:
        return f"its metadata says {dataset.rows} rows, its files hold {rows}"
    keys = list(dict.fromkeys(_key(dataset, file) for file in files))
    numbers = {key: number for number, key in enumerate(keys)}
    try:
        records = tuple(_record(dataset, file, numbers[_key(dataset, file)]) for file in files)
    except OSError as gone:
        return f"{shown(str(gone.filename))}: {gone.strerror or gone}"
    return Looked(
        _identity(dataset, files, texts),
        tuple(texts[header] for header, _ in keys),
        tuple(reader for _, reader in keys),
        records,
    )


def _key(dataset: Dataset, answer: _Row) -> tuple[str, str]:
    """Header and reader of a file."""
    readers = dataset.readers if dataset.source is None else ()
    return answer["header_sha256"], readers[dataset.files[answer["file"]].reader] if readers else ""


def _merged(parts: Sequence[_Row]) -> _Row:
    """The parts of one file as one."""
    return {
        **parts[0],
        "sha256": "".join(part["sha256"] for part in parts),
        "rows": sum(part["rows"] for part in parts),
        "sum": sum(int.from_bytes(part["sum"], "big") for part in parts),
    }


def _record(dataset: Dataset, answer: _Row, header: int) -> FileRecord:
    file = dataset.files[answer["file"]]
    mode = S_IMODE(os.stat(file.path).st_mode) if is_local(file.path) else 0
    name = name_in(dataset, file) or ""
    return FileRecord(name, file.size, answer["sha256"], answer["rows"], header, file.partition, mode)


def _identity(dataset: Dataset, files: Sequence[_Row], texts: Mapping[str, str]) -> str:
    """Count and sum of the rows of each header, directory and partition, hashed together."""
    kinds = {key: identity_of(text) for key, text in texts.items()}
    groups: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for answer in files:
        file = dataset.files[answer["file"]]
        directory = (name_in(dataset, file) or "").rpartition("/")[0]
        group = groups[json.dumps([kinds[answer["header_sha256"]], directory, sorted(file.partition)])]
        group[0] += answer["rows"]
        group[1] += answer["sum"]
    lines = sorted(f"{key}:{rows}:{total % MODULUS:064x}\n" for key, (rows, total) in groups.items())
    digest = hashlib.sha256("".join(lines).encode("ascii")).hexdigest()
    return f"{_VERSION}:{sum(answer['rows'] for answer in files)}:{digest}"
