"""One run on a state: its settings, the Spark session that it starts when it first needs it, and what it found."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property, partial
from typing import TYPE_CHECKING

import pyarrow as pa

from r2d2.catalog import runs
from r2d2.catalog.cache import StateCache
from r2d2.catalog.state import State, as_json
from r2d2.config import Settings
from r2d2.lake.kernels import Kernel
from r2d2.lake.session import build_session, held_cores, planned_cores, running_tasks
from r2d2.lake.spark_figures import spark_counter
from r2d2.lake.spark_files import Access
from r2d2.lake.storage import absolute
from r2d2.lake.workers import Workers
from r2d2.logs import of_run
from r2d2.model.funnel import Funnel
from r2d2.model.usage import Usage
from r2d2.progress import Progress
from r2d2.report.problems import Problem
from r2d2.retention.run_cost import run_cost
from r2d2.version import __version__

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

#: The stage that ends with a status.
_ENDS_WITH = {runs.DISCOVERED: "read metadata", runs.CONTAINED: "write edges", runs.PLANNED: "plan"}


@dataclass
class Job:
    """One run on a state: who it is, what it was asked, and what it has found so far."""

    state: State
    settings: Settings
    progress: Progress
    run_id: str
    roots: tuple[str, ...]
    started: datetime
    funnel: Funnel = field(default_factory=Funnel)
    problems: tuple[Problem, ...] = ()
    usages: tuple[Usage, ...] = ()
    inputs: str = ""
    begun: float = field(default_factory=time.monotonic)
    needs: frozenset[str] = frozenset()
    cores: int = 0
    lake: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        of_run(self.run_id)

    @cached_property
    def spark(self) -> SparkSession:
        """The session, started when a stage first needs it, with the jars that the lake ``needs``."""
        with self.progress.stage("start Spark"):
            session = build_session(self.settings.spark, needs=self.needs)
        self.progress.tasks = partial(running_tasks, session)
        self.progress.spark = spark_counter(session, self.run_id)
        self.cores = held_cores(session, self.settings.spark)
        return session

    @cached_property
    def workers(self) -> Workers:
        """The session's workers."""
        return Workers(self.spark, Access(self.settings.spark.workers), self.progress.note)

    def run_tasks(self, tasks: pa.Table, kernel: Kernel, schema: pa.Schema) -> pa.Table:
        """Runs a kernel over tasks with Spark, which no tasks need not be started for."""
        return self.workers.map_tasks(tasks, kernel, schema) if tasks.num_rows else schema.empty_table()

    @cached_property
    def cache(self) -> StateCache:
        """Results of earlier runs."""
        return StateCache(self.state)

    def cost(self) -> float:
        """What the stages that have ended took, in money."""
        cores = self.cores or planned_cores(self.settings.spark)[0]
        return run_cost(self.progress.figures, cores, self.settings.retention)

    def record(self, status: str) -> None:
        """Writes how far the run has come."""
        self.funnel = replace(self.funnel, stages=tuple(self.progress.figures), cost=self.cost())
        row = {
            "run_id": self.run_id,
            "status": status,
            "at": self.started if status == runs.RUNNING else datetime.now(UTC),
            "roots": json.dumps(self.roots),
            "settings": as_json(asdict(replace(self.settings, spark=type(self.settings.spark)()))),
            "funnel": self.funnel.to_json(),
            "problems": json.dumps([asdict(problem) for problem in self.problems]),
            "inputs": self.inputs,
            "version": __version__,
            "lake": json.dumps(sorted(self.lake)) if self.lake else None,
        }
        self.state.append("runs", [row])


def new_job(roots: Sequence[str], state: State, settings: Settings, progress: Progress) -> Job:
    """A job for a run that is about to start. Roots are kept as absolute: what is relative depends on where one is."""
    started = datetime.now(UTC)
    run_id = f"{started:%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:6]}"
    places = tuple(root if root.startswith("catalog:") else absolute(root) for root in roots)
    return Job(state, settings, progress, run_id, places, started, lake=runs.lake_of(places))


def resumed_job(run: runs.Run, state: State, settings: Settings, progress: Progress, reached: str) -> Job:
    """A job that goes on with a run whose stages up to ``reached`` are in the state.

    What later stages took is forgotten, as what they found is: else it would count against this job's limits.
    """
    names = [figure.name for figure in run.funnel.stages]
    kept = names.index(_ENDS_WITH[reached]) + 1 if _ENDS_WITH[reached] in names else len(names)
    progress.figures.extend(run.funnel.stages[:kept])
    problems = tuple(Problem(**problem) for problem in run.problems)
    inputs = "" if reached == runs.DISCOVERED else run.inputs
    given = run.run_id, run.roots, run.started, run.funnel, problems
    return Job(state, settings, progress, *given, inputs=inputs, lake=run.lake)
