"""State tables that are derived from the journal: no decision to change the lake rests on them.

``receipts`` is for people who read Delta tables; of a receipt's rows the newest by ``told_at`` counts. ``restores``
tells later plans how long rebuilds take.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from r2d2.catalog.state import State
from r2d2.model.receipt import Receipt
from r2d2.recovery.records.journal import Record
from r2d2.recovery.records.receipts import receipts

_PLAIN = (
    *("dataset", "at", "quarantined_at", "root", "location", "kind", "parent", "parent_location", "recipe"),
    *("plan", "by", "note", "promised_seconds", "frozen"),
)
_CHANGES = ("receipt", "status", "at", "recipe", "frozen")


def keep_derived(state: State, records: Sequence[Record]) -> None:
    """Adds to these tables what the journal tells and they don't have. The caller holds the state's lock."""
    told, found = datetime.now(UTC), receipts(records)
    _add(state, "receipts", [_receipt(receipt, told) for receipt in found.values()], _CHANGES)
    taken = [_restore(record, found[record.receipt]) for record in records if _is_rebuild(record, found)]
    _add(state, "restores", taken, ("receipt", "at"))


def _add(state: State, table: str, rows: Sequence[dict[str, Any]], key: Sequence[str]) -> None:
    kept = {tuple(row.values()) for row in state.rows(table, columns=key).to_pylist()}
    state.append(table, [row for row in rows if tuple(row[name] for name in key) not in kept])


def _receipt(receipt: Receipt, told: datetime) -> dict[str, Any]:
    own = {name: getattr(receipt, name) for name in _PLAIN}
    said = {"receipt": receipt.id, "told_at": told, "status": receipt.status.value}
    return own | said | {"accepted": sorted(receipt.accepted)}


def _is_rebuild(record: Record, found: Mapping[str, Receipt]) -> bool:
    return record.event == "restore-took" and record.facts["by"] == "recipe" and record.receipt in found


def _restore(record: Record, receipt: Receipt) -> dict[str, Any]:
    return {
        "receipt": receipt.id,
        "at": record.at,
        "plan": receipt.plan,
        "seconds": record.facts["seconds"],
        "promised_seconds": receipt.promised_seconds,
    }
