"""JSON schemas of what commands print with ``--format json``; ``r2d2 schema`` prints them, tests hold outputs to it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from r2d2.errors import NotFound
from r2d2.model.edge import Grade
from r2d2.model.plan import Action
from r2d2.recovery.guard.guard import Verdict
from r2d2.recovery.records.decisions import Decided

Schema = Mapping[str, Any]

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_TEXT: Schema = {"type": "string"}
_WHOLE: Schema = {"type": "integer"}
_NUMBER: Schema = {"type": "number"}
_FLAG: Schema = {"type": "boolean"}
_ANY: Schema = {}


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def _list(schema: Schema) -> Schema:
    return {"type": "array", "items": schema}


def _one_of(*values: str) -> Schema:
    return {"enum": list(values)}


def _counts(schema: Schema = _WHOLE) -> Schema:
    """Names that are not known beforehand, each with a value."""
    return {"type": "object", "additionalProperties": schema}


def _object(**fields: Schema) -> Schema:
    """All of these, and nothing else."""
    return {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}


def _rows(**fields: Schema) -> Schema:
    return _list(_object(**fields))


_TEXTS = _list(_TEXT)
_SPARK = _object(
    tasks=_WHOLE,
    failed_tasks=_WHOLE,
    executor_seconds=_or_null(_NUMBER),
    shuffle_bytes=_or_null(_WHOLE),
    spilled_bytes=_or_null(_WHOLE),
)
_PLANNED = {
    "dataset": _TEXT,
    "action": _one_of(*Action),
    "parent": _or_null(_TEXT),
    "saving_per_month": _NUMBER,
    "rebuild_cost": _NUMBER,
    "rebuild_seconds": _NUMBER,
    "reason": _TEXT,
}
_DETAILED = {
    "once_cost": _NUMBER,
    "tier": _TEXT,
    "owner": _TEXT,
    "conditions": _TEXTS,
    "changes_if": _TEXT,
    "version": _TEXT,
    "parent_version": _TEXT,
    "evidence": _TEXT,
}
_PLAN = {
    "total_saving_per_month": _NUMBER,
    "bytes_retired": _WHOLE,
    "currency": _TEXT,
    "solver": _TEXT,
    "optimal": _FLAG,
}
_OUTCOMES = _rows(dataset=_TEXT, done=_FLAG, what=_TEXT, hint=_TEXT, bytes=_WHOLE, receipt=_TEXT)
_SPEEDS = _object(slow=_NUMBER, median=_NUMBER, together=_NUMBER)


def _lake() -> dict[str, Schema]:
    dataset = {
        "dataset": _TEXT,
        "format": _TEXT,
        "rows": _or_null(_WHOLE),
        "bytes": _WHOLE,
        "columns": _WHOLE,
        "version": _TEXT,
        "names": _TEXTS,
        "shared_with": _TEXTS,
        "error": _TEXT,
    }
    return {
        "run": _object(
            datasets=_WHOLE,
            usable=_WHOLE,
            unusable=_counts(),
            classes=_WHOLE,
            pairs=_WHOLE,
            candidates=_WHOLE,
            shared=_WHOLE,
            after_minmax=_WHOLE,
            proven=_counts(),
            refuted=_counts(),
            undecided=_WHOLE,
            not_compared=_counts(),
            limit=_one_of("", "max_bytes", "time_limit"),
            groups=_WHOLE,
            edges=_WHOLE,
            bytes_saved=_WHOLE,
            money_saved=_NUMBER,
            cost=_NUMBER,
            currency=_TEXT,
            unchanged_since=_TEXT,
            stages=_rows(
                name=_TEXT,
                seconds=_NUMBER,
                bytes_read=_WHOLE,
                files_read=_WHOLE,
                driver_peak_bytes=_WHOLE,
                spark=_or_null(_SPARK),
            ),
        ),
        "datasets": _rows(**dataset),
        "check": _rows(**dataset),
        "digest": _rows(dataset=_TEXT, digest=_or_null(_TEXT), error=_TEXT),
        "edges": _rows(
            parent=_TEXT,
            child=_TEXT,
            grade=_one_of(*Grade),
            rows_child=_WHOLE,
            rows_parent=_WHOLE,
            equal=_FLAG,
            how=_TEXT,
            reason=_TEXT,
        ),
        "runs": _rows(
            run_id=_TEXT,
            started=_TEXT,
            status=_one_of("finished", "running", "interrupted", "discovered", "contained", "planned"),
            roots=_TEXTS,
            datasets=_WHOLE,
            edges=_WHOLE,
            money_saved=_NUMBER,
            seconds=_NUMBER,
            cost=_NUMBER,
            version=_TEXT,
        ),
    }


def _estimates() -> dict[str, Schema]:
    return {
        "run --estimate": _object(
            exact=_FLAG,
            known_files=_WHOLE,
            unknown_files=_WHOLE,
            stages=_rows(
                name=_TEXT,
                basis=_TEXT,
                datasets=_WHOLE,
                files=_WHOLE,
                bytes=_WHOLE,
                requests=_WHOLE,
                tasks=_WHOLE,
                core_seconds=_NUMBER,
                seconds=_NUMBER,
            ),
            storage_classes=_rows(
                storage_class=_TEXT,
                datasets=_WHOLE,
                bytes=_WHOLE,
                requests=_WHOLE,
                request_cost=_NUMBER,
                retrieval_cost=_NUMBER,
                archived=_FLAG,
            ),
            cores=_WHOLE,
            rates=_TEXT,
            bytes=_WHOLE,
            seconds=_NUMBER,
            compute_cost=_NUMBER,
            cost=_NUMBER,
            currency=_TEXT,
            limits=_rows(limit=_TEXT, metadata=_NUMBER, scan=_NUMBER),
        ),
        "calibrate": _object(
            settings=_counts(_NUMBER),
            measured=_object(cores=_WHOLE, bytes=_WHOLE, startup_seconds=_NUMBER, read=_SPEEDS, write=_SPEEDS),
        ),
    }


def _plans() -> dict[str, Schema]:
    return {
        "plan": _object(datasets=_rows(**_PLANNED), **_PLAN),
        "plan --details": _object(
            datasets=_rows(**_PLANNED, **_DETAILED),
            **_PLAN,
            once_cost=_NUMBER,
            run_cost=_NUMBER,
            payback_months=_or_null(_NUMBER),
            payback_date=_or_null(_TEXT),
            findings=_TEXTS,
            out_of_date=_TEXTS,
        ),
        "plan --diff": _rows(
            dataset=_TEXT,
            before=_or_null(_TEXT),
            after=_or_null(_TEXT),
            saving_before=_or_null(_NUMBER),
            saving_after=_or_null(_NUMBER),
            reason=_TEXT,
        ),
        "plans": _rows(
            plan=_WHOLE,
            run_id=_TEXT,
            at=_TEXT,
            datasets=_WHOLE,
            retired=_WHOLE,
            total_saving_per_month=_NUMBER,
            bytes_retired=_WHOLE,
            solver=_TEXT,
        ),
        "prices": _rows(
            sheet=_TEXT,
            **{"class": _TEXT},
            figure=_TEXT,
            value=_ANY,
            unit=_TEXT,
            as_of=_TEXT,
            source=_TEXT,
            note=_TEXT,
        ),
    }


def _knowledge() -> dict[str, Schema]:
    return {
        "usage": _rows(
            dataset=_TEXT,
            reads=_or_null(
                _object(per_month=_NUMBER, source=_TEXT, since=_TEXT, until=_TEXT, readers=_TEXTS, more_readers=_FLAG)
            ),
            producers=_rows(name=_TEXT, source=_TEXT, last_run=_or_null(_TEXT), live=_FLAG),
            consumers=_rows(name=_TEXT, kind=_TEXT, source=_TEXT),
            upstream=_TEXTS,
            owner=_TEXT,
            owner_source=_TEXT,
            last_writer=_or_null(_object(job=_TEXT, user=_TEXT, at=_TEXT, engine=_TEXT)),
            tags=_TEXTS,
            hold=_FLAG,
            sensitivity=_TEXT,
            rights=_or_null(_TEXTS),
            region=_TEXT,
            expires=_or_null(_TEXT),
            expires_why=_TEXT,
        ),
        "topics": _rows(topic=_TEXT, level=_WHOLE, parent=_TEXT, name=_TEXT, summary=_TEXT, datasets=_TEXTS),
        "topics --look-alikes": _rows(
            dataset=_TEXT,
            other=_TEXT,
            score=_NUMBER,
            fits=_FLAG,
            columns=_WHOLE,
            same=_WHOLE,
            mapping=_list(_object(**{"from": _TEXT, "to": _TEXT})),
        ),
        "ask": _object(
            question=_TEXT,
            answer=_TEXT,
            evidence=_rows(dataset=_TEXT, score=_NUMBER, facts=_TEXTS, topic=_TEXT),
            tokens=_WHOLE,
        ),
    }


def _recovery() -> dict[str, Schema]:
    return {
        "review list": _rows(
            dataset=_TEXT,
            parent=_or_null(_TEXT),
            saving_per_month=_NUMBER,
            decision=_one_of(*Decided),
            lapsed=_TEXT,
            by=_TEXT,
            note=_TEXT,
            accepted=_TEXTS,
            quarantine=_TEXT,
            accept=_TEXTS,
            lost=_TEXTS,
            doubts=_TEXTS,
            owner=_TEXT,
            conditions=_TEXTS,
        ),
        "review": _rows(
            dataset=_TEXT,
            decision=_one_of("approved", "rejected"),
            by=_TEXT,
            note=_TEXT,
            at=_TEXT,
            plan=_WHOLE,
            accepted=_TEXTS,
        ),
        "apply": _OUTCOMES,
        "purge": _OUTCOMES,
        "erase": _OUTCOMES,
        "guard": _rows(dataset=_TEXT, verdict=_one_of(*Verdict), what=_TEXT, hint=_TEXT, mended=_TEXTS, receipt=_TEXT),
        "restore": _object(
            dataset=_TEXT, path=_TEXT, source=_TEXT, seconds=_NUMBER, promised_seconds=_NUMBER, notes=_TEXTS
        ),
        "recover": _rows(receipt=_TEXT, dataset=_TEXT, what=_TEXT),
        "history": _rows(
            at=_TEXT,
            what=_TEXT,
            by=_TEXT,
            receipt=_TEXT,
            facts=_counts(_ANY),
            record=_or_null(_object(sequence=_WHOLE, sha256=_TEXT)),
        ),
    }


_PARTS: tuple[Callable[[], dict[str, Schema]], ...] = (_lake, _estimates, _plans, _knowledge, _recovery)


def schemas() -> dict[str, Schema]:
    """By command, as it is written: ``plan --details``."""
    found: dict[str, Schema] = {}
    for part in _PARTS:
        found |= part()
    return {name: {"$schema": _DIALECT, "title": f"r2d2 {name}", **schema} for name, schema in found.items()}


def show_schema(command: str) -> None:
    """Prints the schema of a command's JSON; the names of all without one.

    Raises:
        NotFound: the command prints no JSON.
    """
    known = schemas()
    if not command:
        print("\n".join(known))
        return
    if command not in known:
        raise NotFound(f"there is no schema of {command!r}", f"there are: {', '.join(known)}")
    print(json.dumps(known[command], indent=1))
