"""Writes Parquet files that have a given header (``headers_parquet``), by pyarrow."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from functools import lru_cache
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from r2d2.recovery.formats.exact_casts import exact_cast
from r2d2.recovery.formats.headers_parquet import parquet_header
from r2d2.recovery.formats.map_order import ordered

#: Rows and bytes of a row group where the child's files had one only.
_ROW_GROUP, _ROW_GROUP_BYTES = 1 << 20, 128 * 1024 * 1024
#: The choices of the writer that show in a schema, the usual one first.
_CHOICES: dict[str, tuple[Any, ...]] = {
    "use_deprecated_int96_timestamps": (False, True),
    "store_decimal_as_integer": (False, True),
    "use_compliant_nested_type": (True, False),
    "write_time_adjusted_to_utc": (False, True),
    "version": ("2.6", "1.0"),
}


class ParquetWriter:
    """One file, written in row groups like those of the child's files."""

    def __init__(self, header: str, path: Path) -> None:
        advice = json.loads(header)["advice"]
        self.schema = _schema(header)
        self._limit = advice["row_group"] or _ROW_GROUP
        self._writer = _open(self.schema, path, advice["compression"], dict(_options(header)))
        self._keys = dict(advice["keys"])
        self._maps = advice.get("maps", ())
        self._held: list[pa.RecordBatch] = []
        self._rows = self._bytes = 0

    def write(self, batch: pa.RecordBatch) -> None:
        """Adds rows, the columns by their position.

        Raises:
            UnreadableData: a value has no equal in the file's type.
        """
        columns = [exact_cast(column, field) for column, field in zip(batch.columns, self.schema, strict=True)]
        cast = pa.RecordBatch.from_arrays(ordered(columns, self._maps), schema=self.schema)
        while self._rows + cast.num_rows >= self._limit:
            room = self._limit - self._rows
            self._hold(cast.slice(0, room))
            self._flush()
            cast = cast.slice(room)
        self._hold(cast)
        if self._bytes >= _ROW_GROUP_BYTES:
            self._flush()

    def close(self) -> None:
        """Ends the file."""
        self._flush()
        self._writer.add_key_value_metadata({_raw(key): _raw(value) for key, value in self._keys.items()})
        self._writer.close()

    def _hold(self, batch: pa.RecordBatch) -> None:
        if batch.num_rows:
            self._held.append(batch)
            self._rows += batch.num_rows
            self._bytes += batch.nbytes

    def _flush(self) -> None:
        if self._held:
            self._writer.write_table(pa.Table.from_batches(self._held), row_group_size=self._rows)
        self._held, self._rows, self._bytes = [], 0, 0


def parquet_gaps(header: str) -> tuple[str, ...]:
    """What of a header the writer can't give back, in words; empty for nothing."""
    with TemporaryDirectory(prefix="r2d2-task-") as directory:
        path = Path(directory) / "empty.parquet"
        ParquetWriter(header, path).close()
        wanted, found = (json.loads(text)["identity"] for text in (header, parquet_header(path)))
    gaps = [f"how column {name} is stored" for name in _differing(wanted["columns"], found["columns"])]
    words = {"keys": "its key-value metadata", "arrow": "what Arrow keeps of its types"}
    return tuple(gaps + [text for key, text in words.items() if wanted[key] != found[key]])


def _differing(wanted: Sequence[Any], found: Sequence[Any]) -> list[str]:
    return [str(a[0]) for a, b in zip(wanted, found, strict=True) if a != b]


@lru_cache(maxsize=256)
def _schema(header: str) -> pa.Schema:
    return pa.ipc.read_schema(pa.py_buffer(base64.b64decode(json.loads(header)["advice"]["schema"])))


@lru_cache(maxsize=256)
def _options(header: str) -> tuple[tuple[str, Any], ...]:
    """The choices under which a file has the header's columns, or most of them."""
    wanted = json.loads(header)["identity"]["columns"]
    best: tuple[int, tuple[tuple[str, Any], ...]] | None = None
    with TemporaryDirectory(prefix="r2d2-task-") as directory:
        for number, values in enumerate(product(*_CHOICES.values())):
            options = tuple(zip(_CHOICES, values, strict=True))
            path = Path(directory) / f"{number}.parquet"
            _open(_schema(header), path, "none", dict(options)).close()
            wrong = len(_differing(wanted, json.loads(parquet_header(path))["identity"]["columns"]))
            best = min(best or (wrong, options), (wrong, options), key=lambda each: each[0])
            if not wrong:
                break
    assert best is not None
    return best[1]


def _open(schema: pa.Schema, path: Path, compression: str, options: dict[str, Any]) -> pq.ParquetWriter:
    """What Arrow keeps of its types is written as the key that it was, not made anew."""
    return pq.ParquetWriter(path, schema, compression=compression, store_schema=False, **options)


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
