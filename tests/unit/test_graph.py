"""The graph that users get."""

from __future__ import annotations

import networkx as nx

from r2d2.catalog.graph import containment_graph
from r2d2.model import Dataset, Edge, Grade


def test_the_graph_holds_every_dataset_and_edge_and_can_be_exported_whatever_their_names() -> None:
    datasets = [
        Dataset(name, "parquet", f"/{name}", "f1", rows=rows) for name, rows in (("a<&>", 3), ("b\n", None), ("c", 0))
    ]
    edges = [Edge("a<&>", "b\n", Grade.PROVEN, 1, 3, False, "box", "all 1 rows compared")]
    graph = containment_graph(datasets, edges)
    assert set(graph.nodes) == {"a<&>", "b\n", "c"}
    assert graph.edges["a<&>", "b\n"]["how"] == "box"
    text = "\n".join(nx.generate_graphml(graph))
    assert nx.parse_graphml(text).number_of_edges() == 1
