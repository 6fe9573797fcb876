"""How well a clustering agrees with the truth, and a ranking with what is relevant."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Sequence

import numpy as np
import numpy.typing as npt


def adjusted_rand_index(first: Sequence[Hashable], second: Sequence[Hashable]) -> float:
    """Agreement of two partitions of the same things, by position: 1 for equal ones, about 0 for unrelated ones.

    Raises:
        ValueError: they differ in length.
    """
    rows, columns = _numbered(first), _numbered(second)
    if len(rows) != len(columns):
        raise ValueError("two partitions of different things")
    if len(rows) < 2:
        return 1.0
    _, cells = np.unique(rows * (int(columns.max()) + 1) + columns, return_counts=True)
    together = _pairs(cells)
    in_rows, in_columns = _pairs(np.bincount(rows)), _pairs(np.bincount(columns))
    expected = in_rows * in_columns / (len(rows) * (len(rows) - 1) / 2)
    most = (in_rows + in_columns) / 2
    return 1.0 if most == expected else float((together - expected) / (most - expected))


def _numbered(labels: Sequence[Hashable]) -> npt.NDArray[np.int64]:
    numbers: dict[Hashable, int] = {}
    return np.asarray([numbers.setdefault(label, len(numbers)) for label in labels], np.int64)


def _pairs(counts: npt.NDArray[np.int64]) -> float:
    return float((counts.astype(np.float64) * (counts - 1) / 2).sum())


def r_precision(ranked: Sequence[str], relevant: Collection[str]) -> float:
    """Share of relevant ones among the first as many as there are; 0 where none is relevant."""
    found = len(set(ranked[: len(relevant)]) & set(relevant))
    return found / len(relevant) if relevant else 0.0


def recall_at(ranked: Sequence[str], relevant: Collection[str], count: int = 10) -> float:
    """Relevant ones among the first ``count``, as a share of those that could be there; 0 where none is relevant."""
    found = len(set(ranked[:count]) & set(relevant))
    return found / min(count, len(relevant)) if relevant else 0.0
