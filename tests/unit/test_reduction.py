"""Groups and reduction say exactly what the proven pairs say: their closure is the closure of the input (DESIGN 5)."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping

import networkx as nx
from hypothesis import given, settings
from hypothesis import strategies as st

from r2d2.catalog.runs import Groups, all_pairs
from r2d2.containment.reduction import Reduction, reduce_edges
from r2d2.containment.views import Node
from r2d2.model.dataset import Dataset
from r2d2.model.family import NUMBER
from tests.sampling import examples

FIXED = settings(derandomize=True, deadline=None, database=None)
Edges = Mapping[int, set[int]]


def nodes(count: int) -> list[Node]:
    return [Node(i, ((("a",), NUMBER),)) for i in range(count)]


def closure(count: int, edges: Edges) -> set[tuple[int, int]]:
    graph = nx.DiGraph((a, b) for a, found in edges.items() for b in found)
    graph.add_nodes_from(range(count))
    return {(a, b) for a in graph for b in nx.descendants(graph, a) if a != b}


def pairs_of(count: int, reduction: Reduction) -> set[tuple[int, int]]:
    """By the code that lists all pairs for users."""
    found = [Dataset(str(i), "parquet", "/", "v", rows=1) for i in range(count)]
    groups = Groups(tuple(tuple((str(i), "") for i in members) for members in reduction.groups), reduction.edges)
    return {(int(edge.parent), int(edge.child)) for edge in all_pairs(found, (), groups)}


@st.composite
def proven(draw: st.DrawFn) -> tuple[int, dict[int, set[int]]]:
    """What verification gives: nodes with the same content prove each other, the rest is a DAG of contents."""
    contents = draw(st.integers(1, 6))
    holders = draw(st.lists(st.integers(0, contents - 1), min_size=1, max_size=9))
    below = {(a, b) for a in range(contents) for b in range(a + 1, contents) if draw(st.booleans())}
    if draw(st.booleans()):
        below = closure(contents, {a: {b for x, b in below if x == a} for a in range(contents)})
    edges: dict[int, set[int]] = defaultdict(set)
    for i, mine in enumerate(holders):
        for j, theirs in enumerate(holders):
            if i != j and (mine == theirs or (mine, theirs) in below):
                edges[i].add(j)
    return len(holders), edges


@settings(FIXED, max_examples=examples(400))
@given(proven(), st.randoms(use_true_random=False))
def test_the_closure_of_the_reduction_is_the_closure_of_what_was_proven(
    case: tuple[int, dict[int, set[int]]], random: object
) -> None:
    count, edges = case
    order = sorted(range(count), key=lambda i: hash((i, str(random))))
    reduction = reduce_edges(nodes(count), edges, order)
    assert pairs_of(count, reduction) == closure(count, edges)


@settings(FIXED, max_examples=examples(400))
@given(proven())
def test_no_edge_of_the_reduction_follows_from_the_others(case: tuple[int, dict[int, set[int]]]) -> None:
    count, edges = case
    reduction = reduce_edges(nodes(count), edges, range(count))
    graph = nx.DiGraph(reduction.edges)
    for edge in reduction.edges:
        graph.remove_edge(*edge)
        assert not nx.has_path(graph, *edge)
        graph.add_edge(*edge)


@settings(FIXED, max_examples=examples(200))
@given(proven())
def test_every_node_is_in_one_group_and_the_preferred_one_comes_first(case: tuple[int, dict[int, set[int]]]) -> None:
    count, edges = case
    order = list(reversed(range(count)))
    groups = reduce_edges(nodes(count), edges, order).groups
    assert sorted(node for members in groups for node in members) == list(range(count))
    for members in groups:
        assert list(members) == sorted(members, reverse=True)


def test_only_nodes_that_contain_each_other_are_one_group() -> None:
    reduction = reduce_edges(nodes(4), {0: {1, 2}, 1: {0, 2}, 2: {3}}, range(4))
    assert reduction.groups == ((0, 1), (2,), (3,))
    assert reduction.edges == ((0, 1), (1, 2))


def test_a_ring_of_containments_is_one_group_even_if_not_every_pair_of_it_was_compared() -> None:
    """Pairs that share files are left out, so that a ring need not be closed in both directions."""
    reduction = reduce_edges(nodes(4), {0: {1}, 1: {2}, 2: {0, 3}}, range(4))
    assert reduction.groups == ((0, 1, 2), (3,))
    assert reduction.edges == ((0, 1),)


def test_a_long_chain_needs_no_deep_stack() -> None:
    count = 5000
    reduction = reduce_edges(nodes(count), {i: {i + 1} for i in range(count - 1)}, range(count))
    assert len(reduction.edges) == count - 1


def test_500_snapshots_are_499_edges() -> None:
    edges = {i: set(range(i + 1, 500)) for i in range(500)}
    started = time.monotonic()
    assert reduce_edges(nodes(500), edges, range(500)).edges == tuple((i, i + 1) for i in range(499))
    assert time.monotonic() - started < 5
