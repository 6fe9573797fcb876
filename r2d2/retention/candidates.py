"""Which dataset could be rebuilt from which: the pairs that the model chooses from.

Of a component in which views don't matter all pairs are arrays (``_Table``); in the others each dataset's holders are
walked to (``_Search``). Of groups of duplicates only those members are parents that can matter (``heads``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from graphlib import CycleError

import numpy as np

from r2d2.retention.ancestors import Containment, Place
from r2d2.retention.heads import Heads
from r2d2.retention.policies import Refusal
from r2d2.retention.profiles import Flags, Floats, Ints
from r2d2.retention.reach import MOST_NODES, MemberPairs, Reach
from r2d2.retention.rebuilds import Rebuilds, numbers

#: Datasets looked at for each pair that is allowed, before a component counts as too large to be solved exactly.
VISITS_PER_PAIR = 20
#: Pairs that are looked at together.
_BATCH = 1 << 16


@dataclass(frozen=True)
class Obstacles:
    """Why datasets of a component have no pair: what was seen of those that hold all their rows.

    Attributes:
        holders: how many of them there are.
        fastest, cheapest: seconds of the fastest rebuild, and money a month of the cheapest that is fast enough;
            infinity without one that the policies allow.
        paying: how many of them it could be rebuilt from within its limit, save enough money and pay back in time.
        refusal: why the policies refuse a holder, where they refuse all of them; else 0.
    """

    holders: Ints
    fastest: Floats
    cheapest: Floats
    refusal: Ints
    paying: Ints


@dataclass(frozen=True)
class Candidates:
    """The choices of one component.

    Attributes:
        child, parent: positions among the members: who may be rebuilt from whom.
        cost: what that costs a month.
        seconds: what one rebuild takes.
        mode: how: ``RETIRE`` or ``REDIRECT``.
        obstacles: by member.
        complete: no pair was left out that could matter.
    """

    child: Ints
    parent: Ints
    cost: Floats
    seconds: Floats
    mode: Ints
    obstacles: Obstacles
    complete: bool

    def only(self, which: Flags) -> Candidates:
        """The same with these pairs."""
        pairs = {name: getattr(self, name)[which] for name in ("child", "parent", "cost", "seconds", "mode")}
        return replace(self, **pairs)


def find_candidates(members: Ints, lake: Containment, rebuilds: Rebuilds) -> Candidates:
    """The pairs of one component that are allowed, fast enough and save money.

    Beyond ``settings.max_pairs`` the search starts again and looks at the nearest parents of each child only, so that
    neither time nor memory grow with the closure.

    Args:
        members: the numbers of the component's datasets, ascending.
    """
    return _all_pairs(members, lake, rebuilds) or _Search(members, lake, rebuilds).nearest()


def _all_pairs(members: Ints, lake: Containment, rebuilds: Rebuilds) -> Candidates | None:
    """All pairs that can matter, or None if there are too many."""
    nodes = lake.plain_nodes([rebuilds.datasets[member].id for member in members.tolist()])
    if nodes is None or len(nodes) > MOST_NODES:
        return _Search(members, lake, rebuilds).all()
    try:
        return _Table(members, lake, nodes, rebuilds).all()
    except CycleError:  # datasets that hold each other's rows and are in no group
        return _Search(members, lake, rebuilds).all()


class _Choices:
    """Looks at pairs of which one side holds all rows of the other, and keeps those that may be chosen."""

    def __init__(self, members: Ints, rebuilds: Rebuilds) -> None:
        size = len(members)
        self._members, self._rebuilds = members, rebuilds
        self._holders, self._refused = np.zeros(size, np.int64), np.zeros(size, np.int64)
        self._fastest, self._cheapest = np.full(size, np.inf), np.full(size, np.inf)
        self._reason, self._paying = np.zeros(size, np.int64), np.zeros(size, np.int64)
        self._found: list[tuple[Ints, Ints, Floats, Floats, Ints]] = []
        #: How many were kept.
        self.kept = 0

    def add(self, child: Ints, parent: Ints) -> None:
        """Looks at pairs of datasets by number, none of them with itself."""
        rebuilds, own = self._rebuilds, np.searchsorted(self._members, child)
        refusal = rebuilds.policies.refusal(child, parent)
        allowed = refusal == Refusal.ALLOWED
        self._holders += np.bincount(own, minlength=len(self._members))
        self._refused += np.bincount(own[~allowed], minlength=len(self._members))
        self._reason[own[~allowed]] = refusal[~allowed]
        for mode, possible in rebuilds.modes(child):
            which = allowed if possible is None else allowed & possible
            self._choose(mode, child[which], parent[which], own[which])

    def _choose(self, mode: int, child: Ints, parent: Ints, own: Ints) -> None:
        rebuilds = self._rebuilds
        seconds, cost = rebuilds.retirement(mode, child, parent)
        quick = rebuilds.quick(child, seconds)
        np.minimum.at(self._fastest, own, seconds)
        np.minimum.at(self._cheapest, own[quick], cost[quick])
        good = quick & rebuilds.pays(child, parent, cost)
        self._paying += np.bincount(own[good], minlength=len(self._members))
        among = np.searchsorted(self._members, parent[good])
        self._found.append((own[good], among, cost[good], seconds[good], np.full(len(among), mode)))
        self.kept += len(among)

    def candidates(self, complete: bool) -> Candidates:
        """What may be chosen."""
        ints, floats = np.empty(0, np.int64), np.empty(0, np.float64)
        none = ints, ints, floats, floats, ints
        child, parent, cost, seconds, mode = (np.concatenate(parts) for parts in zip(none, *self._found, strict=True))
        refusal = np.where(self._refused == self._holders, self._reason, 0)
        obstacles = Obstacles(self._holders, self._fastest, self._cheapest, refusal, self._paying)
        return Candidates(child, parent, cost, seconds, mode, obstacles, complete)


class _Table:
    """The pairs of a component in which views don't matter, all at once."""

    def __init__(self, members: Ints, lake: Containment, nodes: list[int], rebuilds: Rebuilds) -> None:
        self._members, self._rebuilds, self._settings = members, rebuilds, rebuilds.settings
        place = {node: number for number, node in enumerate(nodes)}
        self._parents = [[place[parent] for parent in lake.node_parents(node)] for node in nodes]
        self._groups = [numbers(lake.group((node, "")), rebuilds.number) for node in nodes]
        self._reach = Reach(self._parents)

    def all(self) -> Candidates | None:
        """All pairs that can matter, or None if there are more than allowed or finding them takes too long."""
        limit, retirable = self._settings.max_pairs, self._rebuilds.retirable
        visits = VISITS_PER_PAIR * (limit + int(retirable[self._members].sum()))
        children = [group[retirable[group]] for group in self._groups]
        parents, found = self._heads(), _Choices(self._members, self._rebuilds)
        for node, ancestor in self._reach.pairs():
            pairs = MemberPairs(node, ancestor, children, parents)
            visits -= pairs.count
            if visits < 0:
                return None
            for child, parent in pairs:
                for start in range(0, len(child), _BATCH):
                    found.add(child[start : start + _BATCH], parent[start : start + _BATCH])
                    if found.kept > limit:
                        return None
        return found.candidates(complete=True)

    def _heads(self) -> list[Ints]:
        """Of each group those that can matter as parents; what its ancestors cost to read is known before it."""
        heads, read = Heads(self._rebuilds), self._rebuilds.profiles.read
        cheapest = [float(read[group].min()) for group in self._groups]
        above = [float("inf")] * len(self._groups)
        found = list(self._groups)
        for node in self._reach.order:
            above[node] = min((min(above[p], cheapest[p]) for p in self._parents[node]), default=float("inf"))
            found[node] = heads.of(self._groups[node], above[node])
        return found


class _Search:
    """The pairs of a component by a walk from each child."""

    def __init__(self, members: Ints, lake: Containment, rebuilds: Rebuilds) -> None:
        self._members, self._lake, self._rebuilds = members, lake, rebuilds
        self._children: list[int] = members[rebuilds.retirable[members]].tolist()
        self._limit, self._visits = rebuilds.settings.max_pairs, 0
        self._find_heads = Heads(rebuilds)
        self._walks: dict[int, list[Place]] = {}
        self._heads: dict[int, Ints] = {}
        self._reads: dict[Place, float] = {}
        self._waiting: list[tuple[int, Ints]] = []
        self._size = 0

    def all(self) -> Candidates | None:
        """All pairs that can matter, or None if there are more than allowed or finding them takes too long."""
        found = _Choices(self._members, self._rebuilds)
        self._visits = VISITS_PER_PAIR * (self._limit + len(self._children))
        for child in self._children:
            for place in self._places(self._name(child)):
                parents = self._parents(place)
                self._visits -= len(parents)
                self._wait(found, child, parents)
                if self._visits <= 0 or found.kept > self._limit:
                    return None
        self._look(found)
        return found.candidates(complete=True) if found.kept <= self._limit else None

    def nearest(self) -> Candidates:
        """As many pairs as are allowed, for each child those of the nearest parents."""
        found = _Choices(self._members, self._rebuilds)
        limit = max(1, self._limit // max(1, len(self._children)))
        for child in self._children:
            parents: list[str] = []
            for place in self._lake.holders(self._name(child), limit + 1):
                parents += self._some(self._lake.group(place), child, limit + 1 - len(parents))
            others = numbers(parents, self._rebuilds.number)
            self._wait(found, child, others[others != child][:limit])
        self._look(found)
        return found.candidates(complete=False)

    def _some(self, group: Sequence[str], child: int, most: int) -> Sequence[str]:
        """At most so many members: the first, and others for each child where each may have only so much rebuilt."""
        if len(group) <= most or not self._rebuilds.settings.evacuation_limit:
            return group[:most]
        half, rest = group[: most // 2], group[most // 2 :]
        start = child % len(rest)
        return [*half, *(*rest[start:], *rest[:start])[: most - len(half)]]

    def _name(self, number: int) -> str:
        return self._rebuilds.datasets[number].id

    def _wait(self, found: _Choices, child: int, parents: Ints) -> None:
        """Puts pairs by until there are enough of them to be looked at together."""
        self._waiting.append((child, parents[parents != child]))
        self._size += len(parents)
        if self._size >= _BATCH:
            self._look(found)

    def _look(self, found: _Choices) -> None:
        children = [np.full(len(parents), child, np.int64) for child, parents in self._waiting]
        if children:
            found.add(np.concatenate(children), np.concatenate([parents for _, parents in self._waiting]))
        self._waiting, self._size = [], 0

    def _places(self, child: str) -> list[Place]:
        node = self._lake.home(child)
        if node in self._walks and self._lake.shares_walk(child):
            return self._walks[node]
        places = self._lake.holders(child, max(1, self._visits))
        self._visits -= len(places)
        if self._lake.shares_walk(child):
            self._walks[node] = places
        return places

    def _parents(self, place: Place) -> Ints:
        members = self._lake.group(place)
        found = numbers(members, self._rebuilds.number)
        if place[0] is None or len(members) == 1 or not self._lake.interchangeable(place[0]):
            return found
        if place[0] not in self._heads:
            places = self._places(members[0])
            elsewhere = min((self._cheapest_read(p) for p in places if p[0] != place[0]), default=float("inf"))
            self._heads[place[0]] = self._find_heads.of(found, elsewhere)
        return self._heads[place[0]]

    def _cheapest_read(self, place: Place) -> float:
        if place not in self._reads:
            members = numbers(self._lake.group(place), self._rebuilds.number)
            self._visits -= len(members)
            self._reads[place] = float(self._rebuilds.profiles.read[members].min())
        return self._reads[place]
