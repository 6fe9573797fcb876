"""``r2d2 usage``: who reads, writes and owns the datasets of a run; and the lines of it that ``explain`` gives."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from r2d2.catalog import runs, usage_records
from r2d2.catalog.state import open_state
from r2d2.commands.output import print_rows
from r2d2.model.usage import Consumer, Job, Reads, Usage, Writer
from r2d2.units import some_of
from r2d2.visible import visible

USAGE_COLUMNS = (
    "dataset",
    "reads",
    "producers",
    "consumers",
    "upstream",
    "owner",
    "owner_source",
    "last_writer",
    "tags",
    "hold",
    "sensitivity",
    "rights",
    "region",
    "expires",
    "expires_why",
)
#: Columns of the table, which has no room for all.
_BRIEF = ("dataset", "reads", "producers", "consumers", "owner", "last_writer", "hold", "rights", "expires")


def show_usage(state_dir: str, run_id: str, output: str) -> None:
    """Prints what is known of the datasets of a run besides their bytes."""
    state = open_state(state_dir)
    found = runs.usage(state, runs.find_run(state, run_id, runs.PLANNED))
    row = usage_records.plain if output == "json" else _brief
    print_rows(map(row, found), _BRIEF if output == "table" else USAGE_COLUMNS, output)


def usage_lines(usage: Usage) -> Iterator[str]:
    """What is known of a dataset, for ``explain``; names in it come from logs and are made visible."""
    yield ""
    yield f"Reads: {visible(_reads(usage.reads))}"
    if usage.reads and usage.reads.readers:
        yield f"  by {_named(list(usage.reads.readers))}{' and others' if usage.reads.more_readers else ''}"
    if usage.producers:
        yield f"Written by: {_named([f'{_job(job)}, says {job.source}' for job in usage.producers])}"
    if usage.last_writer:
        yield f"Last writer: {visible(_writer(usage.last_writer))}"
    if usage.consumers:
        yield f"Depended on by: {_named([_consumer(each) for each in usage.consumers])}"
    if usage.upstream:
        yield f"Made from: {_named(list(usage.upstream))}"
    if usage.owner:
        yield f"Owner: {visible(usage.owner)}, says {visible(usage.owner_source)}"
    if usage.hold:
        yield "Legal hold"
    if usage.rights is not None:
        yield f"May be read by: {_named(sorted(usage.rights)) or 'nobody'}"
    if usage.expires:
        yield f"Expires: {_time(usage.expires)}, by {visible(usage.expires_why)}"
    about = [usage.sensitivity, usage.region, *sorted(usage.tags)]
    if any(about):
        yield f"Sensitivity, region, tags: {_named([text or '-' for text in about])}"


def _brief(usage: Usage) -> dict[str, Any]:
    """A row for people."""
    return {
        "dataset": usage.dataset,
        "reads": _reads(usage.reads),
        "producers": [_job(job) for job in usage.producers],
        "consumers": [_consumer(consumer) for consumer in usage.consumers],
        "upstream": list(usage.upstream),
        "owner": usage.owner,
        "owner_source": usage.owner_source,
        "last_writer": _writer(usage.last_writer) if usage.last_writer else "",
        "tags": sorted(usage.tags),
        "hold": usage.hold,
        "sensitivity": usage.sensitivity,
        "rights": "unknown" if usage.rights is None else sorted(usage.rights),
        "region": usage.region,
        "expires": _time(usage.expires),
        "expires_why": usage.expires_why,
    }


def _reads(reads: Reads | None) -> str:
    if reads is None:
        return "unknown"
    return f"{reads.per_month:.3g} a month, says {reads.source} of {reads.since:%Y-%m-%d} to {reads.until:%Y-%m-%d}"


def _job(job: Job) -> str:
    ran = f"last ran {job.last_run:%Y-%m-%d}" if job.last_run else "last run unknown"
    return f"{job.name} ({'live' if job.live else 'not live'}, {ran})"


def _consumer(consumer: Consumer) -> str:
    return f"{consumer.kind} {consumer.name}"


def _writer(writer: Writer) -> str:
    who = ", ".join(text for text in (writer.job, writer.user, writer.engine) if text)
    return f"{who} on {writer.at:%Y-%m-%d %H:%M} UTC"


def _time(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC" if at else ""


def _named(names: list[str]) -> str:
    return visible(some_of(names))
