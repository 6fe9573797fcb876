"""Which texts have the words of a question: BM25, as a share of what a text that has all of them would get."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import bm25s
import numpy as np

from r2d2.semantics.entities.entities import Entities
from r2d2.semantics.tree import Floats

#: A word of a name counts as often as one in so many columns.
_NAME = 2


@dataclass(frozen=True, eq=False)
class Words:
    """Texts as lists of words.

    Attributes:
        rows: of each text its words, with repetitions.
    """

    rows: Sequence[Sequence[str]]

    def share(self, words: Sequence[str]) -> Floats:
        """How much of a question's words each text has, shape (texts,), 0 to 1; rare ones count more.

        A word that no text has counts like the rarest, so that a question of many unknown words is no match for all.
        """
        known = [word for word in words if word in self._often]
        if not known:
            return np.zeros(len(self.rows), np.float32)
        most = sum(self._idf(self._often.get(word, 0)) for word in words)
        return np.asarray(self._searched.get_scores(known) / most, np.float32)

    def has(self, word: str) -> Floats:
        """Ones for the texts that have a word, shape (texts,)."""
        if word not in self._often:
            return np.zeros(len(self.rows), np.float32)
        return np.asarray(self._searched.get_scores([word]) > 0, np.float32)

    def _idf(self, often: int) -> float:
        return float(np.log1p((len(self.rows) - often + 0.5) / (often + 0.5)))

    @cached_property
    def _often(self) -> dict[str, int]:
        """In how many texts each word is."""
        found: dict[str, int] = {}
        for row in self.rows:
            for word in dict.fromkeys(row):
                found[word] = found.get(word, 0) + 1
        return found

    @cached_property
    def _searched(self) -> bm25s.BM25:
        found = bm25s.BM25()
        found.index(list(map(list, self.rows)), show_progress=False)
        return found


def words_of_entities(entities: Entities) -> Words:
    """Expanded and original words of columns and names."""
    of_concept = [tuple(dict.fromkeys((*concept.words, *concept.spelled))) for concept in entities.concepts]
    starts, columns = entities.holds.indptr, entities.holds.indices
    return Words(
        [
            [
                *(word for concept in columns[starts[row] : starts[row + 1]] for word in of_concept[concept]),
                *_named(entities, row),
            ]
            for row in range(len(entities))
        ]
    )


def _named(entities: Entities, row: int) -> Iterable[str]:
    return list(dict.fromkeys((*entities.names[row], *entities.written[row]))) * _NAME
