"""Progress of long work on standard error: a live line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console

from r2d2.model.funnel import StageFigures


@dataclass
class Progress:
    """Names the stages of a run as they begin and end, and keeps what each took."""

    quiet: bool = False
    console: Console = field(default_factory=lambda: Console(stderr=True, highlight=False, soft_wrap=True))
    figures: list[StageFigures] = field(default_factory=list)

    def say(self, text: str) -> None:
        """One line, unless quiet."""
        if not self.quiet:
            self.console.print(text, markup=False)

    @contextmanager
    def stage(self, name: str) -> Iterator[Reading]:
        """Times a stage; what it reads is added to the object it is given."""
        reading = Reading()
        started = time.monotonic()
        live = sys.stderr.isatty() and not self.quiet
        if live:
            with self.console.status(name):
                yield reading
        else:
            yield reading
        seconds = time.monotonic() - started
        self.figures.append(StageFigures(name, seconds, reading.bytes, reading.files))
        self.say(f"{name}: {seconds:.1f} s{reading.note}")


@dataclass
class Reading:
    """What a stage reads of the lake, and a note for its line."""

    bytes: int = 0
    files: int = 0
    note: str = ""
