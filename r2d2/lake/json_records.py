"""The records of a JSON file, one at a time: an array of objects, or one object a line (EXACTNESS 4)."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

from r2d2.errors import UnreadableData, UnsupportedData
from r2d2.lake.gzip_text import opened
from r2d2.lake.json_canonical import DECODER, BadJson, check, parse
from r2d2.lake.text_encoding import Utf8Check, not_utf8

#: Characters of one record of an array, bytes of one line.
MAX_RECORD = 64 * 1024 * 1024

_CHUNK = 1024 * 1024
_SPACE = re.compile(r"[ \t\r\n]*")
_KINDS = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}


def shape_of(path: Path, compressed: bool) -> str:
    """``array`` or ``lines``, by the first character.

    Raises:
        UnsupportedData: an empty file, or neither a list nor an object.
        UnreadableData: damaged gzip.
    """
    with opened(path, compressed) as stream:
        start = stream.read(_CHUNK)
    start = start.removeprefix(codecs.BOM_UTF8).lstrip(b" \t\r\n")
    if not start:
        raise UnsupportedData("empty file")
    if start[:1] not in (b"[", b"{"):
        raise UnsupportedData("neither a JSON list of records nor a JSON record on each line")
    return "array" if start[:1] == b"[" else "lines"


def records(path: Path, compressed: bool, shape: str) -> Iterator[dict[str, Any]]:
    """Every record, its numbers as ``json_canonical.Number``.

    Raises:
        UnreadableData: malformed JSON or damaged gzip; with the line, or the number of the record (from 1).
        UnsupportedData: a record that is no object, a repeated key, half of a surrogate pair, no UTF-8.
    """
    with opened(path, compressed) as stream:
        yield from _array(stream) if shape == "array" else _lines(stream)


def _lines(stream: BinaryIO) -> Iterator[dict[str, Any]]:
    number = 0
    while line := stream.readline(MAX_RECORD + 1):
        number += 1
        if len(line) > MAX_RECORD:
            raise UnsupportedData(f"line {number} is longer than {MAX_RECORD >> 20} MiB")
        if number == 1:
            line = line.removeprefix(codecs.BOM_UTF8)
        if not line.strip(b" \t\r\n"):
            continue
        try:
            yield _checked(parse(line.decode()))
        except UnicodeDecodeError:
            raise not_utf8(number) from None
        except BadJson as error:
            raise UnreadableData(f"line {number} {error}") from None


def _checked(record: Any) -> dict[str, Any]:
    if isinstance(record, dict):
        return record
    raise BadJson(f"is {_KINDS.get(type(record), 'a number')}, not an object")


def _array(stream: BinaryIO) -> Iterator[dict[str, Any]]:
    text = _Text(stream)
    text.skip("[")
    number = 1
    if text.peek() == "]":
        text.skip("]")
    else:
        yield text.record(number)
        while (mark := text.peek()) == ",":
            number += 1
            text.skip(",")
            yield text.record(number)
        if mark != "]":
            raise UnreadableData(f"record {number} is followed by neither a comma nor the end of the list")
        text.skip("]")
    if text.peek():
        raise UnreadableData("more text follows after the end of the list")


class _Text:
    """The characters of a stream from a position on; reads on when they run out."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream = stream
        self.bytes = Utf8Check()
        self.text, self.position, self.started, self.ended = "", 0, False, False

    def peek(self) -> str:
        """The next character that is no space; empty at the end."""
        while True:
            match = _SPACE.match(self.text, self.position)
            self.position = match.end() if match else self.position
            if self.position < len(self.text) or not self._more(_CHUNK):
                return self.text[self.position : self.position + 1]

    def skip(self, mark: str) -> None:
        """Goes past ``mark``, which is known to come next."""
        assert self.peek() == mark
        self.position += 1

    def record(self, number: int) -> dict[str, Any]:
        """The object that comes next."""
        size = _CHUNK
        mark = self.peek()
        if mark != "{":
            problem = "is missing" if mark in ("", "]", ",") else "is not an object"
            raise UnsupportedData(f"record {number} of the list {problem}: not a list of records")
        while True:
            try:
                value, end = DECODER.raw_decode(self.text, self.position)
                check(self.text[self.position : end], value)
            except json.JSONDecodeError as error:
                if len(self.text) - self.position > MAX_RECORD or not self._more(size):
                    raise UnreadableData(f"record {number} is no valid JSON ({error.msg})") from None
                size *= 2
            except BadJson as error:
                raise UnreadableData(f"record {number} {error}") from None
            except RecursionError:
                raise UnreadableData(f"record {number} is nested too deeply") from None
            else:
                self.position = end
                return cast(dict[str, Any], value)

    def _more(self, size: int) -> bool:
        """Reads on; False at the end."""
        if self.ended:
            return False
        data = self.stream.read(size)
        self.ended = not data
        decoded = self.bytes.look(data, final=self.ended)
        if not self.started and decoded:
            self.started, decoded = True, decoded.removeprefix("\ufeff")
        self.text, self.position = self.text[self.position :] + decoded, 0
        return True
