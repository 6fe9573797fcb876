"""Which datasets to read next, so that a run that is stopped has found most of what can be saved (DESIGN 5).

A star is a parent with some of its candidate children: reading them costs what reading each of those costs that were
not read yet, and may save what its children may. The star that saves most for its price is read first, greedily; what
is read is then free for the others. Whether a pair holds is not known before, so that savings are upper bounds.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

import numpy as np

from r2d2.containment.budget import Budget, Room
from r2d2.containment.copies import same_pairs
from r2d2.containment.pairs import Bools, Floats, Ints, Pairs, Standing
from r2d2.containment.verification import Verification

#: How much of what limits leave one wave may read: the rest is for boxes and joins, and for what turns out slower.
_SHARE = 0.25


@dataclass(frozen=True)
class Choices:
    """Pairs that are still worth a look, and what reading costs.

    Attributes:
        parent, child, saving: a pair each; savings above 0.
        price: of reading each dataset.
    """

    parent: Ints
    child: Ints
    saving: Floats
    price: Floats


@dataclass(frozen=True)
class Star:
    """A parent and the children to read with it, for what they may save by the money that is to be spent."""

    parent: int
    children: tuple[int, ...]
    ratio: float


def best_stars(choices: Choices, read: Bools, room: Room, most: int | None = None) -> list[Star]:
    """Stars in the order in which to read them, as far as there is room.

    Args:
        read: which datasets are read already.
        room: is taken.
        most: how many stars, at most.
    """
    return list(islice(_Greedy(choices, read.copy(), room).stars(), most))


@dataclass
class Waves:
    """The waves of a run with limits: each reads the best stars of the pairs that are still open.

    Attributes:
        pairs: all pairs of datasets, nobody standing for anybody, with what they may save.
        price: of reading each dataset.
        sizes: bytes of each dataset.
        reach: what may be read so far; at first what was measured in earlier runs.
    """

    pairs: Pairs
    price: Floats
    sizes: Sequence[int]
    reach: Bools

    def widen(self, found: Verification, budget: Budget) -> bool:
        """Adds what to read next to ``reach``; False if there is nothing, or no room for it.

        A wave takes a share of what is left, or one star if none fits in that.
        """
        room, whole = (budget.room(self.sizes, share) for share in (_SHARE, 1.0))
        return self._widen(found, room, None) or self._widen(found, whole, 1)

    def _widen(self, found: Verification, room: Room, most: int | None) -> bool:
        still_open, held = self._standing(found)
        pays = still_open & (self.pairs.saving > 0) & ~held[self.pairs.child]
        # what can't pay, or is held by another dataset anyway, comes last: it makes the result complete
        for some, saving in ((pays, self.pairs.saving), (still_open, self._child_bytes)):
            choices = Choices(self.pairs.parent[some], self.pairs.child[some], saving[some], self.price)
            stars = best_stars(choices, self.reach, room, most)
            for star in stars:
                self.reach[[star.parent, *star.children]] = True
            if stars:
                return True
        return False

    @cached_property
    def _child_bytes(self) -> Floats:
        return np.asarray(self.sizes, np.float64)[self.pairs.child] + 1

    def _standing(self, found: Verification) -> tuple[Bools, Bools]:
        """Which pairs are open and to be compared, and which datasets are known to be held by another."""
        held = np.zeros(len(self.sizes), bool)
        place = same_pairs(found.pairs, found.group_of, self.pairs)
        standing = np.where(place >= 0, found.pairs.standing[place] if len(found.pairs) else 0, Standing.UNREAD)
        together = found.group_of[self.pairs.parent] == found.group_of[self.pairs.child]
        held[self.pairs.child[(standing == Standing.PROVEN) | together]] = True
        return self.pairs.asked & (standing == Standing.OPEN), held


class _Greedy:
    def __init__(self, choices: Choices, read: Bools, room: Room) -> None:
        self.choices, self.read, self.room = choices, read, room
        self.done = np.zeros(len(read), bool)
        self.members = _by(choices.parent)
        self.holders = _by(choices.child)
        self.heap: list[tuple[float, int]] = []

    def stars(self) -> Iterator[Star]:
        """Takes the best star again and again; one that changed since it was looked at is looked at once more."""
        for parent in self.members:
            self._push(parent)
        while self.heap:
            ratio, parent = heapq.heappop(self.heap)
            star = self._star(parent)
            if star is None:
                continue
            if star.ratio < -ratio:
                heapq.heappush(self.heap, (-star.ratio, parent))
                continue
            if self._take(star):
                yield star

    def _push(self, parent: int) -> None:
        star = self._star(parent)
        if star is not None:
            heapq.heappush(self.heap, (-star.ratio, parent))

    def _take(self, star: Star) -> bool:
        """Whether anything has to be read for it."""
        new = [index for index in (star.parent, *star.children) if not self.read[index]]
        self.room.take(new)
        self.read[new] = True
        self.done[list(star.children)] = True
        # what is read is free for other stars: those that it is the middle of, and those that it is a child of
        touched = {parent for index in new for parent in self._parents(index)} | set(new) | {star.parent}
        for parent in touched & self.members.keys():
            self._push(parent)
        return bool(new)

    def _parents(self, child: int) -> list[int]:
        return [] if self.done[child] else self.choices.parent[self.holders.get(child, _NONE)].tolist()

    def _star(self, parent: int) -> Star | None:
        """The best star around a parent that there is room for; None if it saves nothing or reads nothing new."""
        left = min(self.room.bytes, self.room.work) - self._size(parent)
        positions = self.members[parent]
        positions = positions[~self.done[self.choices.child[positions]]]
        sizes = np.asarray([self._size(child) for child in self.choices.child[positions].tolist()], np.float64)
        positions, sizes = positions[sizes <= left], sizes[sizes <= left]
        children, saving = self.choices.child[positions], self.choices.saving[positions]
        price = np.where(self.read[children], 0.0, self.choices.price[children])
        order = np.lexsort((children, -saving / np.maximum(price, _FREE)))
        order = order[: int(np.searchsorted(np.cumsum(sizes[order]), left, side="right"))]
        children, saving, price = children[order], saving[order], price[order]
        if not len(children) or (self.read[parent] and self.read[children].all()):
            return None
        own = 0.0 if self.read[parent] else float(self.choices.price[parent])
        ratios = np.cumsum(saving) / np.maximum(own + np.cumsum(price), _FREE)
        best = int(np.argmax(ratios))
        return Star(parent, tuple(children[: best + 1].tolist()), float(ratios[best]))

    def _size(self, index: int) -> int:
        return 0 if self.read[index] else int(self.room.sizes[index])


#: The price of what is free: so little that it comes first.
_FREE = 1e-18
_NONE = np.empty(0, np.int64)


def _by(keys: Ints) -> dict[int, Ints]:
    """Positions of each key."""
    order = np.argsort(keys, kind="stable")
    found, starts = np.unique(keys[order], return_index=True)
    return dict(zip(found.tolist(), np.split(order, starts[1:]) if len(found) else [], strict=True))
