"""Every vector compared with every other one, by faiss."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from r2d2.semantics.neighbours.library import faiss
from r2d2.semantics.tree import Floats, Ints


def nearest_of_all(vectors: Floats, k: int) -> tuple[Ints, Floats]:
    """As ``neighbours.nearest``, of vectors of length 1."""
    return nearest_of(vectors, np.arange(len(vectors)), k)


def nearest_of(vectors: Floats, rows: npt.NDArray[np.int64], k: int) -> tuple[Ints, Floats]:
    """The nearest among all vectors of some of them.

    Args:
        vectors: of length 1, shape (n, dimensions).
        rows: the numbers of those whose neighbours are wanted.

    Returns:
        Shape (len(rows), k).
    """
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    scores, numbers = index.search(vectors[rows], min(k + 1, len(vectors)))
    return without_own(rows, numbers, scores, k)


def without_own(
    rows: npt.NDArray[np.int64], numbers: npt.NDArray[np.int64], scores: Floats, k: int
) -> tuple[Ints, Floats]:
    """What was found, each row's own number left out, the nearest first.

    Args:
        rows: whose neighbours they are.
        numbers, scores: found, shape (len(rows), more than k); where many are equal, a row's own number may be none
            of them.
    """
    scores = np.where((numbers == rows[:, None]) | (numbers < 0), -np.inf, np.minimum(scores, 1))
    order = np.lexsort((numbers, -scores))[:, :k]
    scores = np.take_along_axis(scores, order, 1)
    missing = np.isneginf(scores)
    numbers = np.where(missing, -1, np.take_along_axis(numbers, order, 1))
    return numbers.astype(np.int32), np.where(missing, 0, scores).astype(np.float32)
