"""Ends a run that a scheduler stops as one that a person interrupts: others are told, and it can be gone on with."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Terminated(KeyboardInterrupt):
    """The process was asked to end (SIGTERM), as schedulers and clusters do."""


@contextmanager
def terminable() -> Iterator[None]:
    """Raises ``Terminated`` where SIGTERM finds the program. Only the main thread hears of signals."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def asked(*_: object) -> None:
        raise Terminated

    before = signal.signal(signal.SIGTERM, asked)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
