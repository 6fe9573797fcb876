"""One pass over a text file: what a Parquet footer says of its file, found by looking at every value.

A leaf admits the families to which *all* its values convert losslessly (``lake.text_views``). Every value is looked at,
so null counts are exact and bounds tight and valid. Runs inside a Spark worker.
"""

from __future__ import annotations

import re
import tempfile
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

import duckdb
import pyarrow as pa

from r2d2.errors import UnreadableData, UnsupportedData
from r2d2.lake import csv_text, json_text
from r2d2.lake.layout import LeafColumn, Reader, leaf_columns
from r2d2.lake.null_tokens import TokenColumn, token_columns
from r2d2.lake.relation import locked_connection
from r2d2.lake.text_encoding import UTF_8, encoding_of, to_utf8
from r2d2.lake.text_profile import Profile, profiles
from r2d2.model.dataset import Bounds, FileSummary, Leaf, LeafPath
from r2d2.model.family import PRESENCE

#: Property of a file, and of a dataset: column → the texts that stand for NULL in it.
NULL_TOKENS_PROPERTY = "null_tokens"

_MEMORY_LIMIT = "1GB"
#: Files of up to so many bytes are parsed once, into a table; larger ones are scanned several times.
_SMALL = 64 * 1024 * 1024
#: Each takes at least a block of 256 KiB.
_COLUMNS_PER_TABLE = 500


def summarize(
    path: Path,
    format: str,  # noqa: A002
    compressed: bool,
    con: duckdb.DuckDBPyConnection | None = None,
) -> FileSummary:
    """What is in one text file; never raises for what the file holds.

    Args:
        path: of the file; no name is special.
        format: ``csv``, ``tsv``, ``json`` or ``jsonl``.
        compressed: by gzip.
        con: a connection in UTC to use instead of a fresh one.
    """
    try:
        with _scratch() as scratch, _connection(con, scratch) as connection:
            return _summary(connection, path, format, compressed, scratch)
    except UnsupportedData as error:
        return FileSummary(status="unsupported", reason=str(error))
    except UnreadableData as error:
        return FileSummary(status="error", reason=str(error))
    except OSError as error:
        return FileSummary(status="error", reason=f"can't be read: {error.strerror or 'its store does not say why'}")
    except duckdb.Error as error:
        return FileSummary(status="error", reason=_masked(error))


def summarize_values(values: Sequence[str | None]) -> tuple[tuple[str, ...], dict[str, Bounds]]:
    """The families to which all values of a partition column convert, narrowest first, and its bounds by family."""
    with _scratch() as scratch, _connection(None, scratch) as con:
        con.register("given", pa.table({"c0": pa.array(values, pa.string())}))
        profile = profiles(con, "given", "TEXT", [0])[0]
    return profile.families, profile.bounds


@contextmanager
def _scratch() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="r2d2-text-") as name:
        yield Path(name)


@contextmanager
def _connection(given: duckdb.DuckDBPyConnection | None, scratch: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    if given is not None:
        yield given
        return
    with locked_connection(scratch, _MEMORY_LIMIT) as con:
        yield con


def _summary(
    con: duckdb.DuckDBPyConnection,
    path: Path,
    format: str,  # noqa: A002
    compressed: bool,
    scratch: Path,
) -> FileSummary:
    encoding, packed = encoding_of(path, compressed), compressed
    if encoding != UTF_8:
        path, compressed = to_utf8(path, compressed, encoding, scratch / "utf8"), False
    shapes: Mapping[LeafPath, str] = {}
    if format in ("csv", "tsv"):
        reader, rows = csv_text.inspect(path, format, compressed)
        alias = scratch / ("0.csv.gz" if compressed else "0.csv")
        alias.symlink_to(path.absolute())  # whatever the file is called, DuckDB sees a plain name
        source = csv_text.relation(con, reader, [alias])
    else:
        reader, rows, shapes = json_text.inspect(path, compressed, format)
        source = json_text.relation(con, reader, [path])
    table_pays = reader.format == "json" or path.stat().st_size <= _SMALL
    found: dict[int, Profile] = {}
    tokens: dict[int, TokenColumn] = {}
    kind = "JSON" if reader.format == "json" else "TEXT"
    positions = [i for i, column in enumerate(reader.columns) if not column.presence]
    for start in range(0, len(positions), _COLUMNS_PER_TABLE):
        some = positions[start : start + _COLUMNS_PER_TABLE]
        with _parsed_once(con, source, some) if table_pays else nullcontext(source) as table:
            profiled = profiles(con, table, kind, some)
            found.update(profiled)
            if reader.format == "csv":
                tokens.update(token_columns(con, table, profiled))
    for read in {profile.rows for profile in found.values()} - {rows}:
        raise UnreadableData(f"DuckDB reads {read} rows of it, but it holds {rows}")
    if tokens:
        reader = _with_tokens(path, compressed, reader, tokens, found)
    recorded = {"encoding": encoding, "compression": "gzip" if packed else "none"}
    reader = replace(reader, options={**reader.options, **recorded})
    leaves = tuple(_leaf(column, found, shapes) for column in leaf_columns(reader))
    return FileSummary(rows, reader.to_json(), leaves, _properties(reader))


def _properties(reader: Reader) -> dict[str, object]:
    tokens = {column.name: [column.null_token] for column in reader.columns if column.null_token}
    return {**reader.options, **({NULL_TOKENS_PROPERTY: tokens} if tokens else {})}


def _with_tokens(
    path: Path, compressed: bool, reader: Reader, tokens: Mapping[int, TokenColumn], found: dict[int, Profile]
) -> Reader:
    """The reader with the tokens that stand for NULL; ``found`` gets what the columns are without them.

    A token that also stands between quotes is a text there, which DuckDB can't tell apart: it is none.
    """
    quoted = csv_text.quoted_tokens(path, compressed, reader, {column.token for column in tokens.values()})
    columns = list(reader.columns)
    for position, column in tokens.items():
        if (position, column.token) not in quoted:
            columns[position] = replace(columns[position], null_token=column.token)
            found[position] = column.profile
    return replace(reader, columns=tuple(columns))


@contextmanager
def _parsed_once(con: duckdb.DuckDBPyConnection, source: str, positions: Iterable[int]) -> Iterator[str]:
    table = f"text_{uuid.uuid4().hex}"
    columns = ", ".join(f"c{p}" for p in positions)
    con.execute(f"CREATE TEMP TABLE {table} AS SELECT {columns} FROM {source}").fetchall()
    try:
        yield table
    finally:
        con.execute(f"DROP TABLE {table}").fetchall()


def _leaf(column: LeafColumn, found: Mapping[int, Profile], shapes: Mapping[LeafPath, str]) -> Leaf:
    if column.presence:
        return Leaf(column.path, (PRESENCE,), "object", 0)
    profile = found[column.positions[0]]
    kind, shape = column.column.kind.lower(), shapes.get(column.path, "")
    return Leaf(column.path, profile.families, kind, profile.nulls, profile.bounds, shape)


def _masked(error: duckdb.Error) -> str:
    """DuckDB cites the line, which holds cell values: only its number is kept."""
    line = re.search(r"\bLine: ([0-9]+)", str(error))
    return f"DuckDB can't read {f'line {line[1]} of it' if line else 'it'}; the file may be damaged"
