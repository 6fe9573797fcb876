"""The way back from quarantine: each step can be done again, from wherever a crash left it (DELETION 2 and 5)."""

from __future__ import annotations

import os
from dataclasses import dataclass

from r2d2.lake.storage import is_local, storage_for
from r2d2.recovery.moves.lake_writer import LakeWriter
from r2d2.recovery.moves.listing import exists, seen_below
from r2d2.recovery.moves.moving import carry
from r2d2.recovery.moves.put_away import Move, PutAway
from r2d2.recovery.moves.quarantine import marks


@dataclass(frozen=True)
class Left:
    """A file that stays in quarantine, because its old path is in use again by something else."""

    path: str
    wanted: str


def bring_back(lake: LakeWriter, away: PutAway) -> tuple[Left, ...]:
    """Undoes ``put_away``, as far as it came: nothing that lies at an old path is written over.

    Returns:
        What could not go back.

    Raises:
        OSError: a step failed; the same call goes on from there.
    """
    left = tuple(file for move in reversed(away.moves) for file in _back(lake, away, move))
    if not left:
        remove_own(lake, away.fence, away.fence_text)
        remove_own(lake, away.note, away.note_text)
    return left


def remove_own(lake: LakeWriter, path: str, text: str) -> None:
    """Removes a file that was written here; one with that name that somebody else wrote is theirs."""
    if not path:
        return
    try:
        version, content = storage_for(path).stat(path).version, storage_for(path).read_bytes(path)
    except (FileNotFoundError, NotADirectoryError):
        return
    if content == text.encode("utf-8"):
        lake.delete(path, version)


def _back(lake: LakeWriter, away: PutAway, move: Move) -> list[Left]:
    if carry(lake, move.target, move.source):
        return []
    if not move.directory or (is_local(move.source) and os.path.islink(move.source)):
        return [Left(move.target, move.source)]
    remove_own(lake, away.moved(away.fence), away.fence_text)  # a commit that was on its way may have its place
    is_taken = _is_other_table(away)
    left = []  # somebody writes to the old path again: file by file
    for file in seen_below(move.target):
        path = move.source + file.path[len(move.target) :]
        if is_taken or not carry(lake, file.path, path):
            left.append(Left(file.path, path))
    return left if exists(move.target) else []


def _is_other_table(away: PutAway) -> bool:
    """Whether the old path has a log of its own, from before the fence: two tables' logs are never mixed."""
    if not away.fence:
        return False
    log, own = away.fence.rpartition("/")[0], marks(away.seen)
    found = (file for file in seen_below(log) if own.get(file.path) != file.mark)
    return any(_version(file.path) < _version(away.fence) for file in found if _version(file.path) >= 0)


def _version(path: str) -> int:
    """Of a log entry; -1 for what is none."""
    number = path.rpartition("/")[2].partition(".")[0]
    return int(number) if number.isdecimal() else -1
