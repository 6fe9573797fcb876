"""The retention model (the paper's OPT-RET, one hop) of one weakly connected component.

    minimise    sum K_p y_p + sum r_cp x_cp             money a month
    such that   y_c + sum over p of x_cp = 1            each dataset is kept, or rebuilt from exactly one parent
                x_cp <= y_p                             a parent is kept (one row for each pair: the tight form)
                y binary, x >= 0

y_p: p is kept, at K_p. x_cp: c is retired and rebuilt from p, at r_cp; only allowed pairs exist, and r_cp < K_c.
This is uncapacitated facility location in which each dataset is a place and serves itself for nothing, so its tools
apply, with the cost of each pair free. In order, each step only where those before it leave something open:

  1. *Direct.* If everyone's cheapest choice can be had at once, no plan is cheaper.
  2. *Local search* (add, drop, exchange) for a plan.
  3. *Lagrangian bound*, the assignment rows priced. If it meets the plan, the plan is optimal. If not, what would cost
     more than the gap between them is in no better plan, and leaves the model.
  4. *PuLP with HiGHS* on what is left.

Indices are the order of preference: among equal costs the smaller index is kept.
"""

from __future__ import annotations

import importlib
import math
import os
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from r2d2.errors import SolverError

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

DIRECT = "directly"
BOUND = "by local search that meets its lower bound"
SOLVER = "by PuLP with HiGHS"
HEURISTIC = "by local search"

#: Differences below this share of a component's cost are rounding.
RELATIVE = 1e-11
SUBGRADIENT_STEPS = 250
#: Exchanges tried in one local search: each takes time in proportion to the pairs.
SWAPS = 300
#: Swaps tried among datasets of equal cost, so that ties are broken without searching for ever.
TIE_SWAPS = 200


class Instance:
    """One component: ``keep[i]`` is what keeping dataset i costs; ``child``, ``parent`` and ``cost`` of allowed pairs.

    A dataset that is the child of no pair is kept. Each pair must cost less than keeping its child.
    """

    def __init__(self, keep: Floats, child: Ints, parent: Ints, cost: Floats) -> None:
        self.keep = keep
        self.size = len(keep)
        order = np.lexsort((parent, cost, child))
        self.child, self.parent, self.cost = child[order], parent[order], cost[order]
        self.fixed: Flags = np.ones(self.size, dtype=np.bool_)
        self.fixed[self.child] = False
        #: Datasets for which keeping or retiring matters to others.
        self.open: Flags = np.zeros(self.size, dtype=np.bool_)
        self.open[self.parent] = True
        self.open &= ~self.fixed

    def sum_by(self, index: Ints, weights: Floats) -> Floats:
        """Sum of ``weights`` for each dataset."""
        return np.bincount(index, weights=weights, minlength=self.size).astype(np.float64, copy=False)


@dataclass(frozen=True)
class Solution:
    """A plan of one component.

    Attributes:
        parent: the kept dataset from which each is rebuilt, -1 for a kept one.
        price: what each costs.
        cost: what all cost.
        optimal: whether no plan is cheaper.
        how: which step found it.
    """

    parent: tuple[int, ...]
    price: tuple[float, ...]
    cost: float
    optimal: bool
    how: str


@dataclass(frozen=True)
class _Assignment:
    """Everyone's best choice when certain datasets are kept.

    Attributes:
        parent: the kept dataset each is rebuilt from, -1 for the kept ones.
        price: what each costs.
        second: what each would cost without that parent (a kept one: without being kept).
        total: the sum of the prices.
    """

    parent: Ints
    price: Floats
    second: Floats
    total: float


@dataclass(frozen=True)
class _Bound:
    """A lower bound, and what it costs at least to go against it (by dataset, by pair)."""

    value: float
    kept: Flags
    if_kept: Floats
    if_retired: Floats
    if_used: Floats


def solve(instance: Instance, seconds: float, exact: bool = True) -> Solution:
    """The cheapest plan of a component; with ``exact`` off, or out of time, a good one.

    Args:
        instance: the component.
        seconds: time limit of the solver.
        exact: off for components that are too large, or whose pairs are not all there.

    Raises:
        SolverError: the solver is needed and not installed.
    """
    direct = _direct(instance)
    if direct is not None:
        return _solution(instance, direct, exact, DIRECT)
    best = _local_search(instance, instance.fixed)
    if not exact:
        return _solution(instance, best, False, HEURISTIC)
    bound = _lagrange(instance, best.total)
    other = _local_search(instance, bound.kept)
    best = other if other.total < best.total else best
    gap = max(0.0, best.total - bound.value) + RELATIVE * best.total
    if best.total - bound.value <= RELATIVE * best.total:
        return _solution(instance, best, True, BOUND)
    kept, optimal = _solve_model(instance, bound, gap, seconds)
    if kept is not None:
        found = _local_search(instance, kept)
        best = found if found.total < best.total else best
    return _solution(instance, best, optimal, SOLVER if optimal else HEURISTIC)


def _solution(instance: Instance, best: _Assignment, optimal: bool, how: str) -> Solution:
    best = _prefer_first(instance, best)
    price = tuple(best.price.tolist())
    return Solution(tuple(best.parent.tolist()), price, math.fsum(price), optimal, how)


def _assign(instance: Instance, kept: Flags) -> _Assignment:
    """Everyone's cheapest choice if ``kept`` (and the fixed) are kept; whoever has no kept parent is kept as well."""
    parent = np.full(instance.size, -1, dtype=np.int64)
    price = instance.keep.copy()
    second = instance.keep.copy()
    usable = np.flatnonzero(kept[instance.parent] & ~kept[instance.child])
    children = instance.child[usable]
    first = np.flatnonzero(np.diff(children, prepend=-1))
    parent[children[first]] = instance.parent[usable[first]]
    price[children[first]] = instance.cost[usable[first]]
    runner_up = first[first + 1 < len(children)] + 1
    runner_up = runner_up[children[runner_up] == children[runner_up - 1]]
    second[children[runner_up]] = instance.cost[usable[runner_up]]
    _second_of_kept(instance, kept, second)
    return _Assignment(parent, price, second, float(price.sum()))


def _second_of_kept(instance: Instance, kept: Flags, second: Floats) -> None:
    usable = np.flatnonzero(kept[instance.parent] & kept[instance.child])
    children = instance.child[usable]
    first = np.flatnonzero(np.diff(children, prepend=-1))
    second[children[first]] = instance.cost[usable[first]]


def _direct(instance: Instance) -> _Assignment | None:
    """The plan in which everyone gets its cheapest choice, if there is one.

    That choice is a pair wherever there is one, since a pair costs less than keeping its child. It can be had by all
    if no one's cheapest parent is itself retired.
    """
    plan = _assign(instance, instance.fixed)
    wanted = instance.cost[np.flatnonzero(np.diff(instance.child, prepend=-1))]
    got = plan.price[~instance.fixed]
    return plan if bool(np.all(got <= wanted)) else None


def _local_search(instance: Instance, kept: Flags) -> _Assignment:
    """Add, drop or exchange one kept dataset at a time, until nothing is cheaper or the tries are used up."""
    kept = (kept & instance.open) | instance.fixed
    best = _assign(instance, kept)
    tries = SWAPS
    for _ in range(10 * instance.size):
        gain = _gain_of_toggling(instance, kept, best)
        choice = int(np.argmax(gain))
        if gain[choice] > RELATIVE * best.total:
            kept[choice] = not kept[choice]
        else:
            tries = _exchange(instance, kept, best, tries)
        changed = _assign(instance, kept)
        if changed.total >= best.total:
            break
        best = changed
    return best


def _exchange(instance: Instance, kept: Flags, best: _Assignment, tries: int) -> int:
    """Change ``kept`` by the first exchange that makes the plan cheaper, if there is one; returns the tries left."""
    for gone in np.flatnonzero(kept & instance.open)[:tries].tolist():
        tries -= 1
        kept[gone] = False
        plan = _assign(instance, kept)
        gain = _gain_of_toggling(instance, kept, plan)
        gain[kept] = -np.inf
        come = int(np.argmax(gain))
        if plan.total - gain[come] < best.total * (1 - RELATIVE):
            kept[come] = True
            return tries
        kept[gone] = True
    return tries


def _gain_of_toggling(instance: Instance, kept: Flags, plan: _Assignment) -> Floats:
    """Money saved by keeping one more dataset, or one less, by dataset; those that may not change get -inf."""
    child, parent, cost = instance.child, instance.parent, instance.cost
    served = ~kept[child]
    cheaper = np.where(served & ~kept[parent], np.maximum(0.0, plan.price[child] - cost), 0.0)
    adding = instance.sum_by(parent, cheaper) + plan.price - instance.keep
    rebuilt = np.flatnonzero(plan.parent >= 0)
    moved = instance.sum_by(plan.parent[rebuilt], plan.second[rebuilt] - plan.price[rebuilt])
    dropping = instance.keep - plan.second - moved
    gain = np.where(kept, dropping, adding)
    gain[~instance.open] = -np.inf
    return gain


def _lagrange(instance: Instance, upper: float) -> _Bound:
    """The best lower bound that subgradient steps find, with v_c as the price of leaving c without a choice."""
    child, parent, cost, free = instance.child, instance.parent, instance.cost, ~instance.fixed
    price = np.where(free, _assign(instance, instance.fixed).price, 0.0)
    # A kept dataset costs K whatever the prices are; a fixed one is paid for outside the choice.
    opening = np.where(instance.fixed, 0.0, instance.keep)
    paid = float(instance.keep[instance.fixed].sum())
    best, best_price, step, stale = -math.inf, price, 1.5, 0
    for _ in range(SUBGRADIENT_STEPS):
        offered = np.maximum(0.0, price[child] - cost)
        reduced = opening - instance.sum_by(parent, offered) - np.where(free, price, 0.0)
        value = paid + float(price[free].sum()) + float(np.minimum(0.0, reduced).sum())
        if value > best + RELATIVE * abs(upper):
            best, best_price, stale = value, price, 0
        elif (stale := stale + 1) >= 12:
            step, stale = step / 2, 0
        opened = reduced < 0
        used = opened[parent] & (price[child] > cost)
        slope = np.where(free, 1.0 - instance.sum_by(child, used.astype(np.float64)) - opened, 0.0)
        norm = float(slope @ slope)
        if norm == 0 or upper - best <= RELATIVE * upper or step < 1e-4:
            break
        price = np.clip(price + step * (upper - value) / norm * slope, 0.0, instance.keep)
    return _bound_at(instance, best_price, opening, paid)


def _bound_at(instance: Instance, price: Floats, opening: Floats, paid: float) -> _Bound:
    child, parent, free = instance.child, instance.parent, ~instance.fixed
    over = instance.cost - price[child]
    reduced = opening - instance.sum_by(parent, np.maximum(0.0, -over)) - np.where(free, price, 0.0)
    value = paid + float(price[free].sum()) + float(np.minimum(0.0, reduced).sum())
    if_kept, if_retired = np.maximum(0.0, reduced), np.maximum(0.0, -reduced)
    return _Bound(value, (reduced < 0) & instance.open, if_kept, if_retired, np.maximum(0.0, over) + if_kept[parent])


def _solve_model(instance: Instance, bound: _Bound, gap: float, seconds: float) -> tuple[Flags | None, bool]:
    """What a cheaper plan would keep, by PuLP and HiGHS, and whether that is proven to be the cheapest."""
    pulp = _load_solver()
    pairs = np.flatnonzero(bound.if_used <= gap)
    problem = pulp.LpProblem("retention", pulp.LpMinimize)
    # In units of the largest cost: the solver's tolerances are absolute.
    unit = float(instance.keep[~instance.fixed].max())
    keep: list[Any] = [1] * instance.size
    for i in np.flatnonzero(~instance.fixed).tolist():
        low, high = int(bound.if_retired[i] > gap), int(bound.if_kept[i] <= gap)
        kind = pulp.LpInteger if instance.open[i] else pulp.LpContinuous
        keep[i] = problem.add_variable(f"y{i}", low, high, kind)
    recipe = {k: problem.add_variable(f"x{k}", 0) for k in pairs.tolist()}
    choices: dict[int, list[Any]] = {i: [keep[i]] for i in np.flatnonzero(~instance.fixed).tolist()}
    for k, used in recipe.items():
        choices[int(instance.child[k])].append(used)
    objective = [(keep[i], instance.keep[i] / unit) for i in choices]
    objective += [(used, instance.cost[k] / unit) for k, used in recipe.items()]
    problem += pulp.LpAffineExpression(objective)
    for options in choices.values():
        problem += pulp.LpAffineExpression([(option, 1) for option in options]) == 1
    for k, used in recipe.items():
        if not instance.fixed[instance.parent[k]]:
            problem += used <= keep[int(instance.parent[k])]
    return _run_solver(pulp, problem, keep, seconds)


def _run_solver(pulp: Any, problem: Any, keep: list[Any], seconds: float) -> tuple[Flags | None, bool]:
    _swallow_banner()
    # One thread and a fixed seed: the same lake gives the same plan.
    solver = pulp.HiGHS(msg=False, gapRel=0.0, gapAbs=0.0, threads=1, timeLimit=seconds, random_seed=0)
    try:
        problem.solve(solver)
    except pulp.PulpSolverError as error:
        raise SolverError(f"HiGHS failed: {error}", "run `pip install --force-reinstall highspy`") from error
    values = [y if isinstance(y, int) else y.varValue for y in keep]
    if problem.sol_status not in (pulp.LpSolutionOptimal, pulp.LpSolutionIntegerFeasible) or None in values:
        return None, False
    return np.array(values) > 0.5, problem.sol_status == pulp.LpSolutionOptimal


def _load_solver() -> Any:
    hint = "run `pip install pulp highspy`"
    try:
        import pulp
    except ImportError as error:
        raise SolverError("PuLP, which solves the retention model, is not installed", hint) from error
    if not pulp.HiGHS(msg=False).available():
        raise SolverError("HiGHS, which solves the retention model, is not installed", hint)
    return pulp


@cache
def _swallow_banner() -> None:
    """HiGHS prints its name and version once a process, past Python, whatever its options; stdout is for results."""
    highspy: Any = importlib.import_module("highspy")

    try:
        saved = os.dup(1)
    except OSError:  # there is no stdout to protect
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 1)
        highspy.Highs()
    finally:
        os.dup2(saved, 1)
        os.close(saved)
        os.close(nowhere)


def _prefer_first(instance: Instance, plan: _Assignment) -> _Assignment:
    """Among plans of the same cost, one that keeps the datasets that come first."""
    swaps = 0
    kept = plan.parent < 0
    for last in np.flatnonzero(kept & ~instance.fixed)[::-1].tolist():
        for first in np.flatnonzero(~kept & instance.open & (instance.keep == instance.keep[last])).tolist():
            if first > last or swaps >= TIE_SWAPS:
                break
            swaps += 1
            changed = kept.copy()
            changed[first], changed[last] = True, False
            other = _assign(instance, changed)
            if other.total <= plan.total * (1 + RELATIVE):
                plan, kept = other, other.parent < 0
                break
    return plan
