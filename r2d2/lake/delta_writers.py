"""Who wrote a Delta table last: what its commits say of the user, the job and the engine.

It is what a writer says of itself, so it proves nothing, and a log that does not say is as good as any.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from r2d2.lake.delta_checkpoint import Action
from r2d2.lake.delta_segment import LogSegment
from r2d2.lake.file_tree import joined
from r2d2.lake.storage import Storage

#: Commits before a checkpoint that are looked at for one that changed data.
_LOOKED_AT = 20
_LONGEST = 200


class LastWriter(NamedTuple):
    """Job, user and engine of a commit, empty where it does not name them; milliseconds since 1970-01-01 UTC."""

    job: str
    user: str
    engine: str
    at_ms: int


def writer_of(actions: Iterable[Action]) -> LastWriter | None:
    """The writer of a commit; None if it changed no data (compaction, for one) or says nothing of itself."""
    info: Mapping[str, Any] = {}
    changed = False
    for action in actions:
        if isinstance(action.get("commitInfo"), Mapping):
            info = action["commitInfo"]
        for kind in ("add", "remove"):
            content = action.get(kind)
            changed |= isinstance(content, Mapping) and content.get("dataChange") is not False
    at = next((t for t in (info.get("inCommitTimestamp"), info.get("timestamp")) if type(t) is int and t > 0), 0)
    user = _text(info.get("userName")) or _text(info.get("userId"))
    engine = _text(info.get("engineInfo")) or _text(info.get("clientVersion"))
    found = LastWriter(_job(info), user, engine, at)
    return found if changed and at and any(found[:3]) else None


def earlier_writer(storage: Storage, log: str, segment: LogSegment, within: Sequence[str]) -> LastWriter | None:
    """The writer of the newest commit before the checkpoint that still lies there and changed data."""
    for name in segment.earlier[:_LOOKED_AT]:
        path = joined(log, name)
        if within and not storage.inside(path, within):
            return None
        try:
            actions = [json.loads(line) for line in storage.read_bytes(path).split(b"\n") if line.strip()]
        except (OSError, ValueError, RecursionError):
            return None  # the table does not need this file any more, so it may be gone or damaged
        if found := writer_of(action for action in actions if isinstance(action, dict)):
            return found
    return None


def _job(info: Mapping[str, Any]) -> str:
    job, notebook = info.get("job"), info.get("notebook")
    if isinstance(job, Mapping) and (name := _text(job.get("jobName"))):
        return name
    if isinstance(job, Mapping) and (number := _text(job.get("jobId"))):
        return f"job {number}"
    if isinstance(notebook, Mapping) and (number := _text(notebook.get("notebookId"))):
        return f"notebook {number}"
    return ""


def _text(value: Any) -> str:
    return value.encode("utf-8", "backslashreplace").decode()[:_LONGEST] if isinstance(value, str) else ""
