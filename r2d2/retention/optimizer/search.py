"""Plans by local search: add, drop or exchange kept places.

Components don't touch each other, so that each of them takes its best step at the same time as the others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from r2d2.retention.optimizer.instance import RELATIVE, Flags, Floats, Instance, Ints

#: Exchanges tried in one local search: each takes time in proportion to the options.
SWAPS = 300
#: Swaps tried among places of equal cost, so that ties are broken without searching for ever.
TIE_SWAPS = 200


@dataclass(frozen=True)
class Assignment:
    """Everyone's best choice when certain places are kept.

    Attributes:
        kept: the places.
        option: the choice of each dataset; -1 for one that has none and is kept at its default place besides.
        price: what each choice costs beyond what its place costs.
        second: what each would cost without the place of its choice.
        total: what all cost, by component.
    """

    kept: Flags
    option: Ints
    price: Floats
    second: Floats
    total: Floats

    @property
    def cost(self) -> float:
        """What all cost."""
        return float(self.total.sum())


def assign(instance: Instance, kept: Flags) -> Assignment:
    """Everyone's cheapest choice if ``kept`` and the fixed places are; whoever has none is kept as well."""
    kept = kept | instance.fixed
    option = np.full(instance.size, -1, dtype=np.int64)
    price, second = instance.alone.copy(), instance.alone.copy()
    usable = np.flatnonzero(kept[instance.place] & instance.pays)
    child = instance.child[usable]
    first = np.flatnonzero(np.diff(child, prepend=-1))
    option[child[first]] = usable[first]
    price[child[first]] = instance.cost[usable[first]]
    runner_up = first[first + 1 < len(child)] + 1
    runner_up = runner_up[child[runner_up] == child[runner_up - 1]]
    second[child[runner_up]] = instance.cost[usable[runner_up]]
    total = instance.by_component(price, np.where(kept, instance.opening, 0.0))
    return Assignment(kept, option, price, second, total)


def chosen(instance: Instance, plan: Assignment) -> Ints:
    """The option of each dataset, its default place where the plan has none for it."""
    return np.where(plan.option < 0, instance.own[instance.default], plan.option)


def places_of(instance: Instance, option: Ints) -> Flags:
    """The places that are kept if each dataset makes this choice."""
    kept: Flags = np.zeros(len(instance.owner), np.bool_)
    kept[instance.place[option]] = True
    return kept


def direct(instance: Instance) -> Assignment | None:
    """The plan in which everyone gets its cheapest choice, if there is one, with one place for each dataset.

    That choice is a pair wherever there is one, since a pair costs less than keeping its child. It can be had by all
    if no one's cheapest parent is itself retired.
    """
    if len(instance.owner) != instance.size:
        return None
    plan = assign(instance, instance.fixed)
    wanted = instance.alone.copy()
    pairs = np.flatnonzero((instance.pair >= 0) & instance.pays)
    first = pairs[np.flatnonzero(np.diff(instance.child[pairs], prepend=-1))]
    wanted[instance.child[first]] = instance.cost[first]
    got = np.where(plan.kept[instance.default], instance.alone, plan.price)
    return plan if bool(np.all(got <= wanted)) else None


def local_search(instance: Instance, kept: Flags, most: int | None = None, exchange: bool = True) -> Assignment:
    """Steps until nothing is cheaper, or the exchanges or ``most`` steps are used up.

    Args:
        exchange: also tries to drop one place and keep another; in an instance of one component.
    """
    best = assign(instance, kept)
    tries = SWAPS if exchange and instance.components == 1 else 0
    for _ in range(10 * len(instance.owner) if most is None else most):
        kept = best.kept.copy()
        moves = _best_moves(instance, best)
        if len(moves):
            kept[moves] = ~kept[moves]
        elif tries:
            tries = _exchange(instance, kept, best, tries)
        else:
            break
        changed = assign(instance, kept)
        if changed.cost >= best.cost:
            break
        best = changed
    return best


def prefer_first(instance: Instance, plan: Assignment) -> Assignment:
    """Among plans of the same cost, one that keeps the places that come first."""
    swaps = 0
    kept = places_of(instance, chosen(instance, plan))
    plan = assign(instance, kept)
    movable = ~instance.fixed & instance.serves
    for last in np.flatnonzero(kept & ~instance.fixed)[::-1].tolist():
        equal = movable & ~kept & (instance.opening == instance.opening[last])
        for first in np.flatnonzero(equal).tolist():
            if first > last or swaps >= TIE_SWAPS:
                break
            swaps += 1
            changed = kept.copy()
            changed[first], changed[last] = True, False
            other = assign(instance, changed)
            if other.cost <= plan.cost * (1 + RELATIVE) and not np.any(other.option < 0):
                plan, kept = other, changed
                break
    return plan


def _best_moves(instance: Instance, plan: Assignment) -> Ints:
    """The place of each component whose keeping or dropping saves most, where one saves anything."""
    gain = gain_of_toggling(instance, plan)
    best = np.maximum.reduceat(gain, instance.first_place)
    least = RELATIVE * np.abs(plan.total)
    size = np.diff(instance.first_place, append=len(gain))
    hit = np.flatnonzero(gain == np.repeat(np.where(best > least, best, np.inf), size))
    component = np.searchsorted(instance.first_place, hit, side="right")
    return hit[np.flatnonzero(np.diff(component, prepend=-1))]


def _exchange(instance: Instance, kept: Flags, best: Assignment, tries: int) -> int:
    """Change ``kept`` by the first exchange that makes the plan cheaper, if there is one; returns the tries left."""
    for gone in np.flatnonzero(kept & ~instance.fixed)[:tries].tolist():
        tries -= 1
        kept[gone] = False
        plan = assign(instance, kept)
        gain = gain_of_toggling(instance, plan)
        gain[kept] = -np.inf
        come = int(np.argmax(gain))
        if plan.cost - gain[come] < best.cost * (1 - RELATIVE):
            kept[come] = True
            return tries
        kept[gone] = True
    return 0


def gain_of_toggling(instance: Instance, plan: Assignment) -> Floats:
    """Money saved by keeping one more place, or one less, by place; those that may not change get -inf."""
    closed = ~plan.kept[instance.place]
    cheaper = np.flatnonzero(closed & (instance.cost < plan.price[instance.child]))
    saved = plan.price[instance.child[cheaper]] - instance.cost[cheaper]
    adding = instance.sum_by_place(instance.place[cheaper], saved) - instance.opening
    served = np.flatnonzero(plan.option >= 0)
    moved = instance.sum_by_place(instance.place[plan.option[served]], (plan.second - plan.price)[served])
    gain = np.where(plan.kept, instance.opening - moved, adding)
    gain[instance.fixed] = -np.inf
    return gain
