"""What verification knows while it goes on: the verdict of each pair, and which datasets stand for others."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from r2d2.containment.pairs import Bools, Ints, Pairs
from r2d2.containment.request import Term
from r2d2.containment.sampling import SampleSize


@dataclass
class Verification:
    """What verification found.

    Attributes:
        pairs: pairs between groups, with their verdicts.
        group_of: for each dataset the one that stands for it: of those with the same rows the first.
        inside: pairs of datasets within groups: all of them proven by their digests.
        boxes: the box that was tried for a pair, by its position.
        tried: whether a scan can say no more of a pair.
        reach: which datasets may be read; None for all.
        width: how many candidates of a child the next join compares.
        sample: what was drawn, where pairs were sampled and not compared.
    """

    pairs: Pairs
    group_of: Ints
    inside: int
    reach: Bools | None = None
    boxes: dict[int, tuple[Term, ...]] = field(default_factory=dict)
    tried: set[int] = field(default_factory=set)
    width: int = 1
    sample: SampleSize | None = None

    def stands_for(self) -> list[tuple[int, int]]:
        """(the one that stands for a group, another of it)."""
        others = np.flatnonzero(self.group_of != np.arange(len(self.group_of)))
        return list(zip(self.group_of[others].tolist(), others.tolist(), strict=True))

    def members(self) -> dict[int, list[int]]:
        """For each dataset that stands for a group: all of it; for the others themselves."""
        found = {index: [index] for index in range(len(self.group_of))}
        for first, other in self.stands_for():
            found[first].append(other)
        return found
