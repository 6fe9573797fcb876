"""Parquet comes back from its recipe as the same data, in files of the same names and row counts."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from deltalake import write_deltalake

from r2d2.errors import Tampered, UnreadableData
from r2d2.lake.kernels import Kernel, run_here
from r2d2.model.recipe import RecipeKind
from r2d2.recovery.rebuild.rebuild import rebuild
from tests.recovery.rebuilds import SMALL, rebuilt, recipes
from tests.unit.test_delta_vectors import written

_FEATURES = ("readerFeatures", "writerFeatures")

ROWS = pa.table({"i": range(100), "s": [f"x{i % 7}" for i in range(100)], "f": [i / 3 for i in range(100)]})


def _parent(directory: Path) -> Path:
    (directory / "parent").mkdir()
    for place, rows in enumerate((ROWS.slice(0, 60), ROWS.slice(60))):
        pq.write_table(rows, directory / f"parent/part-{place}.parquet", row_group_size=10)
    return directory / "parent"


def _slice(directory: Path) -> Path:
    """A projection in other types, cut into files one of which is empty."""
    (directory / "child").mkdir()
    schema = pa.schema([("s", pa.large_string()), pa.field("i", pa.uint8(), nullable=False)], {"k": "v"})
    rows = ROWS.select(["s", "i"]).slice(20, 60).cast(schema)
    for place, part in enumerate((rows.slice(0, 25), rows.slice(25), rows.slice(0, 0))):
        pq.write_table(part, directory / f"child/part-{place}.parquet")
    return directory / "child"


def test_a_slice_comes_back_with_its_files_types_and_modes(tmp_path: Path) -> None:
    parent, child = _parent(tmp_path), _slice(tmp_path)
    os.chmod(child / "part-1.parquet", 0o640)
    (recipe,) = recipes(child, parent, digest="of its rows")
    built = rebuilt(recipe, tmp_path / "out")
    assert recipe.kind is RecipeKind.FILTER
    assert (built.identity, built.digest) == (recipe.manifest.identity, "of its rows")
    told = [(file.name, file.rows, file.mode) for file in built.files]
    assert told == [(file.name, file.rows, file.mode) for file in recipe.manifest.files]
    assert sorted(os.listdir(tmp_path / "out")) == sorted(file.name for file in built.files)
    assert pq.read_schema(tmp_path / "out/part-0.parquet").equals(
        pq.read_schema(child / "part-0.parquet"), check_metadata=True
    )


def test_nobody_else_may_read_what_is_being_written(tmp_path: Path) -> None:
    parent, child = _parent(tmp_path), _slice(tmp_path)
    shutil.copytree(parent, tmp_path / "copy")
    for path in (child, tmp_path / "copy"):
        os.chmod(path / "part-0.parquet", 0o600)
        os.chmod(path / "part-1.parquet", 0)
        modes: set[int] = set()

        def looking(tasks: pa.Table, kernel: Kernel, results: pa.Schema, modes: set[int] = modes) -> pa.Table:
            found = run_here(tasks, kernel, results)
            modes |= {file.stat().st_mode & 0o777 for file in (tmp_path / "out").glob(".*")}
            return found

        rebuild(next(recipes(path, parent)), str(tmp_path / "out"), SMALL, looking)
        assert modes == {0o600}
        assert [(tmp_path / f"out/part-{i}.parquet").stat().st_mode & 0o777 for i in (0, 1)] == [0o600, 0]
        shutil.rmtree(tmp_path / "out")


def test_a_copy_comes_back_byte_for_byte_or_written_anew(tmp_path: Path) -> None:
    parent = _parent(tmp_path)
    child = Path(shutil.copytree(parent, tmp_path / "child"))
    copies, anew = recipes(child, parent)
    for recipe in (copies, anew):
        built = rebuilt(recipe, tmp_path / f"out{len(recipe.copies)}")
        assert built.identity == recipe.manifest.identity
    assert (tmp_path / "out2/part-0.parquet").read_bytes() == (child / "part-0.parquet").read_bytes()


def test_copies_of_the_same_bytes_are_the_same_data_whatever_libraries_make_of_them_by_then(tmp_path: Path) -> None:
    parent = _parent(tmp_path)
    recipe = next(recipes(Path(shutil.copytree(parent, tmp_path / "child")), parent))
    older = replace(recipe, manifest=replace(recipe.manifest, identity="as an older library saw it"))
    assert rebuilt(older, tmp_path / "out").identity == older.manifest.identity


def test_required_fields_of_structs_that_are_null_come_back(tmp_path: Path) -> None:
    inner = pa.struct([pa.field("t", pa.string(), nullable=False), ("n", pa.int32())])
    fields = [pa.field("x", pa.int32(), nullable=False), pa.field("in", inner, nullable=False)]
    fields += [pa.field("l", pa.list_(pa.int8()), nullable=False), pa.field("b", pa.bool_(), nullable=False)]
    fields += [pa.field("m", pa.map_(pa.string(), pa.int8()), nullable=False)]
    some = {"x": 1, "in": {"t": "a", "n": None}, "l": [1, None], "b": True, "m": [("k", 2)]}
    rows = [{"id": i, "s": some if i % 3 else None} for i in range(90)]
    table = pa.Table.from_pylist(rows, pa.schema([("id", pa.int64()), ("s", pa.struct(fields))]))
    for name, part in (("parent", table), ("child", table.slice(20, 31))):
        (tmp_path / name).mkdir()
        pq.write_table(part, tmp_path / name / "part-0.parquet", row_group_size=7)
    (recipe,) = recipes(tmp_path / "child", tmp_path / "parent")
    assert rebuilt(recipe, tmp_path / "out").identity == recipe.manifest.identity


def test_rows_go_to_the_directories_of_their_partition_values(tmp_path: Path) -> None:
    parent = _parent(tmp_path)
    by_s = ds.partitioning(pa.schema([("s", pa.string())]), flavor="hive")
    ds.write_dataset(ROWS, tmp_path / "child", partitioning=by_s, format="parquet")
    for recipe in recipes(tmp_path / "child", parent):
        assert rebuilt(recipe, tmp_path / "out").identity == recipe.manifest.identity


def test_a_dataset_that_is_one_file_comes_back_as_that_file_and_nothing_stays_beside_it(tmp_path: Path) -> None:
    parent = _parent(tmp_path)
    pq.write_table(ROWS.slice(30, 20), tmp_path / "child.parquet")
    (recipe,) = recipes(tmp_path / "child.parquet", parent)
    (tmp_path / "scratch").mkdir()
    assert rebuilt(recipe, tmp_path / "scratch/out.parquet").identity == recipe.manifest.identity
    assert os.listdir(tmp_path / "scratch") == ["out.parquet"]


def test_a_parent_that_was_only_touched_still_serves(tmp_path: Path) -> None:
    parent, child = _parent(tmp_path), _slice(tmp_path)
    (recipe,) = recipes(child, parent)
    os.utime(parent / "part-0.parquet")
    assert rebuilt(recipe, tmp_path / "out").identity == recipe.manifest.identity


def test_a_parent_whose_deletion_vectors_were_copied_back_still_serves_if_they_are_the_same(tmp_path: Path) -> None:
    parent, child = tmp_path / "parent", tmp_path / "child.parquet"
    write_deltalake(str(parent), ROWS)
    log = parent / "_delta_log/00000000000000000000.json"
    (add,) = [entry["add"] for entry in map(json.loads, log.read_text().splitlines()) if "add" in entry]
    vector = written(parent, [3, 50])
    protocol = {"minReaderVersion": 3, "minWriterVersion": 7, **{key: ["deletionVectors"] for key in _FEATURES}}
    gone = {"path": add["path"], "deletionTimestamp": 1, "dataChange": True}
    new = {**add, "dataChange": True, "stats": '{"numRecords": 100}', "deletionVector": vector}
    entries = ({"protocol": protocol}, {"remove": gone}, {"add": new})
    log.with_name("00000000000000000001.json").write_text("\n".join(map(json.dumps, entries)))
    pq.write_table(ROWS.slice(40, 50).filter(pc.field("i") != 50), child)
    recipe = next(recipes(child, parent))
    (own,) = parent.glob("deletion_vector_*.bin")
    data = own.read_bytes()
    own.unlink()
    own.write_bytes(data)
    assert rebuilt(recipe, tmp_path / "out.parquet").identity == recipe.manifest.identity
    own.write_bytes(data[:-9] + b"damaged!!")
    with pytest.raises(UnreadableData, match="does not match its checksum"):
        rebuilt(recipe, tmp_path / "again.parquet")


@pytest.mark.parametrize("damage", ["other rows", "gone"])
def test_a_parent_with_other_files_is_named_and_leaves_nothing_behind(tmp_path: Path, damage: str) -> None:
    parent, child = _parent(tmp_path), _slice(tmp_path)
    (recipe,) = recipes(child, parent)
    if damage == "gone":
        (parent / "part-1.parquet").unlink()
    else:
        pq.write_table(ROWS.slice(59), parent / "part-1.parquet")
    with pytest.raises(UnreadableData, match=r"part-1\.parquet"):
        rebuilt(recipe, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_recipe_that_gives_other_rows_than_it_promises_is_refused(tmp_path: Path) -> None:
    parent, child = _parent(tmp_path), _slice(tmp_path)
    (recipe,) = recipes(child, parent)
    narrower = type(recipe).from_json(recipe.to_json().replace('\\"20\\"', '\\"21\\"'))
    with pytest.raises(Tampered, match="gives 59 rows for files that had 60"):
        rebuilt(narrower, tmp_path / "out")
