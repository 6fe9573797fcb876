"""Metrics of the last run as a Prometheus text file, for node-exporter's textfile collector."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from r2d2.config import OperationsSettings
from r2d2.errors import EnvironmentMissing, UsageError
from r2d2.model.funnel import Funnel, StageFigures

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

#: Per stage: name, help. None where a stage does not know it.
_OF_STAGES = {
    "seconds": "Time by the clock.",
    "read_bytes": "Bytes of the lake read.",
    "read_files": "Files of the lake read.",
    "driver_peak_bytes": "Most memory of the driver's Python process until the stage's end.",
    "tasks": "Spark tasks that succeeded.",
    "failed_tasks": "Attempts at Spark tasks that failed.",
    "executor_seconds": "Run time of Spark tasks together.",
    "shuffle_bytes": "Bytes shuffled by Spark.",
    "spilled_bytes": "Bytes spilled to disk by Spark.",
}


@dataclass(frozen=True)
class Ended:
    """A run that has ended.

    Attributes:
        command: ``run``, or the stage.
        good: whether it did what it should.
        begun: of the command (UTC).
        at: its end (UTC).
        last_good: when a run last ended well (UTC), this one included; None for never.
        problems: of the run: what could not be listed or read, notes of sources of usage.
    """

    command: str
    good: bool
    begun: datetime
    at: datetime
    last_good: datetime | None
    funnel: Funnel
    problems: int


def check_metrics(settings: OperationsSettings) -> None:
    """Finds before a run what would keep its metrics from being written.

    Raises:
        UsageError: there is no such directory.
        EnvironmentMissing: the client is not installed.
    """
    if not settings.metrics_file:
        return
    try:
        import prometheus_client  # noqa: F401
    except ImportError as error:
        hint = "pip install 'r2d2[operations]'"
        raise EnvironmentMissing("operations.metrics_file needs the package prometheus-client", hint) from error
    if not Path(settings.metrics_file).absolute().parent.is_dir():
        raise UsageError(f"operations.metrics_file: {settings.metrics_file} is in no directory that there is", "")


def write_metrics(ended: Ended, settings: OperationsSettings) -> None:
    """Writes the file, at once as a whole.

    Raises:
        OSError: it can't be written.
    """
    from prometheus_client import CollectorRegistry, write_to_textfile

    registry = CollectorRegistry()
    labels = {"namespace": settings.namespace, "command": ended.command}
    for name, text, value, more in _of_run(ended):
        _add(registry, f"r2d2_{name}", text, [({**labels, **more}, value)])
    for name, text in _OF_STAGES.items():
        totals = _totals(name, ended.funnel.stages)
        samples = [({**labels, "stage": stage}, total) for stage, total in totals.items()]
        _add(registry, f"r2d2_stage_{name}", text, samples)
    write_to_textfile(settings.metrics_file, registry)


Sample = tuple[str, str, float, Mapping[str, str]]


def _of_run(ended: Ended) -> Iterable[Sample]:
    funnel = ended.funnel
    money = {"currency": funnel.currency}
    yield "run_success", "1 if the last run ended well.", float(ended.good), {}
    yield "run_started_timestamp_seconds", "When the last run began.", ended.begun.timestamp(), {}
    yield "run_ended_timestamp_seconds", "When the last run ended.", ended.at.timestamp(), {}
    if ended.last_good:
        yield "last_success_timestamp_seconds", "When a run last ended well.", ended.last_good.timestamp(), {}
    yield "run_unchanged", "1 if nothing had changed in the lake.", float(bool(funnel.unchanged_since)), {}
    yield "run_cost", "Money that the last run took.", funnel.cost, money
    yield "run_problems", "What could not be listed or read.", ended.problems, {}
    yield "datasets", "Datasets found.", funnel.datasets, {}
    yield "datasets_unusable", "Datasets that take part in no pair.", funnel.datasets - funnel.usable, {}
    yield "pairs_proven", "Proven pairs.", funnel.proven_pairs, {}
    yield "pairs_undecided", "Pairs that stayed plausible.", funnel.undecided, {}
    yield "edges", "Edges of the transitive reduction.", funnel.edges, {}
    yield "saved_bytes", "Bytes that the plan frees.", funnel.bytes_saved, {}
    yield "saving_per_month", "Money a month that the plan saves.", funnel.money_saved, money


def _totals(name: str, stages: Iterable[StageFigures]) -> dict[str, float]:
    """A figure by the name of the stage, of which one run may have several; without those that don't know it."""
    totals: dict[str, float] = {}
    for stage in stages:
        value, before = _of_stage(stage)[name], totals.get(stage.name, 0.0)
        if value is not None:
            totals[stage.name] = max(before, value) if "peak" in name else before + value
    return totals


def _of_stage(stage: StageFigures) -> dict[str, float | None]:
    spark = stage.spark
    return {
        "seconds": stage.seconds,
        "read_bytes": stage.bytes_read,
        "read_files": stage.files_read,
        "driver_peak_bytes": stage.driver_peak_bytes or None,
        "tasks": spark.tasks if spark else None,
        "failed_tasks": spark.failed_tasks if spark else None,
        "executor_seconds": spark.executor_seconds if spark else None,
        "shuffle_bytes": spark.shuffle_bytes if spark else None,
        "spilled_bytes": spark.spilled_bytes if spark else None,
    }


def _add(registry: CollectorRegistry, name: str, text: str, samples: Iterable[tuple[Mapping[str, str], float]]) -> None:
    from prometheus_client import Gauge

    gauge = None
    for labels, value in samples:
        gauge = gauge or Gauge(name, text, list(labels), registry=registry)
        gauge.labels(**labels).set(value)
