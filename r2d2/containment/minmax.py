"""Min-max pruning (the paper's section 4.2), over row counts, null counts and bounds, for all pairs of a class pair.

A statistic refutes only where it is tight on the child's side and valid on the parent's (EXACTNESS 5). Bounds are
replaced by their ranks among all bounds of the leaf, so that arrays compare exactly whatever the family.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from r2d2.containment.spelling import alike_note, null_note
from r2d2.model.dataset import Bounds, BoundValue, Dataset, Leaf, LeafPath
from r2d2.model.edge import Projection
from r2d2.model.names import fold

_ABOVE = "its largest value lies above the other's"
#: Pairs compared at once: 64 MiB of booleans.
_BLOCK = 1 << 26
#: Ranks that never refute: a lowest parent bound, a highest, and for children the other way round.
_NEVER_LOW, _NEVER_HIGH = -1, np.iinfo(np.int64).max

Ints = npt.NDArray[np.int64]


def leaves_by_path(dataset: Dataset, case_sensitive: bool) -> dict[LeafPath, Leaf]:
    """The dataset's leaves by folded path."""
    return {fold(leaf.path, case_sensitive): leaf for leaf in dataset.leaves}


def refutes_by_metadata(
    parent: Dataset, child: Dataset, projection: Projection, case_sensitive: bool = False
) -> str | None:
    """Why the metadata rules the pair out, in words without cell values; None if it does not."""
    if child.rows is not None and parent.rows is not None and child.rows > parent.rows:
        return f"it has {child.rows} rows, the other {parent.rows}"
    mine, theirs = leaves_by_path(child, case_sensitive), leaves_by_path(parent, case_sensitive)
    for path, family in projection:
        reason = _leaf_refutes(mine[path], theirs[path], family, child.rows, parent.rows)
        if reason:
            note = _note((child, mine[path]), (parent, theirs[path]), family, reason)
            return f"column {'.'.join(mine[path].path)}: {reason}{note}"
    return None


def spelling_notes(parent: Dataset, child: Dataset, projection: Projection, case_sensitive: bool = False) -> str:
    """For a pair that its content refuted: which column of a text file spells NULL and the empty text alike, if any."""
    if not {parent.format, child.format} & {"csv", "tsv"}:
        return ""
    mine, theirs = leaves_by_path(child, case_sensitive), leaves_by_path(parent, case_sensitive)
    for path, family in projection:
        note = alike_note((child, mine[path]), (parent, theirs[path]), family)
        if note:
            return f" (column {'.'.join(mine[path].path)}: {note})"
    return ""


def _note(child: tuple[Dataset, Leaf], parent: tuple[Dataset, Leaf], family: str, reason: str) -> str:
    """What the spelling of a text file adds to a reason."""
    if reason == _ABOVE:
        return ""
    note = alike_note(child, parent, family)
    if not note and (child[1].nulls or 0) > (parent[1].nulls or 0):
        note = null_note(child[0], family)
    return f"; {note}" if note else ""


@dataclass(frozen=True)
class Survivors:
    """Pairs (indexes of datasets) that metadata does not rule out, and how many were looked at."""

    parents: Ints
    children: Ints
    pairs: int


def survivors(
    datasets: Sequence[Dataset],
    leaves: Sequence[Mapping[LeafPath, Leaf]],
    parents: Sequence[int],
    children: Sequence[int],
    projection: Projection,
) -> Iterator[Survivors]:
    """Blocks of pairs of ``parents`` × ``children`` that no statistic refutes; a dataset is never its own parent.

    Args:
        datasets: all datasets.
        leaves: of each dataset, by folded path.
        parents, children: members of the two classes.
        projection: what they are compared under.
    """
    p, c = np.asarray(parents, np.int64), np.asarray(children, np.int64)
    step = max(1, _BLOCK // max(1, len(c)))
    made = _columns(datasets, leaves, p, c, projection)
    telling = (pair for pair in made if all(map(len, pair)) and pair[0].max() > pair[1].min())
    columns = telling if len(p) <= step else list(telling)
    for start in range(0, len(p), step):
        block = slice(start, start + step)
        fits = p[block, None] != c[None, :]
        pairs = int(fits.sum())
        for low, high in columns:
            fits &= low[block, None] <= high[None, :]
            if not fits.any():
                break
        rows, cols = np.nonzero(fits)
        yield Survivors(p[block][rows], c[cols], pairs)


def _columns(
    datasets: Sequence[Dataset],
    leaves: Sequence[Mapping[LeafPath, Leaf]],
    p: Ints,
    c: Ints,
    projection: Projection,
) -> Iterator[tuple[Ints, Ints]]:
    """Pairs of arrays (of parents, of children) of which the first must not exceed the second."""
    rows = _array(datasets[i].rows for i in p), _array(datasets[i].rows for i in c)
    yield _not_more(rows[1], rows[0])
    for path, family in projection:
        mine, theirs = [leaves[i][path] for i in c], [leaves[i][path] for i in p]
        nulls = _array(leaf.nulls for leaf in theirs), _array(leaf.nulls for leaf in mine)
        yield _not_more(nulls[1], nulls[0])
        values = [np.where((rows[k] < 0) | (nulls[k] < 0), -1, rows[k] - nulls[k]) for k in (0, 1)]
        yield _not_more(values[1], values[0])
        yield from _bound_columns([x.bounds.get(family) for x in theirs], [x.bounds.get(family) for x in mine])


def _not_more(child: Ints, parent: Ints) -> tuple[Ints, Ints]:
    """What says that the child's count must not exceed the parent's; an unknown count (-1) refutes nothing."""
    return -np.where(parent < 0, _NEVER_HIGH, parent), -np.maximum(child, 0)


def _bound_columns(theirs: list[Bounds | None], mine: list[Bounds | None]) -> list[tuple[Ints, Ints]]:
    rank = _ranks([bound for bounds in (*theirs, *mine) if bounds for bound in (bounds.low, bounds.high)])
    low_parent = [rank[b.low] if b and b.low_valid else _NEVER_LOW for b in theirs]
    low_child = [rank[b.low] if b and b.low_tight else _NEVER_HIGH for b in mine]
    high_parent = [-rank[b.high] if b and b.high_valid else -_NEVER_HIGH for b in theirs]
    high_child = [-rank[b.high] if b and b.high_tight else 1 for b in mine]
    return [
        (np.asarray(low_parent, np.int64), np.asarray(low_child, np.int64)),
        (np.asarray(high_parent, np.int64), np.asarray(high_child, np.int64)),
    ]


def _ranks(values: list[BoundValue]) -> dict[BoundValue, int]:
    """Equal values (0.0 and -0.0 among them) get equal ranks."""
    return {value: i for i, value in enumerate(sorted(set(values)))}


def _array(values: Iterator[int | None] | Sequence[int | None]) -> Ints:
    """Counts, -1 where unknown."""
    return np.asarray([-1 if value is None else value for value in values], np.int64)


def _leaf_refutes(
    child: Leaf, parent: Leaf, family: str, child_rows: int | None, parent_rows: int | None
) -> str | None:
    if child.nulls is not None and parent.nulls is not None:
        if child.nulls > parent.nulls:
            return f"NULL in {child.nulls} rows, in the other in {parent.nulls}"
        known = child_rows is not None and parent_rows is not None
        if known and (child_rows or 0) - child.nulls > (parent_rows or 0) - parent.nulls:
            return "more values that are not NULL than the other has"
    mine, theirs = child.bounds.get(family), parent.bounds.get(family)
    if mine is None or theirs is None:
        return None
    if mine.below(theirs):
        return "its smallest value lies below the other's"
    if mine.above(theirs):
        return _ABOVE
    return None
