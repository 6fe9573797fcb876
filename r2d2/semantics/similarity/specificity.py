"""How much a token tells what an entity is about, from the entities that have it: are those alike otherwise?

IDF takes rare tokens for telling. Letters before all columns of a table (``fld_``), wrappers (``payload``), initials of
a team and words of a moment (``final``, ``2024``) are rare, too, and occur in tables that have nothing else in common.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from r2d2.semantics.similarity.weights import idf, scaled, unit_rows
from r2d2.semantics.tree import Floats

#: A token keeps this share of its weight, whatever its entities are.
_LEAST = 0.05
#: Entities of a token are compared by their other tokens, weighted as was found the time before.
_ROUNDS = 2
#: So many entities of a token at least say something about what is usual.
_SOME = 3
#: An entity of more tokens than so many, and than this share of the root of what all have, is compared with the others
#: itself: sums over entities take the square of their tokens (*measured*: 16 times as long for each product, and 11 GB
#: for a table of 20,000 columns).
_WIDE, _WIDER = 200, 0.25
#: Products of a block of tokens at most, and wide entities that are compared at once.
_PRODUCTS, _AT_ONCE = 4_000_000, 16


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
    """The mean cosine between the entities of each token, the token left out; of one entity there is none."""
    own = np.asarray(rows.sum(axis=0)).ravel()
    own_squares = np.asarray(rows.multiply(rows).sum(axis=0)).ravel()
    squares = np.zeros(held.shape[1], np.float32)
    shared = np.flatnonzero(often > 1)
    squares[shared] = _squares(rows, csr_array(held[:, shared])) - own[shared] ** 2
    pairs = np.maximum(often * (often - 1), 1)
    return np.asarray((squares - (often - own_squares)) / pairs, np.float32)


def _squares(rows: csr_array, held: csr_array) -> Floats:
    """Of each token, the squared length of the sum of its entities' rows: the sum of their products with each other."""
    wide = np.diff(rows.indptr) > max(_WIDE, _WIDER * rows.nnz**0.5)
    found = _of_sums(rows[~wide], held[~wide])
    if wide.any():
        found += _with_wide(rows, held, wide)
    return found


def _of_sums(rows: csr_array, held: csr_array) -> Floats:
    """The same by the sums themselves, a block of tokens at a time."""
    of_token = held.tocsc()
    block = np.cumsum(held.T @ np.diff(rows.indptr)) // _PRODUCTS
    found = np.zeros(held.shape[1], np.float32)
    for first, last in pairwise((0, *(np.flatnonzero(np.diff(block)) + 1).tolist(), held.shape[1])):
        sums = csr_array(of_token[:, first:last].T @ rows)
        sums.sort_indices()
        found[first:last] = np.asarray(sums.multiply(sums).sum(axis=1)).ravel()
    return found


def _with_wide(rows: csr_array, held: csr_array, wide: npt.NDArray[np.bool_]) -> Floats:
    """The products of wide entities with all others of a token; those with other wide ones are met from both sides."""
    met = np.where(wide, 1.0, 2.0)[:, None]
    found = np.zeros(held.shape[1])
    at = np.flatnonzero(wide)
    for start in range(0, len(at), _AT_ONCE):
        some = at[start : start + _AT_ONCE]
        products = (rows @ rows[some].T).toarray() * met
        found += np.asarray(held[some].T.multiply(held.T @ products).sum(axis=1)).ravel()
    return np.asarray(found, np.float32)
