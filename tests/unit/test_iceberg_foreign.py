"""Parquet files that an Iceberg table took over: those that Iceberg's reader would misread are refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from r2d2.catalog.iceberg_foreign import NAME_MAPPING, refuse_foreign
from r2d2.errors import UnreadableData, UnsupportedData
from r2d2.lake.parquet import summarize

MAPPING = {NAME_MAPPING: json.dumps([{"field-id": 1, "names": ["a", "earlier"]}, {"field-id": 2, "names": ["at"]}])}


def refuse(path: Path, properties: dict[str, str] = MAPPING, **columns: Any) -> None:
    pq.write_table(pa.table(columns), path / "x.parquet")
    refuse_foreign(properties, [summarize(path / "x.parquet")])


def test_a_file_that_iceberg_could_have_written_passes(tmp_path: Path) -> None:
    refuse(tmp_path, a=[1], at=pa.array([1], pa.timestamp("us", "UTC")))
    refuse(tmp_path, earlier=["x"])


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


@pytest.mark.parametrize("mapping", ["", "[1]", '[{"field-id": 1}]'])
def test_a_damaged_mapping_is_an_error(tmp_path: Path, mapping: str) -> None:
    with pytest.raises(UnreadableData):
        refuse(tmp_path, {NAME_MAPPING: mapping}, a=[1])
