"""The story of a dataset, from the first plan that named it to its purge, for its owner and for an audit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow.dataset as ds

from r2d2.catalog import runs
from r2d2.catalog.state import State
from r2d2.recovery.records.journal import Record
from r2d2.recovery.records.reviews import reviews

#: The event that says how long a restore took, and from what (``by``) it was.
_TOOK = "restore-took"
#: What the events of the journal say; the names in braces are facts of the record.
_WORDS: Mapping[str, str] = {
    "apply-begun": "plan {plan} is carried out: to be rebuilt from {parent}",
    "recipe-written": "a rebuild from a recipe of kind {recipe_kind} gave back data that is {fidelity}",
    "quarantine-begun": "it is being put away",
    "quarantined": "it is in quarantine",
    "undone": "its retirement was undone: {why}",
    "restore-begun": "it is being given back from its {source}",
    "restore-placing": "what was rebuilt is as it was, and is being put in place",
    "restored": "it was given back",
    "restore-undone": "giving it back was given up; it stays {status}",
    _TOOK: "giving it back from its {by} took {seconds:.1f} s",
    "purge-begun": "it is being purged: its quarantined data and a rebuild, both read anew, are the same",
    "purge-undone": "its purge was given up: {why}",
    "purged": "it was purged; it comes back from its recipe",
    "rebound": "its recipe was made anew, from {parent}: {why}",
    "frozen": "it may not be purged: {frozen}",
    "decided": "of the rows that its parent deleted: {decision}",
    "kept-again": "it is in quarantine again",
    "parent-tagged": "a tag keeps the snapshot that it is rebuilt from",
    "rows-erasing": "people's rows are being taken out of its quarantine",
    "rows-erased": "people's rows were taken out of its quarantine",
    "erased-whole": "it held nothing but people's rows that were to be erased: it is gone",
}
#: Facts that are told. All others name files, and partition directories with values in them, or are long.
_TOLD = frozenset(
    {"version", "root", "location", "parent", "parent_location", "parent_version", "plan", "by", "applied_by", "note"}
    | {"accepted", "promised_seconds", "saving_per_month", "recipe", "recipe_kind", "kind", "fidelity", "lost", "bytes"}
    | {"source", "seconds", "path", "why", "status", "was", "frozen", "frozen_until", "decision"}
)


@dataclass(frozen=True)
class Event:
    """One thing that happened.

    Attributes:
        at: when, UTC.
        what: for people.
        by: who decided; empty if nobody did.
        receipt: id of the retirement; empty before there is one.
        facts: for machines.
        record: number of the journal's record and its SHA-256; 0 and empty for what the journal does not tell.
    """

    at: datetime
    what: str
    by: str = ""
    receipt: str = ""
    facts: Mapping[str, Any] | None = None
    record: tuple[int, str] = (0, "")


def story(state: State, dataset: str, records: Sequence[Record]) -> list[Event]:
    """All that plans, reviews and the journal tell of a dataset, in the order in which it happened.

    Args:
        records: the whole journal, checked.
    """
    found = [*_planned(state, dataset), *_decided(state, dataset), *_done(dataset, records)]
    return sorted(found, key=lambda event: (event.at, event.record))


def _planned(state: State, dataset: str) -> Iterator[Event]:
    """The plans that decided otherwise about it than the one before."""
    columns = ("plan", "action", "parent", "saving_per_month", "rebuild_seconds", "version", "reason")
    rows = state.rows("plan", only=ds.field("dataset") == dataset, columns=("dataset", *columns)).to_pylist()
    made = {head["plan"]: head["at"] for head in runs.plan_heads(state)}
    before: tuple[str, str | None] = ("keep", None)
    for row in sorted(rows, key=lambda row: int(row["plan"])):
        decision = row["action"], row["parent"]
        if decision != before and row["plan"] in made:
            for_whom = f" for {row['parent']}" if row["parent"] else ""
            facts = {name: row[name] for name in columns}
            yield Event(made[row["plan"]], f"plan {row['plan']}: {row['action']}{for_whom}", facts=facts)
        before = decision


def _decided(state: State, dataset: str) -> Iterator[Event]:
    for review in reviews(state):
        if review.dataset == dataset:
            decided = "approved" if review.approved else "rejected"
            what = f"{decided}, plan {review.plan}: {review.note}"
            facts = {"plan": review.plan, "version": review.version, "parent": review.parent}
            if review.lapsed:
                yield Event(review.at, f"no more {decided} by {review.by}: {review.lapsed}", facts=facts)
            else:
                yield Event(review.at, what, review.by, facts=facts | {"accepted": sorted(review.accepted)})


def _done(dataset: str, records: Sequence[Record]) -> Iterator[Event]:
    own = {record.receipt for record in records if _is_about(record, dataset)}
    for record in records:
        if record.receipt in own:
            facts = {name: value for name, value in record.facts.items() if name in _TOLD}
            yield Event(record.at, _said(record), _who(record), record.receipt, facts, (record.sequence, record.sha256))


def _is_about(record: Record, dataset: str) -> bool:
    return record.event == "apply-begun" and dataset in (record.facts["dataset"], *record.facts["names"])


def _who(record: Record) -> str:
    """Who decided; of ``restore-took`` the fact ``by`` names no person."""
    return "" if record.event == _TOOK else str(record.facts.get("decided_by") or record.facts.get("by") or "")


def _said(record: Record) -> str:
    try:
        return _WORDS[record.event].format(**record.facts)
    except (KeyError, ValueError):
        return record.event.replace("-", " ")  # an event, or a fact, of another version of r2d2
