"""How names of columns match: without case as Spark compares them, or exactly."""

from __future__ import annotations

from functools import lru_cache

from r2d2.model.dataset import LeafPath


@lru_cache(maxsize=2**16)
def fold_name(name: str) -> str:
    """The spelling that all names share which Spark takes for the same (Java's ``equalsIgnoreCase``).

    Character by character: what has no single-character counterpart stays, so that ``ß`` is not ``ss``.

    >>> fold_name("Straße"), fold_name("STRASSE")
    ('straße', 'strasse')
    """
    return name.lower() if name.isascii() else "".join(map(_fold_character, name))


def fold(path: LeafPath, case_sensitive: bool = False) -> LeafPath:
    """A leaf's path as it is matched."""
    return path if case_sensitive else tuple(map(fold_name, path))


def _fold_character(character: str) -> str:
    upper = character.upper()
    upper = upper if len(upper) == 1 else character
    lower = upper.lower()
    return lower if len(lower) == 1 else upper
