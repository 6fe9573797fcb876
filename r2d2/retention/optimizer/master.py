"""The linear program that prices the budgets, from the plans that were met (Dantzig and Wolfe 1960)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from r2d2.retention.optimizer.instance import Floats, Instance, Ints
from r2d2.retention.optimizer.milp import load_solver, run_solver
from r2d2.retention.optimizer.repair import cost_of

#: Components are put together to at most so many blocks, each of which is mixed from whole plans.
BLOCKS = 256


class Master:
    """Mixes plans so that the mix costs least and keeps to the budgets.

    Each block is whole components; of each plan it has a column: what it costs there, and what it takes of each
    budget. The first plan added must keep to the budgets.
    """

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        number = np.arange(instance.components) * min(BLOCKS, instance.components) // instance.components
        self._first = np.flatnonzero(np.diff(number, prepend=-1))
        self._block = np.repeat(number, np.diff(instance.first_dataset, append=instance.size))
        self._plans: list[Ints] = []
        self._cost: list[Floats] = []
        self._usage: list[Floats] = []

    def add(self, option: Ints) -> None:
        """Adds a plan, which need not keep to the budgets."""
        begin = self._instance.first_dataset[self._first]
        self._plans.append(option)
        self._cost.append(np.add.reduceat(cost_of(self._instance, option), self._first))
        usage = [np.add.reduceat(weight[option], begin) for weight in self._instance.weights]
        self._usage.append(np.asarray(usage, np.float64).reshape(len(usage), len(begin)))

    def prices(self) -> tuple[Floats, float, Ints]:
        """Prices of the budgets, what the mix costs, and the plan that has of each block the largest part of its mix.

        No bound by prices of the budgets is above what the mix costs.

        Raises:
            SolverError: the solver is not installed, or fails.
        """
        mixing = _Mixing(np.stack(self._cost), np.stack(self._usage), self._instance.limits, whole=False)
        mix = mixing.solve(None)
        cost = float((mix * np.stack(self._cost)).sum())
        return mixing.prices(), cost, self._mixed(mix)

    def whole(self, seconds: float) -> Ints:
        """The best plan that takes each block from one plan.

        Raises:
            SolverError: the solver fails.
        """
        mixing = _Mixing(np.stack(self._cost), np.stack(self._usage), self._instance.limits, whole=True)
        return self._mixed(mixing.solve(seconds))

    def _mixed(self, mix: Floats) -> Ints:
        largest = mix.argmax(axis=0)[self._block]
        mixed: Ints = np.stack(self._plans)[largest, np.arange(self._instance.size)]
        return mixed


class _Mixing:
    """The program: shares of plans, by plan and block."""

    def __init__(self, cost: Floats, usage: Floats, limits: Sequence[float], whole: bool) -> None:
        self._pulp, (plans, blocks) = load_solver(), cost.shape
        self._shape = cost.shape
        self._unit = float(cost.sum(axis=1).max()) or 1.0
        self._problem = self._pulp.LpProblem("prices", self._pulp.LpMinimize)
        kind = self._pulp.LpBinary if whole else self._pulp.LpContinuous
        self._share = [self._problem.add_variable(f"s{n}", 0, 1 if whole else None, kind) for n in range(cost.size)]
        self._problem += self._sum(cost / self._unit)
        for k in range(blocks):
            one = [(self._share[s * blocks + k], 1) for s in range(plans)]
            self._problem += self._pulp.LpAffineExpression(one) == 1
        self._rows = []
        for b, limit in enumerate(limits):
            scale = limit or float(usage[:, b].max()) or 1.0
            row = self._sum(usage[:, b] / scale) <= limit / scale
            self._problem += row
            self._rows.append((row, self._unit / scale))

    def _sum(self, weight: Floats) -> Any:
        return self._pulp.LpAffineExpression(list(zip(self._share, weight.ravel().tolist(), strict=True)))

    def solve(self, seconds: float | None) -> Floats:
        """The shares."""
        run_solver(self._pulp, self._problem, seconds)
        return np.asarray([x.varValue or 0.0 for x in self._share]).reshape(self._shape)

    def prices(self) -> Floats:
        """What a unit of each budget is worth."""
        return np.asarray([max(0.0, -float(row.pi or 0.0)) * worth for row, worth in self._rows], np.float64)
