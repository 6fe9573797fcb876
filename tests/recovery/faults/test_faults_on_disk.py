"""Kills, power losses and errors at every call that reaches the disk: all is as before or as planned, and goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.recovery.faults.disk_world import DiskWorld
from tests.recovery.faults.operations import JOURNAL, Operation
from tests.recovery.faults.small_worlds import KINDS
from tests.recovery.faults.storage_steps import MOVE, ON_FILES
from tests.recovery.faults.trying import all_failures

CASES = [(JOURNAL, "Parquet file"), *((each, "Parquet file") for each in ON_FILES), *((MOVE, kind) for kind in KINDS)]


@pytest.mark.parametrize(("operation", "kind"), CASES, ids=[f"{o.name}, {kind}" for o, kind in CASES])
def test_no_fault_does_harm(operation: Operation, kind: str, tmp_path: Path) -> None:
    failed = all_failures(DiskWorld(kind, tmp_path), operation, 8)
    assert not failed, "\n".join(failed)
