"""The words that tell a topic from the others of its level: class-based TF-IDF."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from scipy.sparse import csr_array, diags_array

from r2d2.semantics.entities.entities import Entities
from r2d2.semantics.similarity.counted import counted
from r2d2.semantics.tree import Ints


def words_of_entities(entities: Entities) -> tuple[csr_array, Sequence[str]]:
    """Which entity has which expanded word in its columns (1) and its name (1 more); and the words.

    None is of a comment: topics are called by them, and told where comments may not be.
    """
    return counted(_words(entities))


def _words(entities: Entities) -> Iterator[list[str]]:
    starts, columns = entities.holds.indptr, entities.holds.indices
    for row, name in enumerate(entities.called):
        held = columns[starts[row] : starts[row + 1]].tolist()
        yield [*dict.fromkeys(word for c in held for word in entities.concepts[c].words), *name]


def terms(words: csr_array, group: Ints, most: int) -> list[Ints]:
    """Of each group its words that say most, the best first: how often it has them over how often all have them.

    Args:
        words: shape (entities, words), how often each has each.
        group: of each entity, from 0.
    """
    count = int(group.max()) + 1
    member = csr_array((np.ones(len(group), np.float32), (group, np.arange(len(group)))), (count, len(group)))
    sums = csr_array(member @ words)
    whole = np.maximum(sums.sum(axis=1), 1)
    often = np.maximum(sums.sum(axis=0), 1)
    share = csr_array(diags_array(1 / whole, format="csr") @ sums)
    scored = csr_array(share @ diags_array(np.log1p(whole.mean() / often), format="csr"))
    scored.sort_indices()
    rows = zip(scored.indptr, scored.indptr[1:], strict=False)
    return [_best(scored.indices[start:end], scored.data[start:end], most) for start, end in rows]


def _best(columns: Ints, scores: np.ndarray[tuple[int], np.dtype[np.float64]], most: int) -> Ints:
    return columns[np.argsort(-scores, kind="stable")[:most]].astype(np.int32)
