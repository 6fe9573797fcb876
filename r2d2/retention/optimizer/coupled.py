"""Limits that a plan as a whole must keep to: budgets, and what may have to be rebuilt from one place.

Budgets are priced by Lagrange multipliers m_b >= 0: each option costs m_b w_bk more, and what is left is a plan without
budgets, component by component. L(m) - sum m_b W_b is a bound for every m. The best m is found by columns (Dantzig and
Wolfe): each plan of each block of components is a point (its cost, what it takes of the budgets); a small linear
program mixes the points, and its dual prices are the next m. What it mixes is rounded and repaired. The evacuation
limit is left out of the bound, and kept to by the repair and by the exact model.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from r2d2.retention.optimizer.bound import STEPS, bound_at, lower_bound
from r2d2.retention.optimizer.instance import RELATIVE, Flags, Floats, Instance, Ints
from r2d2.retention.optimizer.master import Master
from r2d2.retention.optimizer.milp import solve_model, useful
from r2d2.retention.optimizer.presolve import presolved
from r2d2.retention.optimizer.repair import cost_of, keeps_to_limits, repaired
from r2d2.retention.optimizer.search import Assignment, assign, chosen, local_search

#: Rounds of pricing, at most.
ROUNDS = 40
#: Steps towards the bound, and of the local search, in each round.
_BOUND_STEPS, _SEARCH_STEPS = 20, 12
#: Rounds end when they can't improve the plan by more than this share of its cost.
_CLOSE = 1e-4
#: Time for the best plan that takes each block from one of the plans met.
_WHOLE_SECONDS = 5.0
#: Options left beyond which the exact model is not tried.
MOST_EXACT = 20_000


@dataclass
class _Best:
    """The best plan and the best bound so far.

    Attributes:
        prices, duals: of the budgets and of the datasets, where ``bound`` was found.
    """

    option: Ints
    cost: float
    bound: float
    prices: Floats
    duals: Floats


def solve_coupled(instance: Instance, start: Flags, ends: float) -> tuple[Ints, float, bool]:
    """The options of a plan that keeps to all limits, a lower bound, and whether it is proven the cheapest.

    Args:
        start: places to begin with.
        ends: when to stop, on ``time.monotonic``'s clock.

    Raises:
        SolverError: the solver is needed and not installed.
    """
    best = _price(instance, start, ends)
    gap = max(0.0, best.cost - best.bound)
    if gap <= RELATIVE * abs(best.cost):
        return best.option, best.bound, True
    priced = instance.priced(best.prices)
    bound = bound_at(priced, best.duals)
    slack = gap * (1 + 1e-9) + RELATIVE * abs(best.cost)
    if len(useful(bound, slack)) > MOST_EXACT or np.isfinite(instance.cap).any():
        return best.option, best.bound, False
    option, optimal = solve_model(instance, bound, slack, ends)
    if option is not None and keeps_to_limits(instance, option):
        cost = float(cost_of(instance, option).sum())
        if cost < best.cost:
            return option, cost if optimal else best.bound, optimal
    return best.option, best.cost if optimal else best.bound, optimal


def _price(instance: Instance, kept: Flags, ends: float) -> _Best:
    """The best prices of the budgets, and the best plan met on the way to them."""
    master = Master(instance)
    none = chosen(instance, assign(instance, np.ones(len(instance.owner), np.bool_)))
    master.add(none)
    prices, duals = np.zeros(len(instance.limits)), instance.alone
    best = _Best(none, float(cost_of(instance, none).sum()), -np.inf, prices, duals)
    for _ in range(ROUNDS if len(prices) else 1):
        priced = _Priced(instance, prices)
        plan, value, duals = priced.improved(kept, duals, _BOUND_STEPS)
        kept, option = plan.kept, priced.options(plan)
        _note_bound(best, value, prices, duals)
        master.add(option)
        _note_plan(best, instance, repaired(instance, option, prices))
        if time.monotonic() > ends or best.cost - best.bound <= RELATIVE * abs(best.cost):
            break
        found = priced.value(plan.total)
        prices, value, mixed = master.prices()
        _note_plan(best, instance, repaired(instance, mixed, prices))
        if found >= value - _CLOSE * abs(best.cost):
            break
    _, value, duals = _Priced(instance, prices).improved(kept, duals, STEPS)
    _note_bound(best, value, prices, duals)
    left = min(_WHOLE_SECONDS, ends - time.monotonic())
    if len(prices) and instance.components > 1 and best.cost - best.bound > RELATIVE * abs(best.cost) and left > 0:
        _note_plan(best, instance, repaired(instance, master.whole(left), best.prices))
    return best


class _Priced:
    """An instance at certain prices of its budgets, without what no cheapest plan needs then."""

    def __init__(self, instance: Instance, prices: Floats) -> None:
        self._paid = float(prices @ np.asarray(instance.limits, np.float64))
        self._presolved = presolved(instance.priced(prices))
        self._instance = self._presolved.instance

    def improved(self, kept: Flags, duals: Floats, steps: int) -> tuple[Assignment, float, Floats]:
        """A plan without budgets, a bound, and the prices of datasets that give it, from those of the round before."""
        instance = self._instance
        plan = local_search(instance, kept, _SEARCH_STEPS)
        bound = lower_bound(instance, plan.total, duals, steps)
        other = local_search(instance, bound.kept, _SEARCH_STEPS)
        better = np.repeat(other.total < plan.total, np.diff(instance.first_place, append=len(instance.owner)))
        plan = assign(instance, np.where(better, other.kept, plan.kept))
        return plan, self.value(bound.value), self._presolved.price(bound.price)

    def options(self, plan: Assignment) -> Ints:
        """The options of a plan, as the whole instance has them."""
        return self._presolved.option[chosen(self._instance, plan)]

    def value(self, total: Floats) -> float:
        """A bound, or what a plan costs, with the budgets paid for."""
        return float(total.sum()) - self._paid


def _note_bound(best: _Best, value: float, prices: Floats, duals: Floats) -> None:
    if value > best.bound:
        best.bound, best.prices, best.duals = value, prices, duals


def _note_plan(best: _Best, instance: Instance, option: Ints) -> None:
    cost = float(cost_of(instance, option).sum())
    if cost < best.cost and keeps_to_limits(instance, option):
        best.option, best.cost = option, cost
