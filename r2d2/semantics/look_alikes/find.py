"""Pairs of datasets that look alike but whose columns differ in name: worth a look, and nothing more.

Containment compares columns of one name. A copy with other names is never compared, so nothing is proven of it. Such
pairs are found here by what names mean and how they are spelled. They are told to people and lead to nothing: none
becomes an edge, and no plan knows of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array, vstack

from r2d2.model.dataset import Leaf
from r2d2.semantics.entities.entities import Catalog
from r2d2.semantics.hierarchy.aggregate import Aggregation
from r2d2.semantics.look_alikes.assigned import WHOLE, Found, Side, assigned, solved
from r2d2.semantics.look_alikes.columns import ColumnLikeness, Readings
from r2d2.semantics.look_alikes.kept import LookAlike, order
from r2d2.semantics.look_alikes.schemas import Schema, Schemas
from r2d2.semantics.similarity.dense import Embed
from r2d2.semantics.similarity.tokens import Tokens
from r2d2.semantics.threads import in_threads
from r2d2.semantics.tree import Floats, Ints

#: Two columns may be one if they are so alike. Of 80 planted copies with columns written otherwise, 71 to 74 are found.
_ALIKE = 0.45
#: So much of what tells a dataset's columns from those of others must be mapped, and so many columns.
_MAPPED, _FEWEST = 0.75, 3
#: Datasets whose columns are compared with those of others at once, and pairs of columns of all these. A pair of
#: datasets that has more is compared by itself, some columns at a time.
_TOGETHER, _CELLS = 32, 2_000_000


def look_alikes(aggregation: Aggregation, catalog: Catalog, embed: Embed) -> list[LookAlike]:
    """All such pairs, the most alike first.

    An entity is compared with its neighbours by the dataset that represents it, and within it each other schema with
    that one's: what is the same to people may be spelled in several ways.

    Args:
        catalog: what was aggregated.
        embed: texts → vectors of length one.
    """
    places, entities = aggregation.places, aggregation.entities
    schemas = Schemas(catalog, Readings(entities.vocabulary))
    first, pairs = schemas.of_entities(entities, aggregation.pieces)
    rows, near = np.nonzero(places >= 0)
    ends = np.sort(np.stack([rows, places[rows, near]]), axis=0)
    pairs.extend((first[a], first[b]) for a, b in np.unique(ends, axis=1).T.tolist())
    proven = {frozenset(pair) for pair in catalog.contained}
    found = _Comparison(schemas, aggregation.compared.tokens, embed).of(pairs)
    apart = (pair for pair in found if frozenset((pair.dataset, pair.other)) not in proven)
    return sorted(apart, key=order)


class _Free(NamedTuple):
    """Columns of two schemas whose names tell that they are one, and all others."""

    same: tuple[Ints, Ints]
    rows: Ints
    columns: Ints


class _Comparison:
    """Compares schemas column by column."""

    def __init__(self, schemas: Schemas, tokens: Tokens, embed: Embed) -> None:
        self._schemas = schemas.all
        self._likeness = ColumnLikeness(schemas.readings.all, tokens, embed)
        self._kinds = schemas.kinds()

    def of(self, pairs: Iterable[tuple[int, int]]) -> Iterator[LookAlike]:
        """Those of the pairs that look alike; of each, the one with fewer columns (or rows) is mapped to the other."""
        others: dict[int, list[int]] = defaultdict(list)
        sizes = [schema.size for schema in self._schemas]
        tells = [len(schema.leaves) >= _FEWEST and self._weights(schema).any() for schema in self._schemas]
        for one, two in pairs:
            left, right = (one, two) if sizes[one] <= sizes[two] else (two, one)
            if tells[left] and self._differ(self._schemas[left], self._schemas[right]):
                others[left].append(right)
        for found in in_threads(lambda part: list(self._of_some(part)), list(self._parts(others))):
            yield from found

    def _weights(self, schema: Schema) -> Floats:
        return np.asarray(self._kinds.weights[schema.kinds])

    def _differ(self, left: Schema, right: Schema) -> bool:
        """Whether a column of the left is none of the right by its name: else there is nothing to map."""
        if not set(left.names.tolist()).issubset(right.names.tolist()):
            return True
        return len(self._free(left, right).rows) > 0

    def _free(self, left: Schema, right: Schema) -> _Free:
        _, rows, columns = np.intersect1d(left.names, right.names, return_indices=True)
        families = self._kinds.families
        able = self._kinds.comparable[families[left.kinds[rows]], families[right.kinds[columns]]]
        same = np.asarray(rows[able], np.int32), np.asarray(columns[able], np.int32)
        return _Free(same, _others(left, same[0]), _others(right, same[1]))

    def _parts(self, others: Mapping[int, Sequence[int]]) -> Iterator[dict[int, list[int]]]:
        """What is compared at once: schemas of one piece have neighbours, and most columns, in common."""
        part: dict[int, list[int]] = defaultdict(list)
        seen: set[int] = set()
        rows = columns = 0
        for left in sorted(others, key=lambda left: (self._schemas[left].piece, left)):
            for right in others[left]:
                more = 0 if left in part else len(self._schemas[left].leaves)
                wider = 0 if right in seen else len(self._schemas[right].leaves)
                if part and ((rows + more) * (columns + wider) > _CELLS or (more and len(part) == _TOGETHER)):
                    yield part
                    part, seen, rows, columns = defaultdict(list), set(), 0, 0
                    more, wider = len(self._schemas[left].leaves), len(self._schemas[right].leaves)
                part[left].append(right)
                seen.add(right)
                rows, columns = rows + more, columns + wider
        if part:
            yield part

    def _of_some(self, others: Mapping[int, Sequence[int]]) -> Iterator[LookAlike]:
        """Many at once, or one pair of wide ones."""
        rights = {right for those in others.values() for right in those}
        kinds = [np.concatenate([self._schemas[one].kinds for one in some]) for some in (others, rights)]
        if len(kinds[0]) * len(kinds[1]) > _CELLS:
            pairs = ((self._schemas[left], self._schemas[right]) for left in others for right in others[left])
            yield from filter(None, (self._of_wide(left, right) for left, right in pairs))
            return
        held = self._kinds.readings
        rows, columns = np.unique(held[kinds[0]]), np.unique(held[kinds[1]])
        alike = self._likeness.between(rows, columns)
        for left, those in others.items():
            mine = self._schemas[left]
            of_left = alike[np.searchsorted(rows, held[mine.kinds])]
            yield from self._of_one(mine, [self._schemas[right] for right in those], of_left, columns)

    def _of_one(self, left: Schema, rights: Sequence[Schema], alike: Floats, readings: Ints) -> Iterator[LookAlike]:
        """One with all its neighbours.

        Args:
            alike: its columns and readings, shape (columns, readings).
        """
        kinds = np.concatenate([right.kinds for right in rights])
        found = alike[:, np.searchsorted(readings, self._kinds.readings[kinds])]
        found[~self._kinds.can_be_one(left.kinds, kinds)] = 0
        ends = np.cumsum([len(right.leaves) for right in rights])
        best = np.maximum.reduceat(found, ends - [len(right.leaves) for right in rights], axis=1)
        for place in np.flatnonzero(_enough(best >= _ALIKE, self._weights(left))).tolist():
            right = rights[place]
            pair = self._mapped(left, right, found[:, ends[place] - len(right.leaves) : ends[place]])
            if pair is not None:
                yield pair

    def _mapped(self, left: Schema, right: Schema, alike: Floats) -> LookAlike | None:
        """The best mapping of columns one to one; None if too little is mapped, or no name differs."""
        free = self._free(left, right)
        alike = alike[free.rows][:, free.columns]
        if alike.size > WHOLE:
            return self._of_wide(left, right)
        return self._told(left, right, free, solved(alike, left.marks[free.rows], right.marks[free.columns]))

    def _of_wide(self, left: Schema, right: Schema) -> LookAlike | None:
        """The same of many columns: only such as may be one are looked at."""
        free = self._free(left, right)
        (kinds, mine), (others, theirs) = _side(left, free.rows), _side(right, free.columns)
        alike = self._candidates(kinds, others)
        scores = np.zeros(len(left.leaves), np.float32)
        scores[free.same[0]] = 1
        scores[free.rows] = np.diff(alike.indptr)[mine.kinds]
        if not _enough(scores[:, None] > 0, self._weights(left))[0]:
            return None
        return self._told(left, right, free, assigned(alike, mine, theirs))

    def _candidates(self, kinds: Ints, others: Ints) -> csr_array:
        """How alike kinds are that may be one; of each kind those that are most alike, if there are very many."""
        blocks, done, most = [], 0, max(1, _CELLS // len(kinds))
        for found in self._likeness.blocks(self._kinds.readings[kinds], self._kinds.readings[others], _CELLS // 4):
            found[(found < _ALIKE) | ~self._kinds.can_be_one(kinds[done : done + len(found)], others)] = 0
            if len(others) > most and np.count_nonzero(found, axis=1).max() > most:
                np.put_along_axis(found, np.argpartition(found, -most, axis=1)[:, :-most], 0, axis=1)
            blocks.append(csr_array(found))
            done += len(found)
        return csr_array(vstack(blocks, format="csr"))

    def _told(self, left: Schema, right: Schema, free: _Free, found: Found) -> LookAlike | None:
        kept = found.likeness >= _ALIKE
        rows, columns = free.rows[found.rows[kept]], free.columns[found.columns[kept]]
        scores, weights = np.zeros(len(left.leaves), np.float32), self._weights(left)
        scores[free.same[0]] = 1
        scores[rows] = np.minimum(found.likeness[kept], 1)
        if not len(rows) or not _enough(scores[:, None] > 0, weights)[0]:
            return None
        mapped = _leaves(left, right, rows, columns)
        more = left.rows is not None and right.rows is not None and left.rows > right.rows
        beyond = (_beyond(mine, theirs) for mine, theirs in (*mapped, *_leaves(left, right, *free.same)))
        return LookAlike(
            dataset=left.dataset,
            other=right.dataset,
            score=float(scores @ weights / weights.sum()),
            mapping=tuple((".".join(mine.path), ".".join(theirs.path)) for mine, theirs in mapped),
            same=len(free.same[0]),
            columns=len(left.leaves),
            fits=not more and not any(beyond),
        )


def _enough(mapped: npt.NDArray[np.bool_], weights: Floats) -> npt.NDArray[np.bool_]:
    """Whether most columns are mapped, both by their number and by what they tell.

    Args:
        mapped: shape (columns, mappings).
    """
    needed = _MAPPED * float(weights.sum())
    return np.asarray((mapped.sum(axis=0) >= max(_FEWEST, _MAPPED * len(mapped))) & (weights @ mapped >= needed))


def _others(schema: Schema, columns: Ints) -> Ints:
    return np.delete(np.arange(len(schema.leaves), dtype=np.int32), columns)


def _side(schema: Schema, columns: Ints) -> tuple[Ints, Side]:
    """The kinds of some columns, and these by them."""
    kinds, at = np.unique(schema.kinds[columns], return_inverse=True)
    return kinds, Side(at.astype(np.int32), schema.marks[columns])


def _leaves(left: Schema, right: Schema, rows: Ints, columns: Ints) -> list[tuple[Leaf, Leaf]]:
    return [(left.leaves[row], right.leaves[at]) for row, at in zip(rows.tolist(), columns.tolist(), strict=True)]


def _beyond(mine: Leaf, theirs: Leaf) -> bool:
    """Whether a value of one column lies beyond all of the other's."""
    families = mine.bounds.keys() & theirs.bounds.keys()
    bounds = [(mine.bounds[family], theirs.bounds[family]) for family in families]
    return any(ours.below(other) or ours.above(other) for ours, other in bounds)
