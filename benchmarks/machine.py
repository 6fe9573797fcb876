"""Runs one turn in a child process of its own session, watched and bounded."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.lakes import Lake
from benchmarks.meter import MemoryWatch, processes
from benchmarks.task import Task

_LINES_OF_ERROR = 4


@dataclass(frozen=True)
class Limits:
    """Seconds and bytes of memory after which a turn is ended."""

    seconds: float
    memory: int


def memory_of_machine() -> int:
    """Bytes."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def run_turn(lake: Lake, way: str, fraction: float, directory: Path, limits: Limits) -> list[dict[str, Any]]:
    """The findings of one turn as rows; one row with ``failed`` if it was ended or broke."""
    with _scratch(directory) as scratch:
        task = Task(way, lake.path.resolve(), lake.home.resolve(), scratch.resolve(), fraction)
        started = time.perf_counter()
        with (scratch / "log").open("wb") as log:
            command = [sys.executable, "-m", "benchmarks.child", task.to_json()]
            child = subprocess.Popen(
                command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True, env=_environment()
            )
        watch = MemoryWatch(child.pid, limits.memory)
        watch.start()
        try:
            failed = _waited(child, watch, limits)
        finally:
            watch.stop()
            _end_session(child)
        measured = {"peak": watch.peak, "largest_worker": watch.largest_worker, "whole": time.perf_counter() - started}
        if not failed and child.returncode:
            failed = f"failed: {_last_lines(scratch / 'log')}"
        if failed:
            return [{"way": way, "failed": failed} | measured]
        rows = json.loads((scratch / "findings.json").read_text(encoding="utf-8"))
        return [row | measured for row in rows]


def _environment() -> dict[str, str]:
    """With the repository on the path of Spark's Python workers too."""
    root = str(Path(__file__).resolve().parents[1])
    known = os.environ.get("PYTHONPATH")
    return os.environ | {"PYTHONPATH": os.pathsep.join([root, known]) if known else root}


def _waited(child: subprocess.Popen[bytes], watch: MemoryWatch, limits: Limits) -> str:
    """Waits for the child; why it had to be ended, or empty."""
    deadline = time.monotonic() + limits.seconds
    while child.poll() is None:
        if watch.exceeded.is_set():
            return f"> {limits.memory / 1e9:.0f} GB"
        if time.monotonic() > deadline:
            return f"> {limits.seconds:.0f} s"
        time.sleep(0.05)
    return ""


def _end_session(child: subprocess.Popen[bytes]) -> None:
    """Ends the child and what it started: the processes of its session, and no others."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        for process in processes(child.pid):
            with suppress(ProcessLookupError):
                os.kill(process, number)
        with suppress(subprocess.TimeoutExpired):
            child.wait(timeout=10)
        deadline = time.monotonic() + 5
        while processes(child.pid) and time.monotonic() < deadline:
            time.sleep(0.05)
    child.wait()


def _last_lines(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return " | ".join(lines[-_LINES_OF_ERROR:])[-500:]


@contextmanager
def _scratch(directory: Path) -> Iterator[Path]:
    """A directory for one turn, on the file system of the lakes."""
    path = directory / f"scratch-{os.getpid()}"
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
