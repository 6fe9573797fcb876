"""What ``r2d2 explain`` says, on the command line and in a notebook: no cell value, unless these may be shown."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from r2d2.catalog import records, runs
from r2d2.catalog.state import open_state
from r2d2.cli import main
from r2d2.config import load_settings
from r2d2.job import new_job
from r2d2.model.dataset import Dataset
from r2d2.model.edge import Edge, Grade, Witness
from r2d2.model.plan import Action, Plan, PlannedDataset
from r2d2.progress import Progress
from r2d2.review.containment import explain
from r2d2.review.lake import Lake
from tests.small_plans import dataset

CHILD, PARENT = "sales/k=OWN/part", "sales/whole"
SHOW = "report.show_values=true"
#: Values of cells, as predicates, hashes of rows, and paths of partitions have them.
VALUES = ("SECRET", "TWO", "deadbeef", "THREE", "FOUR", "FIVE")


def edges() -> list[Edge]:
    return [
        Edge("other", CHILD, Grade.PROVEN, 5, 9, False, "box", "all", predicate="x in ['SECRET' .. 'TWO']"),
        Edge("third", CHILD, Grade.PROVEN, 5, 9, False, "box", "all", predicate="a range of x"),
        Edge("fourth", CHILD, Grade.REFUTED, 5, 9, False, "join", "misses", witness=Witness("deadbeef", 2, 1)),
        Edge(PARENT, CHILD, Grade.PROVEN, 5, 9, False, "join", "read sales/k=FOUR/p"),
    ]


def in_state(place: Path) -> None:
    """A state of datasets, edges and a plan whose texts hold values."""
    state = open_state(str(place), create=True)
    job = new_job(["/lake"], state, load_settings(environ={}), Progress(quiet=True))
    bad = dataset("broken", status="error", reason="sales/k=FIVE/p.parquet is cut short")
    found: list[Dataset] = [*map(dataset, (CHILD, PARENT, "other", "third", "fourth")), bad]
    reason = f"every row of {CHILD} is in {PARENT}, says sales/k=THREE/p"
    entry = PlannedDataset(CHILD, Action.RETIRE, PARENT, 1.0, 0.0, 1.0, reason, "v1", parent_version="v1")
    with state.locked():
        job.record(runs.RUNNING)
        state.write_run("datasets", job.run_id, [records.dataset_row(job.run_id, each) for each in found])
        state.write_run("edges", job.run_id, [records.edge_row(job.run_id, each) for each in edges()])
        groups = [{"group": n, "position": 0, "dataset": found[n].id, "view": ""} for n in range(4)]
        state.write_run("groups", job.run_id, [{"run_id": job.run_id, **group} for group in groups])
        pairs = [{"run_id": job.run_id, "parent": n, "child": 0} for n in (1, 2, 3)]
        state.write_run("group_edges", job.run_id, pairs)
        runs.keep_plan(state, job.run_id, Plan((entry,), 1.0, 1, "by hand", True))
        job.record(runs.PLANNED)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    in_state(tmp_path / "state")
    return tmp_path / "state"


@pytest.fixture(params=["command", "notebook"])
def said(request: pytest.FixtureRequest, state: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """What is said of a dataset, by either."""

    def by_command(name: str, *settings: str) -> str:
        flags = [word for each in settings for word in ("--set", each)]
        assert main(["explain", name, "--state", str(state), *flags]) == 0
        return capsys.readouterr().out

    def by_notebook(name: str, *settings: str) -> str:
        return repr(explain(Lake(str(state), overrides=settings), name))

    return by_command if request.param == "command" else by_notebook


def test_cell_values_are_masked_and_names_are_not(said: Callable[..., str]) -> None:
    text = said(CHILD) + said("broken")
    assert not [value for value in VALUES if value in text]
    assert f"every row of {CHILD} is in {PARENT}, says sales/k=•••/p" in text
    assert "other, by box: all: rows chosen by values, which are masked" in text
    assert "third, by box: all: a range of x" in text, "columns are no values"
    assert "fourth, by join: misses [witness: a row, here 2 times, there once]" in text
    assert "sales/k=•••/p.parquet is cut short" in text
    assert "cell values are masked; report.show_values=true shows them" in text


def test_they_are_shown_where_the_setting_allows_it(said: Callable[..., str]) -> None:
    text = said(CHILD, SHOW) + said("broken", SHOW)
    assert [value for value in VALUES if value not in text] == []
    assert "masked" not in text


COMMANDS = (("datasets",), ("edges",), ("edges", "--grade", "refuted"), ("plan",), ("plan", "--details"))


@pytest.mark.parametrize("output", ["table", "json", "csv"])
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_lists_of_what_a_run_found_hold_no_cell_value_unless_they_may(
    state: Path, capsys: pytest.CaptureFixture[str], command: tuple[str, ...], output: str
) -> None:
    def printed(*more: str) -> str:
        assert main([*command, "--state", str(state), "--format", output, *more]) == 0
        return capsys.readouterr().out.replace("\n", " ")

    text = printed()
    assert not [value for value in VALUES if value in text]
    if output == "table":  # whose cells are folded
        return
    assert "sales/k=OWN/part" in text, "a dataset is called so"
    if command != ("edges", "--grade", "refuted"):
        assert [value for value in VALUES if value in printed("--set", SHOW)]
