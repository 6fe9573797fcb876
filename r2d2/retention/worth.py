"""What proofs may be worth: bounds from metadata alone, by which a run decides what to read first (DESIGN 5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from r2d2.config import RetentionSettings
from r2d2.containment.pairs import Bools, Floats, Ints
from r2d2.containment.worth import Worth
from r2d2.model import Dataset
from r2d2.retention.costs import EPSILON, check_settings, profile, startup_cost
from r2d2.retention.latency import within_all
from r2d2.retention.planner import pinned_datasets

_COLUMNS = ("keep", "read", "write", "read_seconds", "write_seconds", "accesses", "limit", "residency", "guard")


def worth_of(datasets: Sequence[Dataset], settings: RetentionSettings) -> Worth:
    """Upper bounds of savings, and prices of reading, under the settings by which the plan will be made.

    Raises:
        UsageError: settings that no plan can be computed with.
    """
    known = _Profiles.of(datasets, settings)
    return Worth(known.saving, known.read)


def alone(datasets: Sequence[Dataset], settings: RetentionSettings) -> tuple[Floats, Floats]:
    """What retiring each dataset may save a month if reading a parent cost nothing, and the price of reading it once.

    Raises:
        UsageError: settings that no plan can be computed with.
    """
    known = _Profiles.of(datasets, settings)
    free = np.zeros(len(datasets))
    return known.bound(free, free, np.arange(len(datasets), dtype=np.int64)), known.read


@dataclass(frozen=True)
class _Profiles:
    """Profiles of datasets as arrays, and which of them may be retired at all."""

    keep: Floats
    read: Floats
    write: Floats
    read_seconds: Floats
    write_seconds: Floats
    accesses: Floats
    limit: Floats
    residency: Floats
    guard: Floats
    retirable: Bools
    settings: RetentionSettings

    @staticmethod
    def of(datasets: Sequence[Dataset], settings: RetentionSettings) -> _Profiles:
        check_settings(settings)
        profiles = [profile(dataset, settings) for dataset in datasets]
        pinned = pinned_datasets(datasets, settings)
        columns = {name: np.asarray([getattr(p, name) for p in profiles], np.float64) for name in _COLUMNS}
        retirable = np.asarray([dataset.id not in pinned for dataset in datasets], bool)
        return _Profiles(**columns, retirable=retirable, settings=settings)

    def saving(self, parents: Ints, children: Ints) -> Floats:
        return self.bound(self.read[parents], self.read_seconds[parents], children)

    def bound(self, read: Floats, read_seconds: Floats, children: Ints) -> Floats:
        """What retiring children may save, by what reading their parents costs and how long it takes."""
        seconds = self.settings.startup_seconds + read_seconds + self.write_seconds[children]
        restore = startup_cost(self.settings) + read + self.write[children] + self.residency[children]
        found = self.keep[children] - self.guard[children] - self.accesses[children] * restore
        allowed = self.retirable[children] & within_all(seconds, self.limit[children])
        return np.where(allowed & (found > EPSILON) & (found >= self.settings.min_saving), found, 0.0)
