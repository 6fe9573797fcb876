"""Which cuts of the tree become levels, chosen without labels: by silhouette."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from r2d2.semantics.hierarchy.linkage import Linkage
from r2d2.semantics.similarity.blended import Blended
from r2d2.semantics.tree import Floats, Ints

#: Levels below the root at most; a coarser one has at most this share of the groups of the one below it.
_MOST, _COARSER = 4, 0.5
#: Cuts that are tried, spread evenly over orders of magnitude; and points that each is judged by, at most.
_TRIED, _JUDGED = 40, 1500
#: Fewer groups are no level of their own, the finest apart: the root says as much.
_LEAST = 3


def levels_of(entities: Blended, pieces: Ints, tree: Linkage) -> tuple[Ints, ...]:
    """The group of each entity on each level, the finest first; the root, which holds all, comes last.

    The finest level is the cut with the best silhouette; the next is the best one of those that have at most half as
    many groups, and so on while there are two.
    """
    found: list[Ints] = []
    points, most = entities, tree.pieces
    while (most >= _LEAST or not found) and len(found) < _MOST:
        below = found[-1] if found else np.arange(len(entities), dtype=np.int32)
        parts = max(_cuts(most), key=lambda number: _silhouette(points, below, tree.cut(number)[pieces]))
        found.append(tree.cut(parts)[pieces])
        points, most = entities.centroids(found[-1]), int(parts * _COARSER)
    return (*found, np.zeros(len(entities), np.int32))


def _cuts(most: int) -> Iterator[int]:
    least = min(_LEAST, most)
    yield from np.unique(np.geomspace(least, most, _TRIED).round().astype(int)).tolist()


def _silhouette(points: Blended, below: Ints, labels: Ints) -> float:
    """The mean over points of how much nearer their group's centroid is than the next, -1 to 1 (simplified silhouette).

    Args:
        below: the point of each entity.
        labels: the group of each entity; 0 for one group alone.
    """
    if not labels.any():
        return 0.0
    of_point = np.empty(len(points), np.int32)
    of_point[below] = labels
    judged = np.unique(np.linspace(0, len(points) - 1, _JUDGED).astype(np.int32))
    near = points.between(judged, points.centroids(of_point))
    rows, mine = np.arange(len(judged)), of_point[judged]
    own = _apart(near[rows, mine])
    near[rows, mine] = -np.inf
    other = _apart(near.max(axis=1))
    alone = np.bincount(of_point)[mine] == 1
    return float(np.where(alone, 0, (other - own) / np.maximum(np.maximum(own, other), 1e-9)).mean())


def _apart(similarity: Floats) -> Floats:
    return np.asarray(2 - similarity, np.float32)
