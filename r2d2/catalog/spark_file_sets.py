"""Files of formats that only Spark reads (ORC, Avro): checked to be one table before Spark is asked.

Spark takes the columns of one file for those of all (*seen*: it gives NULL for what the first file has not), so what
every file says of itself is looked at first; that is a file's summary, and kept like others.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from r2d2.catalog.catalog_orc import require_columns
from r2d2.catalog.identity import merge_aliases
from r2d2.catalog.listing import Candidate, split
from r2d2.errors import UnsupportedData
from r2d2.lake.jars import AVRO
from r2d2.lake.spark_formats import Columns, columns_of, orc_fields
from r2d2.model.dataset import HEADED_FORMATS, FileSummary
from r2d2.model.source import SparkSource

_NEEDS = {"orc": (), "avro": (AVRO,)}


def with_sources(candidates: Iterable[Candidate], summaries: Mapping[str, FileSummary]) -> tuple[Candidate, ...]:
    """Candidates as Spark is to read them, or their files as candidates where those are not of one schema.

    Candidates of other formats, and those of which a file is not known or can't be read, stay as they are.

    Args:
        summaries: of files, by path.
    """
    whole = tuple(candidates)
    found = tuple(part for candidate in whole for part in _with_source(candidate, summaries))
    return merge_aliases(found) if len(found) > len(whole) else found


def opened(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Those of ``with_sources`` that Spark is to read."""
    return [each for each in candidates if each.format in HEADED_FORMATS and each.source is not None]


def _with_source(candidate: Candidate, summaries: Mapping[str, FileSummary]) -> Iterator[Candidate]:
    told = [summaries.get(file.path) for file in candidate.files]
    if candidate.format not in HEADED_FORMATS or candidate.source or candidate.status != "ok":
        yield candidate
        return
    known = [columns_of(summary) for summary in told if summary is not None and summary.status == "ok"]
    if len(known) < len(told):
        yield candidate
    elif len({columns.schema for columns in known}) > 1 and candidate.parts:
        for alone in split(candidate):
            yield from _with_source(alone, summaries)
    elif why := _refusal(candidate, known):
        yield replace(candidate, status="unsupported", reason=why)
    else:
        files = tuple(replace(file, rows=head.rows) for file, head in zip(candidate.files, known, strict=True))
        paths = tuple(file.path for file in files)
        source = candidate.fallback or SparkSource(candidate.format, paths, needs=_NEEDS[candidate.format])
        yield replace(candidate, files=files, source=source)


def _refusal(candidate: Candidate, files: list[Columns]) -> str:
    names = {name for columns in files for name in columns.names}
    if candidate.schema:
        return _other_than_told(candidate, files)
    if candidate.partition_columns:
        return f"k=v directories of {candidate.format} are read only as a catalog's table, which says their types"
    if len({columns.schema for columns in files}) > 1:
        return "its files have different columns"
    return "" if names else "no columns"


def _other_than_told(candidate: Candidate, files: list[Columns]) -> str:
    """What the table of a catalog has not, or not as the files have it, would be lost or changed unseen."""
    told = json.loads(candidate.schema)["fields"]
    ours = [field for field in told if field["name"] not in candidate.partition_columns]
    try:
        for columns in {columns.schema: columns for columns in files}.values():
            require_columns(orc_fields(columns), {"fields": ours})
    except UnsupportedData as error:
        return str(error)
    return ""
