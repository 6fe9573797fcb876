"""What entities mean: vectors of their columns and of their names' words."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy.sparse import csr_array

from r2d2.semantics.entities.entities import Entities
from r2d2.semantics.similarity.counted import counted
from r2d2.semantics.similarity.weights import idf, scaled, unit
from r2d2.semantics.tree import Floats

#: Texts → vectors of length one, shape (texts, dimensions).
Embed = Callable[[Sequence[str]], Floats]
#: A name weighs half as much as the columns: many are general.
_NAME = 0.5


def dense(entities: Entities, embed: Embed) -> Floats:
    """A centred vector of length one for each entity: the IDF-weighted mean of its column concepts and half that of the
    words of its name, so that what most have (``id``, ``stg``, ``export``) vanishes. Shape (entities, dimensions).
    """
    held, texts = counted(_texts(entities))
    named, words = counted(entities.names)
    vectors = embed([*texts, *words])
    found = _mean(held, vectors[: len(texts)]) + _NAME * _mean(named, vectors[len(texts) :])
    return unit(found - found.mean(axis=0, keepdims=True))


def _texts(entities: Entities) -> list[list[str]]:
    texts = [concept.text for concept in entities.concepts]
    starts, columns = entities.holds.indptr, entities.holds.indices
    return [
        list(dict.fromkeys(texts[c] for c in columns[starts[row] : starts[row + 1]])) for row in range(len(entities))
    ]


def _mean(held: csr_array, vectors: Floats) -> Floats:
    weighted = scaled(held, idf(held))
    sums = np.maximum(np.asarray(weighted.sum(axis=1)).reshape(-1, 1), 1e-9)
    return np.asarray(weighted @ vectors / sums, np.float32)
