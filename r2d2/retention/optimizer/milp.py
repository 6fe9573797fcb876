"""The model in PuLP, solved by HiGHS, without what a bound shows to be in no better plan."""

from __future__ import annotations

import importlib
import os
import time
from functools import cache
from typing import Any

import numpy as np

from r2d2.errors import SolverError
from r2d2.retention.optimizer.bound import Bound
from r2d2.retention.optimizer.instance import Instance, Ints


def useful(bound: Bound, gap: float) -> Ints:
    """Options that a plan may use which costs less than the bound and the gap together."""
    return np.flatnonzero(bound.if_used <= gap)


def solve_model(instance: Instance, bound: Bound, gap: float, ends: float) -> tuple[Ints | None, bool]:
    """The option of each dataset in the best plan found, None without one; and whether it is proven the cheapest.

    Args:
        bound: of the instance, its budgets priced.
        gap: what the best known plan costs above the bound; what would cost more than that is left out.
        ends: when to stop, on ``time.monotonic``'s clock; building the model counts.

    Raises:
        SolverError: the solver is not installed, or fails.
    """
    if ends <= time.monotonic():
        return None, False
    model = _Model(instance, bound, gap)
    return model.solve(max(0.0, ends - time.monotonic()))


class _Model:
    """The PuLP model of an instance."""

    def __init__(self, instance: Instance, bound: Bound, gap: float) -> None:
        self._pulp = load_solver()
        self._instance = instance
        self._problem = self._pulp.LpProblem("retention", self._pulp.LpMinimize)
        self._coupled = bool(instance.limits) or np.isfinite(instance.evacuation)
        self._keep = self._places(bound, gap)
        used = [k for k in useful(bound, gap).tolist() if instance.pair[k] >= 0 and instance.pays[k]]
        kind = self._pulp.LpBinary if self._coupled else self._pulp.LpContinuous
        self._recipe = {k: self._problem.add_variable(f"x{k}", 0, 1 if self._coupled else None, kind) for k in used}
        self._add_objective()
        self._add_choices()
        self._add_links()
        self._add_budgets()
        self._add_evacuation()

    def solve(self, seconds: float) -> tuple[Ints | None, bool]:
        """The option of each dataset, None without a plan; and whether no plan is cheaper."""
        if not self._problem.numVariables():
            return None, True
        status = run_solver(self._pulp, self._problem, seconds)
        found = status in (self._pulp.LpSolutionOptimal, self._pulp.LpSolutionIntegerFeasible)
        variables = [y for y in (*self._keep.values(), *self._recipe.values()) if not isinstance(y, int)]
        if not found or any(variable.varValue is None for variable in variables):
            return None, False
        return self._options(), bool(status == self._pulp.LpSolutionOptimal)

    def _options(self) -> Ints:
        option = self._instance.own[self._instance.default]
        best = np.full(self._instance.size, 0.5)
        for j, y in self._keep.items():
            self._take(option, best, int(self._instance.own[j]), y)
        for k, x in self._recipe.items():
            self._take(option, best, k, x)
        return option

    def _take(self, option: Ints, best: Any, k: int, variable: Any) -> None:
        value = variable if isinstance(variable, int) else variable.varValue
        child = self._instance.child[k]
        if value > best[child]:
            option[child], best[child] = k, value

    def _places(self, bound: Bound, gap: float) -> dict[int, Any]:
        instance = self._instance
        keep: dict[int, Any] = {}
        for j in np.flatnonzero(~instance.fixed).tolist():
            low, high = int(bound.if_retired[j] > gap), int(bound.if_kept[j] <= gap)
            whole = instance.serves[j] or self._coupled
            kind = self._pulp.LpInteger if whole else self._pulp.LpContinuous
            keep[j] = self._problem.add_variable(f"y{j}", low, high, kind)
        return keep

    def _add_objective(self) -> None:
        # In units of the largest cost: the solver's tolerances are absolute.
        instance = self._instance
        unit = float(instance.opening[~instance.fixed].max(initial=0.0)) or 1.0
        terms = [(y, instance.opening[j] / unit) for j, y in self._keep.items()]
        terms += [(x, instance.cost[k] / unit) for k, x in self._recipe.items()]
        self._problem += self._pulp.LpAffineExpression(terms)

    def _add_choices(self) -> None:
        choices: dict[int, list[Any]] = {}
        for j, y in self._keep.items():
            choices.setdefault(int(self._instance.owner[j]), []).append(y)
        for k, x in self._recipe.items():
            choices[int(self._instance.child[k])].append(x)
        for options in choices.values():
            self._problem += self._pulp.LpAffineExpression([(option, 1) for option in options]) == 1

    def _add_links(self) -> None:
        for k, x in self._recipe.items():
            place = int(self._instance.place[k])
            if place in self._keep:
                self._problem += x <= self._keep[place]

    def _add_budgets(self) -> None:
        for weight, limit in zip(self._instance.weights, self._instance.limits, strict=True):
            self._add_limit([(x, weight[k]) for k, x in self._recipe.items()], limit)

    def _add_evacuation(self) -> None:
        instance, rebuilt = self._instance, dict[int, list[tuple[Any, float]]]()
        if instance.seconds is None or not np.isfinite(instance.evacuation):
            return
        for k, x in self._recipe.items():
            rebuilt.setdefault(int(instance.place[k]), []).append((x, instance.seconds[k]))
        for terms in rebuilt.values():
            self._add_limit(terms, instance.evacuation)

    def _add_limit(self, terms: list[tuple[Any, float]], limit: float) -> None:
        unit = limit or max((weight for _, weight in terms), default=0.0) or 1.0
        row = self._pulp.LpAffineExpression([(x, weight / unit) for x, weight in terms])
        if terms:
            self._problem += row <= limit / unit


def run_solver(pulp: Any, problem: Any, seconds: float | None) -> int:
    """Solves a model; gives PuLP's status of the solution.

    Raises:
        SolverError: HiGHS fails.
    """
    _swallow_banner()
    # One thread and a fixed seed: the same lake gives the same plan.
    solver = pulp.HiGHS(msg=False, gapRel=0.0, gapAbs=0.0, threads=1, timeLimit=seconds, random_seed=0)
    try:
        problem.solve(solver)
    except pulp.PulpSolverError as error:
        raise SolverError(f"HiGHS failed: {error}", "run `pip install --force-reinstall highspy`") from error
    return int(problem.sol_status)


def load_solver() -> Any:
    """PuLP, with HiGHS there.

    Raises:
        SolverError: one of them is not installed.
    """
    hint = "run `pip install pulp highspy`, or set retention.solver_seconds=0 for a plan that may retire less"
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
