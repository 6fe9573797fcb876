"""The retention model (the paper's OPT-RET, one hop) as arrays.

    minimise    sum F_j y_j + sum r_k x_k               money a month
    such that   sum over options k of c of x_k = 1      each dataset is kept in one way, or rebuilt from one place
                x_k <= y_(place of k)                   that place is kept (one row for each option: the tight form)
                sum w_bk x_k <= W_b                     budgets b of the whole plan
                sum over options k at j of a_k x_k <= E y_j     all that is rebuilt from a place is back in time
                y binary, x >= 0                        (x binary where a budget or E is given)

A *place* j is one way of keeping one dataset, its owner: in the storage class it has, or in a colder one. y_j: it is
kept so, at F_j. An *option* k is a choice for a dataset: an own place, for nothing, or another dataset's place from
which it is rebuilt, at r_k. This is facility location in which each dataset is a customer with places of its own, so
its tools apply, with the cost of each pair free.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

#: Differences below this share of a component's cost are rounding.
RELATIVE = 1e-11
#: Sums of weights may exceed a limit by this share of it: rounding.
TOLERANCE = 1e-9
NEVER = float("inf")


@dataclass(frozen=True)
class Pairs:
    """Who may be rebuilt from which place: ``child`` and ``place`` by number, ``cost`` a month.

    Attributes:
        seconds: that rebuilding it adds to the evacuation of the place.
        first: pairs that are taken before others of the same cost.
    """

    child: Ints
    place: Ints
    cost: Floats
    seconds: Floats | None = None
    first: Flags | None = None


@dataclass(frozen=True)
class Budget:
    """A limit of the whole plan.

    Attributes:
        name: for people.
        limit: that the sum may reach.
        weight: of each pair, as they are in ``Pairs``; among the pairs of one child it never falls as cost rises.
    """

    name: str
    limit: float
    weight: Floats


@dataclass(frozen=True)
class Instance:
    """Datasets, their places and their options, sorted by dataset, then by cost, own places first.

    Attributes:
        opening, owner: of each place.
        child, place, cost, pair: of each option; ``pair`` is its position in the ``Pairs`` given, -1 for an own place.
        default: of each dataset, its cheapest own place.
        alone: what keeping it there costs.
        fixed: places that are kept in every plan: the only option of their owners.
        cap: of each dataset, what options that were left out cost at least; infinite if all are there.
        last: the option that costs no more than those; -1 if all are there.
        first_dataset, first_place: where each component begins.
        weights, limits: of the budgets, by option.
        seconds, evacuation: of each option, and what a place may have of them.
    """

    opening: Floats
    owner: Ints
    child: Ints
    place: Ints
    cost: Floats
    pair: Ints
    default: Ints
    alone: Floats
    fixed: Flags
    cap: Floats
    last: Ints
    first_dataset: Ints
    first_place: Ints
    weights: tuple[Floats, ...] = ()
    limits: tuple[float, ...] = ()
    seconds: Floats | None = None
    evacuation: float = NEVER

    @staticmethod
    def of(
        opening: Floats,
        pairs: Pairs,
        owner: Ints | None = None,
        budgets: Sequence[Budget] = (),
        evacuation: float = NEVER,
    ) -> Instance:
        """One component.

        Args:
            opening: of each place; those of the datasets as they are come first, place i being that of dataset i.
            owner: of each place; without, there is one place for each dataset.
        """
        owner = np.arange(len(opening)) if owner is None else owner
        places = len(owner)
        none = np.zeros(places)
        child = np.concatenate([owner, pairs.child])
        place = np.concatenate([np.arange(places), pairs.place])
        cost = np.concatenate([none, pairs.cost])
        pair = np.concatenate([np.full(places, -1), np.arange(len(pairs.child))])
        later = np.zeros(len(child), np.bool_)
        if pairs.first is not None:
            later[places:] = ~pairs.first
        order = np.lexsort((place, later, cost, pair >= 0, child))
        size = int(owner.max(initial=-1)) + 1
        default, alone = _cheapest(opening, owner, size)
        single = np.bincount(child, minlength=size) == 1
        return Instance(
            opening=opening,
            owner=owner,
            child=child[order],
            place=place[order],
            cost=cost[order],
            pair=pair[order],
            default=default,
            alone=alone,
            fixed=single[owner],
            cap=np.full(size, NEVER),
            last=np.full(size, -1),
            first_dataset=np.zeros(1, np.int64),
            first_place=np.zeros(1, np.int64),
            weights=tuple(np.concatenate([none, budget.weight])[order] for budget in budgets),
            limits=tuple(budget.limit for budget in budgets),
            seconds=None if pairs.seconds is None else np.concatenate([none, pairs.seconds])[order],
            evacuation=evacuation,
        )

    @cached_property
    def own(self) -> Ints:
        """Of each place, the option of its owner to be kept there."""
        option = np.flatnonzero(self.pair < 0)
        own = np.empty(len(self.owner), np.int64)
        own[self.place[option]] = option
        return own

    @cached_property
    def serves(self) -> Flags:
        """Places that other datasets can be rebuilt from."""
        serving: Flags = np.zeros(len(self.owner), np.bool_)
        serving[self.place[self.pair >= 0]] = True
        return serving

    @cached_property
    def pays(self) -> Flags:
        """Options that cost less than keeping the dataset as it is, and own places."""
        paying: Flags = (self.pair < 0) | (self.cost < self.alone[self.child])
        return paying

    @property
    def size(self) -> int:
        """Number of datasets."""
        return len(self.default)

    @property
    def components(self) -> int:
        """Number of components."""
        return len(self.first_dataset)

    def sum_by_place(self, place: Ints, weights: Floats) -> Floats:
        """Sum of ``weights`` for each place."""
        return np.bincount(place, weights=weights, minlength=len(self.owner)).astype(np.float64, copy=False)

    def by_component(self, of_datasets: Floats | None = None, of_places: Floats | None = None) -> Floats:
        """Sums over each component."""
        total = np.zeros(self.components)
        if of_datasets is not None:
            total += np.add.reduceat(of_datasets, self.first_dataset)
        if of_places is not None:
            total += np.add.reduceat(of_places, self.first_place)
        return total

    def spread(self, of_components: Floats) -> Floats:
        """A number of each component, for each of its datasets."""
        return np.repeat(of_components, np.diff(self.first_dataset, append=self.size))

    def priced(self, prices: Floats) -> Instance:
        """The same without budgets, each option dearer by what it takes of them."""
        if not len(prices):
            return self
        cost = self.cost.copy()
        for price, weight in zip(prices.tolist(), self.weights, strict=True):
            if price:
                cost += price * weight
        cap = np.where(self.last >= 0, cost[self.last], NEVER)
        return replace(self, cost=cost, cap=cap, weights=(), limits=())

    def unbudgeted(self) -> Instance:
        """The same without budgets."""
        return replace(self, weights=(), limits=())

    def affordable(self) -> tuple[Instance, Ints]:
        """The same without options that by themselves take more of a limit than there is, and where the others stood.

        Where that is the last of a dataset's options, those that were left out take too much, too.
        """
        kept: Flags = np.ones(len(self.child), np.bool_)
        for weight, limit in zip(self.weights, self.limits, strict=True):
            kept &= weight <= limit * (1 + TOLERANCE)
        if self.seconds is not None:
            kept &= self.seconds <= self.evacuation * (1 + TOLERANCE)
        last = np.where((self.last >= 0) & kept[self.last], (np.cumsum(kept) - 1)[self.last], -1)
        return replace(self.only(kept), cap=np.where(last >= 0, self.cap, NEVER), last=last), np.flatnonzero(kept)

    def nearest(self, most: int, option: Ints) -> tuple[Instance, Ints]:
        """The same with at most so many of the cheapest options of each dataset, besides its ``option``, and that."""
        first = np.searchsorted(self.child, np.arange(self.size))
        kept: Flags = np.arange(len(self.child)) - first[self.child] < most
        kept[option] = True
        lost = np.bincount(self.child[~kept], minlength=self.size) > 0
        position = np.cumsum(kept) - 1
        last = np.where(lost, first + most - 1, self.last)
        last = np.where(last >= 0, position[last], -1)
        trimmed = self.only(kept)
        cap = np.where(last >= 0, trimmed.cost[last], NEVER)
        return replace(trimmed, cap=cap, last=last), position[option]

    def only(self, kept: Flags | Ints) -> Instance:
        """The same with these options."""
        return replace(
            self,
            child=self.child[kept],
            place=self.place[kept],
            cost=self.cost[kept],
            pair=self.pair[kept],
            weights=tuple(weight[kept] for weight in self.weights),
            seconds=None if self.seconds is None else self.seconds[kept],
        )

    @staticmethod
    def merged(parts: Sequence[Instance], limits: tuple[float, ...]) -> Instance:
        """Several components as one instance; ``pair`` stays a position in each component's own pairs."""
        datasets = np.cumsum([0, *(part.size for part in parts)])
        places = np.cumsum([0, *(len(part.owner) for part in parts)])
        moved = list(zip(parts, datasets.tolist(), places.tolist(), strict=False))
        options = np.cumsum([0, *(len(part.child) for part in parts)]).tolist()
        last = [np.where(part.last >= 0, part.last + o, -1) for part, o in zip(parts, options, strict=False)]
        timed = all(part.seconds is not None for part in parts)
        return Instance(
            opening=np.concatenate([part.opening for part in parts]),
            owner=np.concatenate([part.owner + d for part, d, _ in moved]),
            child=np.concatenate([part.child + d for part, d, _ in moved]),
            place=np.concatenate([part.place + p for part, _, p in moved]),
            cost=np.concatenate([part.cost for part in parts]),
            pair=np.concatenate([part.pair for part in parts]),
            default=np.concatenate([part.default + p for part, _, p in moved]),
            alone=np.concatenate([part.alone for part in parts]),
            fixed=np.concatenate([part.fixed for part in parts]),
            cap=np.concatenate([part.cap for part in parts]),
            last=np.concatenate(last),
            first_dataset=datasets[:-1],
            first_place=places[:-1],
            weights=tuple(np.concatenate([part.weights[b] for part in parts]) for b in range(len(limits))),
            limits=limits,
            seconds=np.concatenate([part.seconds for part in parts if part.seconds is not None]) if timed else None,
            evacuation=parts[0].evacuation,
        )


@dataclass(frozen=True)
class Solution:
    """A plan of one component.

    Attributes:
        option: of each dataset.
        cost: what all cost.
        bound: no plan costs less; minus infinity if nothing is known. Of components that are planned together, the
            sum of their bounds is one.
        optimal: whether no plan is cheaper.
        how: which step found it.
    """

    option: Ints
    cost: float
    bound: float
    optimal: bool
    how: str


def _cheapest(opening: Floats, owner: Ints, size: int) -> tuple[Ints, Floats]:
    """Of each dataset the cheapest place, the first of equals, and what it costs."""
    order = np.lexsort((np.arange(len(owner)), opening, owner))
    first = order[np.searchsorted(owner[order], np.arange(size))]
    return first, opening[first]
