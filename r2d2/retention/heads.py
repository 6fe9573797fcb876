"""What rebuilding costs and whether it pays, and which members of a group of duplicates can matter as parents.

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
from functools import cached_property

import numpy as np
import numpy.typing as npt

from r2d2.config import RetentionSettings
from r2d2.retention.costs import EPSILON, CostProfile, startup_cost
from r2d2.retention.latency import within

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Rebuilds:
    """What rebuilding one dataset from another takes, and who may be rebuilt at all."""

    profiles: Mapping[str, CostProfile]
    retirable: frozenset[str]
    settings: RetentionSettings

    @cached_property
    def startup(self) -> float:
        """Money for the start of one rebuild."""
        return startup_cost(self.settings)

    def rebuild(self, child: str, parent: str) -> tuple[float, float]:
        """Seconds of one rebuild, and money a month for guard, expected restores and restored copies."""
        to, source = self.profiles[child], self.profiles[parent]
        seconds = self.settings.startup_seconds + source.read_seconds + to.write_seconds
        return seconds, to.guard + to.accesses * (self.startup + source.read + to.write + to.residency)

    def pays(self, child: str, cost: float) -> bool:
        """Whether retiring the child saves money if rebuilding it costs so much a month."""
        saving = self.profiles[child].keep - cost
        return saving > EPSILON and saving >= self.settings.min_saving

    def pay(self, keep: Floats, cost: Floats) -> Flags:
        """The same for many, by what keeping each costs."""
        saving = keep - cost
        paying: Flags = (saving > EPSILON) & (saving >= self.settings.min_saving)
        return paying

    def heads(self, members: Sequence[str], elsewhere: float) -> list[str]:
        """The members of a group that can matter as parents, cheapest to read first.

        Args:
            elsewhere: money to read the cheapest dataset that holds the group's rows and is no member.
        """
        order = sorted(members, key=lambda m: (self.profiles[m].read, self.profiles[m].read_seconds))
        heads: list[tuple[str, float]] = []
        for position, member in enumerate(order):
            if not any(self._replaces(head, best, member) for head, best in heads):
                others = self.profiles[order[0 if position else 1]].read
                heads.append((member, self._best_saving(member, min(elsewhere, others))))
        return [head for head, _ in heads]

    def _best_saving(self, member: str, cheapest_read: float) -> float:
        """An upper bound of what retiring the member saves; minus infinity if it can't be retired."""
        to = self.profiles[member]
        cost = to.guard + to.accesses * (self.startup + cheapest_read + to.write + to.residency)
        return to.keep - cost if member in self.retirable and self.pays(member, cost) else -math.inf

    def _replaces(self, head: str, best: float, member: str) -> bool:
        """Whether the member need not be a parent because of the head, whose saving is at most ``best``."""
        first, second = self.profiles[head], self.profiles[member]
        if first.read > second.read or first.read_seconds > second.read_seconds:
            return False
        if best == -math.inf or (first == second and (head in self.retirable) == (member in self.retirable)):
            return True
        seconds, cost = self.rebuild(member, head)
        allowed = member in self.retirable and within(seconds, second.limit) and self.pays(member, cost)
        return allowed and second.keep - cost >= best
