"""What a proof may be worth and what it costs, as metadata tells (DESIGN 5, "Value first")."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from r2d2.containment.pairs import Floats, Ints


@dataclass(frozen=True)
class Worth:
    """Money, in one currency.

    Attributes:
        saving: for pairs (arrays of parents, of children): an upper bound of what retiring the child saves a month if
            it is rebuilt from the parent; 0 where that can't pay or is not allowed.
        price: for each dataset: what reading it once costs.
    """

    saving: Callable[[Ints, Ints], Floats]
    price: Floats
