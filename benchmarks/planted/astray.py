"""Questions that a planted catalog has no answer to: about what it lacks, and without any meaning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from string import ascii_lowercase

from r2d2.semantics.retrieval.index import Index
from r2d2.semantics.retrieval.search import search

_ASKED = ("What do we hold about {}?", "Where do we keep {}?", "I need everything on {}.", "Show me {}.", "{}")
_KEYS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")


def astray() -> Mapping[str, Sequence[str]]:
    """60 questions about what no family is about, and 108 of one to three words that are none."""
    lines = (Path(__file__).parent / "astray.txt").read_text().splitlines()
    lacking = [line for line in lines if not line.startswith("#")]
    random = Random("astray")
    words = [make for make in (_letters, _keys, _syllables) for _ in range(36)]
    return {
        "about what it lacks": [_ASKED[number % len(_ASKED)].format(one) for number, one in enumerate(lacking)],
        "of nonsense": [" ".join(make(random) for _ in range(1 + n % 3)) for n, make in enumerate(words)],
    }


def answered(index: Index, questions: Sequence[str]) -> tuple[int, int]:
    """How many get an answer that rests on a word of a name, and how many one by meaning alone, which is said."""
    found = [search(index, question) for question in questions]
    return sum(bool(one.hits) and one.named for one in found), sum(bool(one.hits) and not one.named for one in found)


def _letters(random: Random) -> str:
    return "".join(random.choices(ascii_lowercase, k=random.randint(4, 9)))


def _keys(random: Random) -> str:
    row = random.choice(_KEYS)
    start = random.randrange(len(row) - 3)
    return row[start : start + random.randint(4, 7)]


def _syllables(random: Random) -> str:
    pairs = ((random.choice("bcdfghjklmnprstvwz"), random.choice("aeiou")) for _ in range(random.randint(2, 4)))
    return "".join(consonant + vowel for consonant, vowel in pairs)
