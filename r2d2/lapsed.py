"""Decisions that lapse with the plan of a run: kept in the state, and said."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache

import networkx as nx

from r2d2.catalog import lakes
from r2d2.job import Job
from r2d2.model.dataset import Dataset
from r2d2.model.edge import Edge
from r2d2.model.plan import Plan
from r2d2.model.receipt import Review
from r2d2.recovery.records.decisions import decisions_on, keep_lapses
from r2d2.recovery.records.reviews import content_of
from r2d2.visible import visible


def lapsed_decisions(
    job: Job,
    plan: Plan,
    datasets: Sequence[Dataset],
    edges: Iterable[Edge],
    duplicates: Iterable[Sequence[str]],
) -> None:
    """Notes which decisions count no more, now that there is a new plan.

    A new plan of an older run ends none: newer ones know more.

    Args:
        edges: the proven ones of the reduction.
    """
    decisions = decisions_on(job.state, job, job.settings.recovery)
    if not decisions.newest or lakes.by_run(job.state, job.lake)[0]["run_id"] != job.run_id:
        return
    known = {dataset.id: dataset for dataset in datasets if dataset.status == "ok"}

    def changed(review: Review) -> bool:
        seen = known.get(review.dataset)
        return bool(seen and review.content) and content_of(known[review.dataset]) != review.content

    refuted = _refuted(job, known, edges, duplicates)
    for review in keep_lapses(job.state, plan, decisions, refuted, changed):
        decided = "approved" if review.approved else "rejected"
        job.progress.note(visible(f"{review.dataset}: {review.by} {decided} it, which has lapsed: {review.lapsed}"))


def _refuted(
    job: Job, known: Mapping[str, Dataset], edges: Iterable[Edge], duplicates: Iterable[Sequence[str]]
) -> Callable[[str, str], bool]:
    """Whether a run that compared both sees that a parent does not hold a child; one that left pairs open may not."""
    if job.funnel.limit or job.funnel.undecided:
        return lambda parent, child: False
    graph = nx.DiGraph([(edge.parent, edge.child) for edge in edges])
    for group in duplicates:
        nx.add_cycle(graph, group)
    below = cache(lambda parent: nx.descendants(graph, parent) if parent in graph else frozenset())

    def refuted(parent: str, child: str) -> bool:
        if parent not in known or child not in known or parent in known[child].shared_with:
            return False  # what shares files is not compared
        return child not in below(parent)

    return refuted
