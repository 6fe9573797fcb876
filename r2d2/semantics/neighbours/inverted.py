"""Vectors compared with those of the nearest lists only, by faiss, and how many neighbours that finds."""

from __future__ import annotations

import math

import faiss
import numpy as np
import numpy.typing as npt

from r2d2.semantics.neighbours.exact import nearest_of, without_own
from r2d2.semantics.tree import Floats, Ints

#: The share of the 10 nearest that has to be found, and the vectors that it is checked on.
RECALL, _SAMPLE = 0.95, 1000
#: Vectors that each list's centre is trained on, and passes over them.
_TRAINED_ON, _PASSES = 64, 8


def nearest_by_lists(vectors: Floats, k: int) -> tuple[Ints, Floats]:
    """As ``neighbours.nearest``, of vectors of length 1: more lists are looked at until a sample's recall is met."""
    index = _index(vectors)
    rows = np.sort(np.random.default_rng(0).choice(len(vectors), min(_SAMPLE, len(vectors)), replace=False))
    _, truth = nearest_of(vectors, rows, min(k, 10))
    index.nprobe = 4
    while index.nprobe < index.nlist and recall(_searched(index, vectors, rows, min(k, 10))[1], truth) < RECALL:
        index.nprobe = min(2 * index.nprobe, index.nlist)
    return _searched(index, vectors, np.arange(len(vectors)), k)


def recall(scores: Floats, truth: Floats) -> float:
    """The share of true neighbours that were found; one that is as near as the last of them is as good.

    Args:
        scores: cosines of those that were found, shape (n, k).
        truth: cosines of the nearest, shape (n, k), the nearest first.
    """
    return float(np.mean(scores >= truth[:, -1:] - 1e-5))


def _index(vectors: Floats) -> faiss.IndexIVFFlat:
    lists = math.isqrt(len(vectors))
    index = faiss.IndexIVFFlat(faiss.IndexFlatIP(vectors.shape[1]), vectors.shape[1], lists, faiss.METRIC_INNER_PRODUCT)
    index.cp.spherical, index.cp.niter, index.cp.seed = True, _PASSES, 0
    index.cp.max_points_per_centroid = _TRAINED_ON
    index.train(vectors)
    index.add(vectors)
    return index


def _searched(index: faiss.IndexIVFFlat, vectors: Floats, rows: npt.NDArray[np.int64], k: int) -> tuple[Ints, Floats]:
    scores, numbers = index.search(vectors[rows], k + 1)
    return without_own(rows, numbers, scores, k)
