"""Which column of one dataset is which of the other's: one to one, the most alike in sum."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.sparse import block_array, csr_array
from scipy.sparse.csgraph import connected_components

from r2d2.semantics.tree import Floats, Ints

#: Pairs of columns that are solved at once, in 0.06 s at worst: the time is cubic in them.
WHOLE = 250_000
#: Among columns that are as alike, those of equal marks are one.
_MARKS = 1e-3


@dataclass(frozen=True, eq=False)
class Side:
    """Columns of one dataset.

    Attributes:
        kinds: the place of each column's kind.
        marks: the number of what its reading leaves out of its name.
    """

    kinds: Ints
    marks: Ints


class Found(NamedTuple):
    """Columns of the left, those of the right that they are, and how alike they are."""

    rows: Ints
    columns: Ints
    likeness: Floats


def solved(alike: Floats, left: Ints, right: Ints) -> Found:
    """The most alike in sum.

    Args:
        alike: shape (columns of the left, columns of the right).
        left, right: their marks.
    """
    marked = (alike > 0) & (left[:, None] == right)
    rows, columns = linear_sum_assignment(alike + np.float32(_MARKS) * marked, maximize=True)
    likeness = alike[rows, columns]
    some = likeness > 0
    return Found(rows[some].astype(np.int32), columns[some].astype(np.int32), likeness[some])


def assigned(alike: csr_array, left: Side, right: Side) -> Found:
    """The same of many columns, in less time than their cube takes.

    Args:
        alike: how alike kinds are, shape (kinds of the left, kinds of the right); what is not there can't be one.
    """
    found = [_of_group(alike, left, right, *group) for group in _groups(alike, left, right)]
    rows, columns, likeness = (np.concatenate(parts) for parts in zip(*found, strict=True))
    order = np.argsort(rows)
    return Found(rows[order], columns[order], likeness[order])


def _groups(alike: csr_array, left: Side, right: Side) -> Iterator[tuple[Ints, Ints]]:
    """Columns of both that are solved at once: all that may be one, if only because of others, are in one group."""
    groups, found = connected_components(block_array([[None, alike], [alike.T, None]]), directed=False)
    of_left, of_right = _members(found[left.kinds], groups), _members(found[alike.shape[0] + right.kinds], groups)
    some, others = (np.empty(0, np.int32),) * 2
    for rows, columns in zip(of_left, of_right, strict=True):
        if len(rows) and len(columns):
            if (len(some) + len(rows)) * (len(others) + len(columns)) > WHOLE:
                yield some, others
                some, others = rows[:0], columns[:0]
            some, others = np.concatenate([some, rows]), np.concatenate([others, columns])
    yield some, others


def _members(group: Ints, groups: int) -> list[Ints]:
    order = np.argsort(group, kind="stable").astype(np.int32)
    return np.split(order, np.cumsum(np.bincount(group, minlength=groups))[:-1])


def _of_group(alike: csr_array, left: Side, right: Side, rows: Ints, columns: Ints) -> Found:
    if len(rows) * len(columns) > WHOLE:
        return _by_likeness(alike, left, right, rows, columns)
    some = alike[left.kinds[rows]][:, right.kinds[columns]].toarray()
    found = solved(some, left.marks[rows], right.marks[columns])
    return Found(rows[found.rows], columns[found.columns], found.likeness)


def _by_likeness(alike: csr_array, left: Side, right: Side, rows: Ints, columns: Ints) -> Found:
    """Kinds that are most alike first: the best where columns of one kind on a side are all that there is."""
    mine, theirs = _waiting(left, rows), _waiting(right, columns)
    some = np.asarray(list(mine), np.int32)
    known = alike[some].tocoo()
    order = np.argsort(-known.data, kind="stable")
    found: list[tuple[int, int, float]] = []
    kinds = zip(some[known.row[order]].tolist(), known.col[order].tolist(), known.data[order].tolist(), strict=True)
    for row, column, score in kinds:
        found.extend((one, other, score) for one, other in _taken(mine[row], theirs[column]))
    pairs = np.asarray([pair[:2] for pair in found], np.int32).reshape(-1, 2)
    return Found(pairs[:, 0], pairs[:, 1], np.asarray([likeness for _, _, likeness in found], np.float32))


#: Columns of a kind by their marks, the last first.
_Waiting = dict[int, list[int]]


def _waiting(side: Side, columns: Ints) -> dict[int, _Waiting]:
    found: dict[int, _Waiting] = {}
    for column in columns[::-1].tolist():
        of_kind = found.setdefault(int(side.kinds[column]), {})
        of_kind.setdefault(int(side.marks[column]), []).append(column)
    return found


def _taken(mine: _Waiting, theirs: _Waiting) -> Iterator[tuple[int, int]]:
    """Pairs of columns of two kinds, as many as there are: of equal marks, then in order; they wait no longer."""
    for marks in list(mine if len(mine) < len(theirs) else theirs):
        while marks in mine and marks in theirs:
            yield _next(mine, marks), _next(theirs, marks)
    while mine and theirs:
        yield _next(mine, next(reversed(mine))), _next(theirs, next(reversed(theirs)))


def _next(waiting: _Waiting, marks: int) -> int:
    column = waiting[marks].pop()
    if not waiting[marks]:
        del waiting[marks]
    return column
