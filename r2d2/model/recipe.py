"""How a retired dataset is rebuilt, exactly, from what is kept (DESIGN 2, DELETION 3). No Spark, no I/O."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from functools import cached_property
from typing import Any

from r2d2.model.dataset import DataFile, Dataset
from r2d2.model.edge import Projection
from r2d2.model.packing import pack_file, unpack_file


class RecipeKind(StrEnum):
    """How the child's rows are told among the parent's.

    ``SAME``: they are all of them. ``FILTER``: a predicate tells them. ``ROWS``: they are listed.
    """

    SAME = "same"
    FILTER = "filter"
    ROWS = "rows"


class Fidelity(StrEnum):
    """What a rebuild gives back: the same data by identity, or only equal data (DELETION 3)."""

    IDENTICAL = "identical"
    EQUAL = "equal"


@dataclass(frozen=True)
class FileRecord:
    """A data file of the child as it was.

    Attributes:
        name: relative to the dataset's location; empty where the dataset is that one file.
        size: bytes.
        sha256: of its bytes, as hexadecimal digits.
        rows: that the dataset has of it; those that a deletion vector takes out don't count.
        header: index into ``Manifest.headers``.
        partition: partition column → raw text, None for NULL.
        mode: permission bits on disk; 0 in a store.
    """

    name: str
    size: int
    sha256: str
    rows: int
    header: int
    partition: tuple[tuple[str, str | None], ...] = ()
    mode: int = 0

    @property
    def directory(self) -> str:
        """The directory that it lies in, relative to the dataset's location: its raw partition text, for instance."""
        return self.name.rpartition("/")[0]


@dataclass(frozen=True)
class Manifest:
    """All of the child that must come back besides its rows.

    Attributes:
        dataset: its id.
        format, location, version, rows, bytes: as of the dataset.
        files: its data files.
        headers: what its files say besides rows, one JSON text for each different one (``recovery.headers``).
        readers: how its files are read: ``Dataset.readers``, by ``header``.
        partition_columns: names.
        identity: of its rows and headers (``recovery.identity``); equal ones mean the same data, not only equal data.
        digest: of its rows (docs/encoding.md); equal ones mean equal data.
        projection: its leaves, under which that digest was taken.
        others: names, relative to the location, of the further files of its directory that go with it.
        modes: directory (relative to the location; empty for itself) → permission bits; empty in a store.
        table: what a table format or a catalog says of it as JSON, by kind: ``protocol``, ``metaData``, ...
    """

    dataset: str
    format: str
    location: str
    version: str
    rows: int
    bytes: int
    files: tuple[FileRecord, ...]
    headers: tuple[str, ...]
    readers: tuple[str, ...]
    partition_columns: tuple[str, ...]
    identity: str
    digest: str
    projection: Projection = ()
    others: tuple[str, ...] = ()
    modes: tuple[tuple[str, int], ...] = ()
    table: tuple[tuple[str, str], ...] = ()

    @property
    def is_file(self) -> bool:
        """Whether the dataset is one file, not a directory."""
        return len(self.files) == 1 and not self.files[0].name


@dataclass(frozen=True)
class ParentPin:
    """The parent's rows, pinned to files.

    Attributes:
        dataset: its id.
        location, format, version: of it when the recipe was made.
        files: those that the recipe reads, as they were listed, readers and partition values included.
        sha256: of each of these files; of a file that is known by a version in its store only, empty.
        readers: how they are read (``Dataset.readers``).
        case_sensitive: whether names of leaves are matched with their case.
    """

    dataset: str
    location: str
    format: str
    version: str
    files: tuple[DataFile, ...]
    sha256: tuple[str, ...]
    readers: tuple[str, ...]
    case_sensitive: bool = False

    def as_dataset(self) -> Dataset:
        """The files as a dataset, for code that scans those."""
        return Dataset(
            self.dataset,
            self.format,
            self.location,
            self.version,
            self.files,
            self.readers,
            rows=sum(file.rows or 0 for file in self.files),
            bytes=sum(file.size for file in self.files),
        )


@dataclass(frozen=True)
class Recipe:
    """How one child is rebuilt from one parent.

    Attributes:
        kind: see there.
        manifest: of the child.
        parent: what it is rebuilt from.
        projection: what both were compared under; the child's leaves.
        fidelity: what a rebuild was seen to give back.
        predicate: ``FILTER``: which rows of the parent (``recovery.predicate``), as JSON; empty for all.
        copies: ``SAME``: index of a child's file → index of the parent's file that has the same bytes. Empty where
            files are written anew.
        rows: ``ROWS``: for each unit (child's files with one header and one directory, in the order in which
            ``units`` gives them) the places of its rows: index of the parent's file → base64 of a Roaring bitmap.
        lost: what does not come back, in words.
        keeps_order: rows come back in their order.
    """

    kind: RecipeKind
    manifest: Manifest
    parent: ParentPin
    projection: Projection
    fidelity: Fidelity = Fidelity.IDENTICAL
    predicate: str = ""
    copies: tuple[tuple[int, int], ...] = ()
    rows: tuple[Mapping[int, str], ...] = ()
    lost: tuple[str, ...] = ()
    keeps_order: bool = False

    def to_json(self) -> str:
        """The recipe as text; equal recipes give equal text."""
        raw = asdict(replace(self, parent=replace(self.parent, files=())))
        raw["parent"]["files"] = [pack_file(file) for file in self.parent.files]
        raw["rows"] = [{str(index): text for index, text in unit.items()} for unit in self.rows]
        return json.dumps(raw, sort_keys=True, separators=(",", ":"))

    @staticmethod
    def unpacked(content: bytes) -> str:
        """The text of a recipe from how it is kept.

        Raises:
            ValueError, OSError, EOFError: it is none.
        """
        return gzip.decompress(content).decode("utf-8")

    @staticmethod
    def from_json(text: str) -> Recipe:
        """The reverse of ``to_json``.

        Raises:
            ValueError, KeyError, TypeError: it is none.
        """
        raw = json.loads(text)
        return Recipe(
            kind=RecipeKind(raw["kind"]),
            manifest=_manifest(raw["manifest"]),
            parent=_pin(raw["parent"]),
            projection=_projection(raw["projection"]),
            fidelity=Fidelity(raw["fidelity"]),
            predicate=raw["predicate"],
            copies=tuple((int(child), int(parent)) for child, parent in raw["copies"]),
            rows=tuple({int(index): text for index, text in unit.items()} for unit in raw["rows"]),
            lost=tuple(raw["lost"]),
            keeps_order=raw["keeps_order"],
        )

    @cached_property
    def packed(self) -> bytes:
        """Its text as it is kept, in the format of gzip."""
        return gzip.compress(self.to_json().encode("utf-8"), mtime=0)

    @property
    def size(self) -> int:
        """Bytes that it takes."""
        return len(self.packed)

    @property
    def sha256(self) -> str:
        """Of its text; the journal keeps it, so that a recipe that was tampered with is noticed."""
        return hashlib.sha256(self.to_json().encode("utf-8")).hexdigest()


def units(manifest: Manifest) -> list[list[int]]:
    """Indexes of the child's files in groups that are written together: of one header, directory and partition."""
    found: dict[tuple[object, ...], list[int]] = {}
    for index, file in enumerate(manifest.files):
        found.setdefault((file.header, file.directory, file.partition), []).append(index)
    return list(found.values())


def _manifest(raw: Mapping[str, Any]) -> Manifest:
    files = tuple(FileRecord(**{**file, "partition": _partition(file["partition"])}) for file in raw["files"])
    lists = ("headers", "readers", "partition_columns", "others")
    pairs = {name: tuple((key, value) for key, value in raw[name]) for name in ("modes", "table")}
    projection = _projection(raw["projection"])
    plain = {name: tuple(raw[name]) for name in lists}
    return Manifest(**{**raw, "files": files, "projection": projection, **plain, **pairs})


def _projection(raw: Sequence[Sequence[Any]]) -> Projection:
    return tuple((tuple(path), family) for path, family in raw)


def _partition(raw: Sequence[Sequence[Any]]) -> tuple[tuple[str, str | None], ...]:
    return tuple((name, value) for name, value in raw)


def _pin(raw: Mapping[str, Any]) -> ParentPin:
    files = tuple(unpack_file(file) for file in raw["files"])
    return ParentPin(**{**raw, "files": files, "sha256": tuple(raw["sha256"]), "readers": tuple(raw["readers"])})
