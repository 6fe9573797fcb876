"""All pairs of a component of which one side holds all rows of the other, as arrays: no walk for each dataset.

Nodes are groups of exact duplicates. Bits say which nodes are ancestors of which, a row of n bits for each of n nodes,
so that 2,000 nodes take half a megabyte and an edge of the reduction one OR of such rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from graphlib import TopologicalSorter
from itertools import pairwise

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
_Bits = npt.NDArray[np.uint64]

#: Nodes of a component whose bits are held: of more, the many pairs of which neither holds the other cost too much.
MOST_NODES = 1 << 12
#: Pairs that are arrays at a time, about.
_BLOCK = 1 << 20


class Reach:
    """The nodes of a component and their ancestors.

    Args:
        parents: for each node those that hold its rows directly; no node holds its own by a detour.

    Raises:
        graphlib.CycleError: one does.
    """

    def __init__(self, parents: Sequence[Sequence[int]]) -> None:
        self.size = len(parents)
        words = -(-self.size // 64)
        self._bits: _Bits = np.zeros((self.size, words), np.uint64)
        word, bit = np.divmod(np.arange(self.size, dtype=np.uint64), np.uint64(64))
        flags = np.uint64(1) << bit
        self.order = tuple(TopologicalSorter(dict(enumerate(parents))).static_order())
        for node in self.order:
            own = self._bits[node]
            for parent in parents[node]:
                own |= self._bits[parent]
                own[word[parent]] |= flags[parent]

    def pairs(self) -> Iterator[tuple[Ints, Ints]]:
        """(node, ancestor) in blocks, in the order of the nodes; a node is an ancestor of itself."""
        block = max(1, _BLOCK // max(1, self.size))
        for start in range(0, self.size, block):
            rows = self._bits[start : start + block].view(np.uint8)
            flags = np.unpackbits(rows, axis=1, count=self.size, bitorder="little")
            flags[np.arange(len(rows)), np.arange(start, start + len(rows))] = 1
            node, ancestor = np.nonzero(flags)
            yield node.astype(np.int64) + start, ancestor.astype(np.int64)


class MemberPairs:
    """Pairs of members for pairs of nodes, made in pieces.

    Args:
        children: of each node: those of its members that count as children.
        parents: of each node: those that count as parents.
    """

    def __init__(self, node: Ints, ancestor: Ints, children: Sequence[Ints], parents: Sequence[Ints]) -> None:
        self._node, self._ancestor = node, ancestor
        self._children, self._parents = _flat(children), _flat(parents)
        self._counts = self._children[2][node] * self._parents[2][ancestor]
        #: How many there are, each member with itself among them.
        self.count = int(self._counts.sum())

    def __iter__(self) -> Iterator[tuple[Ints, Ints]]:
        """(child, parent) in pieces, without those that are one."""
        ends = np.cumsum(self._counts)
        cuts = np.searchsorted(ends, np.arange(_BLOCK, self.count, _BLOCK)) + 1
        for start, stop in pairwise([0, *np.unique(cuts).tolist(), len(ends)]):
            yield self._piece(slice(start, stop))

    def _piece(self, piece: slice) -> tuple[Ints, Ints]:
        node, ancestor, counts = self._node[piece], self._ancestor[piece], self._counts[piece]
        (child_flat, child_start, _), (parent_flat, parent_start, parent_size) = self._children, self._parents
        told = np.repeat(np.arange(len(node)), counts)
        within = np.arange(len(told)) - np.repeat(np.cumsum(counts) - counts, counts)
        row, column = np.divmod(within, np.maximum(1, parent_size[ancestor][told]))
        child, parent = child_flat[child_start[node][told] + row], parent_flat[parent_start[ancestor][told] + column]
        other = child != parent
        return child[other], parent[other]


def _flat(groups: Sequence[Ints]) -> tuple[Ints, Ints, Ints]:
    """All members in one array, and where each group starts and how many it has."""
    sizes = np.asarray([len(group) for group in groups], np.int64)
    flat = np.concatenate([np.empty(0, np.int64), *groups])
    return flat, np.cumsum(sizes) - sizes, sizes
