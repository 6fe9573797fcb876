"""Which decision counts on a dataset of a plan, and when one counts no more."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cache
from types import MappingProxyType
from typing import NamedTuple, Protocol

from r2d2.catalog import lakes
from r2d2.catalog.state import State
from r2d2.config import RecoverySettings
from r2d2.errors import NotRetirable
from r2d2.lake.storage import one_spelling
from r2d2.model.dataset import Dataset
from r2d2.model.plan import GONE, Plan, PlannedDataset
from r2d2.model.receipt import Receipt, Review, Status
from r2d2.recovery.records.journal import Journal
from r2d2.recovery.records.receipts import receipts
from r2d2.recovery.records.reviews import content_of, keep, reviews
from r2d2.units import human_seconds, plural

_HINT = "`r2d2 review approve DATASET --by NAME --note TEXT --state DIR` approves it"


class Decided(StrEnum):
    """How a dataset of a plan stands."""

    UNDECIDED = "undecided"
    APPROVED = "approved"
    REJECTED = "rejected"
    LAPSED = "lapsed"
    RETIRED = "retired"


#: What a retirement that came so far is called; it ends what was decided before.
_ENDS = {
    Status.QUARANTINED: "retired",
    Status.PURGED: "retired",
    Status.ERASED: "retired",
    Status.RESTORED: "given back",
}
_RETIRED = _ENDS[Status.QUARANTINED]
#: Where a person is still to decide.
OPEN = frozenset({Decided.UNDECIDED, Decided.LAPSED})
#: How far a decision may be dated ahead of this computer's clock.
_AHEAD = timedelta(days=1)


class Ending(NamedTuple):
    """How a dataset last left the lake or came back: when, by which record of the journal, and what was done.

    The record is None where the journal does not tell of it any more.
    """

    at: datetime
    sequence: int | None
    how: str


class Looked(Protocol):
    """A run that looked at a lake (``runs.Run``, ``job.Job``)."""

    @property
    def run_id(self) -> str:
        """Its id."""

    @property
    def started(self) -> datetime:
        """When it began to look, UTC."""

    @property
    def lake(self) -> frozenset[str]:
        """What it looked at (``runs.lake_of``)."""


@dataclass(frozen=True)
class Decisions:
    """The decisions that were made, and what they are held against.

    A decision is made for a dataset's version and for what it would be rebuilt from. Whatever is appended to that
    parent, it stands: what is contained stays so, and ``apply`` proves it again. It lapses for good once its dataset
    changes or was retired or given back, another parent or action is planned, a rebuild takes or costs more than was
    approved, the proof fails, or it is old.

    Attributes:
        newest: the newest one of each dataset.
        ended: how retirements last ended what was approved of datasets before.
        settings: how long decisions count, and how much more a rebuild may take.
        journal: the numbers of the journal's records by their SHA-256.
        seen: when the lake was looked at, UTC; what was retired before that and is there is another dataset.
        now: UTC.
    """

    newest: Mapping[str, Review]
    ended: Mapping[str, Ending]
    settings: RecoverySettings
    journal: Mapping[str, int] = field(default_factory=dict)
    seen: datetime | None = None
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    @classmethod
    def of(
        cls,
        made: Iterable[Review],
        done: Iterable[Receipt],
        settings: RecoverySettings,
        journal: Mapping[str, int] = MappingProxyType({}),
    ) -> Decisions:
        """Decisions on one lake, the oldest first, beside the retirements of it and the journal that tells these."""
        ended = {
            each.dataset: Ending(each.at, each.sequence, _ENDS[each.status])
            for each in sorted(done, key=lambda each: each.sequence)
            if each.status in _ENDS
        }
        return cls({review.dataset: review for review in made}, ended, settings, journal)

    def on(self, entry: PlannedDataset) -> Decided:
        """How a dataset that the plan retires stands."""
        review = self.newest.get(entry.dataset)
        if review is None:
            return Decided.UNDECIDED
        if self._is_retired(review, entry):
            return Decided.RETIRED
        if self.lapse(entry):
            return Decided.LAPSED
        return Decided.APPROVED if review.approved else Decided.REJECTED

    def lapse(self, entry: PlannedDataset) -> str:
        """Why the decision on a dataset counts no more; empty while it does, or where there is none."""
        review = self.newest.get(entry.dataset)
        if review is None:
            return ""
        return review.lapsed or self._of_dataset(review, entry) or self._of_plan(review, entry)

    def approval(self, entry: PlannedDataset) -> Review:
        """The decision by which a dataset may be retired as planned.

        Raises:
            NotRetirable: there is none, it was rejected, or it lapsed.
        """
        decided, review = self.on(entry), self.newest.get(entry.dataset)
        if review is None:
            raise NotRetirable("it was not approved", _HINT)
        if decided is Decided.RETIRED:
            raise NotRetirable("it was retired already", "`r2d2 restore DATASET --state DIR` gives it back")
        if decided is Decided.LAPSED:
            raise NotRetirable(f"what {review.by} decided has lapsed: {self.lapse(entry)}", _HINT)
        if decided is Decided.REJECTED:
            raise NotRetirable(f"it was rejected by {review.by}: {review.note}", "")
        return review

    def refuse_other(self, review: Review, dataset: Dataset) -> None:
        """What has other files than were seen when it was approved is another dataset, whatever its version says.

        Raises:
            NotRetirable: it has.
        """
        if review.content and review.content != content_of(dataset):
            raise NotRetirable(f"what {review.by} decided has lapsed: the dataset has changed", _HINT)

    def refuse_same(self, review: Review, by: str) -> None:
        """Who approved a dataset may not apply that, where two people are asked for.

        Args:
            by: who applies it.

        Raises:
            NotRetirable: it is the same person, or nobody said who it is.
        """
        if not self.settings.two_people:
            return
        hint = "another person runs `r2d2 apply --by NAME` (recovery.two_people)"
        if not by.strip():
            raise NotRetirable("nobody said who applies it", hint)
        if _folded(by) == _folded(review.by):
            raise NotRetirable(f"{review.by} approved it, and may not apply that, too", hint)

    def _of_dataset(self, review: Review, entry: PlannedDataset) -> str:
        """What of the dataset itself, or of the time, ends a decision."""
        ending = self.ended.get(entry.dataset)
        if review.approved and ending is not None and self._is_before(review, ending):
            return f"the dataset was {ending.how} on {ending.at:%Y-%m-%d}"
        if entry.version not in ("", review.version):  # of what can't be read for the moment it is not known
            return "the dataset has changed"
        if self.now - review.at > timedelta(days=self.settings.approval_days):
            return f"it is {plural((self.now - review.at).days, 'day')} old"
        if review.approved and review.at - self.now > _AHEAD:
            return f"it is dated {review.at:%Y-%m-%d}, which is still to come"
        return ""

    def _is_retired(self, review: Review, entry: PlannedDataset) -> bool:
        """Whether the very dataset of the plan was retired; another one may be in its place by now."""
        ending = self.ended.get(entry.dataset)
        if ending is None or ending.how != _RETIRED or not review.approved or not self._is_before(review, ending):
            return False
        return entry.version in ("", review.version) and (self.seen is None or self.seen < ending.at)

    def _is_before(self, review: Review, ending: Ending) -> bool:
        """Whether a decision was made before something was done: by the journal, and only without it by clocks.

        A journal that does not know the record that was its last then was cut off or replaced: nothing is certain.
        """
        if review.journal is None or ending.sequence is None:
            return ending.at >= review.at
        last = self.journal.get(review.journal) if review.journal else 0
        return last is None or last < ending.sequence

    def _of_plan(self, review: Review, entry: PlannedDataset) -> str:
        """What of the plan ends a decision; a plan that keeps the dataset ends none."""
        if entry.action not in GONE:
            return ""
        if entry.parent != review.parent and (review.approved or review.parent):
            return "another parent is planned"
        if not review.approved:
            return ""
        if entry.action.value != review.action:
            return f"the plan would {entry.action.value} it now"
        most = 1 + self.settings.approval_rise
        if not entry.rebuild_seconds <= review.rebuild_seconds * most:
            then, now = human_seconds(review.rebuild_seconds), human_seconds(entry.rebuild_seconds)
            return f"a rebuild would take {now} and not {then}"
        if not entry.rebuild_cost <= review.rebuild_cost * most:
            return f"a rebuild would cost {entry.rebuild_cost:.4g} and not {review.rebuild_cost:.4g}"
        return ""


def decisions_on(state: State, run: Looked, settings: RecoverySettings) -> Decisions:
    """What was decided on the lake of a run, beside what was done with it since.

    Another lake in the same state may have a dataset of the same id. One that holds a dataset of this one, too, because
    it has other roots, has its rejections: they are about the dataset, by whatever name.
    """
    told = reviews(state)
    plans = lakes.plans_of_lake(state, run.lake) if told else frozenset()
    made = list(_about(told, plans, cache(lambda: _places(state, run.run_id))))
    if not made:
        return Decisions({}, {}, settings)
    records = Journal(state).records
    done = receipts(records)
    own = (each for each in done.values() if each.plan in plans)
    found = Decisions.of(made, own, settings, {record.sha256: record.sequence for record in records})
    ended = dict(found.ended)
    for name, ending in _forgotten(state, done, plans):
        if name not in ended or ended[name].at < ending.at:
            ended[name] = ending
    return replace(found, ended=ended, seen=run.started)


def _about(told: Iterable[Review], plans: Collection[int], places: Callable[[], Mapping[str, str]]) -> Iterator[Review]:
    """Decisions on the lake of some plans, and rejections of what is in it by plans of others."""
    for review in told:
        if review.plan in plans:
            yield review
        elif not review.approved and review.location:
            here = [places()[spelled] for spelled in _spellings(review.location) if spelled in places()]
            yield from (replace(review, dataset=name) for name in dict.fromkeys(here))


def _places(state: State, run_id: str) -> dict[str, str]:
    """The datasets of a run by where they are."""
    rows = state.rows("datasets", run_id, columns=("dataset", "location")).to_pylist()
    return {spelled: row["dataset"] for row in rows if row["location"] for spelled in _spellings(row["location"])}


def _spellings(location: str) -> tuple[str, ...]:
    """A place as it was written, and where that leads now."""
    return location, one_spelling(location)


def _forgotten(state: State, done: Collection[str], plans: Collection[int]) -> Iterator[tuple[str, Ending]]:
    """Retirements that the journal does not tell of, as one from a backup does not; tables that follow from it do."""
    rows = sorted(state.rows("receipts").to_pylist(), key=lambda row: row["told_at"])
    for row in {row["receipt"]: row for row in rows}.values():
        how = _ENDS.get(Status(row["status"]))
        if how and row["receipt"] not in done and row["plan"] in plans:
            yield row["dataset"], Ending(row["at"], None, how)


def rejections(state: State) -> Callable[[Receipt], Review | None]:
    """Tells of a retirement whether somebody wants to keep its dataset, and nobody approved that very one since.

    However old such a decision is, and whatever plan or lake it was about, if it names the dataset or its place.
    """
    lake_of, made = lakes.lakes_of_plans(state), reviews(state)
    about: dict[object, list[int]] = defaultdict(list)
    for number, review in enumerate(made):
        about[lake_of.get(review.plan), review.dataset].append(number)
        for spelled in _spellings(review.location) if review.location else ():
            about[spelled].append(number)

    def of(receipt: Receipt) -> Review | None:
        version, rejected = receipt.facts.get("version", ""), None
        names = (lake_of.get(receipt.plan), receipt.dataset), *_spellings(receipt.location)
        own = {number for name in names for number in about.get(name, ())}
        for review in (made[number] for number in sorted(own)):
            if not review.approved:
                rejected = review
            elif not review.lapsed and version in ("", review.version):
                rejected = None
        return rejected

    return of


def keep_lapses(
    state: State,
    plan: Plan,
    decisions: Decisions,
    refuted: Callable[[str, str], bool],
    changed: Callable[[Review], bool] = lambda review: False,
) -> list[Review]:
    """Keeps which decisions have lapsed with a plan, for good. The caller holds the state's lock.

    Args:
        refuted: whether a parent is seen to hold a child's rows no more.
        changed: whether a dataset has other files than when it was decided on.
    """
    found, at = [], datetime.now(UTC)
    for entry in plan.datasets:
        review = decisions.newest.get(entry.dataset)
        if review is None or review.lapsed:
            continue
        why = decisions.lapse(entry) or ("the dataset has changed" if changed(review) else "")
        if not why and review.approved and entry.action not in GONE and refuted(review.parent, entry.dataset):
            why = "its parent does not hold its rows"
        if why:
            found.append(replace(review, lapsed=why, at=at))
    keep(state, found)
    return found


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name).strip().casefold()


def keep_lapse(state: State, review: Review, why: str) -> None:
    """Keeps that one decision counts no more. The caller holds the state's lock."""
    keep(state, [replace(review, lapsed=why, at=datetime.now(UTC))])
