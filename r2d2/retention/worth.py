"""What proofs may be worth: bounds from metadata alone, by which a run decides what to read first (DESIGN 5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from r2d2.config import RetentionSettings
from r2d2.containment.pairs import Bools, Floats, Ints
from r2d2.containment.worth import Worth
from r2d2.model import Dataset
from r2d2.retention.costs import check_settings
from r2d2.retention.latency import within_all
from r2d2.retention.policies import pinned_datasets
from r2d2.retention.profiles import Profiles


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
    """Profiles of datasets, and which of them may be retired at all."""

    known: Profiles
    retirable: Bools
    settings: RetentionSettings

    @staticmethod
    def of(datasets: Sequence[Dataset], settings: RetentionSettings) -> _Profiles:
        check_settings(settings)
        # what logs tell of reads is not known yet: nothing is left unproven for lack of it
        pinned = pinned_datasets(datasets, replace(settings, unknown_reads="assume"))
        retirable = np.asarray([dataset.id not in pinned for dataset in datasets], bool)
        return _Profiles(Profiles.of(datasets, settings), retirable, settings)

    @property
    def read(self) -> Floats:
        return self.known.read

    def saving(self, parents: Ints, children: Ints) -> Floats:
        return self.bound(self.known.read[parents], self.known.read_seconds[parents], children)

    def bound(self, read: Floats, read_seconds: Floats, children: Ints) -> Floats:
        """What retiring children may save, by what reading their parents costs and how long it takes."""
        known, settings = self.known, self.settings
        seconds = known.rebuild_seconds(read_seconds, children, settings)
        cost = known.retired_cost(known.rebuild_cost(read, children, settings), children)
        allowed = self.retirable[children] & within_all(seconds, known.limit[children])
        allowed &= known.pays(children, cost, read, settings)
        return np.where(allowed, known.keep[children] - cost, 0.0)
