"""What people decided: kept in the state's table ``reviews``, of which the newest row of a dataset counts."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from r2d2.catalog.state import State
from r2d2.errors import NotRetirable, UsageError
from r2d2.model.plan import Action, Plan, PlannedDataset
from r2d2.model.receipt import Acceptance, Review

_NEXT = timedelta(microseconds=1)


def reviews(state: State) -> list[Review]:
    """All decisions, the oldest first."""
    rows = sorted(state.rows("reviews").to_pylist(), key=lambda row: row["at"])
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
        )
        for row in rows
    ]


def decide(
    state: State, plan: Plan, names: Iterable[str], approved: bool, by: str, note: str, accepted: Iterable[Acceptance]
) -> list[Review]:
    """Keeps a decision on datasets of a plan. The caller holds the state's lock.

    Raises:
        UsageError: nobody decided; a dataset is not to be retired by this plan.
    """
    if not by.strip():
        raise UsageError("--by: a decision is somebody's", "give a name")
    planned = {entry.dataset: entry for entry in plan.datasets}
    # the newest one counts, whatever the clocks of two who decide say
    now = max([datetime.now(UTC), *(review.at + _NEXT for review in reviews(state))])
    made = []
    for name in dict.fromkeys(names):
        entry = planned.get(name)
        if entry is None or (approved and entry.action not in (Action.RETIRE, Action.REDIRECT)):
            what = "does not know" if entry is None else f"would {entry.action.value}"
            raise UsageError(f"plan {plan.number} {what} {name}", "`r2d2 plan --state DIR` shows what it would retire")
        made.append(_review(entry, plan.number, approved, by, note, now, accepted))
    state.append("reviews", [_row(review) for review in made])
    return made


def approval(entry: PlannedDataset, found: Iterable[Review]) -> Review:
    """The decision by which a dataset may be retired as planned.

    Raises:
        NotRetirable: there is none, it was rejected, or something else was approved.
    """
    own = [review for review in found if review.dataset == entry.dataset]
    hint = "`r2d2 review approve DATASET --by NAME --note TEXT --state DIR` approves it"
    if not own:
        raise NotRetirable("it was not approved", hint)
    review = own[-1]
    if not review.approved:
        raise NotRetirable(f"it was rejected by {review.by}: {review.note}", "")
    if (review.version, review.parent) != (entry.version, entry.parent):
        other = "version" if review.version != entry.version else "parent"
        raise NotRetirable(f"it was approved with another {other} than the plan has now", hint)
    return review


def _review(
    entry: PlannedDataset,
    number: int,
    approved: bool,
    by: str,
    note: str,
    now: datetime,
    accepted: Iterable[Acceptance],
) -> Review:
    decision = entry.dataset, approved, by.strip(), note, now, number
    return Review(*decision, entry.version, entry.parent or "", entry.parent_version, frozenset(accepted))


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
    }
