"""Pairs: eligibility, and how groups of duplicates are thinned out."""

import itertools
import random
from dataclasses import dataclass, replace

import numpy as np
import pytest

from r2d2.config import RetentionSettings
from r2d2.model import DataFile, Dataset, Edge, Grade
from r2d2.retention import candidates
from r2d2.retention.ancestors import Containment
from r2d2.retention.candidates import Candidates, Obstacles, find_candidates
from r2d2.retention.context import Context
from r2d2.retention.costs import retired_cost
from r2d2.retention.history import History
from r2d2.retention.policies import Policies
from r2d2.retention.profiles import Profiles
from r2d2.retention.rebuilds import Rebuilds, numbers

GB = 10**9
SETTINGS = RetentionSettings()


def dataset(name: str, gigabytes: float) -> Dataset:
    return Dataset(name, "parquet", "/", "v1", bytes=int(gigabytes * GB), rows=1)


def edge(parent: str, child: str) -> Edge:
    return Edge(parent, child, Grade.PROVEN, 1, 2, False, "join", "")


@dataclass(frozen=True)
class Found:
    """(child, parent, cost) of each pair, and what else was found."""

    pairs: list[tuple[str, str, float]]
    names: list[str]
    candidates: Candidates

    @property
    def complete(self) -> bool:
        return self.candidates.complete

    def fastest(self, name: str) -> float:
        return float(self.candidates.obstacles.fastest[self.names.index(name)])


def find(
    datasets: list[Dataset],
    edges: list[Edge],
    groups: list[tuple[str, ...]] | None = None,
    settings: RetentionSettings = SETTINGS,
    kept: str = "",
) -> Found:
    lake = Containment(datasets, edges, groups or [])
    found = find_candidates(np.arange(len(datasets)), lake, rebuilds_of(datasets, settings, set(kept)))
    names = [d.id for d in datasets]
    return Found([(names[child], names[parent], cost) for child, parent, cost in listed(found)], names, found)


def rebuilds_of(datasets: list[Dataset], settings: RetentionSettings, kept: set[str]) -> Rebuilds:
    number = {d.id: position for position, d in enumerate(datasets)}
    return Rebuilds(
        datasets=datasets,
        profiles=Profiles.of(datasets, settings),
        policies=Policies.of(datasets, dict.fromkeys(kept, ""), [], settings, Context()),
        settings=settings,
        history=History.of(datasets, number, None),
    )


def names(found: Found) -> set[str]:
    return {child + parent for child, parent, _ in found.pairs}


CHAIN = [dataset("a", 30), dataset("b", 20), dataset("c", 10)]
EDGES = [edge("a", "b"), edge("b", "c")]


def test_every_ancestor_is_a_possible_parent_at_the_cost_of_its_rebuilds() -> None:
    found = find(CHAIN, EDGES)
    assert names(found) == {"ba", "cb", "ca"}
    cost = next(cost for child, parent, cost in found.pairs if (child, parent) == ("c", "a"))
    assert cost == pytest.approx(retired_cost(CHAIN[0], CHAIN[2], SETTINGS))


def test_a_parent_that_is_too_slow_is_no_candidate() -> None:
    found = find(CHAIN, EDGES, settings=replace(SETTINGS, latency_limit=30 + 200 + 200.0))
    assert names(found) == {"cb"}
    assert found.fastest("b") == pytest.approx(30 + 300 + 400)


def test_a_parent_from_which_rebuilding_costs_too_much_is_no_candidate() -> None:
    often = replace(SETTINGS, residency_days=0.0, accesses={"c": 15.0})
    assert names(find(CHAIN, EDGES, settings=often)) == {"ba", "cb"}


def test_a_saving_below_the_minimum_is_no_candidate() -> None:
    assert names(find(CHAIN, EDGES, settings=replace(SETTINGS, min_saving=0.3))) == {"ba"}


def test_what_may_not_be_retired_has_no_candidate_and_may_be_one() -> None:
    assert names(find(CHAIN, EDGES, kept="b")) == {"cb", "ca"}


@pytest.mark.parametrize("sizes", ["same", "different"])
def test_500_duplicates_are_499_pairs(sizes: str) -> None:
    group = [dataset(f"d{i:03}", 10 + (i / 100 if sizes == "different" else 0)) for i in range(500)]
    found = find(group, [], [tuple(d.id for d in group)])
    assert len(found.pairs) == 499
    assert {parent for _, parent, _ in found.pairs} == {"d000"}
    assert found.complete


def test_of_duplicates_with_a_cheap_ancestor_each_may_be_retired() -> None:
    found = find([dataset("x", 5), dataset("y", 10), dataset("z", 10)], [edge("x", "y")], [("y", "z")])
    assert names(found) == {"yx", "zx", "zy"}


def test_a_duplicate_that_can_not_be_retired_stays_a_possible_parent() -> None:
    found = find([dataset("y", 10), dataset("z", 11)], [], [("y", "z")], kept="z")
    assert names(found) == {"yz"}


def test_the_cheapest_duplicate_that_is_always_kept_is_the_only_parent() -> None:
    group = [dataset(n, 10 + i) for i, n in enumerate("stuv")]
    assert names(find(group, [], [tuple("stuv")], kept="s")) == {"ts", "us", "vs"}


def test_a_component_with_too_many_pairs_keeps_the_nearest_and_says_so() -> None:
    chain = [dataset(f"d{i:03}", 100 - i / 10) for i in range(100)]
    edges = [edge(a.id, b.id) for a, b in itertools.pairwise(chain)]
    found = find(chain, edges, settings=replace(SETTINGS, max_pairs=1000))
    assert not found.complete
    assert 500 < len(found.pairs) <= 1000
    assert ("d099", "d098") in {(child, parent) for child, parent, _ in found.pairs}
    assert find(chain, edges, settings=replace(SETTINGS, max_pairs=4950)).complete


def test_looking_at_ancestors_that_are_never_eligible_ends_too() -> None:
    chain = [dataset(f"d{i:03}", 100) for i in range(300)]
    edges = [edge(a.id, b.id) for a, b in itertools.pairwise(chain)]
    found = find(chain, edges, settings=replace(SETTINGS, max_pairs=10, latency_limit=1.0))
    assert not found.complete
    assert found.pairs == []


def test_a_duplicate_that_is_dearer_to_read_and_faster_stays_a_possible_parent() -> None:
    files = (DataFile("f", 1, 1, "f"),) * 90_000
    whole, quick, part = dataset("w", 10), replace(dataset("q", 9), files=files), dataset("p", 1)
    limit = replace(SETTINGS, latency_limits={"p": 30 + 95 + 20.0}, accesses={"p": 0.1})
    assert "pq" in names(find([whole, quick, part], [edge("w", "p")], [("w", "q")], limit))


def test_a_duplicate_whose_sibling_saves_more_by_a_small_ancestor_stays_a_possible_parent() -> None:
    datasets = [dataset("x", 5), dataset("y", 10), dataset("z", 11)]
    often = replace(SETTINGS, residency_days=0.0, accesses_per_month=13.0)
    found = find(datasets, [edge("x", "y")], [("y", "z")], often)
    assert names(found) == {"yx", "zx", "zy", "yz"}


def drawn(seed: int) -> tuple[list[Dataset], list[Edge], list[tuple[str, ...]], RetentionSettings]:
    """Random groups of duplicates and edges between them, under limits that some pairs keep to and others don't."""
    rng = random.Random(seed)
    groups = [[f"{g}{i}" for i in range(rng.choice([1, 1, 1, 2, 4]))] for g in "abcdefghijkl"[: rng.randint(1, 12)]]
    sizes = [dataset(name, rng.choice([1, 2, 5, 5, 9.5, 20])) for group in groups for name in group]
    edges = [
        edge(rng.choice(one), rng.choice(other))
        for one, other in itertools.combinations(groups, 2)
        if rng.random() < 0.3
    ]
    limits, often = {"?0": rng.choice([50.0, 300.0, 1e4])}, {"?1": rng.uniform(0, 30), "a*": rng.uniform(0, 30)}
    settings = replace(SETTINGS, latency_limits=limits, accesses=often, min_saving=rng.choice([0.0, 0.05]))
    return sizes, edges, [tuple(group) for group in groups if len(group) > 1], settings


@pytest.mark.parametrize("block", range(4))
def test_all_pairs_at_once_are_those_that_walks_find(block: int) -> None:
    seen = 0
    for seed in range(50 * block, 50 * block + 50):
        datasets, edges, groups, settings = drawn(seed)
        lake = Containment(datasets, edges, groups)
        kept = set(random.Random(seed).sample([d.id for d in datasets], (len(datasets) + 3) // 4))
        rebuilds = rebuilds_of(datasets, settings, kept)
        for component in lake.components():
            members, nodes = numbers(component, rebuilds.number), lake.plain_nodes(component)
            assert nodes is not None
            at_once = candidates._Table(members, lake, nodes, rebuilds).all()
            walked = candidates._Search(members, lake, rebuilds).all()
            assert at_once is not None
            assert walked is not None
            for side in ("child", "parent", "cost", "seconds", "mode"):
                for found in (at_once, walked):
                    assert len(getattr(found, side)) == len(found.child)
            assert listed(at_once) == listed(walked), seed
            for name in Obstacles.__dataclass_fields__:
                assert getattr(at_once.obstacles, name).tolist() == getattr(walked.obstacles, name).tolist(), seed
            seen += len(at_once.child)
    assert seen > 300


def listed(found: Candidates) -> list[tuple[int, int, float]]:
    return sorted(zip(found.child.tolist(), found.parent.tolist(), found.cost.tolist(), strict=True))


def test_datasets_that_hold_each_other_in_no_group_are_walked_to() -> None:
    """Proven both ways, and the group did not come along: each may be rebuilt from the other."""
    assert names(find([dataset("a", 20), dataset("b", 20)], [edge("a", "b"), edge("b", "a")])) == {"ab", "ba"}


def test_a_component_of_too_many_nodes_for_bits_has_all_its_pairs_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candidates, "MOST_NODES", 2)
    found = find(CHAIN, EDGES)
    assert names(found) == {"ba", "cb", "ca"}
    assert found.complete
