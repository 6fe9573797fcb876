"""Whether the files of a parent still are what a recipe pins (DELETION 4)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import BinaryIO

from r2d2.errors import UnreadableData
from r2d2.lake.delta_vectors import DeletionVector, deleted_rows
from r2d2.lake.file_tree import shown
from r2d2.lake.handed import is_handed
from r2d2.lake.staging import changed
from r2d2.lake.storage import is_local, storage_for
from r2d2.lake.urls import split_url
from r2d2.model.dataset import DataFile
from r2d2.model.recipe import Recipe

_CHUNK = 8 * 1024 * 1024


def as_now(recipe: Recipe) -> Recipe:
    """The recipe with the parent's files as they are now: those that were only touched or copied back are the same.

    Raises:
        UnreadableData: a file is gone or holds other bytes; it is named.
    """
    pin = recipe.parent
    files = tuple(_as_now(file, sha256) for file, sha256 in zip(pin.files, pin.sha256, strict=True))
    return recipe if files == pin.files else replace(recipe, parent=replace(pin, files=files))


def _as_now(file: DataFile, sha256: str) -> DataFile:
    file = replace(file, vector=_vector_as_now(file.vector)) if file.vector else file
    if not changed([file]):
        return file
    try:
        now = storage_for(file.path).stat(file.path)
        same = bool(sha256) and now.size == file.size and sha256_of(file.path, now.tag) == sha256
    except OSError as error:
        raise UnreadableData(f"{shown(file.path)}: {error.strerror or error}") from error
    if not same:
        raise UnreadableData(f"{shown(file.path)} is not the file that the recipe was made from")
    return replace(file, mtime_ns=now.mtime_ns, identity=now.identity, ctime_ns=now.ctime_ns, tag=now.tag)


def _vector_as_now(text: str) -> str:
    """The deletion vector with the version that its own file has now; its checksum tells whether it is the same."""
    vector = DeletionVector.from_json(text)
    if not vector.path or is_handed(vector.path):
        return text
    try:
        now = replace(vector, stamp=storage_for(vector.path).stat(vector.path).version)
    except OSError as error:
        raise UnreadableData(f"{shown(vector.path)}: {error.strerror or error}") from error
    if now != vector:
        deleted_rows(now)
    return now.to_json()


def sha256_of(path: str, tag: str = "") -> str:
    """Of a file's bytes, as hexadecimal digits.

    Raises:
        OSError: it can't be read.
    """
    found = hashlib.sha256()
    with closing(storage_for(path).open(path, tag)) as source:
        for chunk in pieces(source):
            found.update(chunk)
    return found.hexdigest()


def pieces(source: BinaryIO) -> Iterator[bytes]:
    """What is left of a stream, a few megabytes at a time."""
    return iter(lambda: source.read(_CHUNK), b"")


def copied(source: str, target: str) -> None:
    """Copies a file to a place where there is none, also from one store to another.

    Raises:
        FileExistsError: there is one.
        OSError: it can't be read or written.
    """
    if _store(source) == _store(target):
        storage_for(target).copy(source, target)
    else:
        storage_for(target).put(target, storage_for(source).read_bytes(source), only_if="")


def _store(path: str) -> tuple[str, str]:
    """What holds a file: one store, or the disks of this machine."""
    return ("", "") if is_local(path) else split_url(path)[:2]
