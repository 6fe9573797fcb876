"""A closer look at a dataset that came back merely equal: all of its rows tell how it is written, not some of them.

What is learned is advice to the writer (``formats.headers``): spellings of texts that the sample had no example of, and
the order of the entries of maps. No identity counts it.
"""

from __future__ import annotations

import json
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from r2d2.config import ContainmentSettings
from r2d2.containment.scan import read_failure, unchanged
from r2d2.containment.scanner import Runner, planned
from r2d2.errors import UnreadableData
from r2d2.lake.layout import Reader
from r2d2.lake.staging import stage
from r2d2.model.dataset import Dataset
from r2d2.model.packing import pack_files, unpack_files
from r2d2.model.recipe import Manifest
from r2d2.recovery.formats.headers import BYTES, PARQUET, kind_of
from r2d2.recovery.formats.headers_text import Sample, text_advice
from r2d2.recovery.formats.map_order import Sequences, has_maps, note_keys, orders
from r2d2.recovery.formats.misspelt import misspelt
from r2d2.recovery.identity.parquet import parquet_batches
from r2d2.recovery.identity.text import records

TASKS = pa.schema([("task", pa.int32()), ("dataset", pa.int32()), ("files", pa.string()), ("spec", pa.string())])
#: ``news``: whether ``found`` tells anything that the advice does not say.
RESULTS = pa.schema([("header", pa.int64()), ("news", pa.bool_()), ("found", pa.string()), ("error", pa.string())])
#: Records of a chunk of a file that the advice does not fit; records of a file that it fits wholly.
_OF_CHUNK, _OF_FILE = 64, 64


def closer(dataset: Dataset, manifest: Manifest, settings: ContainmentSettings, run: Runner) -> Manifest:
    """The manifest with what more of its files tells their writer; the same where nothing does.

    Raises:
        UnreadableData: a file can't be read.
    """
    tasks = [
        {
            "task": 0,
            "dataset": 0,
            "files": pack_files([file]),
            "spec": json.dumps([record.header, manifest.headers[record.header], manifest.readers[record.header]]),
            "bytes": file.size,
        }
        for file, record in zip(dataset.files, manifest.files, strict=True)
        if kind_of(manifest.headers[record.header]) != BYTES
    ]
    answers = run(planned(tasks, TASKS, settings.task_bytes), closer_kernel, RESULTS).to_pylist() if tasks else []
    found: dict[int, list[Any]] = defaultdict(list)
    news = set[int]()
    for answer in answers:
        if answer["error"] is not None:
            raise UnreadableData(answer["error"])
        found[answer["header"]] += json.loads(answer["found"])
        news |= {answer["header"]} if answer["news"] else set()
    headers = [
        _learned(header, manifest.readers[number], found[number]) if number in news else header
        for number, header in enumerate(manifest.headers)
    ]
    return replace(manifest, headers=tuple(headers))


def _learned(header: str, reader: str, found: Sequence[Any]) -> str:
    raw = json.loads(header)
    if raw["kind"] == PARQUET:
        keys: Sequences = defaultdict(set)
        for place, sequences in found:
            keys[tuple(place)].update(map(tuple, sequences))
        raw["advice"]["maps"] = orders(keys)
    else:
        texts = [text.encode("utf-8", "surrogateescape") for text in found]
        raw["advice"] = text_advice(Reader.from_json(reader), texts)
    return json.dumps(raw, sort_keys=True, separators=(",", ":"))


def closer_kernel(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Maps task rows (a file, and [number, header, reader] of it) to what of the file tells its writer more."""
    for batch in batches:
        for task in batch.to_pylist():
            try:
                row = _looked_at(task)
            except Exception as error:  # noqa: BLE001  # travels to the driver, which gives up with it
                row = {"error": read_failure(error)}
            yield pa.RecordBatch.from_pylist([row], schema=RESULTS)


def _looked_at(task: Mapping[str, Any]) -> dict[str, Any]:
    number, header, reader = json.loads(task["spec"])
    files = unpack_files(task["files"])
    with unchanged(files), tempfile.TemporaryDirectory(prefix="r2d2-task-") as directory:
        (path,) = stage(files, Path(directory))
        of_maps = kind_of(header) == PARQUET
        advice = json.loads(header)["advice"]
        news, found = _keys(path) if of_maps else _examples(path, Reader.from_json(reader), advice)
    return {"header": number, "news": news, "found": json.dumps(found), "error": None}


def _keys(path: Path) -> tuple[bool, list[Any]]:
    """The different sequences of keys of each map."""
    found: Sequences = {}
    with pq.ParquetFile(path) as file:
        maps = any(has_maps(field.type) for field in file.schema_arrow)
    for _, batch in parquet_batches(path) if maps else ():
        note_keys(found, batch.columns)
    return bool(found), [[place, sorted(sequences)] for place, sequences in found.items()]


def _examples(path: Path, reader: Reader, advice: Mapping[str, Any]) -> tuple[bool, list[str]]:
    """Whether the advice fits not all of the file's records; records from which one is told that does, if any does."""
    sample, kept = Sample(reader), list[bytes]()
    for held in records(path, sample):
        odd = misspelt(reader, advice, held)
        if odd:
            kept += [held[place] for place in odd[:_OF_CHUNK]]
            advice = text_advice(reader, kept + sample.records)
    told = kept + sample.records if kept else sample.records[:_OF_FILE]
    return bool(kept), [record.decode("utf-8", "surrogateescape") for record in told]
