"""The harness finds what it is there for: each step here does harm under one kind of fault."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from r2d2.catalog.state import State
from r2d2.errors import LakeError
from r2d2.lake.file_tree import joined
from r2d2.lake.storage import storage_for
from r2d2.model.recipe import Recipe
from r2d2.recovery.moves.lake_writer import LakeWriter
from r2d2.recovery.moves.places import Area
from r2d2.recovery.recipes import recipe_store
from tests.recovery.faults.disk_world import DiskFault, DiskWorld
from tests.recovery.faults.guarding import ask, carry_over, child_is_back, honour, recover_honoured, rest_is_back
from tests.recovery.faults.operations import Operation
from tests.recovery.faults.parent_changes import delete_a_row, write_anew
from tests.recovery.faults.processes import Step
from tests.recovery.faults.retirements import nothing_is_left, retire
from tests.recovery.faults.trying import tried
from tests.sampling import some

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


def rewrite_the_quarantine(lake: str, state: str) -> None:
    for path in Path(lake).glob(".r2d2/quarantine/*/data"):
        content = path.read_bytes()
        path.unlink()
        path.write_bytes(content)


def forget_the_recipe_too_early(lake: str, state: str) -> None:
    keep = recipe_store.keep

    def hasty(state: State, lake: LakeWriter, area: Area, recipe: Recipe) -> str:
        lake.delete(area.recipe)
        recipe_store.forget_others(state, area.receipt, "")
        return keep(state, lake, area, recipe)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recipe_store, "keep", hasty)
        carry_over(lake, state)


def give_rows_up_too_early(lake: str, state: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("r2d2.recovery.guard.honour.rebuilt", lambda *_: None)
        honour(lake, state)


def a_kill(fault: DiskFault) -> bool:
    return fault.kills and fault.power is None


def a_power_loss(fault: DiskFault) -> bool:
    return fault.kills and fault.power == 0


def a_late_power_loss(fault: DiskFault) -> bool:
    return not fault.kills and fault.power is not None


def a_full_disk(fault: DiskFault) -> bool:
    return fault.way == "full"


@pytest.mark.parametrize(
    ("step", "under", "found"),
    [
        (write_in_place, a_kill, "neither as before (changed: sales/parent.parquet) nor as planned"),
        (copy_then_delete_in_the_wrong_order, a_kill, "the contents"),
        (move_without_a_sync_between, a_power_loss, "the contents"),
        (end_before_all_is_synced, a_late_power_loss, "it had come to its end, and then the power took"),
        (say_that_it_is_done, a_full_disk, "it said that it was done, and it was not"),
        (speak_python, a_full_disk, "it ended with OSError"),
        (trip_over_what_a_kill_left, a_kill, "R2D2Error: trip_over_what_a_kill_left: there is something"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_it_finds(step: Step, under: Callable[[DiskFault], bool], found: str, tmp_path: Path) -> None:
    world, operation = DiskWorld("Parquet file", tmp_path), Operation(step, keeps=step is not write_in_place)
    assert any(found in failure for _, failure in tried(world, operation, only=under))


def a_kill_in_quarantine(fault: DiskFault) -> bool:
    return a_kill(fault) and "/lake/.r2d2/quarantine/" in fault.call


HIDDEN = [
    (rewrite_the_quarantine, "Parquet file", (retire,), child_is_back, "child_is_back"),
    (forget_the_recipe_too_early, "Parquet file", (retire, write_anew), child_is_back, "AssertionError"),
    (give_rows_up_too_early, "Delta", (retire, delete_a_row, ask), rest_is_back, "nothing_is_left"),
]


@pytest.mark.parametrize("case", some(HIDDEN, 1), ids=lambda case: case[0].__name__)
def test_it_finds_what_the_lake_does_not_show(
    case: tuple[Step, str, tuple[Step, ...], Step, str], tmp_path: Path
) -> None:
    step, kind, before, end, found = case
    operation = Operation(step, before, recover_honoured, check=nothing_is_left, end=end, portable=False, keeps=False)
    world = DiskWorld(kind, tmp_path)
    assert any(found in failure for _, failure in tried(world, operation, only=a_kill_in_quarantine))
