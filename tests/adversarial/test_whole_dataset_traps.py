"""A proof needs every row of one version: each cause of ``unprovable``, with a naive reader that proves anyway."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from r2d2.containment import scan
from r2d2.containment.scanner import dataset_key
from r2d2.demo.delta import write_delta
from r2d2.lake import staging
from r2d2.model.dataset import DataFile
from tests.adversarial.naive import answer, listed, naive_contained, parquet, quoted, text
from tests.parquet_footers import Footer, with_footer
from tests.states import without_override

ROWS = {"id": list(range(20)), "name": [f"name {i}" for i in range(20)]}
TABLE = pa.table(ROWS)


def write(path: Path, table: pa.Table) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path)
    return path


def test_rows_that_the_log_knows_of_and_the_files_lack_make_a_table_unprovable(tmp_path: Path) -> None:
    """A file was replaced by a shorter one of the same size; what is left of its rows is in the parent."""
    write(tmp_path / "parent.parquet", TABLE)
    write_delta(tmp_path / "child", [TABLE.slice(3, 5)])
    (log,) = (tmp_path / "child/_delta_log").glob("*.json")
    (part,) = (tmp_path / "child").glob("*.parquet")
    assert '\\"numRecords\\": 5' in log.read_text()
    log.write_text(log.read_text().replace('\\"numRecords\\": 5', '\\"numRecords\\": 9'))
    assert naive_contained(quoted(tmp_path / "parent.parquet"), quoted(part))
    assert "the table's log says 9 rows, the file has 5" in answer(tmp_path).refused("child")


def says_fewer_rows(footer: Footer) -> None:
    footer[3] = (6, 12)
    footer[4][1][1][0][1][3] = (6, 12)


def test_rows_that_a_footer_does_not_know_of_are_never_left_out_of_a_proof(tmp_path: Path) -> None:
    """The footer counts twelve of twenty rows, and pyarrow reads no more; the parent holds those twelve."""
    write(tmp_path / "parent.parquet", TABLE.slice(0, 12))
    child = with_footer(TABLE, tmp_path / "child.parquet", says_fewer_rows)
    assert pq.read_table(child).equals(TABLE.slice(0, 12))
    assert answer(tmp_path).refused("child.parquet").startswith("unprovable: a file could not be read as its metadata")


def test_rows_that_the_metadata_does_not_know_of_make_a_dataset_unprovable(tmp_path: Path) -> None:
    """The last rows of a file were not there when it was summarised; nothing else about it changed."""
    write(tmp_path / "parent.parquet", TABLE)
    child = text(tmp_path / "child.csv", "id,name\n1,name 1\n2,name 2\n")
    datasets = listed(tmp_path)
    before = child.stat()
    with child.open("r+b") as stream:  # one record becomes two, in place
        stream.write(b"id,name\n1,\n99,b\n2,name 2\n")
    os.utime(child, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = child.stat()
    assert (after.st_size, after.st_mtime_ns, after.st_ino) == (before.st_size, before.st_mtime_ns, before.st_ino)
    assert "changed while it was read" in answer(datasets=datasets).refused("child.csv")
    unseen = [replace(d, files=tuple(replace(f, ctime_ns=after.st_ctime_ns) for f in d.files)) for d in datasets]
    whole = [d if d.id == "child.csv" else e for d, e in zip(unseen, datasets, strict=True)]
    assert "its metadata says 2 rows, a scan found 3" in answer(datasets=whole).refused("child.csv")


def test_a_file_that_is_written_over_in_place_and_given_its_old_time_is_another_version(tmp_path: Path) -> None:
    """Size, mtime and inode are what they were; the time of the last change of the inode can't be set back."""
    child = text(tmp_path / "child.csv", "id,name\n1,name 1\n2,name 2\n")
    (before,) = listed(tmp_path)
    status = child.stat()
    with child.open("r+b") as stream:
        stream.write(b"id,name\n1,name 9")
    os.utime(child, ns=(status.st_atime_ns, status.st_mtime_ns))
    (after,) = listed(tmp_path)
    assert [(f.size, f.mtime_ns, f.identity) for f in after.files] == [
        (f.size, f.mtime_ns, f.identity) for f in before.files
    ], "a naive cache takes it for the same file"
    assert after.version != before.version
    assert dataset_key(after) != dataset_key(before)


def replaced(path: Path) -> None:
    """Another file of the same size and time takes its place, as a restore from a backup does it."""
    status, content = path.stat(), path.read_bytes()
    path.with_suffix(".new").write_bytes(content[::-1])
    os.utime(path.with_suffix(".new"), ns=(status.st_atime_ns, status.st_mtime_ns))
    path.with_suffix(".new").rename(path)
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (status.st_size, status.st_mtime_ns)


CHANGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "grows": (lambda path: write(path, TABLE.slice(0, 9)), "changed while it was read"),
    "is replaced by one of the same size and time": (replaced, "changed while it was read"),
    "is touched": (lambda path: os.utime(path, ns=(1, 1)), "changed while it was read"),
    "vanishes": (Path.unlink, "changed while it was read"),
}


@pytest.mark.parametrize("moment", ["before it is read", "while it is read"])
@pytest.mark.parametrize("change", CHANGES)
def test_a_dataset_that_is_not_one_version_from_start_to_end_is_unprovable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str, moment: str
) -> None:
    write(tmp_path / "parent.parquet", TABLE)
    child = write(tmp_path / "child.parquet", TABLE.slice(3, 5))
    datasets = listed(tmp_path)
    assert naive_contained(quoted(tmp_path / "parent.parquet"), quoted(child)), "and then nobody looks again"
    happen, words = CHANGES[change]

    def meddling(files: list[DataFile], directory: Path) -> list[Path]:
        paths = staging.stage(files, directory)
        if any(file.path == str(child) for file in files):
            happen(child)
        return paths

    if moment == "before it is read":
        happen(child)
    else:
        monkeypatch.setattr(scan, "stage", meddling)
    reason = answer(datasets=datasets).refused("child.parquet")
    assert reason.startswith("unprovable: ")
    assert words in reason or "could not be read" in reason


def test_a_file_that_vanished_since_the_listing_is_not_taken_for_a_smaller_dataset(tmp_path: Path) -> None:
    write(tmp_path / "parent.parquet", TABLE.slice(0, 10))
    write(tmp_path / "child/part-0.parquet", TABLE.slice(0, 10))
    gone = write(tmp_path / "child/part-1.parquet", TABLE.slice(10, 10))
    datasets = listed(tmp_path)
    gone.unlink()
    assert naive_contained(quoted(tmp_path / "parent.parquet"), quoted(tmp_path / "child/*.parquet"))
    assert answer(datasets=datasets).refused("child").startswith("unprovable: changed while it was read")


def test_a_file_without_a_time_of_change_is_unprovable(tmp_path: Path) -> None:
    """A change could go unseen: size and time are as before, and so is what a cache would be keyed by."""
    write(tmp_path / "parent.parquet", TABLE)
    child = write(tmp_path / "child.parquet", TABLE.slice(3, 5))
    os.utime(child, ns=(0, 0))
    before = child.stat()
    assert naive_contained(quoted(tmp_path / "parent.parquet"), quoted(child))
    with child.open("r+b") as stream:
        stream.seek(8)
        stream.write(b"\xff")
    os.utime(child, ns=(0, 0))
    after = child.stat()
    assert (after.st_size, after.st_mtime_ns, after.st_ino) == (before.st_size, before.st_mtime_ns, before.st_ino)
    assert "does not tell when files change" in answer(tmp_path).refused("child.parquet")


_AS_OTHER = """
import json, sys
from pathlib import Path
from tests.adversarial.naive import answer
import pyarrow.dataset as ds
lake = Path(sys.argv[1])
def readable(path):
    try:
        return path.read_bytes() and str(path)
    except PermissionError:
        return ""
parts = [name for name in map(readable, sorted((lake / "child").iterdir())) if name]
found = answer(lake)
print(json.dumps([len(parts), ds.dataset(parts).count_rows(), found.errors, sorted(found.pairs)]))
"""


def test_a_file_that_may_not_be_read_takes_its_whole_dataset_out(tmp_path: Path) -> None:
    """A reader that skips what it may not read proves ten rows of twenty."""
    write(tmp_path / "parent.parquet", TABLE.slice(0, 10))
    write(tmp_path / "child/part-0.parquet", TABLE.slice(0, 10))
    write(tmp_path / "child/part-1.parquet", TABLE.slice(10, 10)).chmod(0)
    command = [*without_override(), sys.executable, "-c", _AS_OTHER, str(tmp_path)]
    environment = os.environ | {"PYTHONPATH": os.getcwd()}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    parts, read, errors, pairs = json.loads(done.stdout)
    assert (parts, read) == (1, 10)
    assert ds.dataset(str(tmp_path / "parent.parquet")).count_rows() == read
    assert pairs == []
    assert errors.keys() == {"child"}
    assert "part-1.parquet: no right to read it" in errors["child"]


def test_a_directory_that_can_not_be_listed_takes_its_whole_dataset_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parquet(tmp_path / "parent.parquet", id=[1, 2], year=[2023, 2023])
    parquet(tmp_path / "child/year=2023/data.parquet", id=[1, 2])
    parquet(tmp_path / "child/year=2024/data.parquet", id=[3, 4])
    scandir = os.scandir

    def refusing(path: str) -> object:
        if str(path).endswith("/year=2024"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    walked = [str(Path(base, name)) for base, _, names in os.walk(tmp_path / "child") for name in names]
    assert len(walked) == 1, "os.walk leaves out what it can't list, without a word"
    assert naive_contained(quoted(tmp_path / "parent.parquet"), quoted(Path(walked[0])))
    assert "year=2024: can't be listed: Permission denied" in answer(tmp_path).refused("child")
