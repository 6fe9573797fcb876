"""Candidate pairs: what the schema graph and min-max pruning leave of all pairs, and why the others fell.

A pair whose schema fits is exactly one of three: it shares files, it is ruled out by metadata, or it is a candidate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from r2d2.config import ContainmentSettings
from r2d2.containment.headers import doubtful_header, refutes_by_header
from r2d2.containment.minmax import Survivors, leaves_by_path, refutes_by_metadata, survivors
from r2d2.containment.pairs import Bools, Floats, Ints, Pairs
from r2d2.containment.schema_graph import ClassPair, SchemaClass, fitting_classes, schema_classes, schema_of
from r2d2.containment.views import Views
from r2d2.containment.worth import Worth
from r2d2.model.dataset import Dataset
from r2d2.model.edge import Edge, Grade, Projection

SHARED_REASON = "they hold files in common, so neither can be retired; not compared"


#: Pairs, of 16 bytes, that are kept from the first time that they are made.
_REMEMBERED = 1_000_000


@dataclass
class Candidates:
    """What schema and metadata leave of all pairs. The pairs themselves are made again when they are asked for.

    Attributes:
        views: the nodes of the run, grown as pairs are made.
        projections: what the pairs are compared under.
        worth: what pairs may save, where somebody wants to know.
        children, parents: (dataset, index of the projection) of the sides of some pair that is to be compared.
        remembered: the pairs as they were first made, where they are few; None where they are many.
        classes, fitting, left, shared: schema classes; pairs whose schema fits, what metadata leaves of them, and those
            that hold files in common.
    """

    datasets: Sequence[Dataset]
    settings: ContainmentSettings
    views: Views
    projections: list[Projection] = field(default_factory=list)
    children: set[tuple[int, int]] = field(default_factory=set)
    parents: set[tuple[int, int]] = field(default_factory=set)
    remembered: list[tuple[ClassPair, Survivors]] | None = None
    classes: int = 0
    fitting: int = 0
    left: int = 0
    shared: int = 0
    worth: Worth | None = None

    def pairs(self, group_of: Ints) -> tuple[Pairs, int]:
        """The pairs between groups of datasets that hold the same rows, and how many pairs there are inside of groups.

        Args:
            group_of: for each dataset the one that stands for it.
        """
        inside, made, savings = 0, [], [np.empty(0)]
        numbers = {projection: number for number, projection in enumerate(self.projections)}
        for fit, block in self.blocks():
            parents, children = group_of[block.parents], group_of[block.children]
            between = parents != children
            inside += int(len(between) - between.sum())
            both = parents[between] * len(group_of) + children[between]
            keys, back, weights = np.unique(both, return_inverse=True, return_counts=True)
            savings.append(self._most(back, block.parents[between], block.children[between], len(keys)))
            made.append((keys, weights, np.full(len(keys), numbers[fit.projection])))
        keys, weights, projection = (np.concatenate(part) for part in zip(*made, strict=True)) if made else (_NONE,) * 3
        parent, child = np.divmod(keys, max(1, len(group_of)))
        first, back, whole = _once(keys, weights)
        parent, child, projection = parent[first], child[first], projection[first]
        pairs = Pairs(self.projections, parent, child, projection, whole, *self._nodes(parent, child, projection))
        np.maximum.at(pairs.saving, back, np.concatenate(savings))
        return pairs, inside

    def _most(self, back: Ints, parents: Ints, children: Ints, size: int) -> Floats:
        """What the pairs of a block may save: of those between the same two groups the most."""
        found = np.zeros(size)
        if self.worth is not None:
            np.maximum.at(found, back, self.worth.saving(parents, children))
        return found

    def worthy(self, block: Survivors) -> Bools:
        """Which pairs of a block are to be compared at all."""
        if self.worth is None or self.settings.goal == "all":
            return np.ones(len(block.parents), bool)
        return self.worth.saving(block.parents, block.children) > 0

    def _nodes(self, parent: Ints, child: Ints, projection: Ints) -> tuple[Ints, Ints]:
        """The nodes of both sides; children first, so that a parent that is a child elsewhere has the same view."""
        below = self._side(child, projection, lambda d, p: self.views.number(self.views.child(d, p)))
        above = self._side(parent, projection, lambda d, p: self.views.number(self.views.parents(d, p)[0]))
        return above, below

    def _side(self, side: Ints, projection: Ints, node: Callable[[int, Projection], int]) -> Ints:
        keys, back = np.unique(side * max(1, len(self.projections)) + projection, return_inverse=True)
        found = [node(*self._unpacked(int(key))) for key in keys]
        return np.asarray(found, np.int64)[back]

    def _unpacked(self, key: int) -> tuple[int, Projection]:
        dataset, number = divmod(key, len(self.projections))
        return dataset, self.projections[number]

    def blocks(self) -> Iterator[tuple[ClassPair, Survivors]]:
        """Pairs that schema and metadata leave, block by block."""
        if self.remembered is not None:
            yield from self.remembered
            return
        classes = schema_classes(self.datasets, self.settings.case_sensitive)
        leaves = [leaves_by_path(dataset, self.settings.case_sensitive) for dataset in self.datasets]
        apart = _Apart(self.datasets, classes)
        for fit in fitting_classes(classes):
            members = classes[fit.parent].members, classes[fit.child].members
            for block in survivors(self.datasets, leaves, *members, fit.projection):
                yield fit, apart.without(block)


def find_candidates(
    datasets: Sequence[Dataset], settings: ContainmentSettings, worth: Worth | None = None
) -> Candidates:
    """Schema graph and min-max pruning: how many pairs have to be looked at, and which datasets under what."""
    classes = schema_classes(datasets, settings.case_sensitive)
    schemas = {i: schema_of(d, settings.case_sensitive) for i, d in enumerate(datasets)}
    found = Candidates(datasets, settings, Views(schemas), classes=len(classes), worth=worth)
    sharing = _Sharing(datasets, classes)
    numbers: dict[Projection, int] = {}
    last: ClassPair | None = None
    remembered: list[tuple[ClassPair, Survivors]] | None = []
    for fit, block in found.blocks():
        number = numbers.setdefault(fit.projection, len(numbers))
        found.shared += sharing.count(fit.parent, fit.child) if fit is not last else 0
        found.fitting, found.left, last = found.fitting + block.pairs, found.left + len(block.parents), fit
        if remembered is not None:
            remembered.append((fit, block))
            remembered = remembered if found.left <= _REMEMBERED and len(remembered) <= _REMEMBERED else None
        wanted = found.worthy(block)
        found.children.update((child, number) for child in np.unique(block.children[wanted]).tolist())
        found.parents.update((parent, number) for parent in np.unique(block.parents[wanted]).tolist())
    found.projections, found.remembered = list(numbers), remembered
    return found


def refuted_by_metadata(datasets: Sequence[Dataset], case_sensitive: bool) -> Iterator[Edge]:
    """Every pair whose schema fits and whose metadata rules it out, with the reason; streamed, for people who ask."""
    classes = schema_classes(datasets, case_sensitive)
    sharing = _Sharing(datasets, classes)
    for fit in fitting_classes(classes):
        for parent in classes[fit.parent].members:
            for child in classes[fit.child].members:
                a, b = datasets[parent], datasets[child]
                if parent == child or sharing.between(parent, child):
                    continue
                reason = refutes_by_header(a, b, (doubtful_header(a), doubtful_header(b)))
                reason = reason or refutes_by_metadata(a, b, fit.projection, case_sensitive)
                if reason:
                    yield Edge(
                        a.id, b.id, Grade.REFUTED, b.rows or 0, a.rows or 0, False, "min-max", reason, fit.projection
                    )


def shared_pairs(datasets: Sequence[Dataset], case_sensitive: bool) -> Iterator[Edge]:
    """Every pair whose schema fits and whose sides hold files in common; streamed, for people who ask."""
    classes = schema_classes(datasets, case_sensitive)
    sharing = _Sharing(datasets, classes)
    for fit in fitting_classes(classes):
        for parent, child in sharing.pairs(fit.parent, fit.child):
            a, b = datasets[parent], datasets[child]
            yield Edge(a.id, b.id, Grade.SHARED, b.rows or 0, a.rows or 0, False, "", SHARED_REASON, fit.projection)


class _Apart:
    """Takes out of blocks the pairs that must not be compared: they share files, or a header is in doubt."""

    def __init__(self, datasets: Sequence[Dataset], classes: Sequence[SchemaClass]) -> None:
        self._datasets = datasets
        self._sharing = _Sharing(datasets, classes)
        self._doubtful = [doubtful_header(dataset) for dataset in datasets]
        odd = [doubtful or bool(d.shared_with) for doubtful, d in zip(self._doubtful, datasets, strict=True)]
        self._odd = np.asarray(odd, bool)

    def without(self, block: Survivors) -> Survivors:
        """The block without them."""
        looked_at = np.flatnonzero(self._odd[block.parents] | self._odd[block.children])
        apart = [i for i in looked_at.tolist() if self._keep_apart(int(block.parents[i]), int(block.children[i]))]
        if not apart:
            return block
        return Survivors(np.delete(block.parents, apart), np.delete(block.children, apart), block.pairs)

    def _keep_apart(self, parent: int, child: int) -> bool:
        doubtful = self._doubtful[parent], self._doubtful[child]
        header = refutes_by_header(self._datasets[parent], self._datasets[child], doubtful)
        return self._sharing.between(parent, child) or bool(header)


_NONE = np.empty(0, np.int64)


def _once(keys: Ints, weights: Ints) -> tuple[Ints, Ints, Ints]:
    """Where each key first stands, which of them each is, and sums of weights: classes are cut into blocks."""
    kept, first, back = np.unique(keys, return_index=True, return_inverse=True)
    return first, back, np.bincount(back, weights, len(kept)).astype(np.int64)


class _Sharing:
    """Which members of schema classes hold files in common. It holds no more than the datasets say: no pairs."""

    def __init__(self, datasets: Sequence[Dataset], classes: Sequence[SchemaClass]) -> None:
        index = {dataset.id: position for position, dataset in enumerate(datasets)}
        self._others = {
            position: frozenset(index[name] for name in dataset.shared_with if name in index)
            for position, dataset in enumerate(datasets)
            if dataset.shared_with
        }
        self._members = [frozenset(entry.members) for entry in classes]
        self._sharing = [[member for member in entry.members if member in self._others] for entry in classes]

    def between(self, one: int, other: int) -> bool:
        """Whether two datasets (indexes) hold files in common."""
        return other in self._others.get(one, ())

    def pairs(self, parents: int, children: int) -> Iterator[tuple[int, int]]:
        """(parent, child) of two classes (indexes), as indexes of datasets."""
        for parent in self._sharing[parents]:
            yield from ((parent, child) for child in sorted(self._others[parent] & self._members[children]))

    def count(self, parents: int, children: int) -> int:
        """How many ``pairs`` there are."""
        return sum(len(self._others[parent] & self._members[children]) for parent in self._sharing[parents])
