"""Both parts of similarity, summed: what entities mean and how they are spelled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from r2d2.semantics.embed.embedder import unit
from r2d2.semantics.similarity.weights import unit_rows
from r2d2.semantics.threads import in_threads
from r2d2.semantics.tree import Floats, Ints

#: Rows that are compared with all others at once: 16 MB for 10,000 entities.
_BLOCK = 400


@dataclass(frozen=True, eq=False)
class Blended:
    """Rows of two spaces; their similarity is the sum of two cosines.

    Attributes:
        dense: shape (n, dimensions), rows of length one.
        lexical: shape (n, tokens), rows of length one.
    """

    dense: Floats
    lexical: csr_array

    def __len__(self) -> int:
        return len(self.dense)

    def between(self, rows: slice | Ints, other: Blended) -> Floats:
        """Similarities of some rows with all of another's, shape (rows, len(other))."""
        spelled = self.lexical[rows] @ other.lexical.T
        return np.asarray(self.dense[rows] @ other.dense.T + spelled.toarray(), np.float32)

    def centroids(self, groups: Ints) -> Blended:
        """The means of groups, again of length one, in the order of the groups' numbers."""
        count = int(groups.max()) + 1
        member = csr_array((np.ones(len(groups), np.float32), (groups, np.arange(len(groups)))), (count, len(groups)))
        return Blended(unit(np.asarray(member @ self.dense)), unit_rows(csr_array(member @ self.lexical)))

    def neighbours(self, number: int) -> tuple[Ints, Floats]:
        """The most similar others of each row, the best first, shape (n, min(number, n - 1)), and how similar."""
        number = min(number, len(self) - 1)
        places, scores = np.empty((len(self), number), np.int32), np.empty((len(self), number), np.float32)

        def compare(start: int) -> None:
            rows = slice(start, min(start + _BLOCK, len(self)))
            places[rows], scores[rows] = self._best(rows, number)

        if number:
            in_threads(compare, range(0, len(self), _BLOCK))
        return places, scores

    def _best(self, rows: slice, number: int) -> tuple[Ints, Floats]:
        found = self.between(rows, self)
        found[np.arange(len(found)), np.arange(rows.start, rows.stop)] = -np.inf
        best = np.argpartition(-found, number - 1, axis=1)[:, :number]
        best.sort(axis=1)
        order = np.argsort(-np.take_along_axis(found, best, 1), axis=1, kind="stable")
        places = np.take_along_axis(best, order, 1).astype(np.int32)
        return places, np.take_along_axis(found, places, 1)
