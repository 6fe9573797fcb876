"""All pairs of a component of which one side holds all rows of the other, as arrays: no walk for each dataset.

Nodes are groups of exact duplicates. Bits say which nodes are ancestors of which, a row of n bits for each of n nodes,
so that 2,000 nodes take half a megabyte and an edge of the reduction one OR of such rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from graphlib import TopologicalSorter

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
_Bits = npt.NDArray[np.uint64]

#: Nodes of a component whose bits are held: 32 MB of them.
MOST_NODES = 1 << 14
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


def expanded(
    node: Ints, ancestor: Ints, children: Sequence[Ints], parents: Sequence[Ints], most: int
) -> tuple[Ints, Ints] | None:
    """Pairs of different members for pairs of nodes; None if there are more than ``most``, equal members counted.

    Args:
        children: of each node: those of its members that count as children.
        parents: of each node: those that count as parents.
    """
    child_flat, child_start, child_size = _flat(children)
    parent_flat, parent_start, parent_size = _flat(parents)
    counts = child_size[node] * parent_size[ancestor]
    if int(counts.sum()) > most:
        return None
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
