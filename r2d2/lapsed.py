"""Decisions that lapse with the plan of a run: kept in the state, and said."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import networkx as nx

from r2d2.catalog import runs
from r2d2.job import Job
from r2d2.model.dataset import Dataset
from r2d2.model.edge import Edge
from r2d2.model.plan import Plan
from r2d2.model.receipt import Review
from r2d2.recovery.records.decisions import Decisions, keep_lapses
from r2d2.recovery.records.journal import Journal
from r2d2.recovery.records.receipts import receipts
from r2d2.recovery.records.reviews import reviews
from r2d2.visible import visible


def lapsed_decisions(
    job: Job,
    plan: Plan,
    datasets: Sequence[Dataset],
    edges: Iterable[Edge],
    duplicates: Iterable[Sequence[str]],
) -> None:
    """Notes which decisions count no more, now that there is a new plan.

    Args:
        edges: the proven ones of the reduction.
    """
    made = _on_this_lake(job)
    if not made:
        return
    decisions = Decisions.of(made, receipts(Journal(job.state).records).values(), job.settings.recovery)
    for review in keep_lapses(job.state, plan, decisions, _refuted(job, datasets, edges, duplicates)):
        decided = "approved" if review.approved else "rejected"
        job.progress.note(visible(f"{review.dataset}: {review.by} {decided} it, which has lapsed: {review.lapsed}"))


def _on_this_lake(job: Job) -> list[Review]:
    """Decisions on plans of this lake: another one in the same state may have a dataset of the same id."""
    made = reviews(job.state)
    if not made:
        return made
    own = runs.of_lake(job.state, job.roots)
    plans = {head["plan"] for head in runs.plan_heads(job.state) if head["run_id"] in own}
    return [review for review in made if review.plan in plans]


def _refuted(
    job: Job, datasets: Iterable[Dataset], edges: Iterable[Edge], duplicates: Iterable[Sequence[str]]
) -> Callable[[str, str], bool]:
    """Whether a run that compared both sees that a parent does not hold a child; one that left pairs open may not."""
    if job.funnel.limit or job.funnel.undecided:
        return lambda parent, child: False
    known = {dataset.id for dataset in datasets if dataset.status == "ok"}
    graph = nx.DiGraph([(edge.parent, edge.child) for edge in edges])
    for group in duplicates:
        nx.add_cycle(graph, group)

    def refuted(parent: str, child: str) -> bool:
        if parent not in known or child not in known:
            return False
        return not (parent in graph and child in graph and nx.has_path(graph, parent, child))

    return refuted
