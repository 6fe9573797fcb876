"""A place of one's own in a store, for a while: nothing that was there is touched, and nothing is left."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.fs as arrow_fs
import pyarrow.parquet as pq

from r2d2.errors import LakeError
from r2d2.lake.arrow_storage import ArrowStorage, without_credentials
from r2d2.lake.file_tree import joined, shown
from r2d2.lake.storage import absolute, storage_for

#: Hidden, so that no listing takes what lies in it for data, if it is left by a kill.
PREFIX = ".r2d2-calibrate-"


@dataclass(frozen=True)
class Scratch:
    """The place: a pyarrow file system and a directory in it that is empty at first."""

    files: Any
    path: str

    def write(self, name: str, table: pa.Table) -> int:
        """Writes a table as one Parquet file, through to the disk where it is a local one; its size in bytes."""
        path = joined(self.path, name)
        with self.files.open_output_stream(path) as sink:
            pq.write_table(table, sink)
        if isinstance(self.files, arrow_fs.LocalFileSystem):
            _settle(path)
        return int(self.files.get_file_info(path).size)

    def read(self, name: str) -> pa.Table:
        """The whole table of one file, on one core."""
        return pq.read_table(joined(self.path, name), filesystem=self.files, use_threads=False)


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

    In S3 it lies at the top of the bucket: what removes an object there leaves an empty one for the directory above.

    Raises:
        LakeError: there is no such directory, or it can't be written to.
    """
    root = absolute(where)
    storage = storage_for(root)
    files, path = storage.file_system(root) if isinstance(storage, ArrowStorage) else (arrow_fs.LocalFileSystem(), root)
    named = shown(without_credentials(where))
    try:
        if files.get_file_info(path).type != arrow_fs.FileType.Directory:
            raise LakeError(f"{named}: there is no such directory", "name the lake, or a directory in its store")
        above = path.partition("/")[0] if isinstance(files, arrow_fs.S3FileSystem) else path
        scratch = Scratch(files, joined(above, f"{PREFIX}{uuid.uuid4().hex}"))
        files.create_dir(scratch.path, recursive=False)
    except (OSError, pa.ArrowException) as error:
        reason = getattr(error, "strerror", None) or (str(error).splitlines() or [""])[0]
        hint = "calibration writes; give a directory of the same store where that is allowed"
        raise LakeError(f"{named}: can't be written to: {without_credentials(reason)}", hint) from error
    try:
        yield scratch
    finally:
        files.delete_dir(scratch.path)
