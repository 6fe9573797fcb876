"""What people decided: kept in the state's table ``reviews``, of which the newest row of a dataset counts.

Which one is the newest, and what was done with a dataset before and after it, is told by numbers and by the journal:
those who decide and those who retire may sit before computers whose clocks differ.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

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
    return _in_order(map(_told, state.rows("reviews").to_pylist()))


def _in_order(made: Iterable[Review]) -> list[Review]:
    """By their numbers. Those of an earlier version have none: they are older, but for rejections.

    Where an earlier version is at work besides, what it rejects counts from its time on.
    """
    known = list(made)
    numbered = sorted((review for review in known if review.number), key=lambda review: review.number)
    others = sorted((review for review in known if not review.number), key=lambda review: review.at)
    begun = numbered[0].at if numbered else None
    found = [review for review in others if begun is None or review.approved or review.at < begun]
    late = [review for review in others if begun is not None and not review.approved and review.at >= begun]
    for review in numbered:
        while late and late[0].at < review.at:
            found.append(late.pop(0))
        found.append(review)
    return found + late


def _told(row: Mapping[str, Any]) -> Review:
    return Review(
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
        location=row["location"] or "",
    )


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
    seen = _seen(state, plan.number, names)
    made = []
    for name in names:
        entry = planned.get(name)
        if entry is None or (approved and entry.action not in (Action.RETIRE, Action.REDIRECT)):
            what = "does not know" if entry is None else f"would {entry.action.value}"
            raise UsageError(f"plan {plan.number} {what} {name}", "`r2d2 plan --state DIR` shows what it would retire")
        made.append(_review(entry, plan.number, approved, by, note, now, accepted, *seen.get(name, ("", ""))))
    keep(state, made)
    return made


def content_of(dataset: Dataset) -> str:
    """What tells a dataset's files: a hash of their paths and sizes."""
    files = sorted(f"{file.path}\0{file.size}" for file in dataset.files)
    return hashlib.blake2b("\n".join(files).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _seen(state: State, number: int, names: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Where datasets are and ``content_of`` them, as the run of a plan saw them."""
    run = next((head["run_id"] for head in runs.plan_heads(state) if head["plan"] == number), None)
    if run is None or not names:
        return {}
    rows = state.rows("datasets", run, ds.field("dataset").isin(names)).to_pylist()
    found = map(records.dataset_of, rows)
    return {dataset.id: (dataset.location, content_of(dataset)) for dataset in found}


def keep(state: State, made: Iterable[Review]) -> None:
    """Keeps decisions, or that they lapsed, under the next numbers. The caller holds the state's lock.

    The journal is only looked at for approvals: who wants to keep a dataset can say so while it is damaged.
    """
    found = list(made)
    if not found:
        return
    last = pc.max(state.rows("reviews", columns=["number"])["number"]).as_py() or 0
    head = _head(state) if any(review.approved and not review.lapsed for review in found) else None
    numbered = (replace(review, number=last + place, journal=head) for place, review in enumerate(found, 1))
    state.append("reviews", [_row(review) for review in numbered])


def _head(state: State) -> str:
    records = Journal(state).records
    return records[-1].sha256 if records else ""


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
    location: str,
    content: str,
) -> Review:
    decision = entry.dataset, approved, by.strip(), note, now, number
    planned = entry.action.value, entry.rebuild_seconds, entry.rebuild_cost
    about = entry.version, entry.parent or "", entry.parent_version
    return Review(*decision, *about, frozenset(accepted), *planned, content=content, location=location)


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
        "location": review.location,
    }
