"""What a disk holds after the power went: changes that nobody synced are there, cut short, or not, as a seed has it.

A rename comes or goes as one; all else in any order. POSIX promises no more.
"""

from __future__ import annotations

import json
import os
import random
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from tests.recovery.faults.disk_log import CONTENTS, EVENTS, REMOVED

#: What delta-rs commits to the state counts as synced: no call of ours lies between its write and its link, where the
#: power may go all the same.
_COMMITS = re.compile(r"^/state/[^/]+/_delta_log(/|$)")


class File(NamedTuple):
    """A file that is not a directory; a link's content is what it leads to."""

    mode: int
    content: bytes
    times: tuple[int, int]


@dataclass
class Image:
    """Directories and files by inode.

    Attributes:
        root: the inode of the outermost directory.
        entries: of each directory, inodes by name.
        rights: of each directory.
    """

    root: int
    entries: dict[int, dict[str, int]] = field(default_factory=dict)
    rights: dict[int, int] = field(default_factory=dict)
    files: dict[int, File] = field(default_factory=dict)

    def file(self, path: Path) -> None:
        """Takes up a file."""
        status = path.lstat()
        content = os.fsencode(os.readlink(path)) if path.is_symlink() else path.read_bytes()
        self.files[status.st_ino] = File(status.st_mode, content, (status.st_atime_ns, status.st_mtime_ns))


def image(directory: Path) -> Image:
    """What is there now."""
    found = Image(directory.stat().st_ino)
    for above, directories, files in os.walk(directory):
        path = Path(above)
        number = path.stat().st_ino
        found.rights[number] = stat.S_IMODE(path.stat().st_mode)
        found.entries[number] = {name: (path / name).lstat().st_ino for name in [*directories, *files]}
        for name in [*files, *(name for name in directories if (path / name).is_symlink())]:
            found.file(path / name)
    return found


def lose_power(world: Path, before: Image, log: Path, seed: int) -> None:
    """Makes of the disk what may be left of it.

    Args:
        before: how the disk was, all of it synced.
        log: what the process that was killed told.
        seed: 0: nothing is left that was not synced; 1: all names are, but no content; else each by chance.
    """
    chance, now = random.Random(seed), image(world)
    for path in (log / REMOVED).iterdir():
        now.file(path)
    events = [json.loads(line) for line in (log / EVENTS).read_text().splitlines()]
    entries, pending = _synced(before, events)
    pending += _by_others(entries, pending, now)
    native = {number for number, path in _paths(before.root, now.entries) if _COMMITS.search(path)}
    for change in pending:
        if (
            native.intersection(number for _, _, number in change["come"])
            or seed == 1
            or (seed and chance.random() < 0.5)
        ):
            _apply(entries, change)
    contents: dict[int, bytes] = {number: file.content for number, file in before.files.items()}
    contents |= {e["inode"]: (log / CONTENTS / e["copy"]).read_bytes() for e in events if e["op"] == "content"}
    contents |= {number: file.content for number, file in now.files.items() if number in native}
    left = _contents(now, contents, chance if seed > 1 else None)
    _build(world, Image(before.root, entries, before.rights | now.rights, left), log / REMOVED)


def _paths(directory: int, entries: dict[int, dict[str, int]], above: str = "") -> Iterator[tuple[int, str]]:
    for name, number in entries.get(directory, {}).items():
        yield number, f"{above}/{name}"
        yield from _paths(number, entries, f"{above}/{name}")


def _synced(before: Image, events: list[dict[str, Any]]) -> tuple[dict[int, dict[str, int]], list[dict[str, Any]]]:
    """The entries that are there for good, and the changes that are not yet."""
    entries = {number: dict(names) for number, names in before.entries.items()}
    pending: list[dict[str, Any]] = []
    for event in events:
        if event["op"] == "change":
            pending.append(event)
        elif event["op"] == "entries":
            done = [c for c in pending if any(e[0] == event["directory"] for e in [*c["gone"], *c["come"]])]
            pending = [change for change in pending if change not in done]
            for change in done:
                _apply(entries, change)
            entries[event["directory"]] = dict(event["names"])
    return entries, pending


def _apply(entries: dict[int, dict[str, int]], change: dict[str, Any]) -> None:
    for directory, name, number in change["gone"]:
        if entries.get(directory, {}).get(name) == number:
            del entries[directory][name]
    for directory, name, number in change["come"]:
        entries.setdefault(directory, {})[name] = number


def _by_others(entries: dict[int, dict[str, int]], pending: list[dict[str, Any]], now: Image) -> Iterator[Any]:
    """Changes that were made by code that tells no log, such as pyarrow's: what is there besides all that was told."""
    told = {number: dict(names) for number, names in entries.items()}
    for change in pending:
        _apply(told, change)
    for directory, names in now.entries.items():
        were = told.get(directory, {})
        for name in sorted(names.keys() | were.keys()):
            if names.get(name) != were.get(name):
                gone = [(directory, name, were[name])] if name in were else []
                yield {"gone": gone, "come": [(directory, name, names[name])] if name in names else []}


def _contents(now: Image, synced: dict[int, bytes], chance: random.Random | None) -> dict[int, File]:
    left = {}
    for number, file in now.files.items():
        kept = synced.get(number, b"")
        if stat.S_ISLNK(file.mode) or file.content == kept:
            left[number] = file
            continue
        cut = file.content[: chance.randint(0, len(file.content))] if chance else b""
        left[number] = file._replace(content=chance.choice([kept, file.content, cut]) if chance else kept)
    return left


def _build(world: Path, target: Image, parked: Path) -> None:
    """Entries that are left as they were are not touched, and files that are left are the same inodes, as in truth."""
    for above, directories, files in os.walk(world, topdown=False):
        kept = target.entries.get(Path(above).stat().st_ino, {})
        for name in [*directories, *files]:
            path = Path(above) / name
            if kept.get(name) != path.lstat().st_ino:
                place = parked / str(path.lstat().st_ino)
                # a rename does nothing where both are names of one file
                path.unlink() if os.path.lexists(place) else path.rename(place)
    _directory(world, target.root, target, parked)


def _directory(path: Path, number: int, target: Image, parked: Path) -> None:
    for name, child in target.entries.get(number, {}).items():
        place = path / name
        if child in target.files:
            if not os.path.lexists(place):
                os.link(parked / str(child), place, follow_symlinks=False)
            _content(place, target.files[child])
            continue
        if not place.exists():
            (parked / str(child)).rename(place) if (parked / str(child)).exists() else place.mkdir()
        _directory(place, child, target, parked)
    if stat.S_IMODE(path.stat().st_mode) != (rights := target.rights.get(number, 0o755)):
        path.chmod(rights)


def _content(place: Path, file: File) -> None:
    if not stat.S_ISLNK(file.mode) and place.read_bytes() != file.content:
        place.write_bytes(file.content)
        os.utime(place, ns=file.times)
