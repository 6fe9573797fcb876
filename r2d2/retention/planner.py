"""The retention plan: from datasets and proven containments to what is kept, what is retired, and why.

Who may not be retired is decided before money: what can't be used, what shares files, what the settings pin. Then each
weakly connected component is solved by itself (``optimizer``). No Spark, no I/O.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from r2d2.config import RetentionSettings
from r2d2.errors import SolverError
from r2d2.model import Action, Dataset, Edge, Grade, Plan, PlannedDataset
from r2d2.model.dataset import TEXT_FORMATS
from r2d2.model.family import narrowest_common
from r2d2.model.names import fold
from r2d2.retention.ancestors import Containment
from r2d2.retention.candidates import Candidates, Obstacles, find_candidates
from r2d2.retention.costs import EPSILON, check_settings, money, profile, rebuild_cost, rebuild_seconds, seconds_text
from r2d2.retention.latency import first_match, latency_limit
from r2d2.retention.optimizer import HEURISTIC, Instance, solve


@dataclass
class _Decision:
    """What the components decided: who is rebuilt from whom, and what stood in the way of the others."""

    parent: dict[str, str] = field(default_factory=dict)
    saving: dict[str, float] = field(default_factory=dict)
    obstacles: dict[str, Obstacles] = field(default_factory=dict)
    estimated: set[str] = field(default_factory=set)
    how: Counter[str] = field(default_factory=Counter)
    optimal: bool = True


def make_plan(
    datasets: Sequence[Dataset],
    reduction: Iterable[Edge],
    groups: Iterable[Sequence[str]],
    settings: RetentionSettings,
) -> Plan:
    """The cheapest plan in which every retired dataset is rebuilt from one kept dataset that holds all its rows.

    Args:
        datasets: all datasets of the run, usable or not; the plan lists them all.
        reduction: edges between usable datasets. Those that aren't proven are ignored.
        groups: exact duplicates.
        settings: prices, speeds and limits.

    Returns:
        the plan, largest saving first, then by id. The sum of its savings is what the lake costs with everything kept
        less what it costs with the plan.

    Raises:
        UsageError: settings that no plan can be computed with.
        SolverError: the solver is needed and missing.
    """
    check_settings(settings)
    usable = sorted((d for d in datasets if d.status == "ok"), key=preference)
    names = {d.id for d in usable}
    edges = [e for e in reduction if _is_proof(e, names)]
    pinned = pinned_datasets(datasets, settings)
    lake = Containment(usable, edges, groups)
    decision = _Decision()
    profiles = {d.id: profile(d, settings) for d in usable}
    for members in lake.components():
        retirable = frozenset(m for m in members if m not in pinned)
        candidates = find_candidates(members, lake, profiles, retirable, settings)
        _decide(members, candidates, {m: profiles[m].keep for m in members}, settings, decision)
    _check_schemas({d.id: d for d in usable}, decision.parent)
    reasons = _Reasons({d.id: d for d in datasets}, pinned, decision, settings)
    planned = sorted((reasons.planned(d) for d in datasets), key=lambda p: (-p.saving_per_month, p.dataset))
    return Plan(
        datasets=tuple(planned),
        total_saving_per_month=math.fsum(p.saving_per_month for p in planned),
        bytes_retired=sum(d.bytes for d in datasets if d.id in decision.parent),
        solver=_describe(decision, settings),
        optimal=decision.optimal,
        currency=settings.currency,
    )


def preference(dataset: Dataset) -> tuple[int, int, bool, str]:
    """Sort key: among plans of one cost, the dataset that comes first is kept. Typed formats come before text."""
    return -(dataset.rows or 0), -dataset.bytes, dataset.format in TEXT_FORMATS, dataset.id


def _check_schemas(datasets: Mapping[str, Dataset], parents: Mapping[str, str]) -> None:
    """A last look, however the edges were walked: the parent must have the child's leaves."""
    for name, parent in parents.items():
        held = {fold(leaf.path): leaf.families for leaf in datasets[parent].leaves}
        for leaf in datasets[name].leaves:
            if narrowest_common(leaf.families, held.get(fold(leaf.path), ())) is None:
                raise SolverError(
                    f"the plan would rebuild {name} from {parent}, which lacks its column {'.'.join(leaf.path)}",
                    "this is a fault of r2d2; nothing was planned",
                )


def _is_proof(edge: Edge, names: set[str]) -> bool:
    return edge.grade == Grade.PROVEN and edge.parent != edge.child and {edge.parent, edge.child} <= names


def pinned_datasets(datasets: Sequence[Dataset], settings: RetentionSettings) -> dict[str, str]:
    """Why a dataset may not be retired, whatever it costs; by id."""
    pinned: dict[str, str] = {}
    for dataset in datasets:
        if dataset.status != "ok":
            pinned[dataset.id] = f"kept: {dataset.error}"
    for child, other in _sharing(datasets):
        pinned.setdefault(child, f"kept: shares files with {other}")
    for dataset in datasets:
        pattern = first_match(settings.keep, dataset)
        if pattern is not None:
            pinned.setdefault(dataset.id, f"kept: matches retention.keep {pattern!r}")
    return pinned


def _sharing(datasets: Sequence[Dataset]) -> Iterable[tuple[str, str]]:
    """(dataset, other) that refer to common files, both ways round: by discovery, by a table's log."""
    for dataset in datasets:
        for other in dataset.shared_with:
            yield dataset.id, other
            yield other, dataset.id
    pins: dict[str, list[str]] = defaultdict(list)
    for dataset in datasets:
        for identity in dataset.pins:
            pins[identity].append(dataset.id)
    if pins:
        for dataset in datasets:
            referring = (o for f in dataset.files for o in pins.get(f.identity, ()) if o != dataset.id)
            yield from ((dataset.id, other) for other in referring)


def _decide(
    members: Sequence[str],
    candidates: Candidates,
    keep: Mapping[str, float],
    settings: RetentionSettings,
    decision: _Decision,
) -> None:
    """Solve one component and add what it decides."""
    decision.obstacles |= candidates.obstacles
    if len(candidates.child) or not candidates.complete:
        costs = np.asarray([keep[m] for m in members], np.float64)
        instance = Instance(costs, candidates.child, candidates.parent, candidates.cost)
        solution = solve(instance, settings.solver_seconds, candidates.complete)
        for name, parent, price in zip(members, solution.parent, solution.price, strict=True):
            if parent >= 0:
                decision.parent[name] = members[parent]
                decision.saving[name] = keep[name] - price
        decision.how["in parts" if not candidates.complete else solution.how] += 1
        if not solution.optimal:
            decision.optimal = False
            decision.estimated.update(members)


def _describe(decision: _Decision, settings: RetentionSettings) -> str:
    parts = [f"{n} {how}" for how, n in sorted(decision.how.items()) if how not in ("in parts", HEURISTIC)]
    if decision.how[HEURISTIC]:
        parts.append(f"{decision.how[HEURISTIC]} by local search (not proven optimal in {settings.solver_seconds:g} s)")
    if decision.how["in parts"]:
        parts.append(f"{decision.how['in parts']} by local search (more than {settings.max_pairs:,} possible pairs)")
    return f"components solved: {', '.join(parts)}" if parts else "nothing to decide"


class _Reasons:
    """The lines of the plan, in words for the datasets' owners."""

    def __init__(
        self,
        datasets: Mapping[str, Dataset],
        pinned: Mapping[str, str],
        decision: _Decision,
        settings: RetentionSettings,
    ) -> None:
        self._datasets = datasets
        self._pinned = pinned
        self._decision = decision
        self._settings = settings
        self._children: dict[str, list[str]] = defaultdict(list)
        for child, parent in sorted(decision.parent.items()):
            self._children[parent].append(child)

    def planned(self, dataset: Dataset) -> PlannedDataset:
        """The dataset's line of the plan."""
        parent = self._decision.parent.get(dataset.id)
        open_to_change = dataset.id in self._decision.estimated and dataset.id not in self._pinned
        note = " (in a good plan that is not proven the cheapest)" if open_to_change else ""
        if parent is None:
            reason = self._kept(dataset) + note
            return PlannedDataset(dataset.id, Action.KEEP, None, 0.0, 0.0, 0.0, reason, dataset.version)
        source = self._datasets[parent]
        saving = self._decision.saving[dataset.id]
        seconds = rebuild_seconds(source, dataset, self._settings)
        cost = rebuild_cost(source, dataset, self._settings)
        reason = self._retired(dataset, source, saving, seconds) + note
        versions = dataset.version, source.version
        return PlannedDataset(dataset.id, Action.RETIRE, parent, saving, cost, seconds, reason, *versions)

    def _retired(self, dataset: Dataset, source: Dataset, saving: float, seconds: float) -> str:
        keep = profile(dataset, self._settings).keep
        limit = latency_limit(dataset, self._settings)
        return (
            f"retired: every row is in {source.id}; storing it costs {self._money(keep)} a month, rebuilding it on "
            f"demand is expected to cost {self._money(keep - saving)} a month and takes {seconds_text(seconds)} of the "
            f"allowed {seconds_text(limit)}"
        )

    def _kept(self, dataset: Dataset) -> str:
        children = self._children.get(dataset.id, ())
        obstacles = self._decision.obstacles.get(dataset.id, Obstacles())
        if dataset.id in self._pinned:
            return self._pinned[dataset.id]
        if children:
            return f"kept: {children[0]} is rebuilt from it" + self._others(len(children) - 1)
        keep = profile(dataset, self._settings).keep
        if obstacles.holders and obstacles.cheapest == math.inf:
            return self._too_slow(dataset, obstacles.fastest)
        if obstacles.holders:
            return self._too_dear(keep, obstacles.cheapest)
        return "kept: no other dataset is proven to hold all its rows"

    def _too_slow(self, dataset: Dataset, fastest: float) -> str:
        limit = latency_limit(dataset, self._settings)
        return f"kept: rebuilding takes {seconds_text(fastest)}, more than its limit of {seconds_text(limit)}"

    def _too_dear(self, keep: float, rebuilding: float) -> str:
        saving = keep - rebuilding
        if saving <= EPSILON:
            return (
                f"kept: saves nothing: storing it costs {self._money(keep)} a month, rebuilding it on demand is "
                f"expected to cost {self._money(rebuilding)} a month"
            )
        if saving < self._settings.min_saving:
            floor = self._money(self._settings.min_saving)
            return f"kept: saves {self._money(saving)} a month, less than retention.min_saving of {floor}"
        return "kept: the datasets that it could be rebuilt from are retired themselves, which saves more"

    def _others(self, number: int) -> str:
        return f", and {number} more" if number else ""

    def _money(self, amount: float) -> str:
        return money(amount, self._settings.currency)
