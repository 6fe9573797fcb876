"""Texts that stand for NULL in columns of CSV: found over the whole file, recorded in the column (EXACTNESS 4).

A column gets a token if, as it stands, its values are nothing but strings, and if without one kind of text out of
``text_views.NULL_TOKENS`` they are all of a narrower family. Then the token is NULL in those families, and stays the
text that it is as a string. What keeps a guess out:

* Only one such text may stand in the column; beside it only empty fields, which are NULL everywhere.
* A token that stands between quotes anywhere in the column is a text there, so it is none.
* ``NaN`` in a column of doubles is a double.
* A column of nothing but tokens says nothing of its own (``NA`` may be a country): it is typed only where other files
  of its dataset are (``catalog.leaves``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace

from r2d2.lake.text_profile import Profile, Questions, profiles
from r2d2.lake.text_stack import Stack
from r2d2.lake.text_views import NULL_TOKENS
from r2d2.model.family import STRING

#: Also doubles; they are tokens only where no other is.
_SPECIAL = frozenset({"NaN", "nan"})


@dataclass(frozen=True)
class TokenColumn:
    """A column that is typed but for a token, and what its values have in common without it."""

    token: str
    profile: Profile


def token_columns(stack: Stack, found: Mapping[int, Profile]) -> dict[int, TokenColumn]:
    """Columns of CSV that are typed but for a token; whether it stands between quotes is not seen here.

    Args:
        stack: the texts of columns of CSV; read again only for columns that hold such texts.
        found: profiles of the columns as they stand.
    """
    texts = [p for p, profile in found.items() if profile.families == (STRING,) and profile.tokens]
    if not texts:
        return {}
    asked = Questions(stack)
    hopeful = asked.typed_without(texts, NULL_TOKENS)
    by_token: dict[str, list[int]] = defaultdict(list)
    for position, counts in asked.occurrences(hopeful, NULL_TOKENS).items():
        token = _only(set(counts))
        if token:
            by_token[token].append(position)
    result = {}
    for token, positions in by_token.items():
        for position, profile in profiles(stack.without(token), positions).items():
            if profile.families != (STRING,):
                result[position] = TokenColumn(token, _merged(found[position], profile))
    return result


def _only(tokens: set[str]) -> str:
    """The one text that may be the column's token; empty if there are several."""
    plain = tokens - _SPECIAL or tokens
    return plain.pop() if len(plain) == 1 else ""


def _merged(plain: Profile, typed: Profile) -> Profile:
    """How many NULLs there are depends on the family, so that no number is right for all."""
    bounds = {**typed.bounds, **plain.bounds}
    return replace(typed, nulls=None, bounds=bounds)
