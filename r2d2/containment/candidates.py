"""Candidate pairs: what the schema graph and min-max pruning leave of all pairs, and why the others fell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from r2d2.config import ContainmentSettings
from r2d2.containment.headers import doubtful_header, refutes_by_header
from r2d2.containment.minmax import leaves_by_path, refutes_by_metadata, survivors
from r2d2.containment.schema_graph import fitting_classes, schema_classes, schema_of
from r2d2.containment.views import Pair, Views
from r2d2.model.dataset import Dataset
from r2d2.model.edge import Edge, Grade


@dataclass
class Candidates:
    """The pairs that schema and metadata leave, and how many each step saw."""

    views: Views
    pairs: list[Pair] = field(default_factory=list)
    classes: int = 0
    fitting: int = 0


def find_candidates(datasets: Sequence[Dataset], settings: ContainmentSettings) -> Candidates:
    """Schema graph and min-max pruning: the pairs whose content has to be looked at."""
    classes = schema_classes(datasets, settings.case_sensitive)
    schemas = {i: schema_of(d, settings.case_sensitive) for i, d in enumerate(datasets)}
    found = Candidates(Views(schemas), classes=len(classes))
    leaves = [leaves_by_path(dataset, settings.case_sensitive) for dataset in datasets]
    doubtful = [doubtful_header(dataset) for dataset in datasets]
    for fit in fitting_classes(classes):
        members = classes[fit.parent].members, classes[fit.child].members
        for block in survivors(datasets, leaves, *members, fit.projection):
            found.fitting += block.pairs
            for parent, child in zip(block.parents.tolist(), block.children.tolist(), strict=True):
                a, b = datasets[parent], datasets[child]
                if b.id not in a.shared_with and not refutes_by_header(a, b, (doubtful[parent], doubtful[child])):
                    found.pairs.append(Pair(parent, child, fit.projection))
    return found


def refuted_by_metadata(datasets: Sequence[Dataset], case_sensitive: bool) -> Iterator[Edge]:
    """Every pair whose schema fits and whose metadata rules it out, with the reason; streamed, for people who ask."""
    classes = schema_classes(datasets, case_sensitive)
    for fit in fitting_classes(classes):
        for parent in classes[fit.parent].members:
            for child in classes[fit.child].members:
                a, b = datasets[parent], datasets[child]
                if parent == child or b.id in a.shared_with:
                    continue
                reason = refutes_by_header(a, b, (doubtful_header(a), doubtful_header(b)))
                reason = reason or refutes_by_metadata(a, b, fit.projection, case_sensitive)
                if reason:
                    yield Edge(
                        a.id, b.id, Grade.REFUTED, b.rows or 0, a.rows or 0, False, "min-max", reason, fit.projection
                    )
