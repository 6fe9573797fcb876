"""Which other words a word occurs among, and how alike that is for two words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_array

from r2d2.semantics.similarity.counted import counted
from r2d2.semantics.similarity.weights import idf, scaled, unit_rows
from r2d2.semantics.tree import Floats


class Company:
    """Words by what they occur among, in tables: two words of one meaning need not share a table.

    Args:
        tables: of each dataset, the words of its name and of its columns.
    """

    def __init__(self, tables: Sequence[Sequence[Sequence[str]]]) -> None:
        distinct = {tuple(sorted({word for name in table for word in name})) for table in tables}
        held, words = counted(sorted(distinct))
        self._number = {word: place for place, word in enumerate(words)}
        weighted = unit_rows(scaled(held, idf(held)))
        self._held = csr_array(weighted.T.tocsr())
        self._weighted = weighted
        self._rows: dict[int, Floats] = {}

    def likeness(self, first: str, second: str) -> float:
        """The cosine of what two words occur among, 0 to 1; they themselves don't count. 0 for words of no table."""
        if first not in self._number or second not in self._number:
            return 0.0
        a, b = self._number[first], self._number[second]
        left, right = self._among(a), self._among(b)
        left, right = left.copy(), right.copy()
        for row in (left, right):
            row[[a, b]] = 0
        lengths = float(np.linalg.norm(left) * np.linalg.norm(right))
        return float(left @ right) / lengths if lengths else 0.0

    def _among(self, word: int) -> Floats:
        if word not in self._rows:
            self._rows[word] = (self._held[[word]] @ self._weighted).toarray().ravel()
        return self._rows[word]
