"""CSV and TSV: the dialect is found and recorded, every byte is checked, DuckDB reads with nothing left to guess.

How a file is understood (EXACTNESS 4):

* Delimiter: tab for TSV; for CSV the one of ``, ; tab |`` that gives all the first records the same number of fields,
  the most fields first, comma on ties.
* Quotes are ``"``, doubled inside. Only where that can't read the file and ``\\"`` can (Spark's default), is it taken.
* The first line is the header unless it clearly holds data: numbers or dates above columns of such, or repeated words.
  Then the columns are ``c0``, ``c1``, ... One name may be empty (the index that pandas writes): that column is ``""``.
* An unquoted empty field is NULL, a quoted one is the empty string. What else stands for NULL: ``lake.null_tokens``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import duckdb

from r2d2.errors import UnreadableData, UnsupportedData
from r2d2.lake.csv_grammar import BOM, MAX_RECORD, Dialect, count_records, leading, quoted_fields
from r2d2.lake.gzip_text import opened
from r2d2.lake.layout import Column, Reader
from r2d2.lake.text_views import NULL_TOKENS
from r2d2.model.names import fold_name

MAX_COLUMNS = 20_000

_SAMPLE = 1024 * 1024
_SAMPLE_RECORDS = 200
_DELIMITERS = (",", ";", "\t", "|")
_NEWLINE = re.compile(rb'(?:[^"\r\n]|"[^"]*+")*+(\r\n|\n|\r)')
_NULL_WORDS = frozenset({"", *NULL_TOKENS})
_TYPED = re.compile(
    r"[-+]?(?:[0-9][0-9,]*\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?%?"
    r"|[0-9]{1,4}[-/][0-9]{1,2}[-/][0-9]{1,4}(?:[ T][0-9:.]+(?:Z|[-+][0-9:]+)?)?"
    r"|true|false",
    re.IGNORECASE | re.ASCII,
)


def sniff(path: Path, format: str, compressed: bool) -> Reader:  # noqa: A002
    """How the file is read; every byte of it has been checked.

    Args:
        path: of the file; opened by Python, so no name is special.
        format: ``csv`` or ``tsv``.
        compressed: by gzip.

    Raises:
        UnsupportedData: it can't be read without a guess; with the line or the columns.
        UnreadableData: it is damaged; with the line.
        OSError: it can't be opened.
    """
    return inspect(path, format, compressed)[0]


def inspect(path: Path, format: str, compressed: bool) -> tuple[Reader, int]:  # noqa: A002
    """Like ``sniff``, with the number of rows, against which what DuckDB reads can be checked."""
    start = _start(path, compressed)
    delimiter = _delimiter(start, ("\t",) if format == "tsv" else _DELIMITERS)
    plain, slashed = (Dialect(delimiter, escape, start.newline) for escape in ('"', "\\"))
    try:
        records, dialect = _count(path, compressed, plain, start), plain
    except UnreadableData as error:
        try:
            records, dialect = _count(path, compressed, slashed, start), slashed
        except (UnreadableData, UnsupportedData) as other:
            raise max(error, other, key=_line_of) from None
    else:
        _refuse_ambiguous(path, compressed, slashed, start)
    _refuse_behind_bom(start, dialect)
    names, header, certain = _names(start, dialect)
    options = {
        "delimiter": delimiter,
        "quote": '"',
        "escape": dialect.escape,
        "header": "true" if header else "false",
        "header_certain": "true" if certain else "false",
        "newline": start.newline,
        "bom": "true" if start.bom else "false",
        "compression": "gzip" if compressed else "none",
    }
    return Reader("csv", tuple(Column(n, "TEXT") for n in names), options), records - header


def quoted_tokens(path: Path, compressed: bool, reader: Reader, tokens: Iterable[str]) -> set[tuple[int, str]]:
    """(column, token) of those tokens that stand between quotes in a file that ``inspect`` has accepted: texts."""
    dialect = Dialect.of(reader.options)
    with opened(path, compressed) as stream:
        return quoted_fields(stream, dialect, len(reader.columns), tokens)


def relation(con: duckdb.DuckDBPyConnection, reader: Reader, paths: Sequence[Path]) -> str:
    """An SQL table expression over files that ``sniff`` has accepted, with the columns ``c0 .. cN``, all VARCHAR.

    The rows must be counted against what ``inspect`` said: DuckDB loses rows of damaged files without a word.

    Args:
        con: not used; part of the contract that the readers share.
        paths: at least one; glob characters in them are taken as they are.
    """
    del con
    options = reader.options
    columns = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(len(reader.columns)))
    return (
        f"read_csv([{', '.join(_path_literal(p) for p in paths)}], auto_detect=false, columns={{{columns}}}, "
        f"delim={_literal(options['delimiter'])}, quote={_literal(options['quote'])}, "
        f"escape={_literal(options['escape'])}, header={'true' if options['header'] == 'true' else 'false'}, "
        f"compression={_literal(options['compression'])}, nullstr='', allow_quoted_nulls=false, comment='', "
        "strict_mode=true, null_padding=false, ignore_errors=false, parallel=false, hive_partitioning=false, "
        f"union_by_name=false, max_line_size={MAX_RECORD}, buffer_size={2 * MAX_RECORD})"
    )


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _path_literal(path: Path) -> str:
    return _literal(re.sub(r"[*?\[]", lambda m: f"[{m[0]}]", str(path)))


@dataclass(frozen=True)
class _Start:
    """The start of a file, its first line at least, without a byte order mark; a last line is ended by ``newline``."""

    text: bytes
    bom: bool
    newline: str


def _start(path: Path, compressed: bool) -> _Start:
    with opened(path, compressed) as stream:
        text = stream.read(_SAMPLE)
        whole = len(text) < _SAMPLE
        if not whole and not re.search(rb"[\r\n]", text[:-1]):
            more = stream.read(MAX_RECORD)
            text, whole = text + more, len(more) < MAX_RECORD
    bom = text.startswith(BOM)
    text = text.removeprefix(BOM)
    if not text:
        raise UnsupportedData("empty file")
    if text[:1] in (b"\r", b"\n"):
        raise UnsupportedData("its first line is empty, so its columns have no names")
    newline = _newline(text)
    if whole and not text.endswith(newline.encode()):
        text += newline.encode()
    return _Start(text, bom, newline)


def _newline(sample: bytes) -> str:
    """The first line end outside quotes.

    DuckDB takes the first one anywhere (*seen*: and then loses all rows without a word); told ``new_line='\\r\\n'``, it
    loses all rows of files with quotes; in files of bare ``\\r`` it takes quoted line ends for real ones.
    """
    anywhere = re.search(rb"\r\n|\n|\r", sample)
    outside = _NEWLINE.match(sample)
    if anywhere and outside and anywhere[0] != outside[1]:
        raise UnsupportedData("line 1 holds, between quotes, a line end of another kind than the one at its end")
    if anywhere and anywhere[0] == b"\r":
        raise UnsupportedData("its lines end in bare carriage returns (\\r); convert them to \\n")
    return anywhere[0].decode() if anywhere else "\n"


def _delimiter(start: _Start, candidates: Sequence[str]) -> str:
    """The most consistent delimiter; where none is, the most frequent in the first line, for a clear refusal."""
    widths = {d: _common_width(start, Dialect(d, '"', start.newline)) for d in candidates}
    best = max(candidates, key=lambda d: widths[d])
    if widths[best] > 1:
        return best
    first = start.text.partition(start.newline.encode())[0].decode("utf-8", "replace")
    return max(candidates, key=first.count)


def _common_width(start: _Start, dialect: Dialect) -> int:
    """The number of fields of all the first records, 0 if they differ or the delimiter stands nowhere."""
    if dialect.delimiter.encode() not in start.text:
        return 0
    found = {len(dialect.raw(r)) for r in leading(start.text, dialect, _SAMPLE_RECORDS)}
    return found.pop() if len(found) == 1 else 0


def _width(start: _Start, dialect: Dialect) -> int:
    """The number of fields of the first record."""
    first = next(leading(start.text, dialect, 1), None)
    if first is None:
        raise UnreadableData("line 1 opens a quote that is never closed, has text after one, or is far too long")
    width = len(dialect.raw(first))
    if width > MAX_COLUMNS:
        raise UnsupportedData(f"line 1 has {width} fields, more than {MAX_COLUMNS}")
    return width


def _count(path: Path, compressed: bool, dialect: Dialect, start: _Start) -> int:
    width = _width(start, dialect)
    with opened(path, compressed) as stream:
        return count_records(stream, dialect, width)


def _refuse_ambiguous(path: Path, compressed: bool, slashed: Dialect, start: _Start) -> None:
    """Both dialects may fit; they differ only where a backslash stands before a quote."""
    line = 1
    with opened(path, compressed) as stream:
        before = b""
        for chunk in iter(lambda: stream.read(_SAMPLE), b""):
            place = (before + chunk).find(b'\\"')
            if place >= 0:
                line += chunk.count(b"\n", 0, max(place - len(before), 0))
                break
            line += chunk.count(b"\n")
            before = chunk[-1:]
        else:
            return
    try:
        _count(path, compressed, slashed, start)
    except (UnreadableData, UnsupportedData):
        return
    raise UnsupportedData(f"its quotes can be read in two ways: a backslash stands before a quote in line {line}")


def _line_of(error: Exception) -> int:
    """How far a dialect could read: the one that gets further tells better what is wrong."""
    found = re.search(r"\bline ([0-9]+)", str(error))
    return int(found[1]) if found else 0


def _refuse_behind_bom(start: _Start, dialect: Dialect) -> None:
    """Behind a byte order mark DuckDB doesn't see that the first field is quoted (*seen*)."""
    first = re.match(dialect.field, start.text)
    if start.bom and first and re.search(rb'[%b"\r\n]' % dialect.separator, first[0][1:-1]):
        raise UnsupportedData("its first field, behind a byte order mark, holds a delimiter, quote or line end")


def _names(start: _Start, dialect: Dialect) -> tuple[list[str], bool, bool]:
    """The columns' names, whether they come from a header line, and whether anything tells so."""
    first, *rows = [dialect.split(r) for r in leading(start.text, dialect, _SAMPLE_RECORDS)]
    told = _is_header(first, rows)
    if told is False or (told is None and len(set(first)) < len(first)):
        return [f"c{i}" for i in range(len(first))], False, True
    seen: dict[str, int] = {}
    for position, name in enumerate(first):
        other = seen.setdefault(fold_name(name), position)
        if other != position and not name:
            raise UnsupportedData(f"columns {other + 1} and {position + 1} have no name")
        if other != position:
            raise UnsupportedData(
                f"columns {other + 1} and {position + 1} have the same name, but for case: {first[other]!r}, {name!r}"
            )
    return first, True, told is True


def _is_header(first: list[str], rows: list[list[str]]) -> bool | None:
    """Whether the first line is a header, by what stands below it; None where nothing tells: all columns are text."""
    if _is_series(first):
        return True
    for_header = for_data = 0
    for position, name in enumerate(first):
        below = {row[position] for row in rows if len(row) == len(first)} - _NULL_WORDS
        typed_below = bool(below) and all(_TYPED.fullmatch(value) for value in below)
        if _TYPED.fullmatch(name):
            for_data += typed_below or not below
            for_header += bool(below) and not typed_below
        elif name not in _NULL_WORDS:
            for_header += typed_below
    if for_header or for_data:
        return for_header >= for_data
    return None


def _is_series(first: list[str]) -> bool:
    """Columns named 0, 1, 2, ... by a data frame, or by years in steps, after a first name of any kind."""
    if first and all(name == str(i) for i, name in enumerate(first)):
        return len(first) > 1
    labels = first[1:]
    if len(labels) < 2 or first[0].isdigit() or not all(re.fullmatch("0|[1-9][0-9]{0,4}", name) for name in labels):
        return False
    numbers = [int(name) for name in labels]
    steps = {b - a for a, b in pairwise(numbers)}
    return len(steps) == 1 and min(steps) > 0 and (numbers == list(range(len(numbers))) or 1000 <= numbers[0] <= 2999)
