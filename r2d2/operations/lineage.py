"""OpenLineage events of r2d2's own runs: START, then COMPLETE, FAIL or ABORT, appended to a file or sent to a URL.

Inputs are the datasets that a run took account of, with their versions, outputs the tables of the state that it wrote.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from r2d2.config import OperationsSettings
from r2d2.errors import EnvironmentMissing, UsageError
from r2d2.lake.urls import without_credentials
from r2d2.model.funnel import Funnel
from r2d2.usage.openlineage import PRODUCER
from r2d2.version import __version__

if TYPE_CHECKING:
    from openlineage.client.event_v2 import InputDataset, OutputDataset, Run, RunEvent
    from openlineage.client.transport import Transport

_PRODUCER = f"{PRODUCER}:{__version__}"
_FACET_SCHEMA = f"{PRODUCER}:run-facet:1"
#: Inputs of one event; what it leaves out is counted in its facet. Receivers refuse bodies of some megabytes.
MOST_INPUTS = 10_000
_API_KEY = "OPENLINEAGE_API_KEY"
#: Events may come twice: their run and type are the same then. Nobody waits as long as a receiver asks for.
_RETRY: Mapping[str, Any] = {
    "total": 2,
    "connect": 2,
    "read": 2,
    "backoff_factor": 0.3,
    "status_forcelist": [500, 502, 503, 504],
    "allowed_methods": ["POST"],
    "respect_retry_after_header": False,
}
_OUTPUTS: Mapping[str, tuple[str, ...]] = {
    "discover": ("datasets", "runs"),
    "containment": ("edges", "groups", "group_edges", "runs"),
    "retention": ("usage", "plan", "plans", "runs"),
}

#: Where events go: raises OSError or RuntimeError where they can't.
Emit = Callable[["RunEvent"], None]


@dataclass(frozen=True)
class Told:
    """What an event says of a run.

    Attributes:
        command: ``run``, or the stage: ``discover``, ``containment``, ``retention``.
        run_id: r2d2's own.
        begun: when the command began (UTC); commands that go on with one run are told apart by it.
        roots: the lake.
        state: where the state's tables are.
        funnel: as far as the run has come.
        inputs: rows of ``datasets`` with ``dataset``, ``location``, ``version``, ``rows``, ``bytes``.
    """

    command: str
    run_id: str
    begun: datetime
    roots: tuple[str, ...]
    state: str
    funnel: Funnel
    inputs: tuple[Mapping[str, Any], ...] = ()


def emitter(settings: OperationsSettings) -> Emit | None:
    """Where events go as the settings say; None where they say nothing.

    Raises:
        UsageError: the setting names no receiver, or holds a password.
        EnvironmentMissing: the client is not installed.
    """
    if not settings.openlineage:
        return None
    try:
        transport = _transport(settings.openlineage)
    except ImportError as error:
        hint = "pip install 'r2d2[operations]'"
        raise EnvironmentMissing("operations.openlineage needs the package openlineage-python", hint) from error

    def emit(event: RunEvent) -> None:
        transport.emit(event)

    return emit


def _transport(where: str) -> Transport:
    scheme, separator, _ = where.partition("://")
    if separator and scheme.lower() in ("http", "https"):
        return _receiver(where)
    from openlineage.client.transport.file import FileConfig, FileTransport

    if separator or not Path(where).absolute().parent.is_dir():
        hint = "give a file in a directory that there is, or an http(s) URL"
        raise UsageError(f"operations.openlineage: {where} is in no directory that there is", hint)
    return FileTransport(FileConfig(log_file_path=where, append=True))


def _receiver(where: str) -> Transport:
    """What the client puts after a URL is left out where the URL has a path."""
    from openlineage.client.transport.http import ApiKeyTokenProvider, HttpConfig, HttpTransport

    try:
        url = urlsplit(where)
        good = bool(url.hostname) and url.port != 0
    except ValueError:  # it repeats parts of the URL
        good = False
    if not good:
        raise UsageError("operations.openlineage: not the URL of a receiver", "expected http(s)://HOST:PORT")
    if url.username or url.password or url.query or url.fragment:
        what = "operations.openlineage: a URL must hold no password, and nothing after ? or #"
        raise UsageError(what, f"settings are kept in the state: set {_API_KEY} in the environment")
    config = HttpConfig(url=where, retry=dict(_RETRY))
    if url.path.strip("/"):
        config.endpoint = ""
    if key := _api_key():
        config.auth = ApiKeyTokenProvider({"apiKey": key})
    return HttpTransport(config)


def _api_key() -> str:
    """Raises UsageError where a header can't hold it: what the client says then repeats it."""
    key = os.environ.get(_API_KEY, "").strip()
    if not (key.isascii() and key.isprintable()):
        raise UsageError(f"{_API_KEY} holds what a header can't: other than printable ASCII", "set it again")
    return key


def event(kind: str, told: Told, namespace: str, at: datetime, error: BaseException | None = None) -> RunEvent:
    """One event.

    Args:
        kind: ``START``, ``COMPLETE``, ``FAIL`` or ``ABORT``.
        namespace: of the job.
        at: now (UTC).
        error: that ended the run.
    """
    from openlineage.client.event_v2 import Job, RunEvent, RunState
    from openlineage.client.facet_v2 import job_type_job

    facet = job_type_job.JobTypeJobFacet("BATCH", "R2D2", jobType="COMMAND", producer=_PRODUCER)
    return RunEvent(
        eventType=RunState[kind],
        eventTime=at.isoformat(),
        run=_run(told, error, started=kind == "START"),
        job=Job(namespace, told.command, {"jobType": facet}),
        producer=_PRODUCER,
        inputs=list(_inputs(told)),
        outputs=[] if kind == "START" else list(_outputs(told)),
    )


def _run(told: Told, error: BaseException | None, started: bool) -> Run:
    from openlineage.client.event_v2 import Run
    from openlineage.client.facet_v2 import error_message_run, processing_engine_run

    facets: dict[str, Any] = {
        "processing_engine": processing_engine_run.ProcessingEngineRunFacet(__version__, "R2D2", producer=_PRODUCER),
        "r2d2": _facet(told, started),
    }
    if error is not None:
        said = without_credentials(str(error)) or type(error).__name__
        facets["errorMessage"] = error_message_run.ErrorMessageRunFacet(said, "PYTHON", producer=_PRODUCER)
    name = f"{PRODUCER}:{told.run_id}:{told.command}:{told.begun.isoformat()}"
    return Run(str(uuid.uuid5(uuid.NAMESPACE_URL, name)), facets)


def _facet(told: Told, started: bool) -> Any:
    """What only r2d2 knows of its run (docs/operations.md)."""
    from openlineage.client.facet_v2 import RunFacet

    known: dict[str, Any] = {"runId": told.run_id, "roots": list(told.roots), "state": told.state}
    if not started:
        known |= _figures(told.funnel) | {"inputsLeftOut": max(0, len(told.inputs) - MOST_INPUTS)}
    facet = RunFacet(producer=_PRODUCER).with_additional_properties(**known)
    facet._schemaURL = _FACET_SCHEMA
    return facet


def _figures(funnel: Funnel) -> dict[str, Any]:
    return {
        "datasets": funnel.datasets,
        "provenPairs": funnel.proven_pairs,
        "edges": funnel.edges,
        "bytesSaved": funnel.bytes_saved,
        "moneySavedPerMonth": funnel.money_saved,
        "cost": funnel.cost,
        "currency": funnel.currency,
        "unchangedSince": funnel.unchanged_since,
        "stages": [asdict(stage) for stage in funnel.stages],
    }


def _inputs(told: Told) -> Iterator[InputDataset]:
    from openlineage.client.event_v2 import InputDataset
    from openlineage.client.facet_v2 import dataset_version_dataset, input_statistics_input_dataset

    for row in told.inputs[:MOST_INPUTS]:
        namespace, name = named(row["location"] or row["dataset"])
        version = dataset_version_dataset.DatasetVersionDatasetFacet(row["version"], producer=_PRODUCER)
        size = input_statistics_input_dataset.InputStatisticsInputDatasetFacet(
            row["rows"], row["bytes"], producer=_PRODUCER
        )
        yield InputDataset(namespace, name, facets={"version": version}, inputFacets={"inputStatistics": size})


def _outputs(told: Told) -> Iterator[OutputDataset]:
    from openlineage.client.event_v2 import OutputDataset

    every = dict.fromkeys(table for tables in _OUTPUTS.values() for table in tables)
    for table in _OUTPUTS.get(told.command, every):
        yield OutputDataset(*named(f"{told.state.rstrip('/')}/{table}"))


def named(location: str) -> tuple[str, str]:
    """Namespace and name of a place, as OpenLineage's naming of datasets has it.

    >>> named("/data/lake/orders"), named("s3://bucket/sales/orders"), named("catalog:sales.orders")
    (('file', '/data/lake/orders'), ('s3://bucket', 'sales/orders'), ('spark', 'sales.orders'))
    """
    if location.startswith("catalog:"):
        return "spark", location.removeprefix("catalog:")
    scheme, separator, rest = location.partition("://")
    if not separator or scheme == "file":
        return "file", rest or location
    authority, _, path = rest.partition("/")
    return f"{scheme}://{authority}", path or "/"
