"""Actions of a Delta checkpoint: v1 (one Parquet file or a part of several), v2, and the files that v2 names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from r2d2.errors import UnreadableData, UnsupportedData
from r2d2.lake.storage import Storage

#: An action: its kind → its content.
Action = Mapping[str, Any]

_NEEDED = (
    "protocol",
    "metaData",
    "sidecar",
    "add.path",
    "add.partitionValues",
    "add.size",
    "add.modificationTime",
    "add.stats",
    "add.stats_parsed.numRecords",
    "add.deletionVector",
)
_MAPS = {"add": ("partitionValues",), "metaData": ("configuration",)}


def read_checkpoint(storage: Storage, path: str, name: str) -> Iterator[Action]:
    """Its ``add``, ``protocol``, ``metaData`` and ``sidecar`` actions; what was removed is of no more use.

    Raises:
        UnreadableData: the file can't be read, or is no checkpoint.
    """
    where = f"_delta_log/{name}"
    try:
        with storage.open(path) as source, pq.ParquetFile(source) as checkpoint:
            rows = checkpoint.read(columns=list(_NEEDED)).to_pylist()
    except (OSError, pa.ArrowException, ValueError) as error:
        raise UnreadableData(f"{where} can't be read as a checkpoint") from error
    if rows and not {"add", "sidecar"} & rows[0].keys():
        raise UnreadableData(f"{where} is no checkpoint: it has no column 'add'")
    for row in rows:
        action = {kind: _with_maps(kind, content, where) for kind, content in row.items() if content is not None}
        if action:
            yield action


def sidecar_name(sidecar: Any, name: str) -> str:
    """The name below the log's directory of a file that a checkpoint's ``sidecar`` action names.

    Raises:
        UnreadableData: the action is none.
        UnsupportedData: the file lies elsewhere.
    """
    path = sidecar.get("path") if isinstance(sidecar, Mapping) else None
    if not isinstance(path, str) or not path:
        raise UnreadableData(f"_delta_log/{name} has a sidecar without a path")
    if "/" in path or path in (".", ".."):
        raise UnsupportedData(f"_delta_log/{name} names a sidecar by a path, not by its name")
    return f"_sidecars/{path}"


def _with_maps(kind: str, content: Any, where: str) -> Mapping[str, Any]:
    """Arrow gives a map as pairs; a map with one key twice is refused."""
    if not isinstance(content, dict):
        raise UnreadableData(f"{where} has something else than a struct as {kind}")
    opened = dict(content)
    for key in _MAPS.get(kind, ()):
        pairs = content.get(key)
        if pairs is None:
            continue
        if not isinstance(pairs, list) or not all(isinstance(pair, tuple) for pair in pairs):
            raise UnreadableData(f"{where} has something else than a map as {kind}.{key}")
        opened[key] = dict(pairs)
        if len(opened[key]) < len(pairs):
            raise UnreadableData(f"{where} has one key twice in {kind}.{key}")
    return opened
