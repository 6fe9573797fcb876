"""Work on arrays in a few threads: numpy and scipy let go of the interpreter while they compute."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

_THREADS = min(4, os.cpu_count() or 1)


def in_threads(function: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """What a function gives of each item, in their order."""
    with ThreadPoolExecutor(_THREADS) as pool:
        return list(pool.map(function, items))
