"""Files in quarantine are replaced by others, or removed, so that a crash in between can be gone on from.

The new files lie whole in a scratch place before the first one is replaced, and the journal names all steps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from r2d2.lake.storage import is_local
from r2d2.recovery.moves.lake_writer import LakeWriter
from r2d2.recovery.moves.listing import exists
from r2d2.recovery.moves.moving import carry
from r2d2.recovery.moves.put_away import PutAway, Seen
from r2d2.recovery.moves.quarantine import seen_now


@dataclass(frozen=True)
class NewFile:
    """A file that comes to lie at ``path``, where there may be an older one; ``mode`` on disk, 0 for none."""

    scratch: str
    path: str
    mode: int


@dataclass(frozen=True)
class Swap:
    """What replacing files takes.

    Attributes:
        new: files that are written.
        gone: paths of further files that are removed.
        rows: path of a data file → its rows then.
        top: directory below which directories go that are empty then; a person may be named by one.
    """

    new: tuple[NewFile, ...]
    gone: tuple[str, ...]
    rows: Mapping[str, int]
    top: str

    def to_facts(self) -> dict[str, Any]:
        """As the journal keeps it."""
        return asdict(self)

    @staticmethod
    def from_facts(raw: Mapping[str, Any]) -> Swap:
        """The reverse of ``to_facts``."""
        return Swap(tuple(NewFile(**file) for file in raw["new"]), tuple(raw["gone"]), raw["rows"], raw["top"])


def swap_files(lake: LakeWriter, swap: Swap) -> None:
    """Does it; can be done again from wherever it ended.

    Raises:
        OSError: a step failed.
    """
    for file in swap.new:
        if exists(file.scratch):
            lake.delete(file.path)
            carry(lake, file.scratch, file.path)
        if file.mode and is_local(file.path):
            lake.set_mode(file.path, file.mode)
    for path in swap.gone:
        lake.delete(path)
        directory = path.rpartition("/")[0]
        while directory.startswith(f"{swap.top}/") and lake.remove_directory(directory):
            directory = directory.rpartition("/")[0]


def after(away: PutAway, swap: Swap) -> PutAway:
    """What was put away, as it is once the files were replaced."""
    gone = set(swap.gone)
    moves = tuple(move for move in away.moves if move.directory or move.target not in gone)
    seen = tuple(file for file in away.seen if away.moved(file.path) not in gone)
    left = replace(away, moves=moves, seen=seen)
    found = seen_now(left, moved=True)
    return replace(left, seen=tuple(Seen(before(left, file.path), file.version, file.mark) for file in found))


def before(away: PutAway, path: str) -> str:
    """Where a file was before it was moved: the reverse of ``PutAway.moved``."""
    for move in away.moves:
        if path == move.target:
            return move.source
        if move.directory and path.startswith(f"{move.target}/"):
            return move.source + path[len(move.target) :]
    return path
