"""Tables of notebooks, and decisions that are made there."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from r2d2.errors import NotFound, UsageError
from r2d2.progress import Progress
from r2d2.review import operations, overview, plan_review
from r2d2.review.lake import Lake
from r2d2.review.pages import notebooks, write_pages
from r2d2.review.plan_review import Chosen
from r2d2.review.table import PAGE, PAGED, SHOWN, Preformatted, Said, Table
from r2d2.review.tables import plain, size, table
from r2d2.visible import visible
from tests.recovery_states import Line, planned, state_at, whole_and_part
from tests.report_fakes import HOSTILE


class Tags(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.attributes: list[dict[str, str | None]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append(tag)
        self.attributes.append(dict(attrs))


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


def test_what_scrolls_is_reached_by_keys_and_has_the_tables_title_as_name() -> None:
    for title in ('a "title" with <marks>', *HOSTILE):
        tags = Tags(table(title, "a", [(plain("x"),)])._repr_html_())
        box = next(attributes for attributes in tags.attributes if attributes.get("class") == "box")
        assert box == {"class": "box", "tabindex": "0", "role": "region", "aria-label": visible(title)}


def test_a_frame_has_numbers_and_all_rows() -> None:
    found = table("t", "name|#bytes", ((plain(str(n)), size(n)) for n in range(SHOWN + 5)))
    assert found._repr_html_().count("<tr>") == SHOWN + 1
    assert f"the first {SHOWN} of {SHOWN + 5}" in found._repr_html_()
    assert found.frame["bytes"].sum() == sum(range(SHOWN + 5))


def test_jupyter_shows_the_first_rows_and_a_page_has_as_many_as_can_be_turned() -> None:
    def made(rows: int) -> Table:
        return table("t", "name", ((plain(str(n)),) for n in range(rows)))

    assert made(SHOWN)._repr_mimebundle_() == {}, "nothing more than Jupyter has"
    page = made(SHOWN + 5)._repr_mimebundle_()[PAGE]
    assert (page.count("<tr>"), "the first" in page) == (SHOWN + 6, False)
    page = made(PAGED + 5)._repr_mimebundle_()[PAGE]
    assert page.count("<tr>") == PAGED + 1
    assert f"the first {PAGED:,} of {PAGED + 5:,}" in page


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


def test_one_name_is_a_choice_and_a_decision_that_there_is_none_of_is_refused(lake: Lake) -> None:
    assert shown(plan_review.plan(lake, Chosen(only="ra*"))) == ["range.parquet"]
    assert shown(plan_review.plan(lake, Chosen(only=""))) == ["copy.parquet", "range.parquet"]
    with pytest.raises(UsageError, match="there is no 'aproved'"):
        Chosen(decision="aproved")


def test_what_lies_in_quarantine_is_not_open_and_a_rejection_of_it_asks_for_a_person(
    lake: Lake, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = Line(tmp_path / "state", capsys)
    plan_review.approve(lake, "boss", "cleanup", Chosen(only=["copy.parquet"]))
    line.rows("apply", "--yes")
    assert shown(plan_review.plan(lake, Chosen(decision="open"))) == ["range.parquet"]
    assert shown(plan_review.plan(lake, Chosen(decision="retired"))) == ["copy.parquet"]
    assert "1 dataset of plan 1 open" in str(plan_review.decisions(lake).note)  # type: ignore[union-attr]
    assert shown(operations.guard(lake)) == []
    plan_review.reject(lake, "ana", "needed", Chosen(only=["copy.parquet"]))
    (asked,) = operations.guard(lake).rows  # type: ignore[union-attr]
    assert asked[0] == "copy.parquet"
    assert asked[3] == "ana wants it kept: needed; r2d2 restore gives it back"


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
    assert ": it is overdue, and before only that is purged which was approved with unpr" in hasty.note


def test_notebooks_are_not_written_over_by_what_they_show(tmp_path: Path) -> None:
    before = [path.read_bytes() for path in notebooks()]
    for place in (notebooks()[0].parent, notebooks()[0].resolve().parent):
        with pytest.raises(UsageError, match="is where the notebooks of r2d2 are"):
            write_pages(str(tmp_path), "", place, Progress(quiet=True))
    assert [path.read_bytes() for path in notebooks()] == before
