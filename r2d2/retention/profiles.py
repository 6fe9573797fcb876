"""The numbers that the model needs of each dataset, an array for each of them."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from r2d2.config import RetentionSettings
from r2d2.model import Dataset
from r2d2.retention.costs import EPSILON, PROOFS, CostProfile, profile, startup_cost

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Profiles:
    """The fields of ``CostProfile`` as arrays, in the order of the datasets."""

    keep: Floats
    read: Floats
    write: Floats
    read_seconds: Floats
    write_seconds: Floats
    accesses: Floats
    limit: Floats
    residency: Floats
    guard: Floats
    once: Floats

    @staticmethod
    def of(datasets: Sequence[Dataset], settings: RetentionSettings, now_ns: int | None = None) -> Profiles:
        """The numbers of these datasets under these settings.

        Args:
            now_ns: when they would be retired, nanoseconds since 1970-01-01 UTC; now if not given.
        """
        now_ns = time.time_ns() if now_ns is None else now_ns
        profiles = [profile(dataset, settings, now_ns) for dataset in datasets]

        def column(name: str) -> Floats:
            return np.asarray([getattr(p, name) for p in profiles], np.float64)

        return Profiles(**{name: column(name) for name in CostProfile.__dataclass_fields__})

    def rebuild_seconds(self, read_seconds: Floats, child: Ints, settings: RetentionSettings) -> Floats:
        """Seconds of one rebuild from what takes so long to read."""
        return settings.startup_seconds + read_seconds + self.write_seconds[child]

    def rebuild_cost(self, read: Floats, child: Ints, settings: RetentionSettings) -> Floats:
        """Money for one rebuild from what costs so much to read."""
        return startup_cost(settings) + read + self.write[child]

    def retired_cost(self, rebuild: Floats, child: Ints) -> Floats:
        """Money a month if a dataset is retired and each of its rebuilds costs so much."""
        return self.guard[child] + self.accesses[child] * (rebuild + self.residency[child])

    def pays(self, child: Ints, monthly: Floats, read: Floats, settings: RetentionSettings) -> Flags:
        """Whether retiring saves money, enough of it, and pays back in time what it takes once.

        Args:
            monthly: money a month if it is retired.
            read: money to read the parent once, which each proof does.
        """
        saving = self.keep[child] - monthly
        once = self.once[child] + PROOFS * read
        paying: Flags = (saving > EPSILON) & (saving >= settings.min_saving)
        if settings.payback_months < math.inf:
            paying &= once <= settings.payback_months * saving
        return paying
