"""Reads from a CSV file: ``dataset`` (an id, path, URL or table), ``reader``, and ``at``, or ``count,since,until``.

A row with ``at`` is one read at that time, or ``count`` accesses. A row without it gives the accesses of a window.
A count of 0 says that the dataset, or all datasets below a directory, would be in the file if they had been read.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime

from r2d2.lake.file_tree import shown
from r2d2.usage.accesses import AccessLog, LogKind, Own
from r2d2.usage.places import Places
from r2d2.usage.sources import Faults, csv_rows, files, moment, name_of, past

SETTING = "reads_csv"


def reads_csv(entries: Sequence[str], places: Places, own: Own, kind: LogKind = AccessLog) -> list[AccessLog]:
    """One log for each file, for each has a window of its own."""
    faults = Faults(SETTING)
    logs = []
    for path in files(entries, faults):
        log = kind(f"csv {shown(path.rpartition('/')[2])}", Faults(SETTING))
        for line, row in csv_rows(path, ("dataset",), log.faults):
            try:
                _row(row, log, places, own)
            except ValueError as error:
                log.faults.line(path, line.number, str(error))
        logs.append(log)
    return [*logs, kind("csv", faults)] if faults else logs


def _row(row: Mapping[str, str], log: AccessLog, places: Places, own: Own) -> None:
    name, reader = row["dataset"], name_of(row.get("reader", ""))
    if not name:
        raise ValueError("it names no dataset")
    count = _count(row.get("count", ""))
    if row.get("at"):
        _at(name, reader, past(moment(row["at"])), count, log, places, own)
    elif count is None or not row.get("since") or not row.get("until"):
        raise ValueError("it has neither a time (at) nor a count with its window (count, since, until)")
    else:
        since, until = past(moment(row["since"])), past(moment(row["until"]))
        if until <= since:
            raise ValueError("its window has no length: until must be after since")
        times = 0.0 if own.is_own(reader) else count
        _window(name, "" if own.is_own(reader) else reader, times, (since, until), log, places)


def _at(name: str, reader: str, at: datetime, count: float | None, log: AccessLog, places: Places, own: Own) -> None:
    log.see("", at.timestamp())
    dataset = places.of(name)
    if dataset is not None:
        log.covered.setdefault(dataset, "")
    if own.is_own(reader):
        return
    if dataset is None or count is None:
        log.read(dataset, reader, int(at.timestamp()))
    else:
        log.counted(dataset, reader, count, at.timestamp())


def _window(
    name: str, reader: str, count: float, window: tuple[datetime, datetime], log: AccessLog, places: Places
) -> None:
    dataset = places.of(name)
    found = [dataset] if count and dataset is not None else [] if count else places.below(name)
    if not found:
        log.unmatched += 1
    for index in found:
        scope = f"of dataset {index}"
        log.covered[index] = scope
        for moment_ in window:
            log.see(scope, moment_.timestamp())
        log.counted(index, reader, count, window[1].timestamp())


def _count(text: str) -> float | None:
    if not text:
        return None
    try:
        count = float(text)
    except ValueError as error:
        raise ValueError(f"{text[:40]!r} is not a count") from error
    if not math.isfinite(count) or count < 0:
        raise ValueError(f"{text[:40]!r} is not a count")
    return count
