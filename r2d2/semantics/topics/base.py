"""All base relations of entities: what is proven and told, and what similarity adds."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array

from r2d2.semantics.base_relations import Kind, Relations
from r2d2.semantics.entities.entities import Entities
from r2d2.semantics.similarity.weights import idf, scaled
from r2d2.semantics.tree import Floats, Ints

#: A neighbour is alike if the similarity, 0 to 1.1, is so high; below it two tables have little in common.
_ALIKE = 0.3


def base_relations(entities: Entities, places: Ints, scores: Floats) -> Relations:
    """Those of the entities, neighbours that are alike, and neighbours that share columns which few have.

    Args:
        places, scores: neighbours of each entity, shape (entities, k).
    """
    rows = np.repeat(np.arange(len(entities), dtype=np.int32), places.shape[1])
    pairs = np.stack([np.minimum(rows, places.ravel()), np.maximum(rows, places.ravel())])
    pairs, first = np.unique(pairs, axis=1, return_index=True)
    score = scores.ravel()[first]
    shared = _shared(entities.holds, pairs)
    parts = [
        entities.relations,
        _of(pairs, Kind.SHARES, shared),
        _of(pairs, Kind.ALIKE, np.where(score >= _ALIKE, score, 0)),
    ]
    columns = zip(*((part.source, part.target, part.kind, part.weight) for part in parts), strict=True)
    source, target, kind, weight = (np.concatenate(column) for column in columns)
    return Relations(source, target, kind, weight)


def _of(pairs: Ints, kind: Kind, weight: Floats) -> Relations:
    some = weight > 0
    source, target = pairs[:, some].astype(np.int32)
    return Relations(source, target, np.full(len(source), kind, np.int32), weight[some].astype(np.float32))


def _shared(holds: csr_array, pairs: Ints) -> Floats:
    """By how many columns each pair has in common, each by how few entities have it, 0 to 1."""
    weights = idf(holds)
    if not weights.size or weights.max() <= 0:
        return np.zeros(pairs.shape[1], np.float32)
    weights = np.where(weights >= weights.max() / 2, weights / weights.max(), 0).astype(np.float32)
    common = scaled(holds, weights)[pairs[0]].multiply(holds[pairs[1]])
    return np.asarray(common.sum(axis=1), np.float32).ravel()
