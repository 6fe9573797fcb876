"""Words that were written as one: ``orderdate``, as catalogs that know no case keep it."""

from __future__ import annotations

from collections.abc import Mapping

#: A part is so long at least, unless it is one of the shortest that stand alone in many names (``id``, ``no``, ``of``).
_PART, _SHORTEST, _MANY = 3, 2, 12
#: Parts of one word at most: "length of stay in days".
_PARTS = 5
#: Longer words stay whole: names are from strangers, and no language writes such a word.
_LONGEST = 64


class Compounds:
    """Parts of words, by the words that stand alone in the lake's names.

    Args:
        counts: in how many distinct names each word occurs.
        known: words that count as frequent, such as those of a glossary.
    """

    def __init__(self, counts: Mapping[str, int], known: frozenset[str] = frozenset()) -> None:
        self._counts = {**counts, **{word: max(counts.get(word, 0), _MANY) for word in known}}
        self._longest = max((len(word) for word in self._counts if len(word) <= _LONGEST), default=0)
        self._found: dict[str, tuple[str, ...]] = {}

    def parts(self, word: str) -> tuple[str, ...]:
        """What a word is put together from, or the word itself.

        It is taken apart where each part stands alone in more names than the whole does: ``warehouse`` stays. So does
        a word of more than 64 letters.
        """
        if word not in self._found:
            self._found[word] = self._split(word) if _PART + _SHORTEST <= len(word) <= _LONGEST else (word,)
        return self._found[word]

    def holds(self, word: str) -> bool:
        """Whether a name has the word, or it counts as frequent."""
        return word in self._counts

    def _split(self, word: str) -> tuple[str, ...]:
        """The split of fewest parts, of those the one whose rarest part is most frequent."""
        often = self._counts.get(word, 0)
        best: list[tuple[int, int, tuple[str, ...]] | None] = [(0, 0, ())] + [None] * len(word)
        for start, before in enumerate(best):  # what is begun from is final: parts only lead onwards
            if before is None or before[0] == _PARTS:
                continue
            for end in range(start + _SHORTEST, min(start + self._longest, len(word)) + 1):
                part = word[start:end]
                if part == word or not self._stands_alone(part, often):
                    continue
                count, current = self._counts[part], best[end]
                found = (before[0] + 1, -min(-before[1] if before[1] else count, count), (*before[2], part))
                if current is None or found < current:
                    best[end] = found
        whole = best[-1]
        return whole[2] if whole else (word,)

    def _stands_alone(self, part: str, often: int) -> bool:
        count = self._counts.get(part, 0)
        return count > often and (len(part) >= _PART or count >= _MANY)
