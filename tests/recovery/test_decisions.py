"""When a decision counts no more."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from deltalake import write_deltalake

from r2d2.catalog import runs
from r2d2.config import RecoverySettings
from r2d2.errors import NotRetirable
from r2d2.model.plan import Action, PlannedDataset
from r2d2.model.receipt import Receipt, Review, Status
from r2d2.recovery.apply import apply
from r2d2.recovery.records.decisions import Decided, Decisions, keep_lapses
from r2d2.recovery.records.reviews import decide, reviews
from tests.recovery_runs import at_work
from tests.recovery_states import Line, planned, state_at, whole_and_part
from tests.states import base_table

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
ENTRY = PlannedDataset("a", Action.RETIRE, "b", 1.0, 0.5, 60.0, "", "v1", parent_version="w1")
REVIEW = Review("a", True, "ann", "why", NOW, 1, "v1", "b", "w1", frozenset(), "retire", 60.0, 0.5)
BY = ("--by", "ann", "--note", "the owner agreed")


def decisions(review: Review = REVIEW, *receipts: Receipt, now: datetime = NOW, **settings: float) -> Decisions:
    found = Decisions.of([review], receipts, RecoverySettings(**settings))  # type: ignore[arg-type]
    return replace(found, now=now)


def retired(status: Status, at: datetime, dataset: str = "a") -> Receipt:
    return Receipt("r", dataset, status, at, "/lake", f"/lake/{dataset}")


def same(entry: PlannedDataset) -> PlannedDataset:
    return entry


STANDS: dict[str, Callable[[PlannedDataset], PlannedDataset]] = {
    "nothing changed": same,
    "the parent was appended to": lambda e: replace(e, parent_version="w31"),
    "a rebuild takes a fifth more": lambda e: replace(e, rebuild_seconds=72.0, rebuild_cost=0.6),
    "a rebuild is faster": lambda e: replace(e, rebuild_seconds=1.0, rebuild_cost=0.0),
    "it saves less": lambda e: replace(e, saving_per_month=0.01),
    "it can't be read for the moment": lambda e: replace(e, version="", action=Action.KEEP, parent=None),
    "the plan keeps it this time": lambda e: replace(e, action=Action.KEEP, parent=None, rebuild_seconds=0.0),
}
LAPSES: dict[str, Callable[[PlannedDataset], PlannedDataset]] = {
    "the dataset has changed": lambda e: replace(e, version="v2"),
    "another parent is planned": lambda e: replace(e, parent="c"),
    "the plan would redirect it now": lambda e: replace(e, action=Action.REDIRECT),
    "a rebuild would take 1 min 13 s and not 1 min 0 s": lambda e: replace(e, rebuild_seconds=72.6),
    "a rebuild would cost 0.61 and not 0.5": lambda e: replace(e, rebuild_cost=0.61),
    "a rebuild would take unknown": lambda e: replace(e, rebuild_seconds=float("nan")),
}


@pytest.mark.parametrize("change", STANDS)
def test_an_approval_stands(change: str) -> None:
    entry = STANDS[change](ENTRY)
    assert decisions().on(entry) is Decided.APPROVED
    assert decisions().approval(entry) == REVIEW


@pytest.mark.parametrize("why", LAPSES)
def test_an_approval_lapses(why: str) -> None:
    entry = LAPSES[why](ENTRY)
    assert decisions().on(entry) is Decided.LAPSED
    assert decisions().lapse(entry).startswith(why)
    with pytest.raises(NotRetirable, match="what ann decided has lapsed"):
        decisions().approval(entry)


def test_a_decision_of_an_earlier_version_of_r2d2_has_no_figures_and_is_asked_for_again() -> None:
    old = Review("a", True, "ann", "why", NOW, 1, "v1", "b", "w1")
    assert decisions(old).on(ENTRY) is Decided.LAPSED


@pytest.mark.parametrize(("days", "decided"), [(90, Decided.APPROVED), (90.001, Decided.LAPSED)])
def test_a_decision_counts_ninety_days(days: float, decided: Decided) -> None:
    assert decisions(now=NOW + timedelta(days=days)).on(ENTRY) is decided
    assert decisions(now=NOW + timedelta(days=days), approval_days=100.0).on(ENTRY) is Decided.APPROVED


@pytest.mark.parametrize("status", [Status.RESTORED, Status.QUARANTINED, Status.PURGED, Status.ERASED])
def test_what_was_retired_or_given_back_is_asked_about_again(status: Status) -> None:
    later, before = NOW + timedelta(days=1), NOW - timedelta(days=1)
    ended = decisions(REVIEW, retired(status, later))
    assert ended.on(ENTRY) is (Decided.LAPSED if status is Status.RESTORED else Decided.RETIRED)
    with pytest.raises(NotRetirable):
        ended.approval(ENTRY)
    assert ended.on(replace(ENTRY, version="v2")) is Decided.LAPSED, "another one is in its place"
    assert decisions(REVIEW, retired(status, before)).on(ENTRY) is Decided.APPROVED
    assert decisions(REVIEW, retired(status, later, "other")).on(ENTRY) is Decided.APPROVED


@pytest.mark.parametrize("status", [Status.RESTORED, Status.QUARANTINED, Status.PURGED])
def test_the_journal_and_no_clock_tells_what_was_done_after_an_approval(status: Status) -> None:
    ahead = replace(REVIEW, at=NOW + timedelta(hours=12), journal="third")
    done = replace(retired(status, NOW), sequence=9)
    journal = {"third": 3, "tenth": 10}

    def on(review: Review) -> Decided:
        return replace(Decisions.of([review], [done], RecoverySettings(), journal), now=NOW).on(ENTRY)

    assert on(ahead) in (Decided.LAPSED, Decided.RETIRED), "made before it was retired, by a clock that was ahead"
    assert on(replace(ahead, journal="")) in (Decided.LAPSED, Decided.RETIRED), "made before anything was done"
    late = replace(REVIEW, at=NOW - timedelta(days=1), journal="tenth")
    assert on(late) is Decided.APPROVED, "made after that, by a clock that was behind"
    assert on(replace(late, journal="cut off")) in (Decided.LAPSED, Decided.RETIRED)


def test_a_decision_that_is_dated_days_ahead_does_not_count() -> None:
    assert decisions(replace(REVIEW, at=NOW + timedelta(hours=23))).on(ENTRY) is Decided.APPROVED
    far = decisions(replace(REVIEW, at=NOW + timedelta(days=3650)))
    assert far.on(ENTRY) is Decided.LAPSED
    assert far.lapse(ENTRY) == "it is dated 2036-11-24, which is still to come"


def test_a_rejection_of_what_is_in_quarantine_stands_when_it_was_given_back() -> None:
    rejected = replace(REVIEW, approved=False, journal="")
    for status in (Status.QUARANTINED, Status.RESTORED):
        done = replace(retired(status, NOW + timedelta(days=1)), sequence=9)
        assert replace(Decisions.of([rejected], [done], RecoverySettings(), {}), now=NOW).on(ENTRY) is Decided.REJECTED


def test_a_rejection_counts_by_whatever_clock() -> None:
    rejected = replace(REVIEW, approved=False, at=NOW + timedelta(days=30))
    assert decisions(rejected).on(ENTRY) is Decided.REJECTED


@pytest.mark.parametrize(("by", "note"), [("ann", ""), ("ann", " \t"), ("\u200b", "why"), ("", "why")])
def test_a_decision_is_somebodys_and_has_a_reason(line: Line, by: str, note: str) -> None:
    assert line("review", "approve", "copy.parquet", "--by", by, "--note", note) == 2
    assert {row["decision"] for row in line.rows("review", "list")} == {"undecided"}


def test_a_retirement_that_was_undone_ends_no_approval() -> None:
    later = NOW + timedelta(days=1)
    for status in (Status.UNDONE, Status.APPLYING):  # it never went
        assert decisions(REVIEW, retired(status, later)).on(ENTRY) is Decided.APPROVED


@pytest.mark.parametrize("change", [*STANDS, *LAPSES])
def test_a_rejection_lapses_with_the_dataset_or_the_parent_and_not_with_costs(change: str) -> None:
    entry = (STANDS | LAPSES)[change](ENTRY)
    gone = entry.version not in ("v1", "") or entry.parent not in ("b", None)
    found = decisions(replace(REVIEW, approved=False)).on(entry)
    assert found is (Decided.LAPSED if gone else Decided.REJECTED)


def test_a_rejection_of_what_the_plan_keeps_holds_whatever_parent_is_planned_later() -> None:
    found = decisions(replace(REVIEW, approved=False, parent="", parent_version=""))
    assert found.on(ENTRY) is Decided.REJECTED
    assert found.on(replace(ENTRY, parent="c")) is Decided.REJECTED


def test_an_approval_is_of_one_lake_and_not_of_another_with_the_same_names(line: Line, tmp_path: Path) -> None:
    line("review", "approve", "copy.parquet", *BY)
    shutil.copytree(tmp_path / "lake", tmp_path / "other")  # the same files with the same times
    planned(tmp_path / "other", tmp_path / "state", "copy.parquet", "range.parquet")
    assert {row["decision"] for row in line.rows("review", "list")} == {"undecided"}
    assert line.rows("apply", "--yes") == []
    line("review", "reject", "copy.parquet", *BY)
    assert [row["decision"] for row in line.rows("review", "list", "--plan", "1")] == ["approved", "undecided"]


def test_a_table_that_was_made_anew_is_another_one_though_its_version_is_the_same(tmp_path: Path) -> None:
    lake, state = tmp_path / "lake", tmp_path / "state"
    write_deltalake(lake / "orders", base_table(400))
    write_deltalake(lake / "daily", base_table(100))
    plan = planned(lake, state, "daily", parent="orders")
    opened = state_at(state)
    with opened.locked():
        decide(opened, plan, ["daily"], True, "ann", "why", ())
    (review,) = reviews(opened)
    shutil.rmtree(lake / "daily")
    write_deltalake(lake / "daily", base_table(90))
    again = planned(lake, state, "daily", parent="orders")
    assert again.datasets[0].version == plan.datasets[0].version == "v0"
    with at_work(lake, state) as recovery:
        found = Decisions.of([review], (), RecoverySettings())
        (outcome,) = apply(recovery, again, found, lambda _: True)
    assert (outcome.done, outcome.what) == (False, "what ann decided has lapsed: the dataset has changed")
    assert (lake / "daily").exists()


def test_what_lapsed_stays_so_when_all_is_as_it_was(tmp_path: Path) -> None:
    whole_and_part(tmp_path / "lake")
    plan = planned(tmp_path / "lake", tmp_path / "state", "copy.parquet", "range.parquet")
    state = state_at(tmp_path / "state")
    with state.locked():
        decide(state, plan, ["copy.parquet", "range.parquet"], True, "ann", "why", ())
        dearer = replace(plan, datasets=tuple(replace(e, rebuild_cost=9.0) for e in plan.datasets[:1]))
        found = Decisions.of(reviews(state), (), RecoverySettings())
        (one,) = keep_lapses(state, dearer, found, lambda parent, child: False)
    assert one.dataset == "copy.parquet"
    now = Decisions.of(reviews(state), (), RecoverySettings())
    assert [now.on(entry) for entry in plan.datasets] == [Decided.LAPSED, Decided.APPROVED]
    with state.locked():
        assert keep_lapses(state, dearer, now, lambda parent, child: False) == [], "it lapses once"


@pytest.mark.parametrize("refuted", [True, False])
def test_a_plan_that_keeps_a_dataset_ends_its_approval_only_where_its_parent_is_seen_to_lack_rows(
    tmp_path: Path, refuted: bool
) -> None:
    whole_and_part(tmp_path / "lake")
    plan = planned(tmp_path / "lake", tmp_path / "state", "copy.parquet")
    state = state_at(tmp_path / "state")
    kept = replace(plan, datasets=(replace(plan.datasets[0], action=Action.KEEP, parent=None),))
    with state.locked():
        decide(state, plan, ["copy.parquet"], True, "ann", "why", ())
        found = Decisions.of(reviews(state), (), RecoverySettings())
        lapsed = keep_lapses(state, kept, found, lambda parent, child: refuted)
    assert [(one.dataset, one.lapsed) for one in lapsed] == (
        [("copy.parquet", "its parent does not hold its rows")] if refuted else []
    )


@pytest.fixture
def line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Line:
    whole_and_part(tmp_path / "lake")
    planned(tmp_path / "lake", tmp_path / "state", "copy.parquet", "range.parquet")
    return Line(tmp_path / "state", capsys)


def of_tables(directory: Path, captured: pytest.CaptureFixture[str]) -> Line:
    """A state with a plan that retires a Delta table for another one; made anew, a table has its old version number."""
    write_deltalake(directory / "lake/orders", base_table(400))
    write_deltalake(directory / "lake/daily", base_table(100))
    planned(directory / "lake", directory / "state", "daily", parent="orders")
    return Line(directory / "state", captured)


def test_apply_does_not_take_away_again_what_a_person_had_given_back(line: Line, tmp_path: Path) -> None:
    line("review", "approve", "copy.parquet", *BY)
    assert line("apply", "--yes") == 0
    assert line("restore", "copy.parquet") == 0
    assert line.rows("apply", "--yes") == []
    assert "1 dataset of plan 1 lapsed" in line.err
    assert (tmp_path / "lake/copy.parquet").exists()
    (row, _) = line.rows("review", "list")
    assert (row["decision"], row["by"]) == ("lapsed", "ann")
    assert row["lapsed"].startswith("the dataset was given back on ")
    planned(tmp_path / "lake", tmp_path / "state", "copy.parquet")
    line("review", "approve", "copy.parquet", *BY)
    assert [row["done"] for row in line.rows("apply", "--yes")] == [True]


def test_an_approval_lapses_where_apply_finds_rows_that_the_parent_lacks(line: Line, tmp_path: Path) -> None:
    line("review", "approve", "--all", *BY)
    base = tmp_path / "lake/base.parquet"
    whole = base.read_bytes()
    base.write_bytes((tmp_path / "lake/range.parquet").read_bytes())  # of 400 rows 200 are left
    assert line("apply", "--yes") == 9
    base.write_bytes(whole)
    decided = {row["dataset"]: (row["decision"], row["lapsed"]) for row in line.rows("review", "list")}
    assert decided["copy.parquet"] == ("lapsed", "its parent does not hold its rows")
    assert line.rows("apply", "--yes") == []
    told = line.rows("history", "copy.parquet")
    assert any(event["what"] == "no more approved by ann: its parent does not hold its rows" for event in told)


@pytest.mark.parametrize("by", ["ann", " Ann ", "ＡＮＮ", ""])
def test_where_two_people_are_asked_for_nobody_applies_what_they_approved(line: Line, by: str) -> None:
    two = ("--set", "recovery.two_people=true")
    line("review", "approve", "copy.parquet", *BY)
    assert line("apply", "--yes", *two, "--by", by) == 9
    assert line("apply", "--yes", *two, "--by", "ben") == 0
    told = line.rows("history", "copy.parquet")
    (begun,) = (event for event in told if event["what"].startswith("plan 1 is carried out"))
    assert (begun["by"], begun["facts"]["applied_by"]) == ("ann", "ben")


PURGE = ("purge", "--yes", "--older-than", "0d")


def test_what_was_rejected_after_it_was_retired_is_not_purged_until_it_is_approved_again(
    line: Line, tmp_path: Path
) -> None:
    line.rows("review", "approve", "copy.parquet", *BY, "--accept", "unprotected-parent")
    assert [row["done"] for row in line.rows("apply", "--yes")] == [True]
    line.rows("review", "reject", "copy.parquet", "--by", "ana", "--note", "WE NEED IT")
    assert "copy.parquet lies in quarantine, and is not purged: `r2d2 restore DATASET" in line.err
    assert line(*PURGE) == NotRetirable.exit_code
    assert "it was rejected since it was retired, by ana: WE NEED IT" in line.err
    assert [row["decision"] for row in line.rows("review", "list")] == ["rejected", "undecided"]
    planned(tmp_path / "lake", tmp_path / "state", "range.parquet")  # another run knows nothing of it
    assert line(*PURGE, "--dry-run") == 0
    assert "it was rejected since it was retired" in line.out
    line.rows("review", "approve", "copy.parquet", "--plan", "1", "--by", "ana", "--note", "not any more")
    assert [row["done"] for row in line.rows(*PURGE)] == [True]


def test_an_approval_is_used_up_by_a_retirement_though_the_clock_of_who_approved_was_ahead(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Ahead(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz) + timedelta(minutes=10)

    line = of_tables(tmp_path, capsys)
    with monkeypatch.context() as patched:
        patched.setattr("r2d2.recovery.records.reviews.datetime", Ahead)
        line.rows("review", "approve", "daily", *BY)
    assert [row["done"] for row in line.rows("apply", "--yes")] == [True]
    assert [row["decision"] for row in line.rows("review", "list")] == ["retired"]
    line.rows("restore", "daily")
    assert [row["decision"] for row in line.rows("review", "list")] == ["lapsed"]
    assert line.rows("apply", "--yes") == []
    line.rows("review", "approve", "daily", *BY)
    assert [row["decision"] for row in line.rows("review", "list")] == ["approved"], "by a clock behind the first one"


def test_a_lake_is_the_same_however_its_root_is_spelled(
    line: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line.rows("review", "reject", "copy.parquet", *BY)
    (tmp_path / "link").symlink_to(tmp_path / "lake")
    monkeypatch.chdir(tmp_path)
    for spelled in ("lake", f"{tmp_path}/lake/", f"file://{tmp_path}/lake", "link"):
        planned(spelled, tmp_path / "state", "copy.parquet", "range.parquet")
        assert [row["decision"] for row in line.rows("review", "list")] == ["rejected", "undecided"]
        assert Path(runs.find_run(state_at(tmp_path / "state")).roots[0]).is_absolute()


def test_what_a_newer_plan_keeps_is_not_retired_by_an_older_one(line: Line, tmp_path: Path) -> None:
    line.rows("review", "approve", "copy.parquet", "range.parquet", *BY)
    planned(tmp_path / "lake", tmp_path / "state", "range.parquet", kept=["copy.parquet"])
    assert line("apply", "1", "--yes") == NotRetirable.exit_code
    assert "copy.parquet: plan 2, which is newer, does not retire it" in line.err
    assert (tmp_path / "lake/copy.parquet").exists()
    assert not (tmp_path / "lake/range.parquet").exists()


def retired_and_rejected(line: Line, *reject: str) -> None:
    line.rows("review", "approve", "copy.parquet", *BY, "--accept", "unprotected-parent")
    assert [row["done"] for row in line.rows("apply", "--yes")] == [True]
    line.rows("review", "reject", "copy.parquet", "--by", "ana", "--note", "WE NEED IT", *reject)


def test_a_rejection_keeps_what_it_is_about_wherever_a_link_leads_later(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole_and_part(tmp_path / "2026-01")
    (tmp_path / "current").symlink_to("2026-01")
    planned(tmp_path / "2026-01", tmp_path / "state", "copy.parquet")
    planned(tmp_path / "current", tmp_path / "state", "copy.parquet")
    line = Line(tmp_path / "state", capsys)
    line.rows("review", "approve", "copy.parquet", *BY, "--plan", "1", "--accept", "unprotected-parent")
    assert [row["done"] for row in line.rows("apply", "1", "--yes")] == [True]
    line.rows("review", "reject", "copy.parquet", "--by", "ana", "--note", "WE NEED IT", "--plan", "2")
    (tmp_path / "current").unlink()
    whole_and_part(tmp_path / "2026-02")
    (tmp_path / "current").symlink_to("2026-02")
    assert line(*PURGE) == NotRetirable.exit_code


def test_an_approval_of_another_dataset_at_the_place_ends_no_rejection(line: Line, tmp_path: Path) -> None:
    retired_and_rejected(line)
    pq.write_table(base_table(100), tmp_path / "lake/copy.parquet")
    planned(tmp_path / "lake", tmp_path / "state", "copy.parquet")
    assert [row["decision"] for row in line.rows("review", "list")] == ["lapsed"], "another dataset: it is asked"
    line.rows("review", "approve", "copy.parquet", "--by", "bob", "--note", "the new one")
    assert line(*PURGE) == NotRetirable.exit_code
    assert "rejected since it was retired, by ana" in line.err


def test_a_rejection_is_about_a_dataset_whatever_roots_a_run_had(line: Line, tmp_path: Path) -> None:
    whole_and_part(tmp_path / "hr")
    line.rows("review", "reject", "copy.parquet", "--by", "ana", "--note", "WE NEED IT")
    wide = [str(tmp_path / "lake"), str(tmp_path / "hr")]
    planned(wide, tmp_path / "state", "lake/copy.parquet", "lake/range.parquet", parent="lake/base.parquet")
    stands = {row["dataset"]: row["decision"] for row in line.rows("review", "list")}
    assert stands == {"lake/copy.parquet": "lapsed", "lake/range.parquet": "undecided"}
    line.rows("review", "approve", "--all", *BY)
    assert [row["dataset"] for row in line.rows("apply", "--yes")] == ["lake/range.parquet"]
    line.rows("review", "approve", "range.parquet", "copy.parquet", "--plan", "1", *BY)
    line.rows("review", "reject", "lake/copy.parquet", "--by", "ana", "--note", "STILL")
    assert line.rows("apply", "1", "--yes", "--only", "copy.parquet") == []


def test_a_rejection_by_an_earlier_version_of_r2d2_counts_from_its_time_on(line: Line, tmp_path: Path) -> None:
    line.rows("review", "approve", "copy.parquet", "range.parquet", *BY)
    state = state_at(tmp_path / "state")
    (row, _) = state.rows("reviews").to_pylist()
    old = {"number": None, "journal": None, "location": None}
    later = datetime.now(UTC)
    with state.locked():
        state.append("reviews", [row | old | {"approved": False, "at": later}])
        state.append("reviews", [row | old | {"dataset": "range.parquet", "at": later - timedelta(days=1)}])
    assert [row["decision"] for row in line.rows("review", "list")] == ["rejected", "approved"]
    line.rows("review", "approve", "copy.parquet", *BY)
    assert [row["decision"] for row in line.rows("review", "list")] == ["approved", "approved"]


@pytest.mark.parametrize("twice", [False, True])
def test_what_was_given_back_is_not_retired_again_by_a_journal_from_a_backup(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], twice: bool
) -> None:
    line = of_tables(tmp_path, capsys)
    line.rows("review", "approve", "daily", *BY)
    line.rows("apply", "--yes")
    line.rows("restore", "daily")
    if twice:
        line.rows("review", "approve", "daily", *BY)
        shutil.copytree(tmp_path / "state/journal", tmp_path / "backup")
        line.rows("apply", "--yes")
        line.rows("restore", "daily")
    shutil.rmtree(tmp_path / "state/journal")
    if twice:
        shutil.copytree(tmp_path / "backup", tmp_path / "state/journal")
    assert [row["decision"] for row in line.rows("review", "list")] == ["lapsed"]
    assert line.rows("apply", "--yes") == []


def test_the_plan_of_the_newest_run_counts_and_not_the_highest_number(line: Line, tmp_path: Path) -> None:
    first = runs.find_run(state_at(tmp_path / "state"))
    line.rows("review", "approve", "copy.parquet", "range.parquet", *BY)
    planned(tmp_path / "lake", tmp_path / "state", "range.parquet")  # has no line for the copy at all
    state = state_at(tmp_path / "state")
    with state.locked():
        again = runs.keep_plan(state, first.run_id, runs.plan(state, first))
    assert again.number == 3
    for number in ("1", "3"):
        assert line("apply", number, "--yes", "--only", "copy.parquet") == NotRetirable.exit_code
        assert "plan 2, which is newer, does not retire it" in line.err


def test_another_one_at_the_place_of_what_was_retired_is_asked_about(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = of_tables(tmp_path, capsys)
    line.rows("review", "approve", "daily", *BY)
    line.rows("apply", "--yes")
    assert [row["decision"] for row in line.rows("review", "list")] == ["retired"]
    shutil.rmtree(tmp_path / "lake/daily", ignore_errors=True)
    write_deltalake(tmp_path / "lake/daily", base_table(90))  # of the same version
    planned(tmp_path / "lake", tmp_path / "state", "daily", parent="orders")
    assert [row["decision"] for row in line.rows("review", "list")] == ["lapsed"]


def test_all_of_nothing_is_nothing(line: Line) -> None:
    line.rows("review", "reject", "--all", *BY)
    assert line.rows("review", "approve", "--all", *BY) == []


def test_a_dataset_can_be_rejected_while_the_journal_is_damaged(line: Line, tmp_path: Path) -> None:
    retired_and_rejected(line)
    newest = max((tmp_path / "state/journal").glob("*.json"))
    newest.write_text("{", encoding="utf-8")
    assert line("review", "reject", "range.parquet", *BY) == 0
    assert "can't be told" in line.err
    assert line("report") == 0
    assert "decisions are left out of the report" in line.err
    assert line("review", "approve", "range.parquet", *BY) != 0
