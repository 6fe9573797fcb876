"""Recipes case by case: the cheapest way is found, reads no more than it needs, and says why there is none."""

from __future__ import annotations

import base64
import gzip
import json
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyroaring import BitMap64

from r2d2.containment.digest import stored_digests
from r2d2.errors import NotRetirable, Tampered, UnreadableData
from r2d2.lake.delta_vectors import DeletionVector
from r2d2.lake.kernels import run_here
from r2d2.model.dataset import Dataset
from r2d2.model.recipe import Recipe, RecipeKind, units
from r2d2.recovery.recipes import predicate as predicates
from r2d2.recovery.recipes.predicate import Filled, Listed, Range
from r2d2.recovery.recipes.recipes import candidates, digest_of
from r2d2.recovery.recipes.row_places import unpacked
from r2d2.recovery.recipes.selection import needed_files
from tests.recovery.rebuilds import dataset_at, looked_at, manifest_of
from tests.recovery.restored import SETTINGS, batches_of, recipes_of
from tests.sampling import some

ROWS = pa.table(
    {
        "id": pa.array(range(40), pa.int32()),
        "kind": ["ab"[i % 2] + "xyz"[i % 3] for i in range(40)],
        "day": pa.array([i // 4 for i in range(40)], pa.int64()),
        "price": pa.array([None if i % 5 == 0 else float(i) for i in range(40)]),
    }
)


def parquet(path: Path, *parts: pa.Table) -> Dataset:
    """A directory with a file for each part."""
    path.mkdir()
    for number, part in enumerate(parts):
        pq.write_table(part, path / f"part-{number}.parquet")
    return dataset_at(path)


def partitioned(path: Path, table: pa.Table, column: str) -> Dataset:
    for value in table[column].unique().to_pylist():
        directory = path / f"{column}={value}"
        directory.mkdir(parents=True)
        rows = table.filter(pa.array([each == value for each in table[column].to_pylist()]))
        pq.write_table(rows.drop_columns(column), directory / "part.parquet")
    return dataset_at(path)


def where(mask: list[bool], table: pa.Table = ROWS) -> pa.Table:
    return table.filter(pa.array(mask))


def only(child: Dataset, parent: Dataset) -> Recipe:
    (recipe,) = recipes_of(child, parent)
    return recipe


def predicate_of(recipe: Recipe) -> predicates.Predicate:
    return predicates.from_json(recipe.predicate)


def rows_of(recipe: Recipe) -> list[dict[str, Any]]:
    return [row for batch in batches_of(recipe, 0) for row in batch.to_pylist()]


def selected_rows(recipe: Recipe, unit: int = 0) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for batch in batches_of(recipe, unit) for row in batch.to_pylist()]


def refusal(child: Dataset, parent: Dataset) -> str:
    with pytest.raises(NotRetirable) as caught:
        recipes_of(child, parent)
    return str(caught.value)


def test_files_that_the_parent_has_as_they_are_come_back_as_copies_and_pin_no_others(tmp_path: Path) -> None:
    parts = [ROWS.slice(start, 10) for start in (0, 10, 20)]
    parent = parquet(tmp_path / "parent", *parts)
    child = parquet(tmp_path / "child", parts[2], parts[0], parts[2])
    first, *_ = candidates(
        child, looked_at(child)[0], parent, manifest_of(child, looked_at(child)[0]), SETTINGS, run_here
    )
    assert first.kind is RecipeKind.SAME
    assert first.copies == ((0, 1), (1, 0), (2, 1))
    assert [Path(file.path).name for file in first.parent.files] == ["part-0.parquet", "part-2.parquet"]
    assert first.keeps_order


def test_a_dataset_of_the_same_rows_needs_no_predicate(tmp_path: Path) -> None:
    parent = parquet(tmp_path / "parent", ROWS)
    child = parquet(tmp_path / "child", ROWS.slice(20), ROWS.slice(0, 20))
    recipe = only(child, parent)
    assert (recipe.kind, recipe.predicate) == (RecipeKind.SAME, "")
    assert len(selected_rows(recipe)) == 40


def test_a_slice_by_range_is_told_by_one_term(tmp_path: Path) -> None:
    parent = parquet(tmp_path / "parent", ROWS)
    recipe = only(parquet(tmp_path / "child", where([2 <= i // 4 <= 5 for i in range(40)])), parent)
    assert recipe.kind is RecipeKind.FILTER
    (condition,) = predicate_of(recipe)
    assert isinstance(condition, Range)
    assert [row[2] for row in selected_rows(recipe)] == [i // 4 for i in range(40) if 2 <= i // 4 <= 5]


def test_a_slice_by_two_categories_needs_both(tmp_path: Path) -> None:
    table = pa.table({"a": [i % 4 for i in range(64)], "b": [f"{i // 4 % 4}" for i in range(64)], "c": range(64)})
    table = table.append_column("d", pa.array([i * 37 % 64 for i in range(64)]))
    inside = [i % 4 in (0, 3) and i // 4 % 4 in (1, 3) for i in range(64)]
    recipe = only(
        parquet(tmp_path / "child", where(inside, table).select(["a", "b"])), parquet(tmp_path / "parent", table)
    )
    assert {type(condition) for condition in predicate_of(recipe)} == {Listed}
    assert {condition.path for condition in predicate_of(recipe)} == {("a",), ("b",)}
    assert len(selected_rows(recipe)) == sum(inside)


@pytest.mark.parametrize("null", [True, False])
def test_rows_are_told_by_a_column_that_is_null_or_is_not(tmp_path: Path, null: bool) -> None:
    inside = [(price is None) == null for price in ROWS["price"].to_pylist()]
    table = ROWS.select(["price"]) if null else ROWS
    recipe = only(parquet(tmp_path / "child", where(inside, table)), parquet(tmp_path / "parent", ROWS))
    assert len(selected_rows(recipe)) == sum(inside)
    assert predicate_of(recipe) == (
        (Listed(("price",), "floating", (), True),) if null else (Filled(("price",), "floating"),)
    )


def test_nan_is_admitted_only_where_the_child_has_it(tmp_path: Path) -> None:
    table = pa.table({"x": [float("nan"), float("nan"), *map(float, range(200))]})
    parent = parquet(tmp_path / "parent", table)
    without = only(parquet(tmp_path / "without", table.slice(2, 100)), parent)
    (condition,) = predicate_of(without)
    assert isinstance(condition, Range)
    assert not condition.nan
    both = only(parquet(tmp_path / "with", table.slice(0, 102)), parent)
    (condition,) = predicate_of(both)
    assert isinstance(condition, Range)
    assert condition.nan
    assert len(selected_rows(both)) == 102


def test_partitions_of_the_parent_are_a_category_and_the_others_are_not_pinned(tmp_path: Path) -> None:
    parent = partitioned(tmp_path / "parent", ROWS, "kind")
    chosen = [kind in ("ax", "bz") for kind in ROWS["kind"].to_pylist()]
    recipe = only(parquet(tmp_path / "child", where(chosen)), parent)
    assert recipe.kind is RecipeKind.FILTER
    assert {dict(file.partition)["kind"] for file in recipe.parent.files} == {"ax", "bz"}
    assert sorted(row[0] for row in selected_rows(recipe)) == [i for i in range(40) if chosen[i]]


def test_each_partition_of_the_child_gets_its_rows_from_the_files_that_may_hold_them(tmp_path: Path) -> None:
    parent = partitioned(tmp_path / "parent", ROWS, "day")
    recipe = only(partitioned(tmp_path / "child", ROWS.slice(0, 16).drop_columns("kind"), "day"), parent)
    for number, unit in enumerate(units(recipe.manifest)):
        day = int(dict(recipe.manifest.files[unit[0]].partition)["day"] or "")
        assert {dict(file.partition)["day"] for file in needed_files(recipe)[number]} == {str(day)}
        assert [row[0] for row in selected_rows(recipe, number)] == [i for i in range(40) if i // 4 == day]


def test_rows_that_no_predicate_tells_are_listed_one_for_each_row_of_the_child(tmp_path: Path) -> None:
    table = pa.table({"a": [i % 7 for i in range(70)], "b": [i % 5 for i in range(70)]})
    parent = parquet(tmp_path / "parent", table.slice(0, 30), table.slice(30))
    places = [0, 35, 1, 2, 8, 22, 69]  # 0 and 35 are equal
    recipe = only(parquet(tmp_path / "child", table.take(places)), parent)
    assert recipe.kind is RecipeKind.ROWS
    assert sorted(selected_rows(recipe)) == sorted((i % 7, i % 5) for i in places)
    assert sum(len(unpacked(text)) for text in recipe.rows[0].values()) == len(places)


@pytest.mark.parametrize("form", some(["csv", "tsv", "jsonl", "utf-16", "gz", "one column"], 2))
def test_rows_of_text_are_listed_by_their_places(tmp_path: Path, form: str) -> None:
    texts = [f"{i % 7}" if i % 6 else 'a"b\n,\\c\t' for i in range(70)]
    if form == "one column":
        lines = ["x", *(f"{i % 7}" if i % 5 else "" for i in range(70))]
        (tmp_path / "parent.csv").write_text("\n".join(lines), newline="")
        parent, table = dataset_at(tmp_path / "parent.csv"), pa.table({"x": [int(v) if v else None for v in lines[1:]]})
    else:
        table = pa.table({"a": [i % 5 for i in range(70)], "b": texts})
        parent = dataset_at(written_as(table, tmp_path, form))
    places = [0, 35, 1, 6, 12, 22, 69]
    recipe = only(parquet(tmp_path / "child", table.take(places)), parent)
    assert recipe.kind is RecipeKind.ROWS
    expected = [tuple(row.values()) for row in table.take(places).to_pylist()]
    found = [tuple(int(v) if k == "c0" and v else v for k, v in row.items()) for row in rows_of(recipe)]
    assert sorted(found, key=repr) == sorted(expected, key=repr)


def written_as(table: pa.Table, directory: Path, form: str) -> Path:
    """As text, with a blank line between rows where that is none."""
    rows = table.to_pylist()
    if form == "jsonl":
        lines = [json.dumps(row) + "\n" * (i % 9 == 0) for i, row in enumerate(rows)]
        (directory / "parent.jsonl").write_text("\n".join(lines))
        return directory / "parent.jsonl"
    mark, end = "\t" if form == "tsv" else ",", "\r\n"
    fields = [(str(row["a"]), '"' + row["b"].replace('"', '""') + '"') for row in rows]
    lines = [f"a{mark}b", *(mark.join(pair) + end * (i % 9 == 0) for i, pair in enumerate(fields))]
    data = (end.join(lines) + end).encode("utf-16" if form == "utf-16" else "utf-8")
    path = directory / {"tsv": "parent.tsv", "gz": "parent.csv.gz"}.get(form, "parent.csv")
    path.write_bytes(gzip.compress(data) if form == "gz" else data)
    return path


def test_of_equal_rows_those_are_listed_that_are_spelled_as_in_the_child(tmp_path: Path) -> None:
    table = pa.table({"a": [0.0, -0.0, 0.0, -0.0, 1.0, 2.0, 3.0], "b": [1, 1, 1, 1, 5, 5, 6]})
    parent = parquet(tmp_path / "parent", table)
    recipe = only(parquet(tmp_path / "child", table.take([1, 3, 4, 6])), parent)
    assert list(unpacked(recipe.rows[0][0])) == [1, 3, 4, 6]
    merely_equal = pa.table({"a": [-0.0, -0.0, -0.0, 1.0], "b": [1, 1, 1, 5]})
    assert len(selected_rows(only(parquet(tmp_path / "equal", merely_equal), parent))) == 4


def test_rows_go_to_the_files_with_their_header(tmp_path: Path) -> None:
    """Nothing but a list tells which rows are in the file that has another type."""
    parent = parquet(tmp_path / "parent", ROWS)
    other = ROWS.slice(0, 8).set_column(0, "id", ROWS["id"].slice(0, 8).cast(pa.int64()))
    recipe = only(parquet(tmp_path / "child", ROWS.slice(20, 10), other), parent)
    assert recipe.kind is RecipeKind.ROWS
    assert [sorted(row[0] for row in selected_rows(recipe, unit)) for unit in (0, 1)] == [
        list(range(20, 30)),
        list(range(8)),
    ]


def test_headers_that_differ_in_compression_only_are_one(tmp_path: Path) -> None:
    child = parquet(tmp_path / "child", ROWS.slice(20, 10))
    pq.write_table(ROWS.slice(0, 8), tmp_path / "child/part-1.parquet", compression="zstd", row_group_size=2)
    recipe = only(dataset_at(tmp_path / "child"), parquet(tmp_path / "parent", ROWS.slice(0, 8), ROWS.slice(20, 10)))
    assert (recipe.kind, len(units(recipe.manifest))) == (RecipeKind.SAME, 1)
    del child


def test_rows_that_a_deletion_vector_takes_out_are_not_listed(tmp_path: Path) -> None:
    parent = parquet(tmp_path / "parent", pa.table({"a": [1, 1, 2, 1, 4, 4], "b": [1, 1, 7, 7, 7, 1]}))
    data = struct.pack("<i", 1681511377) + bytes(BitMap64([0, 2]).serialize())
    text = base64.b85encode(data + b"\0" * (-len(data) % 4)).decode()
    back = str.maketrans(
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~",
        "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#",
    )
    vector = DeletionVector("", 0, len(data), 2, text.translate(back)).to_json()
    parent = replace(parent, rows=4, files=(replace(parent.files[0], rows=4, vector=vector),))
    recipe = only(parquet(tmp_path / "child", pa.table({"a": [1, 4], "b": [1, 7]})), parent)
    assert recipe.kind is RecipeKind.ROWS
    assert list(unpacked(recipe.rows[0][0])) == [1, 4]


def test_structs_are_put_together_from_some_of_the_parents_fields(tmp_path: Path) -> None:
    values = [{"p": i, "q": f"{i}", "r": None} if i % 3 else None for i in range(9)]
    kind = pa.struct([("p", pa.int64()), ("q", pa.string()), ("r", pa.int8())])
    fewer = pa.struct([("q", pa.string()), ("p", pa.int64())])
    parent = parquet(tmp_path / "parent", pa.table({"s": pa.array(values, kind), "i": range(9)}))
    mine = [value and {"q": value["q"], "p": value["p"]} for value in values]
    recipe = only(parquet(tmp_path / "child", pa.table({"S": pa.array(mine, fewer)})), parent)
    found = [row[0] and tuple(row[0].values()) for row in selected_rows(recipe)]
    assert found == [value and (value["q"], value["p"]) for value in mine]


def test_hostile_names_and_values_are_only_names_and_values(tmp_path: Path) -> None:
    name, value = "a\"b'); DROP TABLE x; --", "x'); SELECT 1; --\n"
    table = pa.table({name: [value, "other", "b"] * 5, "n": range(15)})
    recipe = only(
        parquet(tmp_path / "child", where([i % 3 == 0 for i in range(15)], table)), parquet(tmp_path / "parent", table)
    )
    assert [row[0] for row in selected_rows(recipe)] == [value] * 5
    assert value not in predicates.describe(predicate_of(recipe), show_values=False)


def test_a_recipe_larger_than_the_data_is_not_offered(tmp_path: Path) -> None:
    child, parent = parquet(tmp_path / "child", ROWS.slice(0, 10)), parquet(tmp_path / "parent", ROWS)
    (looked,) = looked_at(child)
    manifest = replace(manifest_of(child, looked), bytes=100)
    with pytest.raises(NotRetirable, match=r"would take \d+ bytes, the data takes 100"):
        list(candidates(child, looked, parent, manifest, SETTINGS, run_here))


def test_what_is_not_contained_has_no_recipe(tmp_path: Path) -> None:
    parent = parquet(tmp_path / "parent", ROWS)
    changed = ROWS.slice(0, 10).set_column(3, "price", pa.array([7.5] * 10))
    assert "not every row of it is in" in refusal(parquet(tmp_path / "changed", changed), parent)
    swapped = ROWS.set_column(2, "day", ROWS["day"].take(list(range(39, -1, -1))))
    assert "not every row of it is in parent" in refusal(parquet(tmp_path / "swapped", swapped), parent)
    beyond = ROWS.slice(0, 3).set_column(0, "id", pa.array([1, 2, 99], pa.int32()))
    assert "it is not contained in parent" in refusal(parquet(tmp_path / "beyond", beyond), parent)
    assert "columns are not all" in refusal(parquet(tmp_path / "more", ROWS.append_column("z", ROWS["id"])), parent)
    shared = replace(parquet(tmp_path / "child", ROWS.slice(0, 9)), shared_with=(parent.id,))
    assert "hold files in common" in refusal(shared, replace(parent, shared_with=(shared.id,)))


def test_json_documents_that_are_spaced_unevenly_come_back_as_copies_only(tmp_path: Path) -> None:
    (tmp_path / "child.json").write_text('[{"id": 1},\n {"id": 2}, {"id": 3}]')
    parent = parquet(tmp_path / "parent", ROWS)
    assert "unlike spaces between their records" in refusal(dataset_at(tmp_path / "child.json"), parent)


def test_a_column_that_is_in_the_files_and_not_in_the_table_does_not_come_back_by_rows(tmp_path: Path) -> None:
    child = parquet(tmp_path / "child", ROWS.slice(0, 9))
    child = replace(child, leaves=tuple(leaf for leaf in child.leaves if leaf.path != ("kind",)))
    assert "a column that the table has dropped" in refusal(child, parquet(tmp_path / "parent", ROWS))


def test_what_changed_since_it_was_listed_is_not_read(tmp_path: Path) -> None:
    child, parent = parquet(tmp_path / "child", ROWS.slice(0, 9)), parquet(tmp_path / "parent", ROWS)
    recipe = only(child, parent)
    pq.write_table(ROWS.slice(1), tmp_path / "parent/part-0.parquet")
    with pytest.raises(UnreadableData, match="changed"):
        selected_rows(recipe)
    assert "changed" in refusal(child, parent)


def test_a_damaged_list_of_rows_is_noticed() -> None:
    for text in ("???", base64.b64encode(b"no bitmap").decode()):
        with pytest.raises(Tampered):
            unpacked(text)


def test_the_digest_is_the_stored_one_or_the_reason_why_there_is_none(tmp_path: Path) -> None:
    dataset = parquet(tmp_path / "t", ROWS)
    assert digest_of(dataset, SETTINGS, run_here) == str(stored_digests([dataset], SETTINGS, run_here)[0][0])
    with pytest.raises(UnreadableData, match="t: its metadata says 41 rows"):
        digest_of(replace(dataset, rows=41), SETTINGS, run_here)
