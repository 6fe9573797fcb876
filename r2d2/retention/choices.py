"""The model of one component: places, pairs and what they take of the plan's limits."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from r2d2.retention.candidates import Candidates
from r2d2.retention.limits import limits_of_plan
from r2d2.retention.optimizer import Budget, Instance, Pairs
from r2d2.retention.prices import storage_class
from r2d2.retention.profiles import Floats, Ints
from r2d2.retention.rebuilds import REDIRECT, RETIRE, Rebuilds

#: Child, place, cost, seconds and mode of pairs.
_Listed = tuple[Ints, Ints, Floats, Floats, Ints]


@dataclass(frozen=True)
class Choices:
    """The model, and what its places and pairs stand for.

    Attributes:
        tier: of each place, which colder class of its dataset it is; -1 for the class that it has.
        mode, monthly, seconds: of each pair, as ``Decision`` has them.
        complete: no pair was left out that could matter.
    """

    instance: Instance
    tier: Ints
    mode: Ints
    monthly: Floats
    seconds: Floats
    complete: bool

    def only(self, instance: Instance) -> Choices:
        """The same with the options that are left in an instance, the pairs numbered anew."""
        paired = instance.pair >= 0
        pair = np.where(paired, np.cumsum(paired) - 1, -1)
        left = {name: getattr(self, name)[instance.pair[paired]] for name in ("mode", "monthly", "seconds")}
        return replace(self, instance=replace(instance, pair=pair), **left)


@dataclass(frozen=True)
class _Cold:
    """Places in colder classes.

    Attributes:
        owner: positions among the members.
        read: money that reading from there costs more.
        wait: seconds that the first byte takes longer.
    """

    owner: Ints
    tier: Ints
    keep: Floats
    read: Floats
    wait: Floats
    change: Floats


def choices_of(members: Ints, found: Candidates, rebuilds: Rebuilds, sizes: Floats) -> Choices:
    """The model of a component.

    Args:
        members: its datasets by number.
        sizes: bytes of each dataset.
    """
    settings = rebuilds.settings
    cold = _cold(members, rebuilds)
    pairs: list[_Listed] = [(found.child, found.parent, found.cost, found.seconds, found.mode)]
    pairs.append(_from_cold(members, found, rebuilds, cold))
    child, place, cost, seconds, mode = (np.concatenate(parts) for parts in zip(*pairs, strict=True))
    weights = {
        "max_rebuild_cost": cost,
        "max_retired_datasets": np.ones(len(child)),
        "max_retired_bytes": sizes[members][child],
    }
    budgets = [Budget(name, limit, weights[name]) for name, limit in limits_of_plan(settings).items()]
    evacuation, waiting = np.inf, None
    if settings.evacuation_limit:
        evacuation = settings.evacuation_limit
        waiting = np.where(mode == RETIRE, seconds / settings.shared_rebuilds, 0.0)
    owner = np.concatenate([np.arange(len(members)), cold.owner])
    keep, share, history = rebuilds.profiles.keep[members], settings.switching_share, rebuilds.history
    moved = [
        history.elsewhere(member, "", float(cost), share) for member, cost in zip(members.tolist(), keep, strict=True)
    ]
    opening = np.concatenate([keep + np.asarray(moved), cold.keep + cold.change])
    opening += history.staying(members[owner], keep[owner], share)
    price = cost + history.going(members[child], keep[child], share)
    again = history.again(members[child], members[owner[place]])
    return Choices(
        instance=Instance.of(
            opening,
            Pairs(child, place, price, waiting, again),
            owner=owner,
            budgets=budgets,
            evacuation=evacuation,
        ),
        tier=np.concatenate([np.full(len(members), -1), cold.tier]),
        mode=mode,
        monthly=cost,
        seconds=seconds,
        complete=found.complete,
    )


def _cold(members: Ints, rebuilds: Rebuilds) -> _Cold:
    known, settings = rebuilds.profiles, rebuilds.settings
    here = [storage_class(rebuilds.datasets[member], settings).first_byte_seconds for member in rebuilds.tiers]
    waits = dict(zip(rebuilds.tiers, here, strict=True))
    share, history = settings.switching_share, rebuilds.history
    rows = [
        (
            position,
            number,
            tier.keep,
            tier.read - float(known.read[member]),
            tier.first_byte_seconds - waits[member],
            history.elsewhere(member, tier.name, float(known.keep[member]), share),
        )
        for position, member in enumerate(members.tolist() if rebuilds.tiers else [])
        for number, tier in enumerate(rebuilds.tiers.get(member, ()))
    ]
    columns = [np.asarray([row[side] for row in rows], np.float64) for side in range(6)]
    return _Cold(columns[0].astype(np.int64), columns[1].astype(np.int64), *columns[2:])


def _from_cold(members: Ints, found: Candidates, rebuilds: Rebuilds, cold: _Cold) -> _Listed:
    """Pairs with the colder places of parents; no view is put over one."""
    pair = np.flatnonzero(found.mode != REDIRECT)
    pair = pair[np.argsort(found.parent[pair], kind="stable")]
    first, end = (np.searchsorted(found.parent[pair], cold.owner, side) for side in ("left", "right"))
    count = end - first
    place = np.repeat(np.arange(len(count)), count)
    k = pair[np.arange(len(place)) + np.repeat(first - np.cumsum(count) + count, count)]
    child, parent = members[found.child[k]], members[found.parent[k]]
    cost = found.cost[k] + rebuilds.profiles.accesses[child] * cold.read[place]
    seconds = found.seconds[k] + cold.wait[place]
    good = rebuilds.quick(child, seconds) & rebuilds.pays(child, parent, cost)
    k = k[good]
    return found.child[k], len(members) + place[good], cost[good], seconds[good], found.mode[k]
