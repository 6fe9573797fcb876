"""The columns of ORC and Avro files, from what the files say of themselves; their rows are read by Spark.

pyarrow reads ORC, too, and takes dates before 1582 for other ones: it does not look at the calendar that the file names
(*seen*: 1500-01-01, written by Spark, became 1500-01-10).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple

import fastavro
import pyarrow as pa
import pyarrow.orc as orc

from r2d2.errors import LakeError, UnreadableData, UnsupportedData
from r2d2.lake import staging
from r2d2.lake.file_tree import shown
from r2d2.lake.iceberg_manifests import DAMAGED_AVRO
from r2d2.lake.storage import storage_for
from r2d2.model.dataset import DataFile, FileSummary

#: Logical types of Avro that Spark gives as what they are.
_LOGICAL = frozenset(
    (
        "decimal",
        "date",
        *(f"{kind}-{unit}" for kind in ("timestamp", "local-timestamp") for unit in ("millis", "micros")),
    )
)


class Columns(NamedTuple):
    """What a file holds: the same ``schema`` for files that can be read as one table.

    Attributes:
        names: of the columns.
        schema: names and types, as one text.
        rows: None where the file does not say.
    """

    names: tuple[str, ...]
    schema: str
    rows: int | None


def summarize(file: DataFile, format_: str) -> FileSummary:
    """The columns of an ORC or Avro file as its summary; in a store only the needed ends of it are fetched.

    Raises:
        UnreadableData: it is no such file, damaged, gone, or forbidden.
        UnsupportedData: a column holds what Spark would give as something else.
    """
    read = {"orc": _orc_columns, "avro": _avro_columns}[format_]
    try:
        with _opened(file) as source:
            columns = read(source)
    except UnsupportedData:
        raise
    except (OSError, LakeError, pa.ArrowException, *DAMAGED_AVRO) as error:
        raise UnreadableData(f"{shown(file.path)}: can't be read as {_NAMES[format_]}") from error
    return FileSummary(rows=columns.rows or 0, properties={_COLUMNS: list(columns)})


_NAMES = {"orc": "ORC", "avro": "Avro"}
_COLUMNS = "columns"


def columns_of(summary: FileSummary) -> Columns:
    """What ``summarize`` found."""
    names, schema, rows = summary.properties[_COLUMNS]
    return Columns(tuple(names), schema, rows)


def _opened(file: DataFile) -> BinaryIO:
    if staging.is_here(file.path):
        return staging.in_place(file).open("rb")
    return storage_for(file.path).open(file.path, file.tag)


def _orc_columns(source: BinaryIO) -> Columns:
    """*Seen*: ORC keeps of times what clocks show, and not where: Spark makes an instant of it by the time zone of the
    machine, and cuts nanoseconds.
    """
    file = orc.ORCFile(source)
    schema = file.schema
    for field in schema:
        kinds = list(_parts(field.type))
        if any(map(pa.types.is_timestamp, kinds)):
            raise UnsupportedData(f"column {shown(field.name)} holds times, which ORC keeps without a zone")
        if any(map(pa.types.is_union, kinds)):
            raise UnsupportedData(f"column {shown(field.name)} is a union")
    told = base64.b64encode(schema.remove_metadata().serialize().to_pybytes()).decode("ascii")
    return Columns(tuple(schema.names), told, file.nrows)


def orc_fields(columns: Columns) -> tuple[pa.Field, ...]:
    """The columns of an ORC file with their types."""
    return tuple(pa.ipc.read_schema(pa.py_buffer(base64.b64decode(columns.schema))))


def _parts(kind: pa.DataType) -> Iterator[pa.DataType]:
    """The type and those of its fields."""
    yield kind
    for index in range(kind.num_fields):
        yield from _parts(kind.field(index).type)


def _avro_columns(source: BinaryIO) -> Columns:
    schema: Any = fastavro.reader(source).writer_schema
    if not isinstance(schema, dict) or schema.get("type") != "record":
        raise UnsupportedData("it holds something else than records")
    for field in schema["fields"]:
        why = next(_unknown(field["type"]), None)
        if why:
            raise UnsupportedData(f"column {shown(field['name'])} is {why}")
    return Columns(
        tuple(field["name"] for field in schema["fields"]), json.dumps(schema["fields"], sort_keys=True), None
    )


def _unknown(kind: Any) -> Iterator[str]:
    """Why Spark would give an Avro type as something else."""
    if isinstance(kind, list):
        if len([one for one in kind if one != "null"]) > 1:
            yield "a union of several types"
        for one in kind:
            yield from _unknown(one)
    elif isinstance(kind, dict):
        logical = kind.get("logicalType")
        if logical is not None and logical not in _LOGICAL:
            yield f"of the type {shown(str(logical))}"
        for key in ("items", "values", "type"):
            yield from _unknown(kind.get(key))
        for field in kind.get("fields", ()):
            yield from _unknown(field["type"])
