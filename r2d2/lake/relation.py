"""Files as a DuckDB relation with columns ``c0 .. cN``, and the SQL that reaches a leaf in it (EXACTNESS 8)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa

from r2d2.lake import csv_text, json_nested, json_text
from r2d2.lake.layout import LeafColumn, Reader
from r2d2.lake.text_encoding import utf8_copies

#: *Seen*: DuckDB believes a footer that claims no NULLs or a single value, and then evaluates ``IS NULL`` and
#: comparisons without looking at the rows; a proof must not rest on a footer.
_FIXED = """
LOAD icu; SET TimeZone = 'UTC'; SET enable_progress_bar = false;
SET disabled_optimizers = 'statistics_propagation'; SET lock_configuration = true
"""


@contextmanager
def locked_connection(scratch: Path, memory_limit: str = "", threads: int = 1) -> Iterator[duckdb.DuckDBPyConnection]:
    """A fresh DuckDB connection with everything that could leak or vary fixed: scratch space, UTC, no extensions."""
    config: dict[str, str | bool | int | float | list[str]] = {
        "threads": threads,
        "temp_directory": str(scratch / "spill"),
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "preserve_insertion_order": False,
    }
    if memory_limit:
        config["memory_limit"] = memory_limit
    con = duckdb.connect(":memory:", config=config)
    try:
        json_nested.register(con)
        con.execute(_FIXED)
        yield con
    finally:
        con.close()


def batches(con: duckdb.DuckDBPyConnection, query: str, rows: int) -> Iterator[pa.RecordBatch]:
    """The result of a query as it is computed, in batches of at most ``rows`` rows (rounded up to 2,048).

    Raises:
        duckdb.Error: *Seen*: what goes wrong after the first batch comes as an OSError of pyarrow with DuckDB's text.
    """
    try:
        yield from con.sql(query).to_arrow_reader(rows)
    except OSError as error:
        kind = next((kind for start, kind in _ERRORS.items() if str(error).startswith(start)), duckdb.Error)
        raise kind(str(error)) from error


_ERRORS: dict[str, type[duckdb.Error]] = {
    "Conversion Error": duckdb.ConversionException,
    "Out of Memory Error": duckdb.OutOfMemoryException,
}


def open_relation(con: duckdb.DuckDBPyConnection, reader: Reader, paths: Sequence[Path]) -> str:
    """An SQL table expression over files of one exact schema or dialect.

    ``paths`` are generated names in a scratch directory (``lake.staging``): never names from the data, never a glob.
    """
    reader, paths = utf8_copies(reader, paths)
    if reader.format == "csv":
        return csv_text.relation(con, reader, paths)
    if reader.format == "json":
        return json_text.relation(con, reader, paths)
    names = ", ".join(f"c{i}" for i in range(len(reader.columns)))
    files = ", ".join("'" + str(path).replace("'", "''") + "'" for path in paths)
    return f"read_parquet([{files}], hive_partitioning = false, union_by_name = false) AS t({names})"


def leaf_value(leaf: LeafColumn) -> str:
    """SQL of a leaf's value (of the struct itself for a presence leaf), by position; NULL where a parent is NULL."""
    value = f"c{leaf.positions[0]}"
    for position in leaf.positions[1:]:
        value = f"struct_extract_at({value}, {position + 1})"
    return value
