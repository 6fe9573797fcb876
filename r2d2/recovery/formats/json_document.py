"""A JSON document that is one list of records: the records as they stand there, and what stands around them."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

_CHUNK = 4 * 1024 * 1024
_GAP = re.compile(r"[\[\], \t\r\n]*")
_DECODER = json.JSONDecoder()


@dataclass
class Frame:
    """What stands before the first record, between two of them and after the last one.

    Attributes:
        even: the same stands between all of them, so that the document can be written again.
    """

    before: str = ""
    between: str = ""
    after: str = ""
    even: bool = True


def elements(stream: BinaryIO, start: bytes, frame: Frame) -> Iterator[list[bytes]]:
    """The records of a document that was found to be valid; the frame tells of what is around them when all came.

    Args:
        start: what was read of the stream already.

    Raises:
        json.JSONDecodeError, UnicodeDecodeError: it is not valid any more.
    """
    decode = codecs.getincrementaldecoder("utf-8")()
    text, gap, count, ended = decode.decode(start), "", 0, False
    while not ended:
        data = stream.read(_CHUNK)
        ended = not data
        found, text, gap = _cut(text + decode.decode(data, final=ended), gap, ended)
        for number, (before, _) in enumerate(found, count + 1):
            _note(frame, before, number)
        count += len(found)
        yield [record for _, record in found]
    frame.after = gap


def _cut(text: str, gap: str, ended: bool) -> tuple[list[tuple[str, bytes]], str, str]:
    """The whole records at the start of a text, each with what stands before it; what is left, and what was before."""
    found: list[tuple[str, bytes]] = []
    position = 0
    while True:
        space = _GAP.match(text, position)
        assert space is not None, "the pattern matches nothing, too"
        gap, position = gap + space[0], space.end()
        if position == len(text):
            break
        try:
            _, end = _DECODER.raw_decode(text, position)
        except json.JSONDecodeError:
            if ended:
                raise
            break
        found.append((gap, text[position:end].encode("utf-8")))
        gap, position = "", end
    return found, text[position:], gap


def _note(frame: Frame, gap: str, count: int) -> None:
    """Keeps what stands before the record of a number, from 1."""
    if count == 1:
        frame.before = gap
    elif count == 2:
        frame.between = gap
    elif gap != frame.between:
        frame.even = False
