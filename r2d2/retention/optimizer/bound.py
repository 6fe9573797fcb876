"""The Lagrangian lower bound: the rows that give each dataset a choice are priced (a price v_c for each dataset c).

    L(v) = sum v_c + sum over places j of min(0, F_j - sum over options k at j of max(0, v_c(k) - r_k))

No plan costs less, whatever v is; subgradient steps make it good. Two things keep it fast without making it wrong:
prices may be held below anything, since each v gives a bound, so that options which no price can reach are left out
for some steps; and components take steps of their own length at the same time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from r2d2.retention.optimizer.instance import RELATIVE, Flags, Floats, Instance

#: Steps at most; they end earlier where they have become short.
STEPS = 1000
#: Steps between two looks at all options.
_REFRESH = 20
#: Steps without a better bound after which steps become shorter.
_PATIENCE = 12


@dataclass(frozen=True)
class Bound:
    """A lower bound, and what it costs at least to go against it.

    Attributes:
        value: by component.
        price: of each dataset.
        kept: places that pay at these prices.
        if_kept, if_retired: by place: what a plan that keeps it, or does not, costs beyond the bound at least.
        if_used: the same by option.
    """

    value: Floats
    price: Floats
    kept: Flags
    if_kept: Floats
    if_retired: Floats
    if_used: Floats


def lower_bound(instance: Instance, upper: Floats, price: Floats, steps: int = STEPS) -> Bound:
    """The best bound that ``steps`` find.

    Args:
        upper: what a known plan costs, by component.
        price: to begin with, of each dataset.
    """
    climb = _Climb(instance, upper, np.clip(price, 0.0, instance.cap))
    for number in range(steps):
        if number % _REFRESH == 0:
            climb.refresh()
        if not climb.step():
            break
    return bound_at(instance, climb.best_price)


class _Climb:
    """Subgradient steps, each component with a step length of its own."""

    def __init__(self, instance: Instance, upper: Floats, price: Floats) -> None:
        self._instance, self._upper = instance, upper
        #: Datasets that have a choice; a fixed place costs what it costs whatever the prices are.
        self._free = ~instance.fixed[instance.default]
        self._opening = np.where(instance.fixed, 0.0, instance.opening)
        self._paid = instance.by_component(of_places=np.where(instance.fixed, instance.opening, 0.0))
        self._price = np.where(self._free, price, 0.0)
        self.best_price = self._price.copy()
        self._best = np.full(instance.components, -np.inf)
        self._length = np.full(instance.components, 1.5)
        self._stale = np.zeros(instance.components, np.int64)
        self._still = np.zeros(instance.components, np.bool_)

    def refresh(self) -> None:
        """Looks at the options that prices of up to about twice the best so far can reach."""
        instance = self._instance
        reach = np.maximum(2.0 * self.best_price, self.best_price + 0.1 * instance.alone)
        self._most = np.minimum(reach, np.minimum(instance.cap, instance.alone))
        near = np.flatnonzero((instance.cost < self._most[instance.child]) & self._free[instance.child])
        self._child, self._place, self._cost = instance.child[near], instance.place[near], instance.cost[near]

    def step(self) -> bool:
        """One step of each component; False if none has further to go."""
        instance, price = self._instance, self._price
        over = price[self._child] - self._cost
        reduced = self._opening - instance.sum_by_place(self._place, np.maximum(0.0, over))
        value = self._paid + instance.by_component(price, np.minimum(0.0, reduced))
        self._note(value)
        used = (reduced[self._place] < 0) & (over > 0)
        choices = np.bincount(self._child, weights=used, minlength=instance.size)
        slope = np.where(self._free, 1.0 - choices, 0.0)
        norm = instance.by_component(slope * slope)
        least = RELATIVE * np.abs(self._upper)
        self._still |= (norm == 0) | (self._upper - self._best <= least) | (self._length < 1e-4)
        size = np.where(self._still, 0.0, self._length * (self._upper - value) / np.maximum(norm, 1.0))
        self._price = np.clip(price + instance.spread(size) * slope, 0.0, self._most)
        return not self._still.all()

    def _note(self, value: Floats) -> None:
        better = value > self._best + RELATIVE * np.abs(self._upper)
        self._best = np.where(better, value, self._best)
        self._stale = np.where(better, 0, self._stale + 1)
        tired = self._stale >= _PATIENCE
        self._length, self._stale = np.where(tired, self._length / 2, self._length), np.where(tired, 0, self._stale)
        if better.any():
            mine = self._instance.spread(better.astype(np.float64)) > 0
            self.best_price = np.where(mine, self._price, self.best_price)


def bound_at(instance: Instance, price: Floats) -> Bound:
    """The bound that these prices give, with all options looked at."""
    free = ~instance.fixed[instance.default]
    price = np.where(free, np.minimum(price, instance.cap), 0.0)
    over = instance.cost - price[instance.child]
    opening = np.where(instance.fixed, 0.0, instance.opening)
    reduced = opening - instance.sum_by_place(instance.place, np.where(free[instance.child], np.maximum(0.0, -over), 0))
    paid = np.where(instance.fixed, instance.opening, 0.0)
    value = instance.by_component(price, np.minimum(0.0, reduced) + paid)
    if_kept, if_retired = np.maximum(0.0, reduced), np.maximum(0.0, -reduced)
    if_used = np.maximum(0.0, over) + if_kept[instance.place]
    return Bound(value, price, (reduced < 0) | instance.fixed, if_kept, if_retired, if_used)
