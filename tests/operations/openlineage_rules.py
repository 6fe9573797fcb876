"""What OpenLineage asks of an event (its specification, 2-0-2, and that of each facet we send), as a JSON schema.

Written from the specification's fields; a facet that is not among these is no event of ours.
"""

from __future__ import annotations

from typing import Any

import jsonschema

_URI = {"type": "string", "pattern": r"^[A-Za-z][A-Za-z0-9+.-]*:\S+$"}
_TEXT = {"type": "string"}
_WHOLE = {"type": "integer"}
_TIME = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$"}
_UUID = {"type": "string", "pattern": "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"}


def _facet(required: tuple[str, ...] = (), **fields: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {"_producer": _URI, "_schemaURL": _URI, **fields},
        "required": ["_producer", "_schemaURL", *required],
    }


def _facets(**known: Any) -> dict[str, Any]:
    return {"type": "object", "properties": known, "additionalProperties": False}


_RUN_FACETS = _facets(
    processing_engine=_facet(("version",), version=_TEXT, name=_TEXT, openlineageAdapterVersion=_TEXT),
    errorMessage=_facet(("message", "programmingLanguage"), message=_TEXT, programmingLanguage=_TEXT, stackTrace=_TEXT),
    r2d2=_facet(("runId", "roots", "state"), runId=_TEXT, roots={"type": "array", "items": _TEXT}, state=_TEXT),
)
_JOB_FACETS = _facets(
    jobType=_facet(("processingType", "integration"), processingType=_TEXT, integration=_TEXT, jobType=_TEXT)
)
_DATASET_FACETS = _facets(version=_facet(("datasetVersion",), datasetVersion=_TEXT))
_INPUT_FACETS = _facets(
    inputStatistics=_facet((), rowCount={"type": ["integer", "null"]}, size=_WHOLE, fileCount=_WHOLE)
)


def _dataset(**more: Any) -> dict[str, Any]:
    fields = {"namespace": _TEXT, "name": _TEXT, "facets": _DATASET_FACETS, **more}
    return {"type": "object", "properties": fields, "required": ["namespace", "name"], "additionalProperties": False}


EVENT: dict[str, Any] = {
    "type": "object",
    "properties": {
        "eventType": {"enum": ["START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER"]},
        "eventTime": _TIME,
        "producer": _URI,
        "schemaURL": _URI,
        "run": {
            "type": "object",
            "properties": {"runId": _UUID, "facets": _RUN_FACETS},
            "required": ["runId"],
            "additionalProperties": False,
        },
        "job": {
            "type": "object",
            "properties": {"namespace": _TEXT, "name": _TEXT, "facets": _JOB_FACETS},
            "required": ["namespace", "name"],
            "additionalProperties": False,
        },
        "inputs": {"type": "array", "items": _dataset(inputFacets=_INPUT_FACETS)},
        "outputs": {"type": "array", "items": _dataset(outputFacets=_facets())},
    },
    "required": ["eventTime", "producer", "schemaURL", "run", "job"],
    "additionalProperties": False,
}


def check(event: dict[str, Any]) -> None:
    """Raises ValidationError where an event is not as the specification has it."""
    jsonschema.Draft202012Validator(EVENT).validate(event)
