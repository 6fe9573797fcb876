"""Proven edges as groups of exact duplicates and a transitive reduction (DESIGN 5)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import networkx as nx

from r2d2.containment.views import Node


@dataclass(frozen=True)
class Reduction:
    """Groups of nodes that hold the same rows, and the edges between groups that the others do not imply.

    Attributes:
        groups: members (indexes of nodes) of each group, the representative first; a lone node is a group of one.
        edges: (parent group, child group).
    """

    groups: tuple[tuple[int, ...], ...]
    edges: tuple[tuple[int, int], ...]


def reduce_edges(nodes: Sequence[Node], edges: Mapping[int, set[int]], order: Sequence[int]) -> Reduction:
    """Contracts mutual containment and removes edges that a path of the others gives.

    Args:
        nodes: the nodes.
        edges: parent → children, as found; it need not be closed.
        order: indexes of nodes by preference: the first of a group is its representative.
    """
    groups = _groups(len(nodes), edges, order)
    group_of = {node: g for g, members in enumerate(groups) for node in members}
    children: dict[int, set[int]] = defaultdict(set)
    for parent, found in edges.items():
        children[group_of[parent]].update(group_of[child] for child in found)
    for g, found in children.items():
        found.discard(g)
    below: dict[int, int] = {}
    kept = []
    for g in _children_first(len(groups), children):
        covered = 0
        for child in sorted(children[g], key=lambda c: (-below[c].bit_count(), c)):
            if not covered >> child & 1:
                kept.append((g, child))
                covered |= below[child] | 1 << child
        below[g] = covered
    return Reduction(tuple(groups), tuple(sorted(kept)))


def _groups(count: int, edges: Mapping[int, set[int]], order: Sequence[int]) -> list[tuple[int, ...]]:
    """Nodes that contain each other, if only by way of others: pairs that share files are never compared."""
    rank = {node: i for i, node in enumerate(order)}
    graph: nx.DiGraph[int] = nx.DiGraph()
    graph.add_nodes_from(range(count))
    graph.add_edges_from((parent, child) for parent, found in edges.items() for child in found)
    groups = [tuple(sorted(members, key=rank.__getitem__)) for members in nx.strongly_connected_components(graph)]
    return sorted(groups, key=lambda group: rank[group[0]])


def _children_first(count: int, children: Mapping[int, set[int]]) -> Iterator[int]:
    """Groups in an order in which children come before their parents; without recursion, chains may be long."""
    done: set[int] = set()
    for start in range(count):
        stack = [start]
        while stack:
            g = stack[-1]
            waiting = [child for child in children.get(g, ()) if child not in done]
            if waiting and g not in done:
                stack.extend(waiting)
                continue
            stack.pop()
            if g not in done:
                done.add(g)
                yield g
