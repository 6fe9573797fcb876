"""Bridges: what would be islands is joined where the centroids are nearest, by a maximum spanning tree."""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from r2d2.semantics.tree import Floats, Ints

#: Cosines held at once.
_BLOCK = 1 << 24


def islands(nodes: int, source: Ints, target: Ints) -> Ints:
    """The component that each node lies in, from 0, when these pairs join them; shape (nodes,)."""
    pairs = coo_array((np.ones(len(source), np.bool_), (source, target)), (nodes, nodes))
    return np.asarray(connected_components(pairs, directed=False)[1], np.int32)


def bridges(island: Ints, centroids: Floats) -> tuple[Ints, Ints, Floats]:
    """Pairs of nodes that join all islands into one, and their cosines: as near as they can be in sum.

    Boruvka's algorithm: of each island but the largest the nearest pair to another one, until there is one. Nodes whose
    centroid is zero are as near to all others: 0.

    Args:
        island: of each node, shape (nodes,).
        centroids: of unit length, or zero; shape (nodes, dimensions).
    """
    source, target, cosine = [np.empty(0, np.int32)], [np.empty(0, np.int32)], [np.empty(0, np.float32)]
    while island.max(initial=0) > 0:
        near, far, score = _nearest(island, centroids)
        kept = _without_circles(island, near, far)
        source.append(near[kept])
        target.append(far[kept])
        cosine.append(score[kept])
        joined = islands(int(island.max()) + 1, island[near], island[far])
        island = joined[island]
    return np.concatenate(source), np.concatenate(target), np.concatenate(cosine)


def _nearest(island: Ints, centroids: Floats) -> tuple[Ints, Ints, Floats]:
    """Of each island but the largest: its node that is nearest to another island, that one, the cosine; best first."""
    outside = np.flatnonzero(island != np.bincount(island).argmax()).astype(np.int32)
    rows = max(1, _BLOCK // len(island))
    parts = [_best(island, centroids, outside[at : at + rows]) for at in range(0, len(outside), rows)]
    far, score = (np.concatenate(part) for part in zip(*parts, strict=True))
    order = np.argsort(-score, kind="stable")
    _, first = np.unique(island[outside][order], return_index=True)
    chosen = order[np.sort(first)]
    return outside[chosen], far[chosen], score[chosen]


def _best(island: Ints, centroids: Floats, nodes: Ints) -> tuple[Ints, Floats]:
    """Of each of some nodes the nearest one in another island, and the cosine."""
    cosines = centroids[nodes] @ centroids.T
    cosines[island[nodes][:, None] == island[None, :]] = -np.inf
    far = cosines.argmax(axis=1)
    return far.astype(np.int32), cosines[np.arange(len(nodes)), far]


def _without_circles(island: Ints, near: Ints, far: Ints) -> list[int]:
    """Which pairs to keep: where cosines are equal, islands may choose each other in a circle."""
    above = list(range(int(island.max()) + 1))
    return [
        index
        for index, pair in enumerate(zip(island[near].tolist(), island[far].tolist(), strict=True))
        if _united(above, *pair)
    ]


def _united(above: list[int], one: int, other: int) -> bool:
    """Joins the sets of two; False where they are the same one."""
    top, bottom = _top(above, one), _top(above, other)
    above[bottom] = top
    return top != bottom


def _top(above: list[int], one: int) -> int:
    while above[one] != one:
        above[one] = above[above[one]]
        one = above[one]
    return one
