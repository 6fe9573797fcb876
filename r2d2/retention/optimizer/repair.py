"""Plans that keep to the limits, from plans that don't: retire less, then retire what there is still room for.

What is given up, and what is taken, is chosen by its saving after the prices of the budgets (``coupled``): at the right
prices the marginal datasets save about nothing, so that little is lost by choosing among them.
"""

from __future__ import annotations

import numpy as np

from r2d2.retention.optimizer.instance import TOLERANCE, Floats, Instance, Ints
from r2d2.retention.optimizer.search import places_of

#: What divisions take nothing for.
_LEAST = 1e-100


def repaired(instance: Instance, option: Ints, prices: Floats) -> Ints:
    """The option of each dataset in a plan that keeps to all limits.

    Args:
        option: of each dataset, in a plan that need not keep to them; a place that another is rebuilt from counts as
            kept.
        prices: of the budgets.
    """
    option = _moved(instance, option)
    _evacuable(instance, option)
    _affordable(instance, option, prices)
    _fill(instance, option, prices)
    return option


def cost_of(instance: Instance, option: Ints) -> Floats:
    """What a plan costs, by component."""
    kept = places_of(instance, option)
    return instance.by_component(instance.cost[option], np.where(kept, instance.opening, 0.0))


def usage_of(instance: Instance, option: Ints) -> Floats:
    """What a plan takes of each budget."""
    return np.asarray([weight[option].sum() for weight in instance.weights], np.float64)


def keeps_to_limits(instance: Instance, option: Ints) -> bool:
    """Whether a plan keeps to budgets and evacuation limit, and rebuilds nothing from what it does not keep."""
    limits = np.asarray(instance.limits, np.float64)
    if np.any(usage_of(instance, option) > limits * (1 + TOLERANCE)):
        return False
    if instance.seconds is not None:
        taken = instance.sum_by_place(instance.place[option], instance.seconds[option])
        if np.any(taken > instance.evacuation * (1 + TOLERANCE)):
            return False
    own = option[instance.owner[instance.place[option]]]
    return bool(np.all(instance.place[own] == instance.place[option]))


def _moved(instance: Instance, option: Ints) -> Ints:
    """Everyone that is rebuilt goes to the cheapest place that is kept."""
    kept = places_of(instance, option)
    retired = instance.pair[option] >= 0
    usable = np.flatnonzero(kept[instance.place] & (instance.pair >= 0) & retired[instance.child])
    first = usable[np.flatnonzero(np.diff(instance.child[usable], prepend=-1))]
    moved = option.copy()
    moved[instance.child[first]] = first
    return moved


def _savings(instance: Instance, option: Ints, prices: Floats) -> Floats:
    """What each option saves against keeping its dataset at its default place, the budgets paid for."""
    saving = instance.alone[instance.child[option]] - instance.cost[option]
    for price, weight in zip(prices.tolist(), instance.weights, strict=True):
        saving = saving - price * weight[option]
    return saving


def _evacuable(instance: Instance, option: Ints) -> None:
    """Keeps the datasets that save least for their time, at places of which too much is rebuilt."""
    if instance.seconds is None or not np.isfinite(instance.evacuation):
        return
    retired = np.flatnonzero(instance.pair[option] >= 0)
    used = option[retired]
    seconds = instance.seconds[used]
    worth = (instance.alone[retired] - instance.cost[used]) / np.maximum(seconds, _LEAST)
    order = np.lexsort((-worth, instance.place[used]))
    place, taken = instance.place[used][order], np.cumsum(seconds[order])
    start = np.flatnonzero(np.diff(place, prepend=-1))
    before = np.repeat(np.concatenate([[0.0], taken])[start], np.diff(start, append=len(place)))
    late = retired[order[taken - before > instance.evacuation]]
    option[late] = instance.own[instance.default[late]]


def _affordable(instance: Instance, option: Ints, prices: Floats) -> None:
    """Keeps the datasets that save least for what they take of the budgets that are overrun."""
    limits = np.asarray(instance.limits, np.float64)
    over = np.maximum(0.0, usage_of(instance, option) - limits)
    if not over.any():
        return
    retired = np.flatnonzero(instance.pair[option] >= 0)
    used = option[retired]
    relief = [np.minimum(w[used] / excess, 1.0) for w, excess in zip(instance.weights, over, strict=True) if excess]
    total = np.maximum(np.sum(relief, axis=0), _LEAST)
    order = np.argsort(_savings(instance, used, prices) / total, kind="stable")
    gone = np.zeros(len(order), np.bool_)
    for weight, excess in zip(instance.weights, over, strict=True):
        freed = np.cumsum(weight[used][order])
        needed = int(np.searchsorted(freed, excess * (1 + 1e-12))) + 1 if excess else 0
        gone[order[:needed]] = True
    option[retired[gone]] = instance.own[instance.default[retired[gone]]]


def _fill(instance: Instance, option: Ints, prices: Floats) -> None:
    """Retires, best first, what saves money, serves nobody and has room in every limit."""
    room = _Room(instance, option)
    for k in _fillers(instance, option, room, prices).tolist():
        child, place = int(instance.child[k]), int(instance.place[k])
        own = int(instance.place[option[child]])
        if instance.pair[option[child]] < 0 and room.users[own] == 1 and room.users[place] and room.take(k, place):
            room.users[own] = 0
            option[child] = k


def _fillers(instance: Instance, option: Ints, room: _Room, prices: Floats) -> Ints:
    """Options that may be taken, those first that save most for their share of the budgets."""
    users = np.asarray(room.users, np.int64)
    idle = (instance.pair[option] < 0) & (users[instance.place[option]] == 1)
    allowed = (instance.pair >= 0) & instance.pays & idle[instance.child] & (users[instance.place] > 0)
    found = np.flatnonzero(allowed)
    for weight, left in zip(instance.weights, room.left, strict=True):
        found = found[weight[found] <= left]
    if room.seconds is None:  # then only the cheapest place matters to a dataset
        found = found[np.flatnonzero(np.diff(instance.child[found], prepend=-1))]
    saving = _savings(instance, found, prices)
    shares = [w[found] / limit for w, limit in zip(instance.weights, instance.limits, strict=True) if limit > 0]
    taken = np.sum(shares, axis=0) if shares else np.ones(len(found))
    return found[np.argsort(-saving / np.maximum(taken, _LEAST), kind="stable")]


class _Room:
    """What a plan leaves of the limits."""

    def __init__(self, instance: Instance, option: Ints) -> None:
        limits = np.asarray(instance.limits, np.float64)
        self.left: list[float] = (limits - usage_of(instance, option)).tolist()
        self.users: list[int] = np.bincount(instance.place[option], minlength=len(instance.owner)).tolist()
        self._weights = instance.weights
        self.seconds = instance.seconds if np.isfinite(instance.evacuation) else None
        self._evacuation = instance.evacuation
        self._taken: list[float] = []
        if self.seconds is not None:
            self._taken = instance.sum_by_place(instance.place[option], self.seconds[option]).tolist()

    def take(self, k: int, place: int) -> bool:
        """Takes what an option needs, if it is there."""
        needs = [float(weight[k]) for weight in self._weights]
        if any(need > left for need, left in zip(needs, self.left, strict=True)):
            return False
        if self.seconds is not None:
            if self._taken[place] + self.seconds[k] > self._evacuation:
                return False
            self._taken[place] += float(self.seconds[k])
        self.left = [left - need for need, left in zip(needs, self.left, strict=True)]
        self.users[place] += 1
        return True
