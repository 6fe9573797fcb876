"""A question's words, without those that every question has, and the phrases that they stand in."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from itertools import islice

from r2d2.semantics.entities.words import words_of

#: Words that carry no subject: grammar.
_GRAMMAR = """
a about above after again all also am among an and any are as at be because been before being below between
both but by can could did do does doing down during each either every few for from further had has have having
he her here hers him his how i if in into is it its itself just may me might more most much must my no nor not
now of off on once only or other our ours out over own same shall she should so some such than that the their
theirs them then there these they this those through to too under until up upon us very was we were what when
where which while who whom whose why will with within without would you your yours
"""
#: Words of asking: what is wanted of a catalog, whatever it is about.
_ASKING = """
anything contain data dataset everything find get give hold keep know lie like link list look need please
relate relation relationship say search see show something store stuff table tell together want
"""
_EMPTY = frozenset(word for each in (_GRAMMAR + _ASKING).split() for word in (each, *words_of(each)))
#: What a lake may be about all the same: stores, links, lists, and words of grammar in capitals (IT, US, May). But not
#: what asks for all that there is.
_CAPITALS = frozenset(("can", "it", "may", "own", "us", "will"))
_ALL = frozenset(("anything", "contain", "data", "dataset", "everything", "something"))
_SUBJECTS = (frozenset(word for each in _ASKING.split() for word in words_of(each)) | _CAPITALS) - _ALL
#: What a question begins with, a word behind one that goes with nouns, and what stands in capitals.
_COMMAND = re.compile(r"\W*(\w+)\s+\w")
_NOUN = re.compile(r"\b(?:about|all|any|for|of|on|our|the|their|which)\s+([^\W\d_]+)", re.IGNORECASE)
_SHORT = re.compile(r"\b[A-Z]{2,}\b")
#: Things that are named, and words of them, that are looked for: nobody asks for more, and each takes its time.
_THINGS, _WORDS = 50, 200
#: A word of more letters is no name's, and takes long to take apart.
_LETTERS = 100
#: What separates the things that a question names.
_BETWEEN = re.compile(r"[,;:.?!()\[\]\"\n]|\b(?:and|or|with|to|versus|vs)\b", re.IGNORECASE)


Read = Callable[[str], tuple[str, ...]]
Has = Callable[[str], bool]


def _as_it_is(word: str) -> tuple[str, ...]:
    return (word,)


def _nothing(_: str) -> bool:
    return False


@dataclass(frozen=True)
class Question:
    """What is asked.

    Attributes:
        text: as it was written.
        words: in lower case, singular, each once; none where it names nothing.
        phrases: the same by the things that are named, ``customer order`` and ``refund``.
        cut: whether it names more than that, which is not looked for.
    """

    text: str
    words: tuple[str, ...]
    phrases: tuple[str, ...]
    cut: bool = False

    @classmethod
    def of(cls, text: str, read: Read = _as_it_is, has: Has = _nothing) -> Question:
        """A question read.

        A word of asking is a subject where a name has it and none has another word: ``Which stores do we have?``, but
        not ``List all that we have``. Beside words that no name has it has to look like a noun.

        Args:
            read: what a word stands for in the lake.
            has: whether a name of the lake has a word.

        >>> Question.of("What do we hold about customer orders and their refunds?").phrases
        ('customer order', 'refund')
        >>> Question.of("Which stores do we have?", has={"store"}.__contains__).words
        ('store',)
        """
        found = cls._without(_EMPTY, text, read)
        if any(map(has, found.words)):
            return found
        command = _COMMAND.match(text)
        asked = _nouns(text) if found.words else _SUBJECTS - {command[1].lower() if command else ""}
        named = {word for word in _SUBJECTS & asked if has(word)}
        return cls._without(_EMPTY - named, text, read) if named else found

    @classmethod
    def _without(cls, empty: Collection[str], text: str, read: Read) -> Question:
        found: list[tuple[str, ...]] = []
        room, cut = _WORDS, False
        for part in _BETWEEN.split(text):
            words = tuple(islice(_telling(part, read, empty), room + 1))
            if not words or words in found:
                continue
            kept = words[:room] if len(found) < _THINGS else ()
            found.append(kept)
            room -= len(kept)
            if cut := kept != words:
                break
        phrases = tuple(" ".join(words) for words in found if words)
        return cls(text, tuple(dict.fromkeys(word for words in found for word in words)), phrases, cut)


def _telling(text: str, read: Read, empty: Collection[str]) -> Iterator[str]:
    for word in words_of(text):
        if word not in empty:
            yield from read(word) if len(word) <= _LETTERS else (word,)


def _nouns(text: str) -> frozenset[str]:
    after = frozenset(word for found in _NOUN.findall(text) for word in words_of(found)) - _CAPITALS
    short = () if text.isupper() else _SHORT.findall(text)
    return after.union(word for found in short for word in words_of(found))
