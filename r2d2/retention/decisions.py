"""What the model decides: who is kept, who is rebuilt from whom, and what stood in the way of the others."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from r2d2.config import RetentionSettings
from r2d2.retention.ancestors import Containment
from r2d2.retention.candidates import Candidates, Obstacles, find_candidates
from r2d2.retention.optimizer import HEURISTIC, Budget, Instance, Pairs, Solution, most_options, solve, solve_together
from r2d2.retention.profiles import Flags, Floats, Ints
from r2d2.retention.rebuilds import Rebuilds, numbers

KEPT = -1


@dataclass
class Decision:
    """The decision of each usable dataset, by number.

    Attributes:
        parent: the number of the dataset that it is rebuilt from; ``KEPT`` if it is kept.
        obstacles: what was seen of the datasets that hold all its rows.
        estimated: it is in a plan that is not proven the cheapest.
        crowded: it could be rebuilt from a kept dataset and would save money, if the plan's limits had room for it.
        how: how many components were solved by which step.
        bound: no plan costs less a month; minus infinity if that is not known.
        cost: what this one costs.
    """

    parent: Ints
    obstacles: Obstacles
    estimated: Flags
    crowded: Flags
    how: Counter[str] = field(default_factory=Counter)
    bound: float = 0.0
    cost: float = 0.0

    @property
    def optimal(self) -> bool:
        """Whether it is proven that no plan is cheaper."""
        return not self.estimated.any()


@dataclass(frozen=True)
class _Part:
    """A component that takes part in the decision."""

    members: Ints
    instance: Instance
    solution: Solution
    complete: bool


def decide(lake: Containment, rebuilds: Rebuilds, sizes: Floats) -> Decision:
    """The cheapest plan under the rules.

    Args:
        sizes: bytes of each dataset.

    Raises:
        SolverError: the solver is needed and not installed.
    """
    settings, total = rebuilds.settings, len(sizes)
    ends = time.monotonic() + settings.solver_seconds
    decision = _nothing(total)
    budgets = budgets_of(settings)
    waiting = []
    for members, found in _components(lake, rebuilds):
        _note_obstacles(decision, members, found.obstacles)
        if not len(found.child) and found.complete:
            continue
        instance = _instance(members, found, rebuilds, sizes)
        part = _Part(members, instance, solve(instance, ends - time.monotonic(), found.complete), found.complete)
        if budgets:
            waiting.append(_thinned(part, total))
        else:
            _note(decision, part)
    if waiting:
        together = solve_together([p.instance for p in waiting], [p.solution for p in waiting], ends - time.monotonic())
        for part, solution in zip(waiting, together, strict=True):
            _note(decision, _Part(part.members, part.instance, solution, part.complete))
    return decision


def budgets_of(settings: RetentionSettings) -> dict[str, float]:
    """The limits of the whole plan that are set, by the name of their setting."""
    names = ("max_rebuild_cost", "max_retired_datasets", "max_retired_bytes")
    return {name: float(getattr(settings, name)) for name in names if getattr(settings, name)}


def _nothing(total: int) -> Decision:
    none, infinite = np.zeros(total, np.int64), np.full(total, np.inf)
    obstacles = Obstacles(none.copy(), infinite.copy(), infinite.copy(), none.copy())
    return Decision(np.full(total, KEPT), obstacles, np.zeros(total, np.bool_), np.zeros(total, np.bool_))


def _components(lake: Containment, rebuilds: Rebuilds) -> Iterator[tuple[Ints, Candidates]]:
    for names in lake.components():
        if len(names) > 1:
            members = numbers(names, rebuilds.number)
            yield members, find_candidates(members, lake, rebuilds)


def _instance(members: Ints, found: Candidates, rebuilds: Rebuilds, sizes: Floats) -> Instance:
    settings = rebuilds.settings
    weights = {
        "max_rebuild_cost": found.cost,
        "max_retired_datasets": np.ones(len(found.child)),
        "max_retired_bytes": sizes[members][found.child],
    }
    budgets = [Budget(name, limit, weights[name]) for name, limit in budgets_of(settings).items()]
    evacuation, seconds = np.inf, None
    if settings.evacuation_limit:
        evacuation, seconds = settings.evacuation_limit, found.seconds / settings.shared_rebuilds
    pairs = Pairs(found.child, found.parent, found.cost, seconds)
    return Instance.of(rebuilds.profiles.keep[members], pairs, budgets=budgets, evacuation=evacuation)


def _thinned(part: _Part, total: int) -> _Part:
    """The component with no more options than can be held of every one."""
    instance, option = part.instance.nearest(most_options(total), part.solution.option)
    solution = Solution(option, part.solution.cost, part.solution.bound, part.solution.optimal, part.solution.how)
    return _Part(part.members, instance, solution, part.complete)


def _note_obstacles(decision: Decision, members: Ints, seen: Obstacles) -> None:
    for name in Obstacles.__dataclass_fields__:
        getattr(decision.obstacles, name)[members] = getattr(seen, name)


def _note(decision: Decision, part: _Part) -> None:
    instance, solution, members = part.instance, part.solution, part.members
    retired = instance.pair[solution.option] >= 0
    parent = instance.owner[instance.place[solution.option[retired]]]
    decision.parent[members[retired]] = members[parent]
    decision.crowded[members[_crowded(instance, solution)]] = True
    decision.how["in parts" if not part.complete else solution.how] += 1
    decision.estimated[members] = not solution.optimal
    decision.bound += solution.bound
    decision.cost += solution.cost


def _crowded(instance: Instance, solution: Solution) -> Flags:
    """Kept datasets from which nothing is rebuilt, although a kept place is among their options."""
    users = np.bincount(instance.place[solution.option], minlength=len(instance.owner))
    idle = (instance.pair[solution.option] < 0) & (users[instance.place[solution.option]] == 1)
    could = (instance.pair >= 0) & instance.pays & (users[instance.place] > 0) & idle[instance.child]
    crowded: Flags = np.bincount(instance.child[could], minlength=instance.size) > 0
    return crowded


def describe(decision: Decision, settings: RetentionSettings) -> str:
    """How the plan was found, for people."""
    parts = [f"{n} {how}" for how, n in sorted(decision.how.items()) if how not in ("in parts", HEURISTIC)]
    if decision.how[HEURISTIC]:
        parts.append(f"{decision.how[HEURISTIC]} by local search (not proven optimal in {settings.solver_seconds:g} s)")
    if decision.how["in parts"]:
        parts.append(f"{decision.how['in parts']} by local search (more than {settings.max_pairs:,} possible pairs)")
    return f"components solved: {', '.join(parts)}" if parts else "nothing to decide"
