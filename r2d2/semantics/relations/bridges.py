"""Bridges: what would be islands is joined where the centroids are most alike, by a maximum spanning tree."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from r2d2.semantics.similarity.blended import Blended
from r2d2.semantics.similarity.near import highest
from r2d2.semantics.tree import Floats, Ints

#: Similarities held at once.
_BLOCK = 1 << 22
#: Most similar ones that are remembered of each node: who they are does not change while islands grow.
_REMEMBERED = 24

#: Neighbours of each node, the most similar first, and how similar: as ``similarity.near`` gives them; -1 for none.
Near = tuple[Ints, Floats]


def islands(nodes: int, source: Ints, target: Ints) -> Ints:
    """The component that each node lies in, from 0, when these pairs join them; shape (nodes,)."""
    pairs = coo_array((np.ones(len(source), np.bool_), (source, target)), (nodes, nodes))
    return np.asarray(connected_components(pairs, directed=False)[1], np.int32)


def bridges(island: Ints, centroids: Blended, near: Near | None = None) -> tuple[Ints, Ints, Floats]:
    """Pairs of nodes that join all islands into one, and how alike they are: as much as they can be in sum.

    Boruvka's algorithm: of each island but the largest the most similar pair to another one, until there is one.

    Args:
        island: of each node, shape (nodes,).
        centroids: of the nodes.
        near: the neighbours of each node where they are known, so that they need not be looked for again.
    """
    source, target, alike = [np.empty(0, np.int32)], [np.empty(0, np.int32)], [np.empty(0, np.float32)]
    search = _Search(centroids, near)
    while island.max(initial=0) > 0:
        one, far, score = _chosen(island, search)
        kept = _without_circles(island, one, far)
        source.append(one[kept])
        target.append(far[kept])
        alike.append(score[kept])
        island = islands(int(island.max()) + 1, island[one], island[far])[island]
    return np.concatenate(source), np.concatenate(target), np.concatenate(alike)


class _Search:
    """Finds the most similar node of another island, and remembers the next ones."""

    def __init__(self, centroids: Blended, near: Near | None) -> None:
        self._centroids = centroids
        shape = len(centroids), min(_REMEMBERED, len(centroids))
        self._places, self._scores = np.zeros(shape, np.int32), np.full(shape, -np.inf, np.float32)
        self._searched = np.full(len(centroids), near is not None)
        if near is not None:
            known = min(shape[1], near[0].shape[1])
            itself = np.arange(len(centroids), dtype=np.int32)[:, None]  # in no other island: as good as none
            self._places[:] = itself
            self._places[:, :known] = np.where(near[0][:, :known] < 0, itself, near[0][:, :known])
            self._scores[:, :known] = near[1][:, :known]

    def nearest(self, island: Ints, nodes: Ints) -> tuple[Ints, Floats]:
        """Of each of some nodes the one, and how similar it is."""
        lacking = nodes[~(self._searched[nodes] & self._outside(island, nodes).any(axis=1))]
        rows = max(1, _BLOCK // len(island))
        for at in range(0, len(lacking), rows):
            self._look(island, lacking[at : at + rows])
        first = self._outside(island, nodes).argmax(axis=1)
        return self._places[nodes, first], self._scores[nodes, first]

    def _outside(self, island: Ints, nodes: Ints) -> npt.NDArray[np.bool_]:
        return np.not_equal(island[self._places[nodes]], island[nodes][:, None])

    def _look(self, island: Ints, nodes: Ints) -> None:
        alike = self._centroids.between(nodes, self._centroids)
        alike[island[nodes][:, None] == island[None, :]] = -np.inf
        self._places[nodes], self._scores[nodes] = highest(alike, self._places.shape[1])
        self._searched[nodes] = True


def _chosen(island: Ints, search: _Search) -> tuple[Ints, Ints, Floats]:
    """Of each island but the largest: its node that is most like one of another, that one, how much; best first."""
    outside = np.flatnonzero(island != np.bincount(island).argmax()).astype(np.int32)
    far, score = search.nearest(island, outside)
    order = np.argsort(-score, kind="stable")
    _, first = np.unique(island[outside][order], return_index=True)
    chosen = order[np.sort(first)]
    return outside[chosen], far[chosen], score[chosen]


def _without_circles(island: Ints, near: Ints, far: Ints) -> list[int]:
    """Which pairs to keep: where all are as alike, islands may choose each other in a circle."""
    above = list(range(int(island.max()) + 1))
    pairs = zip(island[near].tolist(), island[far].tolist(), strict=True)
    return [index for index, (one, other) in enumerate(pairs) if _united(above, one, other)]


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
