"""Text files as they are written: encoding, compression, what stands at the start and between records."""

from __future__ import annotations

import codecs
import gzip
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, cast

import pyarrow as pa
import pyarrow.compute as pc

from r2d2.lake.csv_grammar import BOM
from r2d2.lake.text_encoding import UTF_8

_MARKS = {"utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}
_LEVEL = 6


class TextFile:
    """A file of records, framed as the identity part of a header says (``headers_text``)."""

    def __init__(self, frame: Mapping[str, Any], path: Path) -> None:
        self._frame = frame
        self._end = frame["newline"].encode("ascii")
        self._compressed = frame["compression"] == "gzip"
        self._raw = path.open("wb")
        packed = gzip.GzipFile("", "wb", _LEVEL, self._raw, mtime=0) if self._compressed else self._raw
        self._stream = cast(BinaryIO, packed)
        self._any = False
        self._start()

    def write(self, records: pa.Array) -> None:
        """Adds records: LARGE_STRING without NULL, without line ends."""
        if not len(records):
            return
        end = pa.scalar(self._frame["newline"], pa.large_string())
        lines = pc.binary_join_element_wise(records, pa.scalar("", pa.large_string()), end)
        _, offsets, data = lines.buffers()
        first, last = (lines.offset, lines.offset + len(lines))
        places = memoryview(offsets).cast("q")
        text = memoryview(data or b"")[places[first] : places[last] - len(self._end)]
        self._put(text)

    def close(self) -> None:
        """Ends the file."""
        if self._any and self._frame["last_newline"]:
            self._encoded(self._end)
        self._encoded(self._frame.get("after", "").encode("ascii"))
        self._stream.close()
        self._raw.close()

    def _start(self) -> None:
        encoding = self._frame["encoding"]
        if encoding != UTF_8:
            self._stream.write(_MARKS[encoding])
        elif self._frame["bom"]:
            self._stream.write(BOM)
        self._encoded(self._frame.get("before", "").encode("ascii"))
        if self._frame["header"] is not None:
            self._put(memoryview(self._frame["header"].encode("utf-8", "surrogateescape")))

    def _put(self, text: memoryview) -> None:
        if self._any:
            self._encoded(self._end)
        self._encoded(text)
        self._any = True

    def _encoded(self, text: bytes | memoryview) -> None:
        encoding = self._frame["encoding"]
        self._stream.write(text if encoding == UTF_8 else bytes(text).decode("utf-8").encode(encoding))
