"""The cheapest plan of a component, or of all components under budgets that they share.

In order, each step only where those before it leave something open:

  1. *Direct.* If everyone's cheapest choice can be had at once, no plan is cheaper.
  2. *Chains.* Where nearest ancestors are cheapest all along, a dynamic program is exact in linear time.
  3. *Local search* (add, drop, exchange) for a plan.
  4. *Lagrangian bound*, the assignment rows priced. If it meets the plan, the plan is optimal. If not, what would cost
     more than the gap between them is in no better plan, and leaves the model.
  5. *PuLP with HiGHS* on what is left.

Limits (budgets, the evacuation limit) come after: a cheapest plan that keeps to them is the cheapest that does, and
only where it does not is the plan made by ``coupled``.

Indices are the order of preference: among equal costs the smaller index is kept.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from r2d2.retention.optimizer.bound import lower_bound
from r2d2.retention.optimizer.chains import chains_of, solve_chains
from r2d2.retention.optimizer.coupled import solve_coupled
from r2d2.retention.optimizer.instance import RELATIVE, Flags, Instance, Ints, Solution
from r2d2.retention.optimizer.milp import solve_model
from r2d2.retention.optimizer.presolve import presolved
from r2d2.retention.optimizer.repair import cost_of, keeps_to_limits, usage_of
from r2d2.retention.optimizer.search import assign, chosen, direct, local_search, places_of, prefer_first

DIRECT = "directly"
CHAINS = "by the linear-time program for chains"
BOUND = "by local search that meets its lower bound"
SOLVER = "by PuLP with HiGHS"
HEURISTIC = "by local search"

#: Options held of a lake whose budgets bind, at most: of more, the cheapest of each dataset.
MOST_OPTIONS = 2_000_000


def solve(instance: Instance, seconds: float, exact: bool = True) -> Solution:
    """The cheapest plan of a component; with ``exact`` off, or out of time, a good one. Budgets are not looked at.

    Args:
        instance: the component.
        seconds: time limit of the solver.
        exact: off for components that are too large, or whose pairs are not all there: then there is no bound, either.

    Raises:
        SolverError: the solver is needed and not installed.
    """
    ends = time.monotonic() + seconds
    instance = instance.unbudgeted()
    free = _solve_free(instance, ends, exact)
    if keeps_to_limits(instance, free.option):
        return free
    small, position = instance.affordable()
    found = _within(small, places_of(instance, free.option), ends, exact, free.bound)
    return replace(found, option=position[found.option])


def solve_together(instances: Sequence[Instance], alone: Sequence[Solution], seconds: float) -> list[Solution]:
    """The cheapest plans of all components that keep to the budgets all in all.

    Args:
        instances: the components, each with its weights and the limits of the whole plan.
        alone: what ``solve`` found of each.
        seconds: time limit of the solver.

    Raises:
        SolverError: the solver is needed and not installed.
    """
    limits = np.asarray(instances[0].limits) if instances else np.empty(0)
    taken = [usage_of(part, found.option) for part, found in zip(instances, alone, strict=True)]
    if not len(limits) or not np.any(np.sum(taken, axis=0) > limits):
        return list(alone)
    ends = time.monotonic() + seconds
    merged, _ = Instance.merged(instances, instances[0].limits).affordable()
    kept = [places_of(part, found.option) for part, found in zip(instances, alone, strict=True)]
    bounded = all(np.isfinite(found.bound) for found in alone)
    together = _within(merged, np.concatenate(kept), ends, bounded, sum(found.bound for found in alone))
    return _split(merged, together, instances)


def most_options(datasets: int) -> int:
    """How many options of each dataset ``solve_together`` should be given at most."""
    return max(2, MOST_OPTIONS // max(1, datasets))


def _solve_free(instance: Instance, ends: float, exact: bool) -> Solution:
    """Without limits."""
    small = presolved(instance)
    kept, bound, optimal, how = _search(small.instance, ends, exact)
    best = prefer_first(small.instance, assign(small.instance, kept))
    option = small.option[chosen(small.instance, best)]
    return Solution(option, float(cost_of(instance, option).sum()), bound, optimal, how)


def _search(instance: Instance, ends: float, exact: bool) -> tuple[Flags, float, bool, str]:
    """The places that a plan keeps, a bound, whether the plan is the cheapest, and which step found it."""
    found = direct(instance)
    if found is not None:
        return found.kept, found.cost if exact else -np.inf, exact, DIRECT
    chains = chains_of(instance) if exact else None
    if chains is not None:
        kept = solve_chains(instance, chains)
        return kept, assign(instance, kept).cost, True, CHAINS
    best = local_search(instance, instance.fixed)
    if not exact:
        return best.kept, -np.inf, False, HEURISTIC
    bound = lower_bound(instance, best.total, assign(instance, instance.fixed).price)
    value = float(bound.value.sum())
    other = local_search(instance, bound.kept)
    best = other if other.cost < best.cost else best
    gap = max(0.0, best.cost - value) + RELATIVE * best.cost
    if best.cost - value <= RELATIVE * best.cost:
        return best.kept, value, True, BOUND
    option, optimal = solve_model(instance, bound, gap, ends)
    if option is not None:
        other = local_search(instance, places_of(instance, option))
        best = other if other.cost < best.cost else best
    return best.kept, best.cost if optimal else value, optimal, SOLVER if optimal else HEURISTIC


def _within(instance: Instance, kept: Flags, ends: float, exact: bool, bound: float) -> Solution:
    """With limits that the cheapest plan does not keep to."""
    option, value, optimal = solve_coupled(instance, kept, ends)
    cost = float(cost_of(instance, option).sum())
    value = max(value, bound) if exact else -np.inf
    how = SOLVER if optimal and exact else HEURISTIC
    return Solution(option, cost, value, optimal and exact, how)


def _split(merged: Instance, together: Solution, instances: Sequence[Instance]) -> list[Solution]:
    """The parts of a plan of all components, with the options as each component has them."""
    costs = cost_of(merged, together.option)
    ends = np.append(merged.first_dataset, merged.size).tolist()
    gap = together.cost - together.bound
    found = []
    for number, part in enumerate(instances):
        own = together.option[ends[number] : ends[number + 1]]
        option = _options_of(part, merged.place[own] - merged.first_place[number], merged.pair[own])
        cost = float(costs[number])
        found.append(Solution(option, cost, cost - gap / len(instances), together.optimal, together.how))
    return found


def _options_of(instance: Instance, place: Ints, pair: Ints) -> Ints:
    """The positions of the options that are these pairs, or these own places."""
    of_pair = np.empty(max(0, int(instance.pair.max(initial=-1)) + 1), np.int64)
    paired = np.flatnonzero(instance.pair >= 0)
    of_pair[instance.pair[paired]] = paired
    option = instance.own[np.where(pair < 0, place, 0)]
    option[pair >= 0] = of_pair[pair[pair >= 0]]
    return option
