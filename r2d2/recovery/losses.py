"""What no recipe gives back, named before anybody approves (DELETION 3)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from r2d2.errors import NotRetirable
from r2d2.lake.file_tree import shown
from r2d2.model.receipt import Acceptance, Receipt
from r2d2.model.recipe import Manifest
from r2d2.recovery.manifest import strangers

_CHANGE_FEED = "delta.enableChangeDataFeed"
_RETENTION = ("delta.logRetentionDuration", "delta.deletedFileRetentionDuration")


def losses(manifest: Manifest) -> tuple[str, ...]:
    """What a rebuild of a dataset does not give back, in words."""
    found = []
    if manifest.format == "delta":
        found.append("the table's history: older versions and who made them")
        if _is_on(_properties(manifest).get(_CHANGE_FEED)):
            found.append("its change data feed")
    others = strangers(manifest)
    if others:
        found.append(f"other files of its directory: {', '.join(map(shown, others[:3]))}")
    return tuple(found)


def refuse_unpurgeable(manifest: Manifest, receipt: Receipt) -> None:
    """Raises if a purge would lose what only its quarantine holds.

    Raises:
        NotRetirable: what would be lost, and what may be accepted.
    """
    properties = _properties(manifest)
    if _is_on(properties.get(_CHANGE_FEED)):
        raise NotRetirable("it has a change data feed, which no recipe gives back", "it stays in quarantine")
    rules = [name for name in _RETENTION if name in properties]
    if rules:
        raise NotRetirable(f"it has a rule on its history ({rules[0]})", "it stays in quarantine")
    others = strangers(manifest)
    if others:
        what = f"its directory holds what no recipe gives back: {shown(others[0])}"
        raise NotRetirable(what, "it stays in quarantine")
    has_history = manifest.format == "delta" and manifest.version != "v0"
    if has_history and Acceptance.HISTORY_LOST not in receipt.accepted:
        raise NotRetirable("its older versions would be lost", "approve it with --accept history-lost")


def _properties(manifest: Manifest) -> Mapping[str, Any]:
    for kind, text in manifest.table:
        if kind == "metaData":
            found: Mapping[str, Any] = json.loads(text)["metaData"].get("configuration") or {}
            return found
    return {}


def _is_on(value: object) -> bool:
    return str(value).lower() == "true"
