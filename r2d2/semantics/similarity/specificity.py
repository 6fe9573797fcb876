"""How much a token tells what an entity is about, from the entities that have it: are those alike otherwise?

IDF takes rare tokens for telling. Letters before all columns of a table (``fld_``), wrappers (``payload``), initials of
a team and words of a moment (``final``, ``2024``) are rare, too, and occur in tables that have nothing else in common.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array

from r2d2.semantics.similarity.weights import idf, scaled, unit_rows
from r2d2.semantics.tree import Floats

#: A token keeps this share of its weight, whatever its entities are.
_LEAST = 0.05
#: Entities of a token are compared by their other tokens, weighted as was found the time before.
_ROUNDS = 2
#: So many entities of a token at least say something about what is usual.
_SOME = 3


def specificity(held: csr_array) -> Floats:
    """The share of its weight that each token keeps, shape (tokens,), 0.05 to 1.

    It is the mean cosine of the entities that have the token, without the token itself, as a share of what is usual;
    of few entities, on the way from 1 to that.

    Args:
        held: which entity has which token, shape (entities, tokens), of ones.
    """
    often = np.asarray(held.sum(axis=0)).ravel()
    found = np.ones(held.shape[1], np.float32)
    for _ in range(_ROUNDS):
        alike = _alike(unit_rows(scaled(held, idf(held) * found)), held, often)
        known = alike[often >= _SOME]
        usual = float(np.median(known)) if len(known) else 0.0
        if usual <= 0:
            return np.ones(held.shape[1], np.float32)
        share = np.clip(alike / usual, _LEAST, 1)
        found = ((share * np.maximum(often - 1, 0) + 1) / np.maximum(often, 1)).astype(np.float32)
    return found


def _alike(rows: csr_array, held: csr_array, often: Floats) -> Floats:
    """The mean cosine between the entities of each token, the token left out."""
    sums = csr_array(held.T @ rows)
    own = np.asarray(rows.sum(axis=0)).ravel()
    own_squares = np.asarray(rows.multiply(rows).sum(axis=0)).ravel()
    squares = np.asarray(sums.multiply(sums).sum(axis=1)).ravel() - own**2
    pairs = np.maximum(often * (often - 1), 1)
    return np.asarray((squares - (often - own_squares)) / pairs, np.float32)
