"""Kills, power losses and errors at every call that reaches the disk: all is as before or as planned, and goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.recovery.faults.disk_world import DiskWorld
from tests.recovery.faults.operations import JOURNAL, Operation
from tests.recovery.faults.retirements import PURGE, REBUILD, RESTORE, RETIRE
from tests.recovery.faults.small_worlds import KINDS
from tests.recovery.faults.storage_steps import MOVE, ON_FILES
from tests.recovery.faults.trying import failures, tries
from tests.sampling import some

SMALL = [(JOURNAL, "Parquet file"), *((each, "Parquet file") for each in ON_FILES), *((MOVE, kind) for kind in KINDS)]
LARGE = [(operation, kind) for kind in KINDS for operation in (RETIRE, RESTORE, PURGE, REBUILD)]


def named(value: object) -> str | None:
    return value.name if isinstance(value, Operation) else None


@pytest.mark.parametrize(("operation", "kind"), SMALL, ids=named)
def test_no_fault_of_a_disk_harms_a_file(operation: Operation, kind: str, tmp_path: Path) -> None:
    failed = list(failures(DiskWorld(kind, tmp_path), operation, tries(5)))
    assert not failed, "\n".join(failed)


@pytest.mark.parametrize("case", some(LARGE, 2), ids=lambda case: f"{case[0].name}-{case[1]}")
def test_no_fault_of_a_disk_harms_a_retirement(case: tuple[Operation, str], tmp_path: Path) -> None:
    operation, kind = case
    failed = list(failures(DiskWorld(kind, tmp_path), operation, tries(2)))
    assert not failed, "\n".join(failed)
