"""Both parts of similarity, summed: what entities mean and how they are spelled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from r2d2.semantics.embed.embedder import unit
from r2d2.semantics.similarity.weights import unit_rows
from r2d2.semantics.tree import Floats, Ints


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
