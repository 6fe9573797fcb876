"""Each feature of Iceberg has a table of which it is known what it holds: it is read right, or refused by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.tables.lake_runs import Found, run_lake, selected
from tests.tables.lakes_iceberg import ICEBERG_CASES, NAMESPACE, IcebergCase, build
from tests.tables.truths import base_rows, relations, write_relatives

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark


@pytest.fixture(scope="module")
def found(request: pytest.FixtureRequest, spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Found:
    """What a run makes of the tables that the selected tests ask for."""
    lake = tmp_path_factory.mktemp("iceberg_features") / "lake"
    for case in selected(request, ICEBERG_CASES):
        rows = build(spark, lake, case, base_rows(case.name))
        if case.status == "ok":
            write_relatives(lake, f"{NAMESPACE}/{case.name}", rows)
    return run_lake([str(lake)], lake.parent / "state")


@pytest.mark.parametrize(
    "case",
    [pytest.param(case, id=case.name, marks=() if case.sample else pytest.mark.full) for case in ICEBERG_CASES],
)
def test_an_iceberg_table_is_read_as_its_feature_asks_or_refused(found: Found, case: IcebergCase) -> None:
    name = f"{NAMESPACE}/{case.name}"
    table = found.datasets[name]
    assert table.status == case.status
    assert case.refused in table.reason
    if case.status == "ok":
        assert found.among(name) == relations(name)
    assert table.shared_with == ((case.shares,) if case.shares else ())
