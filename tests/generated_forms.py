"""The forms in which a generated table is written: Parquet by three writers, Delta, CSV, JSON; and what each holds.

A form gives the files, and the leaves that ``oracle_pairs`` compares, made from the Python values alone.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import deltalake
import duckdb
import polars
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import strategies as st

from r2d2.catalog.listing import Candidate
from tests.containment_runs import candidate, data_file, discovered
from tests.generated_tables import GeneratedTable, Value, arrow_tables
from tests.oracle_pairs import JsonNumber, Leaves, json_leaves, text_column, typed_leaves

#: Families that text spells exactly.
TEXT_FAMILIES = ("small", "wide", "tall", "fine", "floating", "string", "boolean", "date", "timestamp", "instant")
_NO_POLARS = {"map"}  # it writes a list of structs
_NOT_IN_JSON = {"binary"}


@dataclass(frozen=True)
class Written:
    """A table as it lies on disk, and what is in it."""

    candidate: Candidate
    leaves: Leaves


@dataclass(frozen=True)
class Storage:
    """How a Parquet table is written: by how many files, and how each looks inside."""

    files: int
    group_rows: int
    dictionary: bool
    statistics: bool
    compression: str
    page_version: str


STORAGES = st.builds(
    Storage,
    st.sampled_from([1, 1, 2]),
    st.sampled_from([1, 3, 1000]),
    st.booleans(),
    st.sampled_from([True, True, False]),
    st.sampled_from(["NONE", "SNAPPY", "ZSTD"]),
    st.sampled_from(["1.0", "2.0"]),
)


def forms_of(table: GeneratedTable) -> list[str]:
    """The forms that hold all the table's values."""
    families = {column.family for column in table.columns}
    forms = ["arrow", "duckdb"] if families & _NO_POLARS else ["arrow", "duckdb", "polars"]
    if all(_in_microseconds(table, place) for place in range(len(table.columns))):
        forms.append("delta")
    if families <= set(TEXT_FAMILIES):
        forms.append("csv")
    if not families & _NOT_IN_JSON:
        forms.append("json")
    return forms


def _in_microseconds(table: GeneratedTable, place: int) -> bool:
    family = table.columns[place].family
    if family == "list<timestamp>":
        return all(moment is None or moment % 1000 == 0 for value in table.values(place) for moment in value or [])
    return family != "timestamp" or all(value is None or value % 1000 == 0 for value in table.values(place))


@st.composite
def written(draw: st.DrawFn, table: GeneratedTable, form: str, directory: Path, name: str) -> Written:
    """Writes the table under a drawn dialect, storage and types."""
    if form == "csv":
        return draw(_csv(table, directory, name))
    if form == "json":
        return draw(_json(table, directory, name))
    leaves: Leaves = {}
    for place, column in enumerate(table.columns):
        leaves |= typed_leaves(column.name, column.compared_as, table.values(place))
    data = draw(arrow_tables(table, delta=form == "delta"))
    if form == "delta":
        return Written(_delta(data, directory / name, draw(st.booleans())), leaves)
    storage = draw(STORAGES)
    pieces = [data] if storage.files == 1 or data.num_rows < 2 else [data.slice(0, 1), data.slice(1)]
    paths = [directory / f"{name}-{i}.parquet" for i in range(len(pieces))]
    for path, piece in zip(paths, pieces, strict=True):
        _WRITERS[form](piece, path, storage)
    return Written(candidate(name, "parquet", [data_file(path) for path in paths], paths[0]), leaves)


def _by_arrow(table: pa.Table, path: Path, storage: Storage) -> None:
    pq.write_table(
        table,
        path,
        row_group_size=storage.group_rows,
        use_dictionary=storage.dictionary,
        write_statistics=storage.statistics,
        compression=storage.compression,
        data_page_version=storage.page_version,
        version="2.6",
    )


def _by_polars(table: pa.Table, path: Path, storage: Storage) -> None:
    plain = pa.table({name: _without_dictionary(table[name]) for name in table.column_names})
    frame = polars.from_arrow(plain)
    assert isinstance(frame, polars.DataFrame)
    compression: Any = {"NONE": "uncompressed"}.get(storage.compression, storage.compression.lower())
    frame.write_parquet(path, compression=compression, statistics=storage.statistics, row_group_size=storage.group_rows)


def _without_dictionary(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Polars writes a dictionary as an enumeration, which is text to readers that know of it only."""
    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column


def _by_duckdb(table: pa.Table, path: Path, storage: Storage) -> None:
    compression = {"NONE": "uncompressed"}.get(storage.compression, storage.compression.lower())
    version = {"1.0": "V1", "2.0": "V2"}[storage.page_version]
    with duckdb.connect(config={"threads": 1}) as con:
        con.register("given", table)
        con.execute(
            f"COPY (SELECT * FROM given) TO '{path}' (FORMAT parquet, COMPRESSION {compression},"
            f" ROW_GROUP_SIZE {max(2048, storage.group_rows)}, PARQUET_VERSION {version})"
        )


_WRITERS: dict[str, Callable[[pa.Table, Path, Storage], None]] = {
    "arrow": _by_arrow,
    "polars": _by_polars,
    "duckdb": _by_duckdb,
}


def _delta(table: pa.Table, path: Path, in_parts: bool) -> Candidate:
    """A table by delta-rs, of one commit or of two."""
    plain = pa.table({name: _without_dictionary(table[name]) for name in table.column_names})
    pieces = [plain.slice(0, 1), plain.slice(1)] if in_parts and plain.num_rows > 1 else [plain]
    for piece in pieces:
        deltalake.write_deltalake(str(path), piece, mode="append")
    return discovered(path)


@st.composite
def _csv(draw: st.DrawFn, table: GeneratedTable, directory: Path, name: str) -> Written:
    """Strings stand in quotes, other values sometimes; NULL is nothing, or a word where the column holds no strings."""
    delimiter, end = draw(st.sampled_from(",;\t|")), draw(st.sampled_from(["\n", "\r\n"]))
    encoding = draw(st.sampled_from(["utf-8", "utf-8", "utf-8-sig", "utf-16"]))
    quoted, style = draw(st.booleans()), draw(st.sampled_from(_STYLES))
    columns = []
    leaves: Leaves = {}
    for place, column in enumerate(table.columns):
        in_quotes = quoted or column.family == "string"
        null = None if in_quotes else draw(st.sampled_from([None, None, "NULL", "NA", "\\N"]))
        texts = [null if v is None else style(spelled(v, column.family), v) for v in table.values(place)]
        leaves |= text_column(column.name, texts, null)
        columns.append([_field(text, in_quotes) for text in texts])
    lines = [delimiter.join(column.name for column in table.columns)]
    lines += [delimiter.join(fields) for fields in zip(*columns, strict=True)]
    path = directory / f"{name}.csv"
    path.write_bytes((end.join(lines) + end).encode(encoding))
    return Written(candidate(name, "csv", [data_file(path)], path), leaves)


def _field(text: str | None, in_quotes: bool) -> str:
    if text is None:
        return ""
    return '"' + text.replace('"', '""') + '"' if in_quotes else text


@st.composite
def _json(draw: st.DrawFn, table: GeneratedTable, directory: Path, name: str) -> Written:
    """Lines or one array; numbers as numbers, what JSON has no value for as strings; NULL as null or no key at all."""
    array, lacking, encoding = draw(st.booleans()), draw(st.booleans()), draw(st.sampled_from(["utf-8", "utf-16"]))
    style = draw(st.sampled_from(_STYLES))
    columns = [[_json_value(v, c.family, style) for v in table.values(p)] for p, c in enumerate(table.columns)]
    leaves: Leaves = {}
    for column, values in zip(table.columns, columns, strict=True):
        if not lacking or any(value is not None for value in values):
            leaves |= json_leaves((column.name,), values)
    names = [column.name for column in table.columns]
    records = [
        {n: v for n, v in zip(names, row, strict=True) if v is not None or not lacking}
        for row in zip(*columns, strict=True)
    ]
    texts = [_json_text(record) for record in records]
    path = directory / f"{name}.{'json' if array else 'jsonl'}"
    path.write_text("[" + ",\n".join(texts) + "]" if array else "\n".join(texts) + "\n", encoding=encoding)
    return Written(candidate(name, path.suffix[1:], [data_file(path)], path), leaves)


def _json_value(value: Value, family: str, style: Callable[[str, Value], str]) -> Any:
    if isinstance(value, list):
        return [_json_value(item, family[5:-1] if family.startswith("list<") else "", style) for item in value]
    if isinstance(value, dict):
        return {key: _json_value(item, "", style) for key, item in value.items()}
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Decimal) or (isinstance(value, float) and math.isfinite(value)):
        return JsonNumber(style(spelled(value, family), value))
    return spelled(value, family)


def _json_text(value: Any) -> str:
    """Numbers as they are spelled."""
    if isinstance(value, JsonNumber):
        return str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)}: {_json_text(v)}" for k, v in value.items()) + "}"
    return "[" + ",".join(map(_json_text, value)) + "]" if isinstance(value, list) else json.dumps(value)


def spelled(value: Value, family: str) -> str:
    """A scalar as text."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else repr(value).replace("inf", "Infinity")
    if family == "date":
        return (date(1970, 1, 1) + timedelta(days=value)).isoformat()
    if family in ("timestamp", "instant"):
        seconds, fraction = divmod(value, 10**9)
        clock = (datetime(1970, 1, 1) + timedelta(seconds=seconds)).isoformat(" ")
        return clock + (f".{fraction:09}" if fraction else "") + ("Z" if family == "instant" else "")
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def _as_is(text: str, value: Value) -> str:
    del value
    return text


def _with_zeros(text: str, value: Value) -> str:
    """1 as 1.0, 1.5 as 1.50."""
    return (f"{text}0" if "." in text else f"{text}.0") if isinstance(value, Decimal) else text


def _with_exponent(text: str, value: Value) -> str:
    return f"{text}e0" if isinstance(value, Decimal) else text


_STYLES = [_as_is, _as_is, _with_zeros, _with_exponent]
