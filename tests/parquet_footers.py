"""Footers that no writer here makes: those of pyarrow changed; Thrift, decoded with its types, and encoded again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

#: Field number → (type, content).
Footer = dict[int, Any]


def decode_footer(raw: bytes) -> Footer:
    at = 0

    def varint() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = raw[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    def take(size: int) -> bytes:
        nonlocal at
        at += size
        return raw[at - size : at]

    def value(kind: int) -> Any:
        if kind in (4, 5, 6):
            number = varint()
            return kind, (number >> 1) ^ -(number & 1)
        if kind == 9:
            head = take(1)[0]
            size = head >> 4 if head >> 4 < 15 else varint()
            return kind, (head & 15, [value(head & 15) for _ in range(size)])
        return kind, structure() if kind == 12 else take(varint() if kind == 8 else 8 if kind == 7 else 1)

    def structure() -> Footer:
        fields: Footer = {}
        number = 0
        while (head := take(1)[0]) != 0:
            number = number + (head >> 4) if head >> 4 else value(4)[1]
            fields[number] = (head & 15, None) if head & 15 in (1, 2) else value(head & 15)
        return fields

    return structure()


def encode_footer(footer: Footer) -> bytes:
    out = bytearray()

    def varint(number: int) -> None:
        while number > 127:
            out.append(number & 127 | 128)
            number >>= 7
        out.append(number)

    def value(kind: int, content: Any) -> None:
        if kind in (4, 5, 6):
            varint(content * 2 if content >= 0 else -content * 2 - 1)
        elif kind == 9:
            element, items = content
            out.append(0xF0 | element)
            varint(len(items))
            for item in items:
                value(*item)
        elif kind == 12:
            structure(content)
        else:
            if kind == 8:
                varint(len(content))
            out.extend(content)

    def structure(fields: Footer) -> None:
        for number in sorted(fields):
            kind, content = fields[number]
            out.append(kind)
            value(4, number)
            if kind not in (1, 2):
                value(kind, content)
        out.append(0)

    structure(footer)
    return bytes(out)


def with_footer(table: pa.Table, path: Path, change: Callable[[Footer], None], int96: bool = False) -> Path:
    """A file of the table whose footer was changed; with ``int96`` its timestamps are of that type."""
    pq.write_table(table, path, store_schema=False, use_deprecated_int96_timestamps=int96)
    raw = path.read_bytes()
    size = int.from_bytes(raw[-8:-4], "little")
    footer = decode_footer(raw[-8 - size : -8])
    change(footer)
    encoded = encode_footer(footer)
    path.write_bytes(raw[: -8 - size] + encoded + len(encoded).to_bytes(4, "little") + b"PAR1")
    return path


def column_statistics(footer: Footer, column: int = 0, row_group: int = 0) -> Footer:
    """Statistics of a column chunk: 3 null count, 5 and 6 the newer max and min, 7 and 8 whether those are exact."""
    chunk = footer[4][1][1][row_group][1][1][1][1][column]
    found: Footer = chunk[1][3][1][12][1]
    return found
