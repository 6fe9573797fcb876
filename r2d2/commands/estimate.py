"""``r2d2 run --estimate``: what a run will read, how long it takes and what it costs, before anything is read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from r2d2.commands.output import print_object, print_rows
from r2d2.config import Settings
from r2d2.forecast import forecast
from r2d2.progress import Progress
from r2d2.retention.estimate import ClassLine, Estimate, Share, Stage
from r2d2.units import count, human_bytes, human_seconds, money, percent, plural

_STAGES = ("stage", "datasets", "files", "bytes", "requests", "tasks", "core time", "time", "from")
_CLASSES = ("storage class", "datasets", "bytes", "requests", "for requests", "for retrieval")


def estimate(lakes: Sequence[str], state_dir: str, settings: Settings, progress: Progress, output: str) -> None:
    """Prints the estimate."""
    with progress.stage("estimate"):
        found = forecast(lakes, state_dir, settings)
    if output == "json":
        print_object(estimate_object(found))
        return
    print_rows(map(_stage_row, found.stages), _STAGES, "table")
    print_rows((_class_row(line, found.currency) for line in found.classes), _CLASSES, "table")
    print("\n".join(_lines(found)))


def estimate_object(found: Estimate) -> dict[str, Any]:
    """The estimate as ``run --estimate --format json`` gives it."""
    return {
        "exact": found.exact,
        "known_files": found.known_files,
        "unknown_files": found.unknown_files,
        "stages": [asdict(stage) for stage in found.stages],
        "storage_classes": [asdict(line) for line in found.classes],
        "cores": found.rates.cores,
        "rates": found.rates.source,
        "bytes": found.bytes,
        "seconds": found.seconds,
        "compute_cost": found.compute_cost,
        "cost": found.cost,
        "currency": found.currency,
        "limits": [asdict(share) for share in found.shares],
    }


def _stage_row(stage: Stage) -> dict[str, Any]:
    figures = (
        stage.name,
        count(stage.datasets) if stage.datasets else "",
        count(stage.files) if stage.files else "",
        human_bytes(stage.bytes),
        count(stage.requests),
        count(stage.tasks),
        human_seconds(stage.core_seconds),
        human_seconds(stage.seconds),
        stage.basis,
    )
    return dict(zip(_STAGES, figures, strict=True))


def _class_row(line: ClassLine, currency: str) -> dict[str, Any]:
    costs = [money(cost, currency) for cost in (line.request_cost, line.retrieval_cost)]
    if line.archived:
        costs = ["archived: not read", ""]
    requests = "" if line.archived else count(line.requests)
    figures = line.storage_class, count(line.datasets), human_bytes(line.bytes), requests, *costs
    return dict(zip(_CLASSES, figures, strict=True))


def _lines(found: Estimate) -> Iterator[str]:
    """What all of it comes to, what it rests on, and what limits leave room for."""
    bound = "" if found.exact else "at most "
    cost = f"{money(found.cost, found.currency)} ({money(found.compute_cost, found.currency)} of it for cores)"
    total = f"{human_bytes(found.bytes)}, {human_seconds(found.seconds)} on {plural(found.rates.cores, 'core')}, {cost}"
    yield f"in all {bound}{total}"
    yield from map(_share_line, found.shares)
    basis = "all metadata is known: the pairs to compare are" if found.exact else _unknown(found)
    yield f"{basis}; times from {found.rates.source}"


def _unknown(found: Estimate) -> str:
    files = plural(found.unknown_files, "file")
    return f"the metadata of {files} is not known yet: an estimate after `r2d2 discover` knows the pairs to compare"


def _share_line(share: Share) -> str:
    flag = {"max_bytes": "--max-bytes", "time_limit": "--time-limit"}[share.limit]
    metadata = "" if share.metadata == 1 else f"{percent(share.metadata, 1)} of the metadata and "
    return f"{flag} leaves room for {metadata}{percent(share.scan, 1)} of the scan and what follows"
