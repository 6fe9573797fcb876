"""Each way to change a file of a lake through its storage: alone it must survive every fault, and be done again."""

from __future__ import annotations

from contextlib import suppress

from r2d2.lake.file_tree import joined
from r2d2.lake.storage import storage_for
from r2d2.recovery.moves.lake_writer import LakeWriter
from r2d2.recovery.moves.moving import carry
from tests.recovery.faults.operations import Operation
from tests.recovery.faults.small_worlds import CHILD, PARENT


def make_a_file(lake: str, state: str) -> None:
    with suppress(FileExistsError):  # it was there before
        storage_for(lake).put(joined(lake, "sales/file"), b"new", only_if="")


def make_directories(lake: str, state: str) -> None:
    with suppress(FileExistsError):
        storage_for(lake).put(joined(lake, ".r2d2/claims/here/file"), b"new", only_if="")


def replace_a_file(lake: str, state: str) -> None:
    storage_for(lake).put(joined(lake, f"{PARENT}.parquet"), b"replaced")


def replace_a_version(lake: str, state: str) -> None:
    storage, path = storage_for(lake), joined(lake, f"{PARENT}.parquet")
    storage.put(path, b"replaced", only_if=storage.stat(path).version)


def copy_a_file(lake: str, state: str) -> None:
    storage = storage_for(lake)
    with suppress(FileExistsError):  # copied before
        storage.copy(joined(lake, f"{CHILD}.parquet"), joined(lake, "other/copy.parquet"))


def delete_a_file(lake: str, state: str) -> None:
    with suppress(FileNotFoundError):  # deleted before
        storage_for(lake).delete(joined(lake, f"{CHILD}.parquet"))


def move_a_dataset(lake: str, state: str) -> None:
    """As quarantine does, which is called again after a crash."""
    above, _, name = CHILD.rpartition("/")
    for found in (*storage_for(lake).names(joined(lake, above)), *storage_for(lake).names(joined(lake, "other"))):
        if found.partition(".")[0] == name:
            places = joined(lake, f"{above}/{found}"), joined(lake, f"other/{found}")
            assert carry(LakeWriter([lake], lambda: None), *places)


#: Those on single files, and one that moves whatever a dataset is.
ON_FILES = tuple(
    Operation(step, refusal=("OSError",), keeps=step in (make_a_file, make_directories, copy_a_file))
    for step in (make_a_file, make_directories, replace_a_file, replace_a_version, copy_a_file, delete_a_file)
)
MOVE = Operation(move_a_dataset, recover=move_a_dataset, refusal=("OSError",))
