"""Checkpoints of streaming jobs that read a dataset: what they remember of it does not fit a rebuilt one."""

from __future__ import annotations

from collections.abc import Iterator

from r2d2.lake.file_tree import joined
from r2d2.lake.storage import storage_for

#: What a checkpoint of Spark's keeps of its sources: how far they were read, and which files they gave.
_OFFSETS, _SOURCES = "offsets", "sources"
_NAMED = "checkpoint"


def streaming_readers(location: str, table_id: str) -> list[str]:
    """Checkpoints within a dataset's directory, or beside it, that remember it; those that lie elsewhere are not seen.

    Args:
        table_id: of a Delta table, by which offsets name it; empty for files, which are named by their paths.

    Raises:
        OSError: a directory can't be listed.
    """
    location = location.rstrip("/")
    beside, _, name = location.rpartition("/")
    places = [*_checkpoints(location), *(place for place in _checkpoints(beside) if place != location)]
    wanted = (table_id or f"/{name}/").encode("utf-8")
    return [place for place in places if any(wanted in content for content in _remembered(place))]


def _checkpoints(directory: str) -> Iterator[str]:
    """Directories that are checkpoints, by their names or by those of the directories that they lie in."""
    for name in _names(directory):
        if _NAMED not in name.lower():
            continue
        place = joined(directory, name)
        held = _names(place)
        if _OFFSETS in held:
            yield place
        else:
            yield from (joined(place, query) for query in held if _OFFSETS in _names(joined(place, query)))


def _remembered(place: str) -> Iterator[bytes]:
    """What a checkpoint says of its sources: its newest offsets, and the newest list of files of each source."""
    lists = [joined(place, _OFFSETS), *(joined(place, f"{_SOURCES}/{n}") for n in _names(joined(place, _SOURCES)))]
    for directory in lists:
        numbered = [name for name in _names(directory) if name.split(".")[0].isdecimal()]
        if numbered:
            newest = max(numbered, key=lambda name: int(name.split(".")[0]))
            path = joined(directory, newest)
            yield storage_for(path).read_bytes(path)


def _names(directory: str) -> list[str]:
    try:
        return storage_for(directory).names(directory)
    except (FileNotFoundError, NotADirectoryError):
        return []
