"""The smallest Iceberg tables, written without Spark: metadata, a manifest list and a manifest for each snapshot."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import fastavro

_ENTRY = {
    "type": "record",
    "name": "manifest_entry",
    "fields": [
        {"name": "status", "type": "int"},
        {
            "name": "data_file",
            "type": {
                "type": "record",
                "name": "r2",
                "fields": [
                    {"name": "content", "type": "int"},
                    {"name": "file_path", "type": "string"},
                    {"name": "record_count", "type": "long"},
                    {"name": "file_size_in_bytes", "type": "long"},
                ],
            },
        },
    ],
}
_LIST = {"type": "record", "name": "manifest_file", "fields": [{"name": "manifest_path", "type": "string"}]}
ADDED, DELETED = 1, 2


def entry(path: Path, status: int = ADDED, content: int = 0, rows: int = 1) -> dict[str, Any]:
    """An entry of a manifest for a file that is there."""
    size = path.stat().st_size if path.exists() else 0
    file = {"content": content, "file_path": str(path), "record_count": rows, "file_size_in_bytes": size}
    return {"status": status, "data_file": file}


def manifest(table: Path, name: str, entries: Sequence[dict[str, Any]]) -> Path:
    """Writes a manifest and the list that names it; gives the list's path."""
    directory = table / "metadata"
    directory.mkdir(parents=True, exist_ok=True)
    _avro(directory / f"{name}.avro", _ENTRY, entries)
    _avro(directory / f"snap-{name}.avro", _LIST, [{"manifest_path": str(directory / f"{name}.avro")}])
    return directory / f"snap-{name}.avro"


def metadata(table: Path, file: str, lists: Sequence[Path], **changed: Any) -> Path:
    """Writes a metadata file whose newest snapshot has the last of the manifest lists."""
    (table / "metadata").mkdir(parents=True, exist_ok=True)
    content = {
        "format-version": 2,
        "table-uuid": "u",
        "location": str(table),
        "last-updated-ms": 1_700_000_000_000,
        "schemas": [{"schema-id": 0, "type": "struct", "fields": [{"id": 1, "name": "a", "type": "long"}]}],
        "current-schema-id": 0,
        "partition-specs": [{"spec-id": 0, "fields": []}],
        "default-spec-id": 0,
        "current-snapshot-id": len(lists) or -1,
        "snapshots": [{"snapshot-id": n, "manifest-list": str(path)} for n, path in enumerate(lists, 1)],
        "refs": {"main": {"type": "branch", "snapshot-id": len(lists)}} if lists else {},
        **changed,
    }
    path = table / "metadata" / file
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def _avro(path: Path, schema: dict[str, Any], records: Sequence[dict[str, Any]]) -> None:
    with path.open("wb") as stream:
        fastavro.writer(stream, schema, records)
