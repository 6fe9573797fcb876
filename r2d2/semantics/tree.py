"""The hierarchy as arrays: entities are its leaves, aggregates lie above them level by level, one root is on top."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Tree:
    """A rooted tree whose nodes are numbers: leaves first, then one level after the other, the root last.

    Attributes:
        leaves: number of entities; node i < leaves is entity i.
        parent: of each node, shape (nodes,); -1 for the root.
        level: of each node, shape (nodes,): 0 for leaves; a parent's is one more than its children's.
    """

    leaves: int
    parent: Ints
    level: Ints

    @classmethod
    def of(cls, labels: Sequence[Ints]) -> Tree:
        """A tree from partitions, the finest first.

        Args:
            labels: of each level, the number of the aggregate (from 0, none without members) that each node of the
                level below belongs to. The last one holds one aggregate: the root.
        """
        parents, levels, start = [], [np.zeros(len(labels[0]), np.int32)], len(labels[0])
        for height, above in enumerate(labels, 1):
            count = int(above.max()) + 1
            parents.append(above.astype(np.int32) + start)
            levels.append(np.full(count, height, np.int32))
            start += count
        parents.append(np.asarray([-1], np.int32))
        return cls(len(labels[0]), np.concatenate(parents), np.concatenate(levels))

    @property
    def nodes(self) -> int:
        """How many there are."""
        return len(self.parent)

    @property
    def root(self) -> int:
        """Its number."""
        return self.nodes - 1

    @property
    def height(self) -> int:
        """The root's level."""
        return int(self.level[self.root])

    @cached_property
    def children(self) -> tuple[tuple[int, ...], ...]:
        """Of each node, in order."""
        found: list[list[int]] = [[] for _ in range(self.nodes)]
        for node, above in enumerate(self.parent.tolist()):
            if above >= 0:
                found[above].append(node)
        return tuple(map(tuple, found))

    @cached_property
    def at(self) -> tuple[Ints, ...]:
        """Of each level, the node of that level above each leaf (a leaf itself at level 0)."""
        rows = [np.arange(self.leaves, dtype=np.int32)]
        for _ in range(self.height):
            rows.append(self.parent[rows[-1]])
        return tuple(rows)

    def path(self, node: int) -> tuple[int, ...]:
        """The node and all above it, the root last."""
        found = [node]
        while self.parent[found[-1]] >= 0:
            found.append(int(self.parent[found[-1]]))
        return tuple(found)

    def of_level(self, level: int) -> range:
        """The nodes of one level, which follow each other."""
        first = int(np.searchsorted(self.level, level, "left"))
        return range(first, int(np.searchsorted(self.level, level, "right")))

    def leaves_below(self, node: int) -> Ints:
        """The leaves under a node; a leaf itself."""
        return np.flatnonzero(self.at[int(self.level[node])] == node).astype(np.int32)


def numbered(labels: npt.NDArray[np.integer]) -> Ints:
    """Labels as numbers from 0 in the order in which they first occur."""
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    order = np.empty(len(first), np.int32)
    order[np.argsort(first, kind="stable")] = np.arange(len(first), dtype=np.int32)
    return np.asarray(order[inverse.reshape(-1)], np.int32)
