"""The words of entities, and how much each of them tells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import csr_array

from r2d2.semantics.entities.entities import Entities
from r2d2.semantics.similarity.counted import counted
from r2d2.semantics.similarity.specificity import specificity
from r2d2.semantics.similarity.weights import idf, presence
from r2d2.semantics.tree import Floats


@dataclass(frozen=True, eq=False)
class Tokens:
    """Words of names and columns, both as they are written and as they are meant.

    Attributes:
        held: which entity has which word, shape (entities, words), of ones.
        words: in the order of the columns.
    """

    held: csr_array
    words: tuple[str, ...]

    @classmethod
    def of(cls, entities: Entities) -> Tokens:
        """Those of all entities."""
        held, words = counted(_rows(entities))
        return cls(presence(held), tuple(words))

    @cached_property
    def specific(self) -> Floats:
        """The share of its weight that each word keeps (``specificity``)."""
        return specificity(self.held)

    @cached_property
    def weights(self) -> Floats:
        """How much each word tells, shape (words,)."""
        return idf(self.held) * self.specific

    @cached_property
    def place(self) -> dict[str, int]:
        """The column of each word."""
        return {word: number for number, word in enumerate(self.words)}

    def share(self, words: Sequence[str]) -> Floats:
        """``specific`` of some words; 1 for those that are none of these."""
        found = [self.specific[self.place[word]] if word in self.place else 1.0 for word in words]
        return np.asarray(found, np.float32)


def _rows(entities: Entities) -> Iterator[list[str]]:
    of_concept = [tuple(dict.fromkeys((*concept.words, *concept.spelled))) for concept in entities.concepts]
    starts, columns = entities.holds.indptr, entities.holds.indices
    for row in range(len(entities)):
        found = [word for c in columns[starts[row] : starts[row + 1]] for word in of_concept[c]]
        yield [*found, *entities.names[row], *entities.written[row]]
