"""Purge only where the parent can't lose the rows between two looks of the guard (DELETION 4)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake

from r2d2.model.receipt import Acceptance
from r2d2.recovery.apply import Outcome
from r2d2.recovery.guard.guard import Verdict, guard
from r2d2.recovery.parents.delta_times import kept_for
from r2d2.recovery.purge import purge
from tests.recovery.guarded import ROWS, SLICE, file_and_slice, guarded, rows_of, vacuum
from tests.recovery_runs import at_work, retire
from tests.sampling import FULL, some

NOTHING: frozenset[Acceptance] = frozenset()


def lake_with_table(tmp_path: Path, properties: Mapping[str, str], accepted: frozenset[Acceptance] = NOTHING) -> Path:
    """A lake with a retired slice of a table with some properties; the state lies beside it."""
    lake = tmp_path / "lake"
    lake.mkdir()
    write_deltalake(str(lake / "t"), ROWS, configuration=dict(properties))
    pq.write_table(SLICE, lake / "slice.parquet")
    (outcome,) = retire(lake, tmp_path / "state", ("slice.parquet", "t"), accepted=accepted)
    assert outcome.done, outcome
    return lake


def purged(tmp_path: Path, *overrides: str, after: timedelta = timedelta(0)) -> Outcome:
    """What a purge without a grace period says, so long after now."""
    with at_work(tmp_path / "lake", tmp_path / "state", *overrides) as recovery:
        later = datetime.now(UTC) + after
        (outcome,) = purge(recovery, timedelta(0), lambda _: True, lambda _: (), now=later)
    return outcome


@pytest.mark.parametrize(
    ("properties", "days"),
    [
        ({}, 7),
        ({"delta.deletedFileRetentionDuration": "interval 30 days"}, 30),
        ({"delta.logRetentionDuration": "interval 2 days", "delta.deletedFileRetentionDuration": "90 days"}, 2),
        ({"delta.deletedFileRetentionDuration": "INTERVAL '1' WEEK 12 hours"}, 7.5),
        ({"delta.deletedFileRetentionDuration": "interval 0 hours"}, 0),
    ],
)
def test_a_table_keeps_what_both_its_retentions_keep(properties: Mapping[str, str], days: float) -> None:
    assert kept_for(properties) == timedelta(days=days)


@pytest.mark.parametrize("text", ["interval 1 month", "7", "soon", "", "interval 3 days and more", "days"])
def test_a_retention_that_can_not_be_read_keeps_nothing(text: str) -> None:
    with pytest.raises(ValueError, match="logRetentionDuration"):
        kept_for({"delta.logRetentionDuration": text})


def test_a_child_of_a_table_that_keeps_files_long_enough_is_purged(tmp_path: Path) -> None:
    lake = lake_with_table(tmp_path, {})
    guarded(lake, tmp_path / "state")
    outcome = purged(tmp_path)
    assert outcome.done, outcome


@pytest.mark.parametrize(
    "case",
    some(
        [
            ({"delta.deletedFileRetentionDuration": "interval 12 hours"}, (), "keeps old files for 0.50 days"),
            ({"delta.logRetentionDuration": "interval 1 day"}, (), "keeps old files for 1.00 days"),
            ({"delta.deletedFileRetentionDuration": "interval 1 month"}, (), "can't be told"),
            ({}, ("retention.guard_checks=4",), "keeps old files for 7.00 days"),
            ({}, ("retention.guard_checks=0",), "keeps old files for 7.00 days"),
        ],
        2,
    ),
)
def test_a_child_of_a_table_that_cleans_up_too_early_stays(
    tmp_path: Path, case: tuple[Mapping[str, str], tuple[str, ...], str]
) -> None:
    properties, overrides, reason = case
    lake = lake_with_table(tmp_path, properties)
    guarded(lake, tmp_path / "state")
    outcome = purged(tmp_path, *overrides)
    assert not outcome.done
    assert reason in outcome.what
    assert "unprotected-parent" in outcome.hint


@FULL
def test_the_retention_is_read_each_time(tmp_path: Path) -> None:
    lake = lake_with_table(tmp_path, {})
    DeltaTable(str(lake / "t")).alter.set_table_properties({"delta.deletedFileRetentionDuration": "interval 1 hours"})
    guarded(lake, tmp_path / "state")
    assert "0.04 days" in purged(tmp_path).what


def test_a_guard_that_does_not_run_protects_nothing(tmp_path: Path) -> None:
    lake = lake_with_table(tmp_path, {})
    assert "never ran" in purged(tmp_path).what
    guarded(lake, tmp_path / "state")
    assert "ran 3.00 days ago last" in purged(tmp_path, after=timedelta(days=3)).what


def test_plain_files_on_disk_protect_nothing(tmp_path: Path) -> None:
    lake, state = tmp_path / "lake", tmp_path / "state"
    lake.mkdir()
    pq.write_table(ROWS, lake / "all.parquet")
    pq.write_table(SLICE, lake / "slice.parquet")
    assert retire(lake, state, ("slice.parquet", "all.parquet"))[0].done
    guarded(lake, state)
    assert "can be written over at any time" in purged(tmp_path).what


@FULL
def test_a_reviewer_may_accept_an_unprotected_parent(tmp_path: Path) -> None:
    lake, state = file_and_slice(tmp_path)
    with at_work(lake, state) as recovery:
        list(guard(recovery, datetime.now(UTC)))
    assert purged(tmp_path).done


def test_what_was_purged_is_kept_again_once_its_parent_keeps_old_files_for_too_short_a_time(tmp_path: Path) -> None:
    lake, state = lake_with_table(tmp_path, {}), tmp_path / "state"
    guarded(lake, state)
    assert purged(tmp_path).done
    assert guarded(lake, state).verdict is Verdict.GOOD
    table = DeltaTable(str(lake / "t"))
    table.alter.set_table_properties({"delta.deletedFileRetentionDuration": "interval 1 hours"})
    finding = guarded(lake, state)
    assert (finding.verdict, "keeps old files for" in finding.what) == (Verdict.KEPT, True), finding
    write_deltalake(str(lake / "t"), ROWS.slice(0, 1), mode="overwrite")
    vacuum(lake / "t")
    assert guarded(lake, state).verdict is Verdict.RESTORED
    assert rows_of(lake / "slice.parquet") == SLICE


@FULL
def test_what_was_purged_is_not_made_to_depend_on_a_parent_that_may_lose_it(tmp_path: Path) -> None:
    lake, state = lake_with_table(tmp_path, {}), tmp_path / "state"
    guarded(lake, state)
    assert purged(tmp_path).done
    pq.write_table(ROWS, lake / "all.parquet")
    (outcome,) = retire(lake, state, ("t", "all.parquet"), accepted=frozenset(Acceptance))
    assert (outcome.done, "slice.parquet was purged, and would be rebuilt" in outcome.what) == (False, True), outcome
    assert guarded(lake, state).verdict is Verdict.GOOD
