"""What became of the dataset that a recipe reads, as far as metadata tells: no data is read (DELETION 4)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from r2d2.catalog.delta_schema import delta_columns
from r2d2.errors import LakeError, UnreadableData, UnsupportedData
from r2d2.lake.delta_log import DeltaSnapshot, replay_delta
from r2d2.lake.delta_vectors import DeletionVector, vector_of
from r2d2.lake.file_tree import shown
from r2d2.lake.layout import Reader, leaf_columns
from r2d2.lake.parquet_types import family_of
from r2d2.lake.storage import storage_for
from r2d2.model.dataset import DataFile
from r2d2.model.family import PRESENCE
from r2d2.model.names import fold
from r2d2.model.recipe import ParentPin, Recipe
from r2d2.recovery.parents.delta_changes import Cause, causes
from r2d2.recovery.parents.file_checks import differing

_File = tuple[str, str]


@dataclass(frozen=True)
class ParentNow:
    """What became of a recipe's parent.

    Attributes:
        version: of its table log now; empty where it has none.
        intact: the files that the recipe reads are as they were: it can be followed now.
        moved_on: they are not what the parent's newest version holds, or it lacks what the recipe asks for.
        why: what is not as it was, in words.
        causes: how files left the newest version of a Delta table.
    """

    version: str
    intact: bool
    moved_on: bool
    why: str = ""
    causes: tuple[Cause, ...] = ()

    @property
    def good(self) -> bool:
        """Whether the recipe can be followed now, and later."""
        return self.intact and not self.moved_on


@dataclass
class Parents:
    """Looks at parents; the log of each is read once."""

    _snapshots: dict[str, DeltaSnapshot] = field(default_factory=dict)

    def now(self, recipe: Recipe) -> ParentNow:
        """What became of a recipe's parent.

        Raises:
            LakeError: it can't be told.
        """
        pin = recipe.parent
        gone = differing(pin.files, pin.location)
        why = f"{shown(gone[0])} is gone, or not what it was" if gone else ""
        converted = pin.format == "parquet" and _has_log(pin.location)
        if pin.format != "delta" and not converted:
            return ParentNow("", not gone, False, why)
        found = self._table(recipe, why)
        if not converted or found.moved_on:
            return found
        return replace(found, moved_on=True, why=why or f"{shown(pin.dataset)} is a Delta table now")

    def snapshot(self, location: str) -> DeltaSnapshot:
        """The newest version of a Delta table.

        Raises:
            LakeError: its log can't be read.
        """
        if location not in self._snapshots:
            try:
                self._snapshots[location] = replay_delta(storage_for(location), location)
            except (UnreadableData, UnsupportedData) as error:
                hint = "nothing was decided; look again when its log can be read"
                raise LakeError(f"{shown(location)}: {error}", hint) from error
        return self._snapshots[location]

    def _table(self, recipe: Recipe, gone: str) -> ParentNow:
        pin = recipe.parent
        if not _has_log(pin.location):
            return ParentNow("", not gone, True, f"{shown(pin.dataset)} is no Delta table any more")
        snapshot = self.snapshot(pin.location)
        version = f"v{snapshot.version}"
        lost, lacking = _left(pin, snapshot), _lacking(recipe, snapshot)
        if lost:
            why = gone or f"{shown(min(lost))} is not in its newest version"
            found = {*_causes(pin, lost, snapshot), *([Cause.CHANGED] if lacking else [])}
            return ParentNow(version, not gone, True, why, tuple(sorted(found)))
        return ParentNow(version, not gone, bool(lacking), gone or lacking)


def _has_log(location: str) -> bool:
    try:
        return bool(storage_for(location).names(f"{location.rstrip('/')}/_delta_log"))
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        hint = "nothing was decided; look again when it can be read"
        raise LakeError(f"{shown(location)}: its log can't be listed: {error.strerror or error}", hint) from error


def _left(pin: ParentPin, snapshot: DeltaSnapshot) -> set[str]:
    """Paths of pinned files that the newest version lacks, or takes other rows out of."""
    held = {(file.path, _vector(file.vector, pin.location)) for file in snapshot.files}
    return {file.path for file in pin.files if _pinned(file) not in held}


def _pinned(file: DataFile) -> _File:
    """A file with its deletion vector, whatever the vector's own file is now."""
    if not file.vector:
        return file.path, ""
    return file.path, replace(DeletionVector.from_json(file.vector), stamp="").to_json()


def _vector(descriptor: Mapping[str, object] | None, location: str) -> str:
    return vector_of(descriptor, location).to_json() if descriptor else ""


def _causes(pin: ParentPin, lost: set[str], snapshot: DeltaSnapshot) -> tuple[Cause, ...]:
    after = pin.version.removeprefix("v") if pin.format == "delta" else "0"  # what made files a table removed none
    try:
        return causes(pin.location, lost, int(after), snapshot.version) if after.isdecimal() else (Cause.UNTOLD,)
    except (OSError, UnreadableData, UnsupportedData) as error:
        what = f"{shown(pin.location)}: what was done to it can't be read: {error}"
        raise LakeError(what, "nothing was decided; look again when its log can be read") from error


def _lacking(recipe: Recipe, snapshot: DeltaSnapshot) -> str:
    """What the newest schema lacks of what the recipe asks for; empty for nothing."""
    try:
        held = dict(_leaves(snapshot, recipe.parent.case_sensitive))
    except (UnreadableData, UnsupportedData) as error:
        return f"its schema changed: {error}"
    for path, family in recipe.projection:
        if held.get(path) != family:
            what = "another type of" if path in held else "no"
            return f"its schema changed: it has {what} column {shown('.'.join(path))}"
    return ""


def _leaves(snapshot: DeltaSnapshot, case_sensitive: bool) -> Iterator[tuple[tuple[str, ...], str]]:
    for leaf in leaf_columns(Reader("parquet", delta_columns(json.dumps(snapshot.schema)))):
        yield fold(leaf.path, case_sensitive), PRESENCE if leaf.presence else family_of(leaf.column)
