"""Which files together are one dataset where no table format says so: by rules, by ``k=v`` directories, by names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from r2d2.catalog.file_names import data_format, hive_column, is_hidden, is_part
from r2d2.catalog.patterns import Patterns, prefixes
from r2d2.config import DiscoverySettings
from r2d2.lake.file_tree import FoundFile, shown
from r2d2.model.names import fold_name

#: Partition columns of one file, from the outside in.
Partition = tuple[tuple[str, str | None], ...]


class Hole(NamedTuple):
    """Something below a root that is not among the files; a dataset that it belongs to is not whole."""

    name: str
    status: str
    reason: str


@dataclass(frozen=True)
class Group:
    """Files that are one dataset.

    Attributes:
        name: of the directory or file, relative to the root; empty for the root.
        format: of all files; where they differ, of the first one.
        files: sorted by name, with their partition values in ``partitions``.
        together: several files by name or by rule, even if there is only one.
    """

    name: str
    format: str
    files: tuple[FoundFile, ...]
    partitions: tuple[Partition, ...]
    together: bool
    status: str = "ok"
    reason: str = ""


class _Place(NamedTuple):
    """Where a file belongs: ``kind`` is ``rule``, ``hive``, ``part`` or ``file``, ``base`` a directory or the file."""

    kind: str
    base: str


class Grouping:
    """Groups data files of one root under the rules of the configuration."""

    def __init__(self, settings: DiscoverySettings) -> None:
        self._datasets, self._separate = Patterns(settings.datasets), Patterns(settings.separate)
        self._rule = lru_cache(maxsize=None)(self._find_rule)
        self._above_hive = lru_cache(maxsize=None)(_above_hive)

    def groups(self, files: Iterable[FoundFile], holes: Iterable[Hole] = ()) -> list[Group]:
        """Datasets by name; ``files`` are data files only, hidden and claimed ones left out."""
        placed: dict[_Place, list[FoundFile]] = defaultdict(list)
        for found in files:
            placed[self._place(found.name)].append(found)
        _dissolve_mixed_parts(placed)
        missing = self._missing(holes)
        conflicts = {place.base for place in placed if place.kind == "part"} & {
            place.base for place in placed if place.kind == "hive"
        }
        groups = []
        for place, members in placed.items():
            if place.kind == "part" and place.base in conflicts:
                continue
            if place.kind == "hive" and place.base in conflicts:
                members = members + placed[_Place("part", place.base)]
            groups.append(_group(place, sorted(members), missing.get(place)))
        return sorted(groups, key=lambda group: group.name)

    def _missing(self, holes: Iterable[Hole]) -> dict[_Place, Hole]:
        """The first hole of each place. An entry that can't be looked at may be a file or a directory."""
        missing: dict[_Place, Hole] = {}
        for hole in holes:
            if any(is_hidden(part) for part in hole.name.split("/")):
                continue
            as_directory = self._place(f"{hole.name}/x")
            places = [as_directory] if as_directory.kind in ("rule", "hive") else []
            if data_format(hole.name):
                places.append(self._place(hole.name))
            for place in places:
                missing.setdefault(place, hole)
        return missing

    def _place(self, name: str) -> _Place:
        directory, _, last = name.rpartition("/")
        rule = self._rule(directory)
        if rule is not None:
            return _Place("file", name) if rule.kind == "separate" else rule
        base = self._above_hive(directory)
        if base is not None:
            return _Place("hive", base)
        return _Place("part", directory) if is_part(last) else _Place("file", name)

    def _find_rule(self, directory: str) -> _Place | None:
        """The innermost rule that holds for files in ``directory``; a dataset's directory holds all that is below."""
        rule: _Place | None = None
        for above in ("", *(prefixes(directory) if directory else ())):
            path = above or "."
            if self._datasets.matches(path) and (rule is None or rule.kind == "separate"):
                rule = _Place("rule", above)
            elif self._separate.matches(path):
                rule = _Place("separate", above)
        return rule


def _above_hive(directory: str) -> str | None:
    """The directory that holds the outermost ``k=v`` directory on the way, or None if there is none."""
    parts = directory.split("/")
    first = next((depth for depth, part in enumerate(parts) if hive_column(part)), None)
    return None if first is None else "/".join(parts[:first])


def _dissolve_mixed_parts(placed: dict[_Place, list[FoundFile]]) -> None:
    """Parts of several formats in one directory are no dataset together: each file is one."""
    mixed = [p for p, members in placed.items() if p.kind == "part" and len({data_format(m.name) for m in members}) > 1]
    for place in mixed:
        for found in placed.pop(place):
            placed[_Place("file", found.name)].append(found)


def single(found: FoundFile) -> Group:
    """A file that is a dataset by itself."""
    return Group(found.name, data_format(found.name) or "", (found,), ((),), together=False)


def _group(place: _Place, members: Sequence[FoundFile], hole: Hole | None) -> Group:
    if place.kind == "file":
        return single(members[0])
    formats = [data_format(found.name) or "" for found in members]
    partitions = tuple(_partition(found.name, place.base) for found in members)
    reason = _conflict(members, formats, partitions, place.base)
    status = "unsupported" if reason else "ok"
    if hole is not None:
        status, reason = hole.status, f"{shown(hole.name)}: {hole.reason}"
    return Group(place.base, formats[0], tuple(members), partitions, True, status, reason)


def _partition(name: str, base: str) -> Partition:
    below = name[len(base) :].lstrip("/").split("/")[:-1]
    return tuple(column for part in below if (column := hive_column(part)) is not None)


def _conflict(members: Sequence[FoundFile], formats: Sequence[str], partitions: Sequence[Partition], base: str) -> str:
    """Why the files can't be read as one table, or nothing."""
    if len(set(formats)) > 1:
        return f"it holds files of several formats ({', '.join(sorted(set(formats)))})"
    columns = {tuple(column for column, _ in partition) for partition in partitions}
    if len(columns) > 1:
        return "its files lie under k=v directories with different columns, or some under none"
    (names,) = columns
    if len({fold_name(name) for name in names}) < len(names):
        return "one partition column appears twice on the way to a file"
    if any(value == "" or not name.isprintable() for partition in partitions for name, value in partition):
        return "it has a k=v directory whose value is empty or whose column can't be printed"
    if names and any(_is_interrupted(found.name, base) for found in members):
        return "it has other directories between its k=v directories"
    return ""


def _is_interrupted(name: str, base: str) -> bool:
    """Whether a plain directory lies above a ``k=v`` one: readers disagree on what is a column then."""
    kinds = [hive_column(part) is not None for part in name[len(base) :].lstrip("/").split("/")[:-1]]
    return kinds != sorted(kinds, reverse=True)
