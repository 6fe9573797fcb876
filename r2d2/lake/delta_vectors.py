"""Deletion vectors of Delta tables: which rows of a file are not the table's any more (Delta's protocol, by its names).

Descriptors come from a log and the bytes from a store, both a stranger's: sizes, checksums and numbers are checked.
"""

from __future__ import annotations

import base64
import json
import struct
import uuid
import zlib
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from pyroaring import BitMap64

from r2d2.errors import UnreadableData, UnsupportedData
from r2d2.lake.delta_paths import decoded_path
from r2d2.lake.file_tree import joined, shown
from r2d2.lake.handed import handed_file, is_handed
from r2d2.lake.storage import storage_for

_MAGIC = 1681511377
_FIRST = struct.Struct(">i")
_UUID_LENGTH = 20
#: Z85, in which Delta writes bytes as text, and the alphabet of the same size that Python decodes.
_Z85 = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"
_B85 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~"
_TO_B85 = str.maketrans(_Z85, _B85)


@dataclass(frozen=True)
class DeletionVector:
    """Where the vector of a file is, and how many rows it takes out.

    Attributes:
        path: absolute path or URL of the file that holds it; empty where it stands in the log.
        offset: of its length in that file.
        size: bytes.
        rows: that it takes out.
        inline: its bytes as the log spells them; empty where it is in a file.
        stamp: the ``FileStat.version`` of that file when it was listed.
    """

    path: str
    offset: int
    size: int
    rows: int
    inline: str = ""
    stamp: str = ""

    def to_json(self) -> str:
        """The vector as text that travels with its file; equal ones give equal text."""
        return json.dumps(astuple(self), separators=(",", ":"))

    @staticmethod
    def from_json(text: str) -> DeletionVector:
        """The reverse of ``to_json``."""
        return DeletionVector(*json.loads(text))


def vector_of(descriptor: Mapping[str, Any], table: str) -> DeletionVector:
    """The vector that an ``add`` action describes.

    Args:
        table: absolute path or URL of the table's directory.

    Raises:
        UnsupportedData: its kind is not known.
        UnreadableData: the descriptor is damaged.
    """
    kind, text = descriptor.get("storageType"), descriptor.get("pathOrInlineDv")
    numbers = [descriptor.get(name) for name in ("sizeInBytes", "cardinality")]
    if not isinstance(text, str) or not all(_is_count(number) for number in numbers):
        raise UnreadableData("its log describes a deletion vector without path, size or number of rows")
    size, rows = (int(number) for number in numbers if number is not None)
    if kind == "i":
        return DeletionVector("", 0, size, rows, text)
    offset = descriptor.get("offset")
    if kind not in ("u", "p") or not _is_count(offset) or offset is None:
        raise UnsupportedData("its log describes a deletion vector in a way that is not known")
    return DeletionVector(_path(kind, text, table), offset, size, rows)


def deleted_rows(vector: DeletionVector) -> npt.NDArray[np.int64]:
    """The places in its file, from 0, of the rows that a vector takes out; sorted.

    Raises:
        UnreadableData: it can't be read, or is not what its descriptor says.
    """
    data = _from_text(vector.inline, vector.size) if vector.inline else _from_file(vector)
    if len(data) < 4 or struct.unpack_from("<i", data)[0] != _MAGIC:
        raise UnreadableData(f"{_named(vector)} is not of the kind that is known")
    try:
        found = np.asarray(BitMap64.deserialize(data[4:]).to_array(), np.uint64)
    except (ValueError, OverflowError, MemoryError) as error:
        raise UnreadableData(f"{_named(vector)} is damaged") from error
    if len(found) != vector.rows:
        raise UnreadableData(f"{_named(vector)} takes out {len(found)} rows, its log says {vector.rows}")
    return found.astype(np.int64)


def _is_count(number: object) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and 0 <= number < 2**31


def _path(kind: str, text: str, table: str) -> str:
    return decoded_path(text, "its log") if kind == "p" else joined(table, _file_name(text))


def _file_name(text: str) -> str:
    """``deletion_vector_UUID.bin``, in a directory with a random name where the table has those."""
    prefix, encoded = text[:-_UUID_LENGTH], text[-_UUID_LENGTH:]
    if len(encoded) != _UUID_LENGTH or not (prefix.isalnum() or not prefix):
        raise UnsupportedData("its log names the file of a deletion vector in a way that is not known")
    name = f"deletion_vector_{uuid.UUID(bytes=_from_text(encoded, 16))}.bin"
    return joined(prefix, name)


def _from_text(text: str, size: int) -> bytes:
    try:
        return base64.b85decode(text.translate(_TO_B85))[:size]
    except ValueError as error:
        raise UnreadableData("its log spells a deletion vector in a way that can't be decoded") from error


def _from_file(vector: DeletionVector) -> bytes:
    """The bytes between the length before them and the checksum after them."""
    try:
        if not is_handed(vector.path) and storage_for(vector.path).stat(vector.path).version != vector.stamp:
            raise UnreadableData(f"changed while it was read: {shown(vector.path)}")
        with _opened(vector.path) as source:
            source.seek(vector.offset)
            data = source.read(vector.size + 8)
    except OSError as error:
        raise UnreadableData(f"{_named(vector)}: {error.strerror or error}") from error
    if len(data) != vector.size + 8 or _FIRST.unpack_from(data)[0] != vector.size:
        raise UnreadableData(f"{_named(vector)} is not as long as its log says")
    content = data[4:-4]
    if zlib.crc32(content) != struct.unpack_from(">I", data, vector.size + 4)[0]:
        raise UnreadableData(f"{_named(vector)} does not match its checksum")
    return content


def _opened(path: str) -> BinaryIO:
    return handed_file(path).open("rb") if is_handed(path) else storage_for(path).open(path)


def _named(vector: DeletionVector) -> str:
    return f"the deletion vector in {shown(vector.path)}" if vector.path else "a deletion vector in its log"
