"""What entities mean: vectors of their columns and of their names' words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from r2d2.semantics.embed.embedder import unit
from r2d2.semantics.entities.entities import Entities
from r2d2.semantics.similarity.counted import counted
from r2d2.semantics.similarity.tokens import Tokens
from r2d2.semantics.similarity.weights import idf, presence, scaled
from r2d2.semantics.tree import Floats

#: Texts → vectors of length one, shape (texts, dimensions).
Embed = Callable[[Sequence[str]], Floats]
#: A name counts half as much as the columns: many are general.
NAME = 0.5


@dataclass(frozen=True, eq=False)
class Half:
    """Vectors of what entities have, columns or words of names, and of the entities by these.

    Attributes:
        held: which entity has which, shape (entities, things), of ones.
        of_things: their vectors, shape (things, dimensions).
        middle: of all entities, shape (dimensions,).
        of_entities: directions of length one, seen from the middle; zeros for what has nothing.
    """

    held: csr_array
    of_things: Floats
    middle: Floats
    of_entities: Floats

    def like(self, vectors: Floats) -> Floats:
        """How alike entities are to texts, seen from the same middle, shape (entities, texts)."""
        return np.asarray(self.of_entities @ unit(vectors - self.middle).T, np.float32)


@dataclass(frozen=True, eq=False)
class Meaning:
    """What entities mean: by the concepts of their columns and by the words of their names."""

    columns: Half
    names: Half

    @property
    def dense(self) -> Floats:
        """A vector of length one for each entity, shape (entities, 2 * dimensions)."""
        return unit(np.hstack([self.columns.of_entities, np.float32(NAME**0.5) * self.names.of_entities]))


def meaning_of(entities: Entities, tokens: Tokens, embed: Embed) -> Meaning:
    """Each half is centred and the weighted mean of column concepts, or of the name's words.

    Weights are IDF times specificity, so that what most have (``id``, ``stg``, ``export``) vanishes. A concept is the
    sum of two directions: of its text, and of its words by their specificity ("order number" is more about orders than
    about numbers).
    """
    held, texts = counted(_texts(entities))
    named, words = counted(entities.names)
    parts, singles = counted(text.split() for text in texts)
    place = {text: number for number, text in enumerate(dict.fromkeys((*texts, *words, *singles)))}
    vectors = embed(list(place))
    share = tokens.share(singles)
    of_texts = directions(
        vectors[[place[text] for text in texts]], scaled(parts, share), vectors[[place[word] for word in singles]]
    )
    told = scaled(presence(parts), share)  # without a word it has no largest values
    telling = np.asarray(told.max(axis=1).toarray() if singles else np.zeros(len(texts)), np.float32).ravel()
    names = _half(named, vectors[[place[word] for word in words]], tokens.share(words))
    return Meaning(_half(held, of_texts, telling), names)


def directions(of_texts: Floats, parts: csr_array, of_words: Floats) -> Floats:
    """Of each text the sum of two directions: its own, and that of its words.

    Args:
        of_texts, of_words: vectors, shape (texts, dimensions) and (words, dimensions).
        parts: how much each word tells of each text, shape (texts, words).
    """
    return unit(of_texts + unit(np.asarray(parts @ of_words, np.float32)))


def texts_of(entities: Entities) -> tuple[str, ...]:
    """Texts of column concepts, each once, in the order of ``Meaning.columns.of_things``."""
    return tuple(dict.fromkeys(text for row in _texts(entities) for text in row))


def _texts(entities: Entities) -> list[list[str]]:
    texts = [concept.text for concept in entities.concepts]
    starts, columns = entities.holds.indptr, entities.holds.indices
    return [
        list(dict.fromkeys(texts[c] for c in columns[starts[row] : starts[row + 1]])) for row in range(len(entities))
    ]


def _half(held: csr_array, vectors: Floats, telling: Floats) -> Half:
    weighted = scaled(held, idf(held) * telling)
    sums = np.asarray(weighted.sum(axis=1)).reshape(-1, 1)
    found = np.asarray(weighted @ vectors / np.maximum(sums, 1e-9), np.float32)
    known = sums.ravel() > 0
    middle = found[known].mean(axis=0) if known.any() else np.zeros(vectors.shape[1], np.float32)
    found[known] -= middle
    return Half(held, vectors, middle, unit(found))
