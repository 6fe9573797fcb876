"""The rows of a Parquet file as its identity counts them, read by pyarrow: no type is changed on the way."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate, pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from r2d2.lake.delta_vectors import DeletionVector, deleted_rows
from r2d2.recovery.formats.headers_parquet import parquet_header
from r2d2.recovery.identity.rows import MODULUS, encoded_rows, sum_of_binaries

_MOST_ROWS, _LEAST_ROWS = 1 << 16, 1 << 8
#: Bytes of a batch, about.
_BATCH = 32 * 1024 * 1024
_INT96 = "INT96"

_Places = npt.NDArray[np.int64]


def parquet_rows(path: Path, vector: str, part: tuple[int, int] | None) -> tuple[str, int, int] | None:
    """Header, and number and sum of the rows; None if pyarrow can't read such a file.

    Args:
        vector: which rows don't count (``DataFile.vector``).
        part: the first row to be read, and the one after the last; None for all.

    Raises:
        UnreadableData: it is damaged, or the vector is.
    """
    try:
        header = parquet_header(path)
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
        return None
    gone = deleted_rows(DeletionVector.from_json(vector)) if vector else np.array([], np.int64)
    rows = total = 0
    for start, batch in parquet_batches(path, part):
        kept = _kept(start, batch.num_rows, part, gone)
        encoded = encoded_rows(batch.columns, list(batch.schema), batch.num_rows)
        taken = encoded if kept is None else encoded.filter(pa.array(kept))
        rows += len(taken)
        total += sum_of_binaries(taken)
    return header, rows, total % MODULUS


def parquet_batches(path: Path, part: tuple[int, int] | None = None) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Batches of the row groups that hold rows of the part, each with the place of its first row.

    After the file's columns come those of INT96 once more, as seconds: nanoseconds of 64 bits don't hold all of them.
    """
    with pq.ParquetFile(path) as file:
        metadata = file.metadata
        ends = list(accumulate((metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)), initial=0))
        groups = [i for i, (a, b) in enumerate(pairwise(ends)) if part is None or (a < part[1] and b > part[0])]
        start = ends[groups[0]] if groups else 0
        size = _batch_rows(metadata, groups)
        for batch in _with_seconds(path, file, groups, size):
            yield start, batch
            start += batch.num_rows


def _with_seconds(path: Path, file: pq.ParquetFile, groups: list[int], size: int) -> Iterator[pa.RecordBatch]:
    """The batches of a file; INT96, which nanoseconds of 64 bits don't hold, comes in seconds, too."""
    batches = file.iter_batches(size, row_groups=groups, use_threads=False)
    columns = _int96_columns(file)
    if not columns:
        yield from batches
        return
    with pq.ParquetFile(path, coerce_int96_timestamp_unit="s") as again:
        whole = again.iter_batches(size, row_groups=groups, columns=columns, use_threads=False)
        for batch, seconds in zip(batches, whole, strict=True):
            fields = [*batch.schema, *(field.with_name(f"seconds {field.name}") for field in seconds.schema)]
            yield pa.RecordBatch.from_arrays([*batch.columns, *seconds.columns], schema=pa.schema(fields))


def _int96_columns(file: pq.ParquetFile) -> list[str]:
    """Paths of the columns that hold INT96, as pyarrow takes them."""
    columns = [file.schema.column(i) for i in range(len(file.schema))]
    return [column.path for column in columns if column.physical_type == _INT96]


def _batch_rows(metadata: pq.FileMetaData, groups: list[int]) -> int:
    """Rows at once, so that a batch takes about ``_BATCH`` bytes."""
    rows = sum(metadata.row_group(i).num_rows for i in groups)
    size = sum(metadata.row_group(i).total_byte_size for i in groups)
    row = 16 * metadata.num_columns + size // max(1, rows)
    return int(min(_MOST_ROWS, max(_LEAST_ROWS, _BATCH // row)))


def _kept(start: int, rows: int, part: tuple[int, int] | None, gone: _Places) -> npt.NDArray[np.bool_] | None:
    """Which rows of a batch count; None for all of them."""
    low, high = part or (start, start + rows)
    among = gone[np.searchsorted(gone, start) : np.searchsorted(gone, start + rows)]
    if low <= start and start + rows <= high and not len(among):
        return None
    places = np.arange(start, start + rows)
    kept = (places >= low) & (places < high)
    kept[among - start] = False
    return kept
