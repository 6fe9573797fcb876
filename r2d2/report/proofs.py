"""The way from a kept dataset down to one that is rebuilt from it, over the proven edges of the reduction."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence

from r2d2.model.edge import Edge, Projection
from r2d2.model.names import fold

#: A longer way is not shown: nobody reads it, and searching for it would make a chain of snapshots quadratic.
MAX_STEPS = 8

_Columns = frozenset[tuple[tuple[str, ...], str]]
_Place = str | int


class ProofPaths:
    """Shortest ways over edges, where exact duplicates (one group) count as one place.

    A way goes on only where the lower edge's columns are among the upper edge's, with the same families: a path may not
    enter a text dataset by one view and leave it by another (EXACTNESS 4).
    """

    def __init__(self, edges: Sequence[Edge], group_of: Mapping[str, int]) -> None:
        self._group_of = group_of
        known: dict[Projection, _Columns] = {}
        self._columns = [known.setdefault(e.projection, _columns(e.projection)) for e in edges]
        self._ends = [(self._place(edge.parent), self._place(edge.child)) for edge in edges]
        self._into: dict[_Place, list[int]] = defaultdict(list)
        for index, (parent, child) in enumerate(self._ends):
            if parent != child:
                self._into[child].append(index)

    def between(self, parent: str, child: str) -> tuple[int, ...]:
        """Indices of the edges from ``parent`` down to ``child``; empty if no way of ``MAX_STEPS`` is found."""
        goal = self._place(parent)
        below: dict[int, int] = {}
        queue = deque((index, 1) for index in self._into.get(self._place(child), ()))
        seen = {index for index, _ in queue}
        while queue:
            index, steps = queue.popleft()
            if self._ends[index][0] == goal:
                return tuple(_walk_down(index, below))
            for above in self._into.get(self._ends[index][0], ()) if steps < MAX_STEPS else ():
                if above not in seen and self._columns[index] <= self._columns[above]:
                    seen.add(above)
                    below[above] = index
                    queue.append((above, steps + 1))
        return ()

    def _place(self, dataset: str) -> _Place:
        return self._group_of.get(dataset, dataset)


def _walk_down(index: int, below: Mapping[int, int]) -> Iterator[int]:
    yield index
    while index in below:
        index = below[index]
        yield index


def _columns(projection: Projection) -> _Columns:
    return frozenset((fold(path), family) for path, family in projection)
