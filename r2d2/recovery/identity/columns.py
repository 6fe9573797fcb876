"""Which columns of two datasets with equal rows are not the same, told by sums over each column by itself."""

from __future__ import annotations

import hashlib
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from r2d2.config import ContainmentSettings
from r2d2.containment.scan import read_failure, unchanged
from r2d2.containment.scanner import Runner, planned
from r2d2.lake.csv_grammar import Dialect
from r2d2.lake.file_tree import shown
from r2d2.lake.layout import Reader
from r2d2.lake.staging import stage
from r2d2.model.dataset import Dataset
from r2d2.model.packing import pack_files, unpack_files
from r2d2.recovery.formats.headers_text import Sample
from r2d2.recovery.formats.json_style import JsonStyle, spelled_values
from r2d2.recovery.formats.map_order import has_maps
from r2d2.recovery.identity.parquet import parquet_batches
from r2d2.recovery.identity.rows import MODULUS, encoded_rows, sum_of_binaries, sum_of_digests
from r2d2.recovery.identity.text import records

TASKS = pa.schema([("task", pa.int32()), ("dataset", pa.int32()), ("files", pa.string()), ("reader", pa.string())])
#: ``how``: what it can be, if the column is equal and not the same. ``sum`` is 32 bytes.
RESULTS = pa.schema(
    [
        ("dataset", pa.int32()),
        ("column", pa.string()),
        ("how", pa.string()),
        ("sum", pa.binary()),
        ("error", pa.string()),
    ]
)
_SPELLED = "is spelled otherwise"
_STYLE = JsonStyle()


def unlike_columns(one: Dataset, other: Dataset, settings: ContainmentSettings, run: Runner) -> list[str]:
    """What is otherwise in columns of two datasets whose rows are equal, in words; empty where nothing is, or it can't
    be told: no column by itself, or files that can't be read by rows.
    """
    tasks = [
        {
            "task": 0,
            "dataset": number,
            "files": pack_files([file]),
            "reader": dataset.readers[file.reader],
            "bytes": file.size,
        }
        for number, dataset in enumerate((one, other))
        for file in dataset.files
    ]
    answers = run(planned(tasks, TASKS, settings.task_bytes), columns_kernel, RESULTS).to_pylist()
    if any(answer["error"] is not None for answer in answers):
        return []
    sums: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for answer in answers:
        sums[answer["column"], answer["how"]][answer["dataset"]] += int.from_bytes(answer["sum"], "big")
    return [f"column {shown(name)} {how}" for (name, how), (a, b) in sums.items() if (a - b) % MODULUS]


def columns_kernel(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Maps task rows, of one file each, to sums over its columns."""
    for batch in batches:
        for task in batch.to_pylist():
            try:
                rows = _summed(task)
            except Exception as error:  # noqa: BLE001  # travels to the driver
                rows = [{"error": read_failure(error)}]
            yield pa.RecordBatch.from_pylist(rows, schema=RESULTS)


def _summed(task: Mapping[str, Any]) -> list[dict[str, Any]]:
    files, reader = unpack_files(task["files"]), Reader.from_json(task["reader"])
    with unchanged(files), tempfile.TemporaryDirectory(prefix="r2d2-task-") as directory:
        (path,) = stage(files, Path(directory))
        sums = _of_parquet(path, len(reader.columns)) if reader.format == "parquet" else _of_text(path, reader)
    return [
        {"dataset": task["dataset"], "column": name, "how": how, "sum": (total % MODULUS).to_bytes(32, "big")}
        for (name, how), total in sums.items()
    ]


def _of_parquet(path: Path, width: int) -> dict[tuple[str, str], int]:
    sums: dict[tuple[str, str], int] = defaultdict(int)
    for _, batch in parquet_batches(path):
        for column, field in list(zip(batch.columns, batch.schema, strict=True))[:width]:
            sums[field.name, _how(field.type)] += sum_of_binaries(encoded_rows([column], [field], batch.num_rows))
    return sums


def _how(kind: pa.DataType) -> str:
    if pa.types.is_floating(kind):
        return "has zeros or NaNs of other bits"
    return "has entries of maps in another order" if has_maps(kind) else "holds its values otherwise"


def _of_text(path: Path, reader: Reader) -> dict[tuple[str, str], int]:
    sums: dict[tuple[str, str], int] = defaultdict(int)
    for held in records(path, Sample(reader)):
        fields: dict[str, list[bytes]] = defaultdict(list)
        for record in held:
            for name, text in _fields(record, reader):
                fields[name].append(hashlib.sha256(text).digest())
        for name, digests in fields.items():
            sums[name, _SPELLED] += sum_of_digests(digests)
    return sums


def _fields(record: bytes, reader: Reader) -> Iterator[tuple[str, bytes]]:
    """The fields of a record, or the values of its keys however their JSON is spaced."""
    if reader.format == "json":
        found = spelled_values(record.decode("utf-8", "surrogateescape"))
        yield from ((key, _STYLE.value(value).encode("utf-8", "surrogateescape")) for key, value in found.items())
        return
    dialect = Dialect.of(reader.options)
    yield from ((column.name, text) for column, text in zip(reader.columns, dialect.raw(record), strict=False))
