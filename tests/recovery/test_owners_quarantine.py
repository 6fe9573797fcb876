"""Owners are told what lies in quarantine, whichever plan of the lake retired it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from r2d2.catalog.runs import lake_of
from r2d2.commands.owners import held_of
from r2d2.config import load_settings
from r2d2.report.owners import Held
from tests.recovery_states import Line, planned, state_at, whole_and_part

WHO = ("--by", "ann", "--note", "no")


@pytest.fixture
def line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Line:
    whole_and_part(tmp_path / "lake")
    planned(tmp_path / "lake", tmp_path / "state", "copy.parquet", "range.parquet")
    return Line(tmp_path / "state", capsys)


def held(line: Line, lake: Path) -> list[Held]:
    return held_of(state_at(line.state), lake_of([str(lake)]), load_settings(environ={}))


def test_what_an_earlier_plan_retired_is_held_until_it_is_given_back_or_purged(line: Line, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    assert held(line, lake) == []
    assert line("review", "approve", *WHO, "copy.parquet", "range.parquet") == 0
    assert line("apply", "--yes") == 0, line.err
    today = datetime.now(UTC).date()
    due = today + timedelta(days=30)
    both = [Held("copy.parquet", "", today, due), Held("range.parquet", "", today, due)]
    assert held(line, lake) == both
    planned(lake, line.state)  # the next run finds neither of them
    assert held(line, lake) == both
    pages = tmp_path / "pages"
    assert line("report", "--owners", str(pages)) == 0, line.err
    (page,) = pages.glob("no-known-owner-*.html")
    text = page.read_text(encoding="utf-8")
    assert f"<code>r2d2 restore --state {line.state} copy.parquet</code>" in text
    assert line("restore", "copy.parquet") == 0
    assert held(line, lake) == both[1:]
    assert line("review", "reject", "range.parquet", "--plan", "1", *WHO) == 0, line.err
    assert held(line, lake) == [Held("range.parquet", "", today, None)]
    assert line("report", "--owners", str(pages)) == 0, line.err
    assert "not for now" in page.read_text(encoding="utf-8")
    whole_and_part(tmp_path / "other")
    planned(tmp_path / "other", line.state, "copy.parquet")
    assert held(line, tmp_path / "other") == []
