"""A decision while its parent changes, from run to run: real Delta tables and the main job."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake

from r2d2 import lapsed
from r2d2.catalog import runs
from r2d2.catalog.state import open_state
from r2d2.model.funnel import Funnel
from tests.recovery_states import Line
from tests.report_fakes import dataset
from tests.sampling import ALL
from tests.states import base_table, run_job

BY = ("--by", "ann", "--note", "the owner agreed")
DEAR = ("retention.storage_price_factor=1e12", "retention.keep=orders")
APPENDS = 30

pytestmark = pytest.mark.spark


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """A Delta table, and a file that holds the first half of it."""
    write_deltalake(tmp_path / "lake/orders", base_table(400))
    pq.write_table(base_table(200), tmp_path / "lake/half.parquet")
    run_job(tmp_path / "lake", tmp_path / "state", *DEAR)
    return tmp_path / "lake"


@pytest.fixture
def line(lake: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Line:
    found = Line(tmp_path / "state", capsys)
    assert found("review", "approve", "half.parquet", *BY) == 0
    return found


def decided(line: Line) -> dict[str, tuple[str, str]]:
    return {row["dataset"]: (row["decision"], row["lapsed"]) for row in line.rows("review", "list")}


def test_an_approval_survives_thirty_appends_to_the_parent(lake: Path, line: Line, tmp_path: Path) -> None:
    for number in range(APPENDS):
        write_deltalake(lake / "orders", base_table(10, 1000 + 10 * number), mode="append")
        if ALL or number in (0, APPENDS - 2):
            run_job(lake, tmp_path / "state", *DEAR)
            assert decided(line) == {"half.parquet": ("approved", "")}
    state = open_state(str(tmp_path / "state"))
    planned = runs.plan(state, runs.find_run(state, reached=runs.PLANNED)).retired[0].parent_version
    assert DeltaTable(lake / "orders").version() == APPENDS
    assert planned == f"v{APPENDS - (0 if ALL else 1)}"
    assert [row["done"] for row in line.rows("apply", "--yes")] == [True], "proven against the parent as it is now"


def test_it_lapses_for_good_where_rows_of_the_child_are_deleted_in_the_parent(
    lake: Path, line: Line, tmp_path: Path
) -> None:
    DeltaTable(lake / "orders").delete("id = 150")
    run_job(lake, tmp_path / "state", *DEAR)
    assert decided(line) == {}, "it is not to be retired"
    DeltaTable(lake / "orders").restore(0)
    run_job(lake, tmp_path / "state", *DEAR)
    assert decided(line) == {"half.parquet": ("lapsed", "its parent does not hold its rows")}
    assert line.rows("apply", "--yes") == []
    assert (lake / "half.parquet").exists()


def test_a_deletion_of_other_rows_in_the_parent_ends_nothing(lake: Path, line: Line, tmp_path: Path) -> None:
    DeltaTable(lake / "orders").delete("id = 350")
    run_job(lake, tmp_path / "state", *DEAR)
    assert decided(line) == {"half.parquet": ("approved", "")}


def test_a_run_that_had_no_time_to_compare_ends_nothing(lake: Path, line: Line, tmp_path: Path) -> None:
    write_deltalake(lake / "orders", base_table(10, 1000), mode="append")
    run_job(lake, tmp_path / "state", *DEAR, "containment.max_bytes=1")
    assert decided(line) == {}
    run_job(lake, tmp_path / "state", *DEAR)
    assert decided(line) == {"half.parquet": ("approved", "")}


def test_a_run_on_a_part_of_the_lake_ends_nothing(lake: Path, line: Line, tmp_path: Path) -> None:
    run_job([lake / "half.parquet"], tmp_path / "state", *DEAR)
    run_job(lake, tmp_path / "state", *DEAR)
    assert decided(line) == {"half.parquet": ("approved", "")}


def test_a_dataset_of_the_same_name_in_another_lake_ends_nothing(lake: Path, line: Line, tmp_path: Path) -> None:
    write_deltalake(tmp_path / "other/orders", base_table(50, 9000))
    pq.write_table(base_table(20, 9000), tmp_path / "other/half.parquet")
    run_job(tmp_path / "other", tmp_path / "state", *DEAR)
    run_job(lake, tmp_path / "state", *DEAR)
    assert decided(line) == {"half.parquet": ("approved", "")}


def test_a_pair_that_shares_files_meanwhile_ends_nothing() -> None:
    """What shares files is not compared, so that nobody saw rows that are lacking."""
    found = {"orders": dataset("orders"), "half.parquet": dataset("half.parquet", shared_with=("orders",))}
    refuted = lapsed._refuted(SimpleNamespace(funnel=Funnel()), found, (), ())  # type: ignore[arg-type]
    assert not refuted("orders", "half.parquet")
    found["half.parquet"] = dataset("half.parquet")
    assert lapsed._refuted(SimpleNamespace(funnel=Funnel()), found, (), ())("orders", "half.parquet")  # type: ignore[arg-type]
