"""The pattern that a column's values have, from their bounds alone. It tells columns apart, and goes nowhere else."""

from __future__ import annotations

from r2d2.model.dataset import Leaf
from r2d2.model.family import STRING

#: Longer values have no pattern that they all have.
_LONGEST = 40


def pattern_of(leaf: Leaf) -> str:
    """The shape of the smallest and of the largest value, if they have one: ``A99`` of B07 and K31; else empty."""
    bounds = leaf.bounds.get(STRING)
    if bounds is None:
        return ""
    low, high = shape(str(bounds.low)), shape(str(bounds.high))
    return low if low == high else ""


def shape(value: str) -> str:
    """Digits as 9, letters as A, all else as it is; empty for a long value.

    >>> shape("DE-1071")
    'AA-9999'
    """
    if len(value) > _LONGEST:
        return ""
    return value.translate(_SHAPES)


class _Shapes(dict[int, str]):
    """By code point, made when a letter is first met."""

    def __missing__(self, code: int) -> str:
        letter = chr(code)
        self[code] = "9" if letter.isdecimal() else "A" if letter.isalpha() else letter
        return self[code]


_SHAPES = _Shapes()
