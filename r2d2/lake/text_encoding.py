"""Encodings of text files: UTF-8 is read as it stands, UTF-16 is brought to UTF-8 first, all else is refused.

UTF-16 is told by its byte order mark and decoded exactly: half of a surrogate pair is refused, not replaced. The copy
in UTF-8 lies in the scratch directory of the task, at discovery and again in each scan, so all checks and readers see
one encoding. Latin-1, Windows-1252 and their like can't be told apart: any bytes are valid in each of them.
"""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from r2d2.errors import UnsupportedData
from r2d2.lake.gzip_text import opened
from r2d2.lake.layout import Reader

UTF_8 = "utf-8"
_MARKS = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
_CHUNK = 1024 * 1024


class Utf8Check:
    """Looks at the bytes of a stream, chunk by chunk."""

    def __init__(self) -> None:
        self.decoder = codecs.getincrementaldecoder(UTF_8)()
        self.line = 1

    def look(self, chunk: bytes, final: bool = False) -> str:
        """The text of the next bytes; what may go on in the following chunk is kept for that.

        Raises:
            UnsupportedData: they are no UTF-8; with the line on which they stand.
        """
        pending = len(self.decoder.getstate()[0])
        try:
            text = self.decoder.decode(chunk, final)
        except UnicodeDecodeError as error:
            raise not_utf8(self.line + chunk.count(b"\n", 0, max(error.start - pending, 0))) from None
        self.line += chunk.count(b"\n")
        return text


def not_utf8(line: int) -> UnsupportedData:
    """The refusal of a file, with what to do about it."""
    advice = "convert the file to UTF-8 (which encoding it has can't be told from its bytes)"
    return UnsupportedData(f"line {line} is not UTF-8; {advice}")


def encoding_of(path: Path, compressed: bool) -> str:
    """``utf-16-le`` or ``utf-16-be`` by the byte order mark, else ``utf-8``, which readers check.

    Raises:
        UnsupportedData: UTF-32, or characters of two or four bytes without a mark.
        UnreadableData: damaged gzip.
    """
    with opened(path, compressed) as stream:
        start = stream.read(4)
    if start in (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE):
        raise UnsupportedData("it is UTF-32 text; convert it to UTF-8")
    if start[:2] in _MARKS:
        return _MARKS[start[:2]]
    if b"\0" in start:
        raise UnsupportedData("line 1 holds NUL bytes: UTF-16 or UTF-32 without a byte order mark; convert it to UTF-8")
    return UTF_8


def to_utf8(path: Path, compressed: bool, encoding: str, target: Path) -> Path:
    """Writes a UTF-16 file as UTF-8, without its byte order mark; gives ``target``.

    Raises:
        UnsupportedData: it is no well-formed UTF-16; with the line.
    """
    decoder = codecs.getincrementaldecoder(encoding)()
    line = 1
    with opened(path, compressed) as stream, target.open("wb") as copy:
        stream.read(2)
        first = True
        while True:
            chunk = stream.read(_CHUNK)
            try:
                text = decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                before = error.object[: error.start].decode(encoding)
                raise UnsupportedData(f"line {line + before.count(chr(10))} is not well-formed UTF-16") from None
            if first and text.startswith("\ufeff"):
                raise UnsupportedData("line 1 starts with two byte order marks")
            first = first and not text
            line += text.count("\n")
            copy.write(text.encode())
            if not chunk:
                return target


def utf8_copies(reader: Reader, paths: Sequence[Path]) -> tuple[Reader, list[Path]]:
    """The files as UTF-8, and how those are read.

    Args:
        paths: generated names in a scratch directory, beside which the copies are put.
    """
    encoding = reader.options.get("encoding", UTF_8)
    if encoding == UTF_8:
        return reader, list(paths)
    compressed = reader.options["compression"] == "gzip"
    copies = [to_utf8(path, compressed, encoding, path.with_name(f"{path.name}.utf8")) for path in paths]
    return replace(reader, options={**reader.options, "encoding": UTF_8, "compression": "none"}), copies
