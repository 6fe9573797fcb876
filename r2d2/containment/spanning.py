"""The pairs whose comparison carries all others: what has to be compared by value when all is to rest on values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from r2d2.containment.reduction import Reduction, reduce_edges
from r2d2.containment.views import Pair, Views, node_edges


def spanning_pairs(views: Views, proven: Sequence[Pair]) -> list[Pair]:
    """Pairs among the proven ones from which all of them follow: 2 (n - 1) for n copies, one for each reduced edge."""
    nodes, edges = node_edges(views, proven)
    number = {node: i for i, node in enumerate(nodes)}
    reduction = reduce_edges(nodes, edges, range(len(nodes)))
    group_of = {node: g for g, members in enumerate(reduction.groups) for node in members}
    first = {members[0] for members in reduction.groups}
    starred = _starred(edges, reduction)
    needed, taken = set(reduction.edges), []
    for pair in proven:
        child = number[views.child(pair.child, pair.projection)]
        for parent in (number[node] for node in views.parents(pair.parent, pair.projection)):
            groups = group_of[parent], group_of[child]
            if groups[0] == groups[1]:
                if {parent, child} & first or groups[0] not in starred:
                    taken.append(pair)
            elif groups in needed:
                needed.discard(groups)
                taken.append(pair)
    return list(dict.fromkeys(taken))


def _starred(edges: Mapping[int, set[int]], reduction: Reduction) -> set[int]:
    """Groups whose first member has an edge to and from each other one; the others need all their edges."""
    return {
        g
        for g, (first, *others) in enumerate(reduction.groups)
        if all(other in edges.get(first, ()) and first in edges.get(other, ()) for other in others)
    }
