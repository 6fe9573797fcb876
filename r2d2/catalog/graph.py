"""The containment graph that users get: datasets as nodes, an edge from each parent to the children it holds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import networkx as nx

from r2d2.model.dataset import Dataset
from r2d2.model.edge import Edge


def containment_graph(datasets: Sequence[Dataset], edges: Iterable[Edge]) -> nx.DiGraph[str]:
    """A graph of edges, with what the ``datasets`` and ``edges`` commands say as attributes.

    Args:
        datasets: all of a run; those without edges are nodes, too.
        edges: proven ones (the reduction, or every pair), or any others.
    """
    graph: nx.DiGraph[str] = nx.DiGraph()
    for dataset in datasets:
        attributes = {"format": dataset.format, "bytes": dataset.bytes, "status": dataset.status}
        graph.add_node(dataset.id, rows=-1 if dataset.rows is None else dataset.rows, **attributes)
    for edge in edges:
        graph.add_edge(
            edge.parent, edge.child, grade=edge.grade.value, how=edge.how, equal=edge.equal, reason=edge.reason
        )
    return graph
