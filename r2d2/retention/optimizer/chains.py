"""The linear-time case (the paper's DYN-LIN), widened to forests whose datasets may skip retired ancestors.

It is exact where each dataset's options are its nearest ancestors, one above the other, none of them cheaper than a
nearer one: then the nearest kept ancestor is the best, and

    f(v, a) = min(keep(v) + sum of f(c, v), r_va + sum of f(c, a))      over the children c directly below v

is what v and all below it cost if a is the nearest kept ancestor. Time and memory are linear in the pairs. With costs
by pair that holds seldom, which ``chains_of`` finds out; then the general way is taken.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from r2d2.retention.optimizer.instance import Flags, Floats, Instance, Ints


@dataclass(frozen=True)
class Chains:
    """The forest of an instance.

    Attributes:
        above: the next dataset above each, -1 for roots.
        first, count: where the pairs of each dataset begin in ``option``, and how many there are.
        option: pairs that matter, by dataset, nearest ancestor first; the k-th pair of a dataset but its first is to
            the ancestor of the (k-1)-th pair of the dataset above it.
    """

    above: Ints
    first: Ints
    count: Ints
    option: Ints


def chains_of(instance: Instance) -> Chains | None:
    """The forest, if the options of the instance are one and get no cheaper with distance; else None."""
    if len(instance.owner) != instance.size or np.isfinite(instance.cap).any():
        return None
    option = np.flatnonzero((instance.pair >= 0) & instance.pays)
    option = option[_before_fixed(instance.child[option], instance.fixed[instance.place[option]])]
    child, parent = instance.child[option], instance.place[option]
    above = np.full(instance.size, -1, np.int64)
    start = np.flatnonzero(np.diff(child, prepend=-1))
    above[child[start]] = parent[start]
    follows = np.flatnonzero(np.diff(child, prepend=-1) == 0)
    if np.any(above[parent[follows - 1]] != parent[follows]):
        return None
    count = np.bincount(child, minlength=instance.size)
    if _depth(above) is None:
        return None
    return Chains(above, np.cumsum(count) - count, count, option)


def solve_chains(instance: Instance, chains: Chains) -> Flags:
    """The places that the cheapest plan keeps."""
    depth = _depth(chains.above)
    assert depth is not None
    keep, through = _costs(instance, chains, depth)
    return _kept(instance, chains, depth, keep, through)


def _costs(instance: Instance, chains: Chains, depth: Ints) -> tuple[Floats, Floats]:
    """keep(v) with all below it, and by pair what v and all below it cost if v is rebuilt from that ancestor."""
    keep = instance.alone.copy()
    through = instance.cost[chains.option].copy()
    for level in range(int(depth.max(initial=0)), 0, -1):
        nodes = np.flatnonzero(depth == level)
        parent = chains.above[nodes]
        pairs, node = _ranges(chains.first[nodes], chains.count[nodes])
        best = np.minimum(keep[nodes][node], through[pairs])
        nearest = pairs == chains.first[nodes][node]
        np.add.at(keep, parent, best[nearest])
        # what lies below the parent, if the parent is rebuilt from further above: as if kept, but for the shared pairs
        places, owner = _ranges(chains.first[parent], chains.count[parent])
        np.add.at(through, places, keep[nodes][owner])
        position = pairs - chains.first[nodes][node] - 1
        shared = ~nearest & (position < chains.count[parent][node])
        target = chains.first[parent][node[shared]] + position[shared]
        np.add.at(through, target, best[shared] - keep[nodes][node[shared]])
    return keep, through


def _kept(instance: Instance, chains: Chains, depth: Ints, keep: Floats, through: Floats) -> Flags:
    """From the roots down: kept, unless the pair to the nearest kept ancestor is there and costs less."""
    kept: Flags = np.ones(instance.size, np.bool_)
    nearest = chains.above.copy()
    for level in range(1, int(depth.max(initial=0)) + 1):
        nodes = np.flatnonzero(depth == level)
        up = chains.above[nodes]
        nearest[nodes] = np.where(kept[up], up, nearest[up])
        pairs, node = _ranges(chains.first[nodes], chains.count[nodes])
        hit = instance.place[chains.option[pairs]] == nearest[nodes][node]
        rebuilt = hit & (through[pairs] < keep[nodes][node])
        kept[nodes[node[rebuilt]]] = False
    return kept


def _before_fixed(child: Ints, fixed: Flags) -> Flags:
    """Pairs of which no nearer one leads to a dataset that is kept anyway."""
    total: Ints = np.cumsum(fixed) - fixed
    start = np.flatnonzero(np.diff(child, prepend=-1))
    before: Ints = np.repeat(total[start], np.diff(start, append=len(child)))
    flags: Flags = total == before
    return flags


def _depth(above: Ints) -> Ints | None:
    """How many datasets lie above each; None if some lie above each other."""
    depth = np.zeros(len(above), np.int64)
    up = above.copy()
    for _ in range(len(above) + 1):
        going = up >= 0
        if not going.any():
            return depth
        depth += going
        up = np.where(going, above[up], -1)
    return None


def _ranges(first: Ints, count: Ints) -> tuple[Ints, Ints]:
    """The numbers of all ranges, and for each of them which range it is of."""
    which = np.repeat(np.arange(len(first)), count)
    return np.arange(len(which)) - np.repeat(np.cumsum(count) - count, count) + np.repeat(first, count), which
