"""Files of formats that only Spark reads (ORC, Avro), as candidates: checked to be one table before Spark is asked.

Spark takes the columns of one file for those of all (*seen*: it gives NULL for what the first file has not), so every
file is looked at here. That opens each of them in each run, as a table's log is opened.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from r2d2.catalog.listing import Candidate, split
from r2d2.errors import UnreadableData, UnsupportedData
from r2d2.lake.jars import AVRO
from r2d2.lake.spark_formats import avro_columns, orc_columns
from r2d2.model.source import SparkSource

_COLUMNS = {"orc": orc_columns, "avro": avro_columns}
_NEEDS = {"orc": (), "avro": (AVRO,)}


def for_spark(candidate: Candidate) -> Iterator[Candidate]:
    """The candidate as Spark is to read it, or each of its files where they are not of one schema.

    Candidates of other formats, and those that can't be read anyway, stay as they are.
    """
    if candidate.format not in _COLUMNS or candidate.status != "ok":
        yield candidate
        return
    try:
        found = [_COLUMNS[candidate.format](file.path) for file in candidate.files]
    except UnreadableData as error:
        yield replace(candidate, status="error", reason=str(error))
        return
    except UnsupportedData as error:
        yield replace(candidate, status="unsupported", reason=str(error))
        return
    if len({columns.schema for columns in found}) > 1 and candidate.parts:
        for alone in split(candidate):
            yield from for_spark(alone)
        return
    files = tuple(replace(file, rows=columns.rows) for file, columns in zip(candidate.files, found, strict=True))
    paths = tuple(file.path for file in files)
    source = SparkSource(candidate.format, paths, needs=_NEEDS[candidate.format])
    refusal = _refusal(candidate, {columns.schema for columns in found}, found[0].names)
    if refusal:
        yield replace(candidate, status="unsupported", reason=refusal)
    else:
        yield replace(candidate, files=files, source=source)


def _refusal(candidate: Candidate, schemas: set[str], names: tuple[str, ...]) -> str:
    if candidate.partition_columns:
        return f"k=v directories of {candidate.format} are read only as a catalog's table, which says their types"
    if len(schemas) > 1:
        return "its files have different columns"
    return "" if names else "no columns"
