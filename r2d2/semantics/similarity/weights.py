"""How much a word or a column says: the rarer among entities, the more (IDF)."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array, diags_array

from r2d2.semantics.tree import Floats


def idf(held: csr_array) -> Floats:
    """The logarithm of one over the share of rows that have a column; 0 for what all have.

    Args:
        held: shape (rows, columns), not negative.
    """
    rows = held.shape[0]
    often = np.bincount(held.indices, minlength=held.shape[1])
    return np.asarray(np.log((1 + rows) / (1 + np.minimum(often, rows))), np.float32)


def presence(counts: csr_array) -> csr_array:
    """Ones where there is anything."""
    return csr_array((np.ones(counts.nnz, np.float32), counts.indices, counts.indptr), shape=counts.shape)


def scaled(held: csr_array, weights: Floats) -> csr_array:
    """Columns, each times its weight."""
    return csr_array(held @ diags_array(weights, format="csr"))


def unit_rows(matrix: csr_array) -> csr_array:
    """Rows of length one; those of zeros stay."""
    lengths = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    return csr_array(diags_array((1 / np.maximum(lengths, 1e-12)).astype(np.float32), format="csr") @ matrix)
