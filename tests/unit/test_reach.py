"""Ancestors of all nodes at once are those that a graph library finds, in any number of words."""

from __future__ import annotations

import itertools
import random
from graphlib import CycleError

import networkx as nx
import numpy as np
import pytest

from r2d2.retention.reach import Ints, MemberPairs, Reach


def drawn(size: int, seed: int) -> list[list[int]]:
    """Parents of each node; numbers are in no order of the graph."""
    rng = random.Random(seed)
    names = rng.sample(range(size), size)
    parents: list[list[int]] = [[] for _ in names]
    for place in range(1, size):
        parents[names[place]] = [names[p] for p in rng.sample(range(place), min(place, rng.randint(0, 3)))]
    return parents


@pytest.mark.parametrize("size", [1, 2, 63, 64, 65, 130, 700])
def test_pairs_are_all_ancestors_and_each_node_itself(size: int) -> None:
    parents = drawn(size, size)
    graph = nx.DiGraph([(node, parent) for node, found in enumerate(parents) for parent in found])
    graph.add_nodes_from(range(size))
    expected = {(node, other) for node in graph for other in (*nx.descendants(graph, node), node)}
    blocks = list(Reach(parents).pairs())
    found = [pair for node, ancestor in blocks for pair in zip(node.tolist(), ancestor.tolist(), strict=True)]
    assert len(found) == len(set(found))
    assert set(found) == expected


def test_blocks_leave_nothing_out(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = [np.concatenate(side) for side in zip(*Reach(drawn(90, 1)).pairs(), strict=True)]
    monkeypatch.setattr("r2d2.retention.reach._BLOCK", 200)
    blocks = list(Reach(drawn(90, 1)).pairs())
    assert len(blocks) == 45
    for side, parts in zip(whole, zip(*blocks, strict=True), strict=True):
        assert np.concatenate(parts).tolist() == side.tolist()


def test_each_node_comes_after_its_parents() -> None:
    parents = drawn(80, 3)
    place = {node: number for number, node in enumerate(Reach(parents).order)}
    assert all(place[parent] < place[node] for node, found in enumerate(parents) for parent in found)


def test_a_circle_is_told() -> None:
    with pytest.raises(CycleError):
        Reach([[1], [0]])


def ints(*numbers: int) -> Ints:
    return np.array(numbers, np.int64)


def listed(pairs: MemberPairs) -> list[tuple[int, int]]:
    return sorted(pair for piece in pairs for pair in zip(*(side.tolist() for side in piece), strict=True))


def test_pairs_of_nodes_are_pairs_of_their_members_but_for_a_member_with_itself() -> None:
    children, parents = [ints(0, 1), ints(), ints(5)], [ints(0), ints(3, 4), ints(5)]
    pairs = MemberPairs(ints(0, 0, 1, 2, 2), ints(0, 1, 2, 1, 2), children, parents)
    assert pairs.count == 9
    assert listed(pairs) == [(0, 3), (0, 4), (1, 0), (1, 3), (1, 4), (5, 3), (5, 4)]


@pytest.mark.parametrize("block", [1, 2, 5, 8, 9, 10])
def test_pieces_leave_nothing_out(monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    members = [ints(0, 1, 2), ints(3), ints(), ints(4, 5)]
    node, ancestor = (np.array(side, np.int64) for side in zip(*itertools.product(range(4), repeat=2), strict=True))
    monkeypatch.setattr("r2d2.retention.reach._BLOCK", block)
    pairs = MemberPairs(node, ancestor, members, members)
    assert listed(pairs) == [(a, b) for a in range(6) for b in range(6) if a != b]
    assert max(len(child) for child, _ in pairs) <= max(block, 1) + 9


def test_pairs_by_the_billion_are_counted_before_they_are_made() -> None:
    members = [ints(*range(100_000))] * 2
    assert MemberPairs(ints(0, 1), ints(1, 0), members, members).count == 2 * 10**10
