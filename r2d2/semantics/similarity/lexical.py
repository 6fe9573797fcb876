"""Which words entities share, and which pieces of words: what spelling has in common where meaning is not known."""

from __future__ import annotations

from functools import lru_cache

from scipy.sparse import csr_array, hstack

from r2d2.semantics.similarity.counted import counted
from r2d2.semantics.similarity.tokens import Tokens
from r2d2.semantics.similarity.weights import idf, scaled, unit_rows


def lexical(tokens: Tokens) -> csr_array:
    """Weighted words, and their pieces of two and three letters (TF-IDF), each half of a row of length one."""
    spelled, _ = counted(map(pieces_of, tokens.words))
    pieces = csr_array(scaled(tokens.held, tokens.specific) @ spelled).sqrt()
    halves = [unit_rows(scaled(tokens.held, tokens.weights)), unit_rows(scaled(pieces, idf(pieces)))]
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
