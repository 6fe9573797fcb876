"""The linear program that prices the budgets, from the plans that were met (Dantzig and Wolfe 1960)."""

from __future__ import annotations

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

    def solve(self) -> tuple[Floats, float, Ints]:
        """Prices of the budgets, what the mix costs, and the plan that has of each block the largest part of its mix.

        No bound by prices of the budgets is above what the mix costs.

        Raises:
            SolverError: the solver is not installed, or fails.
        """
        pulp = load_solver()
        cost, usage = np.stack(self._cost), np.stack(self._usage)
        plans, blocks = cost.shape
        unit = float(cost.sum(axis=1).max()) or 1.0
        problem = pulp.LpProblem("prices", pulp.LpMinimize)
        share = [[problem.add_variable(f"s{s}_{k}", 0) for k in range(blocks)] for s in range(plans)]
        flat = [x for row in share for x in row]
        problem += pulp.LpAffineExpression(list(zip(flat, (cost / unit).ravel().tolist(), strict=True)))
        for k in range(blocks):
            problem += pulp.LpAffineExpression([(share[s][k], 1) for s in range(plans)]) == 1
        rows = []
        for b, limit in enumerate(self._instance.limits):
            scale = limit or float(usage[:, b].max()) or 1.0
            terms = list(zip(flat, (usage[:, b] / scale).ravel().tolist(), strict=True))
            rows.append((pulp.LpAffineExpression(terms) <= limit / scale, unit / scale))
            problem += rows[-1][0]
        run_solver(pulp, problem, None)
        prices = [max(0.0, -float(row.pi or 0.0)) * worth for row, worth in rows]
        mix = np.asarray([x.varValue or 0.0 for x in flat]).reshape(plans, blocks)
        mixed = np.stack(self._plans)[mix.argmax(axis=0)[self._block], np.arange(self._instance.size)]
        return np.asarray(prices, np.float64), float((mix * cost).sum()), mixed
