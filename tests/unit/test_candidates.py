"""Pairs: eligibility, and how groups of duplicates are thinned out."""

import itertools
from dataclasses import replace

import pytest

from r2d2.config import RetentionSettings
from r2d2.model import DataFile, Dataset, Edge, Grade
from r2d2.retention.ancestors import Containment
from r2d2.retention.candidates import Candidates, find_candidates
from r2d2.retention.costs import profile, rebuild_cost

GB = 10**9
SETTINGS = RetentionSettings()


def dataset(name: str, gigabytes: float) -> Dataset:
    return Dataset(name, "parquet", "/", "v1", bytes=int(gigabytes * GB), rows=1)


def edge(parent: str, child: str) -> Edge:
    return Edge(parent, child, Grade.PROVEN, 1, 2, False, "join", "")


def find(
    datasets: list[Dataset],
    edges: list[Edge],
    groups: list[tuple[str, ...]] | None = None,
    settings: RetentionSettings = SETTINGS,
    kept: str = "",
) -> Candidates:
    lake = Containment(datasets, edges, groups or [])
    profiles = {d.id: profile(d, settings) for d in datasets}
    retirable = frozenset(d.id for d in datasets) - set(kept)
    return find_candidates([d.id for d in datasets], lake, profiles, retirable, settings)


def names(candidates: Candidates) -> set[str]:
    return {pair.child + pair.parent for pair in candidates.pairs}


CHAIN = [dataset("a", 30), dataset("b", 20), dataset("c", 10)]
EDGES = [edge("a", "b"), edge("b", "c")]


def test_every_ancestor_is_a_possible_parent_at_the_cost_of_its_rebuilds() -> None:
    found = find(CHAIN, EDGES)
    assert names(found) == {"ba", "cb", "ca"}
    cost = next(p.cost for p in found.pairs if p.parent == "a" and p.child == "c")
    assert cost == pytest.approx(rebuild_cost(CHAIN[0], CHAIN[2], SETTINGS))


def test_a_parent_that_is_too_slow_is_no_candidate() -> None:
    found = find(CHAIN, EDGES, settings=replace(SETTINGS, latency_limit=30 + 200 + 200.0))
    assert names(found) == {"cb"}
    assert found.obstacles["b"].fastest == pytest.approx(30 + 300 + 400)


def test_a_parent_from_which_rebuilding_costs_too_much_is_no_candidate() -> None:
    assert names(find(CHAIN, EDGES, settings=replace(SETTINGS, accesses={"c": 16.5}))) == {"ba", "cb"}


def test_a_saving_below_the_minimum_is_no_candidate() -> None:
    assert names(find(CHAIN, EDGES, settings=replace(SETTINGS, min_saving=0.3))) == {"ba"}


def test_what_may_not_be_retired_has_no_candidate_and_may_be_one() -> None:
    assert names(find(CHAIN, EDGES, kept="b")) == {"cb", "ca"}


@pytest.mark.parametrize("sizes", ["same", "different"])
def test_500_duplicates_are_499_pairs(sizes: str) -> None:
    group = [dataset(f"d{i:03}", 10 + (i / 100 if sizes == "different" else 0)) for i in range(500)]
    found = find(group, [], [tuple(d.id for d in group)])
    assert len(found.pairs) == 499
    assert {p.parent for p in found.pairs} == {"d000"}
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
    assert ("d099", "d098") in {(p.child, p.parent) for p in found.pairs}
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
    found = find(datasets, [edge("x", "y")], [("y", "z")], replace(SETTINGS, accesses_per_month=15.0))
    assert names(found) == {"yx", "zx", "zy", "yz"}
