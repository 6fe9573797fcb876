"""Pairs decided by their sketches, many at once: posting lists, the rarest row first (DESIGN 5).

The sketches of one projection are inverted: for each row the datasets that list it. A child's rarest row refutes at
once all candidates that lack it; what is left is compared smallest parent first. A proof spares whatever holds that
parent (it holds the child too); a row that one parent lacks is looked for in the others before they are compared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from r2d2.containment.pairs import HOWS, Bools, Ints, Pairs, Standing, components
from r2d2.containment.request import COMPLETE
from r2d2.containment.sketch import Counts, Hashes, Sketch

_SKETCH, _IMPLIED = HOWS.index("sketch"), HOWS.index("implied")


@dataclass(frozen=True)
class _Index:
    """The sketches of one projection, inverted.

    Attributes:
        start: where each dataset's entries begin and end.
        ids, counts, lows: entries by dataset: number of the row, how often it occurs, low half of its hash.
        highs: high half.
        post_start, post_owner, post_count: by number of the row: datasets that list it, and how often.
    """

    start: Mapping[int, tuple[int, int]]
    ids: Ints
    counts: Counts
    lows: Hashes
    highs: Hashes
    post_start: Ints
    post_owner: Ints
    post_count: Counts

    def entries(self, dataset: int) -> slice:
        return slice(*self.start[dataset])

    def postings(self, row: int) -> slice:
        return slice(int(self.post_start[row]), int(self.post_start[row + 1]))


def inverted(sketches: Mapping[int, Sketch]) -> _Index:
    """The index over the sketches of datasets under one projection."""
    owners = list(sketches)
    sizes = np.asarray([len(sketches[owner].low) for owner in owners], np.int64)
    ends = np.cumsum(sizes)
    low = np.concatenate([sketches[owner].low for owner in owners])
    high = np.concatenate([sketches[owner].high for owner in owners])
    count = np.concatenate([sketches[owner].count for owner in owners])
    order = np.argsort(low)
    if np.any((low[order][1:] == low[order][:-1]) & (high[order][1:] != high[order][:-1])):
        order = np.lexsort((high, low))
    first = np.ones(len(low), bool)
    first[1:] = (low[order][1:] != low[order][:-1]) | (high[order][1:] != high[order][:-1])
    ids = np.empty(len(low), np.int64)
    ids[order] = np.cumsum(first) - 1
    owner = np.repeat(np.asarray(owners, np.int64), sizes)
    starts = {o: (int(end - size), int(end)) for o, size, end in zip(owners, sizes, ends, strict=True)}
    post_start = np.append(np.flatnonzero(first), len(low))
    return _Index(starts, ids, count, low, high, post_start, owner[order], count[order])


@dataclass(frozen=True)
class _Bounds:
    """By dataset: whether its sketch lists all rows, and the bound below which it does."""

    complete: Bools
    below: Hashes

    @staticmethod
    def of(sketches: Mapping[int, Sketch], datasets: int) -> _Bounds:
        found = _Bounds(np.zeros(datasets, bool), np.zeros(datasets, np.uint64))
        for owner, sketch in sketches.items():
            found.complete[owner], found.below[owner] = sketch.complete, min(sketch.bound, COMPLETE - 1)
        return found


@dataclass
class _Refuted:
    """What is known of a child: parents that lack one of its rows, the row's number, how often each holds it."""

    parents: Ints
    rows: Ints
    held: Counts


@dataclass
class Search:
    """Decides open pairs both of whose sides have a sketch.

    Attributes:
        pairs: gets the verdicts.
        rows: number of rows of each dataset.
        sketches: by projection (index) and dataset.
    """

    pairs: Pairs
    rows: Ints
    sketches: Mapping[int, Mapping[int, Sketch]]
    _above: dict[int, npt.NDArray[np.uint8]] = field(default_factory=dict)
    _refuted: dict[tuple[int, int], _Refuted] = field(default_factory=dict)

    def run(self) -> None:
        """Decides what sketches can decide; pairs of which a side lists only some of its rows may stay open."""
        positions = self._decidable()
        if not len(positions):
            return
        pairs = self.pairs
        self._index = {number: inverted(found) for number, found in self.sketches.items() if found}
        self._held = np.zeros(len(self.rows), np.int64)
        self._listed = np.zeros(max(len(index.post_start) for index in self._index.values()), np.int64)
        self._mark = np.full(len(self.rows), -1, np.int64)
        self._bounds = {number: _Bounds.of(found, len(self.rows)) for number, found in self.sketches.items()}
        self._place_nodes(positions)
        order = np.lexsort((pairs.parent[positions], self.rows[pairs.parent[positions]], pairs.child_node[positions]))
        positions = positions[order]
        starts = np.flatnonzero(np.diff(pairs.child_node[positions], prepend=-1))
        groups = [positions[a:b] for a, b in zip(starts, [*starts[1:], len(positions)], strict=True)]
        groups.sort(key=lambda group: -int(self.rows[pairs.child[group[0]]]))
        for group in groups:
            self._decide(group)

    def _decidable(self) -> Ints:
        pairs, positions = self.pairs, self.pairs.open()
        known = np.zeros(len(positions), bool)
        for number, found in self.sketches.items():
            listed = np.zeros(len(self.rows), bool)
            listed[list(found)] = True
            known |= (
                (pairs.projection[positions] == number)
                & listed[pairs.parent[positions]]
                & listed[pairs.child[positions]]
            )
        return positions[known]

    def _place_nodes(self, positions: Ints) -> None:
        """Numbers nodes within their component, so that what lies above a node is a row of few bits."""
        above, below = self.pairs.parent_node[positions], self.pairs.child_node[positions]
        size = int(max(above.max(), below.max())) + 1
        label = components(size, above, below)
        order = np.argsort(label, kind="stable")
        first = np.flatnonzero(np.diff(label[order], prepend=-1))
        self._bit = np.empty(size, np.int64)
        self._bit[order] = np.arange(size) - np.repeat(first, np.diff(np.append(first, size)))
        self._width = (np.bincount(label, minlength=size)[label] + 7) // 8

    def _decide(self, group: Ints) -> None:
        """All pairs of one child under one projection, smallest parent first."""
        pairs, at = self.pairs, group[0]
        child, number, node = int(pairs.child[at]), int(pairs.projection[at]), int(pairs.child_node[at])
        index = self._index[number]
        own = index.entries(child)
        task = _Child(self, index, child, node, group, index.ids[own], index.counts[own], index.lows[own], number)
        task.run()


@dataclass
class _Child:
    """The search for one child."""

    search: Search
    index: _Index
    child: int
    node: int
    group: Ints
    ids: Ints
    counts: Counts
    lows: Hashes
    number: int

    def __post_init__(self) -> None:
        self.parents = self.search.pairs.parent[self.group]
        bounds = self.search._bounds[self.number]
        self.complete, self.bounds = bounds.complete[self.parents], bounds.below[self.parents]
        self.own_complete = bool(bounds.complete[self.child])
        self.alive = np.ones(len(self.group), bool)
        self.found: list[_Refuted] = []

    def run(self) -> None:
        """Refutes by the rarest row, then goes through what is left, smallest parent first."""
        if len(self.ids):
            lengths = np.diff(self.index.post_start)[self.ids] if len(self.group) > 1 else np.zeros(1)
            self._refute_by(int(np.argmin(lengths)))
        while self.alive.any():
            at = int(np.argmax(self.alive))
            lacking = self._lacking(at)
            if lacking >= 0:
                self._refute_by(lacking)
            elif self.complete[at] and self.own_complete:
                self._prove(at)
            else:
                self.alive[at] = False
        self._keep()

    def _lacking(self, at: int) -> int:
        """A row of the child that a parent holds too rarely, among those that both sketches cover; -1 if none."""
        listed, theirs = self.search._listed, self.index.entries(int(self.parents[at]))
        ids = self.index.ids[theirs]
        listed[ids] = self.index.counts[theirs]
        lacking = self.counts > listed[self.ids]
        listed[ids] = 0
        if not self.complete[at]:
            lacking &= self.lows < self.bounds[at]
        return int(np.argmax(lacking)) if lacking.any() else -1

    def _refute_by(self, entry: int) -> None:
        """Refutes every parent that holds one row of the child too rarely, if its sketch would list it."""
        held, posted = self.search._held, self.index.postings(int(self.ids[entry]))
        owners = self.index.post_owner[posted]
        held[owners] = self.index.post_count[posted]
        theirs = held[self.parents]
        held[owners] = 0
        covered = self.complete | (self.lows[entry] < self.bounds)
        self._refute(self.alive & covered & (theirs < self.counts[entry]), np.full(len(theirs), entry), theirs)

    def _refute(self, which: Bools, entries: Ints, held: Counts) -> None:
        if not which.any():
            return
        pairs, at, entry = self.search.pairs, self.group[which], entries[which]
        pairs.standing[at], pairs.how[at] = Standing.REFUTED, _SKETCH
        own = self.index.entries(self.child)
        pairs.low[at], pairs.high[at] = self.lows[entry], self.index.highs[own][entry]
        pairs.in_child[at], pairs.in_parent[at] = self.counts[entry], held[which]
        self.alive &= ~which
        self.found.append(_Refuted(self.parents[which], self.ids[entry], held[which]))

    def _prove(self, at: int) -> None:
        """Proves the pair, and what follows: whatever holds the parent holds the child."""
        search, pairs = self.search, self.search.pairs
        position = int(self.group[at])
        parent = int(pairs.parent_node[position])
        pairs.standing[position], pairs.how[position] = Standing.PROVEN, _SKETCH
        self.alive[at] = False
        above = search._above.setdefault(self.node, np.zeros(int(search._width[self.node]), np.uint8))
        bit = int(search._bit[parent])
        above[bit >> 3] |= np.uint8(1 << (bit & 7))
        if parent in search._above:
            above |= search._above[parent]
        bits = search._bit[pairs.parent_node[self.group]]
        implied = self.alive & ((above[bits >> 3] >> (bits & 7).astype(np.uint8)) & 1).astype(bool)
        at_implied = self.group[implied]
        pairs.standing[at_implied], pairs.how[at_implied] = Standing.PROVEN, _IMPLIED
        self.alive &= ~implied
        self._inherit(int(self.parents[at]))

    def _inherit(self, parent: int) -> None:
        """Refutes parents that lack a row of the proven parent which is also one of the child."""
        known = self.search._refuted.get((parent, self.number))
        if known is None or not self.alive.any():
            return
        listed, mark = self.search._listed, self.search._mark
        listed[self.ids] = self.counts
        lacking = listed[known.rows] > known.held
        listed[self.ids] = 0
        if not lacking.any():
            return
        mark[known.parents[lacking]] = np.flatnonzero(lacking)
        row = mark[self.parents]
        mark[known.parents[lacking]] = -1
        which = self.alive & (row >= 0)
        entries = np.searchsorted(self.ids, known.rows[np.maximum(row, 0)])
        self._refute(which, np.minimum(entries, len(self.ids) - 1), known.held[np.maximum(row, 0)])

    def _keep(self) -> None:
        if self.found:
            parts: Sequence[_Refuted] = self.found
            self.search._refuted[self.child, self.number] = _Refuted(
                np.concatenate([part.parents for part in parts]),
                np.concatenate([part.rows for part in parts]),
                np.concatenate([part.held for part in parts]),
            )
