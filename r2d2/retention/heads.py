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
from collections import defaultdict
from dataclasses import dataclass, field
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


@dataclass
class _Found:
    """The heads that the policies tell apart nowhere.

    Attributes:
        saving: heads that may save something by going, and at most how much.
        fastest: seconds to read the fastest of the others, which save nothing by going.
        met: the numbers of all heads, and whether each may go.
    """

    saving: list[tuple[int, float]] = field(default_factory=list)
    fastest: float = math.inf
    met: set[tuple[_Member, bool]] = field(default_factory=set)


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
        heads: list[int] = []
        alike: dict[tuple[int, bool], _Found] = defaultdict(_Found)
        for position, member in enumerate(order.tolist()):
            found = alike[self._rebuilds.policies.kind(member)]
            if not self._replaced(found, member):
                others = float(known.read[order[0 if position else 1]])
                self._note(found, member, self._best_saving(member, min(elsewhere, others)))
                heads.append(member)
        return np.asarray(heads, np.int64)

    def _note(self, found: _Found, member: int, best: float) -> None:
        numbers = self._members[member]
        found.met.add((numbers, self._may_go(member)))
        if best > 0:
            found.saving.append((member, best))
        else:
            found.fastest = min(found.fastest, numbers.read_seconds)

    def _replaced(self, found: _Found, member: int) -> bool:
        """Whether the member need not be a parent because of a head, none of which is dearer to read."""
        numbers = self._members[member]
        if found.fastest <= numbers.read_seconds or (numbers, self._may_go(member)) in found.met:
            return True
        return not self._limited and any(self._exchanged(head, best, member) for head, best in found.saving)

    @cached_property
    def _limited(self) -> bool:
        return bool(limits_of_plan(self._settings))

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

    def _exchanged(self, head: int, best: float, number: int) -> bool:
        """Whether it costs no more to keep the head, whose saving is at most ``best``, and to let the member go."""
        first, second = self._members[head], self._members[number]
        seconds = self._settings.startup_seconds + first.read_seconds + second.write_seconds
        allowed = self._may_go(number) and within(seconds, second.limit) and self._pays(second, first.read)
        slower = first.read_seconds > second.read_seconds
        return not slower and allowed and self._saving(second, first.read) >= best
