"""The rows of a text file as its identity counts them: the bytes of its records, however they spell their values."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

from r2d2.lake.csv_grammar import BOM, Dialect
from r2d2.lake.gzip_text import opened
from r2d2.lake.layout import Reader
from r2d2.lake.text_encoding import UTF_8, to_utf8
from r2d2.recovery.formats.headers_text import Sample, text_header
from r2d2.recovery.formats.json_document import Frame, elements
from r2d2.recovery.identity.rows import MODULUS, sum_of_digests

_CHUNK = 4 * 1024 * 1024


def text_rows(path: Path, reader: Reader) -> tuple[str, int, int] | None:
    """Header, and number and sum of the records, the header line apart; None where they can't be written as they stand:
    in a JSON document with unlike spaces between its records.

    Raises:
        UnreadableData: damaged gzip.
        UnsupportedData: it is not encoded as its reader says.
    """
    sample = Sample(reader)
    total = sum(sum_of_digests([hashlib.sha256(record).digest() for record in held]) for held in records(path, sample))
    if sample.frame and not sample.frame.even:
        return None
    return text_header(sample), sample.rows, total % MODULUS


def records(path: Path, sample: Sample) -> Iterator[list[bytes]]:
    """The records of a file in their order, in UTF-8 and without their ends; the sample tells of them when all came.

    Raises:
        UnreadableData, UnsupportedData: as ``text_rows``.
    """
    with TemporaryDirectory(prefix="r2d2-task-") as directory:
        path, compressed = _as_utf8(path, sample.reader, Path(directory))
        with opened(path, compressed) as stream:
            document = sample.reader.format == "json" and sample.reader.options["shape"] == "array"
            for held in _elements(stream, sample) if document else _records(stream, sample.reader, sample):
                sample.look(held)
                yield held


def _as_utf8(path: Path, reader: Reader, scratch: Path) -> tuple[Path, bool]:
    """A file in UTF-8 with the text, and whether it is compressed."""
    encoding, compressed = reader.options.get("encoding", UTF_8), reader.options["compression"] == "gzip"
    if encoding == UTF_8:
        return path, compressed
    return to_utf8(path, compressed, encoding, scratch / "utf8"), False


def _elements(stream: BinaryIO, sample: Sample) -> Iterator[list[bytes]]:
    """The records of a JSON document."""
    start = stream.read(len(BOM))
    sample.bom, sample.frame = start == BOM, Frame()
    return elements(stream, start.removeprefix(BOM), sample.frame)


def _records(stream: BinaryIO, reader: Reader, sample: Sample) -> Iterator[list[bytes]]:
    """The records of a file without their ends, empty lines that are none left out."""
    end, record = _grammar(reader)
    rest = stream.read(_CHUNK)
    sample.bom = rest.startswith(BOM)
    rest = rest.removeprefix(BOM)
    first = reader.options.get("header") == "true"
    while chunk := stream.read(_CHUNK):
        records, rest = _cut(rest + chunk, end, record)
        yield _kept(records, sample, first)
        first = first and not records
    records, rest = _cut(rest, end, record)
    sample.last_end = not rest
    yield _kept(records + [rest] * bool(rest), sample, first)


def _grammar(reader: Reader) -> tuple[bytes, re.Pattern[bytes] | None]:
    """The line end, and the pattern of a record with it where that may stand in a record, too."""
    if reader.format == "json":
        return b"\n", None
    dialect = Dialect.of(reader.options)
    record = dialect.record(len(reader.columns))
    return dialect.end, re.compile(rb"(%b|)%b" % (record, dialect.end))


def _cut(text: bytes, end: bytes, record: re.Pattern[bytes] | None) -> tuple[list[bytes], bytes]:
    """The whole records at the start of a text, and what is left."""
    if record is None or b'"' not in text:
        *records, rest = text.split(end)
        return records, rest
    records, position = [], 0
    while match := record.match(text, position):
        records.append(match[1])
        position = match.end()
    return records, text[position:]


def _kept(records: list[bytes], sample: Sample, first: bool) -> list[bytes]:
    """Those that are rows; the first one of the file may be its header."""
    if first and records:
        sample.header, records = records[0], records[1:]
    if sample.is_record_empty:
        return records
    kept = [record for record in records if record.strip(sample.blank)]
    sample.blanks += len(records) - len(kept)
    return kept
