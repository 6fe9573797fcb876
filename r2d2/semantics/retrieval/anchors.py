"""How well entities and aggregates answer a question: by words, by meaning, and by the company that they are in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from r2d2.semantics.embed.embedder import unit
from r2d2.semantics.retrieval.index import Groups, Index
from r2d2.semantics.retrieval.question import Question
from r2d2.semantics.similarity.dense import NAME, Half
from r2d2.semantics.tree import Floats

#: What phrases and words count, beside the meaning of the whole question.
_PHRASE, _WORDS = 0.5, 0.7
#: What an entity's topic and its piece of that count, beside itself.
_TOPIC, _PIECE = 2.5, 0.5


@dataclass(frozen=True, eq=False)
class Scores:
    """Of a question; only their order and differences mean anything.

    Attributes:
        base: of each entity by itself, shape (entities,).
        around: of each entity, what its topic and piece add, shape (entities,).
        topics: of each aggregate, by its number less that of the first, shape (nodes - entities,).
    """

    base: Floats
    around: Floats
    topics: Floats


def scores(index: Index, question: Question) -> Scores:
    """How well all answer a question that has words."""
    whole, asked, *phrases = index.embed([" ".join(question.words), question.text, *question.phrases])
    meant = _meant(index, whole)
    of_groups = unit((whole + asked)[None])[0]  # what a topic is about is nearer to a sentence than columns are
    told = _PHRASE * _told(index, np.asarray(phrases, np.float32)) + _WORDS * index.words.share(question.words)
    pieces, *levels = (_of_groups(index, group, of_groups, told) for group in index.levels)
    around = _TOPIC * levels[0][index.levels[1].numbers] + _PIECE * pieces[index.pieces]
    return Scores(meant + told, np.asarray(around, np.float32), np.concatenate(levels))


def _meant(index: Index, whole: Floats) -> Floats:
    columns, names = index.meaning.columns.like(whole[None]), index.meaning.names.like(whole[None])
    return np.asarray((columns + NAME * names)[:, 0], np.float32)


def _told(index: Index, phrases: Floats) -> Floats:
    """Of each entity how near the column or the word of its name that is nearest to each phrase is, summed."""
    found = np.zeros(len(index.entities), np.float32)
    for phrase in phrases:
        found += np.maximum(_nearest(index.meaning.columns, phrase), _nearest(index.meaning.names, phrase))
    return found


def _nearest(half: Half, vector: Floats) -> Floats:
    """The cosine with the nearest of an entity's things, seen from the mean of all things."""
    alike = half.of_things @ vector
    alike = np.append(alike - alike.mean(), 0) if len(alike) else np.zeros(1)  # one more: what ends the last row
    starts = half.held.indptr
    rows = np.maximum.reduceat(np.append(alike[half.held.indices], 0), starts[:-1])
    return np.asarray(np.where(np.diff(starts) > 0, rows, alike[:-1].min(initial=0)), np.float32)


def _of_groups(index: Index, group: Groups, whole: Floats, told: Floats) -> Floats:
    """Of each group how near its middle is, and the mean of what is told of its entities."""
    found = group.mean(told)
    meaning = index.meaning
    for half, middles, weight in ((meaning.columns, group.columns, 1.0), (meaning.names, group.names, NAME)):
        seen = whole - half.middle
        found += weight * (middles @ seen) / max(float(np.linalg.norm(seen)), 1e-9)
    return found
