"""How often Python looks for garbage."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_NEW_OBJECTS = 200_000


@contextmanager
def rare_collections() -> Iterator[None]:
    """Lets Python look for cycles of objects, of which the stages make none, after many new objects only.

    *Measured*: with 10,000 datasets that took half of the time of reading metadata in this process.
    """
    usual = gc.get_threshold()
    gc.set_threshold(_NEW_OBJECTS, 10, 10)
    try:
        yield
    finally:
        gc.set_threshold(*usual)
