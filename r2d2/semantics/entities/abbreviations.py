"""Short forms, expanded from the words that the lake itself holds: by the same consonants, or as a prefix.

Where several words could be meant, or one only seems to be, the company that the words keep decides: a short form
occurs among the same other words as what it stands for.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

from r2d2.semantics.entities.company import Company

_VOWELS = frozenset("aeiouy")
#: Shorter ones begin or stand for too much.
_SHORTEST = 3
#: Words that begin so are looked at, at most; more are no hint.
_MOST = 30
#: How like its company must be to that of what it stands for, and how much less like to that of the next.
_LIKE, _CLEARLY = 0.12, 1.25


def skeleton(word: str) -> str:
    """The first letter and the consonants after it.

    >>> skeleton("customer"), skeleton("amount")
    ('cstmr', 'amnt')
    """
    return word[:1] + "".join(letter for letter in word[1:] if letter not in _VOWELS)


def _undoubled(word: str) -> str:
    return "".join(letter for i, letter in enumerate(word) if letter != word[i - 1 : i])


class Expansion:
    """What the words of a lake stand for.

    Args:
        tables: of each dataset, the words of its name and of its columns.
        glossary: word → the words that it stands for; comes first.
    """

    def __init__(self, tables: Sequence[Sequence[Sequence[str]]], glossary: Mapping[str, tuple[str, ...]]) -> None:
        self._glossary = glossary
        self._company = Company(tables)
        names = {tuple(name) for table in tables for name in table}
        self._counts = Counter(word for name in names for word in dict.fromkeys(name))
        self._known: dict[str, tuple[str, ...]] = dict(glossary)
        self._sorted = sorted(self._counts)
        self._by_skeleton: dict[str, list[str]] = defaultdict(list)
        for word in self._sorted:
            if word != skeleton(word):
                for form in {skeleton(word), _undoubled(skeleton(word))}:
                    self._by_skeleton[form].append(word)

    def of(self, short: str) -> tuple[str, ...]:
        """The words that one word stands for, or the word itself."""
        if short not in self._known:
            self._known[short] = self._expanded(short)
        return self._known[short]

    def _expanded(self, short: str) -> tuple[str, ...]:
        if len(short) < _SHORTEST:
            return (short,)
        by_sound = short.isascii() and short == skeleton(short)  # of other letters no vowels are known
        words = self._sounding(short) if by_sound else []
        meant = self._meant(short, words, sure=True) or self._meant(short, list(self._beginning(short)), sure=by_sound)
        return self._glossary.get(meant, (meant,)) if meant else (short,)

    def _sounding(self, short: str) -> list[str]:
        found = self._by_skeleton.get(short) or self._by_skeleton.get(_undoubled(short)) or []
        return [word for word in found if len(word) > len(short)]

    def _beginning(self, prefix: str) -> Iterator[str]:
        """Words that begin so and are two letters longer at least."""
        first = bisect_left(self._sorted, prefix)
        for word in self._sorted[first : first + _MOST * 4]:
            if not word.startswith(prefix):
                return
            if len(word) >= len(prefix) + 2:
                yield word

    def _meant(self, short: str, words: Sequence[str], sure: bool) -> str:
        """The word that is meant; empty if none is, or if it is not clear which.

        Args:
            sure: one of them is meant, whatever company they keep.
        """
        if not words or len(words) > _MOST:
            return ""
        likeness = {word: self._company.likeness(short, word) for word in words}
        ordered = sorted(words, key=lambda word: (-likeness[word], -self._counts[word], word))
        best = ordered[0]
        others = [word for word in ordered[1:] if not (word.startswith(best) or best.startswith(word))]
        clear = not others or likeness[best] >= _CLEARLY * likeness[others[0]]
        if sure:
            return best if clear else ""
        return best if clear and likeness[best] >= _LIKE and self._counts[short] <= self._counts[best] else ""
