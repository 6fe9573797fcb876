"""A place of one's own in a store, for a while: nothing that was there is touched, and nothing is left."""

from __future__ import annotations

import io
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.fs as arrow_fs
import pyarrow.parquet as pq

from r2d2.errors import LakeError
from r2d2.lake.arrow_storage import ArrowStorage
from r2d2.lake.file_tree import joined, shown
from r2d2.lake.object_storage import ObjectStorage
from r2d2.lake.storage import Storage, absolute, storage_for
from r2d2.lake.urls import without_credentials

#: Hidden, so that no listing takes what lies in it for data, if it is left by a kill.
PREFIX = ".r2d2-calibrate-"


class Scratch(Protocol):
    """The place, empty at first."""

    def write(self, name: str, table: pa.Table) -> int:
        """Writes a table as one Parquet file, through to the disk where it is a local one; its size in bytes."""

    def read(self, name: str) -> pa.Table:
        """The whole table of one file, on one core."""


@dataclass(frozen=True)
class _Directory:
    """In a file system: a pyarrow file system and a directory in it."""

    files: Any
    path: str

    def write(self, name: str, table: pa.Table) -> int:
        path = joined(self.path, name)
        with self.files.open_output_stream(path) as sink:
            pq.write_table(table, sink)
        if isinstance(self.files, arrow_fs.LocalFileSystem):
            _settle(path)
        return int(self.files.get_file_info(path).size)

    def read(self, name: str) -> pa.Table:
        return pq.read_table(joined(self.path, name), filesystem=self.files, use_threads=False)

    def remove(self) -> None:
        self.files.delete_dir(self.path)


@dataclass(frozen=True)
class _Prefix:
    """In an object store: a storage and the URL of a prefix."""

    storage: ObjectStorage
    url: str

    def write(self, name: str, table: pa.Table) -> int:
        sink = io.BytesIO()
        pq.write_table(table, sink)
        self.storage.put(joined(self.url, name), sink.getvalue())
        return sink.tell()

    def read(self, name: str) -> pa.Table:
        with self.storage.open(joined(self.url, name)) as source:
            return pq.read_table(source, use_threads=False)

    def remove(self) -> None:
        for found in self.storage.tree(self.url, []).files:
            self.storage.delete(found.stat.path)


def _settle(path: str) -> None:
    """Onto the disk and out of memory, or else reading it would measure memory."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)


@contextmanager
def scratch_place(where: str) -> Iterator[Scratch]:
    """A new directory in the directory ``where``, a local path or a URL; it is removed with all that is in it.

    Raises:
        LakeError: there is no such directory, or it can't be written to.
    """
    root = absolute(where)
    storage = storage_for(root)
    named = shown(without_credentials(where))
    try:
        place = _prefix(storage, root) if isinstance(storage, ObjectStorage) else _directory(storage, root)
    except NotADirectoryError as error:
        raise LakeError(f"{named}: there is no such directory", "name the lake, or a directory in its store") from error
    except (OSError, pa.ArrowException) as error:
        reason = getattr(error, "strerror", None) or (str(error).splitlines() or [""])[0]
        hint = "calibration writes; give a directory of the same store where that is allowed"
        raise LakeError(f"{named}: can't be written to: {without_credentials(reason)}", hint) from error
    try:
        yield place
    finally:
        place.remove()


def _directory(storage: Storage, root: str) -> _Directory:
    files, path = storage.file_system(root) if isinstance(storage, ArrowStorage) else (arrow_fs.LocalFileSystem(), root)
    if files.get_file_info(path).type != arrow_fs.FileType.Directory:
        raise NotADirectoryError(20, "no such directory", root)
    place = _Directory(files, joined(path, f"{PREFIX}{uuid.uuid4().hex}"))
    files.create_dir(place.path, recursive=False)
    return place


def _prefix(storage: ObjectStorage, root: str) -> _Prefix:
    """One object shows that it can be written to."""
    try:
        storage.names(root)
    except FileNotFoundError as error:
        raise NotADirectoryError(20, "no such directory", root) from error
    place = _Prefix(storage, joined(root, f"{PREFIX}{uuid.uuid4().hex}"))
    storage.put(joined(place.url, "mark"), b"", only_if="")
    return place
