r"""The grammar of CSV that is accepted, checked byte by byte before DuckDB's reader is believed.

DuckDB's strict mode alone is not enough (*seen* in 2.0.0): a quote that is never closed ends the file without an error
and its rows are gone, ``1,2,`` passes as two fields, spaces around quotes are cut off, a last line that ends in ``\r``
instead of ``\r\n`` passes. What matches this grammar is read by DuckDB as it stands here; all else is refused with its
line number.

* A field is quoted or not. A quoted one starts and ends with ``"`` and holds any byte; a quote in it is doubled, or in
  the backslash dialect (Spark's default) written ``\"``, where no other backslash may stand between quotes.
* A field that is not quoted holds no delimiter, no ``\r`` or ``\n``, and no quote at its start or after spaces there.
* Every record has the same number of fields and ends in the file's one line end; the last may end with the file.
* An empty line is no record where records have several fields; where they have one field, it is one, and NULL.
* The bytes are UTF-8 without NUL.
"""

from __future__ import annotations

import codecs
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import BinaryIO

from r2d2.errors import EnvironmentMissing, UnreadableData, UnsupportedData
from r2d2.lake.text_encoding import Utf8Check

if sys.version_info < (3, 11, 5):  # *seen* on 3.11.2, whose possessive patterns match wrongly: files of other rows
    raise EnvironmentMissing("this Python misreads CSV", "install Python 3.11.5 or newer, on Spark's workers too")

#: Bytes of one record, quoted line ends included.
MAX_RECORD = 32 * 1024 * 1024
BOM = codecs.BOM_UTF8

_CHUNK = 1024 * 1024


@dataclass(frozen=True)
class Dialect:
    """How records are written.

    Attributes:
        delimiter: one character.
        escape: of a quote between quotes: ``"`` or a backslash.
        newline: ``\\n`` or ``\\r\\n``.
    """

    delimiter: str
    escape: str
    newline: str

    @staticmethod
    def of(options: Mapping[str, str]) -> Dialect:
        """As the options of a reader say."""
        return Dialect(options["delimiter"], options["escape"], options["newline"])

    @cached_property
    def field(self) -> bytes:
        """Pattern of one field; possessive, so it matches in one way only."""
        quoted = rb'"[^"]*+(?:""[^"]*+)*+"' if self.escape == '"' else rb'"[^"\\]*+(?:\\"[^"\\]*+)*+"'
        return rb'(?:%b|(?! *")[^%b\r\n]*+)' % (quoted, self.separator)

    @cached_property
    def separator(self) -> bytes:
        """Pattern of the delimiter."""
        return re.escape(self.delimiter.encode())

    @cached_property
    def fields(self) -> re.Pattern[bytes]:
        """Pattern of as many fields as there are, without the line end."""
        return re.compile(rb"%b(?:%b%b)*+" % (self.field, self.separator, self.field))

    @cached_property
    def end(self) -> bytes:
        """The line end."""
        return self.newline.encode()

    def record(self, width: int) -> bytes:
        """Pattern of a record of ``width`` fields, without the line end."""
        return rb"%b(?:%b%b){%d}+" % (self.field, self.separator, self.field, width - 1)

    @cached_property
    def _cut(self) -> re.Pattern[bytes]:
        return re.compile(rb"(%b)(?:%b|\Z)" % (self.field, self.separator))

    def raw(self, record: bytes) -> list[bytes]:
        """The fields of a record as they stand there."""
        if b'"' not in record:
            return record.split(self.delimiter.encode())
        fields, position = [], 0
        while match := self._cut.match(record, position):
            fields.append(match[1])
            if match.end() == match.end(1):
                break
            position = match.end()
        return fields

    def split(self, record: bytes) -> list[str]:
        """The fields of a record, unquoted; bytes that are no UTF-8 become U+FFFD."""
        if b'"' not in record:
            return record.decode("utf-8", "replace").split(self.delimiter)
        return [self._unquoted(field).decode("utf-8", "replace") for field in self.raw(record)]

    def _unquoted(self, field: bytes) -> bytes:
        if not field.startswith(b'"'):
            return field
        return field[1:-1].replace(self.escape.encode() + b'"', b'"')


def leading(sample: bytes, dialect: Dialect, limit: int) -> Iterator[bytes]:
    """Up to ``limit`` records from the start of ``sample`` that end in it, empty lines left out."""
    position = 0
    while limit > 0 and (match := dialect.fields.match(sample, position)):
        if not sample.startswith(dialect.end, match.end()):
            return
        if match.end() > position:
            limit -= 1
            yield match[0]
        position = match.end() + len(dialect.end)


def count_records(stream: BinaryIO, dialect: Dialect, width: int) -> int:
    """The number of records of ``stream``, a header included, each of ``width`` fields.

    Raises:
        UnreadableData: it breaks the grammar; with the line (from 1) on which the record starts.
        UnsupportedData: no UTF-8, NUL bytes, more than one kind of line end, a record over ``MAX_RECORD``.
    """
    return _Checker(dialect, width).run(stream)


def quoted_fields(stream: BinaryIO, dialect: Dialect, width: int, texts: Iterable[str]) -> set[tuple[int, str]]:
    """(position, text) of the ``texts`` that stand between quotes as a whole field somewhere in a checked file."""
    fields = {b'"%b"' % text.encode(): text for text in texts}
    anywhere = re.compile(b"|".join(map(re.escape, fields)))
    record = re.compile(rb"%b|%b%b" % (dialect.end, dialect.record(width), dialect.end))
    found: set[tuple[int, str]] = set()
    for run in _runs(stream, record, dialect.end):
        if anywhere.search(run):
            for match in record.finditer(run):
                if anywhere.search(match[0]):
                    raw = dialect.raw(match[0].removesuffix(dialect.end))
                    found.update((place, fields[field]) for place, field in enumerate(raw) if field in fields)
    return found


def _runs(stream: BinaryIO, record: re.Pattern[bytes], end: bytes) -> Iterator[bytes]:
    """Pieces of a file of whole records, the last one ended."""
    records = re.compile(rb"(?:%b)*+" % record.pattern)
    rest = stream.read(_CHUNK).removeprefix(BOM)
    while chunk := stream.read(_CHUNK):
        run = records.match(rest)
        cut = run.end() if run else 0
        yield rest[:cut]
        rest = rest[cut:] + chunk
    yield rest if rest.endswith(end) else rest + end


class _Checker:
    """Cuts a stream into records, a chunk at a time; holds what is left of the last one."""

    def __init__(self, dialect: Dialect, width: int) -> None:
        self.dialect, self.width = dialect, width
        record = dialect.record(width)
        self.record = re.compile(rb"%b|%b%b" % (dialect.end, record, dialect.end))
        self.run_of_records = re.compile(rb"(?:%b)*+" % self.record.pattern)
        self.last_record = re.compile(rb"%b\Z" % record)
        self.bytes = Utf8Check()
        self.line = 1  # line on which ``rest`` starts
        self.rest = b""
        self.records = 0

    def run(self, stream: BinaryIO) -> int:
        chunk = stream.read(_CHUNK)
        if chunk.startswith(BOM):
            chunk = chunk[len(BOM) :] or stream.read(_CHUNK)
        while chunk:
            self._check_bytes(chunk)
            self.rest += chunk
            self._take_records()
            self._diagnose(final=False)
            chunk = stream.read(_CHUNK)
        self._finish()
        return self.records

    def _check_bytes(self, chunk: bytes) -> None:
        self.bytes.look(chunk)
        if (position := chunk.find(b"\0")) >= 0:
            raise UnsupportedData(f"line {self._line_of(chunk, position)} holds a NUL byte")

    def _line_of(self, chunk: bytes, position: int) -> int:
        return self.line + self._line_ends(self.rest) + self._line_ends(chunk[: max(position, 0)])

    def _line_ends(self, data: bytes) -> int:
        return data.count(b"\n")

    def _take_records(self) -> None:
        run = self.run_of_records.match(self.rest)
        end = run.end() if run else 0
        taken = self.rest[:end]
        records: list[bytes] = self.record.findall(taken)
        self.records += len(records) - (records.count(self.dialect.end) if self.width > 1 else 0)
        self.line += self._line_ends(taken)
        self.rest = self.rest[end:]

    def _finish(self) -> None:
        self.bytes.look(b"", final=True)
        if not self.rest:
            return
        if not self.last_record.match(self.rest):
            self._diagnose(final=True)
        self.records += 1

    def _diagnose(self, final: bool) -> None:
        """Nothing if ``rest`` is the beginning of a record; otherwise what is wrong with it."""
        if not self.rest:
            return
        match = self.dialect.fields.match(self.rest)
        stop = match.end() if match else 0
        after = self.rest[stop : stop + 2]
        if after.startswith(self.dialect.end) or (final and not after):
            found = len(self.dialect.split(self.rest[:stop]))
            raise UnreadableData(f"line {self.line} has {found} fields instead of {self.width}")
        if after == b"\r" and self.dialect.newline == "\r\n" and not final:
            return
        if after[:1] in (b"\r", b"\n"):
            raise UnsupportedData(f"line {self.line} ends in another way than the first line (\\n or \\r\\n)")
        if after:
            self._diagnose_quote(stop, final)
        if len(self.rest) > MAX_RECORD:
            raise UnsupportedData(f"the record at line {self.line} is longer than {MAX_RECORD >> 20} MiB")

    def _diagnose_quote(self, stop: int, final: bool) -> None:
        """``rest`` goes on at ``stop`` with no delimiter and no line end, or with a field that is none."""
        start = stop + 1 if self.rest[stop : stop + 1] == self.dialect.delimiter.encode() else stop
        opened = self.rest[start:].lstrip(b" ")
        if start == stop and stop > 0:
            raise UnreadableData(f"line {self.line} has text after a closing quote")
        if not self.rest.startswith(b'"', start) and opened.startswith(b'"'):
            raise UnsupportedData(f"line {self.line} has a space before an opening quote")
        if self.dialect.escape == "\\" and re.match(rb'"(?:[^"\\]|\\")*+\\[^"]', self.rest[start:]):
            raise UnsupportedData(f"line {self.line} has a backslash that can be read in two ways")
        if final:
            raise UnreadableData(f"line {self.line} opens a quote that is never closed")
