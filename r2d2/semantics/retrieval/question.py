"""A question's words, without those that every question has, and the phrases that they stand in."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

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
#: What separates the things that a question names.
_BETWEEN = re.compile(r"[,;:.?!()\[\]\"\n]|\b(?:and|or|with|to|versus|vs)\b", re.IGNORECASE)


Read = Callable[[str], tuple[str, ...]]


def _as_it_is(word: str) -> tuple[str, ...]:
    return (word,)


@dataclass(frozen=True)
class Question:
    """What is asked.

    Attributes:
        text: as it was written.
        words: in lower case, singular, each once; none where it names nothing.
        phrases: the same by the things that are named, ``customer order`` and ``refund``.
    """

    text: str
    words: tuple[str, ...]
    phrases: tuple[str, ...]

    @classmethod
    def of(cls, text: str, read: Read = _as_it_is) -> Question:
        """A question read.

        Args:
            read: what a word stands for in the lake.

        >>> Question.of("What do we hold about customer orders and their refunds?").phrases
        ('customer order', 'refund')
        """
        parts = [_telling(part, read) for part in _BETWEEN.split(text)]
        phrases = tuple(dict.fromkeys(" ".join(words) for words in parts if words))
        return cls(text, tuple(dict.fromkeys(word for words in parts for word in words)), phrases)


def _telling(text: str, read: Read) -> tuple[str, ...]:
    return tuple(meant for word in words_of(text) if word not in _EMPTY for meant in read(word))
