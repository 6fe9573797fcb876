"""Parquet files that an Iceberg table took over: those that Iceberg's reader would misread are refused."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from r2d2.catalog.iceberg_foreign import NAME_MAPPING, refuse_foreign
from r2d2.errors import UnreadableData, UnsupportedData
from r2d2.lake.parquet import summarize


def field(number: int, name: str, kind: Any) -> dict[str, Any]:
    return {"id": number, "name": name, "required": False, "type": kind}


INNER = {"type": "struct", "fields": [field(4, "x", "int")]}
LIST = {"type": "list", "element-id": 6, "element": {"type": "struct", "fields": [field(7, "x", "int")]}}
COLUMNS = [field(1, "a", "long"), field(2, "at", "timestamptz"), field(3, "s", INNER), field(5, "l", LIST)]
COLUMNS += [field(8, "d", "decimal(10, 2)"), field(9, "day", "date"), field(10, "wall", "timestamp")]
SCHEMA = json.dumps({"type": "struct", "fields": COLUMNS})
NAMES = [
    {"field-id": 1, "names": ["a", "earlier"]},
    {"field-id": 2, "names": ["at"]},
    {"field-id": 3, "names": ["s"], "fields": [{"field-id": 4, "names": ["x"]}]},
    {
        "field-id": 5,
        "names": ["l"],
        "fields": [{"field-id": 6, "names": ["element"], "fields": [{"field-id": 7, "names": ["x"]}]}],
    },
    *({"field-id": n, "names": [name]} for n, name in ((8, "d"), (9, "day"), (10, "wall"), (99, "dropped"))),
]
MAPPING = {NAME_MAPPING: json.dumps(NAMES)}


def refuse(path: Path, properties: dict[str, str] = MAPPING, **columns: Any) -> None:
    pq.write_table(pa.table(columns), path / "x.parquet")
    refuse_foreign(SCHEMA, properties, [summarize(path / "x.parquet")])


def test_a_file_that_iceberg_could_have_written_passes(tmp_path: Path) -> None:
    refuse(tmp_path, a=[1], at=pa.array([1], pa.timestamp("us", "UTC")))
    refuse(tmp_path, earlier=pa.array([1], pa.int16()), dropped=["x"])
    refuse(tmp_path, s=pa.array([{"x": 1}], pa.struct({"x": pa.int32()})))
    refuse(tmp_path, l=pa.array([[{"x": 1}]], pa.list_(pa.struct({"x": pa.int32()}))))
    refuse(tmp_path, d=pa.array([Decimal("1.25")], pa.decimal128(9, 2)))


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        (pa.timestamp("ms", "UTC"), "milliseconds"),
        (pa.timestamp("ms"), "milliseconds"),
        (pa.timestamp("ns"), "nanoseconds"),
        (pa.struct({"inner": pa.timestamp("ms")}), "milliseconds"),
    ],
)
def test_times_of_another_unit_are_refused(tmp_path: Path, kind: pa.DataType, why: str) -> None:
    with pytest.raises(UnsupportedData, match=why):
        refuse(tmp_path, at=pa.array([None], kind))


def test_a_column_that_the_table_has_not_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedData, match='"more"'):
        refuse(tmp_path, a=[1], more=[1])


TWO = pa.struct({"x": pa.int32(), "y": pa.int32()})


@pytest.mark.parametrize(
    "columns", [{"s": pa.array([{"x": 1, "y": 2}], TWO)}, {"l": pa.array([[{"x": 1, "y": 2}]], pa.list_(TWO))}]
)
def test_a_field_that_the_table_has_not_is_refused(tmp_path: Path, columns: dict[str, pa.Array]) -> None:
    with pytest.raises(UnsupportedData, match=r"y.* that the table has not"):
        refuse(tmp_path, **columns)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("d", pa.array([Decimal("1.2345")], pa.decimal128(10, 4))),
        ("d", pa.array([Decimal("1.25")], pa.decimal128(20, 2))),
        ("day", pa.array([1], pa.int32())),
        ("at", pa.array([1], pa.int64())),
        ("at", pa.array([1], pa.timestamp("us"))),
        ("wall", pa.array([1], pa.timestamp("us", "UTC"))),
        ("s", pa.array([1])),
    ],
)
def test_a_type_that_iceberg_would_take_for_another_is_refused(tmp_path: Path, name: str, values: pa.Array) -> None:
    with pytest.raises(UnsupportedData, match=f'column "{name}" is .* in its files'):
        refuse(tmp_path, **{name: values})


@pytest.mark.parametrize("mapping", ["", "[1]", '[{"field-id": 1}]'])
def test_a_damaged_mapping_is_an_error(tmp_path: Path, mapping: str) -> None:
    with pytest.raises(UnreadableData):
        refuse(tmp_path, {NAME_MAPPING: mapping}, a=[1])
