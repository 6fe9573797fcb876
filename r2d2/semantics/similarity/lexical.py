"""Which words entities share, and which pieces of words: what spelling has in common where meaning is not known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache

from scipy.sparse import csr_array, hstack

from r2d2.semantics.entities.entities import Entities
from r2d2.semantics.similarity.counted import counted
from r2d2.semantics.similarity.weights import idf, scaled, unit_rows


def lexical(entities: Entities) -> csr_array:
    """TF-IDF of words, and of their pieces of two and three letters, each half of a row of length one."""
    tokens = list(_tokens(entities))
    words, _ = counted(tokens)
    pieces, _ = counted([piece for word in row for piece in pieces_of(word)] for row in tokens)
    halves = [unit_rows(scaled(matrix.sqrt(), idf(matrix))) for matrix in (words, pieces)]
    return csr_array(hstack(halves, format="csr") * 0.5**0.5)


@lru_cache(maxsize=1_000_000)
def pieces_of(word: str) -> tuple[str, ...]:
    """Pieces of two and three letters, with the word's ends marked.

    >>> pieces_of("amt")
    ('^am', 'amt', 'mt$', 'am', 'mt')
    """
    marked = f"^{word}$"
    three = [marked[i : i + 3] for i in range(len(marked) - 2)]
    return tuple(three + [word[i : i + 2] for i in range(len(word) - 1)])


def _tokens(entities: Entities) -> Iterator[list[str]]:
    """Expanded and written words of names and columns, those of each column once."""
    of_concept = [_both(concept.words, concept.written) for concept in entities.concepts]
    starts, columns = entities.holds.indptr, entities.holds.indices
    for row in range(len(entities)):
        found = [word for c in columns[starts[row] : starts[row + 1]] for word in of_concept[c]]
        yield [*found, *dict.fromkeys((*entities.names[row], *entities.written[row]))]


def _both(words: Iterable[str], written: Iterable[str]) -> tuple[str, ...]:
    from r2d2.semantics.entities.words import words_of

    return tuple(dict.fromkeys((*words, *(word for name in written for word in words_of(name)))))
