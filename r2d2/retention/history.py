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


@dataclass(frozen=True)
class History:
    """What the plan before decided, of datasets by number.

    Attributes:
        gone, kept: what it let go, and what it kept although it looked at it.
        parent: what that was rebuilt from, by number; -1 for nothing.
    """

    gone: Flags
    kept: Flags
    parent: Ints

    @staticmethod
    def of(datasets: Sequence[Dataset], number: Mapping[str, int], previous: Plan | None) -> History:
        """Nothing, without a plan before."""
        lines = {line.dataset: line for line in previous.datasets} if previous else {}
        actions = [lines[d.id].action if d.id in lines else None for d in datasets]
        parents = [lines[d.id].parent if d.id in lines and lines[d.id].action in GONE else None for d in datasets]
        return History(
            gone=np.asarray([action in GONE for action in actions], np.bool_),
            kept=np.asarray([action in (Action.KEEP, Action.COLDER) for action in actions], np.bool_),
            parent=np.asarray([number.get(parent or "", _NONE) for parent in parents], np.int64),
        )

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
