"""Which files of a Delta log make up its newest version: a checkpoint, if there is one, and the commits after it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from r2d2.errors import UnreadableData
from r2d2.lake.storage import Storage

_COMMIT = re.compile(r"(\d{20})\.json")
_WHOLE = re.compile(r"(\d{20})\.checkpoint\.parquet")
_PART = re.compile(r"(\d{20})\.checkpoint\.(\d{10})\.(\d{10})\.parquet")
_V2 = re.compile(r"(\d{20})\.checkpoint\.[0-9A-Fa-f-]{36}\.(json|parquet)")


@dataclass(frozen=True)
class LogSegment:
    """Names of files in ``_delta_log``, in the order in which they are to be applied.

    ``earlier`` are commits that the checkpoint holds and that still lie there, the newest first.
    """

    version: int
    checkpoint: tuple[str, ...]
    commits: tuple[str, ...]
    earlier: tuple[str, ...] = ()


def log_segment(storage: Storage, log: str) -> LogSegment:
    """The files to replay for the newest version.

    The directory is listed; ``_last_checkpoint`` is only a hint for readers that want to list less, so it is not read.

    Raises:
        UnreadableData: the log is missing, empty, can't be listed, or has a gap.
    """
    try:
        names = storage.names(log)
    except OSError as error:
        raise UnreadableData(f"_delta_log can't be listed: {error.strerror or error}") from error
    commits = {int(found[1]): name for name in names if (found := _COMMIT.fullmatch(name))}
    checkpoints = _complete_checkpoints(names)
    if not commits and not checkpoints:
        raise UnreadableData("_delta_log holds no version of the table")
    start = max(checkpoints, default=-1)
    newest = max(start, max(commits, default=-1))
    missing = next((version for version in range(start + 1, newest + 1) if version not in commits), None)
    if missing is not None:
        raise UnreadableData(f"_delta_log/{missing:020d}.json is missing")
    earlier = tuple(commits[version] for version in sorted(commits, reverse=True) if version <= start)
    applied = tuple(commits[version] for version in range(start + 1, newest + 1))
    return LogSegment(newest, checkpoints.get(start, ()), applied, earlier)


def _complete_checkpoints(names: list[str]) -> Mapping[int, tuple[str, ...]]:
    """Version → its files. Of a checkpoint in parts that was not finished, readers take no notice."""
    parts: dict[tuple[int, int], dict[int, str]] = defaultdict(dict)
    for name in names:
        if found := _PART.fullmatch(name):
            parts[int(found[1]), int(found[3])][int(found[2])] = name
    complete = {
        version: tuple(found[part] for part in sorted(found))
        for (version, count), found in sorted(parts.items())
        if set(found) == set(range(1, count + 1))
    }
    newer = {int(found[1]): (name,) for name in sorted(names) if (found := _V2.fullmatch(name))}
    return complete | newer | {int(found[1]): (name,) for name in names if (found := _WHOLE.fullmatch(name))}
