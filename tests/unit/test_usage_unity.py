"""Unity Catalog's audit and lineage tables, as JSON lines and as CSV."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from r2d2.model.usage import Consumer, Job
from r2d2.usage.accesses import MONTH
from tests.usage_fakes import collected, dataset, usages

LAKE = [dataset("catalog:sales/orders", "s3://wh/1"), dataset("raw")]
DAYS = 30 * 86_400 / MONTH


def audit(action: str, at: str = "2026-10-06T08:00:00.123+00:00", **request: str) -> dict[str, Any]:
    """A row of system.access.audit."""
    return {
        "event_time": at,
        "event_date": at[:10],
        "workspace_id": 1234567890123456,
        "user_agent": "Apache-HttpClient/4.5.13 (Java/1.8.0_345)",
        "user_identity": {"email": "ann@corp", "subject_name": None},
        "service_name": "unityCatalog",
        "action_name": action,
        "request_params": request,
        "response": {"status_code": 200, "error_message": None, "result": None},
    }


ENDS = [audit("getTable", f"2026-10-{day}T00:00:00Z", full_name_arg="main.x.y") for day in ("01", "31")]
CREDENTIAL = "generateTemporaryTableCredential"
TABLE = {"table_full_name": "main.sales.orders"}


def exported(directory: Path, rows: list[dict[str, Any]], kind: str) -> str:
    path = directory / f"export.{kind}"
    if kind == "json":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return str(path)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(dict.fromkeys(key for row in rows for key in row)))
        writer.writeheader()
        writer.writerows({k: json.dumps(v) if isinstance(v, dict) else v for k, v in row.items()} for row in rows)
    return str(path)


@pytest.mark.parametrize("kind", ["json", "csv"])
@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (audit(CREDENTIAL, operation="READ", **TABLE), 1),
        (audit("deltaSharingQueriedTable", **TABLE), 1),
        (audit("generateTemporaryPathCredential", operation="PATH_READ", url="s3://wh/1/part-0"), 1),
        (audit(CREDENTIAL, operation="READ_WRITE", **TABLE), None),
        (audit("getTable", full_name_arg="main.sales.orders"), None),
        (audit("listTables", catalog_name="main", schema_name="sales"), None),
        (audit(CREDENTIAL, operation="READ", **TABLE) | {"response": {"status_code": 403}}, 0),
        (audit(CREDENTIAL, operation="READ", **TABLE) | {"user_identity": {"email": "r2d2"}}, 0),
        (audit(CREDENTIAL, operation="READ", **TABLE) | {"user_agent": "pyarrow app/r2d2"}, 0),
    ],
)
def test_credentials_for_reading_are_reads(
    tmp_path: Path, kind: str, row: dict[str, Any], expected: int | None
) -> None:
    reads = usages(LAKE, audit=exported(tmp_path, [*ENDS, row], kind))["catalog:sales/orders"].reads
    assert (None if reads is None else round(reads.per_month * DAYS, 6)) == expected
    if reads and reads.per_month:
        assert (reads.source, reads.readers) == ("unity audit", ("ann@corp",))


def linked(source: str | None, target: str | None, at: str = "2026-10-30T08:00:00Z", **more: Any) -> dict[str, Any]:
    """A row of system.access.table_lineage; a side is a table's name or a path."""
    row: dict[str, Any] = {
        "entity_type": "JOB",
        "entity_id": "77",
        "created_by": "etl@corp",
        "event_time": at,
        "event_date": at[:10],
        **more,
    }
    for side, name in (("source", source), ("target", target)):
        is_path = name is not None and "://" in name
        row |= {f"{side}_type": ("PATH" if is_path else "TABLE") if name else ""}
        row |= {f"{side}_path": name if is_path else "", f"{side}_table_full_name": "" if is_path else name or ""}
    return row


@pytest.mark.parametrize("kind", ["json", "csv"])
def test_lineage_gives_reads_producers_consumers_and_upstreams(tmp_path: Path, kind: str) -> None:
    rows = [
        linked("s3://lake/raw", "main.sales.orders"),
        linked("s3://lake/raw", None, "2026-10-01T08:00:00Z", entity_type="DASHBOARD_V3", entity_id="d9"),
        linked("s3://lake/raw", None, entity_type="", entity_id="", created_by="ann@corp"),
        linked("s3://lake/raw", None, created_by="r2d2"),
    ]
    found = usages(LAKE, audit=exported(tmp_path, rows, kind))
    raw, orders = found["raw"], found["catalog:sales/orders"]
    assert raw.reads is not None
    assert raw.reads.readers == ("ann@corp", "etl@corp")
    assert raw.reads.per_month == pytest.approx(3 * MONTH / (29 * 86_400))
    assert raw.consumers == (
        Consumer("d9", "dashboard", "unity lineage"),
        Consumer("77", "job", "unity lineage"),
    )
    at = datetime(2026, 10, 30, 8, tzinfo=UTC)
    assert orders.producers == (Job("job 77", "unity lineage", at, live=True),)
    assert orders.upstream == ("raw",)
    assert orders.reads is None, "lineage does not capture everything: what it does not mention is unknown"


def test_fields_that_are_null_may_be_left_out(tmp_path: Path) -> None:
    row = {"event_time": "2026-10-30T08:00:00Z", "target_type": "TABLE", "target_table_full_name": "main.sales.orders"}
    row |= {"entity_type": "PIPELINE", "entity_id": "p"}
    found = usages(LAKE, audit=exported(tmp_path, [row], "json"))
    assert [job.name for job in found["catalog:sales/orders"].producers] == ["pipeline p"]


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ({"event_time": "2026-10-30"}, "it is of neither table"),
        (audit(CREDENTIAL, at="soon"), "'soon' is not a time"),
        (audit(CREDENTIAL) | {"request_params": "{cut"}, "it has a struct that is not JSON"),
    ],
)
def test_a_bad_row_is_a_problem_and_the_others_count(tmp_path: Path, row: dict[str, Any], what: str) -> None:
    rows = [*ENDS, row, audit(CREDENTIAL, operation="READ", **TABLE)]
    found = collected(LAKE, audit=exported(tmp_path, rows, "json"))
    assert f"line 3: {what}" in found.problems[0].what
    assert found.usages[0].reads is not None
