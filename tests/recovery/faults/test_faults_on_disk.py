"""Kills, power losses and errors at every call that reaches the disk: all is as before or as planned, and goes on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.recovery.faults.disk_world import DiskWorld
from tests.recovery.faults.guarding import guarding
from tests.recovery.faults.operations import JOURNAL, Operation
from tests.recovery.faults.retirements import PURGE, REBUILD, RESTORE, RETIRE
from tests.recovery.faults.small_worlds import KINDS
from tests.recovery.faults.storage_steps import MOVE, ON_FILES
from tests.recovery.faults.trying import all_well
from tests.sampling import some

SMALL = [(JOURNAL, "Parquet file"), *((each, "Parquet file") for each in ON_FILES), *((MOVE, kind) for kind in KINDS)]
LARGE = [(each, kind) for kind in KINDS for each in (RETIRE, RESTORE, PURGE, REBUILD, *guarding(kind))]


@pytest.mark.parametrize("case", [*some(SMALL, 6), *some(LARGE, 1)], ids=lambda case: f"{case[0].name}-{case[1]}")
def test_no_fault_of_a_disk_does_harm(
    case: tuple[Operation, str], tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    operation, kind = case
    all_well(DiskWorld(kind, tmp_path), operation, 3, record_property)
