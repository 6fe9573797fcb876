"""Pairs of datasets that look alike but whose columns differ in name: worth a look, and nothing more.

Containment compares columns of one name. A copy with other names is never compared, so nothing is proven of it. Such
pairs are found here by what names mean and how they are spelled. They are told to people and lead to nothing: none
becomes an edge, and no plan knows of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from r2d2.model.dataset import Dataset, Leaf, LeafPath
from r2d2.model.family import PRESENCE
from r2d2.model.names import fold
from r2d2.semantics.entities.entities import Catalog, Entities
from r2d2.semantics.hierarchy.aggregate import Aggregation
from r2d2.semantics.look_alikes.columns import ColumnLikeness, Readings, marks_of
from r2d2.semantics.look_alikes.kept import LookAlike, order
from r2d2.semantics.similarity.dense import Embed
from r2d2.semantics.similarity.tokens import Tokens
from r2d2.semantics.threads import in_threads
from r2d2.semantics.tree import Floats, Ints

#: Two columns may be one if they are so alike. Of 80 planted copies with columns written otherwise, 71 to 74 are found.
_ALIKE = 0.45
#: So much of what tells a dataset's columns from those of others must be mapped, and so many columns.
_MAPPED, _FEWEST = 0.75, 3
#: Datasets whose columns are compared with those of others at once.
_TOGETHER = 32
#: More than any other similarities together: columns of one name are one, where they can be compared.
_SAME = 1e4
#: Of columns that are as alike, those of equal marks are one.
_MARKS = np.float32(1e-3)


@dataclass(frozen=True, eq=False)
class _Schema:
    """The columns of a dataset: their paths as they are matched, their readings, families and marks."""

    dataset: str
    leaves: tuple[Leaf, ...]
    matched: tuple[LeafPath, ...]
    readings: Ints
    families: Ints
    marks: Ints
    rows: int | None
    piece: int

    @property
    def size(self) -> tuple[int, int, str]:
        """By which the one is found that the other could hold."""
        return len(self.leaves), self.rows or 0, self.dataset


def look_alikes(aggregation: Aggregation, catalog: Catalog, embed: Embed) -> list[LookAlike]:
    """All such pairs, the most alike first.

    An entity is compared with its neighbours by the dataset that represents it, and within it each other schema with
    that one's: what is the same to people may be spelled in several ways.

    Args:
        catalog: what was aggregated.
        embed: texts → vectors of length one.
    """
    places, entities = aggregation.places, aggregation.entities
    schemas = _Schemas(catalog, Readings(entities.vocabulary))
    first, pairs = schemas.of_entities(entities, aggregation.pieces)
    rows, near = np.nonzero(places >= 0)
    ends = np.sort(np.stack([rows, places[rows, near]]), axis=0)
    pairs.extend((first[a], first[b]) for a, b in np.unique(ends, axis=1).T.tolist())
    proven = {frozenset(pair) for pair in catalog.contained}
    found = _Comparison(schemas, aggregation.compared.tokens, embed).of(pairs)
    apart = (pair for pair in found if frozenset((pair.dataset, pair.other)) not in proven)
    return sorted(apart, key=order)


class _Schemas:
    """The distinct schemas of entities."""

    def __init__(self, catalog: Catalog, readings: Readings) -> None:
        self.all: list[_Schema] = []
        self.readings = readings
        self._datasets = {dataset.id: dataset for dataset in catalog.datasets}
        self._case_sensitive = catalog.case_sensitive
        self._families: dict[tuple[str, ...], int] = {}
        self._marks: dict[tuple[str, ...], int] = {}
        self._columns: dict[tuple[LeafPath, tuple[str, ...]], tuple[LeafPath, int, int, int]] = {}

    def of_entities(self, entities: Entities, pieces: Ints) -> tuple[list[int], list[tuple[int, int]]]:
        """The number of each entity's first schema; and pairs of that with each other schema of the entity."""
        first: list[int] = []
        pairs: list[tuple[int, int]] = []
        for members, piece in zip(entities.members, pieces.tolist(), strict=True):
            spelled: dict[frozenset[LeafPath], int] = {}
            for name in members:
                schema = self._schema(self._datasets[name], piece)
                if spelled.setdefault(frozenset(schema.matched), len(self.all)) == len(self.all):
                    self.all.append(schema)
            numbers = list(spelled.values())
            first.append(numbers[0])
            pairs.extend((numbers[0], number) for number in numbers[1:])
        return first, pairs

    def _schema(self, dataset: Dataset, piece: int) -> _Schema:
        usable = dataset.leaves if dataset.status == "ok" else ()
        leaves = tuple(leaf for leaf in usable if leaf.families != (PRESENCE,))
        columns = [self._column(leaf) for leaf in leaves]
        return _Schema(
            dataset=dataset.id,
            leaves=leaves,
            matched=tuple(matched for matched, _, _, _ in columns),
            readings=np.asarray([reading for _, reading, _, _ in columns], np.int32),
            families=np.asarray([families for _, _, families, _ in columns], np.int32),
            marks=np.asarray([marks for _, _, _, marks in columns], np.int32),
            rows=dataset.rows,
            piece=piece,
        )

    def _column(self, leaf: Leaf) -> tuple[LeafPath, int, int, int]:
        """The path as it is matched, the reading, the number of its families, and that of its marks."""
        key = leaf.path, leaf.families
        if key not in self._columns:
            number = self._families.setdefault(leaf.families, len(self._families))
            marks = self._marks.setdefault(marks_of(leaf.path), len(self._marks))
            self._columns[key] = fold(leaf.path, self._case_sensitive), self.readings.of(leaf.path), number, marks
        return self._columns[key]

    def comparable(self) -> npt.NDArray[np.bool_]:
        """Which families can be compared with which."""
        sets = [set(families) for families in self._families]
        return np.asarray([[bool(a & b) for b in sets] for a in sets], np.bool_).reshape(len(sets), len(sets))

    def weights(self) -> Floats:
        """How much each reading tells: the fewer schemas have it, the more."""
        often = np.bincount(np.concatenate([np.unique(s.readings) for s in self.all]), minlength=len(self.readings.all))
        return np.asarray(np.log((1 + len(self.all)) / (1 + often)), np.float32)


class _Comparison:
    """Compares schemas column by column."""

    def __init__(self, schemas: _Schemas, tokens: Tokens, embed: Embed) -> None:
        self._schemas = schemas.all
        self._likeness = ColumnLikeness(schemas.readings.all, tokens, embed)
        self._comparable = schemas.comparable()
        self._weights = schemas.weights()

    def of(self, pairs: Iterable[tuple[int, int]]) -> Iterator[LookAlike]:
        """Those of the pairs that look alike; of each, the one with fewer columns (or rows) is mapped to the other."""
        others: dict[int, list[int]] = defaultdict(list)
        sizes = [schema.size for schema in self._schemas]
        for one, two in pairs:
            left, right = (one, two) if sizes[one] <= sizes[two] else (two, one)
            if len(self._schemas[left].leaves) >= _FEWEST:
                others[left].append(right)
        lefts = sorted(others, key=lambda left: (self._schemas[left].piece, left))
        parts = [lefts[start : start + _TOGETHER] for start in range(0, len(lefts), _TOGETHER)]
        for found in in_threads(lambda part: list(self._of_some({left: others[left] for left in part})), parts):
            yield from found

    def _of_some(self, others: Mapping[int, Sequence[int]]) -> Iterator[LookAlike]:
        """Many at once: those of one piece have neighbours, and most columns, in common."""
        rows = np.unique(np.concatenate([self._schemas[left].readings for left in others]))
        everything = {right for rights in others.values() for right in rights}
        columns = np.unique(np.concatenate([self._schemas[right].readings for right in everything]))
        alike = self._likeness.between(rows, columns)
        for left, rights in others.items():
            mine = self._schemas[left]
            of_left = alike[np.searchsorted(rows, mine.readings)]
            yield from self._of_one(mine, [self._schemas[right] for right in rights], of_left, columns)

    def _of_one(self, left: _Schema, rights: Sequence[_Schema], alike: Floats, readings: Ints) -> Iterator[LookAlike]:
        """One with all its neighbours.

        Args:
            alike: its columns and readings, shape (columns, readings).
        """
        found = alike[:, np.searchsorted(readings, np.concatenate([right.readings for right in rights]))]
        families = np.concatenate([right.families for right in rights])
        found[~self._comparable[left.families][:, families]] = 0
        weights = self._weights[left.readings]
        ends = np.cumsum([len(right.leaves) for right in rights])
        best = np.maximum.reduceat(found, ends - [len(right.leaves) for right in rights], axis=1)
        for place in np.flatnonzero(_enough(best >= _ALIKE, weights)).tolist():
            right = rights[place]
            pair = _mapped(left, right, found[:, ends[place] - len(right.leaves) : ends[place]], weights)
            if pair is not None:
                yield pair


def _enough(mapped: npt.NDArray[np.bool_], weights: Floats) -> npt.NDArray[np.bool_]:
    """Whether most columns are mapped, both by their number and by what they tell.

    Args:
        mapped: shape (columns, mappings).
    """
    needed = _MAPPED * float(weights.sum())
    return np.asarray((mapped.sum(axis=0) >= max(_FEWEST, _MAPPED * len(mapped))) & (weights @ mapped >= needed))


def _mapped(left: _Schema, right: _Schema, alike: Floats, weights: Floats) -> LookAlike | None:
    """The best mapping of columns one to one; None if too little is mapped, or no name differs."""
    place = {path: number for number, path in enumerate(right.matched)}
    same = [(row, place[path]) for row, path in enumerate(left.matched) if path in place]
    for row, column in same:
        if alike[row, column] > 0:
            alike[row, column] = _SAME
    marked = (alike > 0) & (left.marks[:, None] == right.marks)
    rows, columns = linear_sum_assignment(alike + _MARKS * marked, maximize=True)
    scores = np.zeros(len(left.leaves), np.float32)
    scores[rows] = alike[rows, columns]
    if not weights.any() or not _enough(scores[:, None] >= _ALIKE, weights)[0]:
        return None
    mapped = [(left.leaves[row], right.leaves[column], scores[row]) for row, column in zip(rows, columns, strict=True)]
    mapped = [pair for pair in mapped if pair[2] >= _ALIKE]
    mapping = [(".".join(mine.path), ".".join(theirs.path)) for mine, theirs, score in mapped if score < _SAME]
    if not mapping:
        return None
    more = left.rows is not None and right.rows is not None and left.rows > right.rows
    return LookAlike(
        dataset=left.dataset,
        other=right.dataset,
        score=float(np.minimum(np.where(scores >= _ALIKE, scores, 0), 1) @ weights / weights.sum()),
        mapping=tuple(mapping),
        same=len(mapped) - len(mapping),
        columns=len(left.leaves),
        fits=not more and not any(_beyond(mine, theirs) for mine, theirs, _ in mapped),
    )


def _beyond(mine: Leaf, theirs: Leaf) -> bool:
    """Whether a value of one column lies beyond all of the other's."""
    families = mine.bounds.keys() & theirs.bounds.keys()
    bounds = [(mine.bounds[family], theirs.bounds[family]) for family in families]
    return any(ours.below(other) or ours.above(other) for ours, other in bounds)
