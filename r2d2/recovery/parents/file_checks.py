"""Whether the files that a recipe reads are still what it pins, by what storage says of them: no data is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from r2d2.errors import LakeError
from r2d2.lake.delta_vectors import DeletionVector
from r2d2.lake.file_tree import FileStat, joined, shown
from r2d2.lake.handed import is_handed
from r2d2.lake.storage import storage_for
from r2d2.model.dataset import DataFile

#: Files that are asked for one by one; of more a store is asked for a listing, which names a thousand in one answer.
_FEW = 100
_AT_ONCE = 32
#: What storage says of a directory, or of something else that is no file.
_NO_FILE = 0


def differing(files: Sequence[DataFile], location: str) -> list[str]:
    """Paths of the files, and of the deletion vectors that go with them, that are gone or not what they were.

    Args:
        location: the directory that most of them lie below.

    Raises:
        LakeError: it can't be told: the store does not answer, or forbids to look.
    """
    own = [file for file in files if not is_handed(file.path)]
    vectors = [vector for file in own if file.vector and (vector := DeletionVector.from_json(file.vector)).path]
    paths = list(dict.fromkeys([*(file.path for file in own), *(vector.path for vector in vectors)]))
    found = _stats(paths, location)
    gone = [file.path for file in own if not _is_as_listed(file, found.get(file.path))]
    return gone + [vector.path for vector in vectors if _version(found.get(vector.path)) != vector.stamp]


def _is_as_listed(file: DataFile, now: FileStat | None) -> bool:
    listed = file.size, file.mtime_ns, file.identity, file.ctime_ns, file.tag
    return now is not None and (now.size, now.mtime_ns, now.identity, now.ctime_ns, now.tag) == listed


def _version(now: FileStat | None) -> str | None:
    return now.version if now else None


def _stats(paths: Sequence[str], location: str) -> Mapping[str, FileStat]:
    known = _listed(location) if len(paths) > _FEW else {}
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        asked = [path for path in paths if path not in known]
        return {**known, **{stat.path: stat for stat in pool.map(stat_of, asked) if stat}}


def _listed(location: str) -> dict[str, FileStat]:
    try:
        return {joined(location, file.name): file.stat for file in storage_for(location).tree(location, []).files}
    except OSError:  # each file is asked for by itself then, which tells what is wrong
        return {}


def stat_of(path: str) -> FileStat | None:
    """A file as it is now; None if there is none.

    Raises:
        LakeError: it can't be told.
    """
    try:
        return storage_for(path).stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        if error.errno == _NO_FILE:
            return None
        hint = "nothing was decided; look again when it answers"
        raise LakeError(f"{shown(path)} can't be looked at: {error.strerror or error}", hint) from error
