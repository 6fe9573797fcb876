"""Whole datasets under projections: what the first scan measures, and what their digests and sketches say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from r2d2.containment.candidates import Candidates
from r2d2.containment.join_kept import Side
from r2d2.containment.pairs import Bools, Ints, Pairs, Standing
from r2d2.containment.request import Request
from r2d2.containment.scanner import Measure, Scanner
from r2d2.containment.sketch import Sketch, threshold
from r2d2.model.dataset import Dataset, Leaf, LeafPath


@dataclass(frozen=True)
class Wholes:
    """Measures of whole datasets (by index) under projections (by number).

    Attributes:
        by_values: rows are told apart by their values in the end, so that equal digests merge no datasets.
        found: the measures.
        first: which dataset stands for all with the same digest.
    """

    leaves: Sequence[Mapping[LeafPath, Leaf]]
    candidates: Candidates
    scanner: Scanner
    by_values: bool
    found: dict[tuple[int, int], Measure] = field(default_factory=dict)
    first: dict[tuple[int, int, int, int], int] = field(default_factory=dict)

    @property
    def datasets(self) -> Sequence[Dataset]:
        """All datasets."""
        return self.scanner.datasets

    @cached_property
    def rows(self) -> Ints:
        """Rows of each dataset."""
        return np.asarray([dataset.rows or 0 for dataset in self.datasets], np.int64)

    def of_pair(self, pairs: Pairs, position: int) -> tuple[Measure | None, Measure | None]:
        """The child and the parent of a pair under its projection."""
        number = int(pairs.projection[position])
        child, parent = int(pairs.child[position]), int(pairs.parent[position])
        return self.found.get((child, number)), self.found.get((parent, number))

    def first_sides(self, reach: Bools | None = None) -> list[tuple[int, int]]:
        """(dataset, projection) of every child, and of the parents, of those that look the same the first only.

        Args:
            reach: which datasets may be read; None for all.
        """
        first: dict[object, int] = {}
        children, parents = (
            [side for side in sides if reach is None or reach[side[0]]]
            for sides in (self.candidates.children, self.candidates.parents)
        )
        kept = set(children)
        for dataset, number in sorted(parents):
            looks = self._looks(dataset)
            if self._small(dataset) or first.setdefault(looks, dataset) == dataset:
                kept.add((dataset, number))
        return sorted(kept)

    def _looks(self, index: int) -> object:
        """What metadata says of the rows; copies of one dataset mostly look the same."""
        dataset = self.datasets[index]
        bounds = tuple((path, leaf.nulls, tuple(leaf.bounds.items())) for path, leaf in self.leaves[index].items())
        return dataset.rows, bounds if bounds and all(bound for _, _, bound in bounds) else index

    def _small(self, index: int) -> bool:
        """Whether sketches hold all rows of the dataset and of whatever it contains."""
        return int(self.rows[index]) <= self.scanner.settings.sketch_size

    def measure(self, sides: Iterable[tuple[int, int]]) -> None:
        """Measures whole datasets under projections."""
        requests = {side: self.request(*side) for side in sides if side not in self.found}
        wanted: dict[int, list[Request]] = defaultdict(list)
        for (index, _), request in requests.items():
            wanted[index].append(request)
        found = self.scanner.measure(wanted)
        self.found.update({s: found[s[0], r] for s, r in requests.items() if (s[0], r) in found})

    def request(self, index: int, number: int) -> Request:
        """What measures a whole dataset under a projection."""
        size = threshold(int(self.rows[index]), self.scanner.settings.sketch_size)
        return Request(self.candidates.projections[number], size)

    def same_rows(self) -> Ints:
        """Groups of typed datasets with the same digest. Where rows are compared by value each stands for itself.

        Datasets with views, or that share files, take part on their own: which pairs they are in is another matter.
        Who stands for others goes on to do so when more is measured, if it can still be read.
        """
        group_of = np.arange(len(self.datasets), dtype=np.int64)
        if self.by_values:
            return group_of
        failed = self.scanner.failed
        for index, number in sorted(self.found, key=lambda side: (self.datasets[side[0]].id, side[1])):
            dataset, measure = self.datasets[index], self.found[index, number]
            plain = not dataset.has_views and not dataset.shared_with
            if plain and index not in failed and len(self.candidates.projections[number]) == len(dataset.leaves):
                key = number, measure.rows, measure.low, measure.high
                if self.first.get(key, index) in failed:
                    del self.first[key]
                group_of[index] = self.first.setdefault(key, index)
        return group_of

    def decide_by_digest(self, pairs: Pairs) -> None:
        """Equal digests prove, as many rows with another digest refute."""
        digest = np.full(len(self.datasets), -1, np.int64)
        equal_rows = self.rows[pairs.parent] == self.rows[pairs.child]
        numbers: dict[tuple[int, int, int], int] = {}
        for number in range(len(pairs.projections)):
            sides = {index: measure for (index, n), measure in self.found.items() if n == number}
            asked = np.flatnonzero(equal_rows & (pairs.projection == number) & (pairs.standing == Standing.OPEN))
            if not len(asked) or not sides:
                continue
            digest[:] = -1
            for index, measure in sides.items():
                digest[index] = numbers.setdefault((measure.rows, measure.low, measure.high), len(numbers))
            theirs, own = digest[pairs.parent[asked]], digest[pairs.child[asked]]
            known = (theirs >= 0) & (own >= 0)
            pairs.prove(asked[known & (theirs == own)], "digest")
            pairs.refute(asked[known & (theirs != own)], "digest")

    def sketches(self) -> dict[int, dict[int, Sketch]]:
        """By projection and dataset."""
        found: dict[int, dict[int, Sketch]] = defaultdict(dict)
        for (index, number), measure in self.found.items():
            if measure.sketch is not None:
                found[number][index] = measure.sketch
        return found

    def complete_sketches(self) -> dict[Side, Sketch]:
        """Of sides: the sketches that hold all rows."""
        return {
            (index, self.candidates.projections[number]): measure.sketch
            for (index, number), measure in self.found.items()
            if measure.sketch is not None and measure.sketch.complete
        }
