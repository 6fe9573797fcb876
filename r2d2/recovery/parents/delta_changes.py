"""What was done to a Delta table since a recipe was made: from its log, without reading data (DELETION 4)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence, Set
from enum import StrEnum
from typing import Any

from r2d2.errors import UnreadableData
from r2d2.lake.delta_paths import decoded_path, is_absolute
from r2d2.lake.file_tree import joined
from r2d2.lake.storage import storage_for


class Cause(StrEnum):
    """Why a file left the newest version of a table.

    ``COMPACTED``: its rows went to other files. ``DELETED``: rows were deleted, and none were changed. ``CHANGED``:
    rows were changed. ``REPLACED``: the table, or a part of it, was written anew. ``UNTOLD``: the log does not say.
    """

    COMPACTED = "compacted"
    DELETED = "deleted"
    CHANGED = "changed"
    REPLACED = "replaced"
    UNTOLD = "untold"


#: Operations that delete rows and do nothing else, as Spark, delta-rs and Trino call them.
_DELETES = ("DELETE", "TRUNCATE")
_Action = Mapping[str, Any]


def causes(location: str, lost: Set[str], after: int, until: int) -> tuple[Cause, ...]:
    """Why files left the newest version, and what was done to the files that their rows went to since.

    Args:
        lost: paths of the files.
        after, until: versions of the table: when they were in it, and its newest.

    Raises:
        UnreadableData: an entry of the log is damaged.
        OSError: one can't be read.
    """
    found: set[Cause] = set()
    followed, left = set(lost), set(lost)
    for version in range(after + 1, until + 1):
        actions = _entry(location, version)
        if actions is None:
            found.add(Cause.UNTOLD)
            continue
        removed = [(_path(location, remove, version), remove) for remove in _told(actions, "remove")]
        own = [remove for path, remove in removed if path in followed]
        left.difference_update(path for path, _ in removed)
        if own:
            found.add(_cause(actions, own))
            followed |= {_path(location, add, version) for add in _told(actions, "add")}
    return tuple(sorted(found | ({Cause.UNTOLD} if left else set())))


def _told(actions: Sequence[_Action], kind: str) -> list[_Action]:
    return [action[kind] for action in actions if isinstance(action.get(kind), Mapping)]


def _cause(actions: Sequence[_Action], own: Sequence[_Action]) -> Cause:
    if all(remove.get("dataChange") is False for remove in own):
        return Cause.COMPACTED
    told: _Action = next(
        (action["commitInfo"] for action in actions if isinstance(action.get("commitInfo"), Mapping)), {}
    )
    operation = str(told.get("operation", "")).upper()
    if operation in _DELETES or (operation == "MERGE" and _only_deletes(told)):
        return Cause.DELETED
    return Cause.CHANGED if operation in ("UPDATE", "MERGE") else Cause.REPLACED


def _only_deletes(told: _Action) -> bool:
    """Whether a merge changed no row, going by its figures: Spark and delta-rs spell their names differently."""
    raw = told.get("operationMetrics")
    figures = {str(name).lower().replace("_", ""): str(value) for name, value in raw.items()} if raw else {}
    return figures.get("numtargetrowsupdated") == "0" and figures.get("numtargetrowsdeleted", "0") != "0"


def _entry(location: str, version: int) -> list[_Action] | None:
    """The actions of one version; None where its entry was cleaned away."""
    path = joined(location, f"_delta_log/{version:020d}.json")
    try:
        text = storage_for(path).read_bytes(path)
    except FileNotFoundError:
        return None
    return list(_actions(text, version))


def _actions(text: bytes, version: int) -> Iterator[_Action]:
    for line in text.split(b"\n"):
        if line.strip():
            try:
                action = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise UnreadableData(f"_delta_log/{version:020d}.json is damaged") from error
            if isinstance(action, Mapping):
                yield action


def _path(location: str, action: _Action, version: int) -> str:
    path = decoded_path(str(action.get("path", "")), f"_delta_log/{version:020d}.json")
    return path if is_absolute(path) else joined(location, path)
