"""Kills, power losses and errors at every call that reaches the disk: all is as before or as planned, and goes on."""

from __future__ import annotations

from pathlib import Path

from tests.recovery.faults.operations import JOURNAL
from tests.recovery.faults.trying import disk_faults, failures
from tests.recovery.faults.worlds import DiskWorld


def test_the_journal(tmp_path: Path) -> None:
    world = DiskWorld("Parquet file", tmp_path)
    found = list(disk_faults(world, JOURNAL))
    assert len(found) > 50
    failed = failures(world, JOURNAL, found)
    print(len(found))
    assert not failed, "\n".join(failed)
