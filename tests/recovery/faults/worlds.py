"""A lake and a state that are made new for each try, and what is in them."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from r2d2.lake.local_writes import BEING_WRITTEN
from r2d2.recovery.places import AREA
from tests.recovery.faults.small_worlds import build

#: By name, with a slash at the end of a directory's: the SHA-256 of the content, and permission bits.
Snapshot = dict[str, tuple[str, int]]
_NOTE = re.compile(r"_[^/]*\.retired-by-r2d2\.txt")


class World(Protocol):
    """Where a try takes place."""

    @property
    def lake(self) -> str:
        """The root."""

    @property
    def state(self) -> str:
        """Where the state is, or will be."""

    def fresh(self) -> None:
        """Makes the lake as it was at the beginning; there is no state."""

    def everything(self) -> Snapshot:
        """All that is in the lake, r2d2's own included."""


class DiskWorld:
    """On disk."""

    def __init__(self, kind: str, directory: Path) -> None:
        self.directory, self._template = directory / "world", directory / "template"
        self.lake, self.state = str(self.directory / "lake"), str(self.directory / "state")
        build(kind, self._template / "lake")

    def fresh(self) -> None:
        shutil.rmtree(self.directory, ignore_errors=True)
        shutil.copytree(self._template, self.directory, symlinks=True)

    def everything(self) -> Snapshot:
        return dict(_found(Path(self.lake)))


def _found(root: Path) -> Iterator[tuple[str, tuple[str, int]]]:
    for above, directories, files in os.walk(root):
        for name in [*directories, *files]:
            path = Path(above) / name
            mode = path.lstat().st_mode
            if stat.S_ISDIR(mode):
                yield f"{path.relative_to(root)}/", ("", stat.S_IMODE(mode))
            else:
                content = os.fsencode(os.readlink(path)) if stat.S_ISLNK(mode) else path.read_bytes()
                yield str(path.relative_to(root)), (hashlib.sha256(content).hexdigest(), stat.S_IMODE(mode))


def snapshot(world: World) -> Snapshot:
    """What people see of the lake: without what r2d2 keeps there for itself, and its notes."""
    return {name: found for name, found in world.everything().items() if not _own(name)}


def _own(name: str) -> bool:
    parts = name.rstrip("/").split("/")
    return AREA in parts or bool(_NOTE.fullmatch(parts[-1])) or any(part.startswith(BEING_WRITTEN) for part in parts)


def contents(world: World) -> set[str]:
    """The SHA-256 of all files, wherever they are."""
    return {sha256 for sha256, _ in world.everything().values() if sha256}


def difference(now: Snapshot, then: Snapshot) -> str:
    """In words; empty for none."""
    lines = [f"gone: {name}" for name in sorted(then.keys() - now.keys())]
    lines += [f"new: {name}" for name in sorted(now.keys() - then.keys())]
    lines += [f"changed: {name}" for name in sorted(now.keys() & then.keys()) if now[name] != then[name]]
    return ", ".join(lines)
