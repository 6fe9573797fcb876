"""Fine pieces of a graph of entities: groups of two to some twenty that belong together closely."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from graspologic_native import leiden
from scipy.sparse import csr_array, triu

from r2d2.semantics.tree import Ints, numbered

#: The resolution rises by this factor until pieces are small enough; no graph needs so many turns.
_FINER, _TURNS = 2.0, 24
_RANDOMNESS = 0.001


def pieces(graph: csr_array, most: int, seed: int, before: Mapping[int, int] | None = None) -> Ints:
    """The piece of each node, shape (nodes,), numbered from 0; seeded Leiden, of modularity.

    What is larger than ``most`` is cut again; a node that is alone joins the piece that it is linked to most, of those
    that have room, or of all if none has. Nodes without a link stay alone.

    Args:
        graph: symmetric weights above 0, shape (nodes, nodes).
        before: pieces of an earlier run, of some nodes: what has not changed stays where it was.
    """
    found = _leiden(graph, _resolution(graph, most), seed, before)
    for _ in range(_TURNS):
        sizes = np.bincount(found)
        large = np.flatnonzero(sizes > most).tolist()
        if not large:
            break
        order, ends, new = np.argsort(found, kind="stable").astype(np.int32), np.cumsum(sizes), len(sizes)
        for piece in large:
            nodes = order[ends[piece] - sizes[piece] : ends[piece]]
            labels = _cut(graph[nodes][:, nodes], most, seed)
            found[nodes] = np.where(labels == 0, piece, labels - 1 + new)
            new += int(labels.max())
    return numbered(_joined(graph, numbered(found), most))


def _resolution(graph: csr_array, most: int) -> float:
    """About so many pieces as there would be of half the largest size."""
    return max(1.0, float(graph.shape[0]) / most / 2)


def _leiden(graph: csr_array, resolution: float, seed: int, before: Mapping[int, int] | None = None) -> Ints:
    """Communities of a graph; nodes without a link are one each."""
    upper = triu(graph, k=1).tocoo()
    alone = np.arange(graph.shape[0], dtype=np.int32)
    if not upper.nnz:
        return alone
    named = [str(node) for node in range(graph.shape[0])]
    edges = [(named[a], named[b], w) for a, b, w in zip(upper.row, upper.col, upper.data.astype(float), strict=True)]
    start = _start(before, edges) if before else None
    _, found = leiden(
        edges, starting_communities=start, resolution=resolution, randomness=_RANDOMNESS, seed=seed, iterations=2
    )
    nodes = np.fromiter(map(int, found), np.int32, len(found))
    alone[nodes] = np.fromiter(found.values(), np.int32, len(found)) + graph.shape[0]
    return numbered(alone)


def _start(before: Mapping[int, int], edges: list[tuple[str, str, float]]) -> dict[str, int]:
    """Communities to start from: those of before, and one for each node that is new."""
    nodes = dict.fromkeys(node for a, b, _ in edges for node in (a, b))
    new = max(before.values(), default=-1) + 1
    found = {node: before.get(int(node), new + int(node)) for node in nodes}
    numbers = {number: place for place, number in enumerate(dict.fromkeys(found.values()))}
    return {node: numbers[number] for node, number in found.items()}


def _cut(part: csr_array, most: int, seed: int) -> Ints:
    """Cuts one piece, more finely until it falls apart; a clique of equals by order."""
    resolution = 1.0
    for _ in range(_TURNS):
        labels = _leiden(part, resolution, seed)
        if labels.any() and np.bincount(labels).max() < len(labels):
            return labels
        resolution *= _FINER
    return np.arange(part.shape[0], dtype=np.int32) // most


def _joined(graph: csr_array, found: Ints, most: int) -> Ints:
    """Those that are alone with what they are linked to most, of that which has room, one after the other."""
    sizes = np.bincount(found)
    result = found.copy()
    for node in np.flatnonzero(sizes[found] == 1).tolist():
        start, end = graph.indptr[node], graph.indptr[node + 1]
        if sizes[result[node]] == 1 and end > start:
            near, links = np.unique(result[graph.indices[start:end]], return_inverse=True)
            weights = np.bincount(links, graph.data[start:end])
            sizes[result[node]] -= 1
            room = np.where(sizes[near] < most, weights, 0)
            result[node] = near[(room if room.any() else weights).argmax()]
            sizes[result[node]] += 1
    return result
