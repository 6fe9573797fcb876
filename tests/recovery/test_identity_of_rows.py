"""Identity: the same data in other files, orders and encodings; not data that is merely equal (DELETION 3)."""

from __future__ import annotations

import base64
import os
import struct
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyroaring import BitMap64

from r2d2.lake.delta_vectors import vector_of
from r2d2.lake.kernels import Kernel, run_here
from r2d2.recovery.identity.identity import look_at
from r2d2.recovery.identity.parquet import parquet_rows
from tests.recovery.rebuilds import SMALL, dataset_at, identity_at

_B85 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~"
_Z85 = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"
NAN, OTHER_NAN = (struct.unpack("<d", struct.pack("<Q", bits))[0] for bits in (0x7FF8 << 48, (0x7FF8 << 48) + 1))
SCHEMA = pa.schema(
    [
        pa.field("i", pa.int16(), metadata={"PARQUET:field_id": "3"}),
        pa.field("f", pa.float64()),
        pa.field("t", pa.timestamp("ms")),
        pa.field("m", pa.map_(pa.string(), pa.int32())),
        pa.field("l", pa.list_(pa.struct([pa.field("a", pa.float32()), pa.field("b", pa.string())]))),
        pa.field("o", pa.struct([pa.field("a", pa.int32())])),
    ],
    {"origin": "x"},
)
ROW = {
    "i": 1,
    "f": 0.0,
    "t": datetime(2020, 1, 1),
    "m": [("a", 1), ("b", 2)],
    "l": [{"a": 0.5, "b": ""}],
    "o": {"a": None},
}
ROWS = [ROW, {**ROW, "i": 2}, {**ROW, "f": NAN}, dict.fromkeys(ROW), {**ROW, "l": [], "m": []}]


def _table(rows: list[dict[str, object]], schema: pa.Schema = SCHEMA) -> pa.Table:
    return pa.Table.from_pylist(rows, schema)


def _identity(path: Path, table: pa.Table, **options: object) -> str:
    pq.write_table(table, path, **options)
    return identity_at(path)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> str:
    return _identity(tmp_path_factory.mktemp("original") / "a.parquet", _table(ROWS))


@pytest.mark.parametrize(
    "options", [{"compression": "zstd"}, {"row_group_size": 2}, {"use_dictionary": False}, {"data_page_version": "2.0"}]
)
def test_what_no_reader_sees_does_not_count(tmp_path: Path, original: str, options: dict[str, object]) -> None:
    assert _identity(tmp_path / "b.parquet", _table(ROWS[::-1]), **options) == original


def test_the_number_of_files_does_not_count_and_their_directory_does(tmp_path: Path) -> None:
    for name in ("one", "two/k=1", "three/k=2"):
        (tmp_path / name).mkdir(parents=True)
    pq.write_table(_table(ROWS), tmp_path / "one/part-0.parquet")
    pq.write_table(_table(ROWS[:2]), tmp_path / "one/part-1.parquet")
    pq.write_table(_table(ROWS[:2] + ROWS), tmp_path / "two/k=1/part-0.parquet")
    pq.write_table(_table(ROWS[:2] + ROWS), tmp_path / "three/k=2/part-0.parquet")
    pq.write_table(_table(ROWS[:2] + ROWS), tmp_path / "whole.parquet")
    one, two, three, whole = (identity_at(tmp_path / name) for name in ("one", "two", "three", "whole.parquet"))
    assert one == whole
    assert len({one, two, three}) == 3


CHANGES: dict[str, Callable[[], pa.Table]] = {
    "sign of zero": lambda: _table([{**ROW, "f": -0.0}, *ROWS[1:]]),
    "payload of NaN": lambda: _table([*ROWS[:2], {**ROW, "f": OTHER_NAN}, *ROWS[3:]]),
    "NULL struct": lambda: _table([{**ROW, "o": None}, *ROWS[1:]]),
    "NULL list": lambda: _table([*ROWS[:4], {**ROW, "l": None, "m": []}]),
    "list in list": lambda: _table([{**ROW, "l": [None]}, *ROWS[1:]]),
    "order of map": lambda: _table([{**ROW, "m": [("b", 2), ("a", 1)]}, *ROWS[1:]]),
    "one more row": lambda: _table([*ROWS, ROW]),
    "case of a name": lambda: _table(ROWS).rename_columns(["I", *SCHEMA.names[1:]]),
    "width": lambda: _table(ROWS).cast(SCHEMA.set(0, SCHEMA.field(0).with_type(pa.int32()))),
    "unit": lambda: _table(ROWS).cast(SCHEMA.set(2, SCHEMA.field(2).with_type(pa.timestamp("us")))),
    "zone": lambda: _table(ROWS).cast(SCHEMA.set(2, SCHEMA.field(2).with_type(pa.timestamp("ms", "UTC")))),
    "field id": lambda: _table(ROWS, SCHEMA.set(0, SCHEMA.field(0).with_metadata({"PARQUET:field_id": "4"}))),
    "field metadata": lambda: _table(ROWS, SCHEMA.set(1, SCHEMA.field(1).with_metadata({"unit": "m"}))),
    "file metadata": lambda: _table(ROWS, SCHEMA.with_metadata({"origin": "y"})),
    "order of columns": lambda: _table(ROWS).select(SCHEMA.names[::-1]),
}


@pytest.mark.parametrize("change", CHANGES)
def test_equal_data_that_is_not_the_same_has_another_identity(tmp_path: Path, original: str, change: str) -> None:
    assert _identity(tmp_path / "b.parquet", CHANGES[change]()) != original


def test_a_column_that_may_hold_no_null_is_another_one(tmp_path: Path) -> None:
    table = pa.table({"a": [1, 2]})
    required = table.cast(pa.schema([pa.field("a", pa.int64(), nullable=False)]))
    assert _identity(tmp_path / "a.parquet", table) != _identity(tmp_path / "b.parquet", required)


def test_annotations_of_both_kinds_that_mean_the_same_are_the_same(tmp_path: Path) -> None:
    with duckdb.connect() as con:
        con.execute(f"COPY (SELECT 1::INTEGER a, 'x' b, 2::UTINYINT c) TO '{tmp_path}/a.parquet' (FORMAT parquet)")
    table = pq.read_table(tmp_path / "a.parquet")
    assert _identity(tmp_path / "b.parquet", table, store_schema=False) == identity_at(tmp_path / "a.parquet")


def test_parts_of_a_file_add_up(tmp_path: Path) -> None:
    table = pa.table({"a": range(100), "b": [["x"] * (i % 3) for i in range(100)]})
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=30)
    whole = parquet_rows(tmp_path / "a.parquet", "", None)
    parts = [parquet_rows(tmp_path / "a.parquet", "", part) for part in ((0, 7), (7, 61), (61, 100))]
    assert whole is not None
    assert all(part is not None for part in parts)
    assert sum(part[1] for part in parts if part) == whole[1] == 100
    assert sum(part[2] for part in parts if part) % 2**256 == whole[2]


def test_neither_row_groups_nor_parts_count_where_structs_with_required_fields_are_null(tmp_path: Path) -> None:
    required = pa.struct([pa.field("x", pa.int32(), nullable=False)])
    rows = [{"s": {"x": i} if i % 4 else None, "l": [{"x": i}, None][: i % 3]} for i in range(12)]
    table = pa.Table.from_pylist(rows, pa.schema([("s", required), ("l", pa.list_(required))]))
    whole = _identity(tmp_path / "a.parquet", table)
    for size in (1, 3, 5):
        assert _identity(tmp_path / f"{size}.parquet", table, row_group_size=size) == whole


def test_rows_that_a_deletion_vector_takes_out_do_not_count(tmp_path: Path) -> None:
    table = pa.table({"a": range(10)})
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=4)
    pq.write_table(table.filter(pa.array([i not in (0, 5, 9) for i in range(10)])), tmp_path / "b.parquet")
    data = (1681511377).to_bytes(4, "little") + BitMap64([0, 5, 9]).serialize()
    text = base64.b85encode(data + bytes(-len(data) % 4)).decode().translate(str.maketrans(_B85, _Z85))
    vector = vector_of({"storageType": "i", "pathOrInlineDv": text, "sizeInBytes": len(data), "cardinality": 3}, "")
    with_vector = parquet_rows(tmp_path / "a.parquet", vector.to_json(), None)
    without = parquet_rows(tmp_path / "b.parquet", "", None)
    assert with_vector is not None
    assert without is not None
    assert with_vector[1:] == without[1:]


def test_wide_int96_are_told_apart_though_their_nanoseconds_are_equal(tmp_path: Path) -> None:
    found = []
    for place, micros in enumerate((0, 1 << 61)):  # in nanoseconds a multiple of 2^64
        path = tmp_path / f"{place}.parquet"
        table = pa.table({"t": pa.array([micros], pa.timestamp("us"))})
        pq.write_table(table, path, use_deprecated_int96_timestamps=True)
        found.append((parquet_rows(path, "", None), pq.read_table(path)))
    assert found[0][1] == found[1][1]
    assert found[0][0] != found[1][0]


def test_a_file_that_goes_after_it_was_read_gives_a_reason(tmp_path: Path) -> None:
    pq.write_table(_table(ROWS), tmp_path / "a.parquet")
    dataset = dataset_at(tmp_path / "a.parquet")

    def removing(tasks: pa.Table, kernel: Kernel, results: pa.Schema) -> pa.Table:
        found = run_here(tasks, kernel, results)
        (tmp_path / "a.parquet").unlink()
        return found

    assert look_at([dataset], SMALL, removing)[0] == f"{tmp_path}/a.parquet: No such file or directory"


def test_a_file_that_changed_or_lies_elsewhere_gives_a_reason(tmp_path: Path) -> None:
    pq.write_table(_table(ROWS), tmp_path / "a.parquet")
    dataset = dataset_at(tmp_path / "a.parquet")
    os.utime(tmp_path / "a.parquet")
    assert look_at([dataset], SMALL, run_here)[0] == f"changed while it was read: {tmp_path}/a.parquet"
