"""What entities mean: vectors of their columns and of their names' words."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy.sparse import csr_array

from r2d2.semantics.entities.entities import Entities
from r2d2.semantics.similarity.counted import counted
from r2d2.semantics.similarity.tokens import Tokens
from r2d2.semantics.similarity.weights import idf, presence, scaled, unit
from r2d2.semantics.tree import Floats

#: Texts → vectors of length one, shape (texts, dimensions).
Embed = Callable[[Sequence[str]], Floats]
#: A name counts half as much as the columns: many are general.
_NAME = 0.5


def dense(entities: Entities, tokens: Tokens, embed: Embed) -> Floats:
    """A vector of length one for each entity, shape (entities, 2 * dimensions): what its columns mean, and its name.

    Each half is centred and the weighted mean of column concepts, or of the name's words. Weights are IDF times
    specificity, so that what most have (``id``, ``stg``, ``export``) vanishes. A concept is the sum of two directions:
    of its text, and of its words by their specificity ("order number" is more about orders than about numbers).
    """
    held, texts = counted(_texts(entities))
    named, words = counted(entities.names)
    parts, singles = counted(text.split() for text in texts)
    place = {text: number for number, text in enumerate(dict.fromkeys((*texts, *words, *singles)))}
    vectors = embed(list(place))
    share = tokens.share(singles)
    of_words = unit(np.asarray(scaled(parts, share) @ vectors[[place[word] for word in singles]], np.float32))
    of_texts = unit(vectors[[place[text] for text in texts]] + of_words)
    telling = np.asarray(scaled(presence(parts), share).max(axis=1).toarray(), np.float32).ravel()
    columns = _centred_mean(held, of_texts, telling)
    names = _centred_mean(named, vectors[[place[word] for word in words]], tokens.share(words))
    return unit(np.hstack([columns, np.float32(_NAME**0.5) * names]))


def _texts(entities: Entities) -> list[list[str]]:
    texts = [concept.text for concept in entities.concepts]
    starts, columns = entities.holds.indptr, entities.holds.indices
    return [
        list(dict.fromkeys(texts[c] for c in columns[starts[row] : starts[row + 1]])) for row in range(len(entities))
    ]


def _centred_mean(held: csr_array, vectors: Floats, telling: Floats) -> Floats:
    """Directions of length one, seen from the middle of all; of rows that hold nothing, zeros."""
    weighted = scaled(held, idf(held) * telling)
    sums = np.asarray(weighted.sum(axis=1)).reshape(-1, 1)
    found = np.asarray(weighted @ vectors / np.maximum(sums, 1e-9), np.float32)
    known = sums.ravel() > 0
    found[known] -= found[known].mean(axis=0, keepdims=True) if known.any() else 0
    return unit(found)
