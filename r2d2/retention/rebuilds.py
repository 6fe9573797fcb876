"""Who may be rebuilt from whom, how long that takes, and what it costs a month."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from r2d2.config import RetentionSettings
from r2d2.model import Dataset
from r2d2.retention.latency import within_all
from r2d2.retention.policies import ALLOWED, Policies
from r2d2.retention.profiles import Flags, Floats, Ints, Profiles


class Recipes(Protocol):
    """What rebuilding costs, where that is known for each pair and not only for each dataset."""

    def rebuild(self, child: Ints, parent: Ints) -> tuple[Floats, Floats]:
        """Seconds and money of one rebuild of each child from its parent; datasets by number."""


@dataclass(frozen=True)
class Rebuilds:
    """The rules of one plan. Datasets are numbers: positions among the usable ones, in order of preference.

    Attributes:
        recipes: of each pair; without, cost and seconds are a term of the parent and one of the child.
    """

    datasets: Sequence[Dataset]
    profiles: Profiles
    policies: Policies
    settings: RetentionSettings
    recipes: Recipes | None = None

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
        """Whether cost and seconds of a rebuild are a term of the parent and one of the child."""
        return self.recipes is None

    def rebuild(self, child: Ints, parent: Ints) -> tuple[Floats, Floats]:
        """Seconds and money of one rebuild."""
        if self.recipes is not None:
            return self.recipes.rebuild(child, parent)
        known, settings = self.profiles, self.settings
        seconds = known.rebuild_seconds(known.read_seconds[parent], child, settings)
        return seconds, known.rebuild_cost(known.read[parent], child, settings)

    def allowed(self, child: Ints, parent: Ints) -> Flags:
        """Whether the policies let the parent stand for the child."""
        allowed: Flags = self.policies.refusal(child, parent) == ALLOWED
        return allowed

    def quick(self, child: Ints, seconds: Floats) -> Flags:
        """Whether a rebuild of so many seconds is within the child's limit."""
        return within_all(seconds, self.profiles.limit[child])

    def pays(self, child: Ints, parent: Ints, monthly: Floats) -> Flags:
        """Whether retiring saves money if it costs so much a month."""
        return self.profiles.pays(child, monthly, self.profiles.read[parent], self.settings)


def numbers(names: Sequence[str], number: Mapping[str, int]) -> Ints:
    """Datasets by number."""
    return np.asarray([number[name] for name in names], np.int64)
