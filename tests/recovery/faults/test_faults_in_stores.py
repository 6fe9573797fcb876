"""Kills and failing requests at every call to a store: all is as before or as planned, and goes on."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.recovery.faults.operations import JOURNAL, Operation
from tests.recovery.faults.storage_steps import ON_FILES
from tests.recovery.faults.store_world import StoreWorld
from tests.recovery.faults.trying import all_failures

CASES = [(JOURNAL, "Parquet file"), *((each, "Parquet file") for each in ON_FILES)]


@pytest.mark.parametrize("versions", [False, True], ids=["plain", "versions"])
@pytest.mark.parametrize(("operation", "kind"), CASES, ids=[f"{o.name}, {kind}" for o, kind in CASES])
def test_no_fault_of_a_store_does_harm(
    operation: Operation, kind: str, versions: bool, store_world: Callable[[str, bool], StoreWorld]
) -> None:
    failed = all_failures(store_world(kind, versions), operation, 4)
    assert not failed, "\n".join(failed)
