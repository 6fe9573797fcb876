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
#: A name weighs half as much as the columns: many are general.
_NAME = 0.5


def dense(entities: Entities, tokens: Tokens, embed: Embed) -> Floats:
    """A centred vector of length one for each entity, shape (entities, dimensions).

    It is the weighted mean of its column concepts and half that of the words of its name. Weights are IDF times
    specificity, so that what most have (``id``, ``stg``, ``export``) vanishes. A concept is the sum of two directions:
    of its text, and of its words by their specificity ("order number" is more about orders than about numbers).
    """
    held, texts = counted(_texts(entities))
    named, words = counted(entities.names)
    parts, singles = counted(text.split() for text in texts)
    known = dict.fromkeys((*texts, *words, *singles))
    place = {text: number for number, text in enumerate(known)}
    vectors = embed(list(known))
    of_words = scaled(parts, tokens.share(singles)) @ vectors[[place[word] for word in singles]]
    of_texts = unit(vectors[[place[text] for text in texts]] + unit(np.asarray(of_words, np.float32)))
    telling = np.asarray(scaled(presence(parts), tokens.share(singles)).max(axis=1).toarray(), np.float32).ravel()
    columns = _mean(held, of_texts, telling)
    names = _mean(named, vectors[[place[word] for word in words]], tokens.share(words))
    found = columns + _NAME * names
    return unit(found - found.mean(axis=0, keepdims=True))


def _texts(entities: Entities) -> list[list[str]]:
    texts = [concept.text for concept in entities.concepts]
    starts, columns = entities.holds.indptr, entities.holds.indices
    return [
        list(dict.fromkeys(texts[c] for c in columns[starts[row] : starts[row + 1]])) for row in range(len(entities))
    ]


def _mean(held: csr_array, vectors: Floats, telling: Floats) -> Floats:
    weighted = scaled(held, idf(held) * telling)
    sums = np.maximum(np.asarray(weighted.sum(axis=1)).reshape(-1, 1), 1e-9)
    return np.asarray(weighted @ vectors / sums, np.float32)
