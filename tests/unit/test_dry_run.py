"""``--dry-run`` says what a command would do, and writes nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from r2d2 import pipeline
from r2d2.catalog import runs
from r2d2.catalog.state import open_state
from r2d2.cli import main
from r2d2.commands import dry_run
from r2d2.config import load_settings
from r2d2.job import Job, new_job
from r2d2.lake.kernels import run_here
from r2d2.progress import Progress
from tests.recovery_states import planned, whole_and_part
from tests.states import base_table, write


def tree(directory: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in directory.rglob("*")}


def steps(capsys: pytest.CaptureFixture[str], lake: Path, state: Path) -> dict[str, str]:
    capsys.readouterr()
    assert main(["run", str(lake), "--state", str(state), "--dry-run", "--format", "json", "--quiet"]) == 0
    return {step["stage"]: step["does"] for step in json.loads(capsys.readouterr().out)}


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    write(tmp_path / "lake/a.parquet", base_table(3))
    write(tmp_path / "lake/b.csv", base_table(3))
    return tmp_path / "lake"


@pytest.fixture
def discovered(lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state whose only run has discovered the lake, without Spark."""
    monkeypatch.setattr(Job, "spark", None)
    monkeypatch.setattr(Job, "run_tasks", lambda _, *task: run_here(*task))
    state = open_state(str(tmp_path / "state"), create=True)
    with state.locked():
        job = new_job([str(lake)], state, load_settings(environ={}), Progress(quiet=True))
        pipeline.discover_stage(job)
        job.record(runs.DISCOVERED)
    return tmp_path / "state"


def test_a_first_run_reads_all_and_makes_no_state(
    lake: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    does = steps(capsys, lake, tmp_path / "state")
    assert does["list the lake"] == "2 datasets (1 csv, 1 parquet)"
    assert does["read metadata"].startswith("reads of 2 files (")
    assert does["containment"] == "finds and proves containments among at most 2 datasets"
    assert not (tmp_path / "state").exists()


def test_a_later_run_says_what_has_changed(lake: Path, discovered: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = tree(discovered)
    does = steps(capsys, lake, discovered)
    assert does["list the lake"].endswith("; since the last run nothing has changed")
    assert does["read metadata"] == "reads no file: all are known"
    write(lake / "a.parquet", base_table(4))
    write(lake / "c.parquet", base_table(5))
    (lake / "b.csv").unlink()
    does = steps(capsys, lake, discovered)
    assert does["list the lake"].endswith("; since the last run 1 new, 1 changed, 1 gone")
    assert does["read metadata"].startswith("reads of 2 files (")
    assert tree(discovered) == before


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        ("containment", 0, "among 2 datasets"),
        ("retention", 6, "no run is contained yet"),
        ("report", 6, "no run is planned"),
    ],
)
def test_a_stage_says_which_run_it_goes_on_with(
    discovered: Path, capsys: pytest.CaptureFixture[str], command: str, code: int, said: str
) -> None:
    before = tree(discovered)
    assert main([command, "--state", str(discovered), "--dry-run"]) == code
    shown = capsys.readouterr()
    assert said in " ".join((shown.out + shown.err).split())
    assert tree(discovered) == before


def test_what_ends_a_run_ends_a_dry_one(lake: Path, tmp_path: Path) -> None:
    state = ["--state", str(tmp_path / "state"), "--dry-run"]
    assert main(["run", str(tmp_path / "none"), *state]) == 4
    assert main(["run", str(lake), *state, "--set", "retention.storage_class=NONE"]) == 2
    assert main(["discover", str(lake), "--state", str(lake / "a.parquet"), "--dry-run"]) == 5


def test_a_report_says_which_pages_it_would_write_and_remove(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[dict[str, str]] = []
    monkeypatch.setattr(dry_run, "print_rows", lambda rows, *_: said.extend(rows))
    state, pages = tmp_path / "planned", tmp_path / "pages"
    whole_and_part(tmp_path / "tables")
    planned(tmp_path / "tables", state, "copy.parquet")
    report = ["report", "--state", str(state), "--owners", str(pages)]
    dry = [*report, "--notebooks", str(tmp_path / "books"), "--dry-run"]
    before = tree(tmp_path)
    assert main(dry) == 0
    assert tree(tmp_path) == before
    assert [step["stage"] for step in said] == ["report", "owners", "notebooks"]
    owners, books = said[1:]
    assert owners["does"] == f"writes 1 page for owners and one that leads to them into {pages}"
    assert owners["writes"] == "1 page, index.html"
    assert books["does"] == f"executes 5 notebooks and writes each with its page into {tmp_path / 'books'}"
    assert books["writes"].startswith("01_overview, 02_containment, ")
    assert main(report) == 0
    planned(tmp_path / "tables", state)  # nobody has a page any more
    before = tree(tmp_path)
    assert main(dry) == 0
    (old,) = pages.glob("no-known-owner-*.html")
    assert said[4]["does"].endswith(f"into {pages}; removes 1 outdated page: {old.name}")
    assert tree(tmp_path) == before
    (pages / "index.html").write_text("mine", encoding="utf-8")
    assert main(dry) == 2
