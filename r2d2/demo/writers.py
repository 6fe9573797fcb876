"""How the demo's datasets are written: the file layouts and text forms that people leave in lakes."""

from __future__ import annotations

import csv
import gzip
import io
import json
import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

#: Writes a table at a path, which becomes a file or a directory.
Writer = Callable[[Path, pa.Table], None]

_NAMESPACE = uuid.UUID("0b1d4f6e-52b4-4d0e-8f5c-6d1a6f0c2d2d")
#: What Hive and Spark escape in the name of a partition directory.
_ESCAPED = set("\"#%'*/:=?\\\x7f{[]^") | {chr(code) for code in range(32)}
_HIVE_NULL = "__HIVE_DEFAULT_PARTITION__"


def parquet(codec: str = "snappy", row_group: int = 1 << 20) -> Writer:
    """One Parquet file; ``row_group`` in rows."""

    def write(path: Path, table: pa.Table) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, path, compression=codec, row_group_size=row_group)

    return write


def parts(count: int, codec: str = "snappy", row_group: int = 1 << 20) -> Writer:
    """A directory of ``count`` files as Spark leaves it, with its marker and checksum files."""

    def write(path: Path, table: pa.Table) -> None:
        path.mkdir(parents=True)
        step = -(-table.num_rows // count)
        for number in range(count):
            unique = uuid.uuid5(_NAMESPACE, f"{path.name}/{number}")
            file = path / f"part-{number:05}-{unique}-c000.{codec}.parquet"
            part = table.slice(number * step, step)
            pq.write_table(part, file, compression=codec, row_group_size=row_group)
            (path / f".{file.name}.crc").write_bytes(b"crc\x00\x00\x00\x02\x00")
        (path / "_SUCCESS").touch()

    return write


def hive(*columns: str) -> Writer:
    """A directory with a level of ``column=value`` directories for each of ``columns``."""

    def write(path: Path, table: pa.Table) -> None:
        for values, part in partitions(table, columns):
            folder = path.joinpath(*(hive_name(name, value) for name, value in values))
            folder.mkdir(parents=True)
            pq.write_table(part, folder / "part-00000.parquet")

    return write


def separated(delimiter: str = ",", compressed: bool = False) -> Writer:
    """A CSV or TSV file with a header; NULL is an unquoted empty field."""

    def write(path: Path, table: pa.Table) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        buffer = io.StringIO(newline="")
        writer = csv.writer(buffer, delimiter=delimiter, lineterminator="\n")
        writer.writerow(table.column_names)
        writer.writerows(zip(*(column.to_pylist() for column in table.columns), strict=True))
        content = buffer.getvalue().encode()
        path.write_bytes(gzip.compress(content, mtime=0) if compressed else content)

    return write


def json_lines(path: Path, table: pa.Table) -> None:
    """One JSON object a line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, default=_json) + "\n" for row in table.to_pylist()), encoding="utf-8")


def json_array(path: Path, table: pa.Table) -> None:
    """One array of objects, indented as people's scripts leave it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(table.to_pylist(), default=_json, indent=2, ensure_ascii=False), encoding="utf-8")


def partitions(table: pa.Table, columns: Sequence[str]) -> Iterator[tuple[tuple[tuple[str, Any], ...], pa.Table]]:
    """The rows for each combination of values of ``columns``, without those columns, in the order of the values."""
    if not columns:
        yield (), table
        return
    name, rest = columns[0], columns[1:]
    values = pc.unique(table[name]).to_pylist()
    for value in sorted(values, key=lambda v: (v is None, v)):
        mask = pc.is_null(table[name]) if value is None else pc.equal(table[name], pa.scalar(value, table[name].type))
        for inner, part in partitions(table.filter(mask).drop_columns([name]), rest):
            yield ((name, value), *inner), part


def hive_name(column: str, value: Any) -> str:
    """The directory name of a partition, escaped as Hive and Spark do."""
    text = _HIVE_NULL if value is None else str(value)
    return "=".join("".join(quote(c, safe="") if c in _ESCAPED else c for c in part) for part in (column, text))


def _json(value: Any) -> Any:
    """TPC-H's decimals have at most 15 digits, so the shortest spelling of the double is exact."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, date):
        return value.isoformat()
    raise ValueError(f"JSON has no form for {type(value).__name__}")
