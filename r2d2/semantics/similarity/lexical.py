"""Which words entities share, and which pieces of words: what spelling has in common where meaning is not known."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.sparse import csr_array, hstack

from r2d2.semantics.similarity.counted import counted
from r2d2.semantics.similarity.tokens import Tokens
from r2d2.semantics.similarity.weights import idf, scaled, unit_rows

#: What more than this share of entities have, and more than so many of them, tells little and costs most: similarities
#: of 10,000 entities took 22 times longer with it, and topics were no better.
_SHARED, _FEW = 0.1, 20


def lexical(tokens: Tokens) -> csr_array:
    """Weighted words, and their pieces of two and three letters (TF-IDF), each half of a row of length one."""
    spelled, _ = counted(map(pieces_of, tokens.words))
    pieces = csr_array(scaled(tokens.held, tokens.specific) @ spelled).sqrt()
    halves = [unit_rows(_telling(part)) for part in (scaled(tokens.held, tokens.weights), scaled(pieces, idf(pieces)))]
    return csr_array(hstack(halves, format="csr") * 0.5**0.5)


def _telling(weighted: csr_array) -> csr_array:
    """Without what most have."""
    often = np.bincount(weighted.indices, minlength=weighted.shape[1])
    kept = often <= max(_SHARED * weighted.shape[0], _FEW)
    found = scaled(weighted, kept.astype(np.float32))
    found.eliminate_zeros()
    return found


@lru_cache(maxsize=1_000_000)
def pieces_of(word: str) -> tuple[str, ...]:
    """Pieces of two and three letters, with the word's ends marked.

    >>> pieces_of("amt")
    ('^am', 'amt', 'mt$', 'am', 'mt')
    """
    marked = f"^{word}$"
    three = [marked[i : i + 3] for i in range(len(marked) - 2)]
    return tuple(three + [word[i : i + 2] for i in range(len(word) - 1)])
