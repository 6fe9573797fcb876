"""Everything that a directory holds: each byte, and each value that a reader gets out of its files."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq


def holders(directory: Path, *texts: str) -> list[str]:
    """Files below the directory that hold one of the texts, in their bytes, names or values."""
    files = sorted(path for path in directory.rglob("*") if path.is_file())
    return [str(path.relative_to(directory)) for path in files if _holds(path, directory, texts)]


def _holds(path: Path, directory: Path, texts: tuple[str, ...]) -> bool:
    data = path.read_bytes()
    data = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    name = str(path.relative_to(directory))
    if any(text in name or text.encode() in data for text in texts):
        return True
    return any(text in value for value in _values(data) for text in texts)


def _values(data: bytes) -> Iterator[str]:
    if data[:4] == b"PAR1":
        file = pq.ParquetFile(pa.BufferReader(data))
        yield from _texts(file.read().to_pylist())
        yield from _texts(file.metadata.to_dict())
        yield from (part.decode("utf-8", "replace") for pair in (file.metadata.metadata or {}).items() for part in pair)
        return
    for line in data.splitlines():
        try:
            yield from _texts(json.loads(line))
        except ValueError:
            continue


def _texts(value: Any) -> Iterator[str]:
    """All scalars, JSON in texts opened."""
    if isinstance(value, dict):
        for name, held in value.items():
            yield str(name)
            yield from _texts(held)
    elif isinstance(value, list | tuple):
        for held in value:
            yield from _texts(held)
    elif isinstance(value, bytes):
        data = gzip.decompress(value) if value[:2] == b"\x1f\x8b" else value
        yield from _texts(data.decode("utf-8", "replace"))
    elif isinstance(value, str):
        yield value
        if value[:1] in ("{", "["):
            try:
                yield from _texts(json.loads(value))
            except ValueError:
                return
    elif value is not None:
        yield str(value)
