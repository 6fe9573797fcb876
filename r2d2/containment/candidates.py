"""Candidate pairs: what the schema graph and min-max pruning leave of all pairs, and why the others fell.

A pair whose schema fits is exactly one of three: it shares files, it is ruled out by metadata, or it is a candidate.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from r2d2.config import ContainmentSettings
from r2d2.containment.headers import doubtful_header, refutes_by_header
from r2d2.containment.minmax import leaves_by_path, refutes_by_metadata, survivors
from r2d2.containment.schema_graph import SchemaClass, fitting_classes, schema_classes, schema_of
from r2d2.containment.views import Pair, Views
from r2d2.model.dataset import Dataset
from r2d2.model.edge import Edge, Grade

SHARED_REASON = "they hold files in common, so neither can be retired; not compared"


@dataclass
class Candidates:
    """The pairs that schema and metadata leave, and how many each step saw; ``shared`` ones are only counted."""

    views: Views
    pairs: list[Pair] = field(default_factory=list)
    classes: int = 0
    fitting: int = 0
    shared: int = 0


def find_candidates(datasets: Sequence[Dataset], settings: ContainmentSettings) -> Candidates:
    """Schema graph and min-max pruning: the pairs whose content has to be looked at."""
    classes = schema_classes(datasets, settings.case_sensitive)
    schemas = {i: schema_of(d, settings.case_sensitive) for i, d in enumerate(datasets)}
    found = Candidates(Views(schemas), classes=len(classes))
    leaves = [leaves_by_path(dataset, settings.case_sensitive) for dataset in datasets]
    doubtful = [doubtful_header(dataset) for dataset in datasets]
    sharing = _Sharing(datasets, classes)
    for fit in fitting_classes(classes):
        members = classes[fit.parent].members, classes[fit.child].members
        found.shared += sharing.count(fit.parent, fit.child)
        for block in survivors(datasets, leaves, *members, fit.projection):
            found.fitting += block.pairs
            for parent, child in zip(block.parents.tolist(), block.children.tolist(), strict=True):
                a, b = datasets[parent], datasets[child]
                if sharing.between(parent, child):
                    continue
                if not refutes_by_header(a, b, (doubtful[parent], doubtful[child])):
                    found.pairs.append(Pair(parent, child, fit.projection))
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
