"""Which other words a word occurs among, and how alike that is for two words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

from r2d2.semantics.similarity.counted import counted
from r2d2.semantics.similarity.weights import idf, scaled, unit_rows
from r2d2.semantics.tree import Floats, Ints

#: Words with weights that are kept for the next comparison, over all that were compared: 64 MB.
_KEPT = 8_000_000


class _Among(NamedTuple):
    """What a word occurs among: numbers of words, ascending, and their weights."""

    words: Ints
    weights: Floats

    def without(self, one: int, other: int) -> _Among:
        others = (self.words != one) & (self.words != other)
        return _Among(self.words[others], self.weights[others])

    def times(self, other: _Among) -> float:
        """The sum of products of the weights of what both have."""
        if len(self.words) == len(other.words) and np.array_equal(self.words, other.words):
            return float(self.weights @ other.weights)
        few, many = (self, other) if len(self.words) < len(other.words) else (other, self)
        at = np.searchsorted(many.words, few.words)
        both = at < len(many.words)
        both[both] = many.words[at[both]] == few.words[both]
        return float(few.weights[both] @ many.weights[at[both]])


class Company:
    """Words by what they occur among, in tables: two words of one meaning need not share a table.

    Args:
        tables: of each dataset, the words of its name and of its columns.
    """

    def __init__(self, tables: Sequence[Sequence[Sequence[str]]]) -> None:
        distinct = {tuple(sorted({word for name in table for word in name})) for table in tables}
        held, words = counted(sorted(distinct))
        self._number = {word: place for place, word in enumerate(words)}
        self._weighted = unit_rows(scaled(held, idf(held)))
        self._held = csr_array(self._weighted.T.tocsr())
        self._together = _numbered(self._tables(word).tobytes() for word in range(len(words)))
        self._rows: dict[int, _Among] = {}
        self._size = 0

    def likeness(self, first: str, second: str) -> float:
        """The cosine of what two words occur among, 0 to 1; they themselves don't count. 0 for words of no table."""
        if first not in self._number or second not in self._number:
            return 0.0
        a, b = self._number[first], self._number[second]
        left, right = self._among(a).without(a, b), self._among(b).without(a, b)
        lengths = (left.times(left) * right.times(right)) ** 0.5
        return left.times(right) / lengths if lengths else 0.0

    def _tables(self, word: int) -> Ints:
        return np.asarray(self._held.indices[self._held.indptr[word] : self._held.indptr[word + 1]])

    def _among(self, word: int) -> _Among:
        """One for all words of the same tables: those of a wide table would take the square of their number."""
        key = self._together[word]
        row = self._rows.pop(key, None)
        if row is None:
            found = csr_array(self._held[[word]] @ self._weighted)
            found.sort_indices()
            row = _Among(found.indices, found.data)
            self._size += len(row.words)
            while self._size > _KEPT and self._rows:
                self._size -= len(self._rows.pop(next(iter(self._rows))).words)
        self._rows[key] = row  # last: the one asked for the longest ago is let go first
        return row


def _numbered(keys: Iterable[bytes]) -> list[int]:
    """Equal ones have one number."""
    number: dict[bytes, int] = {}
    return [number.setdefault(key, len(number)) for key in keys]
