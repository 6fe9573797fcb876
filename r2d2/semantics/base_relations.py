"""What is known between two entities before anything is aggregated, each kind with its direction."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from r2d2.semantics.tree import Floats, Ints


class Kind(IntEnum):
    """Why two entities are related; ``CONTAINS`` and ``FEEDS`` have a direction, the rest have none.

    ``CONTAINS``: the source holds every row of the target, proven. ``FEEDS``: the target is made from the source, as
    lineage tells. ``SHARES``: column concepts in common. ``OWNER``, ``PREFIX``: the same owner, the same directory.
    ``ALIKE``: neighbours by similarity. ``BRIDGE``: nothing was found; it only joins what would be an island.
    """

    CONTAINS = 0
    FEEDS = 1
    SHARES = 2
    OWNER = 3
    PREFIX = 4
    ALIKE = 5
    BRIDGE = 6

    @property
    def directed(self) -> bool:
        """Whether source and target are not the same thing."""
        return self in (Kind.CONTAINS, Kind.FEEDS)


@dataclass(frozen=True, eq=False)
class Relations:
    """Rows of (source, target, kind, weight) between nodes of a tree; those without a direction stand once.

    Attributes:
        source, target: numbers of nodes, shape (n,).
        kind: values of ``Kind``, shape (n,).
        weight: above 0, shape (n,).
    """

    source: Ints
    target: Ints
    kind: Ints
    weight: Floats

    def __len__(self) -> int:
        return len(self.source)

    @classmethod
    def none(cls) -> Relations:
        """No relations."""
        empty = np.empty(0, np.int32)
        return cls(empty, empty, empty, np.empty(0, np.float32))
