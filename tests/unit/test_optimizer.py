"""The model against exhaustive search, each step by itself, and its limits."""

import math
import random
import subprocess
import sys

import numpy as np
import pytest

from r2d2.errors import SolverError
from r2d2.retention import optimizer
from r2d2.retention.optimizer import BOUND, DIRECT, HEURISTIC, SOLVER, Instance, Solution, solve

Pairs = list[tuple[int, int, float]]


def draw(seed: int) -> tuple[list[float], Pairs]:
    """A random instance in which costs by pair have no structure; every other one is full of ties."""
    rng = random.Random(seed)
    size, density = rng.randint(2, 9), rng.choice([0.2, 0.5, 0.9])
    keep = [float(rng.randint(1, 5)) if seed % 2 else rng.uniform(1, 10) for _ in range(size)]
    pairs = []
    for child in range(size):
        for parent in range(size):
            cost = rng.choice([0.0, 0.5, 1.0, 2.0, 3.0]) if seed % 2 else rng.uniform(0, 12)
            if child != parent and rng.random() < density and cost < keep[child]:
                pairs.append((child, parent, cost))
    return keep, pairs


def made(keep: list[float], pairs: Pairs) -> Instance:
    """The instance of datasets that cost so much to keep, and (child, parent, cost) of the allowed pairs."""
    child, parent = (np.array([pair[side] for pair in pairs], np.int64) for side in (0, 1))
    return Instance(np.array(keep), child, parent, np.array([cost for _, _, cost in pairs], np.float64))


def exhaustive(keep: list[float], pairs: Pairs) -> float:
    """The lowest cost over all sets of kept datasets and all choices of parents."""
    best = math.inf
    for kept in range(2 ** len(keep)):
        cheapest = {c: keep[c] for c in range(len(keep)) if kept >> c & 1}
        for child, parent, cost in pairs:
            if not kept >> child & 1 and kept >> parent & 1:
                cheapest[child] = min(cost, cheapest.get(child, math.inf))
        if len(cheapest) == len(keep):
            best = min(best, sum(cheapest.values()))
    return best


def assert_feasible(keep: list[float], pairs: Pairs, solution: Solution) -> None:
    allowed = {(c, p): cost for c, p, cost in pairs}
    total = 0.0
    for child, parent in enumerate(solution.parent):
        assert parent < 0 or solution.parent[parent] < 0, "one hop: a parent is kept"
        total += keep[child] if parent < 0 else allowed[child, parent]
    assert solution.cost == pytest.approx(total)


@pytest.mark.parametrize("block", range(6))
def test_the_plan_costs_what_exhaustive_search_finds(block: int) -> None:
    for seed in range(50 * block, 50 * block + 50):
        keep, pairs = draw(seed)
        solution = solve(made(keep, pairs), 10)
        assert_feasible(keep, pairs, solution)
        assert solution.optimal
        assert solution.cost == pytest.approx(exhaustive(keep, pairs), abs=1e-9), seed


def test_every_step_is_reached_by_these_instances() -> None:
    assert {solve(made(*draw(seed)), 10).how for seed in range(300)} == {DIRECT, BOUND, SOLVER}


def test_the_solver_alone_finds_what_exhaustive_search_finds() -> None:
    """Without search, bound and reduction before it: nothing is fixed, no pair is left out."""
    tried = 0
    for seed in range(150):
        keep, pairs = draw(seed)
        if pairs:
            instance = made(keep, pairs)
            none = np.zeros(instance.size)
            unbounded = optimizer._Bound(0.0, instance.fixed, none, none, np.zeros(len(pairs)))
            kept, optimal = optimizer._solve_model(instance, unbounded, math.inf, 10)
            assert kept is not None
            assert optimal
            cost = optimizer._assign(instance, kept).total
            assert cost == pytest.approx(exhaustive(keep, pairs), abs=1e-6), seed
            tried += 1
    assert tried > 130


def test_the_lagrangian_bound_is_a_bound_and_reductions_keep_the_best_plan() -> None:
    for seed in range(150):
        keep, pairs = draw(seed)
        instance = made(keep, pairs)
        best = solve(instance, 10)
        bound = optimizer._lagrange(instance, best.cost)
        assert bound.value <= best.cost + 1e-9
        gap = best.cost - bound.value + 1e-9
        for dataset, parent in enumerate(best.parent):
            assert (bound.if_kept if parent < 0 else bound.if_retired)[dataset] <= gap
        used = [best.parent[c] == p for c, p in zip(instance.child, instance.parent, strict=True)]
        assert np.all(bound.if_used[used] <= gap)


def test_the_heuristic_is_feasible_and_never_better_than_the_exact_plan() -> None:
    found = 0
    for seed in range(150):
        keep, pairs = draw(seed)
        solution = solve(made(keep, pairs), 10, exact=False)
        assert_feasible(keep, pairs, solution)
        assert not solution.optimal
        best = exhaustive(keep, pairs)
        assert solution.cost >= best - 1e-9
        found += solution.cost <= best + 1e-9
    assert found > 120, "and it is mostly as good"


def test_an_instance_of_no_pairs_keeps_everything() -> None:
    assert solve(made([1.0, 2.0], []), 1) == Solution((-1, -1), (1.0, 2.0), 3.0, True, DIRECT)


def test_two_hops_are_never_taken() -> None:
    """0 ⊃ 1 ⊃ 2, where 2 can only be rebuilt from 1: either 1 or 2 is retired, not both."""
    solution = solve(made([9.0, 4.0, 5.0], [(1, 0, 1.0), (2, 1, 1.0)]), 10)
    assert solution.parent == (-1, -1, 1)


def test_the_first_of_two_equal_duplicates_is_kept_even_where_the_solver_would_choose() -> None:
    pairs = [(0, 1, 1.0), (1, 0, 1.0), (2, 0, 2.0), (2, 1, 2.0)]
    assert solve(made([5.0, 5.0, 5.0], pairs), 10).parent == (-1, 0, 0)


def test_a_plan_that_keeps_a_later_dataset_of_the_same_cost_is_changed_to_the_first() -> None:
    instance = made([5.0, 5.0, 5.0], [(0, 1, 1.0), (1, 0, 1.0), (2, 0, 2.0), (2, 1, 2.0)])
    later = optimizer._assign(instance, np.array([False, True, False]))
    assert later.parent.tolist() == [1, -1, 1]
    assert optimizer._prefer_first(instance, later).parent.tolist() == [-1, 0, 0]


def test_costs_far_apart_in_one_component_are_both_decided() -> None:
    """A petabyte and a megabyte side by side: the small one is not lost in the solver's tolerance."""
    keep = [1e5, 1e5, 2e-5, 2e-5, 2e-5]
    pairs = [(0, 1, 10.0), (1, 0, 10.0), (2, 3, 1e-6), (3, 2, 1e-6), (4, 2, 1.9e-5), (4, 3, 1e-6), (2, 0, 1.8e-5)]
    solution = solve(made(keep, pairs), 10)
    assert solution.cost - 100010.0 == pytest.approx(2.2e-5, rel=1e-3)
    assert solution.parent == (-1, 0, 3, -1, 3)


def hard() -> Instance:
    return next(made(*draw(seed)) for seed in range(300) if solve(made(*draw(seed)), 10).how == SOLVER)


def test_out_of_time_the_best_plan_so_far_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    instance = hard()
    monkeypatch.setattr(optimizer, "_run_solver", lambda *_: (None, False))
    solution = solve(instance, 0.0)
    assert (solution.how, solution.optimal) == (HEURISTIC, False)
    assert any(p >= 0 for p in solution.parent)


def test_a_solver_without_time_still_gives_a_feasible_plan() -> None:
    rng = random.Random(3)
    keep = [1.0] * 120
    pairs = [(c, p, rng.random()) for c in range(120) for p in range(120) if c != p and rng.random() < 0.2]
    solution = solve(made(keep, pairs), 0.0)
    assert_feasible(keep, pairs, solution)
    assert not solution.optimal


def test_a_missing_solver_is_an_error_that_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    instance = hard()
    monkeypatch.setitem(sys.modules, "pulp", None)
    with pytest.raises(SolverError) as caught:
        solve(instance, 10)
    assert "pip install" in caught.value.hint


def test_pulp_without_highs_is_an_error_that_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    import pulp

    instance = hard()
    monkeypatch.setattr(pulp.HiGHS, "available", lambda _: False)
    with pytest.raises(SolverError, match="HiGHS"):
        solve(instance, 10)


def test_the_solver_prints_nothing_in_a_fresh_process() -> None:
    code = (
        "from tests.unit.test_optimizer import hard; from r2d2.retention.optimizer import solve; "
        "assert solve(hard(), 10).how == 'by PuLP with HiGHS'"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")
