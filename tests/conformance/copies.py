"""Copies of a table that must be found equal to it, and copies in which one value differs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from r2d2.model.dataset import Dataset
from tests.conformance.inputs import Finding
from tests.containment_runs import contained, parquet_dataset, proven_pairs

_UNITS = {
    "s": timedelta(seconds=1),
    "ms": timedelta(milliseconds=1),
    "us": timedelta(microseconds=1),
    "ns": timedelta(microseconds=1),
}
_Test = Callable[[pa.DataType], bool]


def write_otherwise(table: pa.Table, path: Path) -> Path:
    """The table with other encodings, pages, compression and row groups than most files of the archive have."""
    rows = max(1, -(-table.num_rows // 3))
    pq.write_table(
        table,
        path,
        use_dictionary=False,
        compression="zstd",
        data_page_version="2.0",
        row_group_size=rows,
        version="2.6",
    )
    return path


def differences(
    finding: Finding, table: pa.Table, cells: Iterable[tuple[int, int]], where: Path
) -> dict[str, set[tuple[str, str]]]:
    """Name → pairs that are proven, unless they are just the input and its copy, both ways.

    Args:
        finding: an input that R2D2 reads.
        table: what another reader reads in it.
        cells: (column, row); for each a further copy is written in which this cell is changed.
        where: for the copies.
    """
    copies = [_written(table, "copy", where)]
    for column, row in cells:
        name = f"column {column} changed in row {row}"
        copies.append(_written(with_one_change(table, column, row), name, where))
    proven = proven_pairs(contained([finding.dataset, *copies]))
    expected = {(finding.name, copies[0].id), (copies[0].id, finding.name)}
    return {} if proven == expected else {finding.name: proven}


def _written(table: pa.Table, name: str, where: Path) -> Dataset:
    return parquet_dataset(write_otherwise(table, where / f"{name}.parquet"), name=name)


def with_one_change(table: pa.Table, column: int, row: int) -> pa.Table:
    """The table with another value in one cell. As many rows, so as a bag it is not contained, nor contains."""
    field = table.schema.field(column)
    changed = other_value(table.column(column)[row].as_py(), field.type)
    middle = table.slice(row, 1).set_column(column, field, pa.array([changed], field.type))
    return pa.concat_tables([table.slice(0, row), middle, table.slice(row + 1)])


def other_value(value: Any, kind: pa.DataType) -> Any:
    """A value of the type, as Python has it, that equals ``value`` under no rule."""
    for test, other in _OTHERS:
        if test(kind):
            return other(value, kind)
    raise NotImplementedError(f"no other value of {kind}")


def _boolean(value: bool | None, kind: pa.DataType) -> bool:
    return not value


def _integer(value: int | None, kind: pa.DataType) -> int:
    return 7 if value is None else value - 1 if value > 0 else value + 1


def _floating(value: float | None, kind: pa.DataType) -> float:
    return 2.5 if value == 1.5 else 1.5


def _decimal(value: Decimal | None, kind: pa.DataType) -> Decimal:
    return Decimal(0).scaleb(-kind.scale) if value else Decimal(1).scaleb(-kind.scale)


def _text(value: str | None, kind: pa.DataType) -> str:
    return "new" if value is None else f"{value}."


def _bytes(value: bytes | None, kind: pa.DataType) -> bytes:
    return b"new" if value is None else value + b"."


def _fixed_bytes(value: bytes | None, kind: pa.DataType) -> bytes:
    whole = value or bytes(kind.byte_width)
    return whole[:-1] + bytes([whole[-1] ^ 1])


def _date(value: date | None, kind: pa.DataType) -> date:
    return date(2000, 1, 2) if value == date(2000, 1, 1) else date(2000, 1, 1)


def _timestamp(value: datetime | None, kind: pa.DataType) -> datetime:
    return datetime(2000, 1, 1) if value is None else value + _UNITS[kind.unit]


def _list(value: list[Any] | None, kind: pa.DataType) -> list[Any]:
    """The last element changed; an empty list gets one, NULL becomes the empty list."""
    if not value:
        return [] if value is None else [other_value(None, kind.value_type)]
    return [*value[:-1], other_value(value[-1], kind.value_type)]


def _map(value: list[tuple[Any, Any]] | None, kind: pa.DataType) -> list[tuple[Any, Any]]:
    if not value:
        return [] if value is None else [(other_value(None, kind.key_type), other_value(None, kind.item_type))]
    return [*value[:-1], (value[-1][0], other_value(value[-1][1], kind.item_type))]


def _struct(value: dict[str, Any] | None, kind: pa.DataType) -> dict[str, Any]:
    first = kind.field(0)
    whole = value or {kind.field(i).name: other_value(None, kind.field(i).type) for i in range(kind.num_fields)}
    return whole if value is None else {**whole, first.name: other_value(whole[first.name], first.type)}


_OTHERS: tuple[tuple[_Test, Callable[[Any, pa.DataType], Any]], ...] = (
    (pa.types.is_boolean, _boolean),
    (pa.types.is_integer, _integer),
    (pa.types.is_floating, _floating),
    (pa.types.is_decimal, _decimal),
    (pa.types.is_string, _text),
    (pa.types.is_large_string, _text),
    (pa.types.is_binary, _bytes),
    (pa.types.is_fixed_size_binary, _fixed_bytes),
    (pa.types.is_date, _date),
    (pa.types.is_timestamp, _timestamp),
    (pa.types.is_map, _map),
    (pa.types.is_list, _list),
    (pa.types.is_struct, _struct),
)
