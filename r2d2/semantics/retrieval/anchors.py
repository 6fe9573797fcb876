"""How well entities and aggregates answer a question: by words, by meaning, and by the company that they are in."""

from __future__ import annotations

from collections.abc import Sequence
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
#: Vectors that are compared with all columns at once: four bytes for each column of each entity.
_AT_ONCE = 16


@dataclass(frozen=True, eq=False)
class Scores:
    """Of a question; of the first three only order and differences mean anything.

    Attributes:
        base: of each entity by itself, shape (entities,).
        around: of each entity, what its topic and piece add, shape (entities,).
        topics: of the finest aggregates, by number less that of the first, shape (finest aggregates,).
        met: how much of the question each entity meets by itself, 0 to 1, whatever else the lake holds.
        named: whether an entity has a word of the question.
        near: how near the nearest topic is to the question in meaning.
    """

    base: Floats
    around: Floats
    topics: Floats
    met: Floats
    named: bool
    near: float


def scores(index: Index, question: Question) -> Scores:
    """How well all answer a question that has words."""
    texts = [" ".join(question.words), question.text, *question.phrases, *question.words]
    whole, asked, *rest = index.embed(texts)
    phrases, words = np.split(np.asarray(rest, np.float32), [len(question.phrases)])
    shared = index.words.share(question.words)
    told = _PHRASE * _told(index, phrases) + _WORDS * shared
    of_groups = unit((whole + asked)[None])[0]  # what a topic is about is nearer to a sentence than columns are
    pieces, topics = (_of_groups(index, group, of_groups, told) for group in index.levels)
    around = _TOPIC * topics[index.levels[1].numbers] + _PIECE * pieces[index.pieces]
    return Scores(
        base=_meant(index, whole) + told,
        around=np.asarray(around, np.float32),
        topics=topics,
        met=_met(index, question.words, words),
        named=bool(shared.any()),
        near=_near(index, whole, phrases),
    )


def _meant(index: Index, whole: Floats) -> Floats:
    columns, names = index.meaning.columns.like(whole[None]), index.meaning.names.like(whole[None])
    return np.asarray((columns + NAME * names)[:, 0], np.float32)


def _told(index: Index, phrases: Floats) -> Floats:
    """Of each entity how near the column or the word of its name that is nearest to each phrase is, summed.

    Seen from the mean of all columns, or of all words.
    """
    halves = (_nearest(half, phrases) for half in (index.meaning.columns, index.meaning.names))
    columns, names = (alike - usual for alike, usual in halves)
    return np.asarray(np.maximum(columns, names).sum(axis=1), np.float32)


def _met(index: Index, words: Sequence[str], vectors: Floats) -> Floats:
    """Of each entity the mean over the words: 1 for one that it has, for others how near it comes in meaning."""
    (columns, _), (names, _) = (_nearest(half, vectors) for half in (index.meaning.columns, index.meaning.names))
    near = np.clip(np.maximum(columns, names), 0, 1) ** 2  # unlike texts have cosines up to a third
    has = np.stack([index.words.has(word) for word in words], axis=1)
    return np.asarray(np.maximum(has, near).mean(axis=1), np.float32)


def _nearest(half: Half, vectors: Floats) -> tuple[Floats, Floats]:
    """Of each entity the cosine of each vector with its nearest thing, and the mean over all things."""
    alike = half.of_things @ vectors.T if len(half.of_things) else np.zeros((1, len(vectors)), np.float32)
    starts, least = half.held.indptr, alike.min(axis=0)
    found = np.empty((len(starts) - 1, len(vectors)), np.float32)
    for start in range(0, len(vectors), _AT_ONCE):
        block = slice(start, start + _AT_ONCE)
        last = np.zeros((1, len(least[block])), np.float32)  # what ends the last row
        rows = np.maximum.reduceat(np.vstack([alike[half.held.indices, block], last]), starts[:-1])
        found[:, block] = np.where(np.diff(starts)[:, None] > 0, rows, least[block])
    return found, alike.mean(axis=0)


def _near(index: Index, whole: Floats, phrases: Floats) -> float:
    """Of the topic that is nearest to the whole question, or the mean of those nearest to each thing that is named.

    Topics are judged as they are, not from the middle of the lake: what all of a small lake is about is there.
    """
    asked = np.vstack([whole[None], phrases]).T
    columns, names = index.plain
    best = (columns @ asked + NAME * (names @ asked)).max(axis=0)
    return float(max(best[0], best[1:].mean()))


def _of_groups(index: Index, group: Groups, whole: Floats, told: Floats) -> Floats:
    """Of each group how near its middle is, and the mean of what is told of its entities."""
    found = group.mean(told)
    meaning = index.meaning
    for half, middles, weight in ((meaning.columns, group.columns, 1.0), (meaning.names, group.names, NAME)):
        seen = whole - half.middle
        found += weight * (middles @ seen) / max(float(np.linalg.norm(seen)), 1e-9)
    return found
