"""The lines of the plan, in words for the datasets' owners."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping

import numpy as np

from r2d2.model import Action, Dataset, PlannedDataset
from r2d2.retention.costs import EPSILON, money, seconds_text
from r2d2.retention.decisions import KEPT, Decision, budgets_of
from r2d2.retention.policies import REFUSALS
from r2d2.retention.rebuilds import Rebuilds


class Reasons:
    """Says of each dataset what is planned, and why.

    Args:
        pinned: why datasets may not be retired, by id.
    """

    def __init__(self, rebuilds: Rebuilds, pinned: Mapping[str, str], decision: Decision) -> None:
        self._rebuilds, self._settings = rebuilds, rebuilds.settings
        self._pinned, self._decision = pinned, decision
        retired = np.flatnonzero(decision.parent != KEPT)
        seconds, once = rebuilds.rebuild(retired, decision.parent[retired])
        monthly = rebuilds.profiles.retired_cost(once, retired)
        facts = zip(seconds.tolist(), once.tolist(), monthly.tolist(), strict=True)
        self._rebuilt = dict(zip(retired.tolist(), facts, strict=True))
        self._children: dict[int, list[str]] = defaultdict(list)
        for child in retired.tolist():
            self._children[int(decision.parent[child])].append(rebuilds.datasets[child].id)

    def planned(self, dataset: Dataset) -> PlannedDataset:
        """The dataset's line of the plan."""
        number = self._rebuilds.number.get(dataset.id)
        note = "" if number is None or not self._open_to_change(number, dataset.id) else _NOTE
        if number is None or number not in self._rebuilt:
            reason = self._kept(dataset, number) + note
            return PlannedDataset(dataset.id, Action.KEEP, None, 0.0, 0.0, 0.0, reason, dataset.version)
        parent = self._rebuilds.datasets[int(self._decision.parent[number])]
        seconds, once, monthly = self._rebuilt[number]
        saving = float(self._rebuilds.profiles.keep[number]) - monthly
        reason = self._retired(number, parent, monthly, seconds) + note
        versions = dataset.version, parent.version
        return PlannedDataset(dataset.id, Action.RETIRE, parent.id, saving, once, seconds, reason, *versions)

    def _open_to_change(self, number: int, name: str) -> bool:
        return bool(self._decision.estimated[number]) and name not in self._pinned

    def _retired(self, number: int, source: Dataset, monthly: float, seconds: float) -> str:
        keep, limit = self._rebuilds.profiles.keep[number], float(self._rebuilds.profiles.limit[number])
        return (
            f"retired: every row is in {source.id}; storing it costs {self._money(keep)} a month, rebuilding it on "
            f"demand is expected to cost {self._money(monthly)} a month and takes {seconds_text(seconds)} of the "
            f"allowed {seconds_text(limit)}"
        )

    def _kept(self, dataset: Dataset, number: int | None) -> str:
        if dataset.id in self._pinned:
            return self._pinned[dataset.id]
        if number is None:
            return f"kept: {dataset.error}"
        children = sorted(self._children.get(number, ()))
        if children:
            others = f", and {len(children) - 1} more" if len(children) > 1 else ""
            return f"kept: {children[0]} is rebuilt from it{others}"
        seen = self._decision.obstacles
        if not seen.holders[number]:
            return "kept: no other dataset is proven to hold all its rows"
        if seen.refusal[number]:
            return f"kept: {REFUSALS[int(seen.refusal[number])]}"
        if seen.cheapest[number] == math.inf:
            return self._too_slow(number, float(seen.fastest[number]))
        return self._too_dear(number, float(seen.cheapest[number]))

    def _too_slow(self, number: int, fastest: float) -> str:
        limit = float(self._rebuilds.profiles.limit[number])
        return f"kept: rebuilding takes {seconds_text(fastest)}, more than its limit of {seconds_text(limit)}"

    def _too_dear(self, number: int, rebuilding: float) -> str:
        keep = float(self._rebuilds.profiles.keep[number])
        saving = keep - rebuilding
        if saving <= EPSILON:
            return (
                f"kept: saves nothing: storing it costs {self._money(keep)} a month, rebuilding it on demand is "
                f"expected to cost {self._money(rebuilding)} a month"
            )
        if saving < self._settings.min_saving:
            floor = self._money(self._settings.min_saving)
            return f"kept: saves {self._money(saving)} a month, less than retention.min_saving of {floor}"
        if self._decision.crowded[number]:
            most = self._money(saving)
            return f"kept: would save up to {most} a month, but the plan's limits ({self._limits()}) are used up"
        return "kept: the datasets that it could be rebuilt from are retired themselves, which saves more"

    def _limits(self) -> str:
        names = [*budgets_of(self._settings), *(("evacuation_limit",) if self._settings.evacuation_limit else ())]
        return ", ".join(f"retention.{name}" for name in names)

    def _money(self, amount: float) -> str:
        return money(amount, self._settings.currency)


_NOTE = " (in a good plan that is not proven the cheapest)"
