"""Putting files in the place of a dataset: nothing is written over, and a table's log comes last."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any
from urllib.parse import quote

from r2d2.errors import LakeError, NotRetirable
from r2d2.lake.file_tree import joined, shown
from r2d2.lake.storage import is_local, storage_for
from r2d2.model.recipe import FileRecord, Manifest
from r2d2.recovery.moves.lake_writer import LakeWriter
from r2d2.recovery.moves.listing import exists
from r2d2.recovery.moves.moving import carry
from r2d2.recovery.moves.put_away import Move

#: The one log entry of a table that is given back.
LOG = "_delta_log/00000000000000000000.json"


@dataclass(frozen=True)
class Placing:
    """What putting files in place takes; the journal holds it before the first step.

    Attributes:
        scratch: where they are.
        target: where the dataset comes to lie.
        files: names relative to both, and sizes; the name of a dataset that is one file is empty.
        whole: the scratch place becomes the dataset's directory.
    """

    scratch: str
    target: str
    files: tuple[tuple[str, int], ...]
    whole: bool

    def to_facts(self) -> dict[str, Any]:
        """As the journal keeps it."""
        return asdict(self)

    @staticmethod
    def from_facts(raw: Mapping[str, Any]) -> Placing:
        """The reverse of ``to_facts``."""
        files = tuple((name, size) for name, size in raw["files"])
        return Placing(raw["scratch"], raw["target"], files, raw["whole"])

    @property
    def moves(self) -> tuple[Move, ...]:
        """From the scratch place; on disk one, of the whole directory, else the log of a table last."""
        if self.whole and is_local(self.target):
            return (Move(self.scratch, self.target, directory=True),)
        names = sorted((name for name, _ in self.files), key=lambda name: (name.startswith("_delta_log/"), name))
        return tuple(Move(joined(self.scratch, name), joined(self.target, name)) for name in names)


def plan_placing(manifest: Manifest, scratch: str, target: str, whole: bool) -> Placing:
    """What putting the files in the scratch place in place takes, all of them with the rights that they had."""
    if is_local(scratch) and whole:
        for name, mode in sorted(manifest.modes, reverse=True):
            os.chmod(joined(scratch, name), mode)
    if manifest.is_file:
        return Placing(scratch, target, (("", storage_for(scratch).stat(scratch).size),), False)
    tree = storage_for(scratch).tree(scratch, [])
    return Placing(scratch, target, tuple((found.name, found.stat.size) for found in tree.files), whole)


def require_free(placing: Placing) -> None:
    """Raises if something lies where files are to be put.

    Raises:
        NotRetirable: names it.
    """
    used = [move.target for move in placing.moves if exists(move.target)]
    if used:
        raise NotRetirable(f"{shown(used[0])} is in use", "give another place with --to, or move what is there")


def place(lake: LakeWriter, placing: Placing) -> None:
    """Puts the files in place; can be done again from wherever it ended.

    What was written to files since they were put there is somebody else's, and stays.

    Raises:
        NotRetirable: something else lies there meanwhile.
        LakeError: not all is there that should be.
        OSError: a step failed.
    """
    for move in placing.moves:
        if not carry(lake, move.source, move.target):
            raise NotRetirable(f"{shown(move.target)} is in use", "move what is there, then `r2d2 recover`")
    missing = [move.target for move in placing.moves if not exists(move.target)]
    if missing:
        hint = "move away what is left of it, then `r2d2 recover`: it stays retired, and its recipe gives it back"
        raise LakeError(f"{shown(missing[0])} was put there, and is gone", hint)


def is_gone(placing: Placing) -> bool:
    """Whether nothing of the files is anywhere any more."""
    return not any(exists(path) for move in placing.moves for path in (move.source, move.target))


def write_log(manifest: Manifest, files: Sequence[str], directory: str) -> None:
    """Writes the log of a table into its directory, with its own id, schema, properties and protocol.

    Args:
        files: paths of the manifest's files in the directory.
    """
    storage = storage_for(directory)
    named = replace(manifest, files=tuple(replace(f, name=n) for f, n in zip(manifest.files, files, strict=True)))
    sizes = [storage.stat(joined(directory, name)).size for name in files]
    storage.put(joined(directory, LOG), log_text(named, sizes).encode("utf-8"), only_if=None)


def log_text(manifest: Manifest, sizes: Sequence[int]) -> str:
    """The log of a table as one entry; ``sizes`` are those that its files have now."""
    actions = [json.loads(text) for _, text in manifest.table]
    now = time.time_ns() // 1_000_000
    told = {"timestamp": now, "operation": "R2D2 RESTORE", "operationParameters": {"version": manifest.version}}
    adds = [_add(file, size, now) for file, size in zip(manifest.files, sizes, strict=True)]
    return "\n".join(json.dumps(line) for line in ({"commitInfo": told}, *actions, *adds)) + "\n"


def _add(file: FileRecord, size: int, now: int) -> dict[str, Any]:
    add = {
        "path": quote(file.name),
        "partitionValues": dict(file.partition),
        "size": size,
        "modificationTime": now,
        "dataChange": True,
        "stats": json.dumps({"numRecords": file.rows}),
    }
    return {"add": add}
