"""Runs on one state take turns: of two that overlap, the second waits for the first, and finds what it left."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from r2d2.catalog.state import State
from r2d2.errors import StateInUse
from r2d2.progress import Progress
from r2d2.units import human_seconds
from r2d2.visible import visible

_LOOKS_AGAIN_AFTER = 0.5


@contextmanager
def turn(state: State, wait: float, progress: Progress) -> Iterator[None]:
    """Holds the state's lock.

    Args:
        wait: seconds to wait for it, where another run holds it.

    Raises:
        StateInUse: it is held all that time.
    """
    until = time.monotonic() + wait
    with ExitStack() as held:
        said = False
        while True:
            try:
                held.enter_context(state.locked())
                break
            except StateInUse as error:
                if time.monotonic() >= until:
                    raise
                if not said:
                    progress.say(
                        f"{visible(str(error))}: waits for up to {human_seconds(wait)}", "waiting", seconds=wait
                    )
                said = True
            time.sleep(_LOOKS_AGAIN_AFTER)
        yield
