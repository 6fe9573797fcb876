"""Short forms, expanded from the words that the lake itself holds: by the same consonants, or as a unique prefix."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

_VOWELS = frozenset("aeiouy")
#: Shorter ones begin or stand for too much.
_SHORTEST_PREFIX, _SHORTEST_SKELETON = 3, 2
#: One word of several is meant if it occurs so many times as often as all others together.
_CLEARLY = 4


def skeleton(word: str) -> str:
    """The first letter and the consonants after it.

    >>> skeleton("customer"), skeleton("amount")
    ('cstmr', 'amnt')
    """
    return word[:1] + "".join(letter for letter in word[1:] if letter not in _VOWELS)


def _undoubled(word: str) -> str:
    return "".join(letter for i, letter in enumerate(word) if letter != word[i - 1 : i])


@dataclass
class Expansion:
    """What the words of a lake stand for.

    Attributes:
        counts: in how many distinct names each word occurs.
        glossary: comes first (``glossary``).
    """

    counts: Mapping[str, int]
    glossary: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._known: dict[str, tuple[str, ...]] = dict(self.glossary)
        self._sorted = sorted(word for word in self.counts if word not in self.glossary)
        self._by_skeleton: dict[str, list[str]] = defaultdict(list)
        for word in self._sorted:
            if word != skeleton(word):
                for form in {skeleton(word), _undoubled(skeleton(word))}:
                    self._by_skeleton[form].append(word)

    def words(self, written: tuple[str, ...]) -> tuple[str, ...]:
        """The words that the words of a name stand for, those that are none's short form as they are."""
        return tuple(word for short in written for word in self.of(short))

    def of(self, short: str) -> tuple[str, ...]:
        """The words that one word stands for."""
        if short not in self._known:
            self._known[short] = self._expanded(short)
        return self._known[short]

    def _expanded(self, short: str) -> tuple[str, ...]:
        if len(short) >= _SHORTEST_SKELETON and short == skeleton(short):
            longer = self._by_skeleton.get(short, ()) or self._by_skeleton.get(_undoubled(short), ())
            if meant := self._clearest([word for word in longer if len(word) > len(short)]):
                return self.glossary.get(meant, (meant,))
        if len(short) >= _SHORTEST_PREFIX and (meant := self._clearest(list(self._beginning(short)))):
            return self.glossary.get(meant, (meant,))
        return (short,)

    def _beginning(self, prefix: str) -> Iterator[str]:
        """Words that begin so and are two letters longer at least; of those that begin each other, the shortest."""
        last = ""
        for word in self._sorted[bisect_left(self._sorted, prefix) :]:
            if not word.startswith(prefix):
                return
            if len(word) >= len(prefix) + 2 and not (last and word.startswith(last)):
                last = word
                yield word

    def _clearest(self, words: list[str]) -> str:
        """The one that is meant; empty if that is not clear."""
        ordered = sorted(words, key=lambda word: (-self.counts[word], word))
        rest = sum(self.counts[word] for word in ordered[1:])
        return ordered[0] if ordered and self.counts[ordered[0]] >= _CLEARLY * rest else ""
