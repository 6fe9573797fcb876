"""The words of a lake: how its names are read, all of them together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from r2d2.semantics.entities.abbreviations import Expansion
from r2d2.semantics.entities.compounds import Compounds
from r2d2.semantics.entities.words import words_of


class Vocabulary:
    """How names are read in a lake: split into words, those taken apart, and short forms expanded.

    Args:
        tables: of each dataset, its name and those of its columns.
        glossary: word → the words that it stands for; comes first.
    """

    def __init__(self, tables: Sequence[tuple[str, Sequence[str]]], glossary: Mapping[str, tuple[str, ...]]) -> None:
        self._glossary = glossary
        self._names = dict.fromkeys(name for table, columns in tables for name in (table, *columns))
        self._compounds = Compounds(_counted(map(words_of, self._names)), frozenset(glossary))
        self._read: dict[str, tuple[str, ...]] = {}
        self._expansion = Expansion(
            [[self.written(name) for name in (table, *columns)] for table, columns in tables], glossary
        )

    def written(self, name: str) -> tuple[str, ...]:
        """The words of a name as they are written."""
        if name not in self._read:
            self._read[name] = tuple(part for word in words_of(name) for part in self._parts(word))
        return self._read[name]

    def _parts(self, word: str) -> tuple[str, ...]:
        return (word,) if word in self._glossary else self._compounds.parts(word)

    def meant(self, written: Iterable[str]) -> tuple[str, ...]:
        """What written words stand for."""
        return tuple(word for short in written for word in self._expansion.of(short))

    def asked(self, word: str) -> tuple[str, ...]:
        """What a word of a question stands for, as names are read and the glossary says; nobody asks in short.

        A word that no name has is one, unless the glossary knows a part of it (*seen*: ``gene rati on``).
        """
        parts = self._parts(word)
        if not (self._compounds.holds(word) or any(part in self._glossary for part in parts)):
            return (word,)
        return tuple(meant for part in parts for meant in self._glossary.get(part, (part,)))


def _counted(names: Iterable[Sequence[str]]) -> Counter[str]:
    """In how many names each word occurs."""
    return Counter(word for words in names for word in dict.fromkeys(words))
