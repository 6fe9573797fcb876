"""Tables of notebooks, and decisions that are made there."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from r2d2.errors import NotFound, UsageError
from r2d2.review import operations, overview, plan_review
from r2d2.review.lake import Lake
from r2d2.review.plan_review import Chosen
from r2d2.review.table import SHOWN, Preformatted, Said, Table
from r2d2.review.tables import plain, size, table
from tests.recovery_states import Line, planned, state_at, whole_and_part
from tests.report_fakes import HOSTILE


class Tags(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.found.append(tag)


def test_names_are_text_whatever_they_hold() -> None:
    found = table(HOSTILE[0], "dataset|#bytes", ((plain(name), size(1)) for name in HOSTILE), HOSTILE[1])
    texts = (found._repr_html_(), Said(HOSTILE[0])._repr_html_(), Preformatted("\n".join(HOSTILE))._repr_html_())
    allowed = {"div", "p", "table", "thead", "tbody", "tr", "th", "td", "pre"}
    for text in texts:
        assert set(Tags(text).found) <= allowed
        assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b-\u200f\ufeff\x00-\x08\x1b]", text)


def test_columns_have_room_for_what_they_hold() -> None:
    rows = [(plain("a"), plain("undecided"), plain("x" * 20), plain("y" * 70), size(3))]
    html = table("t", "a|b|c|d|#e", rows)._repr_html_()
    assert re.findall(r"<td([^>]*)>", html) == ["", *(f' class="{kind}"' for kind in ("word", "long", "prose", "num"))]


def test_a_frame_has_numbers_and_all_rows() -> None:
    found = table("t", "name|#bytes", ((plain(str(n)), size(n)) for n in range(SHOWN + 5)))
    assert found._repr_html_().count("<tr>") == SHOWN + 1
    assert f"the first {SHOWN} of {SHOWN + 5}" in found._repr_html_()
    assert found.frame["bytes"].sum() == sum(range(SHOWN + 5))


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    whole_and_part(tmp_path / "lake")
    planned(tmp_path / "lake", tmp_path / "state", "copy.parquet", "range.parquet")
    return Lake(str(tmp_path / "state"))


def shown(found: object) -> list[str]:
    return [row[0] for row in found.rows] if hasattr(found, "rows") else []


def test_a_plan_is_narrowed_by_all_that_is_given(lake: Lake) -> None:
    assert shown(plan_review.plan(lake)) == ["copy.parquet", "range.parquet"]
    assert shown(plan_review.plan(lake, Chosen(only=["ra*"]))) == ["range.parquet"]
    assert shown(plan_review.plan(lake, Chosen(at_least="1TB"))) == []
    assert shown(plan_review.plan(lake, Chosen(owner="ana"))) == []
    plan_review.approve(lake, "ann", "no", Chosen(only=["copy.parquet"]))
    assert shown(plan_review.plan(lake, Chosen(decision="approved"))) == ["copy.parquet"]
    assert shown(plan_review.plan(lake, Chosen(decision="open"))) == ["range.parquet"]
    assert shown(plan_review.takes(lake)) == ["copy.parquet", "range.parquet"]


def test_nothing_is_written_where_nobody_decides_or_nothing_was_chosen(lake: Lake, tmp_path: Path) -> None:
    for said in (
        plan_review.approve(lake, "", "n", Chosen(only=["copy.parquet"])),
        plan_review.approve(lake, "ann", "n"),
        plan_review.reject(lake, "ann", "n", Chosen(only=[])),
    ):
        assert isinstance(said, Said)
    assert state_at(tmp_path / "state").rows("reviews").num_rows == 0


def test_a_filter_overrules_nobody_and_a_name_does(lake: Lake) -> None:
    plan_review.reject(lake, "ben", "read in June", Chosen(only=["copy.parquet"]))
    assert shown(plan_review.approve(lake, "ann", "all", Chosen(only=["**"]))) == ["range.parquet"]
    assert shown(plan_review.approve(lake, "ann", "asked ben", Chosen(only=["copy.parquet"]))) == ["copy.parquet"]
    assert [row[:2] for row in plan_review.decisions(lake).rows] == [  # type: ignore[union-attr]
        ("copy.parquet", "approved"),
        ("range.parquet", "approved"),
    ]


def test_what_is_not_in_the_plan_can_not_be_decided_on(lake: Lake) -> None:
    with pytest.raises(NotFound, match=r"nothing that is called 'base.parquet'"):
        plan_review.approve(lake, "ann", "n", Chosen(only=["base.parquet"]))
    with pytest.raises(UsageError, match="there is no 'everything'"):
        plan_review.approve(lake, "ann", "n", Chosen(only=["copy.parquet"]), accept=["everything"])


def test_what_was_rejected_is_not_the_first_to_retire(lake: Lake, tmp_path: Path) -> None:
    plan_review.reject(lake, "ben", "read in June", Chosen(only=["copy.parquet"]))
    later = Lake(str(tmp_path / "state"))
    first = overview.first(later)
    assert shown(first) == ["range.parquet"]
    assert isinstance(first, Table)
    assert first.note == "Left out: 1 rejected."
    assert "1 of these was rejected and stays (as of " in str(overview.summary(later))


def test_a_run_that_was_named_must_be_there(lake: Lake, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        _ = Lake(str(tmp_path / "state"), "nosuch").run


def test_the_looks_of_the_guard_are_told_and_one_that_is_overdue(
    lake: Lake, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = Line(tmp_path / "state", capsys)
    assert str(operations.looks(lake)).startswith("Nothing was retired yet")
    plan_review.approve(lake, "ann", "no", Chosen(only=["copy.parquet"]))
    line.rows("apply", "--yes")
    assert str(operations.looks(lake)).startswith("r2d2 guard never looked; retention.guard_checks says every 24 h")
    line.rows("guard")
    found = operations.looks(lake)
    assert isinstance(found, Table)
    assert [row[1:] for row in found.rows] == [("1", "1 good")]
    assert "overdue" not in found.note
    line.rows("restore", "copy.parquet")
    back = operations.restores(lake)
    assert isinstance(back, Table)
    assert [(row[0], row[2], row[4]) for row in back.rows] == [("copy.parquet", "quarantine", "1 min 0 s")]
    hasty = operations.looks(Lake(str(tmp_path / "state"), overrides=["retention.guard_checks=100000000"]))
    assert isinstance(hasty, Table)
    assert hasty.note.endswith(": it is overdue, and nothing is purged before.")
