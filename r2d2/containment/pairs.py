"""All pairs of a run as arrays: a pair is a position, and nothing holds an object for each of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from r2d2.containment.sketch import row_hash
from r2d2.containment.views import Pair
from r2d2.model.edge import Grade, Projection, Witness

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


class Standing(IntEnum):
    """What is known of a pair."""

    OPEN = 0
    PROVEN = 1
    REFUTED = 2
    UNREAD = 3


_GRADES = {
    Standing.OPEN: Grade.PLAUSIBLE,
    Standing.PROVEN: Grade.PROVEN,
    Standing.REFUTED: Grade.REFUTED,
    Standing.UNREAD: Grade.CANDIDATE,
}
#: How pairs are decided, and why they are not.
WAYS, LEFT = ("digest", "sketch", "box", "join", "implied", "values"), ("value", "limit")
#: ``Edge.how`` by number.
HOWS = ("", *WAYS, *LEFT, "sample")


@dataclass
class Pairs:
    """Candidate pairs and their verdicts, one array a property.

    Attributes:
        parent, child: indexes of datasets.
        projection: index into ``projections``.
        weight: how many pairs of datasets it stands for: each side for all that hold the same rows.
        parent_node, child_node: the nodes (``views``) between which an edge leads, if it is proven.
        saving: an upper bound of what retiring the child may save, money a month; 0 if nobody asked.
        wanted: whether it is to be compared at all.
        asked: whether it is to be compared now.
        standing, how: the verdict.
        number: what its reason counts: rows in the box, or rows (of a sample) that the parent lacks.
        low, high, in_child, in_parent: the witness, where ``in_child`` is not 0.
    """

    projections: Sequence[Projection]
    parent: Ints
    child: Ints
    projection: Ints
    weight: Ints
    parent_node: Ints
    child_node: Ints
    saving: Floats = field(init=False)
    wanted: Bools = field(init=False)
    asked: Bools = field(init=False)
    standing: npt.NDArray[np.int8] = field(init=False)
    how: npt.NDArray[np.int8] = field(init=False)
    number: Ints = field(init=False)
    low: npt.NDArray[np.uint64] = field(init=False)
    high: npt.NDArray[np.uint64] = field(init=False)
    in_child: Ints = field(init=False)
    in_parent: Ints = field(init=False)

    def __post_init__(self) -> None:
        size = len(self.parent)
        self.saving, self.wanted, self.asked = np.zeros(size), np.ones(size, bool), np.ones(size, bool)
        self.standing, self.how = np.zeros(size, np.int8), np.zeros(size, np.int8)
        self.number, self.in_child, self.in_parent = (np.zeros(size, np.int64) for _ in range(3))
        self.low, self.high = np.zeros(size, np.uint64), np.zeros(size, np.uint64)

    def __len__(self) -> int:
        return len(self.parent)

    def open(self) -> Ints:
        """Positions of the pairs that are neither proven nor refuted, and whose sides could be read."""
        return np.flatnonzero(self.standing == Standing.OPEN)

    def to_compare(self) -> Ints:
        """Positions of the open pairs that are to be compared."""
        return np.flatnonzero((self.standing == Standing.OPEN) & self.asked)

    def at(self, standing: Standing) -> Ints:
        """Positions of the pairs that stand so."""
        return np.flatnonzero(self.standing == standing)

    def direct(self) -> Ints:
        """Positions of pairs whose own rows were compared, and which are proven."""
        return np.flatnonzero((self.standing == Standing.PROVEN) & (self.how != HOWS.index("implied")))

    def prove(self, positions: Ints | int, how: str) -> None:
        """Every row of the child was compared."""
        self.standing[positions], self.how[positions] = Standing.PROVEN, HOWS.index(how)
        self.number[positions] = self.in_child[positions] = 0

    def refute(self, positions: Ints | int, how: str, number: int = 0, witness: Witness | None = None) -> None:
        """A row of the child is missing, or too rare."""
        self.standing[positions], self.how[positions] = Standing.REFUTED, HOWS.index(how)
        self.number[positions] = number
        if witness:
            self.high[positions], self.low[positions] = int(witness.row_hash[:16], 16), int(witness.row_hash[16:], 16)
            self.in_child[positions], self.in_parent[positions] = witness.in_child, witness.in_parent

    def lose(self, datasets: Sequence[int]) -> None:
        """Pairs of datasets that could not be read as one version have no verdict; what follows is open again, for it
        may have followed from theirs.
        """
        lost = np.asarray(sorted(datasets), np.int64)
        gone = np.isin(self.parent, lost) | np.isin(self.child, lost)
        if np.any(self.standing[gone] != Standing.UNREAD):
            self.reopen(np.flatnonzero(self.how == HOWS.index("implied")))
        self.standing[gone], self.how[gone], self.in_child[gone] = Standing.UNREAD, 0, 0

    def reopen(self, positions: Ints) -> None:
        """Nothing is known of them any more."""
        self.standing[positions], self.how[positions] = Standing.OPEN, 0

    def leave(self, limited: bool) -> None:
        """Says why pairs are still open: they can't pay, or the run's limits were reached."""
        still = self.standing == Standing.OPEN
        if limited:
            self.how[still] = HOWS.index("limit")
        self.how[still & ~self.wanted] = HOWS.index("value")

    def take_over(self, other: Pairs, positions: Ints) -> None:
        """Takes the verdicts that ``other`` has at ``positions``, one for each pair of these; -1 for none."""
        here = np.flatnonzero(positions >= 0)
        for name in ("standing", "how", "number", "low", "high", "in_child", "in_parent"):
            getattr(self, name)[here] = getattr(other, name)[positions[here]]

    def pair(self, position: int) -> Pair:
        """A pair as the joins take it."""
        return Pair(int(self.parent[position]), int(self.child[position]), self.projections[self.projection[position]])

    def grade(self, position: int) -> Grade:
        """The grade of its edge."""
        return _GRADES[Standing(int(self.standing[position]))]

    def witness(self, position: int) -> Witness | None:
        """The row that refutes it, if one is known."""
        if not self.in_child[position]:
            return None
        row = row_hash(int(self.low[position]), int(self.high[position]))
        return Witness(row, int(self.in_child[position]), int(self.in_parent[position]))


def components(size: int, one: Ints, other: Ints) -> Ints:
    """The connected component of each of ``size`` nodes (its smallest member); ``one[i]`` is joined to ``other[i]``."""
    label = np.arange(size, dtype=np.int64)
    while len(one):
        least = np.minimum(label[one], label[other])
        before = label.copy()
        np.minimum.at(label, label[one], least)
        np.minimum.at(label, label[other], least)
        np.minimum.at(label, one, least)
        np.minimum.at(label, other, least)
        while not np.array_equal(label, label[label]):
            label = label[label]
        if np.array_equal(before, label):
            break
    return label
