"""docs/tables.md names each table of the tests, so that what it says of a feature is shown by one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tables.lakes_delta import DELTA_CASES, DeltaCase
from tests.tables.lakes_iceberg import ICEBERG_CASES, IcebergCase

PAGE = (Path(__file__).resolve().parents[2] / "docs/tables.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("case", [*DELTA_CASES, *ICEBERG_CASES], ids=lambda case: case.name)
def test_each_feature_with_a_table_stands_on_the_page_as_it_is_read(case: DeltaCase | IcebergCase) -> None:
    line = next(line for line in PAGE.splitlines() if f"`{case.name}`" in line)
    assert ("| refused |" in line) == bool(case.refused)
    assert (f"`{case.name}`*" in line) == case.sample
    if isinstance(case, DeltaCase):
        assert ("| Spark |" in line) == case.by_spark
