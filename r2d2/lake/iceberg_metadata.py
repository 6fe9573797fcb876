"""The metadata file of an Iceberg table: its snapshots, branches and tags, and where its manifests are listed.

Only what tells whose files are whose is taken from it; rows are read by Iceberg's own reader, from the same file.
"""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from r2d2.errors import UnreadableData, UnsupportedData
from r2d2.lake.file_tree import joined, shown
from r2d2.lake.storage import Storage

_VERSIONED = re.compile(r"v(\d{1,18})(\.gz)?\.metadata\.json(\.gz)?")
_SUFFIXES = (".metadata.json", ".metadata.json.gz")
#: What reading a metadata file raises that is none, or lies: it names a schema that it has not, or no number.
_DAMAGED = (
    *(ValueError, KeyError, TypeError, AttributeError, EOFError, RecursionError, OverflowError, StopIteration),
    zlib.error,
)
_HINT = "version-hint.text"
#: Why a table that a catalog keeps can't be read from its directory: the newest metadata file need not be committed.
ONLY_ITS_CATALOG = (
    "which of its metadata files is the current one only its catalog knows: give catalog:CATALOG.DATABASE"
)


@dataclass(frozen=True)
class Snapshot:
    """A snapshot of a table.

    Attributes:
        id: of the snapshot.
        manifest_list: path of the file that names its manifests; empty where ``manifests`` names them (format 1).
        manifests: paths.
        parent: id of the snapshot that it was made from; None if of none.
        operation: ``append``, ``replace``, ``overwrite`` or ``delete``; empty where old tables don't say.
    """

    id: int
    manifest_list: str
    manifests: tuple[str, ...] = ()
    parent: int | None = None
    operation: str = ""


@dataclass(frozen=True)
class IcebergMetadata:
    """A table as one of its metadata files describes it.

    Attributes:
        path: of the metadata file, as storage knows it.
        format_version: of the table format: 1 to 3.
        table_id: the table's UUID; empty in old tables of format 1.
        location: the directory that the table calls its own.
        updated_ms: last change, milliseconds since 1970-01-01 UTC.
        current: the snapshot that readers see; None where the table has never had rows.
        snapshots: all that are kept.
        branches: name → id of the snapshot.
        tags: name → id of the snapshot.
        properties: of the table.
        schema: JSON of the current schema.
        partitioning: transforms and source columns of the current partitioning, for people.
        earlier: paths of earlier metadata files and of statistics files.
    """

    path: str
    format_version: int
    table_id: str
    location: str
    updated_ms: int
    current: Snapshot | None
    snapshots: tuple[Snapshot, ...]
    branches: Mapping[str, int]
    tags: Mapping[str, int]
    properties: Mapping[str, str]
    schema: str
    partitioning: tuple[str, ...]
    earlier: tuple[str, ...]


def current_metadata(names: Sequence[str], hint: str | None) -> str:
    """The name of the current metadata file of a table that no catalog keeps, as Iceberg's ``HadoopTables`` finds it.

    A table of this kind has files ``v1.metadata.json``, ``v2.metadata.json``, ... and the newest is the current one: to
    write the next is to commit. The hint only says where to begin.

    Args:
        names: of the files in ``metadata``.
        hint: content of ``version-hint.text``, None if there is none.

    Raises:
        UnsupportedData: only a catalog can tell; the table has files of both kinds, or one version in two files.
        UnreadableData: there is a gap, or the hint is damaged or leads nowhere.
    """
    named = [name for name in names if name.endswith(_SUFFIXES)]
    versions: dict[int, str] = {}
    for name in named:
        found = _VERSIONED.fullmatch(name)
        if found is None:
            raise UnsupportedData(ONLY_ITS_CATALOG)
        if versions.setdefault(int(found[1]), name) != name:
            raise UnsupportedData(f"version {int(found[1])} of its metadata is in two files")
    if not versions:
        raise UnreadableData("it has no metadata file")
    newest = max(versions)
    start = newest if hint is None else _hinted(hint)
    missing = next((version for version in range(start, newest + 1) if version not in versions), None)
    if missing is not None or start > newest:
        raise UnreadableData(f"metadata/{_HINT} or a commit is damaged: version {missing or start} is missing")
    return versions[newest]


def metadata_files(storage: Storage, location: str) -> tuple[str, ...]:
    """Paths of all metadata files in the directory of a table, current or not, sorted.

    Raises:
        UnreadableData: the directory can't be listed.
    """
    names, _ = _listed(storage, joined(location, "metadata"))
    return tuple(joined(location, f"metadata/{name}") for name in sorted(names) if name.endswith(_SUFFIXES))


def current_file(storage: Storage, location: str) -> str:
    """The path of the metadata file that is current, if the directory alone says so.

    Raises:
        UnreadableData: what is there contradicts itself, or can't be read.
        UnsupportedData: only a catalog can tell.
    """
    directory = joined(location, "metadata")
    return joined(directory, current_metadata(*_listed(storage, directory)))


def _listed(storage: Storage, directory: str) -> tuple[list[str], str | None]:
    """Names of the files, and the hint."""
    try:
        names = storage.names(directory)
        return names, storage.read_bytes(joined(directory, _HINT)).decode(
            "utf-8", "replace"
        ) if _HINT in names else None
    except OSError as error:
        raise UnreadableData(f"its directory metadata can't be read: {error.strerror or error}") from error


def read_metadata(storage: Storage, path: str) -> IcebergMetadata:
    """The metadata file at ``path``.

    Raises:
        UnreadableData: it is missing or damaged.
        UnsupportedData: the table is of a format version that is not known.
    """
    name = shown(path.rpartition("/")[2])
    try:
        content = storage.read_bytes(path)
        # compressed ones are known by their first bytes; both spellings of the name are in use
        text = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
        return _parsed(json.loads(text), path)
    except OSError as error:
        raise UnreadableData(f"{name} can't be read: {error.strerror or error}") from error
    except _DAMAGED as error:
        raise UnreadableData(f"{name} is damaged") from error


def _hinted(hint: str) -> int:
    if not re.fullmatch(r"[0-9]{1,18}", hint.strip()):
        raise UnreadableData(f"metadata/{_HINT} holds no version")
    return int(hint)


def _parsed(raw: Mapping[str, Any], path: str) -> IcebergMetadata:
    version = raw["format-version"]
    if version not in (1, 2, 3):
        raise UnsupportedData(f"Iceberg tables of format version {shown(str(version))} are not known")
    snapshots = {snapshot.id: snapshot for snapshot in map(_snapshot, raw.get("snapshots") or ())}
    refs = {str(name): (ref["type"], int(ref["snapshot-id"])) for name, ref in (raw.get("refs") or {}).items()}
    now = raw.get("current-snapshot-id")
    schema = _current(raw, "schemas", "schema-id", "current-schema-id", "schema")
    logged = [entry["metadata-file"] for entry in raw.get("metadata-log") or ()]
    kept = [*(raw.get("statistics") or ()), *(raw.get("partition-statistics") or ())]
    return IcebergMetadata(
        path=path,
        format_version=version,
        table_id=str(raw.get("table-uuid", "")),
        location=str(raw["location"]),
        updated_ms=int(raw["last-updated-ms"]),
        current=None if now in (None, -1) else snapshots[int(now)],
        snapshots=tuple(snapshots.values()),
        branches={name: snapshot for name, (kind, snapshot) in sorted(refs.items()) if kind == "branch"},
        tags={name: snapshot for name, (kind, snapshot) in sorted(refs.items()) if kind == "tag"},
        properties={str(key): str(value) for key, value in (raw.get("properties") or {}).items()},
        schema=json.dumps(schema, sort_keys=True),
        partitioning=_partitioning(raw, schema),
        earlier=tuple(map(str, [*logged, *(entry["statistics-path"] for entry in kept)])),
    )


def _snapshot(raw: Mapping[str, Any]) -> Snapshot:
    listed, parent = raw.get("manifest-list"), raw.get("parent-snapshot-id")
    return Snapshot(
        id=int(raw["snapshot-id"]),
        manifest_list=str(listed or ""),
        manifests=tuple(map(str, raw["manifests"])) if not listed else (),
        parent=None if parent is None else int(parent),
        operation=str((raw.get("summary") or {}).get("operation", "")),
    )


def _current(raw: Mapping[str, Any], many: str, key: str, which: str, single: str) -> Mapping[str, Any]:
    """The current schema; old tables of format 1 have just one."""
    if raw.get(many) is None:
        only: Mapping[str, Any] = raw[single]
        return only
    return next(entry for entry in raw[many] if entry[key] == raw[which])


def _partitioning(raw: Mapping[str, Any], schema: Mapping[str, Any]) -> tuple[str, ...]:
    names = {field["id"]: field["name"] for field in schema["fields"]}
    if raw.get("partition-specs") is None:
        fields = raw["partition-spec"]
    else:
        fields = next(s for s in raw["partition-specs"] if s["spec-id"] == raw["default-spec-id"])["fields"]
    return tuple(f"{field['transform']}({names.get(field['source-id'], '?')})" for field in fields)
