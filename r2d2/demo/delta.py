"""A minimal, correct writer of Delta tables without Spark, so that the demo starts fast.

It writes what Delta's protocol asks of a basic table (reader version 1, writer version 2): a JSON commit with
``protocol`` and ``metaData``, and one ``add`` with statistics for each Parquet file. No checkpoints, no features.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from r2d2.demo.writers import hive_name, partitions

#: Delta keeps this many characters of a string in its statistics.
STRING_PREFIX = 32
_NAMESPACE = uuid.UUID("5f1b6f0a-7d0e-4d53-9d3b-0c6a1f6f2d2d")
_WRITTEN_MS = 1_767_225_600_000  # 2026-01-01: fixed, so that the same lake is built each time
_TYPES: dict[pa.DataType, str] = {
    pa.bool_(): "boolean",
    pa.int8(): "byte",
    pa.int16(): "short",
    pa.int32(): "integer",
    pa.int64(): "long",
    pa.float32(): "float",
    pa.float64(): "double",
    pa.string(): "string",
    pa.binary(): "binary",
    pa.date32(): "date",
    pa.timestamp("us", tz="UTC"): "timestamp",
}


def write_delta(directory: Path, commits: Sequence[pa.Table], partition_by: Sequence[str] = ()) -> None:
    """Writes a Delta table whose versions 0, 1, ... append ``commits`` one after the other.

    Raises:
        ValueError: a column's type has no basic Delta type, or partition values are not strings, dates or integers.
    """
    schema = commits[0].schema
    for version, table in enumerate(commits):
        actions = list(_new_table(directory.name, schema, partition_by)) if version == 0 else []
        actions += [_add(directory, part, values, version) for values, part in partitions(table, partition_by)]
        write_commit(directory, version, actions)


def write_commit(directory: Path, version: int, actions: Sequence[dict[str, Any]]) -> None:
    """Writes one commit of a table's log: its actions, one JSON text a line, after the ``commitInfo``."""
    log = directory / "_delta_log"
    log.mkdir(parents=True, exist_ok=True)
    info = {"commitInfo": {"timestamp": _WRITTEN_MS + version, "operation": "WRITE", "operationParameters": {}}}
    lines = [json.dumps(action) for action in [info, *actions]]
    (log / f"{version:020}.json").write_text("\n".join(lines) + "\n", encoding="utf-8")


def shallow_clone(source: Path, target: Path, version: int) -> None:
    """Writes a table at ``target`` whose log refers to the files of ``source`` as of ``version`` by absolute path."""
    kept: dict[str, dict[str, Any]] = {}
    header: list[dict[str, Any]] = []
    for number in range(version + 1):
        for line in (source / "_delta_log" / f"{number:020}.json").read_text(encoding="utf-8").splitlines():
            action = json.loads(line)
            header += [action] if "protocol" in action or "metaData" in action else []
            if "add" in action:
                kept[action["add"]["path"]] = action
    root = quote(str(source.resolve()))
    adds = [{"add": action["add"] | {"path": f"file://{root}/{path}"}} for path, action in kept.items()]
    write_commit(target, 0, [*header, *adds])


def _new_table(name: str, schema: pa.Schema, partition_by: Sequence[str]) -> Iterator[dict[str, Any]]:
    yield {"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}}
    fields = [{"name": f.name, "type": delta_type(f.type), "nullable": True, "metadata": {}} for f in schema]
    yield {
        "metaData": {
            "id": str(uuid.uuid5(_NAMESPACE, name)),
            "format": {"provider": "parquet", "options": {}},
            "schemaString": json.dumps({"type": "struct", "fields": fields}),
            "partitionColumns": list(partition_by),
            "configuration": {},
            "createdTime": _WRITTEN_MS,
        }
    }


def delta_type(kind: pa.DataType) -> str:
    """The name that Delta's schema gives to an Arrow type.

    Raises:
        ValueError: it has none, or only behind a table feature.
    """
    if pa.types.is_decimal128(kind):
        return f"decimal({kind.precision},{kind.scale})"
    if kind not in _TYPES:
        raise ValueError(f"a basic Delta table can't hold the Arrow type {kind}")
    return _TYPES[kind]


def _add(directory: Path, part: pa.Table, values: Sequence[tuple[str, Any]], version: int) -> dict[str, Any]:
    folder = "/".join(hive_name(name, value) for name, value in values)
    unique = uuid.uuid5(_NAMESPACE, f"{directory.name}/{version}/{folder}")
    path = (f"{folder}/" if folder else "") + f"part-00000-{unique}.c000.snappy.parquet"
    (directory / path).parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(part, directory / path)
    return {
        "add": {
            "path": quote(path),
            "partitionValues": {name: None if value is None else str(value) for name, value in values},
            "size": (directory / path).stat().st_size,
            "modificationTime": _WRITTEN_MS + version,
            "dataChange": True,
            "stats": json.dumps(_statistics(part)),
        }
    }


def _statistics(part: pa.Table) -> dict[str, Any]:
    low: dict[str, Any] = {}
    high: dict[str, Any] = {}
    for name in part.column_names:
        column = part[name]
        if column.null_count == len(column) or pa.types.is_binary(column.type) or pa.types.is_boolean(column.type):
            continue
        extremes = pc.min_max(column).as_py()
        low[name], high[name] = _lower(extremes["min"]), _upper(extremes["max"])
    nulls = {name: part[name].null_count for name in part.column_names}
    return {"numRecords": part.num_rows, "minValues": low, "maxValues": high, "nullCount": nulls}


def _lower(value: Any) -> Any:
    if isinstance(value, str):
        return value[:STRING_PREFIX]
    return _number_or_time(value)


def _upper(value: Any) -> Any:
    if isinstance(value, str):
        return value if len(value) <= STRING_PREFIX else value[:STRING_PREFIX] + "\U0010ffff"
    return _number_or_time(value)


def _number_or_time(value: Any) -> Any:
    """Decimals of up to 15 digits are exact as JSON numbers; timestamps are cut to milliseconds, as Delta does."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return value.isoformat() if isinstance(value, date) else value
