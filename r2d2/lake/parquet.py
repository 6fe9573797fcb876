"""What a Parquet file says of itself, from its footer; only columns of NULLs and INT96 are read (EXACTNESS 2-5, 8)."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from r2d2.errors import UnreadableData, UnsupportedData
from r2d2.lake import parquet_bounds
from r2d2.lake.layout import Column, LeafColumn, Reader, leaf_columns
from r2d2.lake.parquet_bounds import Trust
from r2d2.lake.parquet_footer import Footer, SchemaElement, read_footer
from r2d2.lake.parquet_int96 import INT96, Int96, has_int96, read_int96
from r2d2.lake.parquet_nulls import claims_of_nulls, refuse_false_nulls
from r2d2.lake.parquet_types import columns_of, described, family_of, in_milliseconds, shown
from r2d2.model import family as families
from r2d2.model.comments import comments_property, spark_comments
from r2d2.model.dataset import Bounds, FileSummary, Leaf

#: Compression codecs that DuckDB reads, by their number in the format.
_CODECS = {0: "UNCOMPRESSED", 1: "SNAPPY", 2: "GZIP", 4: "BROTLI", 5: "LZ4", 6: "ZSTD", 7: "LZ4_RAW"}
_BYTE_STREAM_SPLIT = 9
_SPLIT_READ = frozenset({"FLOAT", "DOUBLE", "INT32", "INT64"})
#: Written by Spark where dates and times are in the calendar that had no year 0 and lost ten days in 1582.
_LEGACY_CALENDAR = ("org.apache.spark.legacyDateTime", "org.apache.spark.legacyINT96")
_SPARK_SCHEMA = "org.apache.spark.sql.parquet.row.metadata"
_ARROW_SCHEMA = "ARROW:schema"
#: Property of files that hold times in milliseconds; the reader gives microseconds.
TIMES_IN_MILLISECONDS = "times_in_milliseconds"
_SHOWN_KEYS = ("org.apache.spark.version", "writer.model.name")
_DATED = frozenset({"DATE", "TIMESTAMP", "TIMESTAMP_NS", "TIMESTAMPTZ", INT96})


def summarize(path: Path, whole: Callable[[], Path] | None = None) -> FileSummary:
    """Rows, reader and leaves with null counts and bounds; a file that can't be used says so in its status.

    Args:
        whole: given if ``path`` holds the file's end only: gets all of it, where columns have to be read.

    Raises:
        OSError: the file can't be opened or read.
        UnreadableData: it can't be got.
    """
    try:
        footer = read_footer(path)
        reader = _reader(footer)
        got = whole is not None and (bool(claims_of_nulls(footer)) or has_int96(reader))
        path = whole() if whole is not None and got else path
        refuse_false_nulls(path, footer)
        summary = _summary(footer, reader, read_int96(path, footer, reader))
        return replace(summary, bytes_read=path.stat().st_size) if got else summary
    except UnsupportedData as error:
        return FileSummary(status="unsupported", reason=str(error))
    except UnreadableData as error:
        return FileSummary(status="error", reason=str(error))


def _reader(footer: Footer) -> Reader:
    columns = columns_of(footer.root)
    _refuse_codecs(footer)
    _refuse_encodings(footer)
    _refuse_keys(footer.keys, columns)
    return Reader("parquet", columns)


def _summary(footer: Footer, reader: Reader, int96: Int96) -> FileSummary:
    leaves = tuple(_Leaves(footer, reader, int96).all())
    properties = {"created_by": footer.created_by, "row_groups": len(footer.row_groups)}
    properties |= {key: footer.keys[key] for key in _SHOWN_KEYS if key in footer.keys}
    properties |= _comments(footer.keys)
    properties |= {TIMES_IN_MILLISECONDS: True} if in_milliseconds(footer.root) else {}
    return FileSummary(footer.rows, reader.to_json(), leaves, properties, bytes_read=footer.bytes + int96.bytes_read)


def _comments(keys: Mapping[str, str]) -> dict[str, Any]:
    """What Spark keeps of a table's comments in its files; a key that doesn't decode is ignored."""
    told = keys.get(_SPARK_SCHEMA, "")
    if '"comment"' not in told:
        return {}
    try:
        return comments_property(None, spark_comments(json.loads(told)))
    except (ValueError, RecursionError):
        return {}


def _refuse_codecs(footer: Footer) -> None:
    for _, chunks in footer.row_groups:
        for chunk in chunks:
            if chunk.codec not in _CODECS:
                codec = "LZO" if chunk.codec == 3 else f"codec number {chunk.codec}"
                raise UnsupportedData(f"it is compressed by {codec}, which R2D2 can't read")


def _refuse_encodings(footer: Footer) -> None:
    """DuckDB reads the encoding that splits values into their bytes for four types only."""
    elements = [element for _, element in sorted(_places(footer.root).values(), key=lambda place: place[0])]
    for _, chunks in footer.row_groups:
        for element, chunk in zip(elements, chunks, strict=True):
            if _BYTE_STREAM_SPLIT in chunk.encodings and element.physical not in _SPLIT_READ:
                what = f"is {element.physical} encoded as BYTE_STREAM_SPLIT, which R2D2 can't read"
                raise UnsupportedData(f"column {shown((element.name,))} {what}")


def _refuse_keys(keys: Mapping[str, str], columns: tuple[Column, ...]) -> None:
    legacy = next((key for key in _LEGACY_CALENDAR if key in keys), "")
    dated = next((path for path, kind in _kinds(columns, ()) if kind in _DATED), None) if legacy else None
    if dated is not None:
        raise UnsupportedData(f"column {shown(dated)} is in the legacy calendar (footer key {legacy})")
    if "geo" in keys:
        raise UnsupportedData('GeoParquet (footer key "geo"): DuckDB reads its columns as GEOMETRY')
    duration = _duration(keys.get(_ARROW_SCHEMA, ""))
    if duration:
        raise UnsupportedData(f"column {shown((duration,))} is a duration, whose unit Parquet does not keep")


def _kinds(columns: tuple[Column, ...], path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    for column in columns:
        yield (*path, column.name), column.kind
        yield from _kinds(column.children, (*path, column.name))


def _duration(encoded: str) -> str:
    """The first column that Arrow wrote as a duration. A key that doesn't decode is ignored, as readers do."""
    if not encoded:
        return ""
    try:
        schema = pa.ipc.read_schema(pa.py_buffer(base64.b64decode(encoded, validate=True)))
    except (binascii.Error, ValueError, OSError, pa.ArrowException):
        return ""
    return next((field.name for field in schema if _holds_duration(field.type)), "")


def _holds_duration(kind: pa.DataType) -> bool:
    if isinstance(kind, pa.BaseExtensionType):
        return _holds_duration(kind.storage_type)
    if pa.types.is_dictionary(kind):
        return _holds_duration(kind.value_type)
    return pa.types.is_duration(kind) or any(_holds_duration(kind.field(i).type) for i in range(kind.num_fields))


@dataclass(frozen=True)
class _Leaves:
    """Builds the leaves of one file: each flat one finds its chunks by its place in the schema."""

    footer: Footer
    reader: Reader
    int96: Int96

    def all(self) -> Iterator[Leaf]:
        trust = Trust.in_writer(self.footer.created_by)
        places = _places(self.footer.root)
        for leaf in leaf_columns(self.reader):
            if leaf.presence:
                yield Leaf(leaf.path, (families.PRESENCE,), described(leaf.column), nulls=0)
            elif leaf.column.children:
                yield Leaf(leaf.path, (family_of(leaf.column),), described(leaf.column))
            elif leaf.positions in self.int96.flat:
                yield self._instants(leaf)
            else:
                index, element = places[leaf.positions]
                yield self._flat(leaf, index, element, trust)

    def _instants(self, leaf: LeafColumn) -> Leaf:
        """An INT96 column, all of whose values have been seen."""
        seen = self.int96.flat[leaf.positions]
        found = {families.INSTANT: seen.bounds} if seen.bounds else {}
        return Leaf(leaf.path, (families.INSTANT,), described(leaf.column), self.footer.rows - seen.present, found)

    def _flat(self, leaf: LeafColumn, index: int, element: SchemaElement, trust: Trust) -> Leaf:
        family = family_of(leaf.column)
        chunks = [(rows, group[index]) for rows, group in self.footer.row_groups]
        found: dict[str, Bounds] = {}
        if family in families.ORDERED:
            column = parquet_bounds.Column(index, leaf.path, leaf.column.kind, family, element)
            bounds = parquet_bounds.bounds(chunks, column, trust, self.footer.type_ordered[index])
            found = {family: bounds} if bounds else {}
        nulls = parquet_bounds.null_count(chunks, trust)
        return Leaf(leaf.path, (family,), described(leaf.column), nulls, found)


def _places(root: SchemaElement) -> dict[tuple[int, ...], tuple[int, SchemaElement]]:
    """Positions from the outside in → (place among a row group's chunks, element) of each primitive column."""
    numbers = iter(range(1 << 62))

    def walk(group: SchemaElement, at: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], tuple[int, SchemaElement]]]:
        for position, child in enumerate(group.children):
            if child.children:
                yield from walk(child, (*at, position))
            else:
                yield (*at, position), (next(numbers), child)

    return dict(walk(root, ()))
