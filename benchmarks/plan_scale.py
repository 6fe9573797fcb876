"""How long plans of large lakes take, and how good they are: ``python -m benchmarks.plan_scale [--only NAME]``.

``budgets``: 100,000 datasets in components of 500, in layers of 25: each dataset but those of the first layer is held
by up to eleven of the two layers before its own, a million edges of the reduction in all. Sizes are Pareto-distributed,
smaller from layer to layer; datasets are read daily to yearly. First no budget binds, then all three do.

``chains``, ``star``, ``random``: 5,000 datasets and 50,000 eligible pairs: snapshots of which each holds those before
it; slices of ten nested tables; costs by pair that have no structure. Beside ``solve``: one PuLP model of everything
with PuLP's default solver, and the Lagrangian bound with adding and dropping alone.
"""

from __future__ import annotations

import argparse
import random
import resource
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from r2d2.config import RetentionSettings
from r2d2.model import Dataset, Edge, Grade, Plan
from r2d2.retention.costs import keep_cost
from r2d2.retention.optimizer import Instance, Pairs, search, solve
from r2d2.retention.optimizer.bound import lower_bound
from r2d2.retention.optimizer.repair import cost_of
from r2d2.retention.planner import make_plan

_SIZE, _LAYER, _PARENTS = 500, 25, 11
_OFTEN = {"yearly": 0.08, "monthly": 1.0, "weekly": 4.3, "daily": 30.0}
_SETTINGS = RetentionSettings(accesses={f"*-{word}": times for word, times in _OFTEN.items()}, latency_limit=36_000)
#: Shares of what plans take without the budget in question, so that all three bind together.
_MONEY, _DATASETS, _BYTES = 0.48, 0.05, 0.6885
_LIMIT = 60.0


def lake(components: int, seed: int = 1) -> tuple[list[Dataset], list[Edge]]:
    """The datasets, and who holds whom."""
    rng = random.Random(seed)
    datasets: list[Dataset] = []
    edges: list[Edge] = []
    for component in range(components):
        often = rng.choices(list(_OFTEN), [3, 4, 2, 1], k=_SIZE)
        names = [f"c{component:03}/d{number:03}-{word}" for number, word in enumerate(often)]
        for number, name in enumerate(names):
            size = int(rng.paretovariate(0.8) * 1e9 / (1 + number / (2 * _LAYER)))
            datasets.append(Dataset(name, "parquet", f"/{name}", "v1", bytes=size, rows=_SIZE - number))
            layer = number // _LAYER * _LAYER
            before = names[max(0, layer - 2 * _LAYER) : layer]
            for parent in rng.sample(before, min(_PARENTS, len(before))):
                edges.append(Edge(parent, name, Grade.PROVEN, 1, 2, False, "join", ""))
    return datasets, edges


def chains() -> Instance:
    """Chains of 21 snapshots, each held by all later ones; reading a later one costs more."""
    rng = random.Random(1)
    keep, pairs = [], []
    for chain in range(0, 5000, 21):
        sizes = np.cumsum([rng.paretovariate(1.2) for _ in range(min(21, 5000 - chain))])[::-1]
        keep += sizes.tolist()
        often = [rng.choice([0.1, 0.5, 1.0]) for _ in sizes]
        pairs += [
            (chain + child, chain + parent, often[child] * (0.1 + 0.02 * sizes[parent] + 0.2 * sizes[child]))
            for child in range(len(sizes))
            for parent in range(child)
        ]
    return _instance(keep, pairs)


def star() -> Instance:
    """4,990 slices, each held by all of ten nested tables."""
    rng = random.Random(2)
    wholes = [100.0 / (1 + n) for n in range(10)]
    slices = [rng.paretovariate(1.2) / 5 for _ in range(4990)]
    keep = wholes + slices
    pairs = [(c, p, 0.1 + 0.3 * keep[p]) for c in range(10) for p in range(c)]
    pairs += [(10 + c, p, 0.002 * wholes[p] + 0.3 * size) for c, size in enumerate(slices) for p in range(10)]
    return _instance(keep, pairs)


def random_costs() -> Instance:
    """Ten random parents for each dataset, at random costs."""
    rng = random.Random(3)
    keep = [rng.uniform(5, 10) for _ in range(5000)]
    pairs = [(c, p, rng.uniform(0, 5)) for c in range(5000) for p in rng.sample(range(5000), 10) if c != p]
    return _instance(keep, pairs)


def _instance(keep: list[float], pairs: list[tuple[int, int, float]]) -> Instance:
    kept = [(child, parent, cost) for child, parent, cost in pairs if cost < keep[child]]
    child, parent = (np.asarray([pair[side] for pair in kept], np.int64) for side in (0, 1))
    return Instance.of(np.asarray(keep), Pairs(child, parent, np.asarray([pair[2] for pair in kept])))


GENERATORS: dict[str, Callable[[], Instance]] = {"chains": chains, "star": star, "random": random_costs}


def monolith(instance: Instance) -> tuple[float, str]:
    """What one PuLP model of everything finds with its default solver, and the status it ends with."""
    import pulp

    problem = pulp.LpProblem("monolith", pulp.LpMinimize)
    keep = [pulp.LpVariable(f"y{j}", cat=pulp.LpBinary) for j in range(len(instance.owner))]
    used: list[Any] = [pulp.LpVariable(f"x{k}", 0) for k in range(len(instance.child))]
    costs = [*zip(keep, instance.opening.tolist(), strict=True), *zip(used, instance.cost.tolist(), strict=True)]
    problem += pulp.LpAffineExpression(costs)
    options: list[list[Any]] = [[] for _ in range(instance.size)]
    for k, (child, place) in enumerate(zip(instance.child.tolist(), instance.place.tolist(), strict=True)):
        options[child].append((used[k], 1))
        problem += used[k] <= keep[place]
    for choice in options:
        problem += pulp.LpAffineExpression(choice) == 1
    problem.solve(pulp.getSolver(pulp.LpSolverDefault.name, msg=False, timeLimit=_LIMIT))
    found = [y.varValue for y in keep]
    kept = np.asarray([value is not None and value > 0.5 for value in found])
    return search.assign(instance, kept).cost, pulp.LpSolution[problem.sol_status]


def add_and_drop(instance: Instance) -> tuple[float, float]:
    """What the Lagrangian bound with adding and dropping finds, and the bound."""
    start = search.assign(instance, instance.fixed)
    plan = search.local_search(instance, start.kept, exchange=False)
    bound = lower_bound(instance, plan.total, start.price)
    other = search.local_search(instance, bound.kept, exchange=False)
    return min(plan.cost, other.cost), float(bound.value.sum())


def main() -> None:
    """Prints what plans took and what they are."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--components", type=int, default=200)
    parser.add_argument("--only", choices=["budgets", *GENERATORS], action="append")
    asked = parser.parse_args()
    for name in asked.only or ["budgets", *GENERATORS]:
        for line in _budgets(asked.components) if name == "budgets" else _compared(name):
            print(line, flush=True)


def _compared(name: str) -> Iterator[str]:
    instance = GENERATORS[name]()
    yield f"{name}: {instance.size:,} datasets, {int((instance.pair >= 0).sum()):,} pairs"
    seconds, solution = _timed(lambda: solve(instance, _LIMIT - 5))
    assert cost_of(instance, solution.option).sum() == solution.cost
    gap = (solution.cost - solution.bound) / solution.cost
    yield f"  solve: {solution.cost:.4f} in {seconds:.1f} s, {solution.how}, optimal {solution.optimal}, gap {gap:.2%}"
    seconds, (cost, bound) = _timed(lambda: add_and_drop(instance))
    yield f"  Lagrangian with add and drop: {cost:.4f} in {seconds:.1f} s, gap {(cost - bound) / cost:.2%}"
    seconds, (cost, status) = _timed(lambda: monolith(instance))
    yield f"  one PuLP model, default solver, {_LIMIT:g} s: {cost:.4f} in {seconds:.1f} s, {status}"


def _budgets(components: int) -> Iterator[str]:
    datasets, edges = lake(components)
    yield f"budgets: {len(datasets):,} datasets, {len(edges):,} edges"
    seconds, free = _timed(lambda: make_plan(datasets, edges, [], _SETTINGS))
    money = _gone_cost(free, datasets)
    yield f"  no budget: {seconds:.1f} s, {_told(free)}"
    limited = replace(
        _SETTINGS,
        max_rebuild_cost=money * _MONEY,
        max_retired_datasets=int(len(free.retired) * _DATASETS),
        max_retired_bytes=int(free.bytes_retired * _BYTES),
    )
    seconds, plan = _timed(lambda: make_plan(datasets, edges, [], limited))
    yield f"  three budgets: {seconds:.1f} s, {_told(plan)}"
    used = (
        _gone_cost(plan, datasets) / limited.max_rebuild_cost,
        len(plan.retired) / limited.max_retired_datasets,
        plan.bytes_retired / limited.max_retired_bytes,
    )
    yield f"  of the budgets used: money {used[0]:.3%}, datasets {used[1]:.3%}, bytes {used[2]:.3%}"
    yield f"  at most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024:,} MB"


def _told(plan: Plan) -> str:
    return f"{len(plan.retired):,} retired, saves {plan.total_saving_per_month:,.2f}; {plan.solver}"


def _gone_cost(plan: Plan, datasets: list[Dataset]) -> float:
    """What the retired datasets cost a month."""
    keep = {dataset.id: keep_cost(dataset, _SETTINGS) for dataset in datasets}
    return sum(keep[line.dataset] - line.saving_per_month for line in plan.retired)


def _timed(call: Callable[[], Any]) -> tuple[float, Any]:
    started = time.monotonic()
    found = call()
    return time.monotonic() - started, found


if __name__ == "__main__":
    main()
