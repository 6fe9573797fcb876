"""Who wrote each Delta table last, as discovery read it from the table's log: a writer, a job, a proposed owner."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from r2d2.catalog.delta_tables import LAST_WRITER
from r2d2.model.usage import Writer
from r2d2.usage.draft import Lineage

SOURCE = "delta commit"


def delta_writers(lineage: Lineage) -> None:
    """Fills in the last writers; a job that is named in a commit writes the table."""
    for index, dataset in enumerate(lineage.places.datasets):
        writer = _writer(dataset.properties)
        if dataset.format == "delta" and writer is not None:
            lineage.drafts[index].last_writer = writer
            lineage.drafts[index].owned(writer.user, SOURCE)
            lineage.produced(index, writer.job, SOURCE, writer.at)


def _writer(properties: Mapping[str, Any]) -> Writer | None:
    found = properties.get(LAST_WRITER)
    if found is None:
        return None
    job, user, engine, at_ms = found
    try:
        at = datetime.fromtimestamp(at_ms / 1000, UTC)
    except (ValueError, OverflowError, OSError):  # a log may hold any number
        return None
    return Writer(job, user, at, engine)
