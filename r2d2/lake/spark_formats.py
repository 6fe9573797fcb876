"""The columns of ORC and Avro files, from what the files say of themselves; their rows are read by Spark.

pyarrow reads ORC, too, and takes dates before 1582 for other ones: it does not look at the calendar that the file names
(*seen*: 1500-01-01, written by Spark, became 1500-01-10).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import fastavro
import pyarrow as pa
import pyarrow.orc as orc

from r2d2.errors import LakeError, UnreadableData, UnsupportedData
from r2d2.lake.file_tree import shown
from r2d2.lake.iceberg_manifests import DAMAGED_AVRO
from r2d2.lake.storage import storage_for

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
        fields: the columns with their types, of ORC.
    """

    names: tuple[str, ...]
    schema: str
    rows: int | None
    fields: tuple[pa.Field, ...] = ()


def orc_columns(path: str) -> Columns:
    """The columns of an ORC file.

    Raises:
        UnreadableData: it is no ORC file, or damaged.
        UnsupportedData: a column holds times. ORC keeps what clocks show, and not where: Spark makes an instant of it
            by the time zone of the machine, and cuts nanoseconds.
    """
    try:
        with storage_for(path).open(path) as source:
            file = orc.ORCFile(source)
            schema, rows = file.schema, file.nrows
    except (OSError, LakeError, pa.ArrowException) as error:
        raise UnreadableData(f"{_name(path)} can't be read as ORC") from error
    for field in schema:
        kinds = list(_parts(field.type))
        if any(map(pa.types.is_timestamp, kinds)):
            raise UnsupportedData(f"column {shown(field.name)} holds times, which ORC keeps without a zone")
        if any(map(pa.types.is_union, kinds)):
            raise UnsupportedData(f"column {shown(field.name)} is a union")
    return Columns(
        tuple(schema.names), json.dumps([[field.name, str(field.type)] for field in schema]), rows, tuple(schema)
    )


def _parts(kind: pa.DataType) -> Iterator[pa.DataType]:
    """The type and those of its fields."""
    yield kind
    for index in range(kind.num_fields):
        yield from _parts(kind.field(index).type)


def avro_columns(path: str) -> Columns:
    """The columns of an Avro file.

    Raises:
        UnreadableData: it is no Avro file, or its head is damaged.
        UnsupportedData: it holds no records, or a type that Spark has not.
    """
    try:
        with storage_for(path).open(path) as source:
            schema: Any = fastavro.reader(source).writer_schema
    except (OSError, LakeError, *DAMAGED_AVRO) as error:
        raise UnreadableData(f"{_name(path)} can't be read as Avro") from error
    if not isinstance(schema, dict) or schema.get("type") != "record":
        raise UnsupportedData(f"{_name(path)} holds something else than records")
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


def _name(path: str) -> str:
    return shown(path.rpartition("/")[2])
