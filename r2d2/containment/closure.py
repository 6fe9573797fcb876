"""What follows from verdicts: containment is transitive, and so is the lack of it (DESIGN 5, EXACTNESS 4).

If c ⊆ p and p ⊆ q then c ⊆ q. If c ⊆ d, p ⊆ q, and c is not in q, then d is not in p. Nodes (datasets under views)
that contain each other are one group; sets of groups are numbers whose bits stand for the groups of one component.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import networkx as nx
import numpy as np

from r2d2.containment.pairs import HOWS, Ints, Pairs, Standing, components

#: (parent node, child node).
NodePair = tuple[int, int]


@dataclass
class Closure:
    """The groups among some nodes, what holds each, and what is known to lack it.

    Attributes:
        group_of: node → group.
        above: group → bits of the groups that hold it, itself among them.
        lacking: group → bits of the groups that lack a row of something it holds.
    """

    group_of: dict[int, int]
    above: dict[int, int] = field(default_factory=dict)
    lacking: dict[int, int] = field(default_factory=dict)

    def proven(self, parent: int, child: int) -> bool:
        """Whether the child node is in the parent node."""
        return bool(self.above[self.group_of[child]] >> self.group_of[parent] & 1)

    def refuted(self, parent: int, child: int) -> bool:
        """Whether the parent node lacks a row of the child node."""
        return bool(self.above[self.group_of[parent]] & self.lacking[self.group_of[child]])


def closure(nodes: Iterable[int], proven: Sequence[NodePair], refuted: Iterable[NodePair]) -> Closure:
    """The closure of pairs of nodes. All of them should be of one component: a set takes a bit for each group."""
    graph: nx.DiGraph[int] = nx.DiGraph()
    graph.add_nodes_from(nodes)
    graph.add_edges_from(proven)
    condensed = nx.condensation(graph)
    found = Closure(condensed.graph["mapping"])
    order = list(nx.topological_sort(condensed))
    for group in order:
        found.above[group] = 1 << group
        for holder in condensed.predecessors(group):
            found.above[group] |= found.above[holder]
    lacking: dict[int, int] = defaultdict(int)
    for parent, child in refuted:
        lacking[found.group_of[child]] |= 1 << found.group_of[parent]
    for group in reversed(order):
        found.lacking[group] = lacking[group]
        for held in condensed.successors(group):
            found.lacking[group] |= found.lacking[held]
    return found


def imply(pairs: Pairs, more_nodes: dict[int, tuple[int, ...]]) -> dict[int, Closure]:
    """Decides open pairs by what follows from the others; gives the closure of each component with pairs still open.

    Args:
        more_nodes: for parent nodes of which the dataset has several that agree with a pair: all of them.
    """
    if not len(pairs.open()):
        return {}
    size = int(max(pairs.parent_node.max(), pairs.child_node.max())) + 1
    for others in more_nodes.values():
        size = max(size, max(others) + 1)
    label = components(size, pairs.parent_node, pairs.child_node)
    found = {}
    for component, positions in _by_component(pairs, label).items():
        found[component] = _closure_of(pairs, positions, more_nodes)
        for position in positions[pairs.standing[positions] == Standing.OPEN].tolist():
            _decide(pairs, position, found[component])
    return found


def _by_component(pairs: Pairs, label: Ints) -> dict[int, Ints]:
    """Positions of all pairs of each component that has open ones."""
    of_pair = label[pairs.child_node]
    wanted = np.unique(of_pair[pairs.open()])
    inside = np.flatnonzero(np.isin(of_pair, wanted))
    order = inside[np.argsort(of_pair[inside], kind="stable")]
    starts = np.flatnonzero(np.diff(of_pair[order], prepend=-1))
    return {int(of_pair[order[a]]): order[a:b] for a, b in zip(starts, [*starts[1:], len(order)], strict=True)}


def _closure_of(pairs: Pairs, positions: Ints, more_nodes: dict[int, tuple[int, ...]]) -> Closure:
    standing, how = pairs.standing[positions], pairs.how[positions]
    direct = positions[(standing == Standing.PROVEN) & (how != HOWS.index("implied"))]
    refuted = positions[standing == Standing.REFUTED]
    proven = [
        (node, int(pairs.child_node[p]))
        for p in direct.tolist()
        for node in (int(pairs.parent_node[p]), *more_nodes.get(p, ()))
    ]
    lacking = zip(pairs.parent_node[refuted].tolist(), pairs.child_node[refuted].tolist(), strict=True)
    nodes = {*pairs.parent_node[positions].tolist(), *pairs.child_node[positions].tolist(), *(a for a, _ in proven)}
    return closure(sorted(nodes), proven, lacking)


def _decide(pairs: Pairs, position: int, known: Closure) -> None:
    parent, child = int(pairs.parent_node[position]), int(pairs.child_node[position])
    if known.proven(parent, child):
        pairs.prove(position, "implied")
    elif known.refuted(parent, child):
        pairs.refute(position, "implied")
