"""What no cheapest plan needs leaves an instance; what is found without it is told of the whole."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from r2d2.retention.optimizer.instance import NEVER, Floats, Instance, Ints


@dataclass(frozen=True)
class Presolved:
    """An instance with fewer options, and more places that are kept in every plan.

    Attributes:
        option: the positions of its options in the whole instance.
        anyway: of each dataset, what it costs at most: kept by itself, or rebuilt from a place that is kept anyway.
    """

    instance: Instance
    option: Ints
    anyway: Floats

    def price(self, price: Floats) -> Floats:
        """Prices of the rows of the whole instance that give the bound which ``price`` gives without the rest.

        A dataset that is kept anyway is worth what keeping it costs less what its place is worth to others. Nobody
        is worth more than what it costs at most.
        """
        small = self.instance
        price = np.minimum(price, self.anyway)
        fixed = small.fixed[small.default]
        over = np.where(fixed[small.child], 0.0, np.maximum(0.0, price[small.child] - small.cost))
        worth = small.sum_by_place(small.place, over)[small.default]
        return np.where(fixed, np.maximum(0.0, small.alone - worth), price)


def presolved(instance: Instance) -> Presolved:
    """Leaves out the options that cost as much as keeping the dataset, or more than a place that is kept anyway."""
    option = np.flatnonzero(instance.pays)
    while True:
        child, place, cost = instance.child[option], instance.place[option], instance.cost[option]
        single = (np.bincount(child, minlength=instance.size) == 1) & (instance.cap >= instance.alone)
        fixed = single[instance.owner]
        sure = fixed[place] & (instance.pair[option] >= 0)
        anyway = instance.alone.copy()
        np.minimum.at(anyway, child[sure], cost[sure])
        needed = (instance.pair[option] < 0) | (cost < anyway[child]) | (sure & (cost == anyway[child]))
        if needed.all():
            cap = np.where(instance.cap < anyway, instance.cap, NEVER)
            small = replace(instance.only(option), fixed=fixed, cap=cap, last=np.full(instance.size, -1))
            return Presolved(small, option, anyway)
        option = option[needed]
