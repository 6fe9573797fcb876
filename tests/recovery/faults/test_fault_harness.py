"""The harness finds what it is there for: each step here does harm under one kind of fault."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from r2d2.errors import LakeError
from r2d2.lake.file_tree import joined
from r2d2.lake.storage import storage_for
from tests.recovery.faults.disk_world import DiskWorld
from tests.recovery.faults.operations import Operation
from tests.recovery.faults.trying import failures

CHILD, MOVED, PARENT = "sales/child.parquet", "other/moved.parquet", "sales/parent.parquet"


def write_in_place(lake: str, state: str) -> None:
    with open(joined(lake, PARENT), "wb") as file:
        file.write(b"x" * 100_000)
        file.flush()
        os.fsync(file.fileno())


def copy_then_delete_in_the_wrong_order(lake: str, state: str) -> None:
    content = storage_for(lake).read_bytes(joined(lake, CHILD))
    storage_for(lake).delete(joined(lake, CHILD))
    storage_for(lake).put(joined(lake, MOVED), content)


def move_without_a_sync_between(lake: str, state: str) -> None:
    source, target = joined(lake, CHILD), joined(lake, MOVED)
    os.link(source, target)
    os.unlink(source)
    for directory in (os.path.dirname(source), os.path.dirname(target)):
        handle = os.open(directory, os.O_RDONLY)
        os.fsync(handle)
        os.close(handle)


def end_before_all_is_synced(lake: str, state: str) -> None:
    shutil.copyfile(joined(lake, CHILD), joined(lake, ".r2d2-new"))
    os.replace(joined(lake, ".r2d2-new"), joined(lake, MOVED))


def say_that_it_is_done(lake: str, state: str) -> None:
    with suppress(OSError):
        storage_for(lake).put(joined(lake, MOVED), b"x")


def speak_python(lake: str, state: str) -> None:
    storage_for(lake).put(joined(lake, MOVED), b"x")


def trip_over_what_a_kill_left(lake: str, state: str) -> None:
    try:
        Path(lake, ".r2d2").mkdir()
    except FileExistsError:
        raise LakeError("there is something") from None
    storage_for(lake).put(joined(lake, MOVED), b"x")
    Path(lake, ".r2d2").rmdir()


@pytest.mark.parametrize(
    ("step", "way", "found"),
    [
        (write_in_place, "killed", "neither as before (changed: sales/parent.parquet) nor as planned"),
        (copy_then_delete_in_the_wrong_order, "killed", "the contents"),
        (move_without_a_sync_between, "killed", "the contents"),
        (end_before_all_is_synced, "killed", "it had come to its end, and then the power took"),
        (say_that_it_is_done, "full", "it said that it was done, and it was not"),
        (speak_python, "denied", "it ended with OSError"),
        (trip_over_what_a_kill_left, "killed", "afterwards, R2D2Error: trip_over_what_a_kill_left: there is something"),
    ],
)
def test_it_finds(step: Callable[[str, str], None], way: str, found: str, tmp_path: Path) -> None:
    world, operation = DiskWorld("Parquet file", tmp_path), Operation(step, keeps=step is not write_in_place)
    assert any(found in failure for failure in failures(world, operation, only=lambda fault: fault.way == way))
