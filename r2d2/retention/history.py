"""The plan before this one: what it decided is undone only where that saves more than a change is worth.

Prices and reads wobble. Without a cost of switching, two plans that cost nearly the same would take turns, and each
turn copies data. So undoing what the last plan decided costs a share of what the dataset costs a month, in the model
only: what the plan says of money is without it. Among parents of the same cost the one of the last plan is taken.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from r2d2.model import Dataset, Plan
from r2d2.model.plan import GONE, Action
from r2d2.retention.profiles import Flags, Floats, Ints

_NONE = -1
_STAYS = frozenset({Action.KEEP, Action.COLDER})


@dataclass(frozen=True)
class History:
    """What the plan before decided, of datasets by number.

    Attributes:
        gone, kept: what it let go, and what it kept although that could have gone.
        tier: the colder class that it moved each to; empty for none.
        parent: what that was rebuilt from, by number; -1 for nothing.
    """

    gone: Flags
    kept: Flags
    parent: Ints
    tier: Sequence[str]

    @staticmethod
    def of(datasets: Sequence[Dataset], number: Mapping[str, int], previous: Plan | None) -> History:
        """Nothing, without a plan before."""
        lines = {line.dataset: line for line in previous.datasets} if previous else {}
        before = [lines.get(dataset.id) for dataset in datasets]
        parents = [line.parent if line and line.action in GONE else None for line in before]
        return History(
            gone=np.asarray([line is not None and line.action in GONE for line in before], np.bool_),
            kept=np.asarray(
                [line is not None and line.could_go and line.action in _STAYS for line in before], np.bool_
            ),
            parent=np.asarray([number.get(parent or "", _NONE) for parent in parents], np.int64),
            tier=[line.tier if line else "" for line in before],
        )

    def elsewhere(self, member: int, tier: str, keep: float, share: float) -> float:
        """What one place of a dataset costs in the model beside money: something, if it was moved to another."""
        return share * keep if self.tier[member] not in ("", tier) else 0.0

    def staying(self, members: Ints, keep: Floats, share: float) -> Floats:
        """What keeping each dataset costs in the model beside money: something, if it was gone."""
        return np.where(self.gone[members], share * keep, 0.0)

    def going(self, child: Ints, keep: Floats, share: float) -> Floats:
        """The same for letting each child go: something, if it was kept."""
        return np.where(self.kept[child], share * keep, 0.0)

    def again(self, child: Ints, parent: Ints) -> Flags:
        """Whether the plan before took this parent, too."""
        same: Flags = self.parent[child] == parent
        return same

    def bias(self, keep: Floats, share: float) -> Floats:
        """What each dataset saves more by going, in the model: something if it was gone, less if it was kept."""
        return share * keep * (self.gone.astype(np.float64) - self.kept)
