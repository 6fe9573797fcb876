"""Relations between the nodes of a tree, level by level, as arrays; one of them as a record."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np

from r2d2.semantics.base_relations import Kind, Relations
from r2d2.semantics.tree import Floats, Ints


@dataclass(frozen=True)
class LiftedRelation:
    """One kind of relation between two nodes of a level, or inside of one (its source is its target).

    Attributes:
        count: base relations behind it; 0 for a bridge.
        weight: of these together; of a bridge how alike both centroids are.
        strength: weight over the geometric mean of both volumes, so that a topic isn't near to all by its size.
        exemplars: (source, target) of base relations, the heaviest first; all of them where there are few.
    """

    source: int
    target: int
    kind: Kind
    count: int
    weight: float
    strength: float
    exemplars: tuple[tuple[int, int], ...]


@dataclass(frozen=True, eq=False)
class Lifted:
    """Rows for all levels, sorted by source (so by level), target and kind; those without a direction stand once.

    Attributes:
        base: what was lifted.
        source, target, kind, count, weight, strength: as in ``LiftedRelation``, shape (n,).
        first: where a row's exemplars begin in ``rows``, shape (n + 1,).
        rows: rows of ``base``.
    """

    base: Relations
    source: Ints
    target: Ints
    kind: Ints
    count: Ints
    weight: Floats
    strength: Floats
    first: Ints
    rows: Ints

    def __len__(self) -> int:
        return len(self.source)

    def row(self, index: int) -> LiftedRelation:
        """One row as a record."""
        behind = self.rows[self.first[index] : self.first[index + 1]]
        return LiftedRelation(
            int(self.source[index]),
            int(self.target[index]),
            Kind(int(self.kind[index])),
            int(self.count[index]),
            float(self.weight[index]),
            float(self.strength[index]),
            tuple(zip(self.base.source[behind].tolist(), self.base.target[behind].tolist(), strict=True)),
        )

    def between(self, nodes: Collection[int]) -> Iterator[LiftedRelation]:
        """The relations between any two of some nodes; those inside of one are none of them."""
        wanted = self._wanted(nodes)
        found = wanted[self.source] & wanted[self.target] & (self.source != self.target)
        return map(self.row, np.flatnonzero(found).tolist())

    def inside(self, node: int) -> Iterator[LiftedRelation]:
        """The relations inside of a node, a row for each kind."""
        return map(self.row, np.flatnonzero((self.source == node) & (self.target == node)).tolist())

    def _wanted(self, nodes: Collection[int]) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        most = max(self.source.max(initial=0), self.target.max(initial=0), max(nodes, default=0))
        wanted = np.zeros(int(most) + 1, np.bool_)
        wanted[list(nodes)] = True
        return wanted
