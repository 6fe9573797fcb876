"""Plans of up to 14 datasets against exhaustive search: costs and latencies by pair, duplicates, budgets, policies.

The search shares no code with the plan: it tries every set of kept datasets, and spells the rules out once more.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt
import pytest

from r2d2.config import RetentionSettings
from r2d2.model import Dataset, Edge, Grade, Plan
from r2d2.model.plan import GONE, Action
from r2d2.model.usage import Consumer, Job, Usage
from r2d2.retention.context import Context
from r2d2.retention.costs import rebuild_seconds, retired_cost
from r2d2.retention.planner import make_plan

GB = 2**30
NOW = datetime(2026, 6, 1, tzinfo=UTC)
#: One access a month, no copies that stay, nothing to guard: a month costs what the drawn recipe costs.
SETTINGS = RetentionSettings(
    accesses_per_month=1.0,
    residency_days=0.0,
    guard_checks=0.0,
    parent_commits=0.0,
    payback_months=float("inf"),
    maintenance_scans=0.0,
)


@dataclass(frozen=True)
class Table:
    """Seconds and money of one rebuild, drawn for each pair."""

    seconds: npt.NDArray[np.float64]
    money: npt.NDArray[np.float64]
    order: Sequence[int]

    def rebuild(
        self, child: npt.NDArray[np.int64], parent: npt.NDArray[np.int64]
    ) -> tuple[npt.NDArray[np.float64], ...]:
        order = np.asarray(self.order)
        return self.seconds[order[child], order[parent]], self.money[order[child], order[parent]]


@dataclass(frozen=True)
class Lake:
    """A drawn lake: datasets 0..n-1, who holds whom (the closure), groups, and what is known."""

    datasets: list[Dataset]
    nodes: list[list[int]]
    holds: list[set[int]]
    edges: list[Edge]
    seconds: npt.NDArray[np.float64]
    money: npt.NDArray[np.float64]
    usage: list[Usage]
    settings: RetentionSettings
    by_pair: bool = True

    def plan(self) -> Plan:
        def drawn(usable: Sequence[Dataset]) -> Table:
            return Table(self.seconds, self.money, [int(d.id[1:]) for d in usable])

        recipes = drawn if self.by_pair else None
        usage = {each.dataset: each for each in self.usage}
        groups = [[self.datasets[member].id for member in node] for node in self.nodes if len(node) > 1]
        roots = 2 if any("/" in d.id for d in self.datasets) else 1
        context = Context(usage=usage, now=NOW, roots=roots)
        return make_plan(self.datasets, self.edges, groups, self.settings, context, recipes=recipes)


def draw(seed: int) -> Lake:
    rng = random.Random(seed)
    size = rng.randint(2, 14)
    left, nodes = rng.sample(range(size), size), []
    while left:
        taken = rng.choice([1, 1, 1, 2, 3])
        nodes.append(left[:taken])
        left = left[taken:]
    below = [(up, down) for up in range(len(nodes)) for down in range(up + 1, len(nodes)) if rng.random() < 0.4]
    above: list[set[int]] = [set() for _ in nodes]
    for up, down in below:
        above[down] |= {up} | above[up]
    holds: list[set[int]] = [set() for _ in range(size)]
    for place, node in enumerate(nodes):
        for member in node:
            holds[member] = {m for a in above[place] for m in nodes[a]} | (set(node) - {member})
    few = rng.random() < 0.5
    gigabytes = [rng.choice([10, 20, 40]) if few else rng.uniform(1, 100) for _ in range(size)]
    datasets = [
        Dataset(f"d{n}", "parquet", f"/d{n}", f"v{n}", bytes=int(gb * GB), rows=100) for n, gb in enumerate(gigabytes)
    ]
    edges = [
        Edge(f"d{nodes[up][0]}", f"d{nodes[down][0]}", Grade.PROVEN, 1, 2, False, "join", "") for up, down in below
    ]
    drawn = np.random.default_rng(seed)
    money = drawn.choice([0.0, 0.1, 0.3, 0.8], (size, size)) if few else drawn.uniform(0, 2.5, (size, size))
    limited = seed % 3 != 0
    settings = replace(
        SETTINGS,
        latency_limit=rng.choice([400.0, 1000.0]),
        min_saving=rng.choice([0.0, 0.0, 0.2]),
        keep=tuple(f"d{n}" for n in range(size) if rng.random() < 0.06),
        max_rebuild_cost=rng.choice([0.0, rng.uniform(0.05, 1)]) if limited else 0.0,
        max_retired_datasets=rng.choice([0, rng.randint(1, 3)]) if limited else 0,
        max_retired_bytes=rng.choice([0, int(rng.uniform(5, 60) * GB)]) if limited else 0,
    )
    usage = [_usage(rng, n, size) if seed % 2 else Usage(f"d{n}") for n in range(size)]
    return Lake(datasets, nodes, holds, edges, drawn.uniform(1, 1000, (size, size)), money, usage, settings)


def by_dataset(lake: Lake) -> Lake:
    """The lake with costs and seconds that are a term of the parent and one of the child, as settings have them."""
    rng = random.Random(len(lake.datasets))
    often = {d.id: rng.choice([0.5, 1.0, 10.0, 30.0]) for d in lake.datasets if rng.random() < 0.5}
    settings = replace(lake.settings, accesses=often, max_rebuild_cost=lake.settings.max_rebuild_cost / 5)
    pairs = [[(parent, child) for parent in lake.datasets] for child in lake.datasets]
    money = np.asarray([[retired_cost(*pair, settings) for pair in row] for row in pairs])
    seconds = np.asarray([[rebuild_seconds(*pair, settings) for pair in row] for row in pairs])
    return replace(lake, settings=settings, money=money, seconds=seconds, by_pair=False)


def _usage(rng: random.Random, number: int, size: int) -> Usage:
    return Usage(
        dataset=f"d{number}",
        producers=(Job("nightly", "lineage", None, live=rng.random() < 0.3),) if rng.random() < 0.3 else (),
        consumers=(Consumer("sales", "dashboard", "dbt"),) if rng.random() < 0.2 else (),
        upstream=(f"d{rng.randrange(size)}",) if rng.random() < 0.2 else (),
        owner="ann" if rng.random() < 0.2 else "",
        owner_source="facts",
        tags=frozenset({"backup"}) if rng.random() < 0.05 else frozenset(),
        hold=rng.random() < 0.05,
        sensitivity=rng.choice(["", "", "", "pii", "public"]),
        rights=rng.choice([None, frozenset({"*"}), frozenset({"user:a"}), frozenset({"user:a", "user:b"})]),
        region=rng.choice(["", "", "", "eu", "us"]),
        expires=rng.choice([None, None, None, NOW + timedelta(days=10), NOW + timedelta(days=20)]),
    )


def stopping(lake: Lake) -> set[int]:
    """Datasets whose jobs should stop: all their rows are in one that could stand for them and that no job rewrites."""
    live = {n for n in range(len(lake.datasets)) if any(job.live for job in lake.usage[n].producers)}
    rewritten = {n for n in live if may_go(lake, n, rewritten=True)}
    return {n for n in rewritten if any(eligible(lake, n, p) for p in lake.holds[n] - rewritten)}


def eligible(lake: Lake, child: int, parent: int) -> bool:
    """Whether rebuilding one from the other is allowed, quick, and worth it."""
    gain = lake.datasets[child].bytes / GB * 0.023 - lake.money[child, parent]
    quick = lake.seconds[child, parent] <= lake.settings.latency_limit
    return bool(quick and gain > 1e-6 and gain >= lake.settings.min_saving and may_stand(lake, child, parent))


def may_go(lake: Lake, child: int, rewritten: bool = False) -> bool:
    """By itself: nothing pins it, nobody writes it again, and its duplicates have its rights and sensitivity."""
    usage = lake.usage[child]
    node = [lake.usage[member] for member in next(node for node in lake.nodes if child in node)]
    if (
        len({each.sensitivity for each in node if each.sensitivity}) > 1
        or len({each.rights for each in node} - {None}) > 1
    ):
        return False
    pinned = f"d{child}" in lake.settings.keep or usage.hold or "backup" in usage.tags
    return not pinned and (rewritten or not any(job.live for job in usage.producers))


def may_stand(lake: Lake, child: int, parent: int) -> bool:
    """The policies on pairs, spelled out."""
    mine, held = lake.usage[child], lake.usage[parent]
    same = next(node for node in lake.nodes if child in node) == next(node for node in lake.nodes if parent in node)
    if same and mine.sensitivity and held.sensitivity and mine.sensitivity != held.sensitivity:
        return False
    if mine.rights is not None and held.rights is not None:
        if same and mine.rights != held.rights:
            return False
        if "*" not in held.rights and not mine.rights.issubset(held.rights):
            return False
    if mine.region and held.region and mine.region != held.region:
        return False
    if held.expires and (not mine.expires or held.expires < mine.expires):
        return False
    return not (same and standing(lake, child) > standing(lake, parent))


def standing(lake: Lake, number: int) -> tuple[bool, bool, bool]:
    """Governed or a source of its duplicates, produced, consumed."""
    usage = lake.usage[number]
    node = next(node for node in lake.nodes if number in node)
    source = any(f"d{number}" in lake.usage[other].upstream for other in node if other != number)
    return bool(usage.owner) or source, any(job.live for job in usage.producers), bool(usage.consumers)


def exhaustive(lake: Lake) -> float:
    """The largest saving a month over all sets of kept datasets."""
    size, settings = len(lake.datasets), lake.settings
    keep = np.asarray([d.bytes / GB * 0.023 for d in lake.datasets])
    masks = np.arange(2**size)
    kept = (masks[:, None] >> np.arange(size)) & 1 == 1
    saving, money, possible = np.zeros(len(masks)), np.zeros(len(masks)), np.ones(len(masks), bool)
    stopped = stopping(lake)
    for child in range(size):
        best = np.full(len(masks), np.inf)
        for parent in lake.holds[child] - stopped if may_go(lake, child) else ():
            if eligible(lake, child, parent):
                best = np.where(kept[:, parent], np.minimum(best, lake.money[child, parent]), best)
        gone = ~kept[:, child]
        possible &= kept[:, child] | np.isfinite(best)
        saving += np.where(gone & np.isfinite(best), keep[child] - best, 0.0)
        money += np.where(gone & np.isfinite(best), best, 0.0)
    for used, limit in (
        (money, settings.max_rebuild_cost),
        ((~kept).sum(axis=1), settings.max_retired_datasets),
        ((~kept) @ np.asarray([float(d.bytes) for d in lake.datasets]), settings.max_retired_bytes),
    ):
        if limit:
            possible &= used <= limit * (1 + 1e-9)
    return float(saving[possible].max())


def assert_kept_to(lake: Lake, plan: Plan) -> None:
    """Every line keeps to every rule."""
    lines = {line.dataset: line for line in plan.datasets}
    retired = [line for line in plan.datasets if line.action in GONE]
    monthly, stopped = 0.0, stopping(lake)
    for line in retired:
        child, parent = int(line.dataset[1:]), int((line.parent or "")[1:])
        assert parent in lake.holds[child]
        assert lines[f"d{parent}"].action not in GONE
        assert may_go(lake, child)
        assert may_stand(lake, child, parent)
        assert parent not in stopped
        assert line.rebuild_seconds == lake.seconds[child, parent] <= lake.settings.latency_limit
        monthly += lake.money[child, parent]
        if lake.by_pair:
            assert line.rebuild_cost == pytest.approx(lake.money[child, parent])
    budget = lake.settings
    assert len(retired) <= (budget.max_retired_datasets or len(lines))
    assert monthly <= (budget.max_rebuild_cost or 1e9) * (1 + 1e-9)
    assert plan.bytes_retired <= (budget.max_retired_bytes or 1e18)
    for line in plan.datasets:
        if line.action is Action.STOP_PRODUCER:
            assert int(line.dataset[1:]) in stopped
            assert line.saving_per_month == 0
            assert line.parent is not None
            assert lines[line.parent].action not in GONE


@pytest.mark.parametrize("block", range(6))
def test_the_plan_saves_what_exhaustive_search_finds(block: int) -> None:
    for seed in range(50 * block, 50 * block + 50):
        lake = draw(seed)
        plan = lake.plan()
        assert_kept_to(lake, plan)
        assert plan.optimal, seed
        assert plan.total_saving_per_month == pytest.approx(exhaustive(lake), abs=1e-7), seed


@pytest.mark.parametrize("block", range(4))
def test_with_costs_by_dataset_where_duplicates_are_thinned_out_it_does_so_too(block: int) -> None:
    for seed in range(50 * block, 50 * block + 50):
        lake = by_dataset(draw(seed))
        plan = lake.plan()
        assert_kept_to(lake, plan)
        assert plan.optimal, seed
        assert plan.total_saving_per_month == pytest.approx(exhaustive(lake), abs=1e-7), seed


def test_the_drawn_lakes_reach_every_rule() -> None:
    """Budgets bind, policies refuse, producers are advised upon: dropping one would be seen."""
    lakes = [draw(seed) for seed in range(300)]
    free = [
        replace(
            lake, settings=replace(lake.settings, max_rebuild_cost=0.0, max_retired_datasets=0, max_retired_bytes=0)
        )
        for lake in lakes
    ]
    bound = sum(
        one.plan().total_saving_per_month < other.plan().total_saving_per_month - 1e-6
        for one, other in zip(lakes[:100], free[:100], strict=True)
    )
    assert bound > 25
    actions = {line.action for lake in lakes for line in lake.plan().datasets}
    assert actions == {Action.KEEP, Action.RETIRE, Action.STOP_PRODUCER}
    refused = {
        line.reason for lake in lakes for line in lake.plan().datasets if line.reason.startswith("kept: what holds")
    }
    assert len(refused) >= 4
