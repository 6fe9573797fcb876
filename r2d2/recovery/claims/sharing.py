"""Who refers to whose files, told once for each look at the lake."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from r2d2.model.dataset import Dataset


@dataclass(frozen=True)
class Sharing:
    """Which datasets hold or refer to files of others.

    Attributes:
        with_dataset: ids of those that share files with a dataset, by its id.
        pinning: ids of those that refer to a file, by its identity.
    """

    with_dataset: Mapping[str, set[str]]
    pinning: Mapping[str, set[str]]

    @staticmethod
    def of(datasets: Iterable[Dataset]) -> Sharing:
        """What datasets say of each other."""
        with_dataset: dict[str, set[str]] = defaultdict(set)
        pinning: dict[str, set[str]] = defaultdict(set)
        for dataset in datasets:
            for other in dataset.shared_with:
                with_dataset[other].add(dataset.id)
            for identity in dataset.pins:
                pinning[identity].add(dataset.id)
        return Sharing(dict(with_dataset), dict(pinning))

    def others(self, dataset: Dataset) -> set[str]:
        """Ids of the other datasets that hold some of a dataset's files, or refer to them."""
        found = {*dataset.shared_with}.union(self.with_dataset.get(dataset.id, ()))
        for file in dataset.files:
            found |= self.pinning.get(file.identity, set())
        return found - {dataset.id}
