"""``r2d2 history``: the whole story of a dataset, from plan to purge. Starts no Spark."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from r2d2.catalog.state import State, open_state
from r2d2.commands.output import print_rows
from r2d2.errors import NotFound, UsageError
from r2d2.progress import Progress
from r2d2.recovery.records.history import Event, story
from r2d2.recovery.records.journal import Journal, Record
from r2d2.version import __version__

HISTORY_COLUMNS = ("at", "what", "by", "receipt")


def history(state_dir: str, dataset: str, export: Path | None, progress: Progress, output: str) -> None:
    """Prints the story, or writes it to a file.

    Args:
        export: a new file for an auditor: the story with its facts, and what ties it to the journal.

    Raises:
        NotFound: nothing ever happened with the dataset.
        Tampered: the journal is not what was written.
        UsageError: the file is there already.
    """
    state = open_state(state_dir)
    records = Journal(state).records
    events = story(state, dataset, records)
    if not events:
        raise NotFound(f"no plan, person or command ever decided on {dataset!r}", "`r2d2 datasets` lists the ids")
    if export is not None:
        _write(export, _document(state, dataset, events, records))
        progress.say(f"written: {export}")
        return
    columns = (*HISTORY_COLUMNS, "facts", "record") if output == "json" else HISTORY_COLUMNS
    print_rows(map(_row, events), columns, output)


def _document(state: State, dataset: str, events: Sequence[Event], records: Sequence[Record]) -> dict[str, Any]:
    newest = records[-1].sha256 if records else ""
    return {
        "dataset": dataset,
        "state": state.location,
        "exported_at": datetime.now(UTC).isoformat(),
        "r2d2": __version__,
        "journal": {"records": len(records), "newest_sha256": newest, "checked": "hashes and MACs of all records"},
        "events": [_row(event) for event in events],
    }


def _row(event: Event) -> dict[str, Any]:
    number, digest = event.record
    return {
        "at": f"{event.at.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z",
        "what": event.what,
        "by": event.by,
        "receipt": event.receipt,
        "facts": dict(event.facts or {}),
        "record": {"sequence": number, "sha256": digest} if number else None,
    }


def _write(file: Path, document: dict[str, Any]) -> None:
    try:
        with file.open("x", encoding="utf-8") as target:
            json.dump(document, target, indent=1, ensure_ascii=True)
            target.write("\n")
    except FileExistsError:
        raise UsageError(f"{file} is there already", "give another name: an export is never written over") from None
