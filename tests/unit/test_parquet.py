"""The allow-list, null counts and bounds of Parquet footers, on real files that DuckDB and pyarrow read too."""

from __future__ import annotations

import datetime
import decimal
import math
import os
import random
import struct
import tarfile
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from r2d2.lake import parquet
from r2d2.lake.layout import Column, Reader
from r2d2.lake.parquet_bounds import Trust, merge
from r2d2.lake.parquet_footer import read_footer
from r2d2.lake.parquet_types import family_of
from r2d2.model.dataset import Bounds, FileSummary, Leaf
from tests.parquet_footers import Footer, column_statistics, with_footer
from tests.sampling import FULL

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SHARED = Path(os.environ.get("R2D2_SHARED", "/work/shared")) / "data" / "conformance.tar.gz"


def _annotated(array: pa.Array, path: Path, logical: Any, converted: int | None, element: int = 1) -> Path:
    """A file of one column whose schema element has these annotations: a union member with its fields, a number."""

    def change(footer: Footer) -> None:
        fields = footer[2][1][1][element][1]
        for number, content in ((10, None if logical is None else (12, logical)), (6, converted)):
            fields.pop(number, None)
            if content is not None:
                fields[number] = content if number == 10 else (5, content)

    return with_footer(pa.table({"c": array}), path, change)


def _write(path: Path, **columns: Any) -> Path:
    pq.write_table(pa.table(columns), path)
    return path


def _leaf(summary: FileSummary, *path: str) -> Leaf:
    assert summary.status == "ok", summary.reason
    return next(leaf for leaf in summary.leaves if leaf.path == path)


def _only(path: Path) -> Leaf:
    summary = parquet.summarize(path)
    assert summary.status == "ok", summary.reason
    return summary.leaves[0]


# What DuckDB delivers.


def _connection() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def _delivered(kind: Any) -> Any:
    """DuckDB's own type, in the form of ``_promised``."""
    name = {"TIMESTAMP WITH TIME ZONE": "TIMESTAMPTZ"}.get(str(kind), str(kind))
    nested = kind.id in ("list", "map", "struct")
    return (kind.id.upper() if nested else name, [_delivered(child) for _, child in kind.children] if nested else [])


def _promised(column: Column) -> Any:
    kind = "TIMESTAMP" if column.kind == "INT96" else column.kind
    return kind, [_promised(child) for child in column.children]


def _plain(value: Any) -> Any:
    """Values that can be compared: NaN is itself, structs by position, as DuckDB and pyarrow name fields alike."""
    if isinstance(value, float) and math.isnan(value):
        return "NaN"
    if isinstance(value, dict):
        return [_plain(item) for item in value.values()]
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _values(array: pa.ChunkedArray) -> list[Any]:
    kind = array.type
    if pa.types.is_temporal(kind):
        unit = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}[kind.unit] if pa.types.is_timestamp(kind) else 1
        raw = array.cast(pa.int64() if pa.types.is_timestamp(kind) else pa.int32()).to_pylist()
        return [None if number is None else number * unit for number in raw]
    return [_plain(value) for value in array.to_pylist()]


def _assert_delivered_exactly(path: Path, summary: FileSummary, con: duckdb.DuckDBPyConnection) -> None:
    relation = con.sql("SELECT * FROM read_parquet(?, hive_partitioning = false)", params=[str(path)])
    reader = Reader.from_json(summary.reader)
    assert [_delivered(kind) for kind in relation.types] == [_promised(column) for column in reader.columns]
    seen = relation.to_arrow_table()
    truth = pq.read_table(path, partitioning=None)
    assert seen.num_rows == truth.num_rows == summary.rows
    for position in range(truth.num_columns):
        assert _values(seen.column(position)) == _values(truth.column(position)), truth.column_names[position]


_D = decimal.Context(prec=80)
_STRUCT = pa.struct([("x", pa.int8()), ("y", pa.string())])
SUPPORTED: dict[str, tuple[pa.Array, str]] = {
    "boolean": (pa.array([True, False, None]), "boolean"),
    **{
        f"int{bits}": (pa.array([-(1 << bits - 1), (1 << bits - 1) - 1, None], getattr(pa, f"int{bits}")()), "number")
        for bits in (8, 16, 32, 64)
    },
    **{
        f"uint{bits}": (pa.array([0, (1 << bits) - 1, None], getattr(pa, f"uint{bits}")()), "number")
        for bits in (8, 16, 32, 64)
    },
    "float": (pa.array([1.1, math.nan, -0.0, math.inf, 5e-45, None], pa.float32()), "floating"),
    "half, all values": (
        pa.array([*struct.unpack("<65536e", struct.pack("<65536H", *range(65536))), None], pa.float16()),
        "floating",
    ),
    "double": (pa.array([1.1, math.nan, -0.0, -math.inf, 5e-324, None], pa.float64()), "floating"),
    **{
        f"decimal({p},{s})": (
            pa.array(
                [_D.scaleb(Decimal("9" * p), -s), _D.scaleb(Decimal("-" + "9" * p), -s), None], pa.decimal128(p, s)
            ),
            "number",
        )
        for p, s in ((1, 0), (4, 4), (5, 2), (9, 0), (10, 9), (18, 18), (19, 0), (38, 0), (38, 38))
    },
    "string": (pa.array(["", "\U0001f600\x00x", "'; DROP", None]), "string"),
    "large string": (pa.array(["a", None], pa.large_string()), "string"),
    "string view": (pa.array(["a", None], pa.string_view()), "string"),
    "dictionary": (pa.array(["a", "b", "a", None]).dictionary_encode(), "string"),
    "binary": (pa.array([b"", b"\xff\x00", None]), "binary"),
    "fixed binary": (pa.array([b"\xff\x00", None], pa.binary(2)), "binary"),
    "date": (pa.array([0, -719162 - 400000, 2932896 + 100000, 2**31 - 2, None], pa.date32()), "date"),
    "date64": (pa.array([0, 86400000, None], pa.date64()), "date"),
    **{
        f"timestamp {unit} {zone}": (
            pa.array([0, -1, 123456789, None], pa.timestamp(unit, zone)),
            "instant" if zone else "timestamp",
        )
        for unit in ("s", "ms", "us", "ns")
        for zone in (None, "UTC", "Europe/Paris")
        if (unit, bool(zone)) != ("ns", True)
    },
    "list": (pa.array([[1, None], [], None], pa.list_(pa.int32())), "list<number>"),
    "large list": (pa.array([[1, None], [], None], pa.large_list(pa.int32())), "list<number>"),
    "list of lists": (pa.array([[[1], [2]], [[1, 2]], [[]], [None], None]), "list<list<number>>"),
    "map": (pa.array([[("a", 1), ("b", None)], [], None], pa.map_(pa.string(), pa.int32())), "map<string,number>"),
    "list of structs": (
        pa.array([[{"x": 1, "y": "a"}, None], None, []], pa.list_(_STRUCT)),
        "list<struct<x:number,y:string>>",
    ),
    "map of lists": (
        pa.array([[(1, ["a"]), (2, None)], None], pa.map_(pa.int64(), pa.list_(pa.string()))),
        "map<number,list<string>>",
    ),
    "list of one-field structs": (pa.array([[{"x": 1}], [None], None]), "list<struct<x:number>>"),
}


@pytest.mark.parametrize("name", SUPPORTED)
def test_a_supported_type_is_delivered_exactly(name: str, tmp_path: Path) -> None:
    array, family = SUPPORTED[name]
    path = _write(tmp_path / "a.parquet", c=array)
    summary = parquet.summarize(path)
    assert _leaf(summary, "c").families == (family,)
    with _connection() as con:
        _assert_delivered_exactly(path, summary, con)


@pytest.mark.parametrize("physical", ["decimal_int", "decimal_bytes"])
def test_decimals_on_integers_and_on_bytes_are_delivered_exactly(physical: str, tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    logical = {5: (12, {1: (5, 2), 2: (5, 9)})}
    if physical == "decimal_int":
        columns = {"c": pa.array([Decimal("-0.01"), Decimal("9999999.99"), None], pa.decimal128(9, 2))}
        pq.write_table(pa.table(columns), path, store_decimal_as_integer=True)
    else:

        def change(footer: Footer) -> None:
            footer[2][1][1][1][1].update({10: (12, logical), 6: (5, 5), 7: (5, 2), 8: (5, 9)})

        with_footer(pa.table({"c": pa.array([b"\x01\x00", b"\xff", None])}), path, change)
    summary = parquet.summarize(path)
    with _connection() as con:
        _assert_delivered_exactly(path, summary, con)
    if physical == "decimal_int":
        bounds = Bounds(Decimal("-0.01"), Decimal("9999999.99"), True, True, True, True)
        assert _leaf(summary, "c").bounds == {"number": bounds}


_TEXTS = pa.array(["a", None])
_NUMBERS = pa.array([1, None], pa.int32())
UNSUPPORTED: dict[str, tuple[pa.Array, str]] = {
    "time": (pa.array([1, None], pa.time64("us")), "TIME"),
    "time ms": (pa.array([1, None], pa.time32("ms")), "TIME"),
    "duration": (pa.array([1, None], pa.duration("us")), "duration"),
    "durations in a list": (pa.array([[1], None], pa.list_(pa.duration("us"))), "duration"),
    "null": (pa.nulls(2), "null type"),
    "nulls in a list": (pa.array([[None], None]), "null type"),
    "wide decimal": (pa.array([_D.create_decimal("9" * 39)], pa.decimal256(39, 0)), "38 digits"),
    "uuid": (pa.ExtensionArray.from_storage(pa.uuid(), pa.array([b"1" * 16], pa.binary(16))), "UUID"),
    "json": (pa.ExtensionArray.from_storage(pa.json_(), pa.array(["{}", None])), "JSON"),
    "instants in nanoseconds": (pa.array([1, None], pa.timestamp("ns", "UTC")), "nanoseconds"),
}


@pytest.mark.parametrize("name", UNSUPPORTED)
def test_an_unsupported_type_is_refused_by_the_name_of_its_column(name: str, tmp_path: Path) -> None:
    array, reason = UNSUPPORTED[name]
    summary = parquet.summarize(_write(tmp_path / "a.parquet", ok=pa.array(range(len(array))), odd=array))
    assert summary.status == "unsupported"
    assert '"odd"' in summary.reason
    assert reason in summary.reason


ODD_ANNOTATIONS: dict[str, tuple[pa.Array, Any, int | None, str]] = {
    # DuckDB goes by the older annotation; with the newer one alone it sees another type than everybody else.
    "date, newer only": (_NUMBERS, {6: (12, {})}, None, "newer annotation only"),
    "string, newer only": (_TEXTS, {1: (12, {})}, None, "newer annotation only"),
    "uint32, newer only": (_NUMBERS, {10: (12, {1: (3, b"\x20"), 2: (2, None)})}, None, "newer annotation only"),
    "contradiction": (_NUMBERS, {10: (12, {1: (3, b"\x20"), 2: (2, None)})}, 17, "INTEGER"),
    "timestamp, older only": (pa.array([1, None], pa.int64()), None, 10, "older annotation"),
    "timestamp units": (
        pa.array([1, None], pa.int64()),
        {8: (12, {1: (1, None), 2: (12, {1: (12, {})})})},
        10,
        "contra",
    ),
    "unknown logical type": (_NUMBERS, {99: (12, {})}, None, "unknown logical type (99)"),
    "unknown converted type": (_NUMBERS, None, 77, "unknown annotation (77)"),
    "bson": (_TEXTS, None, 20, "BSON"),
    "interval": (pa.array([b"1" * 12, None], pa.binary(12)), None, 21, "INTERVAL"),
    "fixed string": (pa.array([b"ab", None], pa.binary(2)), {1: (12, {})}, 0, "STRING"),
    "geometry": (pa.array([b"ab", None]), {17: (12, {})}, None, "GEOMETRY"),
    "variant": (pa.array([{"metadata": b"", "value": b""}]), {16: (12, {})}, None, "VARIANT"),
    "struct marked a list": (pa.array([{"x": 1}]), None, 3, "older layout"),
    "decimal without digits": (_NUMBERS, None, 5, "precision None"),
}


@pytest.mark.parametrize("name", ODD_ANNOTATIONS)
def test_annotations_that_readers_see_differently_are_refused(name: str, tmp_path: Path) -> None:
    array, logical, converted, reason = ODD_ANNOTATIONS[name]
    summary = parquet.summarize(_annotated(array, tmp_path / "a.parquet", logical, converted))
    assert (summary.status, reason in summary.reason, '"c"' in summary.reason) == ("unsupported", True, True), summary


def test_a_naive_reading_of_a_date_in_the_newer_annotation_goes_wrong(tmp_path: Path) -> None:
    path = _annotated(_NUMBERS, tmp_path / "a.parquet", {6: (12, {})}, None)
    with _connection() as con:
        assert con.sql("SELECT c FROM read_parquet(?)", params=[str(path)]).types == ["INTEGER"]
    assert pq.read_table(path).schema.field("c").type == pa.date32()


@pytest.mark.parametrize(
    ("array", "logical", "converted", "kind"),
    [
        (_NUMBERS, {10: (12, {1: (3, b"\x20"), 2: (1, None)})}, None, "INTEGER"),  # as Photon writes it
        (_TEXTS, None, 0, "VARCHAR"),
        (_TEXTS, {4: (12, {})}, 4, "VARCHAR"),  # ENUM
        (_TEXTS, None, 4, "VARCHAR"),
        (_NUMBERS, None, 6, "DATE"),
        (_NUMBERS, None, 15, "TINYINT"),
    ],
)
def test_annotations_that_say_the_same_are_supported(
    array: pa.Array, logical: Any, converted: int | None, kind: str, tmp_path: Path
) -> None:
    path = _annotated(array, tmp_path / "a.parquet", logical, converted)
    summary = parquet.summarize(path)
    assert [column.kind for column in Reader.from_json(summary.reader).columns] == [kind]
    with _connection() as con:
        relation = con.sql("SELECT * FROM read_parquet(?)", params=[str(path)])
        assert [_delivered(found) for found in relation.types] == [(kind, [])]


@pytest.mark.parametrize(("number", "name"), [(2, b"array"), (2, b"c_tuple")], ids=["array", "tuple"])
def test_a_list_in_the_layout_of_two_levels_is_refused(number: int, name: bytes, tmp_path: Path) -> None:
    def rename(footer: Footer) -> None:
        footer[2][1][1][number][1][4] = (8, name)

    path = with_footer(pa.table({"c": pa.array([[1], None])}), tmp_path / "a.parquet", rename)
    assert "older layout" in parquet.summarize(path).reason
    with _connection() as con:  # what DuckDB takes for numbers is, by the specification, structs of one field
        assert con.sql("SELECT * FROM read_parquet(?)", params=[str(path)]).fetchall() == [([1],), (None,)]
    assert pq.read_table(path)["c"].to_pylist() == [[{"element": 1}], None]


def test_a_map_with_keys_that_may_be_null_is_refused(tmp_path: Path) -> None:
    def optional_key(footer: Footer) -> None:
        footer[2][1][1][3][1][3] = (5, 1)

    array = pa.array([[("a", 1)], None], pa.map_(pa.string(), pa.int32()))
    assert (
        "key may be NULL" in parquet.summarize(with_footer(pa.table({"c": array}), tmp_path / "a", optional_key)).reason
    )


# Structure: structs, presence, names.


def test_structs_are_opened_and_each_has_a_presence_leaf_whether_it_may_be_null_or_not(tmp_path: Path) -> None:
    inner = pa.field("in", pa.struct([pa.field("a.b", pa.int32()), pa.field("t", pa.string(), False)]), nullable=False)
    schema = pa.schema([pa.field("s", pa.struct([inner])), pa.field("r", pa.struct([("z", pa.bool_())]), False)])
    rows = [{"s": {"in": {"a.b": 1, "t": "x"}}, "r": {"z": None}}, {"s": None, "r": {"z": True}}]
    pq.write_table(pa.Table.from_pylist(rows, schema), tmp_path / "a.parquet")
    summary = parquet.summarize(tmp_path / "a.parquet")
    assert [(leaf.path, leaf.families, leaf.nulls) for leaf in summary.leaves] == [
        (("s",), ("presence",), 0),
        (("s", "in"), ("presence",), 0),
        (("s", "in", "a.b"), ("number",), 1),
        (("s", "in", "t"), ("string",), 1),
        (("r",), ("presence",), 0),
        (("r", "z"), ("boolean",), 1),
    ]
    assert _leaf(summary, "s", "in", "a.b").bounds["number"].high == 1
    assert not _leaf(summary, "s").bounds


def test_nothing_is_counted_under_a_list(tmp_path: Path) -> None:
    leaf = _only(_write(tmp_path / "a.parquet", c=pa.array([[1, None], None, []])))
    assert (leaf.nulls, leaf.bounds) == (None, {})


@pytest.mark.parametrize("name", ["", "a.b", 'q"uote', "'; DROP TABLE x; --", "\U0001f600", "a\nb", "*", "[ab]", " "])
def test_odd_names_are_fine(name: str, tmp_path: Path) -> None:
    pq.write_table(pa.table({name: [1]}), tmp_path / "a.parquet")
    assert _only(tmp_path / "a.parquet").path == (name,)


@pytest.mark.parametrize(
    "table",
    [
        pa.table([[1], [2]], names=["a", "a"]),
        pa.table([[1], [2]], names=["a", "A"]),
        pa.table([[1], [2]], names=["straße", "STRAßE"]),
        pa.table({"s": pa.array([{"a": 1, "A": 2}])}),
        pa.table({"s": pa.array([[{"a": 1, "A": 2}]])}),
    ],
)
def test_names_that_repeat_or_differ_only_in_case_are_refused(table: pa.Table, tmp_path: Path) -> None:
    pq.write_table(table, tmp_path / "a.parquet")
    summary = parquet.summarize(tmp_path / "a.parquet")
    assert summary.status == "unsupported"
    assert "differ only in case" in summary.reason or "same name" in summary.reason


def test_messages_hold_no_control_characters(tmp_path: Path) -> None:
    pq.write_table(pa.table({"\x1b[31m\u202e": pa.nulls(1)}), tmp_path / "a.parquet")
    reason = parquet.summarize(tmp_path / "a.parquet").reason
    assert reason.isprintable()


def test_no_columns_is_refused_and_no_rows_is_fine(tmp_path: Path) -> None:
    pq.write_table(pa.table({}), tmp_path / "none.parquet")
    assert parquet.summarize(tmp_path / "none.parquet").reason == "no columns"
    leaf = _only(_write(tmp_path / "empty.parquet", c=pa.array([], pa.int64())))
    assert (leaf.nulls, leaf.bounds) == (0, {})


def test_deep_nesting_is_refused_and_not_followed(tmp_path: Path) -> None:
    array = pa.array([1])
    for _ in range(60):
        array = pa.StructArray.from_arrays([array], names=["f"])
    pq.write_table(pa.table({"c": array}), tmp_path / "a.parquet")
    assert "deeper than 32 levels" in parquet.summarize(tmp_path / "a.parquet").reason

    lists = pa.array([[[[[[1]]]]]], pa.list_(pa.list_(pa.list_(pa.list_(pa.list_(pa.int64()))))))
    pq.write_table(pa.table({"c": lists}), tmp_path / "lists.parquet")
    assert "nested more than 4 deep" in parquet.summarize(tmp_path / "lists.parquet").reason

    def thousand_levels(footer: Footer) -> None:
        root, struct, leaf = (element[1] for element in footer[2][1][1])
        footer[2] = (9, (12, [(12, root), *[(12, struct)] * 1000, (12, leaf)]))

    deep = with_footer(pa.table({"c": pa.array([{"f": 1}])}), tmp_path / "b.parquet", thousand_levels)
    assert "deeper than 32 levels" in parquet.summarize(deep).reason


def test_ten_thousand_columns_take_no_time(tmp_path: Path) -> None:
    pq.write_table(pa.table({f"c{i}": [i] for i in range(10_000)}), tmp_path / "a.parquet")
    start = time.process_time()
    assert len(parquet.summarize(tmp_path / "a.parquet").leaves) == 10_000
    assert time.process_time() - start < 5


def test_families_of_structs_do_not_depend_on_order_and_can_not_be_forged() -> None:
    number, text = Column("a", "BIGINT"), Column("b", "VARCHAR")
    one, other = (Column("s", "LIST", (Column("e", "STRUCT", fields),)) for fields in ((number, text), (text, number)))
    assert family_of(one) == family_of(other) == "list<struct<a:number,b:string>>"
    forged = Column("s", "LIST", (Column("e", "STRUCT", (Column("a:number,b", "VARCHAR"),)),))
    assert family_of(forged) != family_of(one)


# Keys and codecs.


def test_the_legacy_calendar_is_refused_where_there_are_dates(tmp_path: Path) -> None:
    for name, array, status in (("d", pa.array([1], pa.date32()), "unsupported"), ("i", pa.array([1]), "ok")):
        table = pa.table({"c": array}).replace_schema_metadata({"org.apache.spark.legacyDateTime": ""})
        pq.write_table(table, tmp_path / name)
        assert parquet.summarize(tmp_path / name).status == status


def test_geoparquet_is_refused_since_duckdb_makes_geometry_of_it(tmp_path: Path) -> None:
    table = pa.table({"g": pa.array([b"x"])}).replace_schema_metadata({"geo": "{}"})
    pq.write_table(table, tmp_path / "a.parquet")
    assert "GeoParquet" in parquet.summarize(tmp_path / "a.parquet").reason


def test_a_codec_that_duckdb_lacks_is_refused(tmp_path: Path) -> None:
    def lzo(footer: Footer) -> None:
        footer[4][1][1][0][1][1][1][1][0][1][3][1][4] = (5, 3)

    path = with_footer(pa.table({"c": [1]}), tmp_path / "a.parquet", lzo)
    assert parquet.summarize(path).reason == "it is compressed by LZO, which R2D2 can't read"


@pytest.mark.parametrize("kind", ["fixed binary", "half", "double"])
def test_an_encoding_that_duckdb_reads_for_some_types_only_is_refused_for_the_others(kind: str, tmp_path: Path) -> None:
    values = {"fixed binary": pa.array([b"ab"], pa.binary(2)), "half": pa.array([1.5], pa.float16())}
    path = tmp_path / "a.parquet"
    table = pa.table({"c": values.get(kind, pa.array([1.5]))})
    pq.write_table(table, path, use_dictionary=False, column_encoding={"c": "BYTE_STREAM_SPLIT"})
    summary = parquet.summarize(path)
    if kind == "double":
        assert summary.status == "ok"
        return
    assert summary.reason == 'column "c" is FIXED_LEN_BYTE_ARRAY encoded as BYTE_STREAM_SPLIT, which R2D2 can\'t read'
    with _connection() as con, pytest.raises(duckdb.Error):
        con.sql("SELECT * FROM read_parquet(?)", params=[str(path)]).fetchall()


# Damage.


def test_damaged_files_say_what_is_wrong(tmp_path: Path) -> None:
    whole = _write(tmp_path / "whole.parquet", c=pa.array(range(1000))).read_bytes()
    cases = {
        b"": "empty (0 bytes)",
        b"PAR1": "only 4 bytes",
        b"just some text, no Parquet at all": "not a Parquet file",
        whole[:-10]: "truncated",
        whole[: len(whole) // 2]: "truncated",
        whole[:-8] + (2**31).to_bytes(4, "little") + b"PAR1": "length is given",
        whole[:-8] + bytes(4) + b"PAR1": "length is given",
        b"PAR1" + whole[-8 - int.from_bytes(whole[-8:-4], "little") :]: "beyond the end of the data",
        whole[:-4] + b"PARE": "encrypted",
    }
    for content, reason in cases.items():
        (tmp_path / "bad.parquet").write_bytes(content)
        summary = parquet.summarize(tmp_path / "bad.parquet")
        assert (summary.status, reason in summary.reason) == ("error", True), (content[:20], summary)


def test_no_damage_to_a_footer_escapes_as_another_error(tmp_path: Path) -> None:
    schema = pa.struct([("x", pa.list_(pa.int8())), ("y", pa.decimal128(5, 2))])
    table = pa.table({"c": pa.array(["a", None]), "d": pa.array([1, 2], pa.timestamp("us")), "e": pa.nulls(2, schema)})
    pq.write_table(table, tmp_path / "a.parquet")
    whole = (tmp_path / "a.parquet").read_bytes()
    start = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
    dice = random.Random(7)
    for _ in range(400):
        broken = bytearray(whole)
        for _ in range(dice.randint(1, 4)):
            broken[dice.randrange(start, len(whole) - 8)] = dice.randrange(256)
        (tmp_path / "b.parquet").write_bytes(broken)
        assert parquet.summarize(tmp_path / "b.parquet").status in ("ok", "unsupported", "error")


# Bounds.


def test_bounds_are_canonical_and_keep_every_digit(tmp_path: Path) -> None:
    columns = {
        "i": (pa.array([-5, 7, None], pa.int16()), Decimal(-5), Decimal(7)),
        "u": (pa.array([1, 2**64 - 1, None], pa.uint64()), Decimal(1), Decimal(2**64 - 1)),
        "m": (
            pa.array([Decimal("-1.10"), Decimal("2.25"), None], pa.decimal128(30, 2)),
            Decimal("-1.1"),
            Decimal("2.25"),
        ),
        "f": (pa.array([0.1, 2.5, None], pa.float32()), 0.10000000149011612, 2.5),
        "b": (pa.array([True, False, None]), False, True),
        "d": (pa.array([-3, 4, None], pa.date32()), -3, 4),
        "n": (pa.array([1, 10**18 + 1, None], pa.timestamp("ns")), 1, 10**18 + 1),
        "t": (pa.array([-1, 5, None], pa.timestamp("us", "UTC")), -1000, 5000),
        "ms": (pa.array([-1, 5, None], pa.timestamp("ms")), -1_000_000, 5_000_000),
        "s": (pa.array(["Z", "é", None]), "Z", "é"),
    }
    summary = parquet.summarize(
        _write(tmp_path / "a.parquet", **{name: array for name, (array, _, _) in columns.items()})
    )
    for name, (_, low, high) in columns.items():
        leaf = _leaf(summary, name)
        assert leaf.bounds == {leaf.families[0]: Bounds(low, high, True, True, True, True)}, name
        assert leaf.nulls == 1
        assert type(leaf.bounds[leaf.families[0]].low) is type(low)


def test_binary_has_no_bounds(tmp_path: Path) -> None:
    assert not _only(_write(tmp_path / "a.parquet", c=pa.array([b"a"]))).bounds


def test_nan_takes_no_part_in_bounds(tmp_path: Path) -> None:
    some = _only(_write(tmp_path / "a.parquet", c=pa.array([math.nan, 1.0, math.nan, 3.0])))
    assert some.bounds["floating"] == Bounds(1.0, 3.0, True, True, True, True)
    assert not _only(_write(tmp_path / "b.parquet", c=pa.array([math.nan]))).bounds


def test_columns_of_nulls_have_no_bounds_and_all_their_nulls(tmp_path: Path) -> None:
    leaf = _only(_write(tmp_path / "a.parquet", c=pa.nulls(5, pa.int64())))
    assert (leaf.nulls, leaf.bounds) == (5, {})


def test_row_groups_are_put_together(tmp_path: Path) -> None:
    table = pa.table({"c": pa.array([5, 6, None, None, 1, None])})
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=2)
    leaf = _only(tmp_path / "a.parquet")
    assert (leaf.nulls, leaf.bounds["number"]) == (3, Bounds(Decimal(1), Decimal(6), True, True, True, True))


def test_a_row_group_without_statistics_takes_all_bounds_and_the_null_count(tmp_path: Path) -> None:
    def forget(footer: Footer) -> None:
        del footer[4][1][1][0][1][1][1][1][0][1][3][1][12]

    table = pa.table({"c": pa.chunked_array([[5, None]])})
    leaf = _only(with_footer(table, tmp_path / "a.parquet", forget))
    assert (leaf.nulls, leaf.bounds) == (None, {})


def test_an_unknown_writer_is_not_believed(tmp_path: Path) -> None:
    def rename(footer: Footer) -> None:
        footer[6] = (8, b"somebody's writer 1.0")

    leaf = _only(with_footer(pa.table({"c": [1, 2]}), tmp_path / "a.parquet", rename))
    assert (leaf.nulls, leaf.bounds["number"]) == (None, Bounds(Decimal(1), Decimal(2)))
    assert not _only(with_footer(pa.table({"c": ["a", "b"]}), tmp_path / "b.parquet", rename)).bounds


def test_only_the_newer_fields_are_believed(tmp_path: Path) -> None:
    def old_fields(footer: Footer) -> None:
        statistics = column_statistics(footer)
        statistics.update({1: statistics.pop(5), 2: statistics.pop(6)})

    leaf = _only(with_footer(pa.table({"c": [1, 2]}), tmp_path / "a.parquet", old_fields))
    assert leaf.bounds["number"] == Bounds(Decimal(1), Decimal(2))

    def no_order(footer: Footer) -> None:
        del footer[7]

    leaf = _only(with_footer(pa.table({"c": [1, 2]}), tmp_path / "b.parquet", no_order))
    assert leaf.bounds["number"] == Bounds(Decimal(1), Decimal(2))


@pytest.mark.parametrize(
    ("writer", "believed"),
    [
        ("parquet-mr version 1.8.1 (build 4aba4da)", False),
        ("parquet-mr version 1.10.1 (build a89df8f)", True),
        ("parquet-mr version 1.16.0-databricks-0001 (build x)", True),
        ("parquet-mr compatible Photon version 0.2", False),
        ("parquet-mr (build 32c4664)", False),
        ("parquet-cpp version 1.5.1-SNAPSHOT", False),
        ("parquet-cpp-arrow version 2.0.0", False),
        ("parquet-cpp-arrow version 26.0.1", True),
        ("parquet-rs version 0.3.0", False),
        ("parquet-rs version 57.1.0", True),
        ("DuckDB version v0.10.0 (build 1f98600c2c)", False),
        ("DuckDB version v2.0.0 (build d54cbbe3df)", True),
        ("Polars", False),
        ("Polars (python) version 2.1.0 (build 7f9)", True),
        ("fake parquet-mr version 1.16.0", False),
        ("", False),
    ],
)
def test_writers_are_known_by_name_and_version(writer: str, believed: bool) -> None:
    assert Trust.in_writer(writer).writer is believed


def test_bounds_of_cut_strings_are_valid_and_not_tight(tmp_path: Path) -> None:
    with _connection() as con:
        con.execute("CREATE TABLE t AS SELECT repeat('é', 5000) AS c UNION ALL SELECT 'a'")
        con.execute("COPY t TO ? (FORMAT parquet)", [str(tmp_path / "duck.parquet")])
    pl.DataFrame({"c": ["z" * 300, "a" * 300]}).write_parquet(tmp_path / "polars.parquet")
    for name in ("duck", "polars"):
        found = _only(tmp_path / f"{name}.parquet").bounds.get("string")
        rows = pq.read_table(tmp_path / f"{name}.parquet")["c"].to_pylist()
        if found is not None:
            assert found.low <= min(rows)  # type: ignore[operator]
            assert found.high >= max(rows)  # type: ignore[operator]
            assert not found.high_tight or found.high in rows
            assert not found.low_tight or found.low in rows

    def inexact(footer: Footer) -> None:
        column_statistics(footer).update({7: (2, None), 8: (1, None)})

    bounds = _only(with_footer(pa.table({"c": ["a", "b"]}), tmp_path / "a.parquet", inexact)).bounds["string"]
    assert (bounds.low_tight, bounds.high_tight, bounds.low_valid, bounds.high_valid) == (True, False, True, True)


def test_strings_are_tight_without_a_flag_only_from_a_writer_that_never_cuts(tmp_path: Path) -> None:
    def silent(writer: bytes) -> Callable[[Footer], None]:
        def change(footer: Footer) -> None:
            for number in (7, 8):
                column_statistics(footer).pop(number, None)
            footer[6] = (8, writer)

        return change

    table = pa.table({"c": ["a", "b"]})
    arrow = _only(with_footer(table, tmp_path / "a", silent(b"parquet-cpp-arrow version 15.0.0"))).bounds["string"]
    spark = _only(with_footer(table, tmp_path / "b", silent(b"parquet-mr version 1.15.2 (build x)"))).bounds["string"]
    assert arrow == Bounds("a", "b", True, True, True, True)
    assert spark == Bounds("a", "b", False, False, True, True)


def test_values_that_duckdb_would_not_deliver_are_refused(tmp_path: Path) -> None:
    far = {
        "date": pa.array([2**31 - 1], pa.date32()),
        "us": pa.array([2**63 - 1], pa.timestamp("us")),
        "first": pa.array([-(2**63)], pa.timestamp("us", "UTC")),
        "ms": pa.array([2**62], pa.timestamp("ms")),
        "ns": pa.array([-(2**63) + 1], pa.timestamp("ns")),
    }
    for name, array in far.items():
        summary = parquet.summarize(_write(tmp_path / name, c=array))
        assert (summary.status, "beyond the range" in summary.reason) == ("unsupported", True), name
    path = _annotated(pa.array([1, 300], pa.int32()), tmp_path / "a.parquet", None, 15)
    with _connection() as con:
        assert con.sql("SELECT c FROM read_parquet(?)", params=[str(path)]).fetchall() == [(1,), (44,)]
    assert "beyond the range of TINYINT" in parquet.summarize(path).reason


def test_bounds_merge_to_what_both_sides_allow() -> None:
    sure, unsure = Bounds(1, 9, True, True, True, True), Bounds(0, 9, False, False, False, True)
    assert merge(sure, unsure) == Bounds(0, 9, False, True, False, True)
    assert merge(sure, sure) == sure


# Writers.


def test_duckdb_polars_and_pyarrow_files_of_the_same_rows_have_the_same_leaves(tmp_path: Path) -> None:
    table = pa.table(
        {
            "i": pa.array([1, None, 3], pa.int64()),
            "s": pa.array(["a", "b", None]),
            "d": pa.array([0, None, 5], pa.date32()),
            "t": pa.array([0, None, 5], pa.timestamp("us")),
            "z": pa.array([0, None, 5], pa.timestamp("us", "UTC")),
            "f": pa.array([0.5, None, 2.0]),
            "l": pa.array([[1], None, []], pa.list_(pa.int64())),
            "o": pa.array([{"x": 1}, None, {"x": None}], pa.struct([("x", pa.int64())])),
        }
    )
    pq.write_table(table, tmp_path / "arrow.parquet")
    pl.from_arrow(table).write_parquet(tmp_path / "polars.parquet")  # type: ignore[union-attr]
    with _connection() as con:
        con.register("t", table)
        con.execute("COPY t TO ? (FORMAT parquet)", [str(tmp_path / "duck.parquet")])
        kinds = []
        for name in ("arrow", "polars", "duck"):
            summary = parquet.summarize(tmp_path / f"{name}.parquet")
            _assert_delivered_exactly(tmp_path / f"{name}.parquet", summary, con)
            kinds.append({(leaf.path, leaf.families, leaf.nulls) for leaf in summary.leaves})
            assert _leaf(summary, "i").bounds["number"] == Bounds(Decimal(1), Decimal(3), True, True, True, True), name
    assert kinds[0] == kinds[1] == kinds[2]


@pytest.mark.spark
def test_a_file_of_spark_is_read_as_spark_wrote_it(spark: SparkSession, tmp_path: Path) -> None:
    key = "spark.sql.parquet.outputTimestampType"
    before = spark.conf.get(key)
    rows = "SELECT 1 AS i, CAST(1.5 AS DECIMAL(20,2)) AS m, 'x' AS s, DATE '2024-02-29' AS d, TRUE AS b, "
    rows += "TIMESTAMP '2024-01-01 00:00:00.123456' AS z, TIMESTAMP_NTZ '2024-01-01 00:00:00' AS t, "
    rows += "array(1, NULL) AS l, map('k', 1L) AS m2, named_struct('x', 1) AS o UNION ALL SELECT " + ", ".join(
        ["NULL"] * 10
    )
    try:
        spark.conf.set(key, "TIMESTAMP_MICROS")
        spark.sql(rows).coalesce(1).write.parquet(str(tmp_path / "out"))
    finally:
        spark.conf.set(key, before)
    path = next((tmp_path / "out").glob("*.parquet"))
    summary = parquet.summarize(path)
    with _connection() as con:
        _assert_delivered_exactly(path, summary, con)
    day = (datetime.date(2024, 2, 29) - datetime.date(1970, 1, 1)).days
    assert _leaf(summary, "d").bounds["date"] == Bounds(day, day, True, True, True, True)
    assert _leaf(summary, "m").bounds["number"].low == Decimal("1.5")
    assert _leaf(summary, "s").bounds["string"] == Bounds("x", "x", False, False, True, True)
    assert _leaf(summary, "z").nulls == 1


# Files of other projects.

#: Valid footers over pages that are broken on purpose: DuckDB refuses to read them.
BROKEN_PAGES = {"ARROW-GH-45185.parquet", "ARROW-GH-47662.parquet"}
#: Two values of a gigabyte; the row count is checked, the values are not.
TOO_LARGE = {"large_string_map.brotli.parquet"}


@FULL
@pytest.mark.skipif(not SHARED.exists(), reason=f"needs {SHARED}, which is not part of the repository")
def test_conformance_files_are_read_exactly_or_refused(tmp_path: Path) -> None:
    with tarfile.open(SHARED) as archive:
        wanted = [m for m in archive.getmembers() if m.name.lstrip("./").startswith("parquet-testing/")]
        archive.extractall(tmp_path, wanted, filter="data")
    counts = {"ok": 0, "unsupported": 0, "error": 0}
    with _connection() as con:
        for path in sorted(tmp_path.rglob("*.parquet*")):
            if path.suffix == ".json":
                continue
            summary = parquet.summarize(path)
            counts[summary.status] += 1
            if summary.status != "ok":
                assert summary.reason.isprintable()
                continue
            assert read_footer(path).rows == pq.read_metadata(path).num_rows == summary.rows
            if path.name in BROKEN_PAGES:
                with pytest.raises(duckdb.Error):
                    con.sql("SELECT * FROM read_parquet(?)", params=[str(path)]).fetchall()
            elif path.name not in TOO_LARGE:
                _assert_delivered_exactly(path, summary, con)
    assert counts["ok"] >= 50
    assert counts["unsupported"] > 100
