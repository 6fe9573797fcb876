"""The datasets below one root: tables that a format claims, groups of files, single files, and what is left out."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from r2d2.catalog.claim_files import is_claim
from r2d2.catalog.claims import FORMAT_NAMES, claim_above, claimed_directories, owner_of
from r2d2.catalog.delta_tables import delta_candidate
from r2d2.catalog.file_names import data_format, is_hidden, suffix_for_people
from r2d2.catalog.grouping import Group, Grouping, Hole, single
from r2d2.catalog.iceberg_tables import iceberg_candidate
from r2d2.catalog.listing import Candidate, Problem, plain_candidate
from r2d2.catalog.patterns import Patterns
from r2d2.config import DiscoverySettings
from r2d2.errors import unknown_damage
from r2d2.lake.file_tree import FileTree, FoundFile, joined, shown
from r2d2.lake.storage import Storage
from r2d2.model.dataset import DataFile

#: Formats whose tables are told by a log or metadata of their own.
_READERS = {"delta": delta_candidate, "iceberg": iceberg_candidate}
_MOST_SUFFIXES = 20  # kinds of other files that are named one by one


@dataclass(frozen=True)
class RootListing:
    """What one root holds. Candidates of status ``hidden`` are no datasets: they tell what hidden logs refer to."""

    candidates: tuple[Candidate, ...]
    problems: tuple[Problem, ...]
    claims: tuple[str, ...] = ()


def list_root(
    storage: Storage, tree: FileTree, alias: str, within: Sequence[str], settings: DiscoverySettings
) -> RootListing:
    """Datasets and problems of a listed root; ids start with ``alias``."""
    listing = _Root(storage, tree, alias, within, settings)
    claimed_above = claim_above(storage, tree.root)
    if claimed_above is not None:
        return listing.inside_a_table(*claimed_above)
    candidates = [*listing.tables(), *listing.plain()]
    claims = (found.stat.path for found in tree.files if is_claim(found.name))
    return RootListing(tuple(candidates), tuple(listing.problems()), tuple(claims))


class _Root:
    """One root's tree, divided into what tables claim and the rest."""

    def __init__(
        self, storage: Storage, tree: FileTree, alias: str, within: Sequence[str], settings: DiscoverySettings
    ) -> None:
        self.storage, self.tree, self.alias, self.within, self.settings = storage, tree, alias, within, settings
        self.include, self.exclude = Patterns(settings.include), Patterns(settings.exclude)
        self.claims = claimed_directories(tree)
        self.owner = owner_of(self.claims)
        self.in_hidden = lru_cache(maxsize=None)(_is_hidden)
        self.below: dict[str, list[FoundFile]] = defaultdict(list)
        self.free: list[FoundFile] = []
        for found in tree.files:
            owner = self.owner(found.name.rpartition("/")[0])
            (self.free if owner is None else self.below[owner]).append(found)

    def id_of(self, name: str) -> str:
        """The id of what lies at ``name`` below the root."""
        return joined(self.alias, name) or "."

    def wanted(self, name: str) -> bool:
        """Whether include and exclude leave ``name`` in. The root itself was asked for."""
        if not name:
            return True
        if self.settings.exclude and self.exclude.covers(name):
            return False
        return not self.settings.include or self.include.covers(name)

    def inside_a_table(self, kind: str, directory: str) -> RootListing:
        """The root is a part of a table: files below it mean nothing without the table's log."""
        reason = f"it lies inside a {FORMAT_NAMES[kind]}, at {shown(directory)}: give that directory as the root"
        bare = replace(self._bare(""), format=kind, reason=reason)
        if self.tree.is_file:
            bare = replace(bare, id=self.alias or self.tree.files[0].name)
        return RootListing((unread(bare, self.tree.files),), ())

    def tables(self) -> Iterator[Candidate]:
        """One candidate for each claimed directory. Of those left out only what their logs refer to is kept."""
        for base, kind in self.claims.items():
            bare, files = self._bare(base), self.below[base]
            bare = replace(bare, linked=bare.linked or any(found.linked for found in files))
            left_out = (bool(base) and self.in_hidden(base)) or not self.wanted(base)
            if kind in _READERS:
                table = self._table(kind, bare, files)
                if left_out:
                    table = hidden(table)
                yield table
            elif not left_out:
                reason = f"{FORMAT_NAMES[kind]}: not supported yet"
                yield unread(replace(bare, format=kind, reason=reason), files)

    def _table(self, kind: str, bare: Candidate, files: Sequence[FoundFile]) -> Candidate:
        """A log is a stranger's: whatever is wrong with it is wrong with its table, and ends nothing."""
        try:
            return _READERS[kind](bare, self.storage, [found.stat for found in files], self.within)
        except Exception as error:  # noqa: BLE001  # recorded, not lost
            reason = unknown_damage(shown(bare.location), error)
            return replace(unread(replace(bare, format=kind, reason=reason), files), status="error")

    def plain(self) -> Iterator[Candidate]:
        """Groups of files and single files that no table format claims."""
        data = [found for found in self.free if data_format(found.name) and not self._is_left_out(found.name)]
        wanted = [found for found in data if self.wanted(found.name)]
        if self.tree.is_file:
            for found in wanted:
                yield self._plain(single(found))
            return
        excluded = (found.name for found in data if not self.wanted(found.name))
        for group in Grouping(self.settings).groups(wanted, self._holes(excluded)):
            yield self._plain(group)

    def problems(self) -> Iterator[Problem]:
        """What is below the root and takes no part, hidden files and what include and exclude leave out aside."""
        for entry in self.tree.unlisted:
            if not self._is_left_out(entry.name) and self.wanted(entry.name):
                yield Problem(shown(joined(self.tree.root, entry.name)), entry.reason, entry.hint)
        for name in self.tree.skipped:
            where = shown(joined(self.tree.root, name))
            yield Problem(where, "the state directory lies in the lake and is left out", "keep the state elsewhere")
        others = Counter(
            suffix_for_people(found.name)
            for found in self.free
            if not data_format(found.name) and not self._is_left_out(found.name) and self.wanted(found.name)
        )
        if others:
            yield Problem(shown(self.tree.root), f"not data: {_counted(others)}", "")

    def _bare(self, name: str) -> Candidate:
        return Candidate(self.id_of(name), "", joined(self.tree.root, name), linked=self.tree.linked)

    def _is_left_out(self, name: str) -> bool:
        """Hidden, by its own name or that of a directory on the way. A root that is a file was asked for by name."""
        directory, _, last = name.rpartition("/")
        return not self.tree.is_file and (is_hidden(last) or (bool(directory) and self.in_hidden(directory)))

    def _holes(self, excluded: Iterable[str]) -> Iterator[Hole]:
        for entry in self.tree.unlisted:
            if self.owner(entry.name) is None:
                yield Hole(entry.name, "error", entry.reason)
        for name in self.tree.skipped:
            yield Hole(name, "unsupported", "the state directory lies in it")
        for base, kind in self.claims.items():
            if base:
                yield Hole(base, "unsupported", f"a {FORMAT_NAMES[kind]} of its own lies in it")
        for name in excluded:
            yield Hole(name, "unsupported", "discovery.include or .exclude leaves it out, but not the whole dataset")

    def _plain(self, group: Group) -> Candidate:
        files = tuple(
            DataFile(*found.stat, partition=partition)
            for found, partition in zip(group.files, group.partitions, strict=True)
        )
        as_root = self.tree.is_file
        own_id = self.alias or group.name if as_root else self.id_of(group.name)
        bare = Candidate(
            id=own_id,
            format=group.format,
            location=self.tree.root if as_root else joined(self.tree.root, group.name),
            files=files,
            file_ids=(own_id,) if as_root else tuple(self.id_of(found.name) for found in group.files),
            partition_columns=tuple(column for column, _ in group.partitions[0]),
            parts=group.together,
            linked=any(found.linked for found in group.files) or self.tree.linked,
            status=group.status,
            reason=group.reason,
        )
        return plain_candidate(bare)


def unread(bare: Candidate, files: Sequence[FoundFile]) -> Candidate:
    """A table whose files mean nothing without a reader of its format: they are claimed, not listed."""
    described = plain_candidate(replace(bare, files=tuple(DataFile(*found.stat) for found in files)))
    claimed = tuple(found.stat.identity for found in files)
    return replace(described, files=(), claimed=claimed, status="unsupported", reason=bare.reason)


def hidden(table: Candidate) -> Candidate:
    """What is kept of a table that is left out: the files outside that its log refers to."""
    return Candidate(table.id, table.format, table.location, pins=table.pins, status="hidden")


def _is_hidden(directory: str) -> bool:
    return any(is_hidden(part) for part in directory.split("/"))


def _counted(others: Counter[str]) -> str:
    ranked = sorted(others.items(), key=lambda item: (-item[1], item[0]))
    named = [f"{count} {suffix}" for suffix, count in ranked[:_MOST_SUFFIXES]]
    rest = sum(count for _, count in ranked[_MOST_SUFFIXES:])
    return ", ".join([*named, f"{rest} others"] if rest else named)
