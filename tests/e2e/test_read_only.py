"""Finding needs no right to write (DESIGN 4, rule 9): the lake stays as it was, or can't be written at all."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from r2d2.demo.delta import write_delta
from tests.states import SMALL_SKETCH, base_table, results, run_job, small_lake, without_override

pytestmark = pytest.mark.spark


def snapshot(lake: Path) -> dict[str, tuple[object, ...]]:
    """Everything of a tree that a write would change."""

    def entry(path: Path) -> tuple[object, ...]:
        status = path.lstat()
        content = path.read_bytes() if path.is_file() else sorted(os.listdir(path))
        return (status.st_mode, status.st_uid, status.st_ino, status.st_size, status.st_mtime_ns, content)

    return {str(path): entry(path) for path in (lake, *sorted(lake.rglob("*")))}


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    small_lake(tmp_path / "lake")
    write_delta(tmp_path / "lake/delta", [base_table(300)])
    return tmp_path / "lake"


@pytest.fixture
def read_only(lake: Path) -> Iterator[Path]:
    """The lake on a mount on which every write is refused."""
    lakes = [["--bind", lake, lake], ["-o", "remount,ro,bind", lake]]
    for arguments in lakes:
        done = subprocess.run(["mount", *map(str, arguments)], capture_output=True, text=True, check=False)
        if done.returncode:
            subprocess.run(["umount", str(lake)], capture_output=True, check=False)
            pytest.skip(f"mount is not allowed here: {done.stderr.strip()}")
    with pytest.raises(OSError, match="Read-only file system"):
        (lake / "x").touch()
    yield lake
    subprocess.run(["umount", str(lake)], check=True)


def test_run_leaves_the_lake_as_it_was(spark: SparkSession, lake: Path, tmp_path: Path) -> None:
    before = snapshot(lake)
    run_job(lake, tmp_path / "state", SMALL_SKETCH)
    assert snapshot(lake) == before


def test_run_passes_where_every_write_is_refused(spark: SparkSession, read_only: Path, tmp_path: Path) -> None:
    expected = small_lake(tmp_path / "same")
    run_job(read_only, tmp_path / "state", SMALL_SKETCH)
    pairs = results(tmp_path / "state")["pairs"]
    assert {pair for pair in pairs if "delta" not in pair} == expected
    assert ("delta", "range.parquet") in pairs


@pytest.mark.full
def test_run_passes_without_a_right_to_write(lake: Path, tmp_path: Path) -> None:
    before = without_override()
    subprocess.run(["chmod", "-R", "a-w", str(lake)], check=True)
    command = [*before, sys.executable, "-m", "r2d2", "run", str(lake), "--state", str(tmp_path / "state")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    subprocess.run(["chmod", "-R", "u+w", str(lake)], check=True)
    assert done.returncode == 0, done.stderr
    assert ("delta", "range.parquet") in results(tmp_path / "state")["pairs"]
