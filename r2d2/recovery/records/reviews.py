"""What people decided: kept in the state's table ``reviews``, of which the newest row of a dataset counts.

Which one is the newest, and what was done with a dataset before and after it, is told by numbers and by the journal:
those who decide and those who retire may sit before computers whose clocks differ.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pyarrow.compute as pc
import pyarrow.dataset as ds

from r2d2.catalog import records, runs
from r2d2.catalog.state import State
from r2d2.errors import UsageError
from r2d2.model.dataset import Dataset
from r2d2.model.plan import Action, Plan, PlannedDataset
from r2d2.model.receipt import Acceptance, Review
from r2d2.recovery.records.journal import Journal


def reviews(state: State) -> list[Review]:
    """All decisions, the oldest first."""
    rows = sorted(state.rows("reviews").to_pylist(), key=lambda row: (row["number"] or 0, row["at"]))
    return [
        Review(
            dataset=row["dataset"],
            approved=row["approved"],
            by=row["by"],
            note=row["note"],
            at=row["at"],
            plan=row["plan"],
            version=row["version"],
            parent=row["parent"],
            parent_version=row["parent_version"],
            accepted=frozenset(map(Acceptance, row["accepted"])),
            action=row["action"] or "",
            rebuild_seconds=_number(row["rebuild_seconds"]),
            rebuild_cost=_number(row["rebuild_cost"]),
            lapsed=row["lapsed"] or "",
            content=row["content"] or "",
            number=row["number"] or 0,
            journal=row["journal"],
        )
        for row in rows
    ]


def decide(
    state: State, plan: Plan, names: Iterable[str], approved: bool, by: str, note: str, accepted: Iterable[Acceptance]
) -> list[Review]:
    """Keeps a decision on datasets of a plan. The caller holds the state's lock.

    Raises:
        UsageError: nobody decided, or nobody said why; a dataset is not to be retired by this plan.
    """
    if not _says_something(by):
        raise UsageError("--by: a decision is somebody's", "give a name")
    if not _says_something(note):
        raise UsageError("--note: a decision has a reason", "say why, for those who ask later")
    planned = {entry.dataset: entry for entry in plan.datasets}
    now, names = datetime.now(UTC), list(dict.fromkeys(names))
    contents = _contents(state, plan.number, names)
    made = []
    for name in names:
        entry = planned.get(name)
        if entry is None or (approved and entry.action not in (Action.RETIRE, Action.REDIRECT)):
            what = "does not know" if entry is None else f"would {entry.action.value}"
            raise UsageError(f"plan {plan.number} {what} {name}", "`r2d2 plan --state DIR` shows what it would retire")
        made.append(_review(entry, plan.number, approved, by, note, now, accepted, contents.get(name, "")))
    keep(state, made)
    return made


def content_of(dataset: Dataset) -> str:
    """What tells a dataset's files: a hash of their paths and sizes."""
    files = sorted(f"{file.path}\0{file.size}" for file in dataset.files)
    return hashlib.blake2b("\n".join(files).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _contents(state: State, number: int, names: Sequence[str]) -> dict[str, str]:
    """``content_of`` datasets as the run of a plan saw them."""
    run = next((head["run_id"] for head in runs.plan_heads(state) if head["plan"] == number), None)
    if run is None:
        return {}
    rows = state.rows("datasets", run, ds.field("dataset").isin(names)).to_pylist()
    return {row["dataset"]: content_of(records.dataset_of(row)) for row in rows}


def keep(state: State, made: Iterable[Review]) -> None:
    """Keeps decisions, or that they lapsed, under the next numbers. The caller holds the state's lock."""
    found = list(made)
    if not found:
        return
    last = pc.max(state.rows("reviews", columns=["number"])["number"]).as_py() or 0
    records = Journal(state).records
    head = records[-1].sha256 if records else ""
    numbered = (replace(review, number=last + place, journal=head) for place, review in enumerate(found, 1))
    state.append("reviews", [_row(review) for review in numbered])


def _says_something(text: str) -> bool:
    return any(letter.isprintable() and not letter.isspace() for letter in text)


def _number(kept: float | None) -> float:
    """Decisions of earlier versions have no figures."""
    return math.nan if kept is None else kept


def _review(
    entry: PlannedDataset,
    number: int,
    approved: bool,
    by: str,
    note: str,
    now: datetime,
    accepted: Iterable[Acceptance],
    content: str,
) -> Review:
    decision = entry.dataset, approved, by.strip(), note, now, number
    planned = entry.action.value, entry.rebuild_seconds, entry.rebuild_cost
    about = entry.version, entry.parent or "", entry.parent_version
    return Review(*decision, *about, frozenset(accepted), *planned, content=content)


def _row(review: Review) -> dict[str, object]:
    return {
        "dataset": review.dataset,
        "approved": review.approved,
        "by": review.by,
        "note": review.note,
        "at": review.at,
        "plan": review.plan,
        "version": review.version,
        "parent": review.parent,
        "parent_version": review.parent_version,
        "accepted": sorted(review.accepted),
        "action": review.action,
        "rebuild_seconds": review.rebuild_seconds,
        "rebuild_cost": review.rebuild_cost,
        "lapsed": review.lapsed,
        "content": review.content,
        "number": review.number,
        "journal": review.journal,
    }
