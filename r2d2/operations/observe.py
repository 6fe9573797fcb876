"""Tells other systems of a run as it begins and ends. What they don't take is said, and changes nothing in the run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Protocol

from r2d2.catalog import runs
from r2d2.catalog.state import State
from r2d2.config import OperationsSettings, Settings
from r2d2.errors import StateError
from r2d2.lake.urls import without_credentials
from r2d2.model.funnel import Funnel
from r2d2.operations.lineage import Emit, Told, emitter, event
from r2d2.operations.metrics import Ended, check_metrics, write_metrics
from r2d2.progress import Progress
from r2d2.visible import visible

_INPUTS = ("dataset", "location", "version", "rows", "bytes", "status")


class Observed(Protocol):
    """A job, as far as others are told of it."""

    state: State
    settings: Settings
    progress: Progress
    run_id: str
    roots: tuple[str, ...]
    funnel: Funnel

    @property
    def problems(self) -> Sequence[object]:
        """What was wrong with parts of the lake."""

    def cost(self) -> float:
        """Money that the stages which have ended took."""


def told_by(settings: OperationsSettings) -> Emit | None:
    """Where events go, once it is known that the settings can be followed.

    Raises:
        UsageError, EnvironmentMissing: they can't.
    """
    check_metrics(settings)
    return emitter(settings)


@contextmanager
def observed(job: Observed, command: str) -> Iterator[None]:
    """Tells of what runs inside: where it began, how it ended and what it took.

    Args:
        command: ``run``, or the stage.

    Raises:
        UsageError, EnvironmentMissing: the settings can't be followed; nothing has been done then.
    """
    emit = told_by(job.settings.operations)
    begun = datetime.now(UTC)
    try:
        _emit(job, emit, "START", _told(job, command, begun))
        yield
    except BaseException as error:
        stopped = isinstance(error, KeyboardInterrupt | SystemExit)
        _tell(job, emit, "ABORT" if stopped else "FAIL", command, begun, error)
        raise
    _tell(job, emit, "COMPLETE", command, begun)


def _tell(
    job: Observed, emit: Emit | None, kind: str, command: str, begun: datetime, error: BaseException | None = None
) -> None:
    """Never raises where a run failed: what it failed of must be seen."""
    try:
        inputs = _inputs(job) if emit else ()
    except StateError as problem:
        job.progress.note(visible(str(problem)))
        inputs = ()
    told = _told(job, command, begun, inputs)
    _emit(job, emit, kind, told, error)
    if job.settings.operations.metrics_file:
        _write_metrics(job, told, good=error is None)


def _told(job: Observed, command: str, begun: datetime, inputs: tuple[Mapping[str, Any], ...] = ()) -> Told:
    funnel = replace(job.funnel, stages=tuple(job.progress.figures), cost=job.cost())
    return Told(command, job.run_id, begun, job.roots, job.state.location, funnel, inputs)


def _inputs(job: Observed) -> tuple[Mapping[str, Any], ...]:
    found = job.state.rows("datasets", job.run_id, columns=_INPUTS).to_pylist()
    return tuple(row for row in found if row["status"] == "ok")


def _emit(job: Observed, emit: Emit | None, kind: str, told: Told, error: BaseException | None = None) -> None:
    if emit is None:
        return
    operations = job.settings.operations
    try:
        emit(event(kind, told, operations.namespace, datetime.now(UTC), error))
    except (OSError, RuntimeError, ValueError) as problem:  # requests' errors are OSErrors
        where = visible(operations.openlineage)
        job.progress.note(f"the {kind} event did not get to {where}: {visible(without_credentials(str(problem)))}")


def _write_metrics(job: Observed, told: Told, good: bool) -> None:
    now = datetime.now(UTC)
    try:
        last = now if good else _last_good(job.state)
        ended = Ended(told.command, good, told.begun, now, last, told.funnel, len(job.problems))
        write_metrics(ended, job.settings.operations)
    except (OSError, StateError, ValueError) as problem:  # a label that is no UTF-8 is a ValueError
        where = visible(job.settings.operations.metrics_file)
        job.progress.note(f"{where} can't be written: {visible(str(problem))}")


def _last_good(state: State) -> datetime | None:
    ended_well = (run.at for run in runs.runs(state) if run.reached(runs.PLANNED))
    return max(ended_well, default=None)
