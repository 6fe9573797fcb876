"""Lineage from a CSV file: ``job``, ``input``, ``output``, ``last_run``; a row may leave out input or output."""

from __future__ import annotations

from collections.abc import Sequence

from r2d2.usage.draft import Lineage
from r2d2.usage.sources import Faults, csv_rows, files, moment, name_of, past

SETTING = "lineage_csv"
SOURCE = "lineage csv"


def lineage_csv(entries: Sequence[str], lineage: Lineage) -> Faults:
    """Reads the files; gives what is wrong with them."""
    faults = Faults(SETTING)
    for path in files(entries, faults):
        for line, row in csv_rows(path, ("job", "input", "output"), faults):
            job = name_of(row["job"])
            try:
                last_run = past(moment(row["last_run"])) if row.get("last_run") else None
            except ValueError as error:
                faults.line(path, line.number, str(error))
                continue
            if not job:
                faults.line(path, line.number, "it names no job")
                continue
            source = lineage.find(SOURCE, row["input"])
            target = lineage.find(SOURCE, row["output"])
            lineage.produced(target, job, SOURCE, last_run)
            lineage.consumed(source, job, "job", SOURCE)
            lineage.made_from(target, source)
    return faults
