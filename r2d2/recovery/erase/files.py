"""Looks through whole files for people's keys: logs, checkpoints, old versions and whatever else lies beside data."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from r2d2.lake.storage import storage_for
from r2d2.recovery.erase.words import Words

_PACKED, _PARQUET = b"\x1f\x8b", b"PAR1"


def file_tells(path: str, words: Words) -> bool:
    """Whether a file holds the key of a person, or can't be read so that nobody knows.

    Raises:
        OSError: it can't be read at all.
    """
    with closing(storage_for(path).open(path)) as stream:
        try:
            if stream.read(len(_PARQUET)) == _PARQUET:
                return _parquet_tells(stream, words)
        except pa.ArrowException:
            return True
    data = storage_for(path).read_bytes(path)
    try:
        data = gzip.decompress(data) if data.startswith(_PACKED) else data
    except (OSError, EOFError):
        return True
    text = data.decode("utf-8", "replace")
    return words.tells(text) or any(words.tells_in(value) for value in _json_lines(text))


def _json_lines(text: str) -> Iterator[Any]:
    for line in text.splitlines():
        if line[:1] in ("{", "["):
            try:
                yield json.loads(line)
            except (ValueError, RecursionError):
                continue


def _parquet_tells(stream: BinaryIO, words: Words) -> bool:
    file = pq.ParquetFile(stream)
    metadata = [[text.decode("utf-8", "replace") for text in pair] for pair in (file.metadata.metadata or {}).items()]
    if words.tells_in(metadata):
        return True
    return any(_batch_tells(batch, words) for batch in file.iter_batches())


def _batch_tells(batch: pa.RecordBatch, words: Words) -> bool:
    """Each different value is looked at once; structs and lists as a whole."""
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        try:
            values = pc.unique(column).to_pylist()
        except pa.ArrowNotImplementedError:
            values = column.to_pylist()
        if any(words.tells_in({name: value}) for value in values):
            return True
    return False
