"""One turn of one way, in a process of its own: ``python -m benchmarks.child TASK`` writes its findings as JSON.

Before the turn all files of the lake are read once, so that they are in the cache alike for every way.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from benchmarks.scope import scope_of
from benchmarks.task import Finding, Task
from benchmarks.truth import read_truth, score
from benchmarks.ways.registry import way_named


def main() -> None:
    """Runs the task given as JSON, and writes ``findings.json`` into its scratch directory."""
    task = Task.from_json(sys.argv[1])
    warm_cache(task.lake)
    findings = way_named(task.way).measure(task)
    scope = scope_of(task) if any(finding.pairs is not None for finding in findings) else None
    result = [described(finding, task, scope) for finding in findings]
    (task.scratch / "findings.json").write_text(json.dumps(result), encoding="utf-8")


def warm_cache(lake: Path) -> None:
    """Reads every file once."""
    for path in lake.rglob("*"):
        if path.is_file():
            with path.open("rb", buffering=0) as file:
                while file.read(1 << 24):
                    pass


def described(finding: Finding, task: Task, scope: frozenset[str] | None) -> dict[str, Any]:
    """A finding with its pairs counted against the truth."""
    row: dict[str, Any] = {
        "way": finding.name,
        "seconds": finding.window.seconds,
        "cpu": finding.window.cpu,
        "bytes_read": finding.window.read,
        "complete": finding.complete,
        "notes": finding.notes,
    }
    if finding.pairs is not None:
        counted = score(read_truth(finding.home or task.home, scope), finding.pairs)
        row |= {"right": counted.right, "wrong": counted.wrong, "missed": counted.missed}
        if not finding.complete:
            row["missed"] = None
    return row


if __name__ == "__main__":
    main()
