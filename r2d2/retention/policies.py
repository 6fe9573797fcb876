"""Policies: who may not be retired, and who may not stand for whom, whatever that would save."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from r2d2.config import RetentionSettings
from r2d2.model import Dataset
from r2d2.retention.latency import first_match
from r2d2.retention.profiles import Flags, Ints

ALLOWED = 0
#: Why a parent may not stand for a child, in words.
REFUSALS: Mapping[int, str] = {}


@dataclass(frozen=True)
class Policies:
    """Rules of one plan, of datasets by number."""

    retirable: Flags

    @staticmethod
    def of(datasets: Sequence[Dataset], pinned: Mapping[str, str]) -> Policies:
        """The rules, ``pinned`` being the ids of those that may not be retired."""
        return Policies(np.asarray([dataset.id not in pinned for dataset in datasets], np.bool_))

    def refusal(self, child: Ints, parent: Ints) -> Ints:
        """Why a parent may not stand for a child; ``ALLOWED`` where it may."""
        return np.full(len(child), ALLOWED)

    def alike(self, one: int, other: int) -> bool:
        """Whether the rules for pairs tell the two apart nowhere."""
        return True


def pinned_datasets(datasets: Sequence[Dataset], settings: RetentionSettings) -> dict[str, str]:
    """Why a dataset may not be retired, whatever it costs; by id."""
    pinned: dict[str, str] = {}
    for dataset in datasets:
        if dataset.status != "ok":
            pinned[dataset.id] = f"kept: {dataset.error}"
    for child, other in _sharing(datasets):
        pinned.setdefault(child, f"kept: shares files with {other}")
    for dataset in datasets:
        pattern = first_match(settings.keep, dataset)
        if pattern is not None:
            pinned.setdefault(dataset.id, f"kept: matches retention.keep {pattern!r}")
    return pinned


def _sharing(datasets: Sequence[Dataset]) -> Iterable[tuple[str, str]]:
    """(dataset, other) that refer to common files, both ways round: by discovery, by a table's log."""
    for dataset in datasets:
        for other in dataset.shared_with:
            yield dataset.id, other
            yield other, dataset.id
    pins: dict[str, list[str]] = defaultdict(list)
    for dataset in datasets:
        for identity in dataset.pins:
            pins[identity].append(dataset.id)
    if pins:
        for dataset in datasets:
            referring = (o for f in dataset.files for o in pins.get(f.identity, ()) if o != dataset.id)
            yield from ((dataset.id, other) for other in referring)
