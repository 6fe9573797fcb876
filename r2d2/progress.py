"""Progress of long work on standard error: a bar on a terminal, lines elsewhere, as text or as JSON (``logs``)."""

from __future__ import annotations

import resource
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from logging import WARNING
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from r2d2.logs import is_structured, log, nobody_reads
from r2d2.model.funnel import SparkFigures, StageFigures

#: (tasks done, tasks in all) of what runs now; None if that is not known.
Tasks = Callable[[], tuple[int, int] | None]

_SECONDS_ON_TERMINAL, _SECONDS_IN_LOG = 0.25, 15.0


@dataclass
class Reading:
    """What a stage reads of the lake, and a note for its line."""

    bytes: int = 0
    files: int = 0
    note: str = ""


class _Console(Console):
    """On standard error."""

    def on_broken_pipe(self) -> None:
        """Rich would end the process: a run of hours is not for its progress."""
        nobody_reads()


@dataclass
class Progress:
    """Names the stages of a run as they begin and end, and keeps what each took.

    Attributes:
        quiet: say nothing.
        tasks: asked while a stage runs; ``pipeline`` sets it once there is a session.
        spark: asked when a stage ends for what Spark did since the one before; set with ``tasks``.
        figures: of the stages that have ended.
    """

    quiet: bool = False
    console: Console = field(default_factory=lambda: _Console(stderr=True, highlight=False, soft_wrap=True))
    tasks: Tasks = field(default=lambda: None)
    spark: Callable[[], SparkFigures | None] = field(default=lambda: None)
    figures: list[StageFigures] = field(default_factory=list)

    def say(self, text: str, event: str = "said", **fields: Any) -> None:
        """One line, unless quiet; ``event`` and ``fields`` are for machines."""
        if not self.quiet and is_structured():
            log(event, text, fields)
        elif not self.quiet:
            self.console.print(text, markup=False)

    def note(self, text: str, **fields: Any) -> None:
        """A line about something that a user should see to."""
        if not self.quiet and is_structured():
            log("note", text, fields, WARNING)
        else:
            self.say(f"note: {text}")

    def show(self, lines: Sequence[str], event: str, **fields: Any) -> None:
        """Lines for people; for machines one line, with the same as fields."""
        if is_structured():
            self.say(event, event, **fields)
            return
        for line in lines:
            self.say(line)

    @contextmanager
    def stage(self, name: str) -> Iterator[Reading]:
        """Times a stage; what it reads is added to the object it is given."""
        reading = Reading()
        started = time.monotonic()
        with self._watched(name):
            yield reading
        seconds = time.monotonic() - started
        self.figures.append(StageFigures(name, seconds, reading.bytes, reading.files, _peak_bytes(), self.spark()))
        fields = {"stage": name, "seconds": round(seconds, 3), "bytes": reading.bytes, "files": reading.files}
        self.say(f"{name}: {seconds:.1f} s{reading.note}", "stage", **fields)

    @contextmanager
    def _watched(self, name: str) -> Iterator[None]:
        if self.quiet:
            yield
            return
        done = threading.Event()
        watch = self._draw if self.console.is_terminal and not is_structured() else self._log
        thread = threading.Thread(target=watch, args=(name, done), daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def _draw(self, name: str, done: threading.Event) -> None:
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        with Bar(*columns, console=self.console, transient=True) as bar:
            shown = bar.add_task(name, total=None)
            while not done.wait(_SECONDS_ON_TERMINAL):
                finished, total = self.tasks() or (0, None)
                bar.update(shown, completed=finished, total=total)

    def _log(self, name: str, done: threading.Event) -> None:
        started = time.monotonic()
        while not done.wait(_SECONDS_IN_LOG):
            running = self.tasks()
            tasks = f", {running[0]} of {running[1]} tasks done" if running else ""
            seconds = time.monotonic() - started
            done_of = {"tasks_done": running[0], "tasks": running[1]} if running else {}
            self.say(f"{name} ... {seconds:.0f} s{tasks}", "working", stage=name, seconds=round(seconds, 1), **done_of)


def _peak_bytes() -> int:
    """The most memory that this process has held so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
