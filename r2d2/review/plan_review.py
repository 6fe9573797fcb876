"""The plan, sorted by money, with what each retirement takes; and decisions on it, which `r2d2 apply` carries out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from r2d2.catalog.patterns import Patterns
from r2d2.commands.reviews import listed
from r2d2.errors import NotFound, UsageError
from r2d2.model.plan import PlannedDataset
from r2d2.model.receipt import Acceptance, Review
from r2d2.operations.turns import turn
from r2d2.progress import Progress
from r2d2.quantities import size_of
from r2d2.recovery.records.decisions import OPEN, Decided, Decisions
from r2d2.recovery.records.reviews import decide
from r2d2.report import charts
from r2d2.report.data import DatasetRow
from r2d2.report.vega.chart import Chart
from r2d2.review.lake import Lake
from r2d2.review.table import Said, Table
from r2d2.review.tables import Cell, amount, day, plain, size, table, time, whole
from r2d2.units import plural


@dataclass(frozen=True)
class Chosen:
    """Which datasets of a plan: all that fit everything that is given.

    Attributes:
        only: ids or patterns, or one of them; empty for all.
        owner: as the plan knows it; empty for all.
        topic: a part of the name of the dataset's topic, or of the one above, in any case; empty for all.
        at_least: bytes, as ``10GB``; empty for all.
        decision: ``undecided``, ``approved``, ``rejected``, ``lapsed``, ``retired``, or ``open`` for the first and the
            fourth; empty for all.

    Raises:
        UsageError: there is no such decision.
    """

    only: Sequence[str] = ()
    owner: str = ""
    topic: str = ""
    at_least: str = ""
    decision: str = ""

    def __post_init__(self) -> None:
        if isinstance(self.only, str):  # as papermill's -p gives it
            object.__setattr__(self, "only", (self.only,) if self.only else ())
        known = ("open", *Decided)
        if self.decision and self.decision not in known:
            raise UsageError(f"decision: there is no {self.decision!r}", f"there are: {', '.join(known)}")


def plan(lake: Lake, chosen: Chosen = Chosen()) -> Table | Said:
    """What the plan would retire, by money: why, from what it comes back, how fast, and what was decided."""
    if lake.found is None or lake.data is None:
        return lake.nothing
    now = lake.decisions
    entries = _by_saving(_chosen(lake, chosen, now))
    columns = "dataset|rebuilt from|#saves a month|#bytes|#back in|owner|topic|decision|why"
    saving = sum(entry.saving_per_month for entry in entries)
    title = f"Plan {lake.found.plan.number}: {plural(len(entries), 'dataset')} that can go"
    note = f"Together they save {amount(saving, lake.data.currency).text} a month."
    return table(title, columns, (_planned(lake, entry, now) for entry in entries), note if entries else "")


def _by_saving(entries: Iterable[PlannedDataset]) -> list[PlannedDataset]:
    return sorted(entries, key=lambda entry: (-entry.saving_per_month, entry.dataset))


def _planned(lake: Lake, entry: PlannedDataset, now: Decisions) -> tuple[Cell, ...]:
    row, data = lake.rows[entry.dataset], lake.data
    decided, why = now.on(entry).value, now.lapse(entry)
    return (
        plain(entry.dataset),
        plain(entry.parent),
        amount(entry.saving_per_month, data.currency if data else ""),
        size(row.bytes),
        time(entry.rebuild_seconds),
        plain(row.owner or entry.owner),
        plain(_topic(lake, row)),
        plain(f"{decided}: {why}" if why else decided),
        plain(row.reason),
    )


def decisions(lake: Lake) -> Table | Said:
    """How each dataset of the plan stands on which somebody decided, the newest decision first; how many are open."""
    if lake.found is None:
        return lake.nothing
    now, entries = lake.decisions, lake.found.plan.retired
    made = sorted((e for e in entries if e.dataset in now.newest), key=lambda e: now.newest[e.dataset].at, reverse=True)
    cells = (
        (plain(e.dataset), plain(now.on(e).value), plain(now.lapse(e)), *_said(now.newest[e.dataset])) for e in made
    )
    left = sum(now.on(entry) in OPEN for entry in entries)
    note = f"{plural(left, 'dataset')} of plan {lake.found.plan.number} open."
    return table("Decisions", "dataset|decision|why it lapsed|by|note|at", cells, note)


def _said(review: Review) -> tuple[Cell, ...]:
    return plain(review.by), plain(review.note), day(review.at)


def takes(lake: Lake, chosen: Chosen = Chosen()) -> Table | Said:
    """How each dataset would be put away, what must be accepted besides, what would not come back, what is in doubt."""
    if lake.found is None:
        return lake.nothing
    known = {dataset.id: dataset for dataset in lake.found.datasets}
    decisions = lake.decisions
    entries = _by_saving(_chosen(lake, chosen, decisions))
    rows = [listed(entry, decisions, known, lake.settings) for entry in entries]
    cells = (
        (
            plain(row["dataset"]),
            plain(row["quarantine"]),
            *(plain("; ".join(row[name])) for name in ("accept", "lost", "doubts", "conditions")),
        )
        for row in rows
    )
    columns = "dataset|quarantine|to be accepted before a purge|does not come back|in doubt|to be signed off"
    return table("By dataset, what saves most first", columns, cells)


def tradeoff(lake: Lake) -> Chart | Said:
    """What would be saved if a rebuild might take longer, or had to be faster."""
    if lake.data is None:
        return lake.nothing
    if not lake.data.limits:
        return Said(
            "Nothing can go, or the lake is large: r2d2 plan --what-if latency_limit=600 plans at another limit."
        )
    return charts.tradeoff_chart(lake.data.limits, lake.data.currency)


def approve(
    lake: Lake, by: str, note: str, chosen: Chosen = Chosen(), accept: Sequence[str] = (), wait: float = 0.0
) -> Table | Said:
    """Lets datasets go: `r2d2 apply` retires what was approved. On what is undecided, or on what ``only`` names.

    Args:
        by: who decides; empty for nobody, and then nothing is written.
        accept: what is accepted besides (``model.receipt.Acceptance``).
        wait: seconds to wait for another r2d2 that works on the state.

    Raises:
        UsageError: nothing is accepted that is called so.
        NotFound: an id of ``only`` is not to be retired by the plan.
        StateInUse: another r2d2 is at work.
    """
    return _decided(lake, True, by, note, chosen, accept, wait)


def reject(lake: Lake, by: str, note: str, chosen: Chosen = Chosen(), wait: float = 0.0) -> Table | Said:
    """Keeps datasets that the plan would retire; as ``approve``."""
    return _decided(lake, False, by, note, chosen, (), wait)


def _decided(
    lake: Lake, approved: bool, by: str, note: str, chosen: Chosen, accept: Sequence[str], wait: float
) -> Table | Said:
    if lake.found is None or lake.state is None:
        return lake.nothing
    if not any(vars(chosen).values()):
        return Said("No dataset was chosen, so nothing was written.")
    if not by.strip():
        return Said("Nobody decides: give by=NAME and a note to write decisions.")
    if unknown := sorted(set(accept) - {each.value for each in Acceptance}):
        raise UsageError(f"accept: there is no {unknown[0]!r}", f"there are: {', '.join(Acceptance)}")
    _refuse_unknown(lake, chosen)
    with turn(lake.state, wait, Progress(quiet=True)):
        names = [entry.dataset for entry in _to_decide(lake, chosen)]
        made = decide(lake.state, lake.found.plan, names, approved, by, note, map(Acceptance, accept)) if names else []
    word = "Approved" if approved else "Rejected"
    return table(f"{word} by {by.strip()}", "dataset|decision|note|plan|at|accepted", map(_made, made))


def _made(review: Review) -> tuple[Cell, ...]:
    decided = "approved" if review.approved else "rejected"
    accepted = plain(", ".join(sorted(review.accepted)))
    return plain(review.dataset), plain(decided), plain(review.note), whole(review.plan), day(review.at), accepted


def _to_decide(lake: Lake, chosen: Chosen) -> Iterator[PlannedDataset]:
    """What was chosen; without names only what is undecided, so that nobody overrules others by a filter.

    What lapsed, a dataset that was given back among it, takes a name or a filter for just that.
    """
    now = lake.decisions
    for entry in _chosen(lake, chosen, now):
        decided = now.on(entry)
        again = decided is Decided.LAPSED and chosen.decision in ("open", Decided.LAPSED)
        if entry.dataset in chosen.only or decided is Decided.UNDECIDED or again:
            yield entry


def _refuse_unknown(lake: Lake, chosen: Chosen) -> None:
    planned = {entry.dataset for entry in lake.found.plan.retired} if lake.found else set()
    for name in chosen.only:
        if name not in planned and not any(map(Patterns([name]).covers, planned)):
            raise NotFound(f"the plan retires nothing that is called {name!r}", "plan(lake) shows what it would retire")


def _chosen(lake: Lake, chosen: Chosen, now: Decisions) -> Iterable[PlannedDataset]:
    least, covering = size_of(chosen.at_least or "0"), Patterns(list(chosen.only))
    wanted = {"open": OPEN}.get(chosen.decision, {chosen.decision})
    for entry in lake.found.plan.retired if lake.found else ():
        row = lake.rows[entry.dataset]
        named = not chosen.only or entry.dataset in chosen.only or covering.covers(entry.dataset)
        fits = row.bytes >= least and chosen.owner in ("", row.owner or entry.owner)
        about = chosen.topic.casefold() in _topic(lake, row).casefold()
        if named and fits and about and (not chosen.decision or now.on(entry) in wanted):
            yield entry


def _topic(lake: Lake, row: DatasetRow) -> str:
    if lake.data is None or row.topic is None:
        return ""
    topic = lake.data.topics[row.topic]
    return f"{topic.above} › {topic.name}" if topic.above else topic.name
