"""Who may be rebuilt from whom, how long that takes, and what it costs a month."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import numpy as np

from r2d2.config import RetentionSettings
from r2d2.errors import UsageError
from r2d2.model import Dataset
from r2d2.retention.costs import accesses_per_month
from r2d2.retention.history import History
from r2d2.retention.latency import first_match, within_all
from r2d2.retention.policies import Policies
from r2d2.retention.profiles import Flags, Floats, Ints, Profiles
from r2d2.retention.tiers import Tier

#: What may be done besides keeping and advising to stop a producer.
ACTIONS = ("retire", "redirect", "colder")
#: How a dataset may go: it is rebuilt on demand, or a view over its parent stands in its place.
RETIRE, REDIRECT = 0, 1
#: Ids of tables of a catalog begin with it.
_CATALOG = "catalog:"


class Recipes(Protocol):
    """What rebuilding costs, where that is known for each pair and not only for each dataset."""

    def rebuild(self, child: Ints, parent: Ints) -> tuple[Floats, Floats]:
        """Seconds and money of one rebuild of each child from its parent; datasets by number."""


@dataclass(frozen=True)
class Rebuilds:
    """The rules of one plan. Datasets are numbers: positions among the usable ones, in order of preference.

    Attributes:
        history: what the plan before decided.
        recipes: of each pair; without, cost and seconds are a term of the parent and one of the child.
        tiers: colder classes that datasets may move to, by number, where that saves money.
    """

    datasets: Sequence[Dataset]
    profiles: Profiles
    policies: Policies
    settings: RetentionSettings
    history: History
    recipes: Recipes | None = None
    tiers: Mapping[int, Sequence[Tier]] = field(default_factory=dict)

    @cached_property
    def number(self) -> Mapping[str, int]:
        """Of each dataset, by id."""
        return {dataset.id: number for number, dataset in enumerate(self.datasets)}

    @property
    def retirable(self) -> Flags:
        """Datasets that may be retired at all."""
        return self.policies.retirable

    @property
    def separable(self) -> bool:
        """Whether cost and seconds of every choice are a term of the parent and one of the child."""
        return self.recipes is None and not self.tiers and not self.views.any()

    def rebuild(self, child: Ints, parent: Ints) -> tuple[Floats, Floats]:
        """Seconds and money of one rebuild."""
        if self.recipes is not None:
            return self.recipes.rebuild(child, parent)
        known, settings = self.profiles, self.settings
        seconds = known.rebuild_seconds(known.read_seconds[parent], child, settings)
        return seconds, known.rebuild_cost(known.read[parent], child, settings)

    def modes(self, child: Ints) -> Iterator[tuple[int, Flags | None]]:
        """How datasets may go, and for which of these that is possible (None: for all)."""
        if "retire" in self.settings.actions:
            yield RETIRE, None
        if "redirect" in self.settings.actions and self.views.any():
            yield REDIRECT, self.views[child]

    @cached_property
    def views(self) -> Flags:
        """Datasets in whose place a view can stand: what is read by name."""
        named = (d.id.startswith(_CATALOG) or first_match(self.settings.views, d) is not None for d in self.datasets)
        return np.fromiter(named, np.bool_, len(self.datasets))

    @cached_property
    def _reads(self) -> Floats:
        """Accesses a month, of those datasets in whose place a view can stand."""
        pairs = zip(self.datasets, self.views.tolist(), strict=True)
        return np.asarray([accesses_per_month(d, self.settings) if view else 0.0 for d, view in pairs], np.float64)

    def retirement(self, mode: int, child: Ints, parent: Ints) -> tuple[Floats, Floats]:
        """Seconds of one rebuild, or of one access through a view, and money a month that it costs to be gone."""
        if mode == RETIRE:
            seconds, once = self.rebuild(child, parent)
            return seconds, self.profiles.retired_cost(once, child)
        known = self.profiles
        return known.read_seconds[parent], known.guard[child] + self._reads[child] * self.dearer(child, parent)

    def dearer(self, child: Ints, parent: Ints) -> Floats:
        """Money that one access of the child costs more through a view over the parent."""
        dearer: Floats = np.maximum(0.0, self.profiles.read[parent] - self.profiles.read[child])
        return dearer

    def quick(self, child: Ints, seconds: Floats) -> Flags:
        """Whether a rebuild of so many seconds is within the child's limit."""
        return within_all(seconds, self.profiles.limit[child])

    def pays(self, child: Ints, parent: Ints, monthly: Floats) -> Flags:
        """Whether retiring saves money if it costs so much a month."""
        return self.profiles.pays(child, monthly, self.profiles.read[parent], self.settings)


def check_actions(settings: RetentionSettings) -> None:
    """Refuses actions that do not exist.

    Raises:
        UsageError: there is one.
    """
    for action in settings.actions:
        if action not in ACTIONS:
            raise UsageError(f"retention.actions: there is no action {action!r}", ", ".join(ACTIONS))


def numbers(names: Sequence[str], number: Mapping[str, int]) -> Ints:
    """Datasets by number."""
    return np.asarray([number[name] for name in names], np.int64)
