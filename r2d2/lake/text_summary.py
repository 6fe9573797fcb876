"""One pass over a text file: what a Parquet footer says of its file, found by looking at every value.

A leaf admits the families to which *all* its values convert losslessly (``lake.text_views``). Every value is looked at,
so null counts are exact and bounds tight and valid. Small files are looked at together, in queries that are planned
once for all of them. Runs inside a Spark worker.
"""

from __future__ import annotations

import re
import tempfile
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path

import duckdb
import pyarrow as pa

from r2d2.errors import UnreadableData, UnsupportedData
from r2d2.lake import arrays, csv_text, json_text
from r2d2.lake.layout import LeafColumn, Reader, leaf_columns
from r2d2.lake.null_tokens import TokenColumn, token_columns
from r2d2.lake.relation import locked_connection
from r2d2.lake.text_encoding import UTF_8, encoding_of, to_utf8
from r2d2.lake.text_profile import Profile, profiles
from r2d2.lake.text_stack import stacked_arrays, stacked_table
from r2d2.model.dataset import Bounds, FileSummary, Leaf, LeafPath
from r2d2.model.family import PRESENCE

#: Property of a file, and of a dataset: column → the texts that stand for NULL in it.
NULL_TOKENS_PROPERTY = "null_tokens"

_MEMORY_LIMIT = "1GB"
#: Files of up to so many bytes are parsed once, into a table; larger ones are scanned several times.
_SMALL = 64 * 1024 * 1024
#: Each takes at least a block of 256 KiB.
_COLUMNS_PER_TABLE = 500
#: Small files that are looked at together hold so many bytes.
_TOGETHER = 16 * 1024 * 1024


@dataclass(frozen=True)
class TextFile:
    """A file to look at.

    Attributes:
        path: no name is special.
        format: ``csv``, ``tsv``, ``json`` or ``jsonl``.
        compressed: by gzip.
        plain: whether its name is one of ours (``lake.staging``), which may reach DuckDB.
    """

    path: Path
    format: str
    compressed: bool
    plain: bool = False


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
    return summarize_all([TextFile(path, format, compressed)], con)[0]


def summarize_all(files: Sequence[TextFile], con: duckdb.DuckDBPyConnection | None = None) -> list[FileSummary]:
    """What is in each of some text files; the same as ``summarize`` says of each, at the price of few."""
    found: dict[int, FileSummary] = {}
    waiting: dict[int, _Parsed] = {}
    with _scratch() as scratch, _connection(con, scratch) as connection:
        for number, file in enumerate(files):
            try:
                parsed = _parsed(connection, file, scratch / str(number))
                if not parsed.columns:
                    found[number] = _alone(connection, parsed)
                    continue
            except (UnsupportedData, UnreadableData, OSError, duckdb.Error) as error:
                found[number] = _failed(error)
                continue
            waiting[number] = parsed
            if sum(other.size for other in waiting.values()) > _TOGETHER:
                found |= _together(connection, waiting)
                waiting = {}
        found |= _together(connection, waiting)
    return [found[number] for number in range(len(files))]


def _failed(error: Exception) -> FileSummary:
    """What a file is that gave an error."""
    if isinstance(error, UnsupportedData):
        return FileSummary(status="unsupported", reason=str(error))
    if isinstance(error, UnreadableData):
        return FileSummary(status="error", reason=str(error))
    if isinstance(error, OSError):
        return FileSummary(status="error", reason=f"can't be read: {error.strerror or 'its store does not say why'}")
    return FileSummary(status="error", reason=_masked(error))


def summarize_values(values: Sequence[str | None]) -> tuple[tuple[str, ...], dict[str, Bounds]]:
    """The families to which all values of a partition column convert, narrowest first, and its bounds by family."""
    column = pa.chunked_array([pa.array(values, pa.string())])
    with _scratch() as scratch, _connection(None, scratch) as con, stacked_arrays(con, "TEXT", [column]) as stack:
        profile = profiles(stack, [0])[0]
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


@dataclass(frozen=True)
class _Parsed:
    """A file of which every byte was checked.

    Attributes:
        path: of the file, or of its copy in UTF-8.
        compressed: whether ``path`` is.
        source: SQL of its columns.
        columns: its columns by position, presence leaves left out, if it is small; else empty.
    """

    path: Path
    compressed: bool
    reader: Reader
    rows: int
    shapes: Mapping[LeafPath, str]
    recorded: Mapping[str, str]
    source: str
    size: int
    columns: Mapping[int, pa.ChunkedArray] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """Of the texts."""
        return "JSON" if self.reader.format == "json" else "TEXT"

    @property
    def positions(self) -> list[int]:
        """Of columns with texts."""
        return [i for i, column in enumerate(self.reader.columns) if not column.presence]

    def summary(self, found: dict[int, Profile], tokens: Mapping[int, TokenColumn]) -> FileSummary:
        """What is in the file, from what its columns hold by position.

        Raises:
            UnreadableData: other rows were read than there are.
        """
        for read in {profile.rows for profile in found.values()} - {self.rows}:
            raise UnreadableData(f"its reader sees {read} rows of it, but it holds {self.rows}")
        found, reader = dict(found), self.reader
        if tokens:
            reader = _with_tokens(self.path, self.compressed, reader, tokens, found)
        reader = replace(reader, options={**reader.options, **self.recorded})
        leaves = tuple(_leaf(column, found, self.shapes) for column in leaf_columns(reader))
        return FileSummary(self.rows, reader.to_json(), leaves, _properties(reader))


def _parsed(con: duckdb.DuckDBPyConnection, file: TextFile, scratch: Path) -> _Parsed:
    path, compressed, encoding = file.path, file.compressed, encoding_of(file.path, file.compressed)
    if encoding != UTF_8:
        path, compressed = to_utf8(path, compressed, encoding, _made(scratch) / "utf8"), False
    recorded = {"encoding": encoding, "compression": "gzip" if file.compressed else "none"}
    size = path.stat().st_size
    tiny = not compressed and size <= arrays.MOST_BYTES
    if file.format in ("csv", "tsv"):
        reader, rows = csv_text.inspect(path, file.format, compressed)
        named = path if file.plain else _renamed(path, compressed, _made(scratch))
        source = csv_text.relation(con, reader, [named])
        table = arrays.csv_table(con, reader, named) if tiny and len(reader.columns) <= arrays.MOST_COLUMNS else None
        return _Parsed(path, compressed, reader, rows, {}, recorded, source, size, _texts(reader, table))
    small = json_text.read_small(path, file.format) if tiny else None
    if small:
        reader, shapes, table = small
        return _Parsed(path, compressed, reader, table.num_rows, shapes, recorded, "", size, _texts(reader, table))
    reader, rows, shapes = json_text.inspect(path, compressed, file.format)
    return _Parsed(path, compressed, reader, rows, shapes, recorded, json_text.relation(con, reader, [path]), size)


def _made(directory: Path) -> Path:
    directory.mkdir(exist_ok=True)
    return directory


def _renamed(path: Path, compressed: bool, directory: Path) -> Path:
    """Whatever the file is called, DuckDB sees a plain name."""
    alias = directory / ("0.csv.gz" if compressed else "0.csv")
    alias.symlink_to(path.absolute())
    return alias


def _texts(reader: Reader, table: pa.Table | None) -> dict[int, pa.ChunkedArray]:
    if table is None:
        return {}
    return {i: table.column(i) for i, column in enumerate(reader.columns) if not column.presence}


def _together(con: duckdb.DuckDBPyConnection, files: Mapping[int, _Parsed]) -> dict[int, FileSummary]:
    """Summaries of small files; where the queries on many fail, of each alone, so that one spoils no other."""
    by_kind: dict[str, dict[int, _Parsed]] = {}
    for number, file in files.items():
        by_kind.setdefault(file.kind, {})[number] = file
    found: dict[int, FileSummary] = {}
    for kind, alike in by_kind.items():
        try:
            found |= _of_one_kind(con, kind, alike)
        except duckdb.Error as error:
            if len(alike) == 1:
                found |= dict.fromkeys(alike, _failed(error))
            else:
                for number, file in alike.items():
                    found |= _together(con, {number: file})
    return found


def _of_one_kind(con: duckdb.DuckDBPyConnection, kind: str, files: Mapping[int, _Parsed]) -> dict[int, FileSummary]:
    places = [(number, position) for number, file in files.items() for position in file.columns]
    with stacked_arrays(con, kind, [files[number].columns[position] for number, position in places]) as stack:
        profiled = profiles(stack, range(len(places)))
        tokens = token_columns(stack, profiled) if kind == "TEXT" else {}
    of_file: dict[int, dict[int, Profile]] = {number: {} for number in files}
    tokens_of: dict[int, dict[int, TokenColumn]] = {number: {} for number in files}
    for place, (number, position) in enumerate(places):
        of_file[number][position] = profiled[place]
        if place in tokens:
            tokens_of[number][position] = tokens[place]
    return {number: _said(file, of_file[number], tokens_of[number]) for number, file in files.items()}


def _said(file: _Parsed, found: dict[int, Profile], tokens: Mapping[int, TokenColumn]) -> FileSummary:
    try:
        return file.summary(found, tokens)
    except (UnsupportedData, UnreadableData, OSError) as error:
        return _failed(error)


def _alone(con: duckdb.DuckDBPyConnection, file: _Parsed) -> FileSummary:
    """The summary of a larger file."""
    table_pays = file.kind == "JSON" or file.size <= _SMALL
    found: dict[int, Profile] = {}
    tokens: dict[int, TokenColumn] = {}
    for start in range(0, len(file.positions), _COLUMNS_PER_TABLE):
        some = file.positions[start : start + _COLUMNS_PER_TABLE]
        with _parsed_once(con, file.source, some) if table_pays else nullcontext(file.source) as table:
            stack = stacked_table(con, file.kind, table)
            profiled = profiles(stack, some)
            found.update(profiled)
            if file.kind == "TEXT":
                tokens.update(token_columns(stack, profiled))
    return file.summary(found, tokens)


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


def _masked(error: Exception) -> str:
    """DuckDB cites the line, which holds cell values: only its number is kept."""
    line = re.search(r"\bLine: ([0-9]+)", str(error))
    return f"DuckDB can't read {f'line {line[1]} of it' if line else 'it'}; the file may be damaged"
