"""Headers of Parquet files: schema to the last annotation and key-value metadata, and how the writer is to write.

Of the two kinds of annotation that the format has only the newer one is kept, or what the older one means in its terms;
the format calls them the same. ``INT(32)`` and ``INT(64)``, signed, are no annotation. Names and field ids of the
groups inside lists and maps count, the root's don't.
"""

from __future__ import annotations

import base64
import binascii
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from r2d2.lake.parquet_footer import Footer, SchemaElement, read_footer
from r2d2.lake.parquet_types import LOGICAL_TYPES, TIME_UNITS
from r2d2.recovery.formats.headers import PARQUET, pack

ARROW_SCHEMA = "ARROW:schema"
_FIELD_ID = b"PARQUET:field_id"
#: Compression codecs by their number in the format, as pyarrow calls them; the older LZ4 comes back as the newer one.
_CODECS = {0: "none", 1: "snappy", 2: "gzip", 4: "brotli", 5: "lz4", 6: "zstd", 7: "lz4"}
#: What the older annotations mean. The one of groups inside maps (2) says nothing.
_CONVERTED: Mapping[int, list[Any] | None] = {
    0: ["STRING"], 1: ["MAP"], 2: None, 3: ["LIST"], 4: ["ENUM"], 6: ["DATE"], 7: ["TIME", True, "MILLIS"],
    8: ["TIME", True, "MICROS"], 9: ["TIMESTAMP", True, "MILLIS"], 10: ["TIMESTAMP", True, "MICROS"],
    11: ["INTEGER", 8, False], 12: ["INTEGER", 16, False], 13: ["INTEGER", 32, False], 14: ["INTEGER", 64, False],
    15: ["INTEGER", 8, True], 16: ["INTEGER", 16, True], 17: None, 18: None, 19: ["JSON"], 20: ["BSON"],
    21: ["INTERVAL"],
}  # fmt: skip
_DECIMAL = 5


def parquet_header(path: Path) -> str:
    """The header of a Parquet file, from its footer.

    Raises:
        UnreadableData: it has no footer that decodes.
        pyarrow.ArrowException: pyarrow can't read files of this schema.
        OSError: it can't be opened or read.
    """
    footer = read_footer(path)
    with pq.ParquetFile(path, arrow_extensions_enabled=True) as file:
        metadata, schema = file.metadata, file.schema_arrow
    keys = sorted((_name(key), _name(value)) for key, value in (metadata.metadata or {}).items())
    identity = {
        "columns": [_element(child) for child in footer.root.children],
        "keys": [[key, value] for key, value in keys if key != ARROW_SCHEMA],
        "arrow": _arrow_schema(dict(keys).get(ARROW_SCHEMA)),
    }
    advice = {
        "schema": base64.b64encode(as_written(schema).serialize().to_pybytes()).decode("ascii"),
        "keys": keys,
        "compression": _codec(footer),
        "row_group": _row_group(footer),
        "created_by": metadata.created_by,
    }
    return pack(PARQUET, identity, advice)


def as_written(schema: pa.Schema) -> pa.Schema:
    """The schema that Parquet keeps by itself: without what only ``ARROW:schema`` says (layouts, dictionaries)."""
    return pa.schema([_as_written(field) for field in schema])


def _as_written(field: pa.Field) -> pa.Field:
    ids = {_FIELD_ID: field.metadata[_FIELD_ID]} if field.metadata and _FIELD_ID in field.metadata else None
    return pa.field(field.name, _type_as_written(field.type), field.nullable, ids)


def _type_as_written(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_dictionary(kind):
        return _type_as_written(kind.value_type)
    if pa.types.is_struct(kind):
        return pa.struct([_as_written(field) for field in kind])
    if pa.types.is_map(kind):
        return pa.map_(_as_written(kind.key_field), _as_written(kind.item_field))
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return pa.list_(_as_written(kind.value_field))
    if pa.types.is_string_view(kind) or pa.types.is_large_string(kind):
        return pa.string()
    if pa.types.is_binary_view(kind) or pa.types.is_large_binary(kind):
        return pa.binary()
    return kind


def _name(text: bytes) -> str:
    return text.decode("utf-8", "surrogateescape")


def _element(element: SchemaElement) -> list[Any]:
    physical = f"{element.physical}({element.length})" if element.length else element.physical
    children = [_element(child) for child in element.children]
    return [element.name, element.repetition, physical, _annotation(element), element.field_id, children]


def _annotation(element: SchemaElement) -> list[Any] | None:
    """What the values of an element are, in the terms of the newer annotations."""
    if element.logical is None:
        if element.converted == _DECIMAL:
            return ["DECIMAL", element.precision, element.scale or 0]
        converted = element.converted
        return None if converted is None else _CONVERTED.get(converted, ["CONVERTED", converted])
    number, fields = element.logical
    if number == _DECIMAL:
        return ["DECIMAL", fields.get(2), fields.get(1)]
    found = [LOGICAL_TYPES.get(number, number), *(_plain(fields[key]) for key in sorted(fields))]
    return None if found in (["INTEGER", 32, True], ["INTEGER", 64, True]) else found


def _plain(value: Any) -> Any:
    """A field of an annotation as JSON holds it; a unit is a union of empty structures."""
    if isinstance(value, dict):
        return TIME_UNITS.get(next(iter(value), 0), sorted(value)) if len(value) == 1 else _items(value)
    return _name(value) if isinstance(value, bytes) else value


def _items(value: Mapping[int, Any]) -> list[Any]:
    return [[key, _plain(value[key])] for key in sorted(value)]


def _arrow_schema(encoded: str | None) -> Any:
    """What Arrow keeps of its types, decoded: its bytes depend on who wrote them. As text where they don't decode."""
    if encoded is None:
        return None
    try:
        schema = pa.ipc.read_schema(pa.py_buffer(base64.b64decode(encoded, validate=True)))
    except (binascii.Error, ValueError, OSError, pa.ArrowException):
        return encoded
    return [[_arrow_field(field) for field in schema], _metadata(schema.metadata)]


def _arrow_field(field: pa.Field) -> list[Any]:
    kind = field.type
    children = [_arrow_field(kind.field(i)) for i in range(kind.num_fields)]
    return [field.name, str(kind), field.nullable, _metadata(field.metadata), children]


def _metadata(found: Mapping[bytes, bytes] | None) -> list[list[str]]:
    return sorted([_name(key), _name(value)] for key, value in (found or {}).items())


def _codec(footer: Footer) -> str:
    """The compression of most columns; none where there is no row group."""
    found = Counter(chunk.codec for _, chunks in footer.row_groups for chunk in chunks)
    return _CODECS.get(found.most_common(1)[0][0], "zstd") if found else "snappy"


def _row_group(footer: Footer) -> int:
    """Rows of the largest group, up to a power of two so that few files differ; 0 where all rows are in one."""
    most = max((rows for rows, _ in footer.row_groups), default=0)
    return 1 << (most - 1).bit_length() if len(footer.row_groups) > 1 and most else 0
