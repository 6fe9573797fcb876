"""Unity Catalog's ``system.access.audit`` and ``system.access.table_lineage``, exported as JSON lines or CSV.

https://docs.databricks.com/en/admin/system-tables/audit-logs.html and ``lineage.html`` beside it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from r2d2.usage.accesses import AccessLog, Own
from r2d2.usage.draft import Lineage
from r2d2.usage.places import Places
from r2d2.usage.sources import Faults, Line, csv_rows, files, json_lines, lines, moment, name_of, past

SETTING = "audit"
LINEAGE = "unity lineage"
#: Actions that hand out the means to use a table or a path, and the operations that only read it.
_CREDENTIALS = frozenset({"generateTemporaryTableCredential", "generateTemporaryPathCredential"})
_READING = frozenset({"READ", "PATH_READ"})
_OF_LINEAGE = frozenset({"source_type", "target_type", "entity_type"})
_SHARED = frozenset({"deltaSharingQueryTable", "deltaSharingQueriedTable"})
_KINDS = {"dashboard_v3": "dashboard", "dbsql_dashboard": "dashboard", "dbsql_query": "query", "query": "query"}


def unity_logs(entries: Sequence[str], lineage: Lineage, own: Own) -> list[AccessLog]:
    """Reads the files, whose columns tell which of the two tables they are of; each is a source of its own."""
    faults = Faults(SETTING)
    audit, table_lineage = AccessLog("unity audit", faults), AccessLog(LINEAGE, faults)
    for path in files(entries, faults):
        for line, row in _rows(path, faults):
            try:
                if "action_name" in row:
                    _audited(row, audit, lineage.places, own)
                elif _OF_LINEAGE & row.keys():
                    _linked(row, table_lineage, lineage, own)
                else:
                    raise ValueError("it is of neither table: it has no action_name, and no source, target or entity")
            except ValueError as error:
                faults.line(path, line.number, str(error))
    return [audit, table_lineage]


def _rows(path: str, faults: Faults) -> Iterator[tuple[Line, Mapping[str, Any]]]:
    first = next(iter(lines(path, Faults(SETTING))), None)
    if first is not None and first.text.lstrip().startswith("{"):
        return json_lines(path, faults)
    return csv_rows(path, ("event_time",), faults)


def _audited(row: Mapping[str, Any], log: AccessLog, places: Places, own: Own) -> None:
    at = past(moment(row.get("event_time")))
    log.see("", at.timestamp())
    request, action = _struct(row.get("request_params")), row["action_name"]
    names = [name_of(request.get(key)) for key in ("table_url", "url", "table_full_name", "full_name_arg", "name")]
    is_read = name_of(request.get("operation")).upper() in _READING if action in _CREDENTIALS else action in _SHARED
    if not is_read or not any(names):
        return
    dataset = next((index for name in names if name and (index := places.of(name)) is not None), None)
    if dataset is not None:
        log.covered.setdefault(dataset, "")
    identity = _struct(row.get("user_identity"))
    reader = name_of(identity.get("email")) or name_of(identity.get("subject_name"))
    status = str(_struct(row.get("response")).get("status_code", 200))
    if status.startswith("2") and not own.is_own(reader) and not own.is_own(name_of(row.get("user_agent"))):
        log.read(dataset, reader, int(at.timestamp()))


def _linked(row: Mapping[str, Any], log: AccessLog, lineage: Lineage, own: Own) -> None:
    at = past(moment(row.get("event_time")))
    log.see("", at.timestamp())
    reader = name_of(row.get("created_by"))
    if own.is_own(reader):
        return
    source = lineage.find(LINEAGE, *_places(row, "source"))
    target = lineage.find(LINEAGE, *_places(row, "target"))
    if source is not None:
        log.covered.setdefault(source, "")
        log.read(source, reader, int(at.timestamp()))
    _jobs(row, source, target, at, lineage)
    lineage.made_from(target, source)


def _jobs(row: Mapping[str, Any], source: int | None, target: int | None, at: datetime, lineage: Lineage) -> None:
    kind = name_of(row.get("entity_type")).lower()
    entity = name_of(row.get("entity_id"))
    if kind and entity:
        kind = _KINDS.get(kind, kind)
        lineage.produced(target, f"{kind} {entity}", LINEAGE, at)
        lineage.consumed(source, entity, kind, LINEAGE)


def _places(row: Mapping[str, Any], side: str) -> list[str]:
    return [name for key in ("path", "table_full_name") if (name := name_of(row.get(f"{side}_{key}")))]


def _struct(value: Any) -> Mapping[str, Any]:
    """A struct or map, which exports to CSV write as JSON."""
    if isinstance(value, str) and value.startswith("{"):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError) as error:
            raise ValueError("it has a struct that is not JSON") from error
    return value if isinstance(value, Mapping) else {}
