"""Views as the nodes of edges, groups and closure (EXACTNESS 4).

A node is a dataset under a projection of all its leaves. A typed dataset has one node; a text dataset one for each
family vector that is asked for. An edge leads from a node of the parent that agrees with the pair's projection to the
child's node, so that no path enters a text dataset by one view and leaves it by another.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from r2d2.containment.schema_graph import Schema
from r2d2.model.edge import Projection


@dataclass(frozen=True)
class Pair:
    """A plausible pair (indexes of datasets) and what it is compared under."""

    parent: int
    child: int
    projection: Projection


@dataclass(frozen=True)
class Node:
    """A dataset (index) under a projection of all its leaves."""

    dataset: int
    view: Projection


@dataclass
class Views:
    """All nodes that the pairs of a run need, grown as pairs are seen."""

    schemas: Mapping[int, Schema]
    nodes: dict[int, list[Projection]] = field(default_factory=lambda: defaultdict(list))
    numbers: dict[Node, int] = field(default_factory=dict)

    def number(self, node: Node) -> int:
        """A node's place among all."""
        return self.numbers.setdefault(node, len(self.numbers))

    def child(self, dataset: int, projection: Projection) -> Node:
        """The child's node of a pair: its projection covers all its leaves."""
        return self._node(dataset, projection)

    def parents(self, dataset: int, projection: Projection) -> list[Node]:
        """The nodes of the parent that agree with a pair's projection; at least one."""
        asked = set(projection)
        agreeing = [view for view in self.nodes[dataset] if asked <= set(view)]
        if not agreeing:
            agreeing = [self._extended(dataset, projection)]
        return [self._node(dataset, view) for view in agreeing]

    def narrowest(self, dataset: int) -> Node:
        """The node of a dataset under its narrowest families: the only one that a typed dataset has."""
        return self._node(dataset, self._extended(dataset, ()))

    def _node(self, dataset: int, view: Projection) -> Node:
        if view not in self.nodes[dataset]:
            self.nodes[dataset].append(view)
        return Node(dataset, view)

    def _extended(self, dataset: int, projection: Projection) -> Projection:
        """The dataset's narrowest view that agrees with the projection."""
        asked = dict(projection)
        return tuple((path, asked.get(path, admitted[0])) for path, admitted in self.schemas[dataset])


def node_edges(views: Views, proven: Iterable[Pair]) -> tuple[list[Node], dict[int, set[int]]]:
    """Nodes, and the edges between them (indexes: parent → children) that proven pairs give.

    Children are added first, so that a parent that is a child elsewhere is met under the same view.
    """
    pairs = list(proven)
    for pair in pairs:
        views.child(pair.child, pair.projection)
    index: dict[Node, int] = {}
    edges: dict[int, set[int]] = defaultdict(set)
    for pair in pairs:
        target = index.setdefault(views.child(pair.child, pair.projection), len(index))
        for node in views.parents(pair.parent, pair.projection):
            edges[index.setdefault(node, len(index))].add(target)
    return list(index), edges
