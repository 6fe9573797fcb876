"""Quarantine: a dataset is kept from its readers, whole, and can be given back at once (DELETION 2)."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from typing import Literal

from r2d2.catalog.file_names import is_hidden
from r2d2.errors import NotRetirable
from r2d2.lake.delta_log import FENCE_FEATURE
from r2d2.lake.file_tree import joined, shown
from r2d2.lake.object_client import OBJECT_STORES
from r2d2.lake.storage import is_local
from r2d2.lake.urls import SAME_STORE, split_url
from r2d2.model.dataset import Dataset
from r2d2.recovery.moves.lake_writer import LakeWriter
from r2d2.recovery.moves.listing import exists, seen_below, seen_files
from r2d2.recovery.moves.places import AREA, LONGEST_NAME, Area, note_of
from r2d2.recovery.moves.put_away import Kind, Move, PutAway, Seen

_LOG = "_delta_log"
_BUSY = "it is left as it was; try again when nothing writes to it"


def plan_away(
    dataset: Dataset,
    area: Area,
    in_stores: Literal["in-place", "move"],
    by: str,
    table: tuple[tuple[str, ...], ...] = (),
) -> PutAway:
    """What putting a dataset away takes; nothing is done yet.

    Args:
        in_stores: what becomes of objects.
        by: who decided.
        table: the name of a catalog's table, and those that it may get; none for what is known by its path only.

    Raises:
        NotRetirable: it can't be put away as what it is, or where it is.
    """
    location = dataset.location.rstrip("/")
    kind = Kind.CATALOG if table else kind_of(dataset, in_stores)
    there = seen_below(location)
    _refuse_areas(location, there)
    own = {file.path for file in dataset.files}
    missing = own - {file.path for file in there}
    if missing:
        raise NotRetirable(
            f"{shown(min(missing))} lies elsewhere, or is gone", "retire datasets that own all they hold"
        )
    fence = _fence_path(dataset) if dataset.format == "delta" and kind is not Kind.CATALOG else ""
    whole = dataset.format in ("delta", "iceberg") or _owns_all(location, there, own)
    wanted = there if whole else tuple(file for file in there if file.path in own | _checksums(own))
    moves = _moves(kind, location, wanted, whole, area)
    if kind in (Kind.RENAMED, Kind.COPIED) and own == {location}:
        wanted = (*wanted, *seen_files(sorted(_checksums(own))))
        moves = tuple(Move(f.path, _beside(f.path, location, area)) for f in wanted)
    fence_text = _fence(area.receipt, by) if fence else ""
    note = note_of(location), _note(dataset, area, by)
    return PutAway(kind, location, moves, wanted, fence, fence_text, *note, table)


def refuse_changed(away: PutAway, moved: bool = False) -> None:
    """Raises if what is to be put away, or was, is not what it was when that was planned.

    Raises:
        NotRetirable: something was written there.
    """
    _refuse_changed(away, seen_now(away, moved))


def put_away(lake: LakeWriter, away: PutAway) -> None:
    """Does what was planned, step by step, and looks again whether anything changed meanwhile.

    Raises:
        NotRetirable: something was written meanwhile, or stands in the way. What was done is left for ``bring_back``.
        OSError: a step failed; likewise.
    """
    refuse_changed(away)
    if away.fence:
        try:
            lake.put(away.fence, away.fence_text.encode("utf-8"))
        except FileExistsError:
            raise NotRetirable(f"{shown(away.location)} was written to", _BUSY) from None
    refuse_changed(away)
    if away.kind is Kind.COPIED:
        _copy_away(lake, away)
    else:
        for move in away.moves:
            lake.rename(move.source, move.target)
    leave_note(lake, away)
    refuse_changed(away, moved=True)
    if written_again(away):
        raise NotRetirable(f"{shown(away.location)} was written to while it was moved", _BUSY)


def leave_note(lake: LakeWriter, away: PutAway) -> None:
    """Says beside the old path what became of the dataset.

    Raises:
        NotRetirable: another note is there.
    """
    try:
        lake.put(away.note, away.note_text.encode("utf-8"))
    except FileExistsError:
        raise NotRetirable(f"{shown(away.note)} is in the way", "it tells of another retirement: look at it") from None


def seen_now(away: PutAway, moved: bool) -> tuple[Seen, ...]:
    """What is now of the files that were to be put away, the fence left out; whatever else lies there too."""
    if not moved:
        found = seen_below(away.location)
        wanted = {file.path for file in away.seen}
        if away.moves and not any(move.directory for move in away.moves):
            beside = wanted - {file.path for file in found}
            found = tuple(file for file in (*found, *seen_files(sorted(beside))) if file.path in wanted)
        return tuple(file for file in found if file.path != away.fence)
    if any(move.directory for move in away.moves):
        found = tuple(file for move in away.moves for file in seen_below(move.target))
        return tuple(file for file in found if file.path != away.moved(away.fence))
    if not away.moves:
        return seen_now(away, moved=False)
    return seen_files(away.moved(file.path) for file in away.seen)


def is_whole(away: PutAway) -> bool:
    """Whether all that was put away is in quarantine as it was."""
    return marks(seen_now(away, moved=True)) == {away.moved(file.path): file.mark for file in away.seen}


def marks(files: Sequence[Seen]) -> dict[str, str]:
    """What is compared of files, by path."""
    return {file.path: file.mark for file in files}


def _refuse_changed(away: PutAway, now: Sequence[Seen]) -> None:
    was, found = marks(away.seen), marks(now)
    moved = {away.moved(path): mark for path, mark in was.items()}
    versions = {file.path: file.version for file in away.seen}
    touched = {file.path for file in now if file.path in versions and file.version != versions[file.path]}
    if touched or found not in (was, moved):
        names = sorted(p for p in found.keys() | was.keys() if found.get(p) not in (was.get(p), moved.get(p)))
        names = names or sorted(touched)
        some = shown(names[0]) if names else shown(away.location)
        raise NotRetirable(f"{shown(away.location)} changed while it was retired: {some}", _BUSY)


def written_again(away: PutAway) -> bool:
    """Whether something lies at an old path that was moved away."""
    if any(move.directory for move in away.moves):
        return exists(away.location)
    return any(exists(move.source) for move in away.moves)


def _copy_away(lake: LakeWriter, away: PutAway) -> None:
    """Copies, lists again, and removes what is still as it was; of a table the newest log entries last."""
    for move in away.moves:
        lake.copy(move.source, move.target)
    _refuse_changed(away, seen_now(away, moved=False))
    versions = {file.path: file.version for file in away.seen}
    for move in sorted(away.moves, key=lambda move: removal_order(move.source)):
        try:
            lake.delete(move.source, versions[move.source])
        except FileExistsError:
            raise NotRetirable(f"{shown(move.source)} changed while it was moved", _BUSY) from None


def removal_order(path: str) -> tuple[bool, str]:
    """In which order files of a dataset are removed: a table's log after its data, and its newest entries last."""
    return f"/{_LOG}/" in path, path


def kind_of(dataset: Dataset, in_stores: str) -> Kind:
    """How a dataset is quarantined.

    Args:
        in_stores: what becomes of objects: ``in-place`` or ``move``.

    Raises:
        NotRetirable: it can't be, where it is.
    """
    location = dataset.location
    if dataset.format == "iceberg":
        raise NotRetirable("an Iceberg table is retired through its catalog only", "give its catalog as a root")
    if is_local(location):
        return Kind.FENCED_RENAMED if dataset.format == "delta" else Kind.RENAMED
    scheme = split_url(location)[0]
    if SAME_STORE.get(scheme, scheme) not in OBJECT_STORES:
        raise NotRetirable(f"nothing is retired on {scheme}:// stores", "they have no conditional writes")
    if dataset.format == "delta":
        return Kind.FENCED
    return Kind.COPIED if in_stores == "move" else Kind.IN_PLACE


def _moves(kind: Kind, location: str, wanted: Sequence[Seen], whole: bool, area: Area) -> tuple[Move, ...]:
    if kind in (Kind.FENCED, Kind.IN_PLACE, Kind.CATALOG):
        return ()
    if whole and kind is not Kind.COPIED and not any(file.path == location for file in wanted):
        return (Move(location, area.data, directory=True),)
    return tuple(Move(file.path, area.data + file.path[len(location) :]) for file in wanted)


def _beside(path: str, location: str, area: Area) -> str:
    """Where a dataset that is one file goes, and what lies beside it goes with it."""
    return area.data if path == location else joined(area.directory, path.rpartition("/")[2])


def _owns_all(location: str, there: Sequence[Seen], own: set[str]) -> bool:
    """Whether nothing at the location is anybody else's: all but its own files is hidden, as what writers leave is."""
    extra = (file.path[len(location) + 1 :] for file in there if file.path not in own)
    return all(any(map(is_hidden, name.split("/"))) for name in extra)


def _refuse_areas(location: str, there: Sequence[Seen]) -> None:
    base = len(location) + 1
    if any(AREA in file.path[base:].split("/") for file in there):
        what = "r2d2 keeps retired data of another lake below it, or claims on what lies there"
        raise NotRetirable(f"{shown(location)}: {what}", "restore or purge that first, with the state that retired it")


def _checksums(own: set[str]) -> set[str]:
    """The checksums that Hadoop keeps beside files on disk."""
    split = (path.rpartition("/") for path in own)
    named = {(directory, f".{name}.crc") for directory, _, name in split}
    return {f"{directory}/{name}" for directory, name in named if len(name.encode("utf-8")) <= LONGEST_NAME}


def _fence_path(dataset: Dataset) -> str:
    version = dataset.version.removeprefix("v")
    if not version.isdecimal():
        raise NotRetirable(f"{shown(dataset.id)}: its version {version!r} is not one of a Delta log", "report this")
    return joined(dataset.location, f"{_LOG}/{int(version) + 1:020d}.json")


def _fence(receipt: str, by: str) -> str:
    """The log entry that keeps Delta's readers and writers out, and tells people why."""
    told = {"timestamp": 0, "operation": "R2D2 RETIRE", "operationParameters": {"receipt": receipt, "by": by}}
    features = {"readerFeatures": [FENCE_FEATURE], "writerFeatures": [FENCE_FEATURE]}
    protocol = {"protocol": {"minReaderVersion": 3, "minWriterVersion": 7, **features}}
    return "\n".join(json.dumps(action) for action in ({"commitInfo": told}, protocol)) + "\n"


def _note(dataset: Dataset, area: Area, by: str) -> str:
    return (
        f"{shown(dataset.id)} was retired by R2D2: another dataset holds all its rows. Decided by {shown(by)}.\n"
        f"It comes back with: r2d2 restore {shlex.quote(shown(dataset.id))} --state STATE\n"
        f"Retirement {area.receipt}; what belongs to it is in {shown(area.directory)}\n"
    )
