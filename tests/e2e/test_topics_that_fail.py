"""Whatever befalls topics, what was proven and planned is reported."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from r2d2.errors import LakeError, StateError
from r2d2.semantics.topics import stage
from tests.states import run_job, small_lake

pytestmark = pytest.mark.spark


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    small_lake(tmp_path / "lake")
    return tmp_path / "lake"


def failing(error: BaseException) -> Any:
    def group_run(*_: Any, **__: Any) -> None:
        raise error

    return group_run


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ZeroDivisionError("secret value"), "it failed in a way that R2D2 does not know (ZeroDivisionError)"),
        (MemoryError(), "it failed in a way that R2D2 does not know (MemoryError)"),
        (LakeError("the model's file can't be read", "look there"), "the model's file can't be read"),
    ],
)
def test_a_run_without_topics_says_why_and_has_its_report(
    lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, said: str
) -> None:
    monkeypatch.setattr(stage, "group_run", failing(error))
    job = run_job(lake, tmp_path / "state", "semantics.topics=true")
    assert [problem.what for problem in job.problems if problem.status == "topics"] == [said]
    page = (tmp_path / "state/report.html").read_text(encoding="utf-8")
    assert "Topics that could not be made" in page
    assert "secret value" not in page


def test_a_state_that_was_lost_meanwhile_ends_the_run(
    lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage, "group_run", failing(StateError("another run has begun to write", "look")))
    with pytest.raises(StateError):
        run_job(lake, tmp_path / "state", "semantics.topics=true")
