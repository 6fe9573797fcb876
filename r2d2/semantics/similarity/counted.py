"""Tokens of entities as a matrix of counts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from scipy.sparse import csr_array


def counted(rows: Iterable[Iterable[str]]) -> tuple[csr_array, Sequence[str]]:
    """How often each row has each token, shape (rows, tokens), float32; and the tokens."""
    number: dict[str, int] = {}
    columns: list[int] = []
    starts = [0]
    for row in rows:
        columns.extend(number.setdefault(token, len(number)) for token in row)
        starts.append(len(columns))
    ones = np.ones(len(columns), np.float32)
    matrix = csr_array((ones, np.asarray(columns, np.int32), np.asarray(starts)), shape=(len(starts) - 1, len(number)))
    matrix.sum_duplicates()
    return matrix, tuple(number)
