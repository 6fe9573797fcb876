"""How much of the long suites runs: a seeded part of each in `make test`, all of it in `make test-full`."""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from typing import Any

import pytest

from tests.lakes import seed_from_environment

#: What a run without a choice of its own leaves out.
FULL = pytest.mark.full

#: `make test-full` sets it.
ALL = os.environ.get("R2D2_FULL") == "1"


def examples(number: int) -> int:
    """How many generated cases to try, of the number that the full suite tries."""
    return number if ALL else -(-number // 4)


def some(values: Sequence[Any], number: int) -> list[Any]:
    """All values as parameters; all but a few, which the seed chooses, are ``full``."""
    chosen = random.Random(seed_from_environment()).sample(range(len(values)), number)
    return [pytest.param(value, marks=() if i in chosen else FULL) for i, value in enumerate(values)]


def one_of_each(first: list[Any], second: list[Any]) -> list[Any]:
    """All pairs of two lists, as parameters; those of a diagonal, in which each value occurs, are not ``full``."""
    steps = max(len(first), len(second))
    diagonal = {(first[i % len(first)], second[i % len(second)]) for i in range(steps)}
    return [pytest.param(a, b, marks=() if (a, b) in diagonal else FULL) for a in first for b in second]
