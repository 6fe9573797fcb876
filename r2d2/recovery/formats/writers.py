"""Files written anew: one interface for all kinds of headers."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import pyarrow as pa

from r2d2.errors import UnsupportedData
from r2d2.recovery.formats.headers import CSV, LINES, PARQUET, kind_of
from r2d2.recovery.formats.writers_csv import CsvWriter
from r2d2.recovery.formats.writers_json import JsonWriter
from r2d2.recovery.formats.writers_parquet import ParquetWriter, parquet_gaps


class Writer(Protocol):
    """One file that is being written."""

    def write(self, batch: pa.RecordBatch) -> None:
        """Adds rows, the columns by their position.

        Raises:
            UnreadableData: a value can't be written as the file's header asks.
        """

    def close(self) -> None:
        """Ends the file."""


def open_writer(header: str, path: Path) -> Writer:
    """A file with this header, which is made at ``path``.

    Raises:
        UnsupportedData: files of this kind come back as copies only.
    """
    if kind_of(header) == PARQUET:
        return ParquetWriter(header, path)
    if kind_of(header) == CSV:
        return CsvWriter(header, path)
    if kind_of(header) == LINES:
        return JsonWriter(header, path)
    raise UnsupportedData("files of this kind can only come back as copies of the bytes that they were")


def gaps(header: str) -> tuple[str, ...]:
    """What of a header no writer gives back, in words; empty for nothing."""
    return parquet_gaps(header) if kind_of(header) == PARQUET else ()
