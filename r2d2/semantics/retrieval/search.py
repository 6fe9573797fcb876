"""Which datasets answer a question, ranked; copies are folded into what holds them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from r2d2.errors import UsageError
from r2d2.semantics.retrieval.anchors import Scores, scores
from r2d2.semantics.retrieval.index import Index
from r2d2.semantics.retrieval.question import Question
from r2d2.semantics.tree import Floats

#: What is looked at: datasets by themselves, the topics that they are in, or both.
Level = Literal["base", "topic", "both"]
#: The first places of a ranking: what a person reads; of them so many at the end go to the best datasets by themselves.
_FIRST, _THEMSELVES = 10, 4
#: Anchors of an answer: datasets, and topics.
_DATASETS, _TOPICS = 10, 3


@dataclass(frozen=True)
class Hit:
    """A dataset that answers.

    Attributes:
        score: its share of the best one's, 0 to 1.
        folded: those found by the same question whose rows it holds, in their order.
    """

    dataset: str
    score: float
    folded: tuple[str, ...]


@dataclass(frozen=True)
class Found:
    """What a question found.

    Attributes:
        hits: all datasets that are held by none, the best first.
        anchors: entities and aggregates that answer best.
    """

    hits: tuple[Hit, ...]
    anchors: tuple[int, ...]


def search(index: Index, text: str, level: Level = "both") -> Found:
    """What answers a question; nothing for one without a word that names anything.

    Raises:
        UsageError: there is no such level.
    """
    if level not in get_args(Level):
        raise UsageError(f"there is no level {level!r}", f"levels: {', '.join(get_args(Level))}")
    question = Question.of(text)
    if not question.words or not len(index.entities):
        return Found((), ())
    found = scores(index, question)
    values = {"base": found.base, "topic": found.around, "both": found.base + found.around}[level]
    ranked = _folded(index, values)
    if level == "both":
        ranked = _with_themselves(ranked, [hit.dataset for hit in _folded(index, found.base)[:_FIRST]])
    return Found(tuple(ranked), tuple(_anchors(index, found, level)))


def _folded(index: Index, values: Floats) -> list[Hit]:
    """Containers in the order of the best of what they hold."""
    best, worst = float(values.max()), float(values.min())
    share = (values - worst) / max(best - worst, 1e-9)
    within: dict[str, list[str]] = {}
    score: dict[str, float] = {}
    for entity in np.argsort(-values, kind="stable").tolist():
        for name in index.entities.members[entity]:
            top = index.sources[name].container
            score.setdefault(top, float(share[entity]))
            within.setdefault(top, []).append(name)
    return [Hit(top, score[top], tuple(name for name in names if name != top)) for top, names in within.items()]


def _with_themselves(ranked: list[Hit], themselves: list[str]) -> list[Hit]:
    """With the best datasets by themselves among the first: a topic that was misjudged hides none of them.

    The last of the first places are theirs, and each other one after them till all are there.
    """
    by_name = {hit.dataset: hit for hit in ranked}
    front = [hit.dataset for hit in ranked[: _FIRST - _THEMSELVES]]
    lacking = [name for name in themselves if name not in front]
    front += lacking[:_THEMSELVES]
    rest = [hit.dataset for hit in ranked if hit.dataset not in front]
    order = dict.fromkeys((*front, *_alternately(rest, lacking[_THEMSELVES:])))
    return [by_name[name] for name in order]


def _alternately(one: list[str], other: list[str]) -> Iterator[str]:
    for number, name in enumerate(one):
        yield name
        yield from other[number : number + 1]


def _anchors(index: Index, found: Scores, level: Level) -> Iterator[int]:
    """The best entities, and the best of the finest aggregates; what lies above, the paths from these lead to."""
    if level != "topic":
        yield from np.argsort(-found.base, kind="stable")[:_DATASETS].tolist()
    if level != "base":
        nodes = index.tree.of_level(1)
        yield from (nodes[at] for at in np.argsort(-found.topics[: len(nodes)], kind="stable")[:_TOPICS].tolist())
