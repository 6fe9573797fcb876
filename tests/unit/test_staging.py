"""Staging: no name from the lake reaches a reader, and a file that changed is noticed."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import duckdb
import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from r2d2.errors import UnreadableData
from r2d2.lake.staging import changed, in_place, known_suffix, stage
from r2d2.lake.storage import storage_for
from r2d2.model.dataset import DataFile


def data_file(path: str) -> DataFile:
    return DataFile(*storage_for(path).stat(path))


@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        ("a.parquet", ".parquet"),
        ("a.snappy.PARQUET", ".parquet"),
        ("x.csv.gz", ".csv.gz"),
        ("x.tsv", ".tsv"),
        ("x.ndjson.gz", ".ndjson.gz"),
        ("x.parquet.gz", ""),
        ("x.csv'; DROP", ""),
        ("noext", ""),
    ],
)
def test_only_a_known_suffix_is_kept(name: str, suffix: str) -> None:
    assert known_suffix(f"/lake/{name}") == suffix


def test_a_name_that_is_a_glob_opens_that_file_and_no_other(tmp_path: Path) -> None:
    lake = tmp_path / "x[ab]"
    lake.mkdir()
    (tmp_path / "xa").mkdir()
    pq.write_table(pa.table({"v": ["right"]}), lake / "p*.parquet")
    pq.write_table(pa.table({"v": ["wrong"]}), tmp_path / "xa" / "p*.parquet")
    pq.write_table(pa.table({"v": ["wrong"]}), lake / "p1.parquet")
    staged = stage([data_file(str(lake / "p*.parquet"))], tmp_path / "scratch")
    assert staged == [tmp_path / "scratch/0.parquet"]
    assert duckdb.sql(f"SELECT v FROM read_parquet('{staged[0]}')").fetchall() == [("right",)]


def test_what_is_read_in_place_is_the_real_file_and_a_regular_one(tmp_path: Path) -> None:
    (tmp_path / "real[*].parquet").write_text("x")
    (tmp_path / "l.parquet").symlink_to("real[*].parquet")
    file = data_file(str(tmp_path / "l.parquet"))
    assert in_place(file) == tmp_path / "real[*].parquet"
    (tmp_path / "real[*].parquet").unlink()
    with pytest.raises(UnreadableData, match="No such file"):
        in_place(file)
    os.mkfifo(tmp_path / "real[*].parquet")
    with pytest.raises(UnreadableData, match="not a regular file"):
        in_place(file)


def test_a_link_is_staged_as_the_real_file(tmp_path: Path) -> None:
    (tmp_path / "real.csv").write_text("x")
    (tmp_path / "l.csv").symlink_to("real.csv")
    (staged,) = stage([data_file(str(tmp_path / "l.csv"))], tmp_path / "scratch")
    assert os.readlink(staged) == str(tmp_path / "real.csv")


def test_a_remote_file_is_copied_and_its_length_checked(tmp_path: Path) -> None:
    memory = fsspec.filesystem("memory")
    memory.pipe("/r2d2-staging/a b.csv.gz", b"abc")
    try:
        file = data_file("memory://r2d2-staging/a b.csv.gz")
        (staged,) = stage([file], tmp_path)
        assert (staged.name, staged.read_bytes()) == ("0.csv.gz", b"abc")
        assert changed([file]) == []
        with pytest.raises(UnreadableData, match="4 when it was listed"):
            stage([replace(file, size=4)], tmp_path / "other")
        memory.pipe("/r2d2-staging/a b.csv.gz", b"abd")
        assert changed([file]) == [file.path]
    finally:
        memory.rm("/r2d2-staging", recursive=True)


def test_missing_and_special_files_are_unreadable_and_never_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "p.parquet")
    for name in ("gone.parquet", "p.parquet"):
        with pytest.raises(UnreadableData, match=name):
            stage([DataFile(str(tmp_path / name), 0, 0, "0:0")], tmp_path / f"s-{name}")


def test_an_unchanged_file_is_not_reported(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x")
    assert changed([data_file(str(tmp_path / "a.csv"))]) == []


def test_every_kind_of_change_is_noticed(tmp_path: Path) -> None:
    files = []
    for name in ("longer", "touched", "replaced", "gone", "same"):
        (tmp_path / name).write_text("x")
        files.append(data_file(str(tmp_path / name)))
    (tmp_path / "longer").write_text("xy")
    os.utime(tmp_path / "longer", ns=(0, files[0].mtime_ns))
    os.utime(tmp_path / "touched", ns=(0, files[1].mtime_ns + 1))
    (tmp_path / "new").write_text("x")
    os.utime(tmp_path / "new", ns=(0, files[2].mtime_ns))
    os.replace(tmp_path / "new", tmp_path / "replaced")
    (tmp_path / "gone").unlink()
    assert changed(files) == [str(tmp_path / name) for name in ("longer", "touched", "replaced", "gone")]
