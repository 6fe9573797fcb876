"""What proofs may be worth: bounds from metadata alone, by which containment decides what to read first (DESIGN 5)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from r2d2.config import RetentionSettings
from r2d2.containment.pairs import Floats, Ints
from r2d2.containment.worth import Worth
from r2d2.model import Dataset
from r2d2.retention.costs import EPSILON, check_settings, profile, startup_cost
from r2d2.retention.planner import pinned_datasets


def worth_of(datasets: Sequence[Dataset], settings: RetentionSettings) -> Worth:
    """Upper bounds of savings, and prices of reading, under the settings by which the plan will be made.

    Raises:
        UsageError: settings that no plan can be computed with.
    """
    check_settings(settings)
    profiles = [profile(dataset, settings) for dataset in datasets]
    pinned = pinned_datasets(datasets, settings)
    keep, read, write, reading, writing, accesses, limit = (
        np.asarray([getattr(one, name) for one in profiles], np.float64)
        for name in ("keep", "read", "write", "read_seconds", "write_seconds", "accesses", "limit")
    )
    retirable = np.asarray([dataset.id not in pinned for dataset in datasets], bool)
    start = startup_cost(settings)

    def saving(parents: Ints, children: Ints) -> Floats:
        seconds = settings.startup_seconds + reading[parents] + writing[children]
        found = keep[children] - accesses[children] * (start + read[parents] + write[children])
        allowed = retirable[children] & (limit[children] > 0) & (seconds <= limit[children])
        pays = (found > EPSILON) & (found >= settings.min_saving)
        return np.where(allowed & pays, found, 0.0)

    return Worth(saving, read)
