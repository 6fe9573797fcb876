"""OpenLineage events, one JSON object a line: jobs with the datasets that their runs read and wrote.

A run that failed is a run: its job will come again. r2d2's own events are left out, as its reads are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from r2d2.usage.draft import Lineage
from r2d2.usage.sources import Faults, files, json_lines, moment, name_of, past

SETTING = "openlineage"
SOURCE = "openlineage"
#: Who makes r2d2's own events; their ``producer`` begins with it.
PRODUCER = "urn:r2d2"
#: Namespaces of catalogs, whose names are those of tables.
_CATALOGS = frozenset({"", "hive", "spark", "iceberg", "delta", "databricks", "unitycatalog"})
_GLUE = "arn:aws:glue:"


def openlineage(entries: Sequence[str], lineage: Lineage) -> Faults:
    """Reads the files; gives what is wrong with them."""
    faults = Faults(SETTING)
    for path in files(entries, faults):
        for line, event in json_lines(path, faults):
            try:
                _event(event, lineage)
            except ValueError as error:
                faults.line(path, line.number, str(error))
    return faults


def _event(event: Mapping[str, Any], lineage: Lineage) -> None:
    if name_of(event.get("producer")).startswith(PRODUCER):
        return
    job = event.get("job")
    if not isinstance(job, Mapping):
        if isinstance(event.get("dataset"), Mapping):
            return  # a dataset event: it tells of no job
        raise ValueError("it is no OpenLineage event: it has neither a job nor a dataset")
    name = "/".join(part for part in (name_of(job.get("namespace")), name_of(job.get("name"))) if part)
    if not name:
        raise ValueError("its job has no name")
    ran = past(moment(event.get("eventTime"))) if event.get("run") else None
    _link(name, ran, event, lineage)


def _link(job: str, ran: datetime | None, event: Mapping[str, Any], lineage: Lineage) -> None:
    inputs = [lineage.find(SOURCE, *names) for names in _datasets(event.get("inputs"))]
    outputs = [lineage.find(SOURCE, *names) for names in _datasets(event.get("outputs"))]
    for source in inputs:
        lineage.consumed(source, job, "job", SOURCE)
    for target in outputs:
        lineage.produced(target, job, SOURCE, ran)
        for source in inputs:
            lineage.made_from(target, source)


def _datasets(value: Any) -> Iterator[list[str]]:
    """What each dataset of a list is called: its own name, and those that its symlinks facet gives."""
    for dataset in value if isinstance(value, list) else []:
        facets = dataset.get("facets") if isinstance(dataset, Mapping) else None
        links = facets.get("symlinks") if isinstance(facets, Mapping) else None
        identifiers = links.get("identifiers") if isinstance(links, Mapping) else None
        others = identifiers if isinstance(identifiers, list) else []
        yield [name for each in (dataset, *others) for name in _names(each)]


def _names(identifier: Any) -> list[str]:
    """The URL that namespace and name make together, or a table's name.

    The tables of a database are none of a lake, even where they are called so.
    """
    known = identifier if isinstance(identifier, Mapping) else {}
    namespace, name = name_of(known.get("namespace")), name_of(known.get("name"))
    if not name:
        raise ValueError("it has a dataset without a name")
    if namespace.startswith("file"):
        return [name if name.startswith("/") else f"/{name}"]
    if namespace.startswith(_GLUE):
        return [name.removeprefix("table/").replace("/", ".")]
    if namespace.partition("://")[0] in _CATALOGS:
        return [name]
    return [f"{namespace.rstrip('/')}/{name.lstrip('/')}"] if "://" in namespace else []
