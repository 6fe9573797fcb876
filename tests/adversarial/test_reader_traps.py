"""Traps of Parquet and of readers: DuckDB alone goes wrong on files that r2d2 decides exactly, or refuses."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, localcontext
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.adversarial.naive import answer, naive_contained, parquet, quoted, rows
from tests.parquet_footers import Footer, column_statistics, with_footer

EACH_OTHER = {("a.parquet", "b.parquet"), ("b.parquet", "a.parquet")}


def pair(directory: Path, a: pa.Array, b: pa.Array, **options: object) -> tuple[str, str]:
    """Two files of one column under one key, as relations."""
    for name, values in (("a", a), ("b", b)):
        keys = pa.array(range(len(values)), pa.int64())
        pq.write_table(pa.table({"k": keys, "x": values}), directory / f"{name}.parquet", **options)
    return quoted(directory / "a.parquet"), quoted(directory / "b.parquet")


def test_decimals_of_sixty_digits_are_refused_where_duckdb_makes_two_values_one_double(tmp_path: Path) -> None:
    with localcontext() as context:
        context.prec = 70
        values = [pa.array([Decimal(10**40 + i)], pa.decimal256(60, 0)) for i in (0, 1)]
    assert naive_contained(*pair(tmp_path, *values))
    found = answer(tmp_path)
    assert "DECIMAL(60,0): more than 38 digits" in found.refused("a.parquet")
    assert "DECIMAL(60,0): more than 38 digits" in found.refused("b.parquet")


def test_int96_is_refused_where_duckdb_cuts_it_to_microseconds_without_a_zone(tmp_path: Path) -> None:
    values = [pa.array([nanoseconds], pa.timestamp("ns")) for nanoseconds in (1, 999)]
    a, b = pair(tmp_path, *values, use_deprecated_int96_timestamps=True)
    assert naive_contained(a, b)
    assert rows(f"SELECT typeof(x) FROM {a}") == [("TIMESTAMP",)]
    assert "INT96" in answer(tmp_path).refused("b.parquet")
    pair(tmp_path, *values)
    assert not answer(tmp_path).pairs


def test_a_path_with_brackets_is_that_file_and_not_a_pattern(tmp_path: Path) -> None:
    asked = parquet(tmp_path / "x[ab]/p.parquet", k=[1, 2])
    parquet(tmp_path / "xa/p.parquet", k=[3, 4])
    parent = parquet(tmp_path / "parent.parquet", k=[3, 4, 5])
    assert naive_contained(quoted(parent), f"read_parquet([{quoted(asked)}])")
    found = answer(tmp_path)
    assert found.pairs == {("parent.parquet", "xa/p.parquet")}
    assert not found.errors


def test_files_of_a_dataset_keep_their_own_types_where_duckdb_casts_to_those_of_the_first(tmp_path: Path) -> None:
    child = [parquet(tmp_path / "child/part-0.parquet", k=pa.array([1], pa.int32()))]
    child.append(parquet(tmp_path / "child/part-1.parquet", k=pa.array([Decimal("1.5")], pa.decimal128(3, 1))))
    parent = parquet(tmp_path / "parent.parquet", k=[1, 2])
    exact = [Decimal("1.5"), Decimal(1), Decimal(7)]
    parquet(tmp_path / "exact.parquet", k=pa.array(exact, pa.decimal128(5, 1)))
    assert naive_contained(quoted(parent), f"read_parquet([{', '.join(map(quoted, child))}])")
    assert answer(tmp_path).pairs == {("exact.parquet", "child")}


def test_the_same_bytes_under_other_partition_values_are_other_rows(tmp_path: Path) -> None:
    for year in (2023, 2024):
        parquet(tmp_path / f"of_{year}/year={year}/data.parquet", k=[1, 2])
    a, b = (tmp_path / f"of_{year}/year={year}/data.parquet" for year in (2023, 2024))
    assert a.read_bytes() == b.read_bytes()
    assert naive_contained(*(f"read_parquet({quoted(path)}, hive_partitioning = false)" for path in (a, b)))
    parquet(tmp_path / "plain.parquet", k=[2, 1], year=[2023, 2023])
    assert answer(tmp_path).pairs == {("of_2023", "plain.parquet"), ("plain.parquet", "of_2023")}


def test_partition_values_are_text_and_keep_their_zeros(tmp_path: Path) -> None:
    for month in ("1", "01"):
        parquet(tmp_path / f"of_{month}/month={month}/data.parquet", k=[1, 2])
    names = [quoted(tmp_path / f"of_{month}/month={month}/data.parquet") for month in ("1", "01")]
    assert naive_contained(*(f"read_parquet({name}, hive_types = {{'month': INT}})" for name in names))
    assert not answer(tmp_path).pairs


def test_a_null_struct_is_not_a_struct_of_nulls(tmp_path: Path) -> None:
    kind = pa.struct([("f", pa.int64())])
    a, b = pair(tmp_path, pa.array([None, {"f": 1}], kind), pa.array([{"f": None}, {"f": 1}], kind))
    assert naive_contained(f"(SELECT k, x.f FROM {a})", f"(SELECT k, x.f FROM {b})")
    assert naive_contained(f"(SELECT hash(k, x) FROM {a})", f"(SELECT hash(k, x) FROM {b})")
    assert not answer(tmp_path).pairs


def test_maps_are_compared_without_order_where_duckdb_compares_entry_by_entry(tmp_path: Path) -> None:
    kind = pa.map_(pa.string(), pa.int64())
    a, b = pair(tmp_path, pa.array([[("p", 1), ("q", 2)]], kind), pa.array([[("q", 2), ("p", 1)]], kind))
    assert not naive_contained(a, b), "a wrong refutation"
    assert answer(tmp_path).pairs == EACH_OTHER
    pair(tmp_path, pa.array([[("p", 1), ("q", 2)]], kind), pa.array([[("p", 2), ("q", 1)]], kind))
    assert not answer(tmp_path).pairs


def test_numbers_of_38_places_are_compared_exactly_where_a_literal_is_a_double(tmp_path: Path) -> None:
    value = "0.12345678901234567890123456789012345678"
    assert rows(f"SELECT typeof({value}), {value} = {value[:-1]}9") == [("DOUBLE", True)]
    kind = pa.decimal128(38, 38)
    near = [Decimal(f"{value[:-1]}9"), Decimal(f"{value[:-1]}7")]
    pair(tmp_path, pa.array([Decimal(value), Decimal("0.2")], kind), pa.array(near, kind))
    assert not answer(tmp_path).pairs
    # the bounds of b exclude the last row of a: only a box that is exact to the last place counts b's rows and no other
    pair(tmp_path, pa.array([*near, Decimal("0.2")], kind), pa.array(near, kind))
    assert answer(tmp_path).pairs == {("a.parquet", "b.parquet")}


def test_a_decimal_in_a_list_equals_the_same_number_of_another_scale(tmp_path: Path) -> None:
    assert rows("SELECT '0.5'::DECIMAL(2, 2)::VARCHAR, '0.5'::DECIMAL(3, 1)::VARCHAR") == [(".50", "0.5")]
    half = [[Decimal("0.5")]]
    a, b = pair(tmp_path, pa.array(half, pa.list_(pa.decimal128(2, 2))), pa.array(half, pa.list_(pa.decimal128(3, 1))))
    assert not naive_contained(*(f"(SELECT k, array_to_string(x, ',') FROM {side})" for side in (a, b)))
    assert answer(tmp_path).pairs == EACH_OTHER


def test_infinite_times_prove_nothing_where_duckdb_takes_both_for_null(tmp_path: Path) -> None:
    infinite = [pa.array([moment], pa.int64()).view(pa.timestamp("us")) for moment in (2**63 - 1, -(2**63 - 1))]
    a, b = pair(tmp_path, *infinite)
    assert rows(f"SELECT isinf(x) FROM {a} UNION ALL SELECT isinf(x) FROM {b}") == [(True,), (True,)]
    assert naive_contained(*(f"(SELECT k, epoch_us(x) AS x FROM {side})" for side in (a, b)))
    found = answer(tmp_path)
    print(found.errors)
    assert not found.pairs


def says_no_nulls(footer: Footer) -> None:
    column_statistics(footer, 1)[3] = (6, 0)


def says_one_value(footer: Footer) -> None:
    statistics = column_statistics(footer, 1)
    statistics[5] = statistics[6]


def says_only_nulls(footer: Footer) -> None:
    column_statistics(footer, 1)[3] = (6, 3)


#: What a footer says falsely, what its column holds, the query in which DuckDB believes it, and its wrong answer.
LIARS: dict[str, tuple[Callable[[Footer], None], list[int | None], str, object]] = {
    "no nulls": (says_no_nulls, [1, None, 3], "SELECT count(*) FROM {} WHERE x IS NULL", 0),
    "one value": (says_one_value, [1, 2, 3], "SELECT count(*) FROM {} WHERE x = 1", 3),
    "only nulls": (says_only_nulls, [1, 2, 3], "SELECT count(x) FROM {}", 0),
}
#: What would fit what those footers say.
FITTING: dict[str, list[int | None]] = {"no nulls": [1, 2, 3], "one value": [1, 1, 1], "only nulls": [None] * 3}


@pytest.mark.parametrize("lie", LIARS)
def test_no_proof_rests_on_what_a_footer_says_falsely(tmp_path: Path, lie: str) -> None:
    change, values, query, wrong = LIARS[lie]
    table = pa.table({"k": [0, 1, 2], "x": pa.array(values, pa.int64())})
    child = with_footer(table, tmp_path / "b.parquet", change)
    assert rows(query.format(quoted(child))) == [(wrong,)]
    parquet(tmp_path / "a.parquet", k=[0, 1, 2], x=pa.array(FITTING[lie], pa.int64()))
    parquet(tmp_path / "true.parquet", k=[0, 1, 2], x=pa.array(values, pa.int64()))
    found = answer(tmp_path)
    assert not [names for names in found.pairs if "a.parquet" in names]
    if lie == "only nulls":
        assert "only NULLs, and the column holds values" in found.refused("b.parquet")


def newer_annotation_only(footer: Footer) -> None:
    del footer[2][1][1][2][1][6]


def test_a_date_of_the_newer_annotation_only_is_refused_where_duckdb_reads_an_integer(tmp_path: Path) -> None:
    days = pa.table({"k": [0, 1], "x": pa.array([10, 20], pa.date32())})
    child = with_footer(days, tmp_path / "b.parquet", newer_annotation_only)
    parent = parquet(tmp_path / "a.parquet", k=[0, 1], x=pa.array([10, 20], pa.int32()))
    assert pq.read_table(child).column("x").type == pa.date32()
    assert naive_contained(quoted(parent), quoted(child))
    assert "DATE in the newer annotation only" in answer(tmp_path).refused("b.parquet")


def test_lists_in_lists_are_refused_beyond_what_duckdb_plans_in_bounded_time(tmp_path: Path) -> None:
    deep = pa.array([1, 2], pa.int64())
    for _ in range(8):  # DuckDB takes 40 s and 1.3 GB to plan lambdas at eight levels
        deep = pa.ListArray.from_arrays(pa.array([0, 1, 2], pa.int32()), deep)
    pair(tmp_path, deep, deep)
    assert "nested more than 4 deep" in answer(tmp_path).refused("b.parquet")


def test_a_required_struct_of_nulls_is_not_a_null_struct_and_nullability_alone_parts_nothing(tmp_path: Path) -> None:
    """The fields alone are equal: NULL in both. What is there in one is missing in the other."""
    kind = pa.struct([("a", pa.int64())])
    required = pa.schema([pa.field("i", pa.int64()), pa.field("s", kind, nullable=False)])
    nullable = pa.schema([pa.field("i", pa.int64()), pa.field("s", kind)])
    rows = [{"i": 1, "s": {"a": None}}, {"i": 2, "s": {"a": 1}}]
    pq.write_table(pa.Table.from_pylist(rows, required), tmp_path / "required.parquet")
    pq.write_table(pa.Table.from_pylist(rows, nullable), tmp_path / "nullable.parquet")
    lacking = [{"i": 1, "s": None}, rows[1], {"i": 3, "s": None}]
    pq.write_table(pa.Table.from_pylist(lacking, nullable), tmp_path / "lacking.parquet")
    fields = "SELECT i, s.a FROM read_parquet('{}/{}.parquet')"
    lost = f"{fields.format(tmp_path, 'required')} EXCEPT ALL {fields.format(tmp_path, 'lacking')}"
    assert duckdb.sql(lost).fetchall() == [], "a naive comparison of the fields finds all rows"
    found = answer(tmp_path)
    assert found.pairs == {("nullable.parquet", "required.parquet"), ("required.parquet", "nullable.parquet")}
