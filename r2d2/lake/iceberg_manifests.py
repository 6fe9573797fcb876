"""The files of an Iceberg table, from its manifests: Avro files, read through ``Storage`` as everything else.

Iceberg's metadata tables would tell the same, and ask for a Spark session and several jobs for each table.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import Any, NamedTuple, TypeVar

import fastavro
from fastavro.schema import SchemaParseException

from r2d2.errors import LakeError, UnreadableData, UnsupportedData
from r2d2.lake.file_tree import shown
from r2d2.lake.hadoop_paths import local_path
from r2d2.lake.iceberg_metadata import IcebergMetadata, Snapshot
from r2d2.lake.storage import storage_for

_Item = TypeVar("_Item")

_DELETED = 2
_KINDS = {0: "rows", 1: "position deletes", 2: "equality deletes"}
#: What fastavro raises on a file that is cut or no Avro file at all.
DAMAGED_AVRO = (
    *(ValueError, EOFError, KeyError, TypeError, AttributeError, IndexError, OverflowError, RecursionError),
    *(zlib.error, SchemaParseException),
)


class IcebergFile(NamedTuple):
    """A file of rows, or of deletes.

    Attributes:
        path: absolute path or URL.
        kind: ``rows``, ``position deletes`` or ``equality deletes``.
        rows: of the file; what deletes take away is not subtracted.
        size: bytes.
        format: ``PARQUET``, ``ORC`` or ``AVRO``.
    """

    path: str
    kind: str
    rows: int
    size: int
    format: str


@dataclass
class IcebergFiles:
    """Files of a table.

    Attributes:
        live: of the current snapshot.
        referred: every path that the metadata leads to, from any snapshot, branch or tag: other tables may own them.
        problem: why not all could be followed; None if it could.
    """

    live: list[IcebergFile]
    referred: set[str]
    problem: UnreadableData | UnsupportedData | None = None


def table_files(metadata: IcebergMetadata, within: Sequence[str]) -> IcebergFiles:
    """Files of all snapshots; each manifest is read once, however many snapshots share it.

    A manifest that is missing, damaged or outside of ``within`` (links resolved) hides no other one's files.
    """
    found = IcebergFiles([], {local_path(path) for path in (metadata.path, *metadata.earlier)})
    seen: dict[str, tuple[IcebergFile, ...]] = {}
    for snapshot in metadata.snapshots:
        found.referred.add(local_path(snapshot.manifest_list or metadata.path))
        for manifest in _tried(_manifests(snapshot, within), found):
            if manifest not in seen:
                seen[manifest] = tuple(_tried(_entries(manifest, within), found))
            if metadata.current is not None and snapshot.id == metadata.current.id:
                found.live += seen[manifest]
    found.referred.update(seen, (file.path for files in seen.values() for file in files))
    return found


def _tried(items: Iterator[_Item], found: IcebergFiles) -> Iterator[_Item]:
    try:
        yield from items
    except (UnreadableData, UnsupportedData) as error:
        found.problem = found.problem or error


def _manifests(snapshot: Snapshot, within: Sequence[str]) -> Iterator[str]:
    if not snapshot.manifest_list:
        yield from map(local_path, snapshot.manifests)
        return
    path = local_path(snapshot.manifest_list)
    for record in _records(path, within):
        with _damage_of(path):
            manifest = local_path(record["manifest_path"])
        yield manifest


def _entries(manifest: str, within: Sequence[str]) -> Iterator[IcebergFile]:
    """Files that the manifest adds or keeps; what it removes is live in older snapshots only, if those are kept."""
    for record in _records(manifest, within):
        with _damage_of(manifest):
            file = None if record["status"] == _DELETED else _file(record["data_file"])
        if file is not None:
            yield file


def _file(told: Mapping[str, Any]) -> IcebergFile:
    kind, path = _KINDS[told.get("content", 0)], local_path(told["file_path"])
    return IcebergFile(
        path, kind, int(told["record_count"]), int(told["file_size_in_bytes"]), str(told["file_format"]).upper()
    )


def _records(path: str, within: Sequence[str]) -> Iterator[dict[str, Any]]:
    try:
        storage = storage_for(path)
        if not storage.inside(path, within):
            raise UnsupportedData(f"its metadata names {shown(path)}, which lies outside of the lake's roots")
        content = BytesIO(storage.read_bytes(path))
    except (OSError, LakeError, ValueError) as error:
        raise UnreadableData(f"{_name(path)} can't be read: {getattr(error, 'strerror', None) or error}") from error
    with _damage_of(path):
        for record in fastavro.reader(content):
            if not isinstance(record, dict):
                raise UnreadableData(f"{_name(path)} holds something else than records")
            yield record


@contextmanager
def _damage_of(path: str) -> Iterator[None]:
    try:
        yield
    except DAMAGED_AVRO as error:
        raise UnreadableData(f"{_name(path)} is damaged") from error


def _name(path: str) -> str:
    return f"metadata/{shown(path.rpartition('/')[2])}"
