"""All of a dataset that must come back besides its rows, taken down while it is still there (DELETION 3)."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence

from r2d2.catalog.file_names import is_hidden
from r2d2.errors import NotRetirable
from r2d2.lake.delta_log import replay_delta
from r2d2.lake.storage import is_local, storage_for
from r2d2.model.dataset import Dataset
from r2d2.model.edge import Projection
from r2d2.model.recipe import Manifest
from r2d2.recovery.identity.identity import Looked
from r2d2.recovery.moves.put_away import Seen

_LEFT_BEHIND = re.compile(r"_SUCCESS|_(common_)?metadata|_(committed|started)_(vacuum)?\d+|\..+\.crc", re.DOTALL)
_OF_DELTA = re.compile(r".+\.parquet|deletion_vector_.+\.bin", re.DOTALL)


def manifest_of(
    dataset: Dataset, looked: Looked, digest: str, projection: Projection, there: tuple[Seen, ...]
) -> Manifest:
    """The manifest of a dataset.

    Args:
        looked: its files and identity.
        digest: of its rows, under ``projection``.
        there: every file at its location.

    Raises:
        NotRetirable: it changed since it was listed.
        UnreadableData, UnsupportedData: its log can't be read.
    """
    location = dataset.location.rstrip("/")
    own = {file.path for file in dataset.files}
    return Manifest(
        dataset=dataset.id,
        format=dataset.format,
        location=location,
        version=dataset.version,
        rows=dataset.rows or 0,
        bytes=dataset.bytes,
        files=looked.files,
        headers=looked.headers,
        readers=looked.readers,
        partition_columns=dataset.partition_columns,
        identity=looked.identity,
        digest=digest,
        projection=projection,
        others=tuple(sorted(name for name in _names(location, there) if f"{location}/{name}" not in own)),
        modes=_modes(location, looked),
        table=_table(dataset),
    )


def _names(location: str, there: tuple[Seen, ...]) -> list[str]:
    return [file.path[len(location) + 1 :] for file in there if file.path != location]


def _modes(location: str, looked: Looked) -> tuple[tuple[str, int], ...]:
    """Permission bits of the directories that a restore makes again."""
    if not is_local(location) or os.path.isfile(location):
        return ()
    found = {""}
    for file in looked.files:
        directory = file.directory
        while directory:
            found.add(directory)
            directory = directory.rpartition("/")[0]
    return tuple((name, os.stat(os.path.join(location, name)).st_mode & 0o7777) for name in sorted(found))


def _table(dataset: Dataset) -> tuple[tuple[str, str], ...]:
    if dataset.format != "delta":
        return ()
    snapshot = replay_delta(storage_for(dataset.location), dataset.location)
    if f"v{snapshot.version}" != dataset.version:
        raise NotRetirable(f"{dataset.id} changed while it was looked at", "try again when nothing writes to it")
    return tuple((next(iter(action)), json.dumps(action, sort_keys=True)) for action in snapshot.actions)


def strangers(kind: str, others: Sequence[str]) -> tuple[str, ...]:
    """Files of a dataset's directory that no recipe gives back and no writer leaves behind as a matter of course.

    Args:
        kind: the dataset's format.
        others: all files of the directory that are not its data files, relative to it.
    """
    if kind == "delta":
        return tuple(name for name in others if not name.startswith("_delta_log/") and not _is_data(name))
    return tuple(name for name in others if not _is_left_behind(name))


def _is_left_behind(name: str) -> bool:
    """What Hadoop, Spark and Databricks leave beside data; what only begins like that may be anybody's."""
    return _LEFT_BEHIND.fullmatch(name.rpartition("/")[2]) is not None


def _is_data(name: str) -> bool:
    """A data file of an old version, a deletion vector, or a change file of a Delta table, by the names it gives."""
    last, first = name.rpartition("/")[2], name.partition("/")[0]
    if last.endswith(".crc"):
        return _is_left_behind(name)
    ours = first == "_change_data" or not any(map(is_hidden, name.split("/")))
    return ours and _OF_DELTA.fullmatch(last) is not None
