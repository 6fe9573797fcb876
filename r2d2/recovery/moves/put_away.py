"""What putting a dataset into quarantine takes, as data: the journal holds it before the first step is done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """How a dataset is kept from its readers, by what it is and where it lies (DELETION 2).

    ``RENAMED``: moved out of the lake's namespace, on disk. ``FENCED``: a Delta table whose log no reader opens any
    more, where it is. ``FENCED_RENAMED``: both, on disk. ``IN_PLACE``: marked only, in a store. ``COPIED``: copied away
    and removed, in a store. ``CATALOG``: renamed in its catalog.
    """

    RENAMED = "renamed"
    FENCED = "fenced"
    FENCED_RENAMED = "fenced-renamed"
    IN_PLACE = "in-place"
    COPIED = "copied"
    CATALOG = "catalog"


@dataclass(frozen=True)
class Seen:
    """A file as it was: ``mark`` changes with its content and not when it is moved."""

    path: str
    version: str
    mark: str


@dataclass(frozen=True)
class Move:
    """A file, or on disk a whole directory, that goes from ``source`` to ``target``."""

    source: str
    target: str
    directory: bool = False


@dataclass(frozen=True)
class PutAway:
    """Everything that putting one dataset away changes in the lake.

    Attributes:
        kind: see there.
        location: of the dataset.
        moves: in their order.
        seen: every file that lay at the location, or is moved.
        fence, fence_text: path and content of the log entry that keeps Delta's readers and writers out; empty for none.
        note, note_text: path and content of the small file that stays beside the old path.
        table: of ``CATALOG``: the names that the table has and gets, each as its parts.
        view: of ``CATALOG``: the query of the view that stands in its place; empty for none.
    """

    kind: Kind
    location: str
    moves: tuple[Move, ...] = ()
    seen: tuple[Seen, ...] = ()
    fence: str = ""
    fence_text: str = ""
    note: str = ""
    note_text: str = ""
    table: tuple[tuple[str, ...], ...] = ()
    view: str = ""

    def to_facts(self) -> dict[str, Any]:
        """As the journal keeps it."""
        return asdict(self)

    @staticmethod
    def from_facts(raw: Mapping[str, Any]) -> PutAway:
        """The reverse of ``to_facts``."""
        return PutAway(
            kind=Kind(raw["kind"]),
            location=raw["location"],
            moves=tuple(Move(**move) for move in raw["moves"]),
            seen=tuple(Seen(**file) for file in raw["seen"]),
            **{name: raw[name] for name in ("fence", "fence_text", "note", "note_text")},
            table=_names(raw["table"]),
            view=raw["view"],
        )

    @property
    def place(self) -> str:
        """Where the dataset's directory, or the one file that it is, lies after the moves."""
        below = f"{self.location}/"
        for move in self.moves:
            if move.source == self.location:
                return move.target
            if move.source.startswith(below):  # others' files stay where it was
                return move.target[: len(move.target) - len(move.source) + len(self.location)]
        return self.location

    def moved(self, path: str) -> str:
        """Where a file that lay at ``path`` is after the moves."""
        for move in self.moves:
            if path == move.source:
                return move.target
            if move.directory and path.startswith(f"{move.source}/"):
                return move.target + path[len(move.source) :]
        return path


def _names(raw: Sequence[Sequence[str]]) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(name) for name in raw)
