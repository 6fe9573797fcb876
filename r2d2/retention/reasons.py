"""The lines of the plan, in words for the datasets' owners."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping

import numpy as np

from r2d2.model import Action, Dataset, PlannedDataset
from r2d2.model.usage import Usage
from r2d2.retention.context import Context
from r2d2.retention.costs import EPSILON, PROOFS, money, seconds_text
from r2d2.retention.decisions import KEPT, Decision
from r2d2.retention.holdings import DAYS_PER_MONTH
from r2d2.retention.limits import limits_of_plan
from r2d2.retention.policies import REFUSALS, Refusal, live_jobs
from r2d2.retention.rebuilds import REDIRECT, Rebuilds
from r2d2.retention.tiers import Tier

_NOTE = " (in a good plan that is not proven the cheapest)"
_ACTIONS = {True: Action.REDIRECT, False: Action.RETIRE}


class Reasons:
    """Says of each dataset what is planned, and why.

    Args:
        pinned: why datasets may not be retired, by id.
    """

    def __init__(self, rebuilds: Rebuilds, pinned: Mapping[str, str], decision: Decision, context: Context) -> None:
        self._rebuilds, self._settings, self._known = rebuilds, rebuilds.settings, rebuilds.profiles
        self._pinned, self._decision, self._context = pinned, decision, context
        group = rebuilds.policies.group
        self._copies = np.bincount(group, minlength=len(group))[group]
        self._children: dict[int, list[str]] = defaultdict(list)
        for child in np.flatnonzero(decision.parent != KEPT).tolist():
            self._children[int(decision.parent[child])].append(rebuilds.datasets[child].id)

    def planned(self, dataset: Dataset) -> PlannedDataset:
        """The dataset's line of the plan."""
        number = self._rebuilds.number.get(dataset.id)
        usage = self._context.usage_of(dataset)
        if number is None:
            reason = self._pinned.get(dataset.id, f"kept: {dataset.error}")
            return PlannedDataset(
                dataset.id, Action.KEEP, None, 0.0, 0.0, 0.0, reason, dataset.version, owner=usage.owner
            )
        open_to_change = self._decision.estimated[number] and dataset.id not in self._pinned
        note = _NOTE if open_to_change else ""
        if self._decision.parent[number] != KEPT:
            return self._gone(number, dataset, usage, note)
        if self._decision.instead[number] != KEPT:
            return self._produced(number, dataset, usage, note)
        if self._decision.tier[number] != KEPT:
            return self._colder(number, dataset, usage, note)
        return PlannedDataset(
            dataset=dataset.id,
            action=Action.KEEP,
            parent=None,
            saving_per_month=0.0,
            rebuild_cost=0.0,
            rebuild_seconds=0.0,
            reason=self._kept(number, dataset) + note,
            version=dataset.version,
            changes_if=self._would_go_if(number, dataset),
            owner=usage.owner,
            could_go=bool(self._decision.obstacles.paying[number]),
        )

    def _gone(self, number: int, dataset: Dataset, usage: Usage, note: str) -> PlannedDataset:
        parent = int(self._decision.parent[number])
        source, view = self._rebuilds.datasets[parent], bool(self._decision.mode[number] == REDIRECT)
        monthly, seconds = float(self._decision.monthly[number]), float(self._decision.seconds[number])
        words = self._redirected if view else self._retired
        return PlannedDataset(
            dataset=dataset.id,
            action=_ACTIONS[view],
            parent=source.id,
            saving_per_month=float(self._known.keep[number]) - monthly,
            rebuild_cost=self._one(number, parent, view),
            rebuild_seconds=seconds,
            reason=words(number, source, monthly, seconds) + note,
            version=dataset.version,
            parent_version=source.version,
            once_cost=float(self._known.once[number] + PROOFS * self._known.read[parent]),
            changes_if="" if view else self._would_stay_if(number, parent, seconds),
            conditions=_sign_offs(usage),
            owner=usage.owner,
            could_go=True,
        )

    def _one(self, number: int, parent: int, view: bool) -> float:
        """Money for one rebuild, or what one access costs more."""
        child, source = np.asarray([number]), np.asarray([parent])
        if view:
            return float(self._rebuilds.dearer(child, source)[0])
        tier = self._tier(parent)
        colder = tier.read - float(self._known.read[parent]) if tier else 0.0
        return float(self._rebuilds.rebuild(child, source)[1][0]) + colder

    def _tier(self, number: int) -> Tier | None:
        """The colder class that a kept dataset moves to, if it does."""
        chosen = int(self._decision.tier[number])
        return None if chosen == KEPT else self._rebuilds.tiers[number][chosen]

    def _retired(self, number: int, source: Dataset, monthly: float, seconds: float) -> str:
        keep, limit = float(self._known.keep[number]), float(self._known.limit[number])
        return (
            f"retired: every row is in {source.id}; storing it costs {self._money(keep)} a month, rebuilding it on "
            f"demand is expected to cost {self._money(monthly)} a month and takes {seconds_text(seconds)} of the "
            f"allowed {seconds_text(limit)}"
        )

    def _redirected(self, number: int, source: Dataset, monthly: float, seconds: float) -> str:
        keep, limit = float(self._known.keep[number]), float(self._known.limit[number])
        return (
            f"redirected: every row is in {source.id}, and a view over it can stand in its place; storing it costs "
            f"{self._money(keep)} a month, reading more through the view {self._money(monthly)} a month; an access "
            f"takes {seconds_text(seconds)} of the allowed {seconds_text(limit)}"
        )

    def _produced(self, number: int, dataset: Dataset, usage: Usage, note: str) -> PlannedDataset:
        source = self._rebuilds.datasets[int(self._decision.instead[number])]
        jobs = ", ".join(live_jobs(usage))
        reason = (
            f"stop its producer: every row is in {source.id}, and {jobs} would write it again; no saving is counted "
            "before that job is stopped"
        )
        return PlannedDataset(
            dataset=dataset.id,
            action=Action.STOP_PRODUCER,
            parent=source.id,
            saving_per_month=0.0,
            rebuild_cost=0.0,
            rebuild_seconds=0.0,
            reason=reason + note,
            version=dataset.version,
            parent_version=source.version,
            changes_if=f"it could be retired once {jobs} has stopped",
            conditions=_sign_offs(usage),
            owner=usage.owner,
        )

    def _colder(self, number: int, dataset: Dataset, usage: Usage, note: str) -> PlannedDataset:
        tier = self._tier(number)
        assert tier is not None
        keep = float(self._known.keep[number])
        children = self._children.get(number, ())
        serves = f"; {len(children)} are rebuilt from it there" if children else ""
        reason = (
            f"moved to {tier.name}: keeping it there costs {self._money(tier.keep)} a month, its accesses included, "
            f"here {self._money(keep)}; the first byte takes {seconds_text(tier.first_byte_seconds)}{serves}"
        )
        return PlannedDataset(
            dataset=dataset.id,
            action=Action.COLDER,
            parent=None,
            saving_per_month=keep - tier.keep,
            rebuild_cost=0.0,
            rebuild_seconds=0.0,
            reason=reason + note,
            version=dataset.version,
            once_cost=tier.once,
            tier=tier.name,
            owner=usage.owner,
            could_go=bool(self._decision.obstacles.paying[number]),
        )

    def _kept(self, number: int, dataset: Dataset) -> str:
        if dataset.id in self._pinned:
            return self._pinned[dataset.id]
        if number in self._rebuilds.policies.undecided:
            return f"kept: {REFUSALS[Refusal.DIFFERENT_RIGHTS]}"
        children = sorted(self._children.get(number, ()))
        if children:
            others = f", and {len(children) - 1} more" if len(children) > 1 else ""
            return f"kept: {children[0]} is rebuilt from it{others}"
        seen = self._decision.obstacles
        if not seen.holders[number]:
            if self._copies[number] > 1:  # not looked at as parents of the one that is read best (``heads``)
                return "kept: of the datasets that hold the same rows it is the one that is read for least money"
            return "kept: no other dataset is proven to hold all its rows"
        if seen.refusal[number]:
            return f"kept: {REFUSALS[int(seen.refusal[number])]}"
        if seen.cheapest[number] == math.inf:
            return self._too_slow(number, float(seen.fastest[number]))
        return self._too_dear(number, float(seen.cheapest[number]))

    def _too_slow(self, number: int, fastest: float) -> str:
        limit = float(self._known.limit[number])
        return f"kept: rebuilding takes {seconds_text(fastest)}, more than its limit of {seconds_text(limit)}"

    def _too_dear(self, number: int, rebuilding: float) -> str:
        keep = float(self._known.keep[number])
        saving = keep - rebuilding
        if saving <= EPSILON:
            return (
                f"kept: saves nothing: storing it costs {self._money(keep)} a month, rebuilding it on demand is "
                f"expected to cost {self._money(rebuilding)} a month"
            )
        if saving < self._settings.min_saving:
            floor = self._money(self._settings.min_saving)
            return f"kept: saves {self._money(saving)} a month, {_BELOW} of {floor}"
        if self._decision.crowded[number]:
            most = self._money(saving)
            return f"kept: would save up to {most} a month, but the plan's limits ({self._limits()}) are used up"
        if saving <= self._changing(number):
            return (
                f"kept as in the plan before: saves {self._money(saving)} a month, less than the "
                f"{self._money(self._changing(number))} that retention.switching_share asks of a change"
            )
        return self._late_or_alone(number, saving)

    def _changing(self, number: int) -> float:
        """What a saving must exceed because the plan before kept the dataset (retention.switching_share)."""
        child, share = np.asarray([number]), self._settings.switching_share
        return float(self._rebuilds.history.going(child, self._known.keep[child], share)[0])

    def _late_or_alone(self, number: int, saving: float) -> str:
        if not self._decision.obstacles.paying[number]:
            once, months = float(self._known.once[number]), self._settings.payback_months
            return (
                f"kept: saves {self._money(saving)} a month, which does not pay back the {self._money(once)} and the "
                f"proofs of its parent that retiring it takes once within the {months:g} months of "
                "retention.payback_months"
            )
        return "kept: the datasets that it could be rebuilt from are retired themselves, which saves more"

    def _would_stay_if(self, number: int, parent: int, seconds: float) -> str:
        """How often it would have to be read, or how fast to be back, to be kept."""
        limit = f"it would stay if it had to be back within less than {seconds_text(seconds)}"
        most = self._most_reads(number, self._one(number, parent, view=False) + float(self._known.residency[number]))
        return limit if most == math.inf else f"{limit}, or were read more than {most:,.3g} times a month"

    def _most_reads(self, number: int, restore: float) -> float:
        """Reads a month at which it costs as much gone as kept, if each restore costs so much; infinite if none do."""
        room = float(self._known.keep[number] - self._known.guard[number])
        if room <= 0:
            return 0.0
        most = room / restore if restore > 0 else math.inf
        served = most * self._settings.residency_days / DAYS_PER_MONTH
        # restores = reads / (1 + reads x residency): with enough residency no number of reads is too many
        return math.inf if served >= 1 or most == math.inf else most / (1 - served)

    def _would_go_if(self, number: int, dataset: Dataset) -> str:
        """What keeps it, where a number does."""
        seen = self._decision.obstacles
        if dataset.id in self._pinned or not seen.holders[number] or seen.refusal[number]:
            return ""
        if seen.cheapest[number] == math.inf and seen.fastest[number] < math.inf:
            return f"it could be retired with a latency limit of {seconds_text(math.ceil(float(seen.fastest[number])))}"
        restores, guard = float(self._known.accesses[number]), float(self._known.guard[number])
        if seen.cheapest[number] >= self._known.keep[number] and seen.cheapest[number] < math.inf and restores > 0:
            most = self._most_reads(number, (float(seen.cheapest[number]) - guard) / restores)
            if 0 < most < math.inf:
                return f"it could save money if it were read less than {most:,.3g} times a month"
        return ""

    def _limits(self) -> str:
        names = [*limits_of_plan(self._settings), *(("evacuation_limit",) if self._settings.evacuation_limit else ())]
        return ", ".join(f"retention.{name}" for name in names)

    def _money(self, amount: float) -> str:
        return money(amount, self._settings.currency)


#: How a reason says that too little would be saved.
_BELOW = "less than retention.min_saving"


def saves_too_little(reason: str) -> bool:
    """Whether a dataset is kept because it would save less than ``retention.min_saving``."""
    return reason.startswith("kept: saves ") and _BELOW in reason


def _sign_offs(usage: Usage) -> tuple[str, ...]:
    return tuple(f"sign-off of {each.kind} {each.name}" for each in usage.consumers)
