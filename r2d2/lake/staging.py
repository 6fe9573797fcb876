"""Files of a dataset under names of our own, so that no name from the lake reaches a reader (EXACTNESS 8)."""

from __future__ import annotations

import os
import re
import shutil
import stat as modes
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

from r2d2.errors import UnreadableData
from r2d2.lake.file_tree import shown
from r2d2.lake.handed import handed_file, is_handed
from r2d2.lake.storage import is_local, storage_for
from r2d2.model.dataset import DataFile

_SUFFIX = re.compile(r"\.(parquet|pq|parq|(csv|tsv|jsonl|ndjson|json)(\.gz)?)$")
_CHUNK = 8 * 1024 * 1024
_START = 8


def stage(files: Sequence[DataFile], directory: Path) -> list[Path]:
    """Each file as ``0.parquet``, ``1.csv.gz`` ... in ``directory``: a link for files on this machine, else a copy.

    Args:
        files: what to stage; nothing else is needed, so that it works on any worker.
        directory: empty, the caller's own; made if it is missing.

    Raises:
        UnreadableData: a file is gone, forbidden, or not as long as it was when it was listed.
        R2D2Error: Spark could not hand it over.
    """
    directory.mkdir(parents=True, exist_ok=True)
    staged = []
    for position, file in enumerate(files):
        given = handed_file(file.path) if is_handed(file.path) else None
        target = directory / f"{position}{known_suffix(given.name if given else file.path)}"
        try:
            if given:
                target.symlink_to(given)
            else:
                _link(file, target) if is_local(file.path) else _download(file, target)
        except OSError as error:
            raise UnreadableData(f"{shown(file.path)}: {error.strerror or error}") from error
        staged.append(target)
    return staged


def stage_end(file: DataFile, directory: Path, first: int, needed: Callable[[bytes, int], int]) -> Path:
    """The end of a file in a store, at its place in a file of the same size whose other bytes are holes.

    Args:
        directory: empty, the caller's own; made if it is missing.
        first: bytes to read at first.
        needed: how many of the last bytes are needed, from those and the file's size; 0 if also the first few are.

    Raises:
        UnreadableData: the file is gone, forbidden, or not as long as it was when it was listed.
    """
    directory.mkdir(parents=True, exist_ok=True)
    target = directory / f"end{known_suffix(file.path)}"
    try:
        with storage_for(file.path).open(file.path, file.tag) as source, target.open("xb") as copy:
            _refuse_other_size(source.seek(0, os.SEEK_END), file)
            end = _last(source, file.size, first)
            more = needed(end, file.size)
            end = _last(source, file.size, more) if more > len(end) else end
            copy.truncate(file.size)
            if not more:
                source.seek(0)
                copy.write(source.read(_START))
            copy.seek(file.size - len(end))
            copy.write(end)
    except OSError as error:
        raise UnreadableData(f"{shown(file.path)}: {error.strerror or error}") from error
    return target


def _last(source: BinaryIO, size: int, number: int) -> bytes:
    source.seek(max(0, size - number))
    return source.read()


def in_place(file: DataFile) -> Path:
    """A file on this machine where it is, links resolved: for readers of our own, to which any name is just a name.

    Raises:
        UnreadableData: it is gone, forbidden, or no regular file.
        R2D2Error: Spark could not hand it over.
    """
    if is_handed(file.path):
        return handed_file(file.path)
    try:
        return _regular(file.path)
    except OSError as error:
        raise UnreadableData(f"{shown(file.path)}: {error.strerror or error}") from error


def is_here(path: str) -> bool:
    """Whether the file can be read in place: it is on this machine, or was handed over."""
    return is_handed(path) or is_local(path)


def changed(files: Sequence[DataFile]) -> list[str]:
    """Paths of the files that are no longer what they were when they were listed, or can't be looked at any more.

    Who hands a file over looks itself.
    """
    return [file.path for file in files if not is_handed(file.path) and not _is_as_listed(file)]


def known_suffix(path: str) -> str:
    """The suffix of a data file, in lower case; empty for any other name."""
    found = _SUFFIX.search(path.lower())
    return found[0] if found else ""


def _is_as_listed(file: DataFile) -> bool:
    try:
        now = storage_for(file.path).stat(file.path)
    except OSError:
        return False
    listed = file.size, file.mtime_ns, file.identity, file.ctime_ns, file.tag
    return (now.size, now.mtime_ns, now.identity, now.ctime_ns, now.tag) == listed


def _link(file: DataFile, target: Path) -> None:
    target.symlink_to(_regular(file.path))


def _regular(path: str) -> Path:
    real = os.path.realpath(path, strict=True)
    if not modes.S_ISREG(os.stat(real).st_mode):
        raise OSError(0, "not a regular file")
    if not os.access(real, os.R_OK):
        raise PermissionError(13, "no right to read it")
    return Path(real)


def _download(file: DataFile, target: Path) -> None:
    with storage_for(file.path).open(file.path, file.tag) as source, target.open("xb") as copy:
        shutil.copyfileobj(source, copy, _CHUNK)
    _refuse_other_size(target.stat().st_size, file)


def _refuse_other_size(size: int, file: DataFile) -> None:
    if size != file.size:
        raise OSError(0, f"it has {size} bytes now, and had {file.size} when it was listed")
