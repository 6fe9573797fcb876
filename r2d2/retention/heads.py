"""Which members of a group of duplicates can matter as parents.

**Groups.** 500 duplicates are 249,500 pairs, nearly all useless, because cost and latency of a rebuild are a parent's
term plus a child's term. Let p and q be members of one group, p no dearer and no slower to read than q. If both are
kept, whatever is rebuilt from q can be rebuilt from p, so q matters as a parent only while p is retired. Such a plan is
never better than the same plan with the two exchanged (p kept, q retired to p, q's children moved to p) if

  1. p can't be retired at all (then it is kept anyway, and only the children move), or
  2. q may be rebuilt from p, and saves at least as much by that as p could save from any parent, or
  3. p and q have the same numbers (q takes p's former parent; all members have the same ancestors).

So q need not be considered as a parent, provided that the policies tell the two apart nowhere. What is saved counts as
the model has it, with the cost of undoing the plan before (``history``). Exchanges only ever move towards the front of
the order in which members are looked at, so they end, and dropping all such q at once is exact. What is left are the
group's *heads*, mostly one.

Where the whole plan has budgets, 2 does not hold: the two take different parts of them. Where a parent may have only so
much rebuilt from it, every member may be needed. A group in which views matter is left as it is, and so is every group
where costs are known by pair.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from r2d2.retention.costs import EPSILON, PROOFS, startup_cost
from r2d2.retention.latency import within
from r2d2.retention.limits import limits_of_plan
from r2d2.retention.profiles import Ints
from r2d2.retention.rebuilds import Rebuilds


@dataclass(frozen=True)
class _Member:
    """The numbers of one member; ``bias`` is what it saves more by going than in money."""

    keep: float
    read: float
    write: float
    read_seconds: float
    write_seconds: float
    accesses: float
    limit: float
    residency: float
    guard: float
    once: float
    bias: float


class Heads:
    """Finds the heads of groups."""

    def __init__(self, rebuilds: Rebuilds) -> None:
        self._rebuilds, self._settings = rebuilds, rebuilds.settings

    def of(self, members: Ints, elsewhere: float) -> Ints:
        """The members of a group that can matter as parents, cheapest to read first.

        Args:
            elsewhere: money to read the cheapest dataset that holds the group's rows and is no member.
        """
        known = self._rebuilds.profiles
        if len(members) == 1 or not self._rebuilds.separable or self._settings.evacuation_limit:
            return members
        order = members[np.lexsort((np.arange(len(members)), known.read_seconds[members], known.read[members]))]
        heads: list[tuple[int, float]] = []
        for position, member in enumerate(order.tolist()):
            if not any(self._replaces(head, best, member) for head, best in heads):
                others = float(known.read[order[0 if position else 1]])
                heads.append((member, self._best_saving(member, min(elsewhere, others))))
        return np.asarray([head for head, _ in heads], np.int64)

    @cached_property
    def _startup(self) -> float:
        return startup_cost(self._settings)

    @cached_property
    def _members(self) -> list[_Member]:
        known = self._rebuilds.profiles
        bias = self._rebuilds.history.bias(known.keep, self._settings.switching_share)
        columns = [getattr(known, name).tolist() for name in _Member.__dataclass_fields__ if name != "bias"]
        columns.append(bias.tolist())
        return [_Member(*row) for row in zip(*columns, strict=True)]

    def _may_go(self, member: int) -> bool:
        return bool(self._rebuilds.retirable[member])

    def _monthly(self, member: _Member, read: float) -> float:
        """Money a month if the member is rebuilt from what costs so much to read."""
        return member.guard + member.accesses * (self._startup + read + member.write + member.residency)

    def _saving(self, member: _Member, read: float) -> float:
        return member.keep + member.bias - self._monthly(member, read)

    def _pays(self, member: _Member, read: float) -> bool:
        saving = member.keep - self._monthly(member, read)
        in_time = member.once + PROOFS * read <= self._settings.payback_months * saving
        return saving > EPSILON and saving >= self._settings.min_saving and in_time

    def _best_saving(self, number: int, cheapest_read: float) -> float:
        """An upper bound of what retiring the member saves; minus infinity if it can't be retired."""
        member = self._members[number]
        can = self._may_go(number) and self._pays(member, cheapest_read)
        return self._saving(member, cheapest_read) if can else -math.inf

    def _replaces(self, head: int, best: float, number: int) -> bool:
        """Whether the member need not be a parent because of the head, whose saving is at most ``best``."""
        first, second = self._members[head], self._members[number]
        if first.read > second.read or first.read_seconds > second.read_seconds:
            return False
        if not self._rebuilds.policies.alike(head, number):
            return False
        if best <= 0 or (first == second and self._may_go(head) == self._may_go(number)):
            return True
        if limits_of_plan(self._settings):
            return False
        seconds = self._settings.startup_seconds + first.read_seconds + second.write_seconds
        allowed = self._may_go(number) and within(seconds, second.limit) and self._pays(second, first.read)
        return allowed and self._saving(second, first.read) >= best
