"""Rows as bytes with all that a file holds of them, and sums of their SHA-256 (DELETION 3).

Equal data may differ here: floats count by their bits (-0.0, payloads of NaN), times in their own unit, entries of maps
in their order. What kind of value the bytes are is the header's to say, so the encoding need only be unambiguous among
rows of one header:

* A row is the fixed parts of all columns, then their variable parts, both in the order of the schema.
* A column that may be NULL begins with a byte, 1 where there is a value; where there is none its other bytes are 0.
* Numbers, times and the like are the bytes that Arrow holds, decimals the two's complement of their unscaled value in
  8, 16 or 32 bytes; texts and binaries have their length in 8 bytes as fixed and their bytes as variable part.
* A struct is its fields; a list is the number of its elements in 8 bytes, and as variable part its elements, each
  encoded like a row of one column; a map is the list of its entries as they stand.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from r2d2.errors import UnreadableData, UnsupportedData
from r2d2.recovery.formats.map_order import as_lists

#: Sums of digests are taken modulo this.
MODULUS = 1 << 256
_SHORT_DECIMAL = 18
_LENGTH = 8
_NOTHING = pa.scalar(b"", pa.large_binary())

_Array = npt.NDArray[Any]


@dataclass
class _Parts:
    """What the columns of a batch give: fixed parts as arrays of one item a row, variable ones as binaries."""

    rows: int
    fixed: list[_Array] = field(default_factory=list)
    variable: list[pa.Array] = field(default_factory=list)


def encoded_rows(columns: Sequence[pa.Array], fields: Sequence[pa.Field], rows: int) -> pa.Array:
    """Each row as a LARGE_BINARY, never NULL.

    Raises:
        UnsupportedData: a column is of a type that has no encoding.
    """
    parts = _Parts(rows)
    for column, of in zip(columns, fields, strict=True):
        _add(parts, column, of.type, of.nullable)
    return _joined(parts)


def sum_of_binaries(rows: pa.Array) -> int:
    """The sum, modulo ``MODULUS``, of the SHA-256 of binaries without NULL."""
    _, offsets, data = rows.buffers()
    if not len(rows):
        return 0
    places = np.frombuffer(offsets, np.int64)[rows.offset : rows.offset + len(rows) + 1].tolist()
    held, sha256 = memoryview(data or b""), hashlib.sha256
    return sum_of_digests([sha256(held[start:stop]).digest() for start, stop in pairwise(places)])


def sum_of_digests(digests: Sequence[bytes]) -> int:
    """The sum of SHA-256 digests as numbers, the most significant byte first, modulo ``MODULUS``."""
    words = np.frombuffer(b"".join(digests), ">u4").reshape(-1, 8).sum(axis=0, dtype=np.uint64)
    return sum(int(word) << 32 * (7 - place) for place, word in enumerate(words)) % MODULUS


def _joined(parts: _Parts) -> pa.Array:
    kinds = np.dtype([(f"f{i}", values.dtype) for i, values in enumerate(parts.fixed)])
    table = np.empty(parts.rows, kinds)
    for i, values in enumerate(parts.fixed):
        table[f"f{i}"] = values
    places = pa.py_buffer(np.arange(parts.rows + 1, dtype=np.int64) * kinds.itemsize)
    fixed = pa.Array.from_buffers(pa.large_binary(), parts.rows, [None, places, pa.py_buffer(table)])
    if not parts.variable:
        return fixed
    return pc.binary_join_element_wise(fixed, *parts.variable, _NOTHING)


def _add(parts: _Parts, array: pa.Array, kind: pa.DataType, nullable: bool) -> None:
    """The parts of one column; ``nullable``: by its schema, or because it stands in a struct that may be NULL."""
    valid = None
    if nullable:
        valid = _is_valid(array)
        parts.fixed.append(valid.view(np.uint8))
        valid = None if array.null_count == 0 else valid
    elif array.null_count:
        raise UnreadableData("a column that its footer calls required holds NULLs")
    if isinstance(kind, pa.BaseExtensionType):
        array, kind = array.storage, kind.storage_type
    if pa.types.is_dictionary(kind):
        array, kind = array.dictionary_decode(), kind.value_type
    _add_value(parts, array, kind, nullable, valid)


def _add_value(parts: _Parts, array: pa.Array, kind: pa.DataType, nullable: bool, valid: _Array | None) -> None:
    """``valid``: None where all are. What a row's bytes are must not depend on the other rows of the batch."""
    if pa.types.is_struct(kind):
        for child, of in zip(array.flatten(), kind, strict=True):
            _add(parts, child, of.type, of.nullable or nullable)
    elif pa.types.is_map(kind):
        _add_list(parts, array.cast(as_lists(kind)), as_lists(kind))
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        _add_list(parts, array, kind)
    elif _is_text(kind):
        _add_text(parts, array)
    elif pa.types.is_boolean(kind):
        parts.fixed.append(_zeroed(np.asarray(array.cast(pa.uint8()).fill_null(0)), valid))
    elif pa.types.is_decimal(kind):
        parts.fixed.append(_zeroed(_decimals(array, kind), valid))
    elif not pa.types.is_null(kind):
        parts.fixed.append(_zeroed(_fixed(array, kind), valid))


def _is_text(kind: pa.DataType) -> bool:
    tests = ("string", "large_string", "string_view", "binary", "large_binary", "binary_view")
    return any(getattr(pa.types, f"is_{name}")(kind) for name in tests)


def _add_list(parts: _Parts, array: pa.Array, kind: pa.DataType) -> None:
    lengths = np.asarray(pc.list_value_length(array).cast(pa.int64()).fill_null(0))
    parts.fixed.append(lengths)
    elements = array.flatten()
    encoded = encoded_rows([elements], [kind.value_field], len(elements))
    ends = np.frombuffer(encoded.buffers()[1], np.int64)[encoded.offset :]
    starts = ends[np.concatenate([[0], np.cumsum(lengths)])]
    data = encoded.buffers()[2] or pa.py_buffer(b"")
    parts.variable.append(pa.Array.from_buffers(pa.large_binary(), len(array), [None, pa.py_buffer(starts), data]))


def _add_text(parts: _Parts, array: pa.Array) -> None:
    binaries = _as_binary(array)
    if binaries.null_count:
        binaries = binaries.fill_null(b"")
    parts.fixed.append(np.asarray(pc.binary_length(binaries).cast(pa.int64())))
    parts.variable.append(binaries)


def _as_binary(array: pa.Array) -> pa.Array:
    """Texts and binaries of any layout as LARGE_BINARY; the bytes are not looked at."""
    if pa.types.is_string_view(array.type):
        array = array.cast(pa.binary_view())
    return array.cast(pa.large_binary())


def _decimals(array: pa.Array, kind: pa.DataType) -> _Array:
    """Unscaled values: of up to 18 digits in 8 bytes, which is what they fit in."""
    whole = _fixed(array, kind)
    width = kind.bit_width // 8
    if width <= _LENGTH or kind.precision > _SHORT_DECIMAL:
        return whole
    words = whole.view(np.int64).reshape(len(array), width // 8)
    beyond = (words[:, 1:] != (words[:, :1] >> 63)).any(axis=1)
    if np.any(beyond & _is_valid(array)):
        raise UnreadableData("a decimal is longer than its precision")
    return words[:, 0]


def _is_valid(array: pa.Array) -> _Array:
    return np.asarray(pc.is_valid(array), bool)


def _fixed(array: pa.Array, kind: pa.DataType) -> _Array:
    """The bytes of values of one width, as numbers or opaque items."""
    try:
        width = kind.bit_width // 8
    except ValueError:
        raise UnsupportedData(f"values of the type {kind} have no encoding") from None
    item = np.dtype(f"u{width}" if width in (1, 2, 4, 8) else f"V{width}")
    if not len(array) or not width:
        return np.zeros(len(array), item)
    return np.frombuffer(array.buffers()[1], item, len(array), array.offset * width)


def _zeroed(values: _Array, valid: _Array | None) -> _Array:
    """Without what lies where there is no value."""
    if valid is None:
        return values
    cleared = values.copy()
    cleared[~valid] = np.zeros(1, values.dtype)[0]
    return cleared
