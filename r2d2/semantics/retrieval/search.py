"""Which datasets answer a question, ranked; copies are folded into what holds them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
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
#: where so many things are named: who lists these looks for the dataset that has them all. *Measured*: with four, one
#: of 600 planted questions lost all that it finds without topics; with seven none does, R-precision on topics is .667
#: and not .690 (.561 without topics).
_FIRST, _OTHERS, _LISTED = 10, 7, 3
#: The best dataset by itself is the first, if it is among so many best of all.
_BEST = 3
#: Anchors of an answer: datasets, and topics.
_DATASETS, _TOPICS = 10, 3


#: Where no name has a word of the question, the nearest topic has to be so near to it in meaning. Of 1,600 planted
#: questions none lies below, of those about what a large lake lacks almost half, in small lakes nine of ten.
_NEAR = 0.19


class Hit(NamedTuple):
    """A dataset that answers; its score says how much of the question it, or what it holds, meets by itself, 0 to 1.

    It does not fall with the places, which topics count in.
    """

    dataset: str
    score: float


@dataclass(frozen=True)
class Found:
    """What a question found.

    Attributes:
        question: as it was read.
        hits: all datasets that are held by none, the best first.
        anchors: entities and aggregates that answer best.
        named: whether a name has a word of the question; else meaning alone leads to what was found.
    """

    question: Question
    hits: tuple[Hit, ...] = ()
    anchors: tuple[int, ...] = ()
    named: bool = True


def search(index: Index, text: str, level: Level = "both") -> Found:
    """What answers a question; nothing for one without a word that names anything, or that the lake is not about.

    Raises:
        UsageError: there is no such level.
    """
    if level not in get_args(Level):
        raise UsageError(f"there is no level {level!r}", f"levels: {', '.join(get_args(Level))}")
    question = Question.of(text, index.entities.vocabulary.asked, index.named.__contains__)
    if not question.words or not len(index.entities):
        return Found(question)
    found = scores(index, question)
    if not found.named and found.near < _NEAR:
        return Found(question)
    values = {"base": found.base, "topic": found.around, "both": found.base + found.around}[level]
    ranked = _ranked(index, values, found.base)
    if level == "both":
        own = _FIRST if len(question.phrases) >= _LISTED else _OTHERS
        ranked = _with_themselves(index, ranked, _ranked(index, found.base, found.base)[:_FIRST], own)
    return Found(question, _hits(index, ranked, found.met), tuple(_anchors(index, found, level)), found.named)


def _ranked(index: Index, values: Floats, ties: Floats) -> list[int]:
    """Entities of containers in the order of the best of what they hold; equal ones, as a topic has, by ``ties``.

    What holds no row answers nothing, and comes last.
    """
    into = index.folding.into
    found = dict.fromkeys(other for entity in np.lexsort((-ties, -values)).tolist() for other in into[entity])
    return sorted(found, key=lambda entity: not index.folding.full[entity])


def _hits(index: Index, ranked: Iterable[int], met: Floats) -> tuple[Hit, ...]:
    """The containers of entities, those of one together; those that hold no row last."""
    folding = index.folding
    best = met.copy()
    for entity, others in enumerate(folding.into):
        for other in others:
            best[other] = max(best[other], met[entity])
    score = best.tolist()
    full = (Hit(name, score[entity]) for entity in ranked for name in folding.full[entity])
    return (*full, *(Hit(name, 0.0) for entity in ranked for name in folding.empty[entity]))


def _with_themselves(index: Index, ranked: list[int], themselves: list[int], own: int) -> list[int]:
    """With the best entities by themselves in places near the front: a topic that was misjudged hides none of them.

    The very best is the first, if it is among the best of all. The last of the first places are for the next ones, then
    for the best one of each topic that the places before don't show; after the first places each other one is theirs
    till all are there.
    """
    front = ranked[: _fitting(index, ranked, _FIRST - own)]
    others = _others(index, front, themselves, own)
    rest = [entity for entity in ranked if entity not in front and entity not in others]
    taken = sum(len(index.folding.full[entity]) for entity in (*front, *others))
    room = _fitting(index, rest, _FIRST - taken)
    lacking = [one for one in themselves if one not in front and one not in others and one not in rest[:room]]
    best = [entity for entity in themselves[:1] if entity in front[:_BEST]]
    return list(dict.fromkeys((*best, *front, *rest[:room], *others, *_alternately(rest[room:], lacking))))


def _fitting(index: Index, entities: Sequence[int], places: int) -> int:
    """How many of the first entities begin within so many places."""
    ends = np.cumsum([len(index.folding.full[entity]) for entity in entities[: max(places, 0)]])
    return int((ends < places).sum()) + (places > 0)


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
        yield from (nodes[at] for at in np.argsort(-found.topics, kind="stable")[:_TOPICS].tolist())
