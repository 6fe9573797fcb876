"""A lake as its state has it, for review in a notebook: what each notebook shows is a module beside this one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

from r2d2.catalog import lakes, runs
from r2d2.catalog.state import State, open_state
from r2d2.commands.lake import reported
from r2d2.config import load_settings
from r2d2.errors import NotFound, StateError
from r2d2.model.receipt import Receipt
from r2d2.pipeline import Reported, report_data
from r2d2.progress import Progress
from r2d2.recovery.records.decisions import Decisions, decisions_on
from r2d2.recovery.records.journal import Journal, Record
from r2d2.recovery.records.receipts import receipts
from r2d2.report.data import DatasetRow, ReportData
from r2d2.review.table import Said
from r2d2.visible import shell_word


class Lake:
    """What a state knows of a lake, read when it is first asked for.

    Args:
        state: the state directory, on disk or in a store.
        run: the id of a run, or the start of one; empty for the newest that has a plan.
        config, overrides: a TOML file and ``KEY=VALUE`` as ``--config`` and ``--set`` take them, over the environment.

    Raises:
        UsageError: a setting is wrong.
    """

    def __init__(self, state: str, run: str = "", config: str = "", overrides: Sequence[str] = ()) -> None:
        self.place, self.wanted = state, run
        self.settings = load_settings(Path(config) if config else None, tuple(overrides))

    @cached_property
    def state(self) -> State | None:
        """The state; None where there is none yet."""
        try:
            return open_state(self.place)
        except StateError:
            return None

    @cached_property
    def run(self) -> runs.Run | None:
        """The run that is looked at; None before there is one with a plan.

        Raises:
            NotFound: one was asked for by id, and there is none.
        """
        if self.state is None:
            return None
        try:
            return runs.find_run(self.state, self.wanted, runs.PLANNED)
        except NotFound:
            if self.wanted:
                raise
            return None

    @property
    def nothing(self) -> Said:
        """What is said where there is nothing to show yet."""
        return Said(f"There is no plan in {self.place} yet: r2d2 run LAKE --state {shell_word(self.place)} makes one.")

    @cached_property
    def found(self) -> Reported | None:
        """What the run found."""
        if self.state is None or self.run is None:
            return None
        return reported(self.state, self.run, self.settings, Progress(quiet=True))

    @cached_property
    def data(self) -> ReportData | None:
        """What the report of the run shows."""
        return report_data(self.found) if self.found else None

    @cached_property
    def rows(self) -> Mapping[str, DatasetRow]:
        """The datasets of the run, by id."""
        return {row.id: row for row in self.data.rows} if self.data else {}

    @property
    def decisions(self) -> Decisions:
        """What people decided, as it is now: read anew each time."""
        if self.state is None or self.run is None:
            return Decisions({}, {}, self.settings.recovery)
        return decisions_on(self.state, self.run, self.settings.recovery)

    @property
    def journal(self) -> list[Record]:
        """What was done to the lake, as it is now: read anew each time."""
        return Journal(self.state).records if self.state else []

    @property
    def receipts(self) -> tuple[Receipt, ...]:
        """All retirements by plans of the lake, as the journal tells them now; of all lakes before there is a plan."""
        done = receipts(self.journal).values()
        if self.state is None or self.run is None:
            return tuple(done)
        plans = lakes.plans_of_lake(self.state, self.run.lake)
        return tuple(receipt for receipt in done if receipt.plan in plans)
