"""Which datasets answer a question, ranked; copies are folded into what holds them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

import numpy as np

from r2d2.errors import UsageError
from r2d2.semantics.retrieval.anchors import Scores, scores
from r2d2.semantics.retrieval.index import Index
from r2d2.semantics.retrieval.question import Question
from r2d2.semantics.tree import Floats

#: What is looked at: datasets by themselves, the topics that they are in, or both.
Level = Literal["base", "topic", "both"]
#: The first places of a ranking, which people read. Of them so many at most go to the best datasets by themselves, all
#: where so many things are named: who lists these looks for the dataset that has them all.
_FIRST, _OTHERS, _LISTED = 10, 4, 3
#: The best dataset by itself is the first, if it is among so many best of all.
_BEST = 3
#: Anchors of an answer: datasets, and topics.
_DATASETS, _TOPICS = 10, 3


class Hit(NamedTuple):
    """A dataset that answers; its score is its share of the best one's, 0 to 1."""

    dataset: str
    score: float


@dataclass(frozen=True)
class Found:
    """What a question found.

    Attributes:
        question: as it was read.
        hits: all datasets that are held by none, the best first.
        anchors: entities and aggregates that answer best.
    """

    question: Question
    hits: tuple[Hit, ...] = ()
    anchors: tuple[int, ...] = ()


def search(index: Index, text: str, level: Level = "both") -> Found:
    """What answers a question; nothing for one without a word that names anything.

    Raises:
        UsageError: there is no such level.
    """
    if level not in get_args(Level):
        raise UsageError(f"there is no level {level!r}", f"levels: {', '.join(get_args(Level))}")
    question = Question.of(text, index.entities.vocabulary.asked, index.named.__contains__)
    if not question.words or not len(index.entities):
        return Found(question)
    found = scores(index, question)
    values = {"base": found.base, "topic": found.around, "both": found.base + found.around}[level]
    ranked = _folded(index, values, found.base)
    if level == "both":
        own = _FIRST if len(question.phrases) >= _LISTED else _OTHERS
        ranked = _mixed(index, ranked, _folded(index, found.base, found.base), own)
    return Found(question, tuple(ranked), tuple(_anchors(index, found, level)))


def _folded(index: Index, values: Floats, ties: Floats) -> list[Hit]:
    """Containers in the order of the best of what they hold; those of one value, as a topic has, by ``ties``.

    What holds no row answers nothing, and comes last.
    """
    best, worst = float(values.max()), float(values.min())
    share = (values - worst) / max(best - worst, 1e-9)
    score: dict[str, float] = {}
    for entity in np.lexsort((-ties, -values)).tolist():
        for name in index.entities.members[entity]:
            score.setdefault(index.sources[name].container, float(share[entity]))
    full = [Hit(name, found) for name, found in score.items() if not index.sources[name].is_empty]
    return [*full, *(Hit(name, 0.0) for name in score if index.sources[name].is_empty)]


def by_entity(index: Index, hits: Iterable[Hit]) -> dict[int, list[Hit]]:
    """Hits by their entity: snapshots of one table are one thing to find and to tell of."""
    found: dict[int, list[Hit]] = {}
    for hit in hits:
        found.setdefault(index.entity_of[hit.dataset], []).append(hit)
    return found


def _mixed(index: Index, ranked: list[Hit], themselves: list[Hit], own: int) -> list[Hit]:
    """A ranking with the best datasets by themselves near the front; members of an entity have one place, together.

    Scores fall: what was put before others has the best of theirs.

    Args:
        own: first places that are for the best by themselves.
    """
    members = by_entity(index, _full(index, ranked))
    best = list(by_entity(index, _full(index, themselves)))[:_FIRST]
    order = _with_themselves(index, list(members), best, own)
    empty = (hit for hit in ranked if index.sources[hit.dataset].is_empty)
    hits = [*(hit for entity in order for hit in members[entity]), *empty]
    falling = np.maximum.accumulate([hit.score for hit in reversed(hits)])[::-1].tolist()
    return [Hit(hit.dataset, score) for hit, score in zip(hits, falling, strict=True)]


def _full(index: Index, hits: Iterable[Hit]) -> Iterator[Hit]:
    return (hit for hit in hits if not index.sources[hit.dataset].is_empty)


def _with_themselves(index: Index, ranked: list[int], themselves: list[int], own: int) -> list[int]:
    """With the best entities by themselves in places near the front: a topic that was misjudged hides none of them.

    The very best is the first, if it is among the best of all. The last of the first places are for the next ones, then
    for the best one of each topic that the places before don't show; after the first places each other one is theirs
    till all are there.
    """
    front = ranked[: _FIRST - own]
    others = _others(index, front, themselves, own)
    rest = [entity for entity in ranked if entity not in front and entity not in others]
    room = _FIRST - len(front) - len(others)
    lacking = [one for one in themselves if one not in front and one not in others and one not in rest[:room]]
    best = [entity for entity in themselves[:1] if entity in front[:_BEST]]
    return list(dict.fromkeys((*best, *front, *rest[:room], *others, *_alternately(rest[room:], lacking))))


def _others(index: Index, front: list[int], themselves: list[int], own: int) -> list[int]:
    """Entities for the last of the first places."""
    topic = index.tree.parent  # the finest
    seen = {int(topic[entity]) for entity in front}
    best: dict[int, int] = {}
    for entity in themselves:
        best.setdefault(int(topic[entity]), entity)
    new = (entity for number, entity in best.items() if number not in seen)
    found = dict.fromkeys((*(entity for entity in themselves[:own] if entity not in front), *new))
    return list(found)[:own]


def _alternately(one: list[int], other: list[int]) -> Iterator[int]:
    for number, entity in enumerate(one):
        yield from other[number : number + 1]
        yield entity


def _anchors(index: Index, found: Scores, level: Level) -> Iterator[int]:
    """The best entities, and the best of the finest aggregates; what lies above, the paths from these lead to."""
    if level != "topic":
        yield from np.argsort(-found.base, kind="stable")[:_DATASETS].tolist()
    if level != "base":
        nodes = index.tree.of_level(1)
        yield from (nodes[at] for at in np.argsort(-found.topics[: len(nodes)], kind="stable")[:_TOPICS].tolist())
