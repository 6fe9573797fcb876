"""Small files as Arrow tables, where that is no more than a few megabytes: no query is planned for one alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from r2d2.errors import UnreadableData
from r2d2.lake import csv_columns, csv_text, json_text
from r2d2.lake.layout import Reader
from r2d2.lake.text_encoding import utf8_copies
from r2d2.model.dataset import DataFile

#: Files of up to so many bytes are small, so many columns and so many cells are few.
MOST_BYTES, MOST_COLUMNS, _MOST_CELLS = 4 * 1024 * 1024, 500, 4_000_000
#: Bytes of the pages of a Parquet file when they are unpacked.
_MOST_UNPACKED = 32 * 1024 * 1024
#: What pyarrow gives for columns whose values it and DuckDB read bit by bit alike.
_ARROW_TYPES = {
    "BOOLEAN": pa.bool_(),
    "INTEGER": pa.int32(),
    "BIGINT": pa.int64(),
    "FLOAT": pa.float32(),
    "DOUBLE": pa.float64(),
    "DATE": pa.date32(),
    "TIMESTAMP": pa.timestamp("us"),
    "TIMESTAMPTZ": pa.timestamp("us", "UTC"),
    "VARCHAR": pa.string(),
}


def is_small(reader: Reader, files: Sequence[DataFile]) -> bool:
    """Whether files that are read so can be held as arrays; text that is compressed may be of any size."""
    if len(reader.columns) > MOST_COLUMNS or sum(file.size for file in files) > MOST_BYTES:
        return False
    if reader.format != "parquet":
        return reader.options["compression"] == "none"
    rows = [file.rows for file in files]
    cells = sum(number or 0 for number in rows) * len(reader.columns)
    return None not in rows and cells <= _MOST_CELLS and all(column.kind in _ARROW_TYPES for column in reader.columns)


def small_table(con: duckdb.DuckDBPyConnection, reader: Reader, path: Path) -> pa.Table:
    """The columns ``c0 .. cN`` of a small file, with the values that ``lake.relation.open_relation`` gives.

    Args:
        path: a generated name in a scratch directory (``lake.staging``).

    Raises:
        UnreadableData: it can't be read so; it may have become something else.
        OSError, pa.ArrowException, duckdb.Error: it is damaged.
    """
    if reader.format == "parquet":
        return _parquet_table(reader, path)
    reader, (path,) = utf8_copies(reader, [path])
    if reader.format == "csv":
        return csv_table(con, reader, path)
    found = json_text.read_small(path, "jsonl")
    if found is None or found[0].columns != reader.columns or found[0].options["shape"] != reader.options["shape"]:
        raise UnreadableData("it can't be read column by column")
    return found[2]


def csv_table(con: duckdb.DuckDBPyConnection, reader: Reader, path: Path) -> pa.Table:
    """The columns ``c0 .. cN`` of a small CSV file in UTF-8, of which ``csv_text.inspect`` has seen every byte.

    Args:
        path: for dialects that pyarrow does not read a plain name, which reaches DuckDB.
    """
    if csv_columns.is_read_alike(reader):
        return csv_columns.columns(reader, path)
    return con.sql(f"FROM {csv_text.relation(con, reader, [path])}").to_arrow_table()


def _parquet_table(reader: Reader, path: Path) -> pa.Table:
    """Texts stay by their dictionaries, so that no column is larger than its pages."""
    texts = [column.name for column in reader.columns if column.kind == "VARCHAR"]
    with pq.ParquetFile(path, read_dictionary=texts) as file:
        groups = [file.metadata.row_group(i) for i in range(file.metadata.num_row_groups)]
        if sum(group.total_byte_size for group in groups) > _MOST_UNPACKED:
            raise UnreadableData("it is too large to be held")
        if any(group.column(i).num_values != group.num_rows for group in groups for i in range(group.num_columns)):
            raise UnreadableData("a column has more values than there are rows")  # pyarrow would leave them out
        table = file.read(use_threads=False)
    table.validate(full=True)
    types = [_values_of(kind) for kind in table.schema.types]
    if types != [_ARROW_TYPES[column.kind] for column in reader.columns]:
        raise UnreadableData("its columns are not read as DuckDB reads them")
    return table.rename_columns([f"c{i}" for i in range(len(types))])


def _values_of(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind
