"""The columns of datasets as they are compared: each distinct schema once, columns by numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from r2d2.model.dataset import Dataset, Leaf, LeafPath
from r2d2.model.family import PRESENCE
from r2d2.model.names import fold
from r2d2.semantics.entities.entities import Catalog, Entities
from r2d2.semantics.look_alikes.columns import Readings, marks_of
from r2d2.semantics.tree import Floats, Ints


@dataclass(frozen=True, eq=False)
class Schema:
    """The columns of a dataset.

    Attributes:
        names: of each column, the number of its path as it is matched.
        kinds: the number of its reading and families; columns of one kind differ at most in their marks.
        marks: the number of what its reading leaves out of its name.
        piece: of its entity.
    """

    dataset: str
    leaves: tuple[Leaf, ...]
    names: Ints
    kinds: Ints
    marks: Ints
    rows: int | None
    piece: int

    @property
    def size(self) -> tuple[int, int, str]:
        """By which the one is found that the other could hold."""
        return len(self.leaves), self.rows or 0, self.dataset


class _Column(NamedTuple):
    name: int
    kind: int
    marks: int


class Schemas:
    """The distinct schemas of entities."""

    def __init__(self, catalog: Catalog, readings: Readings) -> None:
        self.all: list[Schema] = []
        self.readings = readings
        self._datasets = {dataset.id: dataset for dataset in catalog.datasets}
        self._case_sensitive = catalog.case_sensitive
        self._families: dict[tuple[str, ...], int] = {}
        self._kinds: dict[tuple[int, int], int] = {}
        self._names: dict[LeafPath, int] = {}
        self._marks: dict[tuple[str, ...], int] = {}
        self._columns: dict[tuple[LeafPath, tuple[str, ...]], _Column] = {}

    def of_entities(self, entities: Entities, pieces: Ints) -> tuple[list[int], list[tuple[int, int]]]:
        """The number of each entity's first schema; and pairs of that with each other schema of the entity."""
        first: list[int] = []
        pairs: list[tuple[int, int]] = []
        for members, piece in zip(entities.members, pieces.tolist(), strict=True):
            spelled: dict[frozenset[int], int] = {}
            for name in members:
                schema = self._schema(self._datasets[name], piece)
                if spelled.setdefault(frozenset(schema.names.tolist()), len(self.all)) == len(self.all):
                    self.all.append(schema)
            numbers = list(spelled.values())
            first.append(numbers[0])
            pairs.extend((numbers[0], number) for number in numbers[1:])
        return first, pairs

    def _schema(self, dataset: Dataset, piece: int) -> Schema:
        usable = dataset.leaves if dataset.status == "ok" else ()
        leaves = tuple(leaf for leaf in usable if leaf.families != (PRESENCE,))
        columns = np.asarray([self._column(leaf) for leaf in leaves], np.int32).reshape(-1, len(_Column._fields))
        names, kinds, marks = columns.T.copy()
        return Schema(dataset.id, leaves, names, kinds, marks, dataset.rows, piece)

    def _column(self, leaf: Leaf) -> _Column:
        key = leaf.path, leaf.families
        if key not in self._columns:
            families = self._families.setdefault(leaf.families, len(self._families))
            kind = self.readings.of(leaf.path), families
            self._columns[key] = _Column(
                self._names.setdefault(fold(leaf.path, self._case_sensitive), len(self._names)),
                self._kinds.setdefault(kind, len(self._kinds)),
                self._marks.setdefault(marks_of(leaf.path), len(self._marks)),
            )
        return self._columns[key]

    def kinds(self) -> Kinds:
        """All that were met."""
        readings, families = np.asarray([*self._kinds], np.int32).reshape(-1, 2).T
        return Kinds(readings, families, self._comparable(self._families), self._weights(readings))

    @staticmethod
    def _comparable(families: Mapping[tuple[str, ...], int]) -> npt.NDArray[np.bool_]:
        sets = list(map(set, families))
        return np.asarray([[bool(a & b) for b in sets] for a in sets], np.bool_).reshape(len(sets), len(sets))

    def _weights(self, readings: Ints) -> Floats:
        found = [np.unique(readings[schema.kinds]) for schema in self.all]
        often = np.bincount(np.concatenate([*found, []]).astype(np.int32), minlength=len(self.readings.all))
        return np.asarray(np.log((1 + len(self.all)) / (1 + often)), np.float32)[readings]


@dataclass(frozen=True, eq=False)
class Kinds:
    """What columns are compared as.

    Attributes:
        readings: of each kind.
        families: the number of each kind's.
        comparable: which families can be compared with which.
        weights: how much each kind's reading tells: the fewer schemas have it, the more.
    """

    readings: Ints
    families: Ints
    comparable: npt.NDArray[np.bool_]
    weights: Floats

    def can_be_one(self, some: Ints, others: Ints) -> npt.NDArray[np.bool_]:
        """Whether columns of kinds can be compared, shape (some, others)."""
        return np.asarray(self.comparable[self.families[some]][:, self.families[others]])
