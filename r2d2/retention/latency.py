"""How long a rebuild takes, and how long it may take (the paper's latency constraint).

latency of a rebuild = start-up + wait for the parent's first byte + its bytes / read throughput
                     + child's bytes / write throughput

Start-up and throughputs are such that 95 of 100 rebuilds are not slower (p95); ``r2d2 calibrate`` measures them. An MB
is 10^6 bytes. The sum is separable: one term belongs to the parent alone and one to the child alone, which
``candidates`` uses to thin out groups of duplicates.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from r2d2.catalog.listing import Candidate
from r2d2.catalog.patterns import Patterns
from r2d2.config import RetentionSettings
from r2d2.model import Dataset

BYTES_PER_MB = 10**6

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


def first_match(patterns: Iterable[str], dataset: Dataset | Candidate) -> str | None:
    """The first of ``patterns`` that covers the dataset's id, or another name of the same bytes; None if none does.

    Patterns are those of discovery: one that names a directory covers what lies in it.
    """
    names = (dataset.id, *dataset.names)
    return next((p for p in patterns if any(_pattern(p).covers(name) for name in names)), None)


def latency_limit(dataset: Dataset, settings: RetentionSettings) -> float:
    """Seconds within which the dataset must be rebuilt: the first pattern that matches, else the default."""
    pattern = first_match(settings.latency_limits, dataset)
    return settings.latency_limit if pattern is None else settings.latency_limits[pattern]


def read_seconds(size: int, settings: RetentionSettings) -> float:
    """Seconds to read ``size`` bytes."""
    return _transfer(size, settings.read_mb_per_second)


def write_seconds(size: int, settings: RetentionSettings) -> float:
    """Seconds to write ``size`` bytes."""
    return _transfer(size, settings.write_mb_per_second)


def slowed(settings: RetentionSettings, measured: float) -> RetentionSettings:
    """Settings whose speeds are those at which rebuilds go, and whose factor says by how much that is less.

    Args:
        measured: how many times longer than promised restores took.
    """
    factor = max(settings.rebuild_factor, measured)
    return replace(
        settings,
        startup_seconds=settings.startup_seconds * factor,
        read_mb_per_second=settings.read_mb_per_second / factor,
        write_mb_per_second=settings.write_mb_per_second / factor,
        rebuild_factor=factor,
    )


def within(seconds: float, limit: float) -> bool:
    """Whether a rebuild of ``seconds`` is fast enough. A limit of 0 allows no rebuild, however fast it is."""
    return limit > 0 and seconds <= limit


def within_all(seconds: Floats, limits: Floats) -> Flags:
    """The same for many."""
    quick: Flags = (limits > 0) & (seconds <= limits)
    return quick


@lru_cache(maxsize=1024)
def _pattern(text: str) -> Patterns:
    return Patterns([text])


def _transfer(size: int, mb_per_second: float) -> float:
    return size / BYTES_PER_MB / mb_per_second
