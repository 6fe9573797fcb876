"""States with a plan, made without Spark, and the command line on them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from r2d2.catalog import records, runs
from r2d2.catalog.state import State, open_state
from r2d2.cli import main
from r2d2.job import new_job
from r2d2.lake.kernels import run_here
from r2d2.model.plan import Action, Plan, PlannedDataset
from r2d2.progress import Progress
from r2d2.recovery.look import look
from tests.recovery_runs import settings_of
from tests.states import base_table

PROMISED = 60.0


def whole_and_part(lake: Path) -> None:
    """A table, a copy of its file, and a part of it."""
    lake.mkdir(parents=True, exist_ok=True)
    table = base_table(400)
    pq.write_table(table, lake / "base.parquet")
    pq.write_table(table, lake / "copy.parquet")
    pq.write_table(table.slice(100, 200), lake / "range.parquet")


def planned(
    lake: Path | str | list[str],
    state_dir: Path,
    *children: str,
    parent: str = "base.parquet",
    kept: Sequence[str] = (),
) -> Plan:
    """A run that looked at the lake, with a plan that retires each child for the parent, and says to keep others."""
    state, settings = open_state(str(state_dir), create=True), settings_of()
    roots = lake if isinstance(lake, list) else [str(lake)]
    job = new_job(roots, state, settings, Progress(quiet=True))
    with state.locked():
        found = look(roots, settings, state, lambda _: run_here)
        job.record(runs.RUNNING)
        state.write_run("datasets", job.run_id, [records.dataset_row(job.run_id, each) for each in found.values()])
        entries = tuple(_entry(found[child], found[parent]) for child in children) + tuple(map(_kept, kept))
        size = sum(found[child].bytes for child in children)
        plan = runs.keep_plan(state, job.run_id, Plan(entries, 1.0 * len(children), size, "by hand", True))
        job.record(runs.PLANNED)
    return plan


def _entry(child: Any, parent: Any) -> PlannedDataset:
    why = f"retired: every row is in {parent.id}"
    return PlannedDataset(
        child.id, Action.RETIRE, parent.id, 1.0, 0.0, PROMISED, why, child.version, parent_version=parent.version
    )


def _kept(child: str) -> PlannedDataset:
    return PlannedDataset(child, Action.KEEP, None, 0.0, 0.0, 0.0, "kept: rebuilding it costs more")


def state_at(directory: Path) -> State:
    """The state."""
    return open_state(str(directory))


class Line:
    """The command line on one state."""

    def __init__(self, state: Path, captured: pytest.CaptureFixture[str]) -> None:
        self.state, self.captured = state, captured
        self.out, self.err = "", ""

    def __call__(self, *arguments: str) -> int:
        """Runs a command; its exit code."""
        self.captured.readouterr()
        code = main([*arguments, "--state", str(self.state)])
        self.out, self.err = self.captured.readouterr()
        return code

    def rows(self, *arguments: str) -> Any:
        """The payload of a command that succeeds, as JSON."""
        code = self(*arguments, "--format", "json")
        assert code == 0, self.err
        return json.loads(self.out)
