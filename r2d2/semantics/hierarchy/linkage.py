"""A tree over pieces: average linkage of their centroids, and its cuts."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from r2d2.semantics.hierarchy.pieces import numbered
from r2d2.semantics.similarity.blended import Blended
from r2d2.semantics.tree import Floats, Ints

#: Rows of merges: two nodes, their distance, how many pieces lie under both (scipy's linkage).
Merges = npt.NDArray[np.float64]


def distances(centroids: Blended) -> Floats:
    """Between all pairs, shape (n, n): 2 minus similarity."""
    found = 2 - centroids.between(slice(0, len(centroids)), centroids)
    np.fill_diagonal(found, 0)
    return np.maximum((found + found.T) / 2, 0)


def merges_of(between: Floats) -> Merges:
    """The tree, of two pieces at least."""
    return np.asarray(linkage(squareform(between, checks=False), method="average"), np.float64)


def cut(merges: Merges, parts: int) -> Ints:
    """The tree in so many parts, or as many as it has pieces: the part of each piece, numbered from 0."""
    return numbered(fcluster(merges, parts, criterion="maxclust").astype(np.int32))
