"""The model against exhaustive search, each step by itself, and its limits."""

import itertools
import math
import random
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import pytest

from r2d2.errors import SolverError
from r2d2.retention.optimizer import (
    BOUND,
    CHAINS,
    DIRECT,
    HEURISTIC,
    SOLVER,
    Budget,
    Instance,
    Pairs,
    Solution,
    milp,
    solve,
    solve_together,
)
from r2d2.retention.optimizer.bound import Bound, bound_at, lower_bound
from r2d2.retention.optimizer.chains import chains_of, solve_chains
from r2d2.retention.optimizer.presolve import presolved
from r2d2.retention.optimizer.repair import cost_of, keeps_to_limits
from r2d2.retention.optimizer.search import assign, places_of, prefer_first

NEVER = math.inf
Pair = tuple[int, int, float]


@dataclass
class Drawn:
    """A random lake: what places cost and whose they are, pairs with their seconds, and limits.

    ``weights`` are, by pair, what each budget is taken of.
    """

    opening: list[float]
    owner: list[int]
    pairs: list[Pair]
    seconds: list[float]
    weights: list[list[float]] = field(default_factory=list)
    limits: list[float] = field(default_factory=list)
    evacuation: float = math.inf

    @property
    def instance(self) -> Instance:
        child, place = (np.array([pair[side] for pair in self.pairs], np.int64) for side in (0, 1))
        cost = np.array([pair[2] for pair in self.pairs], np.float64)
        pairs = Pairs(child, place, cost, np.array(self.seconds, np.float64))
        named = zip(self.weights, self.limits, strict=True)
        budgets = [Budget(f"budget {i}", limit, np.array(w, np.float64)) for i, (w, limit) in enumerate(named)]
        return Instance.of(np.array(self.opening), pairs, np.array(self.owner), budgets, self.evacuation)


def draw(seed: int, limits: bool = False, tiers: bool = False) -> Drawn:
    """Costs by pair have no structure; every other lake is full of ties."""
    rng = random.Random(seed)
    size, density = rng.randint(2, 7 if limits or tiers else 9), rng.choice([0.2, 0.5, 0.9])
    opening = [float(rng.randint(1, 5)) if seed % 2 else rng.uniform(1, 10) for _ in range(size)]
    owner, keep = list(range(size)), list(opening)
    for dataset in range(size if tiers else 0):
        if rng.random() < 0.4:
            owner.append(dataset)
            opening.append(keep[dataset] * rng.choice([0.5, 0.9, 1.0, 1.2]))
    pairs = []
    for child in range(size):
        for place, parent in enumerate(owner):
            cost = rng.choice([0.0, 0.5, 1.0, 2.0, 3.0]) if seed % 2 else rng.uniform(0, 12)
            if child != parent and rng.random() < density and cost < keep[child]:
                pairs.append((child, place, cost))
    drawn = Drawn(opening, owner, pairs, [rng.uniform(1, 10) for _ in pairs])
    if limits:
        size_of = [rng.uniform(1, 10) for _ in range(size)]
        drawn.weights = [[cost for *_, cost in pairs], [1.0 for _ in pairs], [size_of[child] for child, *_ in pairs]]
        drawn.limits = [rng.uniform(0, 6), float(rng.randint(0, size)), rng.uniform(0, 30)]
        for free in rng.sample(range(3), rng.randint(0, 2)):
            drawn.limits[free] = 1e9
        if seed % 3 == 0:
            drawn.evacuation = rng.uniform(1, 20)
    return drawn


def made(keep: list[float], pairs: list[Pair]) -> Instance:
    """The instance of datasets that cost so much to keep, and (child, parent, cost) of the allowed pairs."""
    return Drawn(keep, list(range(len(keep))), pairs, [0.0 for _ in pairs]).instance


def parents(instance: Instance, solution: Solution) -> list[int]:
    """What each dataset is rebuilt from, -1 for a kept one."""
    place, kept = instance.place[solution.option], instance.pair[solution.option] < 0
    return np.where(kept, -1, instance.owner[place]).tolist()  # type: ignore[no-any-return]


def exhaustive(lake: Drawn) -> float:
    """The lowest cost over all choices of all datasets, by the rules of the model spelled out once more."""
    choices: list[list[tuple[int, int]]] = [[] for _ in range(max(lake.owner) + 1)]
    for place, dataset in enumerate(lake.owner):
        choices[dataset].append((place, -1))
    for number, (child, place, _) in enumerate(lake.pairs):
        choices[child].append((place, number))
    return min((_cost(lake, choice) for choice in itertools.product(*choices)), default=math.inf)


def _cost(lake: Drawn, choice: tuple[tuple[int, int], ...]) -> float:
    kept = {place for place, pair in choice if pair < 0}
    used = [(place, pair) for place, pair in choice if pair >= 0]
    if any(place not in kept for place, _ in used):
        return math.inf
    for weight, limit in zip(lake.weights, lake.limits, strict=True):
        if sum(weight[pair] for _, pair in used) > limit * (1 + 1e-9):
            return math.inf
    taken: Counter[int] = Counter()
    for place, pair in used:
        taken[place] += lake.seconds[pair]  # type: ignore[assignment]
    if any(seconds > lake.evacuation * (1 + 1e-9) for seconds in taken.values()):
        return math.inf
    return sum(lake.opening[place] for place in kept) + sum(lake.pairs[pair][2] for _, pair in used)


def assert_best(lake: Drawn, solution: Solution, seed: int) -> None:
    instance = lake.instance
    assert keeps_to_limits(instance, solution.option), seed
    assert solution.optimal
    assert solution.cost == pytest.approx(float(cost_of(instance, solution.option).sum()))
    best = exhaustive(lake)
    assert solution.cost == pytest.approx(best, abs=1e-7), seed
    assert solution.bound <= best + 1e-7


@pytest.mark.parametrize("block", range(6))
def test_the_plan_costs_what_exhaustive_search_finds(block: int) -> None:
    for seed in range(50 * block, 50 * block + 50):
        lake = draw(seed)
        if math.prod(Counter(lake.instance.child.tolist()).values()) < 50_000:
            assert_best(lake, solve(lake.instance, 10), seed)


@pytest.mark.parametrize("block", range(4))
def test_with_colder_places_too_it_costs_what_exhaustive_search_finds(block: int) -> None:
    for seed in range(40 * block, 40 * block + 40):
        lake = draw(seed, tiers=True)
        if math.prod(Counter(lake.instance.child.tolist()).values()) < 50_000:
            assert_best(lake, solve(lake.instance, 10), seed)


@pytest.mark.parametrize("block", range(6))
def test_under_budgets_and_the_evacuation_limit_it_costs_what_exhaustive_search_finds(block: int) -> None:
    for seed in range(40 * block, 40 * block + 40):
        lake = draw(seed, limits=True)
        if math.prod(Counter(lake.instance.child.tolist()).values()) < 50_000:
            assert_best(lake, solve_together([lake.instance], [solve(lake.instance, 10)], 10)[0], seed)


def test_budgets_are_shared_by_all_components() -> None:
    """The sum of several components is planned as one of them is, exhaustively."""
    for seed in range(60):
        parts = [draw(seed * 3 + i, limits=True) for i in range(2)]
        limits = [sum(part.limits[b] for part in parts) / 2 for b in range(3)]
        for part in parts:
            part.limits, part.evacuation = limits, math.inf
        shift = len(parts[0].owner)
        pairs = parts[0].pairs + [(child + shift, place + shift, cost) for child, place, cost in parts[1].pairs]
        whole = Drawn(
            parts[0].opening + parts[1].opening,
            parts[0].owner + [owner + shift for owner in parts[1].owner],
            pairs,
            [0.0 for _ in pairs],
            [parts[0].weights[b] + parts[1].weights[b] for b in range(3)],
            limits,
        )
        if math.prod(Counter(whole.instance.child.tolist()).values()) > 50_000:
            continue
        instances = [part.instance for part in parts]
        found = solve_together(instances, [solve(instance, 10) for instance in instances], 10)
        best = exhaustive(whole)
        assert sum(each.cost for each in found) == pytest.approx(best, abs=1e-7), seed
        assert sum(each.bound for each in found) <= best + 1e-7
        assert all(each.optimal for each in found)
        used = [
            sum(float(i.weights[b][s.option].sum()) for i, s in zip(instances, found, strict=True)) for b in (0, 1, 2)
        ]
        assert all(use <= limit * (1 + 1e-9) for use, limit in zip(used, limits, strict=True))


def test_every_step_is_reached_by_these_instances() -> None:
    assert {solve(draw(seed).instance, 10).how for seed in range(300)} == {DIRECT, CHAINS, BOUND, SOLVER}


def nothing_known(instance: Instance) -> Bound:
    """A bound that fixes nothing and leaves no pair out."""
    none = np.zeros(len(instance.owner))
    return Bound(np.zeros(1), np.zeros(instance.size), instance.fixed, none, none, np.zeros(len(instance.child)))


def test_the_solver_alone_finds_what_exhaustive_search_finds() -> None:
    """Without search, bound and reduction before it."""
    tried = 0
    for seed in range(150):
        lake = draw(seed, limits=seed % 2 == 0, tiers=seed % 4 == 1)
        if lake.pairs and math.prod(Counter(lake.instance.child.tolist()).values()) < 20_000:
            option, optimal = milp.solve_model(lake.instance, nothing_known(lake.instance), math.inf, NEVER)
            assert option is not None
            assert optimal
            assert cost_of(lake.instance, option).sum() == pytest.approx(exhaustive(lake), abs=1e-6), seed
            tried += 1
    assert tried > 110


def test_the_lagrangian_bound_is_a_bound_and_reductions_keep_the_best_plan() -> None:
    for seed in range(150):
        instance = draw(seed, tiers=seed % 3 == 0).instance
        best = solve(instance, 10)
        bound = lower_bound(instance, np.array([best.cost]), instance.alone)
        value = float(bound.value.sum())
        assert value <= best.cost + 1e-9
        gap = best.cost - value + 1e-9
        kept = places_of(instance, best.option)
        assert np.all(np.where(kept, bound.if_kept, bound.if_retired) <= gap)
        assert np.all(bound.if_used[best.option] <= gap)


def test_prices_of_what_presolve_leaves_give_the_whole_the_same_bound() -> None:
    lost = 0
    for seed in range(150):
        instance = draw(seed).instance
        small = presolved(instance)
        lost += len(instance.child) - len(small.option)
        bound = lower_bound(small.instance, np.array([solve(instance, 10).cost]), small.instance.alone)
        whole = lower_bound(instance, bound.value, small.price(bound.price), steps=0)
        assert float(whole.value.sum()) == pytest.approx(float(bound.value.sum()), abs=1e-9), seed
    assert lost > 100


def test_the_cheapest_options_alone_give_a_bound_of_the_whole() -> None:
    for seed in range(150):
        instance = draw(seed, limits=True).instance.unbudgeted()
        best = solve(instance, 10)
        few, option = instance.nearest(2, best.option)
        assert cost_of(few, option).sum() == pytest.approx(cost_of(instance, best.option).sum())
        bound = lower_bound(few, np.array([best.cost]), few.alone)
        assert float(bound.value.sum()) <= best.cost + 1e-9, seed
        assert float(bound_at(few, few.alone).value.sum()) <= best.cost + 1e-9, "whatever the prices"
    instance = made([9.0, 5.0], [(1, 0, 1.0)])
    own, _ = instance.nearest(1, np.array([0, 1]))
    assert float(bound_at(own, own.alone).value.sum()) <= 10.0, "1 could be rebuilt for 1"


def test_a_plan_that_breaks_a_limit_is_told_from_one_that_keeps_to_it() -> None:
    pairs = [(2, 0, 1.0), (3, 0, 1.0), (2, 1, 1.0), (0, 1, 2.0)]
    lake = Drawn([9.0] * 4, [0, 1, 2, 3], pairs, [6.0] * 4, [[1.0] * 4], [2.0], evacuation=6.0)

    def kept_to(*chosen: int) -> bool:
        """The choice of each dataset: a pair, or -1 to keep it."""
        instance = lake.instance
        own = [int(np.flatnonzero((instance.pair < 0) & (instance.place == place))[0]) for place in range(4)]
        paired = {int(pair): k for k, pair in enumerate(instance.pair.tolist()) if pair >= 0}
        options = [own[place] if pair < 0 else paired[pair] for place, pair in enumerate(chosen)]
        return keeps_to_limits(instance, np.array(options))

    assert kept_to(-1, -1, 0, -1)
    assert not kept_to(-1, -1, 0, 1), "12 seconds of 6"
    assert not kept_to(3, -1, 0, -1), "0 is not kept"
    assert kept_to(-1, -1, 2, 1)
    lake.limits = [1.0]
    assert not kept_to(-1, -1, 2, 1), "two of one"


def forest(seed: int, nearest_is_cheapest: bool) -> Instance:
    """Datasets below each other, their ancestors the dearer the farther, or not."""
    rng = random.Random(seed)
    size = rng.randint(2, 14)
    above = [-1] + [rng.randrange(i) if seed % 3 else i - 1 for i in range(1, size)]
    keep = [rng.choice([3.0, 4.0, 5.0, rng.uniform(1, 10)]) for _ in range(size)]
    number = rng.sample(range(size), size)
    pairs, named = [], [0.0] * size
    for child, cost in enumerate(keep):
        named[number[child]] = cost
        price, ancestor = rng.uniform(0, 2), above[child]
        while ancestor >= 0 and rng.random() < 0.95:
            if price < cost:
                pairs.append((number[child], number[ancestor], price))
            price = price + rng.uniform(0, 2) if nearest_is_cheapest else rng.uniform(0, 6)
            ancestor = above[ancestor]
    return made(named, pairs)


def test_the_linear_time_program_finds_what_the_solver_finds_wherever_it_is_used() -> None:
    used = 0
    for seed in range(200):
        instance = forest(seed, nearest_is_cheapest=True)
        chains = chains_of(instance)
        assert chains is not None, "its precondition holds"
        option, _ = milp.solve_model(instance, nothing_known(instance), math.inf, NEVER)
        expected = instance.alone.sum() if option is None else cost_of(instance, option).sum()
        assert assign(instance, solve_chains(instance, chains)).cost == pytest.approx(expected, abs=1e-7), seed
        used += option is not None
    assert used > 150


def test_the_linear_time_program_is_not_used_where_a_farther_ancestor_is_cheaper() -> None:
    """There it is wrong: 2 is rebuilt from 0 for 1, and from 1, which is nearer, for 4."""
    instance = made([9.0, 5.0, 5.0, 20.0], [(0, 3, 8.0), (1, 0, 4.5), (2, 1, 4.0), (2, 0, 1.0)])
    assert chains_of(instance) is None
    assert solve(instance, 10).cost == pytest.approx(9.0 + 4.5 + 1.0 + 20.0)
    refused = sum(chains_of(forest(seed, nearest_is_cheapest=False)) is None for seed in range(200))
    assert refused > 80


def test_of_duplicates_there_is_no_chain() -> None:
    assert chains_of(made([5.0, 5.0], [(0, 1, 1.0), (1, 0, 1.0)])) is None


def test_a_chain_of_3000_is_solved_by_the_linear_time_program() -> None:
    size, near = 3000, 20
    pairs = [(c, p, 1.0 + (c - p) / 100) for c in range(size) for p in range(max(0, c - near), c)]
    solution = solve(made([3.0] * size, pairs), 10)
    assert (solution.how, solution.optimal) == (CHAINS, True)
    assert solution.cost < 3.0 * size / 2


def test_the_heuristic_is_feasible_and_never_better_than_the_exact_plan() -> None:
    found = 0
    for seed in range(150):
        lake = draw(seed)
        if math.prod(Counter(lake.instance.child.tolist()).values()) < 50_000:
            solution = solve(lake.instance, 10, exact=False)
            assert keeps_to_limits(lake.instance, solution.option)
            assert not solution.optimal
            assert solution.bound == -math.inf
            best = exhaustive(lake)
            assert solution.cost >= best - 1e-9
            found += solution.cost <= best + 1e-9
    assert found > 90, "and it is mostly as good"


def test_without_the_solver_limits_are_kept_to_and_less_is_retired() -> None:
    """Time 0: a plan is always there."""
    worse = 0
    for seed in range(100):
        lake = draw(seed, limits=True)
        if math.prod(Counter(lake.instance.child.tolist()).values()) < 50_000:
            solution = solve_together([lake.instance], [solve(lake.instance, 0.0)], 0.0)[0]
            assert keeps_to_limits(lake.instance, solution.option)
            best = exhaustive(lake)
            assert solution.cost >= best - 1e-9
            assert solution.bound <= best + 1e-7
            worse += solution.cost > best + 1e-7
    assert worse < 40


def test_a_budget_of_nothing_keeps_everything() -> None:
    lake = Drawn([5.0, 5.0], [0, 1], [(1, 0, 1.0)], [1.0], [[1.0]], [0.0])
    solution = solve_together([lake.instance], [solve(lake.instance, 10)], 10)[0]
    assert parents(lake.instance, solution) == [-1, -1]
    assert solution.optimal


def test_what_takes_too_long_from_one_place_is_rebuilt_from_another() -> None:
    """Each of two children fits by itself; both are cheaper from 0."""
    pairs = [(2, 0, 1.0), (3, 0, 1.0), (2, 1, 2.0), (3, 1, 2.0)]
    lake = Drawn([50.0, 50.0, 9.0, 9.0], [0, 1, 2, 3], pairs, [6.0] * 4, evacuation=10.0)
    assert sorted(parents(lake.instance, solve(lake.instance, 10))) == [-1, -1, 0, 1]
    lake.evacuation = 12.0
    assert parents(lake.instance, solve(lake.instance, 10)) == [-1, -1, 0, 0]


def test_an_instance_of_no_pairs_keeps_everything() -> None:
    instance = made([1.0, 2.0], [])
    solution = solve(instance, 1)
    assert (parents(instance, solution), solution.cost, solution.optimal, solution.how) == ([-1, -1], 3.0, True, DIRECT)


def test_two_hops_are_never_taken() -> None:
    """0 ⊃ 1 ⊃ 2, where 2 can only be rebuilt from 1: either 1 or 2 is retired, not both."""
    instance = made([9.0, 4.0, 5.0], [(1, 0, 1.0), (2, 1, 1.0)])
    assert parents(instance, solve(instance, 10)) == [-1, -1, 1]


def test_the_first_of_two_equal_duplicates_is_kept_even_where_the_solver_would_choose() -> None:
    instance = made([5.0, 5.0, 5.0], [(0, 1, 1.0), (1, 0, 1.0), (2, 0, 2.0), (2, 1, 2.0)])
    assert parents(instance, solve(instance, 10)) == [-1, 0, 0]


def test_a_plan_that_keeps_a_later_dataset_of_the_same_cost_is_changed_to_the_first() -> None:
    instance = made([5.0, 5.0, 5.0], [(0, 1, 1.0), (1, 0, 1.0), (2, 0, 2.0), (2, 1, 2.0)])
    later = assign(instance, np.array([False, True, False]))
    assert later.kept.tolist() == [False, True, False]
    assert prefer_first(instance, later).kept.tolist() == [True, False, False]


def test_costs_far_apart_in_one_component_are_both_decided() -> None:
    """A petabyte and a megabyte side by side: the small one is not lost in the solver's tolerance."""
    keep = [1e5, 1e5, 2e-5, 2e-5, 2e-5]
    pairs = [(0, 1, 10.0), (1, 0, 10.0), (2, 3, 1e-6), (3, 2, 1e-6), (4, 2, 1.9e-5), (4, 3, 1e-6), (2, 0, 1.8e-5)]
    instance = made(keep, pairs)
    solution = solve(instance, 10)
    assert solution.cost - 100010.0 == pytest.approx(2.2e-5, rel=1e-3)
    assert parents(instance, solution) == [-1, 0, 3, -1, 3]


def hard() -> Instance:
    """One that only the solver decides."""
    return next(draw(seed).instance for seed in range(300) if solve(draw(seed).instance, 10).how == SOLVER)


def test_out_of_time_the_best_plan_so_far_is_used() -> None:
    solution = solve(hard(), 0.0)
    assert (solution.how, solution.optimal) == (HEURISTIC, False)
    assert solution.bound < solution.cost


def test_a_solver_with_almost_no_time_still_gives_a_feasible_plan() -> None:
    rng = random.Random(3)
    pairs = [(c, p, rng.random()) for c in range(120) for p in range(120) if c != p and rng.random() < 0.2]
    instance = made([1.0] * 120, pairs)
    solution = solve(instance, 1e-3)
    assert keeps_to_limits(instance, solution.option)
    assert not solution.optimal


def test_a_missing_solver_is_an_error_that_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    instance = hard()
    monkeypatch.setitem(sys.modules, "pulp", None)
    with pytest.raises(SolverError) as caught:
        solve(instance, 10)
    assert "pip install" in caught.value.hint
    assert "solver_seconds=0" in caught.value.hint
    assert solve(instance, 0).how == HEURISTIC, "as the hint says"


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
