"""The way from a kept dataset down to one that is rebuilt from it, over the proven edges of the reduction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from r2d2.model.edge import Edge, Projection
from r2d2.model.names import fold

#: A longer way is not shown: nobody reads it, and searching for it would make a chain of snapshots quadratic.
MAX_STEPS = 8
#: Steps that are searched from the parent down; the rest, if need be, from the child up.
_DOWN = 5

_Columns = frozenset[tuple[tuple[str, ...], str]]
_Place = str | int
_Reached = dict[int, int | None]


class ProofPaths:
    """Shortest ways over edges, where exact duplicates (one group) count as one place.

    A way goes on only where the lower edge's columns are among the upper edge's, with the same families: a path may not
    enter a text dataset by one view and leave it by another (EXACTNESS 4).

    It is searched from both ends, and what is found from a parent down serves all its children: in a lake of many
    layers each dataset has thousands of others above it.
    """

    def __init__(self, edges: Sequence[Edge], group_of: Mapping[str, int]) -> None:
        self._group_of = group_of
        known: dict[Projection, int] = {}
        self._kinds = [known.setdefault(edge.projection, len(known)) for edge in edges]
        self._columns = [_columns(projection) for projection in known]
        self._within: dict[tuple[int, int], bool] = {}
        self._ends = [(self._place(edge.parent), self._place(edge.child)) for edge in edges]
        self._into: dict[_Place, list[int]] = defaultdict(list)
        self._from: dict[_Place, list[int]] = defaultdict(list)
        for index, (parent, child) in enumerate(self._ends):
            if parent != child:
                self._into[child].append(index)
                self._from[parent].append(index)
        self._down: dict[_Place, _Reached] = {}

    def between(self, parent: str, child: str) -> tuple[int, ...]:
        """Indices of the edges from ``parent`` down to ``child``; empty if no way of ``MAX_STEPS`` is found."""
        goal, up = self._place(parent), dict.fromkeys(self._into.get(self._place(child), ()))
        if (direct := next((index for index in up if self._ends[index][0] == goal), None)) is not None:
            return (direct,)
        down = self._below(goal)
        level = list(up) if down else []
        for steps in range(_DOWN, MAX_STEPS + 1):
            if met := [index for index in level if index in down]:  # a shorter way would have met a level before
                ways = [(*reversed(_way(index, down)), *_way(index, up)[1:]) for index in met]
                return min(ways, key=lambda way: (len(way), way))
            level = _further(level, up, self._upper) if steps < MAX_STEPS else []
        return ()

    def _below(self, place: _Place) -> _Reached:
        """Edges within ``_DOWN`` steps of a place, each with the edge before it."""
        if place not in self._down:
            found: _Reached = dict.fromkeys(self._from.get(place, ()))
            level = list(found)
            for _ in range(_DOWN - 1):
                level = _further(level, found, self._lower)
            self._down[place] = found
        return self._down[place]

    def _lower(self, index: int) -> Iterator[int]:
        return (below for below in self._from.get(self._ends[index][1], ()) if self._goes_on(index, below))

    def _upper(self, index: int) -> Iterator[int]:
        return (above for above in self._into.get(self._ends[index][0], ()) if self._goes_on(above, index))

    def _goes_on(self, above: int, below: int) -> bool:
        pair = self._kinds[above], self._kinds[below]
        if pair not in self._within:
            self._within[pair] = self._columns[pair[1]] <= self._columns[pair[0]]
        return self._within[pair]

    def _place(self, dataset: str) -> _Place:
        return self._group_of.get(dataset, dataset)


def _further(level: Iterable[int], found: _Reached, beyond: Callable[[int], Iterator[int]]) -> list[int]:
    """The edges one step beyond a level that were not found yet; they are now."""
    new = []
    for index in level:
        for other in beyond(index):
            if other not in found:
                found[other] = index
                new.append(other)
    return new


def _way(index: int, reached: _Reached) -> list[int]:
    """From an edge back to where it was searched from."""
    way = [index]
    while (before := reached[way[-1]]) is not None:
        way.append(before)
    return way


def _columns(projection: Projection) -> _Columns:
    return frozenset((fold(path), family) for path, family in projection)
