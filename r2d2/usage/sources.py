"""Files of logs: found, unpacked, read line by line; what is wrong with them is kept by file and line.

A line is read into memory as a whole, so its length is limited; nothing else grows with the size of a log.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, BinaryIO, NamedTuple, cast

from r2d2.catalog.listing import Problem
from r2d2.errors import LakeError
from r2d2.lake.file_tree import shown
from r2d2.lake.storage import absolute, storage_for
from r2d2.lake.urls import without_credentials

#: Bytes of one line, or of one record of JSON.
MAX_LINE = 16 * 1024 * 1024
#: Characters of a name that are kept.
_LONGEST_NAME = 500
_MAGIC = b"\x1f\x8b"
_DAMAGED = (EOFError, gzip.BadGzipFile, zlib.error)
_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
_HINT = "repair or remove it; until then what this source does not mention is unknown, not unused"


class Line(NamedTuple):
    """One line of a log, without its end, and where it stands."""

    path: str
    number: int
    text: str


@dataclass
class _Bad:
    """Bad lines of one file: the first, and how many."""

    number: int
    why: str
    count: int = 1


class Faults:
    """What is wrong with the files of one source."""

    def __init__(self, setting: str) -> None:
        self.setting = setting
        self._files: dict[str, str] = {}
        self._lines: dict[str, _Bad] = {}

    def __bool__(self) -> bool:
        return bool(self._files or self._lines)

    def file(self, path: str, why: str) -> None:
        """A file that can't be used, or not to its end."""
        self._files.setdefault(path, why)

    def line(self, path: str, number: int, why: str) -> None:
        """A line that can't be used."""
        if path in self._lines:
            self._lines[path].count += 1
        else:
            self._lines[path] = _Bad(number, why)

    def problems(self) -> Iterator[Problem]:
        """All of them, one for each file and kind."""
        for path, why in self._files.items():
            yield Problem(_shown(path), f"usage.{self.setting}: {_shown(why)}", _HINT)
        for path, bad in self._lines.items():
            more = f" (and {bad.count - 1:,} more such lines)" if bad.count > 1 else ""
            yield Problem(_shown(path), f"usage.{self.setting}: line {bad.number}: {_shown(bad.why)}{more}", _HINT)


def _shown(text: str) -> str:
    return shown(without_credentials(text))


def files(entries: Sequence[str], faults: Faults) -> Iterator[str]:
    """The files that a setting names: files as they are, of directories what is below, sorted by name.

    Names that start with ``.`` or ``_`` are what engines leave beside their files, and are left out.
    """
    for entry in entries:
        root = absolute(entry)
        try:
            tree = storage_for(root).tree(root, [root])
        except (OSError, LakeError, ValueError) as error:
            faults.file(entry, f"can't be read: {getattr(error, 'strerror', None) or error}")
            continue
        for unlisted in tree.unlisted:
            faults.file(f"{entry}/{unlisted.name}", unlisted.reason)
        for found in tree.files:
            if tree.is_file or not any(part.startswith((".", "_")) for part in found.name.split("/")):
                yield found.stat.path


def chunks(path: str, faults: Faults, size: int = 1024 * 1024) -> Iterator[bytes]:
    """The bytes of a file, unpacked where it is gzip; ends at what can't be read."""
    try:
        with storage_for(path).open(path) as raw:
            stream = _unpacked(raw)
            while chunk := stream.read(size):
                yield chunk
    except (*_DAMAGED, OSError, LakeError) as error:
        faults.file(path, _reason(error))


def lines(path: str, faults: Faults) -> Iterator[Line]:
    """The lines of a file that are not blank; ends at what can't be read."""
    number = 0
    try:
        with storage_for(path).open(path) as raw:
            stream = _unpacked(raw)
            while line := stream.readline(MAX_LINE):
                number += 1
                if len(line) == MAX_LINE and not line.endswith(b"\n"):
                    faults.line(path, number, f"it is longer than {MAX_LINE:,} bytes")
                    _skip_line(stream)
                elif text := line.decode("utf-8", "backslashreplace").strip("\r\n"):
                    yield Line(path, number, text)
    except (*_DAMAGED, OSError, LakeError) as error:
        faults.file(path, f"{_reason(error)} after line {number}")


def _unpacked(raw: BinaryIO) -> io.BufferedReader:
    head = raw.read(len(_MAGIC))
    raw.seek(0)
    stream = gzip.GzipFile(fileobj=raw) if head == _MAGIC else raw
    return io.BufferedReader(cast(io.RawIOBase, stream), 1024 * 1024)


def _skip_line(stream: io.BufferedReader) -> None:
    while (rest := stream.readline(MAX_LINE)) and not rest.endswith(b"\n"):
        pass


def _reason(error: Exception) -> str:
    if isinstance(error, EOFError):
        return "damaged gzip: it ends too early"
    if isinstance(error, _DAMAGED):
        return "damaged gzip: it does not unpack"
    return f"can't be read: {getattr(error, 'strerror', None) or error}"


def csv_rows(path: str, needed: Sequence[str], faults: Faults) -> Iterator[tuple[Line, Mapping[str, str]]]:
    """The rows of a CSV file with a header, each with the line that it ends at; cells without blanks around them."""
    last = Line(path, 0, "")

    def texts() -> Iterator[str]:
        nonlocal last
        for last in lines(path, faults):
            yield f"{last.text}\n"

    rows = _rows(csv.reader(texts()), lambda why: faults.line(path, last.number, why))
    header = [name.strip().lower().removeprefix("\ufeff") for name in next(rows, [])]
    missing = [name for name in needed if name not in header]
    if missing:
        faults.file(path, f"its header lacks {', '.join(missing)}")
        return
    for cells in rows:
        if len(cells) > len(header):
            faults.line(path, last.number, f"it has {len(cells)} cells, the header {len(header)}")
        else:
            cells += [""] * (len(header) - len(cells))
            yield last, {name: cell.strip() for name, cell in zip(header, cells, strict=True)}


def _rows(reader: Iterator[list[str]], wrong: Callable[[str], None]) -> Iterator[list[str]]:
    """The rows that can be read; one that can't, such as a quote that is never closed, ends none but itself."""
    while True:
        try:
            yield next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            wrong(str(error))


def json_lines(path: str, faults: Faults) -> Iterator[tuple[Line, Mapping[str, Any]]]:
    """The objects of a file with one in each line."""
    for line in lines(path, faults):
        try:
            value = json.loads(line.text)
        except (ValueError, RecursionError):
            faults.line(line.path, line.number, "it is not JSON")
            continue
        if isinstance(value, dict):
            yield line, value
        else:
            faults.line(line.path, line.number, "it is not a JSON object")


def whole_json(path: str, faults: Faults) -> Mapping[str, Any] | None:
    """The one object in a file; None if there is none."""
    text = b"".join(chunks(path, faults))
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        faults.file(path, f"it is not JSON: {getattr(error, 'msg', 'nested too deep')}")
        return None
    if not isinstance(value, dict):
        faults.file(path, "it is not a JSON object")
        return None
    return value


def name_of(value: Any) -> str:
    """A name from a log as it is kept: text that every store takes, of bounded length; empty for what is no text."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        return ""
    text = value.strip()
    if not text.isascii():
        text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return text if len(text) <= _LONGEST_NAME else f"{text[: _LONGEST_NAME - 1]}…"


def moment(text: object) -> datetime:
    """A time in ISO format; without a zone it is UTC.

    Raises:
        ValueError: it is none.
    """
    try:
        found = datetime.fromisoformat(str(text).strip())
    except ValueError as error:
        raise ValueError(f"{str(text)[:40]!r} is not a time such as 2026-01-31T08:00:00Z") from error
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def past(found: datetime) -> datetime:
    """A time at which something happened. One far off would stretch the window that reads are divided by.

    Raises:
        ValueError: it is before 1990, or more than a day in the future.
    """
    if not _EARLIEST <= found <= datetime.now(UTC) + timedelta(days=1):
        raise ValueError(f"{found:%Y-%m-%d} can't be when something happened")
    return found
