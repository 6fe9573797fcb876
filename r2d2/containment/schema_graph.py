"""The schema graph (the paper's schema graph builder, section 4.1), exact and on classes of equal schemas.

A child class fits a parent class if the parent has every leaf of the child, and each pair of leaves admits a common
family. Pairs are found by an inverted index from the child's rarest leaf, not by comparing all pairs of classes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from r2d2.model.dataset import Dataset, LeafPath
from r2d2.model.edge import Projection
from r2d2.model.family import narrowest_common
from r2d2.model.names import fold

#: The leaves of a class: folded path and the families that it admits, sorted by path.
Schema = tuple[tuple[LeafPath, tuple[str, ...]], ...]


@dataclass(frozen=True)
class SchemaClass:
    """All datasets with the same leaves and families; ``members`` are indexes into the list of datasets."""

    schema: Schema
    members: tuple[int, ...]


@dataclass(frozen=True)
class ClassPair:
    """A child class that fits a parent class (indexes), and the projection under which their datasets are compared."""

    parent: int
    child: int
    projection: Projection


def schema_of(dataset: Dataset, case_sensitive: bool) -> Schema:
    """The dataset's leaves as they are matched."""
    return tuple(sorted((fold(leaf.path, case_sensitive), leaf.families) for leaf in dataset.leaves))


def schema_classes(datasets: Sequence[Dataset], case_sensitive: bool) -> list[SchemaClass]:
    """Groups datasets that are ``ok`` and have leaves by schema, in the order of their first member."""
    members: dict[Schema, list[int]] = defaultdict(list)
    for index, dataset in enumerate(datasets):
        if dataset.status == "ok" and dataset.leaves:
            members[schema_of(dataset, case_sensitive)].append(index)
    return [SchemaClass(schema, tuple(indexes)) for schema, indexes in members.items()]


def fitting_classes(classes: Sequence[SchemaClass]) -> Iterator[ClassPair]:
    """Every (parent, child) pair of classes that fits, a class with itself among them if it has several members."""
    postings: dict[tuple[LeafPath, str], set[int]] = defaultdict(set)
    families: list[dict[LeafPath, tuple[str, ...]]] = []
    for index, entry in enumerate(classes):
        families.append(dict(entry.schema))
        for path, admitted in entry.schema:
            for family in admitted:
                postings[path, family].add(index)
    for child, entry in enumerate(classes):
        for parent in sorted(_holders(entry.schema, postings)):
            if parent == child and len(entry.members) < 2:
                continue
            yield ClassPair(parent, child, _projection(entry.schema, families[parent]))


def _holders(schema: Schema, postings: dict[tuple[LeafPath, str], set[int]]) -> set[int]:
    """Classes that hold every leaf under some family that it admits."""
    by_leaf = [[postings[path, family] for family in admitted] for path, admitted in schema]
    by_leaf.sort(key=lambda sets: sum(map(len, sets)))
    holders: set[int] = set().union(*by_leaf[0])
    for sets in by_leaf[1:]:
        holders = set().union(*(holders & entry for entry in sets)) if len(sets) > 1 else holders & sets[0]
    return holders


def _projection(child: Schema, parent: dict[LeafPath, tuple[str, ...]]) -> Projection:
    projection = []
    for path, admitted in child:
        family = narrowest_common(admitted, parent[path])
        assert family is not None, "postings hold only classes with a common family"
        projection.append((path, family))
    return tuple(projection)
