"""Which dataset could be rebuilt from which: the pairs that the model chooses from.

**Groups.** 500 duplicates are 249,500 pairs, nearly all useless, because cost and latency of a rebuild are a parent's
term plus a child's term. Let p and q be members of one group, p no dearer and no slower to read than q. If both are
kept, whatever is rebuilt from q can be rebuilt from p, so q matters as a parent only while p is retired. Such a plan is
never better than the same plan with the two exchanged (p kept, q retired to p, q's children moved to p) if

  1. p can't be retired at all (then it is kept anyway, and only the children move), or
  2. q may be rebuilt from p, and saves at least as much by that as p could save from any parent, or
  3. p and q have the same numbers (q takes p's former parent; all members have the same ancestors).

So q need not be considered as a parent. Exchanges only ever move towards the front of the order in which members are
looked at, so they end, and dropping all such q at once is exact. What is left are the group's *heads*, mostly one.
A group in which views matter is left as it is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from r2d2.config import RetentionSettings
from r2d2.retention.ancestors import Containment, Place
from r2d2.retention.costs import EPSILON, CostProfile, startup_cost
from r2d2.retention.latency import within

#: Datasets looked at for each pair that is allowed, before a component counts as too large to be solved exactly.
VISITS_PER_PAIR = 20


@dataclass(frozen=True)
class Pair:
    """``child`` may be rebuilt from ``parent``, which costs ``cost`` a month."""

    child: str
    parent: str
    cost: float


@dataclass
class Obstacles:
    """Why a dataset has no pair: what was seen of the datasets that hold all its rows."""

    holders: int = 0
    fastest: float = math.inf
    cheapest: float = math.inf


@dataclass(frozen=True)
class Candidates:
    """The choices of one component. ``complete``: no pair was left out that could matter."""

    pairs: list[Pair]
    obstacles: dict[str, Obstacles]
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
    children = [m for m in members if m in retirable]
    search = _Search(lake, profiles, retirable, settings)
    found = search.pairs(children, settings.max_pairs)
    if found is None:
        search = _Search(lake, profiles, retirable, settings)
        found = search.nearest(children, max(1, settings.max_pairs // max(1, len(children))))
        return Candidates(found, search.obstacles, complete=False)
    return Candidates(found, search.obstacles, complete=True)


class _Search:
    """One enumeration of the pairs of a component."""

    def __init__(
        self,
        lake: Containment,
        profiles: Mapping[str, CostProfile],
        retirable: frozenset[str],
        settings: RetentionSettings,
    ) -> None:
        self._lake = lake
        self._profiles = profiles
        self._retirable = retirable
        self._settings = settings
        self._startup = startup_cost(settings)
        self._visits = 0
        self._walks: dict[int, list[Place]] = {}
        self._heads: dict[int, Sequence[str]] = {}
        self._reads: dict[Place, float] = {}
        self.obstacles: dict[str, Obstacles] = {}

    def pairs(self, children: Sequence[str], limit: int) -> list[Pair] | None:
        """All pairs that can matter, or None if there are more than ``limit`` or finding them takes too long."""
        found: list[Pair] = []
        self._visits = VISITS_PER_PAIR * (limit + len(children))
        for child in children:
            for place in self._places(child):
                found += self._eligible(child, self._parents(place))
                if self._visits <= 0 or len(found) > limit:
                    return None
        return found

    def nearest(self, children: Sequence[str], limit: int) -> list[Pair]:
        """At most ``limit`` pairs for each child, the nearest parents first."""
        found: list[Pair] = []
        for child in children:
            parents: list[str] = []
            for place in self._lake.holders(child, limit + 1):
                parents += self._lake.group(place)[: limit + 1 - len(parents)]
            found += self._eligible(child, parents)[:limit]
        return found

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
            self._heads[place[0]] = self._find_heads(members, self._places(members[0]))
        return self._heads[place[0]]

    def _eligible(self, child: str, parents: Sequence[str]) -> list[Pair]:
        obstacles = self.obstacles.setdefault(child, Obstacles())
        self._visits -= len(parents)
        found = []
        for parent in parents:
            if parent == child:
                continue
            seconds, cost = self._rebuild(child, parent)
            obstacles.holders += 1
            obstacles.fastest = min(obstacles.fastest, seconds)
            if within(seconds, self._profiles[child].limit):
                obstacles.cheapest = min(obstacles.cheapest, cost)
                if self._pays(child, cost):
                    found.append(Pair(child, parent, cost))
        return found

    def _rebuild(self, child: str, parent: str) -> tuple[float, float]:
        """Seconds of one rebuild, and money a month for the expected ones."""
        to, source = self._profiles[child], self._profiles[parent]
        seconds = self._settings.startup_seconds + source.read_seconds + to.write_seconds
        return seconds, to.accesses * (self._startup + source.read + to.write)

    def _pays(self, child: str, cost: float) -> bool:
        saving = self._profiles[child].keep - cost
        return saving > EPSILON and saving >= self._settings.min_saving

    def _find_heads(self, members: Sequence[str], places: Sequence[Place]) -> Sequence[str]:
        """The members that can matter as parents (see the module's text), cheapest to read first."""
        order = sorted(members, key=lambda m: (self._profiles[m].read, self._profiles[m].read_seconds))
        home = self._lake.home(order[0])
        cheapest = min((self._cheapest_read(place) for place in places if place[0] != home), default=math.inf)
        heads: list[tuple[str, float]] = []
        for position, member in enumerate(order):
            if not any(self._replaces(head, best, member) for head, best in heads):
                others = self._profiles[order[0 if position else 1]].read
                heads.append((member, self._best_saving(member, min(cheapest, others))))
        return [head for head, _ in heads]

    def _cheapest_read(self, place: Place) -> float:
        if place not in self._reads:
            members = self._lake.group(place)
            self._visits -= len(members)
            self._reads[place] = min(self._profiles[m].read for m in members)
        return self._reads[place]

    def _best_saving(self, member: str, cheapest_read: float) -> float:
        """An upper bound of what retiring the member saves; minus infinity if it can't be retired."""
        to = self._profiles[member]
        cost = to.accesses * (self._startup + cheapest_read + to.write)
        return to.keep - cost if member in self._retirable and self._pays(member, cost) else -math.inf

    def _replaces(self, head: str, best: float, member: str) -> bool:
        """Whether the member need not be a parent because of the head, whose saving is at most ``best``."""
        first, second = self._profiles[head], self._profiles[member]
        if first.read > second.read or first.read_seconds > second.read_seconds:
            return False
        if best == -math.inf or (first == second and (head in self._retirable) == (member in self._retirable)):
            return True
        seconds, cost = self._rebuild(member, head)
        allowed = member in self._retirable and within(seconds, second.limit) and self._pays(member, cost)
        return allowed and second.keep - cost >= best
