"""The state's table ``receipts``: what the journal tells of each retirement, for people who read Delta tables.

It is derived from the journal and nothing rests on it. Of a receipt's rows the newest by ``told_at`` counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from r2d2.catalog.state import State
from r2d2.model.receipt import Receipt

_PLAIN = (
    *("dataset", "at", "quarantined_at", "root", "location", "kind", "parent", "parent_location", "recipe"),
    *("plan", "by", "note", "promised_seconds", "frozen"),
)
_CHANGES = ("receipt", "status", "at", "recipe", "frozen")


def keep_receipts(state: State, found: Mapping[str, Receipt]) -> None:
    """Adds a row for each receipt that the table does not have as it is. The caller holds the state's lock."""
    kept = {tuple(row.values()) for row in state.rows("receipts", columns=_CHANGES).to_pylist()}
    told = datetime.now(UTC)
    rows = [_row(receipt, told) for receipt in found.values()]
    state.append("receipts", [row for row in rows if tuple(row[name] for name in _CHANGES) not in kept])


def _row(receipt: Receipt, told: datetime) -> dict[str, Any]:
    own = {name: getattr(receipt, name) for name in _PLAIN}
    said = {"receipt": receipt.id, "told_at": told, "status": receipt.status.value}
    return own | said | {"accepted": sorted(receipt.accepted)}
