"""A Parquet file's footer, field by field.

Written here because no library shows all of it: pyarrow hides which of the two generations of statistics it read and
whether they are exact, joins paths with dots, and interprets lists before one can look at them; DuckDB renders values
as text. The footer is a Thrift compact structure; what is not needed is decoded and dropped. Sizes come from
strangers, so every read is checked against the bytes that are there.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from r2d2.errors import UnreadableData

REQUIRED, OPTIONAL, REPEATED = 0, 1, 2

_MAGIC = b"PAR1"
_MAGIC_ENCRYPTED = b"PARE"
_TAIL = 8
FIRST_READ = 64 * 1024
_DEEPEST = 24  # of Thrift structures in each other; a Parquet footer has 8
_PHYSICAL = ("BOOLEAN", "INT32", "INT64", "INT96", "FLOAT", "DOUBLE", "BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY")

#: A decoded Thrift structure: field number → value.
_Struct = dict[int, Any]
_T = TypeVar("_T")


@dataclass(frozen=True)
class SchemaElement:
    """One node of the schema tree.

    Attributes:
        physical: physical type, empty for a group.
        logical: member number of the LogicalType union → its fields, None where there is none.
        converted: number of the older ConvertedType, None where there is none.
        repetition: ``REQUIRED``, ``OPTIONAL`` or ``REPEATED``.
        field_id: number that table formats know it by, None where there is none.
    """

    name: str
    physical: str
    length: int
    repetition: int
    converted: int | None
    scale: int | None
    precision: int | None
    logical: tuple[int, Mapping[int, Any]] | None
    children: tuple[SchemaElement, ...]
    field_id: int | None = None


@dataclass(frozen=True)
class Statistics:
    """Of one column chunk. ``low`` and ``high`` are raw bytes; ``ordered`` says that they are the newer fields, whose
    order the format defines; ``low_exact`` and ``high_exact`` are None where the writer does not say."""

    nulls: int | None
    low: bytes | None
    high: bytes | None
    ordered: bool
    low_exact: bool | None
    high_exact: bool | None


@dataclass(frozen=True)
class Chunk:
    """A column of a row group, in the order of the schema's primitive columns."""

    values: int
    codec: int
    statistics: Statistics | None
    encodings: tuple[int, ...] = ()


@dataclass(frozen=True)
class Footer:
    """What the footer says.

    Attributes:
        row_groups: (rows, chunks) of each.
        keys: key-value metadata.
        type_ordered: whether each primitive column's statistics follow the order that the format defines for its type.
        bytes: length of the footer.
    """

    root: SchemaElement
    rows: int
    row_groups: tuple[tuple[int, tuple[Chunk, ...]], ...]
    keys: Mapping[str, str]
    created_by: str
    type_ordered: tuple[bool, ...]
    bytes: int = 0


def read_footer(path: Path) -> Footer:
    """The footer of ``path``, which is read from its end only.

    Raises:
        UnreadableData: empty, truncated, not Parquet, encrypted or damaged.
        OSError: the file can't be opened or read.
    """
    raw, data_end = _footer_bytes(path)
    try:
        top = _Decoder(raw).structure(0)
        return replace(_footer(top, data_end), bytes=len(raw) + _TAIL)
    except (IndexError, KeyError, TypeError, ValueError, struct.error, RecursionError) as error:
        raise UnreadableData(f"damaged Parquet footer ({_detail(error)})") from error


def _detail(error: Exception) -> str:
    return str(error) if type(error) is ValueError and str(error) else "it does not decode"


def end_needed(end: bytes, size: int) -> int:
    """How many bytes of a file's end ``read_footer`` looks at; 0 where it looks at the start for want of a footer.

    Args:
        end: its last bytes, up to ``FIRST_READ``.
        size: of the file.
    """
    if end[-4:] != _MAGIC:
        return len(end) if end[-4:] == _MAGIC_ENCRYPTED else 0
    length = int.from_bytes(end[-_TAIL:-4], "little") + _TAIL
    return length if length <= size else len(end)


def _footer_bytes(path: Path) -> tuple[bytes, int]:
    """The footer and the offset at which it starts."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        if size == 0:
            raise UnreadableData("the file is empty (0 bytes)")
        if size < len(_MAGIC) + _TAIL:
            raise UnreadableData(f"not a Parquet file: only {size} bytes")
        file.seek(max(0, size - FIRST_READ))
        tail = file.read(FIRST_READ)
        if tail[-4:] == _MAGIC_ENCRYPTED:
            raise UnreadableData("encrypted Parquet footer; R2D2 has no keys")
        length = int.from_bytes(tail[-_TAIL:-4], "little")
        if tail[-4:] != _MAGIC:
            file.seek(0)
            started = file.read(4) in (_MAGIC, _MAGIC_ENCRYPTED)
            raise UnreadableData("truncated Parquet file: no footer at its end" if started else "not a Parquet file")
        start = size - _TAIL - length
        if length == 0 or start < len(_MAGIC):
            raise UnreadableData(f"damaged Parquet footer: its length is given as {length} of {size} bytes")
        if length + _TAIL > len(tail):
            file.seek(start)
            return file.read(length), start
        return tail[-_TAIL - length : -_TAIL], start


def _field(fields: _Struct, number: int, kind: type[_T]) -> _T:
    """A field that must be there. A stranger's footer may hold anything under any number, so types are checked."""
    value = fields.get(number)
    if not isinstance(value, kind):
        raise ValueError(f"field {number} is missing or of another type")  # noqa: TRY004  # the file's, not the code's
    return value


def _maybe(fields: _Struct, number: int, kind: type[_T]) -> _T | None:
    return _field(fields, number, kind) if number in fields else None


def _structures(fields: _Struct, number: int) -> list[_Struct]:
    """A field that is a list of structures; empty where it is missing."""
    found = _maybe(fields, number, list) or []
    if not all(isinstance(item, dict) for item in found):
        raise ValueError(f"field {number} is no list of structures")
    return found


def _footer(top: _Struct, data_end: int) -> Footer:
    if 8 in top:
        raise UnreadableData("encrypted Parquet file with a readable footer; R2D2 has no keys")
    elements = _SchemaReader(_structures(top, 2))
    root = elements.tree()
    leaves = elements.primitives
    groups = tuple(_row_group(group, leaves, data_end) for group in _structures(top, 4))
    rows = _field(top, 3, int)
    if sum(found for found, _ in groups) != rows:
        raise ValueError("its row count is not that of its row groups")
    orders = _structures(top, 7)
    ordered = tuple(1 in order for order in orders) if len(orders) == leaves else (False,) * leaves
    keys = {_text(_field(pair, 1, bytes)): _text(_maybe(pair, 2, bytes)) for pair in _structures(top, 5)}
    return Footer(root, rows, groups, keys, _text(_maybe(top, 6, bytes)), ordered)


def _row_group(group: _Struct, leaves: int, data_end: int) -> tuple[int, tuple[Chunk, ...]]:
    rows = _field(group, 3, int)
    chunks = tuple(_chunk(chunk, data_end) for chunk in _structures(group, 1))
    if len(chunks) != leaves or rows < 0:
        raise ValueError("a row group does not fit the schema")
    return rows, chunks


def _chunk(chunk: _Struct, data_end: int) -> Chunk:
    if 8 in chunk or 9 in chunk:
        raise UnreadableData("encrypted Parquet columns; R2D2 has no keys")
    if chunk.get(1):
        raise UnreadableData("a column lies in another file, which R2D2 does not follow")
    meta: _Struct = _field(chunk, 3, dict)
    size, values = _field(meta, 7, int), _field(meta, 5, int)
    starts = [offset for offset in (_field(meta, 9, int), _maybe(meta, 11, int) or 0) if offset > 0]
    if size < 0 or (values > 0 and (not starts or min(starts) + size > data_end)):
        raise ValueError("a column lies beyond the end of the data: the file is truncated or was rewritten in part")
    encodings = _maybe(meta, 2, list) or []
    if not all(isinstance(encoding, int) for encoding in encodings):
        raise ValueError("field 2 is no list of encodings")
    return Chunk(values, _field(meta, 4, int), _statistics(_maybe(meta, 12, dict)), tuple(encodings))


def _statistics(raw: _Struct | None) -> Statistics | None:
    if raw is None:
        return None
    ordered = 5 in raw and 6 in raw
    low, high = (6, 5) if ordered else (2, 1)
    exact = _maybe(raw, 8, bool), _maybe(raw, 7, bool)
    return Statistics(_maybe(raw, 3, int), _maybe(raw, low, bytes), _maybe(raw, high, bytes), ordered, *exact)


def _text(raw: bytes | None) -> str:
    return (raw or b"").decode("utf-8", errors="replace")


class _SchemaReader:
    """Builds the tree from the flat list, without recursion: depth is a stranger's choice."""

    def __init__(self, elements: list[_Struct]) -> None:
        self._elements = elements
        self.primitives = 0

    def tree(self) -> SchemaElement:
        # Backwards, so that a group finds its finished children on top of the stack.
        done: list[SchemaElement] = []
        for index in range(len(self._elements) - 1, -1, -1):
            raw = self._elements[index]
            count = _maybe(raw, 5, int) or 0
            if not 0 <= count <= len(done):
                raise ValueError("its schema is no tree")
            children = tuple(done[len(done) - 1 - i] for i in range(count))
            del done[len(done) - count :]
            # the root of a file without columns has no type either, and is no column
            self.primitives += not count and index > 0
            done.append(_element(raw, children))
        if len(done) != 1:
            raise ValueError("its schema is no tree")
        return done[0]


def _element(raw: _Struct, children: tuple[SchemaElement, ...]) -> SchemaElement:
    union: _Struct = _maybe(raw, 10, dict) or {}
    logical = next(((number, value if isinstance(value, dict) else {}) for number, value in union.items()), None)
    try:
        name = _field(raw, 4, bytes).decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError("a column's name is not UTF-8") from error
    return SchemaElement(
        name=name,
        physical="" if children or 1 not in raw else _physical(_field(raw, 1, int)),
        length=_maybe(raw, 2, int) or 0,
        repetition=_maybe(raw, 3, int) or REQUIRED,
        converted=_maybe(raw, 6, int),
        scale=_maybe(raw, 7, int),
        precision=_maybe(raw, 8, int),
        logical=logical,
        children=children,
        field_id=_maybe(raw, 9, int),
    )


def _physical(number: int) -> str:
    if not 0 <= number < len(_PHYSICAL):
        raise ValueError(f"unknown physical type {number}")
    return _PHYSICAL[number]


class _Decoder:
    """Thrift compact protocol: structures become {field number: value}, binaries stay bytes.

    A footer holds some 40 values a column: the frequent ones, short numbers and texts, are decoded in place.
    """

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._at = 0

    def structure(self, depth: int) -> _Struct:
        if depth > _DEEPEST:
            raise ValueError("it is nested too deep")
        raw, at, number = self._raw, self._at, 0
        fields: _Struct = {}
        while head := raw[at]:
            at += 1
            kind = head & 0x0F
            if head >> 4:
                number += head >> 4
            else:
                self._at = at
                number, at = self._zigzag(), self._at
            if kind in (1, 2):
                fields[number] = kind == 1
            elif kind in (5, 6) and (short := raw[at]) < 0x80:
                fields[number] = (short >> 1) ^ -(short & 1)
                at += 1
            else:
                self._at = at
                fields[number], at = self._value(kind, depth), self._at
        self._at = at + 1
        return fields

    def _value(self, kind: int, depth: int) -> Any:
        if kind in (4, 5, 6):
            return self._zigzag()
        if kind == 8:
            return self._bytes(self._varint())
        if kind == 12:
            return self.structure(depth + 1)
        if kind in (9, 10):
            return self._list(depth + 1)
        if kind in (1, 2, 3):  # a boolean in a list, or a byte
            value = self._raw[self._at]
            self._at += 1
            return value == 1 if kind != 3 else value - 256 * (value > 127)
        if kind == 7:
            return struct.unpack("<d", self._bytes(8))[0]
        if kind == 11:
            return self._map(depth + 1)
        raise ValueError(f"unknown field type {kind}")

    def _list(self, depth: int) -> list[Any]:
        head = self._raw[self._at]
        self._at += 1
        kind, size = head & 0x0F, head >> 4
        if size == 15:
            size = self._varint()
        if size > len(self._raw) - self._at:  # every element takes a byte at least
            raise ValueError("a list is longer than the footer")
        if kind == 12:
            return [self.structure(depth + 1) for _ in range(size)]
        return [self._value(kind, depth) for _ in range(size)]

    def _map(self, depth: int) -> dict[Any, Any]:
        size = self._varint()
        if size == 0:
            return {}
        if size > len(self._raw) - self._at:
            raise ValueError("a map is longer than the footer")
        kinds = self._raw[self._at]
        self._at += 1
        pairs = [(self._value(kinds >> 4, depth), self._value(kinds & 0x0F, depth)) for _ in range(size)]
        return dict(pairs)

    def _bytes(self, size: int) -> bytes:
        end = self._at + size
        if end > len(self._raw):
            raise ValueError("a text runs beyond its end")
        value = self._raw[self._at : end]
        self._at = end
        return value

    def _zigzag(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)

    def _varint(self) -> int:
        raw, at = self._raw, self._at
        value, shift = raw[at] & 0x7F, 0
        while raw[at] >= 0x80:
            at += 1
            shift += 7
            if shift > 63:
                raise ValueError("a number is longer than 64 bits")
            value |= (raw[at] & 0x7F) << shift
        self._at = at + 1
        return value
