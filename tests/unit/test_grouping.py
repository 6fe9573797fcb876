"""What files are one dataset together: parts, partition directories, rules."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.small_lakes import by_id, found, ids, touch


def test_part_files_are_one_dataset_with_the_directorys_id(tmp_path: Path) -> None:
    touch(tmp_path, "x.parquet/part-0.parquet", "x.parquet/part-1.snappy.parquet", "x.parquet/_SUCCESS", "x.parque")
    touch(tmp_path, "x.parquet2.parquet")
    listing = by_id(found(tmp_path))
    assert list(listing) == ["x.parquet", "x.parquet2.parquet"]
    table = listing["x.parquet"]
    assert (len(table.files), table.parts, table.format) == (2, True, "parquet")
    assert table.file_ids == ("x.parquet/part-0.parquet", "x.parquet/part-1.snappy.parquet")
    assert table.location == str(tmp_path / "x.parquet")
    assert not listing["x.parquet2.parquet"].parts


def test_parts_at_the_root_have_the_id_dot(tmp_path: Path) -> None:
    touch(tmp_path, "part-0.csv", "part-1.csv.gz")
    assert ids(tmp_path) == ["."]
    assert by_id(found(tmp_path))["."].file_ids == ("part-0.csv", "part-1.csv.gz")


def test_files_beside_parts_are_one_dataset_each(tmp_path: Path) -> None:
    touch(tmp_path, "d/part-0.csv", "d/part-1.csv", "d/other.csv", "d/more.parquet")
    assert ids(tmp_path) == ["d", "d/more.parquet", "d/other.csv"]


def test_parts_of_several_formats_are_one_dataset_each(tmp_path: Path) -> None:
    touch(tmp_path, "d/part-0.csv", "d/part-1.parquet")
    assert ids(tmp_path) == ["d/part-0.csv", "d/part-1.parquet"]


def test_hive_directories_are_one_dataset_at_any_depth(tmp_path: Path) -> None:
    touch(tmp_path, "t/y=2023/m=01/a.parquet", "t/y=2024/m=__HIVE_DEFAULT_PARTITION__/sub/b.parquet")
    touch(tmp_path, "t/y=a%2Fb%20=%25/m=1/c.parquet", "t/loose.parquet")
    listing = by_id(found(tmp_path))
    assert list(listing) == ["t", "t/loose.parquet"]
    table = listing["t"]
    assert table.partition_columns == ("y", "m")
    assert [file.partition for file in table.files] == [
        (("y", "2023"), ("m", "01")),
        (("y", "2024"), ("m", None)),
        (("y", "a/b =%"), ("m", "1")),
    ]
    assert (table.status, table.parts) == ("ok", True)


def test_a_partition_column_that_starts_with_an_underscore_is_one(tmp_path: Path) -> None:
    touch(tmp_path, "t/_day=1/a.csv", "t/_x/a.csv", "t/.y=1/a.csv", "t/__k=2/a.csv")
    (table,) = found(tmp_path).candidates
    assert [file.partition for file in table.files] == [(("__k", "2"),), (("_day", "1"),)]
    assert table.status == "unsupported"  # two columns: not one table


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        (("t/k=/a.csv",), "empty"),
        (("t/k=1/a.csv", "t/j=1/a.csv"), "different columns"),
        (("t/k=1/a.csv", "t/k=1/j=1/a.csv"), "different columns"),
        (("t/k=1/a.csv", "t/part-0.csv"), "different columns"),
        (("t/k=1/a.csv", "t/k=2/a.parquet"), "several formats"),
        (("t/k=1/K=2/a.csv",), "twice"),
        (("t/k=1/x/j=2/a.csv",), "between"),
        (("t/k%0A=1/a.csv",), "printed"),
    ],
)
def test_hive_directories_that_are_no_table_are_refused(tmp_path: Path, names: tuple[str, ...], reason: str) -> None:
    touch(tmp_path, *names)
    (table,) = found(tmp_path).candidates
    assert (table.id, table.status) == ("t", "unsupported")
    assert reason in table.reason


def test_a_directory_with_no_column_before_the_equals_sign_is_a_plain_one(tmp_path: Path) -> None:
    touch(tmp_path, "t/=v/a.csv", "t/=v/b.csv")
    assert ids(tmp_path) == ["t/=v/a.csv", "t/=v/b.csv"]


def test_rules_make_one_dataset_of_a_directory_or_one_of_each_file(tmp_path: Path) -> None:
    touch(tmp_path, "raw/a.csv", "raw/sub/b.csv", "out/part-0.csv", "out/part-1.csv", "h/k=1/a.csv", "other/c.csv")
    listing = by_id(found(tmp_path, datasets=("raw",), separate=("out", "h")))
    assert list(listing) == ["h/k=1/a.csv", "other/c.csv", "out/part-0.csv", "out/part-1.csv", "raw"]
    assert listing["raw"].parts
    assert listing["raw"].file_ids == ("raw/a.csv", "raw/sub/b.csv")
    assert ids(tmp_path, datasets=(".",)) == ["."]
    assert ids(tmp_path, datasets=("raw",), separate=("raw/sub",)) == [
        "h",
        "other/c.csv",
        "out",
        "raw",
        "raw/sub/b.csv",
    ]
