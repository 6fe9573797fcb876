"""Files as text that travels in tasks and is kept in the state."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from r2d2.model.dataset import DataFile


def pack_file(file: DataFile) -> list[Any]:
    """A file as lists and scalars that JSON can hold."""
    stat = [file.path, file.size, file.mtime_ns, file.identity, file.ctime_ns]
    packed = [*stat, file.reader, file.rows, [list(entry) for entry in file.partition]]
    more = [file.tag, file.vector] if file.vector else [file.tag] if file.tag else []
    return [*packed, *more]


def unpack_file(raw: list[Any]) -> DataFile:
    """The reverse of ``pack_file``."""
    path, size, mtime, identity, ctime, reader, rows, partition, *more = raw
    values = tuple((str(name), value) for name, value in partition)
    tag, vector = [*more, "", ""][:2]
    return DataFile(path, size, mtime, identity, ctime, tag, reader, rows, values, vector)


def pack_files(files: Sequence[DataFile]) -> str:
    """Files as text."""
    return json.dumps([pack_file(file) for file in files])


def unpack_files(text: str) -> list[DataFile]:
    """The reverse of ``pack_files``."""
    return [unpack_file(raw) for raw in json.loads(text)]
