"""Which datasets answer a question, ranked; copies are folded into what holds them."""

from __future__ import annotations

from collections.abc import Iterator
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
    question = Question.of(text, index.entities.vocabulary.asked)
    if not question.words or not len(index.entities):
        return Found(question)
    found = scores(index, question)
    values = {"base": found.base, "topic": found.around, "both": found.base + found.around}[level]
    ranked = _folded(index, values, found.base)
    if level == "both":
        themselves = [hit.dataset for hit in _folded(index, found.base, found.base)[:_FIRST]]
        own = _FIRST if len(question.phrases) >= _LISTED else _OTHERS
        ranked = _with_themselves(index, ranked, themselves, own)
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


def _with_themselves(index: Index, ranked: list[Hit], themselves: list[str], own: int) -> list[Hit]:
    """With the best datasets by themselves in places near the front: a topic that was misjudged hides none of them.

    The very best is the first, if it is among the best of all. The last of the first places are for the next ones, then
    for the best one of each topic that the places before don't show; after the first places each other one is theirs
    till all are there. Scores fall: what was put before others has the best of theirs.

    Args:
        own: first places that are for them.
    """
    scores = dict(ranked)
    front = list(scores)[: _FIRST - own]
    others = _others(index, front, themselves, own)
    rest = [name for name in scores if name not in front and name not in others]
    room = _FIRST - len(front) - len(others)
    lacking = [name for name in themselves if name not in front and name not in others and name not in rest[:room]]
    best = themselves[:1] if themselves[0] in front[:_BEST] else []
    order = dict.fromkeys((*best, *front, *rest[:room], *others, *_alternately(rest[room:], lacking)))
    falling = np.maximum.accumulate([scores[name] for name in reversed(order)])[::-1].tolist()
    return list(map(Hit, order, falling))


def _others(index: Index, front: list[str], themselves: list[str], own: int) -> list[str]:
    """Datasets for the last of the first places."""
    seen = {_topic(index, name) for name in front}
    best: dict[int, str] = {}
    for name in themselves:
        best.setdefault(_topic(index, name), name)
    new = (name for topic, name in best.items() if topic not in seen)
    found = dict.fromkeys((*(name for name in themselves[:own] if name not in front), *new))
    return list(found)[:own]


def _topic(index: Index, name: str) -> int:
    """The finest one of a dataset."""
    return int(index.tree.parent[index.entity_of[name]])


def _alternately(one: list[str], other: list[str]) -> Iterator[str]:
    for number, name in enumerate(one):
        yield from other[number : number + 1]
        yield name


def _anchors(index: Index, found: Scores, level: Level) -> Iterator[int]:
    """The best entities, and the best of the finest aggregates; what lies above, the paths from these lead to."""
    if level != "topic":
        yield from np.argsort(-found.base, kind="stable")[:_DATASETS].tolist()
    if level != "base":
        nodes = index.tree.of_level(1)
        yield from (nodes[at] for at in np.argsort(-found.topics[: len(nodes)], kind="stable")[:_TOPICS].tolist())
