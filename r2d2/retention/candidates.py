"""Which dataset could be rebuilt from which: the pairs that the model chooses from.

Of a component in which views don't matter all pairs are arrays (``_Table``); in the others each dataset's holders are
walked to (``_Search``). Of groups of duplicates only those members are parents that can matter (``heads``).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError

import numpy as np

from r2d2.config import RetentionSettings
from r2d2.retention.ancestors import Containment, Place
from r2d2.retention.costs import CostProfile
from r2d2.retention.heads import Flags, Floats, Rebuilds
from r2d2.retention.latency import within, within_all
from r2d2.retention.reach import MOST_NODES, Ints, MemberPairs, Reach

#: Datasets looked at for each pair that is allowed, before a component counts as too large to be solved exactly.
VISITS_PER_PAIR = 20
_NO_PAIRS = np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float64)
_COLUMNS = ("keep", "read", "write", "read_seconds", "write_seconds", "accesses", "limit", "residency", "guard")


@dataclass
class Obstacles:
    """Why a dataset has no pair: what was seen of the datasets that hold all its rows."""

    holders: int = 0
    fastest: float = math.inf
    cheapest: float = math.inf


@dataclass(frozen=True)
class Candidates:
    """The choices of one component.

    Attributes:
        child, parent: positions among the members: who may be rebuilt from whom.
        cost: what that costs a month.
        obstacles: by child.
        complete: no pair was left out that could matter.
    """

    child: Ints
    parent: Ints
    cost: Floats
    obstacles: Mapping[str, Obstacles]
    complete: bool


def find_candidates(
    members: Sequence[str],
    lake: Containment,
    profiles: Mapping[str, CostProfile],
    retirable: frozenset[str],
    settings: RetentionSettings,
) -> Candidates:
    """The pairs of one component that are allowed, fast enough and save money.

    Beyond ``settings.max_pairs`` the search starts again and looks at the nearest parents of each child only, so that
    neither time nor memory grow with the closure.
    """
    rebuilds = Rebuilds(profiles, retirable, settings)
    return _all_pairs(members, lake, rebuilds) or _Search(members, lake, rebuilds).nearest()


def _all_pairs(members: Sequence[str], lake: Containment, rebuilds: Rebuilds) -> Candidates | None:
    """All pairs that can matter, or None if there are too many."""
    nodes = lake.plain_nodes(members)
    if nodes is None or len(nodes) > MOST_NODES:
        return _Search(members, lake, rebuilds).all()
    try:
        return _Table(members, lake, nodes, rebuilds).all()
    except CycleError:  # datasets that hold each other's rows and are in no group
        return _Search(members, lake, rebuilds).all()


class _Table:
    """The pairs of a component in which views don't matter, all at once."""

    def __init__(self, members: Sequence[str], lake: Containment, nodes: Sequence[int], rebuilds: Rebuilds) -> None:
        self._members, self._rebuilds, self._settings = members, rebuilds, rebuilds.settings
        place = {node: number for number, node in enumerate(nodes)}
        self._parents = [[place[parent] for parent in lake.node_parents(node)] for node in nodes]
        self._groups = [lake.group((node, "")) for node in nodes]
        self._position = {name: number for number, name in enumerate(members)}
        self._retirable: Flags = np.asarray([name in rebuilds.retirable for name in members], np.bool_)
        self._reach = Reach(self._parents)

    def all(self) -> Candidates | None:
        """All pairs that can matter, or None if there are more than allowed or finding them takes too long."""
        size, limit = len(self._members), self._settings.max_pairs
        visits = VISITS_PER_PAIR * (limit + int(self._retirable.sum()))
        children = [
            self._positions(name for name in group if name in self._rebuilds.retirable) for group in self._groups
        ]
        parents = [self._positions(heads) for heads in self._heads()]
        holders, fastest, cheapest = np.zeros(size, np.int64), np.full(size, np.inf), np.full(size, np.inf)
        found: list[tuple[Ints, Ints, Floats]] = []
        for node, ancestor in self._reach.pairs():
            pairs = MemberPairs(node, ancestor, children, parents)
            visits -= pairs.count
            if visits < 0:
                return None
            for child, parent in pairs:
                seconds, cost = self._rebuilt(child, parent)
                quick = within_all(seconds, self._columns["limit"][child])
                holders += np.bincount(child, minlength=size)
                np.minimum.at(fastest, child, seconds)
                np.minimum.at(cheapest, child[quick], cost[quick])
                pays = quick & self._rebuilds.pay(self._columns["keep"][child], cost)
                found.append((child[pays], parent[pays], cost[pays]))
        child, parent, cost = (np.concatenate(parts) for parts in zip(_NO_PAIRS, *found, strict=True))
        if len(child) > limit:
            return None
        return Candidates(child, parent, cost, self._obstacles(holders, fastest, cheapest), complete=True)

    def _positions(self, names: Iterable[str]) -> Ints:
        return np.asarray([self._position[name] for name in names], np.int64)

    @cached_property
    def _columns(self) -> Mapping[str, Floats]:
        profiles = [self._rebuilds.profiles[name] for name in self._members]
        return {name: np.asarray([getattr(p, name) for p in profiles], np.float64) for name in _COLUMNS}

    def _rebuilt(self, child: Ints, parent: Ints) -> tuple[Floats, Floats]:
        """As ``Rebuilds.rebuild`` has it, to the last bit."""
        columns = self._columns
        seconds = self._settings.startup_seconds + columns["read_seconds"][parent] + columns["write_seconds"][child]
        once = self._rebuilds.startup + columns["read"][parent] + columns["write"][child] + columns["residency"][child]
        return seconds, columns["guard"][child] + columns["accesses"][child] * once

    def _heads(self) -> list[Sequence[str]]:
        """Of each group those that can matter as parents; what its ancestors cost to read is known before it."""
        cheapest = [min(self._rebuilds.profiles[name].read for name in group) for group in self._groups]
        above = [math.inf] * len(self._groups)
        heads: list[Sequence[str]] = list(self._groups)
        for node in self._reach.order:
            above[node] = min((min(above[p], cheapest[p]) for p in self._parents[node]), default=math.inf)
            if len(self._groups[node]) > 1:
                heads[node] = self._rebuilds.heads(self._groups[node], above[node])
        return heads

    def _obstacles(self, holders: Ints, fastest: Floats, cheapest: Floats) -> dict[str, Obstacles]:
        facts = zip(holders.tolist(), fastest.tolist(), cheapest.tolist(), strict=True)
        return {
            name: Obstacles(*seen)
            for name, seen in zip(self._members, facts, strict=True)
            if name in self._rebuilds.retirable
        }


class _Search:
    """The pairs of a component by a walk from each child."""

    def __init__(self, members: Sequence[str], lake: Containment, rebuilds: Rebuilds) -> None:
        self._lake, self._rebuilds, self._settings = lake, rebuilds, rebuilds.settings
        self._children = [name for name in members if name in rebuilds.retirable]
        self._position = {name: number for number, name in enumerate(members)}
        self._visits = 0
        self._walks: dict[int, list[Place]] = {}
        self._heads: dict[int, Sequence[str]] = {}
        self._reads: dict[Place, float] = {}
        self._obstacles: dict[str, Obstacles] = {}

    def all(self) -> Candidates | None:
        """All pairs that can matter, or None if there are more than allowed or finding them takes too long."""
        found: list[tuple[int, int, float]] = []
        limit = self._settings.max_pairs
        self._visits = VISITS_PER_PAIR * (limit + len(self._children))
        for child in self._children:
            for place in self._places(child):
                found += self._eligible(child, self._parents(place))
                if self._visits <= 0 or len(found) > limit:
                    return None
        return self._candidates(found, complete=True)

    def nearest(self) -> Candidates:
        """As many pairs as are allowed, for each child those of the nearest parents."""
        limit = max(1, self._settings.max_pairs // max(1, len(self._children)))
        found: list[tuple[int, int, float]] = []
        for child in self._children:
            parents: list[str] = []
            for place in self._lake.holders(child, limit + 1):
                parents += self._lake.group(place)[: limit + 1 - len(parents)]
            found += self._eligible(child, parents)[:limit]
        return self._candidates(found, complete=False)

    def _candidates(self, found: Sequence[tuple[int, int, float]], complete: bool) -> Candidates:
        child, parent = (np.asarray([pair[side] for pair in found], np.int64) for side in (0, 1))
        cost = np.asarray([pair[2] for pair in found], np.float64)
        return Candidates(child, parent, cost, self._obstacles, complete)

    def _places(self, child: str) -> list[Place]:
        node = self._lake.home(child)
        if node in self._walks and self._lake.shares_walk(child):
            return self._walks[node]
        places = self._lake.holders(child, max(1, self._visits))
        self._visits -= len(places)
        if self._lake.shares_walk(child):
            self._walks[node] = places
        return places

    def _parents(self, place: Place) -> Sequence[str]:
        members = self._lake.group(place)
        if place[0] is None or len(members) == 1 or not self._lake.interchangeable(place[0]):
            return members
        if place[0] not in self._heads:
            places = self._places(members[0])
            elsewhere = min((self._cheapest_read(p) for p in places if p[0] != place[0]), default=math.inf)
            self._heads[place[0]] = self._rebuilds.heads(members, elsewhere)
        return self._heads[place[0]]

    def _eligible(self, child: str, parents: Sequence[str]) -> list[tuple[int, int, float]]:
        obstacles = self._obstacles.setdefault(child, Obstacles())
        self._visits -= len(parents)
        limit, found = self._rebuilds.profiles[child].limit, []
        for parent in parents:
            if parent == child:
                continue
            seconds, cost = self._rebuilds.rebuild(child, parent)
            obstacles.holders += 1
            obstacles.fastest = min(obstacles.fastest, seconds)
            if within(seconds, limit):
                obstacles.cheapest = min(obstacles.cheapest, cost)
                if self._rebuilds.pays(child, cost):
                    found.append((self._position[child], self._position[parent], cost))
        return found

    def _cheapest_read(self, place: Place) -> float:
        if place not in self._reads:
            members = self._lake.group(place)
            self._visits -= len(members)
            self._reads[place] = min(self._rebuilds.profiles[m].read for m in members)
        return self._reads[place]
