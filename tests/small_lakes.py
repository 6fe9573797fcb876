"""Lakes of a few files, and their listing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from r2d2.catalog.discovery import discover
from r2d2.catalog.listing import Candidate, Listing
from r2d2.config import DiscoverySettings

SCHEMA = json.dumps({"type": "struct", "fields": []})


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)


def delta(table: Path, *paths: str, protocol: dict[str, Any] | None = None) -> None:
    """A table whose log names ``paths``; relative ones are made."""
    touch(table, *(path for path in paths if not path.startswith("/")))
    metadata = {"id": str(table), "schemaString": SCHEMA, "partitionColumns": [], "configuration": {"a": "b"}}
    actions: list[dict[str, Any]] = [{"protocol": protocol or {"minReaderVersion": 1}}, {"metaData": metadata}]
    for path in paths:
        size = (table / path).stat().st_size
        actions.append({"add": {"path": path, "partitionValues": {}, "size": size, "modificationTime": 1}})
    (table / "_delta_log").mkdir(parents=True)
    (table / f"_delta_log/{0:020d}.json").write_text("".join(json.dumps(action) + "\n" for action in actions))


def found(*roots: Path | str, state: str | None = None, **settings: Any) -> Listing:
    return discover([str(root) for root in roots], DiscoverySettings(**settings), state, None)


def by_id(listing: Listing) -> dict[str, Candidate]:
    assert [c.id for c in listing.candidates] == sorted({c.id for c in listing.candidates})
    return {candidate.id: candidate for candidate in listing.candidates}


def ids(*roots: Path | str, **settings: Any) -> list[str]:
    return [candidate.id for candidate in found(*roots, **settings).candidates]
