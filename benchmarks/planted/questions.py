"""Questions to a planted catalog, and the datasets that answer them.

200 a catalog: 80 about a topic (64 about a family, 16 about a group of families), 80 about
one dataset, 40 about two topics of one domain and how they relate. Half of each share no word with a column name of
what is relevant (``apart``): neither as it is spelled nor as it was meant. What is relevant is told by containers: a
dataset that another one holds is folded into it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from pathlib import Path
from random import Random
from typing import Literal

from benchmarks.planted.planted import Planted
from benchmarks.planted.vocabulary import subjects

_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
#: Words of questions that no answer can be found by.
_EMPTY = frozenset((
    "a", "about", "all", "an", "and", "any", "are", "at", "be", "by", "do", "does", "for", "from", "has", "have",
    "here", "how", "i", "in", "into", "is", "it", "its", "of", "on", "or", "our", "out", "that", "the", "their",
    "them", "then", "there", "they", "this", "to", "up", "us", "we", "what", "when", "where", "which", "who",
    "whom", "with",
))  # fmt: skip
_TOPIC = ("What do we hold about {}?", "Where do we keep {}?", "I need everything on {}.", "Show me {}.")
_PAIR = ("How do {} relate to {}?", "What links {} with {}?", "Where do {} meet {}?", "I look for {} together with {}.")
_SINGLE = ("Which one has {}?", "Where do I find {}?", "I need {} in one place.")

Kind = Literal["topic", "single", "pair"]


@dataclass(frozen=True)
class Question:
    """A question and its answer.

    Attributes:
        apart: no word of it is in a column name of a relevant dataset.
        relevant: ids of the containers that should be found.
        families: what it is about.
    """

    text: str
    kind: Kind
    apart: bool
    relevant: frozenset[str]
    families: tuple[str, ...]


def questions(catalog: Planted, seed: int = 0) -> tuple[Question, ...]:
    """200 questions to a catalog of English names and one camp, as A is.

    Raises:
        ValueError: the catalog has too few datasets that only one question fits.
    """
    asker = _Asker(catalog, Random(f"q{seed}"))
    found: list[Question] = []
    for apart in (False, True):
        found += _first(asker.groups(apart), 8, apart)
        found += _first(asker.families(apart), 32, apart)
        found += _first(asker.singles(apart), 40, apart)
        found += _first(asker.pairs(apart), 20, apart)
    return tuple(found)


def _first(drawn: Iterable[Question], count: int, apart: bool) -> list[Question]:
    found: dict[str, Question] = {}
    for question in drawn:
        if question.apart == apart:
            found.setdefault(question.text, question)
        if len(found) == count:
            return list(found.values())
    raise ValueError(f"only {len(found)} of {count} questions can be asked of this catalog")


def containers(catalog: Planted) -> dict[str, str]:
    """Of each dataset, the id of the one that holds it and that nothing else holds; of duplicates, the first id."""
    first = {one: group[0] for group in catalog.duplicates for one in group}
    above: dict[str, set[str]] = {}
    for parent, child in catalog.pairs:
        above.setdefault(child, set()).add(first.get(parent, parent))
    found = {}
    for dataset in catalog.datasets:
        tops = [parent for parent in above.get(dataset.id, ()) if parent not in above]
        found[dataset.id] = tops[0] if tops else first.get(dataset.id, dataset.id)
    return found


def folded(ranked: Iterable[str], container: dict[str, str]) -> list[str]:
    """Containers of ranked datasets, each once, in the order of its best."""
    return list(dict.fromkeys(container[one] for one in ranked))


def words(text: str) -> set[str]:
    """Words of a text, without endings, and without those that no answer can be found by."""
    return {stem(word) for word in map(str.lower, _WORD.findall(text)) if word not in _EMPTY}


def stem(word: str) -> str:
    """A word without the commonest English endings."""
    for ending in ("ings", "ing", "ies", "ed", "es", "s", "y", "e"):
        if word.endswith(ending) and len(word) - len(ending) > 2:
            return word[: -len(ending)]
    return word


@cache
def asked() -> dict[str, str]:
    """What families and groups are called in words of people who know no column."""
    lines = (Path(__file__).parent / "asked.txt").read_text().splitlines()
    return dict(map(str.strip, line.split("|")) for line in lines if not line.startswith("#"))  # type: ignore[misc]


class _Asker:
    """Draws questions without end, or until nothing new can be asked."""

    def __init__(self, catalog: Planted, random: Random) -> None:
        self._random = random
        self._tops = containers(catalog)
        self._known: dict[str, set[str]] = {}
        self._meant: dict[str, tuple[str, ...]] = {}
        self._families: dict[str, list[str]] = {}
        spoken = zip(catalog.datasets, catalog.meanings, catalog.family, strict=True)
        for dataset, meanings, family in spoken:
            if self._tops[dataset.id] == dataset.id:
                text = " ".join([*(leaf.path[-1] for leaf in dataset.leaves), *meanings])
                self._known[dataset.id] = words(text) | {stem(word) for word in meanings}
                self._meant[dataset.id] = tuple(sorted(set(filter(None, meanings))))
                self._families.setdefault(family, []).append(dataset.id)

    def families(self, apart: bool) -> Iterator[Question]:
        """About one family."""
        drawn = self._random.sample(subjects(), len(subjects()))
        for subject in drawn:
            about = asked()[subject.name] if apart else self._plain(subject.name)
            yield self._question(self._random.choice(_TOPIC).format(about), "topic", (subject.name,))

    def groups(self, apart: bool) -> Iterator[Question]:
        """About all families of a group."""
        members: dict[str, list[str]] = {}
        for subject in subjects():
            members.setdefault(subject.group, []).append(subject.name)
        for group in self._random.sample(sorted(members), len(members)):
            about = asked()[group] if apart else _listed([self._table(name) for name in members[group]])
            yield self._question(self._random.choice(_TOPIC).format(about), "topic", tuple(members[group]))

    def pairs(self, apart: bool) -> Iterator[Question]:
        """About two families of one domain."""
        found = [pair for pair in combinations(subjects(), 2) if pair[0].domain == pair[1].domain]
        for first, second in self._random.sample(found, len(found)):
            about = [asked()[one.name] if apart else self._plain(one.name) for one in (first, second)]
            yield self._question(self._random.choice(_PAIR).format(*about), "pair", (first.name, second.name))

    def singles(self, apart: bool) -> Iterator[Question]:
        """About one dataset: as many of its concepts as tell it from all others."""
        spoken = {concept.key: concept.spoken for subject in subjects() for concept in subject.concepts}
        family = {one: name for name, members in self._families.items() for one in members}
        for one in self._random.sample(sorted(self._meant), len(self._meant)):
            if telling := self._telling(one):
                about = _listed([" ".join(spoken[meaning][int(apart)]) for meaning in telling])
                text = self._random.choice(_SINGLE).format(about)
                yield self._question(text, "single", (family[one],), frozenset((one,)))

    def _telling(self, one: str, most: int = 5) -> tuple[str, ...]:
        """Three or more of its concepts that no other container has together, or none."""
        others = [set(meant) for other, meant in self._meant.items() if other != one]
        found: list[str] = []
        left = list(self._random.sample(self._meant[one], len(self._meant[one])))
        while others and left and len(found) < most:
            best = min(left, key=lambda meaning: sum(meaning in other for other in others))
            others = [other for other in others if best in other]
            left.remove(best)
            found.append(best)
        found += left[: max(3 - len(found), 0)]
        return () if others or len(found) < 3 else tuple(found)

    def _plain(self, name: str) -> str:
        """What people call it who know its tables and one of its columns."""
        subject = next(one for one in subjects() if one.name == name)
        return f"{self._table(name)} and its {self._random.choice(subject.own).key}"

    def _table(self, name: str) -> str:
        subject = next(one for one in subjects() if one.name == name)
        return " ".join(self._random.choice(subject.tables[0]))

    def _question(
        self, text: str, kind: Kind, families: tuple[str, ...], relevant: frozenset[str] = frozenset()
    ) -> Question:
        relevant = relevant or frozenset(one for family in families for one in self._families[family])
        known = set().union(*(self._known[one] for one in relevant))
        return Question(text, kind, not words(text) & known, relevant, families)


def _listed(texts: Sequence[str]) -> str:
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}"
