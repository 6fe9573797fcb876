"""Names of topics without a language model: their best words, readable, and unique within a level."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, pairwise

from r2d2.semantics.entities.entities import Entities

#: So many consonants in a row make no word that one could say.
_UNREADABLE = re.compile(r"[bcdfghjklmnpqrstvwxz]{5}")
_VOWEL = re.compile(r"[aeiouy]|[^\x00-\x7f]")
_SHORTEST = 3
#: Words in a name, and in one that must differ from another.
_WORDS, _MOST_WORDS = 3, 6
#: Two words are a phrase if they follow each other in so many names.
_PHRASE = 2

#: How often one word comes right before another.
Follows = Mapping[tuple[str, str], int]


@dataclass(frozen=True)
class Unnamed:
    """What a name is made from.

    Attributes:
        terms: words, the best first.
        typical: the name of its most typical dataset.
        size: datasets.
    """

    terms: tuple[str, ...]
    typical: str
    size: int


def names_of(topics: Mapping[int, Unnamed], follows: Follows, kept: Mapping[int, str]) -> dict[int, str]:
    """A name for each topic of one level; what is large has the shorter one.

    Args:
        kept: names that topics have by now, and keep.
    """
    found: dict[int, str] = {}
    taken: set[str] = set()
    for topic in sorted(topics, key=lambda topic: (topic not in kept, -topics[topic].size, topic)):
        candidates = ([kept[topic]] if topic in kept else []) + list(_candidates(topics[topic], follows))
        found[topic] = unique(candidates, taken)
        taken.add(found[topic].casefold())
    return found


def unique(candidates: Sequence[str], taken: set[str]) -> str:
    """The first that is not taken; the last with a number if all are."""
    numbered = (f"{candidates[-1]} {number}" for number in count(2))
    return next(name for names in (candidates, numbered) for name in names if name.casefold() not in taken)


def follows_of(entities: Entities) -> Counter[tuple[str, str]]:
    """How often one word comes right before another in names of columns and datasets."""
    found: Counter[tuple[str, str]] = Counter()
    for words in (*(concept.words for concept in entities.concepts), *entities.called):
        found.update(pairwise(words))
    return found


def _candidates(topic: Unnamed, follows: Follows) -> Iterator[str]:
    words = list(readable(topic.terms))
    for number in range(_WORDS, _MOST_WORDS + 1):
        if words[:number]:
            yield _joined(_phrases(words[:number], follows))
    if words:
        yield f"{_joined(_phrases(words[:_WORDS], follows))} ({topic.typical})"
    else:
        yield topic.typical


def readable(terms: Sequence[str]) -> Iterator[str]:
    """Words that can be read, none of which is a part of another."""
    told: list[str] = []
    for term in terms:
        good = len(term) >= _SHORTEST and _VOWEL.search(term) and not _UNREADABLE.search(term)
        if good and not any(term in other or other in term for other in told):
            told.append(term)
            yield term


def _phrases(words: Sequence[str], follows: Follows) -> list[str]:
    """The words, the first one with what comes before or after it in names."""
    first, *rest = words
    for other in rest:
        before, after = follows.get((other, first), 0), follows.get((first, other), 0)
        if max(before, after) >= _PHRASE:
            phrase = f"{other} {first}" if before >= after else f"{first} {other}"
            return [phrase, *(word for word in rest if word != other)]
    return list(words)


def _joined(parts: Sequence[str]) -> str:
    *most, last = parts
    text = f"{', '.join(most)} and {last}" if most else last
    return text[:1].upper() + text[1:]
