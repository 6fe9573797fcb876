"""Kills and failing requests at every call to a store: all is as before or as planned, and goes on."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.recovery.faults.guarding import BRING_BACK_PURGED, guarding
from tests.recovery.faults.operations import JOURNAL, Operation
from tests.recovery.faults.retirements import PURGE, REBUILD, RESTORE, RETIRE
from tests.recovery.faults.storage_steps import ON_FILES
from tests.recovery.faults.store_world import StoreWorld
from tests.recovery.faults.trying import all_well
from tests.sampling import some

VERSIONS = (False, True)  # of objects are kept by the bucket
SMALL = [(operation, "Parquet file", keeps) for operation in (JOURNAL, *ON_FILES) for keeps in VERSIONS]
LARGE = [
    *(
        (operation, kind, keeps)
        for kind in ("Parquet directory", "Delta", "CSV")
        for operation in (RETIRE, RESTORE, PURGE, REBUILD, *guarding(kind))
        for keeps in VERSIONS
    ),
    *((BRING_BACK_PURGED, kind, True) for kind in ("Parquet directory", "CSV")),
]


@pytest.mark.parametrize("case", [*some(SMALL, 2), *some(LARGE, 1)], ids=lambda c: f"{c[0].name}-{c[1]}-{c[2]}")
def test_no_fault_of_a_store_does_harm(
    case: tuple[Operation, str, bool],
    store_world: Callable[[str, bool], StoreWorld],
    record_property: Callable[[str, object], None],
) -> None:
    operation, kind, keeps = case
    all_well(store_world(kind, keeps), operation, 2, record_property)
