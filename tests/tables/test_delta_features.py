"""Each feature of Delta has a table of which it is known what it holds: it is read right, or refused by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.tables.lake_runs import Found, run_lake, selected
from tests.tables.lakes_delta import DELTA_CASES, DeltaCase
from tests.tables.truths import base_rows, relations, write_relatives

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark


@pytest.fixture(scope="module")
def found(request: pytest.FixtureRequest, spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Found:
    """What a run makes of the tables that the selected tests ask for."""
    lake = tmp_path_factory.mktemp("delta_features") / "lake"
    lake.mkdir()
    for case in selected(request, DELTA_CASES):
        rows = case.make(spark, lake / case.name, base_rows(case.name))
        if not case.refused:
            write_relatives(lake, case.name, rows)
    return run_lake([str(lake)], lake.parent / "state")


@pytest.mark.parametrize(
    "case",
    [pytest.param(case, id=case.name, marks=() if case.sample else pytest.mark.full) for case in DELTA_CASES],
)
def test_a_delta_table_is_read_as_its_feature_asks_or_refused(found: Found, case: DeltaCase) -> None:
    table = found.datasets[case.name]
    if case.refused:
        assert table.status == "unsupported"
        assert case.refused in table.reason
        return
    assert (table.status, table.reason) == ("ok", "")
    assert (table.source is not None) == case.by_spark
    assert found.among(case.name) == relations(case.name)
    assert table.shared_with == ((case.shares,) if case.shares else ())
