"""The most similar others of each entity, by meaning and spelling together.

Up to 50,000 entities all are compared with all. Above that candidates come from an index of vectors (a GPU finds them
where there is one), in which spelling is projected to fewer dimensions by chance, as it keeps products (Achlioptas
2003); only candidates are compared exactly. A sample tells whether they are enough.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from r2d2.semantics.neighbours.inverted import RECALL, recall
from r2d2.semantics.neighbours.neighbours import EXACT_UP_TO, nearest
from r2d2.semantics.similarity.blended import Blended
from r2d2.semantics.threads import in_threads
from r2d2.semantics.tree import Floats, Ints

#: Rows that are compared with all others at once: 16 MB for 10,000 entities.
_BLOCK = 400
#: Dimensions that spelling is projected to.
_PROJECTED = 512
#: Candidates for each neighbour wanted, at first; of more than so many all are better compared with all.
_WIDER, _WIDEST = 8, 64
#: Rows that recall is checked on, and how many of their nearest.
_SAMPLE, _NEAREST = 1000, 10


def near(blended: Blended, number: int, device: str = "cpu", exact_up_to: int = EXACT_UP_TO) -> tuple[Ints, Floats]:
    """The most similar others of each row, the best first, shape (n, min(number, n - 1)), and how similar.

    Args:
        device: as in the settings; looks for candidates.
        exact_up_to: rows up to which all are compared with all; above that at least 95% of the 10 nearest are found.

    Raises:
        EnvironmentMissing: the device is ``cuda``, is needed, and there is no GPU or no torch.
    """
    number = max(0, min(number, len(blended) - 1))
    if len(blended) > exact_up_to and number:
        return _by_candidates(blended, number, device)
    return _of_rows(blended, np.arange(len(blended), dtype=np.int32), number)


def _of_rows(blended: Blended, rows: Ints, number: int) -> tuple[Ints, Floats]:
    """Of some rows, compared with all."""
    places, scores = np.empty((len(rows), number), np.int32), np.empty((len(rows), number), np.float32)

    def compare(start: int) -> None:
        part = slice(start, min(start + _BLOCK, len(rows)))
        places[part], scores[part] = _best(blended, rows[part], number)

    if number:
        in_threads(compare, range(0, len(rows), _BLOCK))
    return places, scores


def _best(blended: Blended, rows: Ints, number: int) -> tuple[Ints, Floats]:
    found = blended.between(rows, blended)
    found[np.arange(len(rows)), rows] = -np.inf
    return highest(found, number)


def highest(scores: Floats, number: int) -> tuple[Ints, Floats]:
    """The columns of the highest scores of each row, the highest first, of equal ones the first; and these scores.

    Args:
        number: 1 at least.
    """
    best = np.sort(np.argpartition(-scores, number - 1, axis=1)[:, :number], axis=1)
    order = np.argsort(-np.take_along_axis(scores, best, 1), axis=1, kind="stable")
    places = np.take_along_axis(best, order, 1).astype(np.int32)
    return places, np.take_along_axis(scores, places, 1)


def _by_candidates(blended: Blended, number: int, device: str) -> tuple[Ints, Floats]:
    """Of all rows, compared with what an index finds; with all, where that is not enough."""
    draw = np.random.default_rng(0)
    rows = np.sort(draw.choice(len(blended), min(_SAMPLE, len(blended)), replace=False)).astype(np.int32)
    few = min(number, _NEAREST)
    _, truth = _of_rows(blended, rows, few)
    vectors, wider = _projected(blended, draw), _WIDER
    while wider <= _WIDEST and wider * number < len(blended):
        candidates, _ = nearest(vectors, wider * number, device)
        places, scores = _among(blended, candidates, number)
        if recall(scores[rows, :few], truth) >= RECALL:
            return places, scores
        wider *= 2
    return _of_rows(blended, np.arange(len(blended), dtype=np.int32), number)


def _projected(blended: Blended, draw: np.random.Generator) -> Floats:
    """Vectors whose products are about the similarities, shape (n, dimensions + projected)."""
    signs = draw.integers(0, 2, (blended.lexical.shape[1], _PROJECTED), np.int8).astype(np.float32) * 2 - 1
    spelled = blended.lexical @ (signs / np.float32(_PROJECTED**0.5))
    return np.hstack([blended.dense, np.asarray(spelled, np.float32)])


def _among(blended: Blended, candidates: Ints, number: int) -> tuple[Ints, Floats]:
    """The best of each row's candidates. Where there are too few (-1), the next row stands in, and is not alike."""
    places = np.empty((len(blended), number), np.int32)
    scores = np.empty((len(blended), number), np.float32)

    def compare(start: int) -> None:
        part = slice(start, min(start + _BLOCK, len(blended)))
        rows, found = np.arange(part.start, part.stop, dtype=np.int32), np.sort(candidates[part], axis=1)
        lacking = found < 0
        found = np.where(lacking, (rows[:, None] + 1) % len(blended), found).astype(np.int32)
        alike = np.where(lacking, 0, _pairs(blended, rows, found))
        order = np.argsort(-alike, axis=1, kind="stable")[:, :number]
        places[part], scores[part] = np.take_along_axis(found, order, 1), np.take_along_axis(alike, order, 1)

    in_threads(compare, range(0, len(blended), _BLOCK))
    return places, scores


def _pairs(blended: Blended, rows: Ints, others: npt.NDArray[np.int32]) -> Floats:
    """Similarities of rows with some others each, shape (rows, others)."""
    meant = np.einsum("nd,nkd->nk", blended.dense[rows], blended.dense[others])
    left, right = np.repeat(rows, others.shape[1]), others.ravel()
    spelled = csr_array(blended.lexical[left].multiply(blended.lexical[right])).sum(axis=1)
    return np.asarray(meant + np.asarray(spelled).reshape(others.shape), np.float32)
