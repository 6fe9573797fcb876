"""What happened between a crash and ``recover`` is no reason to lose rows, to mix datasets, or to be stuck."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from r2d2.catalog.state import open_state
from r2d2.errors import R2D2Error
from r2d2.model.receipt import Status
from r2d2.recovery.claims.claims import ClaimKind, Claims
from r2d2.recovery.context import Recovery
from r2d2.recovery.moves.lake_writer import LakeWriter
from r2d2.recovery.purge import purge
from r2d2.recovery.records.receipts import of_dataset
from r2d2.recovery.restore import restore
from tests.recovery_runs import ALL, LATER, at_work, give_back, purge_all, receipt_of, recover_all, retire
from tests.states import base_table

CHILD = "part"


class Killed(BaseException):
    """The process dies here."""


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """A table, and a part of its rows in two files of a directory; the part is in quarantine."""
    lake = tmp_path / "lake"
    (lake / CHILD).mkdir(parents=True)
    rows = base_table(400)
    pq.write_table(rows, lake / "all.parquet")
    pq.write_table(rows.slice(0, 100), lake / CHILD / "part-0.parquet")
    pq.write_table(rows.slice(100, 100), lake / CHILD / "part-1.parquet")
    (done,) = retire(lake, tmp_path / "state", (CHILD, "all.parquet"), accepted=ALL)
    assert done.done, done.what
    return lake


def killed_after(calls: int, call: Callable[..., Any]) -> Callable[..., Any]:
    """The call, which kills when it was made so many times."""
    made = 0

    def counted(*arguments: Any, **named: Any) -> Any:
        nonlocal made
        if made == calls:
            raise Killed
        made += 1
        return call(*arguments, **named)

    return counted


def purging(recovery: Recovery) -> None:
    now = datetime.now(UTC) + LATER
    list(purge(recovery, timedelta(days=30), lambda _: True, lambda _: (), now=now))


def purge_killed_after(removals: int, lake: Path, state: Path) -> None:
    """A purge that dies when it has removed so many files."""
    with at_work(lake, state) as recovery:
        append = recovery.journal.append

        def appended(event: str, *arguments: Any, **facts: Any) -> Any:
            made = append(event, *arguments, **facts)
            if event == "purge-begun":
                recovery.lake.delete = killed_after(removals, recovery.lake.delete)  # type: ignore[method-assign]
            return made

        recovery.journal.append = appended  # type: ignore[assignment, method-assign]
        with pytest.raises(Killed):
            purging(recovery)


def rows_below(place: Path) -> int:
    return sum(pq.read_table(path).num_rows for path in place.rglob("*.parquet"))


def test_a_purge_that_had_removed_nothing_is_given_up_if_the_parent_has_changed_since(
    lake: Path, tmp_path: Path
) -> None:
    purge_killed_after(0, lake, tmp_path / "state")
    pq.write_table(base_table(10), lake / "all.parquet")

    (done,) = recover_all(lake, tmp_path / "state")

    assert "given up" in done.what
    assert receipt_of(tmp_path / "state", CHILD).status is Status.QUARANTINED
    give_back(lake, tmp_path / "state", CHILD)
    assert rows_below(lake / CHILD) == 200


def test_what_a_purge_has_left_is_kept_if_the_parent_has_changed_since(lake: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    purge_killed_after(1, lake, state)
    before = (lake / "all.parquet").read_bytes()
    pq.write_table(base_table(10), lake / "all.parquet")

    (done,) = recover_all(lake, state)

    assert "does not give it back" in done.what
    assert rows_below(lake / ".r2d2" / "quarantine") == 100
    (lake / "all.parquet").write_bytes(before)
    (done,) = recover_all(lake, state)
    assert done.what == "its purge was finished"
    give_back(lake, state, CHILD)
    assert rows_below(lake / CHILD) == 200


def test_a_purge_that_had_removed_everything_is_finished_whatever_became_of_the_parent(
    lake: Path, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    with at_work(lake, state) as recovery:
        recovery.journal.append = killed_after(1, recovery.journal.append)  # type: ignore[method-assign]
        with pytest.raises(Killed):
            purging(recovery)
    (lake / "all.parquet").unlink()

    (done,) = recover_all(lake, state)

    assert done.what == "its purge was finished"
    assert receipt_of(state, CHILD).status is Status.PURGED


def test_nothing_is_purged_whose_parent_another_state_has_retired(lake: Path, tmp_path: Path) -> None:
    pq.write_table(pq.read_table(lake / "all.parquet"), lake / "other.parquet", compression="zstd")
    for claim in lake.glob(".r2d2/claims/*/*-parent.json"):
        claim.unlink()
    other = Claims(open_state(str(tmp_path / "other"), create=True), LakeWriter([str(lake)], lambda: None))
    other.make(ClaimKind.RETIRED, str(lake / "all.parquet"), str(lake / "all.parquet"), "theirs")

    (done,) = purge_all(lake, tmp_path / "state")

    assert not done.done
    assert "is retired itself" in done.what
    assert rows_below(lake / ".r2d2" / "quarantine") == 200


def restore_killed_at(event: str, lake: Path, state: Path, dataset: str = CHILD) -> None:
    """A restore that dies where it is about to write that record, or has just written one that ends in ``+``."""
    with at_work(lake, state) as recovery:
        append = recovery.journal.append

        def appended(what: str, *arguments: Any, **facts: Any) -> Any:
            if what == event:
                raise Killed
            made = append(what, *arguments, **facts)
            if f"{what}+" == event:
                raise Killed
            return made

        recovery.journal.append = appended  # type: ignore[assignment, method-assign]
        receipt = of_dataset(recovery.receipts, dataset)
        with pytest.raises(Killed):
            restore(recovery, receipt)


def test_what_has_come_to_lie_at_the_old_path_is_not_mixed_with_what_is_given_back(lake: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    restore_killed_at("restore-begun+", lake, state)
    (lake / CHILD).mkdir()
    pq.write_table(base_table(7), lake / CHILD / "theirs.parquet")

    (done,) = recover_all(lake, state)

    assert "given up" in done.what
    assert [path.name for path in (lake / CHILD).iterdir()] == ["theirs.parquet"]
    assert receipt_of(state, CHILD).status is Status.QUARANTINED
    (lake / CHILD / "theirs.parquet").unlink()
    give_back(lake, state, CHILD)
    assert rows_below(lake / CHILD) == 200


def test_what_was_given_up_once_does_not_tell_how_a_later_restore_ends(lake: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    restore_killed_at("restore-begun+", lake, state)
    (lake / CHILD).mkdir()
    (lake / CHILD / "theirs.parquet").touch()
    recover_all(lake, state)
    shutil.rmtree(lake / CHILD)
    purge_all(lake, state)
    (lake / "all.parquet").unlink()

    with pytest.raises(R2D2Error):
        give_back(lake, state, CHILD)

    assert receipt_of(state, CHILD).status is Status.PURGED


@pytest.mark.parametrize("change", ["written to", "replaced"])
def test_a_restored_dataset_that_its_owner_uses_before_recover_is_restored(
    lake: Path, tmp_path: Path, change: str
) -> None:
    state = tmp_path / "state"
    purge_all(lake, state)
    restore_killed_at("restored", lake, state)
    rows = base_table(5)
    pq.write_table(rows, lake / CHILD / "part-0.parquet")
    if change == "replaced":
        (lake / CHILD / "part-1.parquet").unlink()

    (done,) = recover_all(lake, state)

    assert done.what == "its restore was finished"
    assert pq.read_table(lake / CHILD / "part-0.parquet").equals(rows)
    assert receipt_of(state, CHILD).status is Status.RESTORED


def test_a_restored_dataset_that_is_gone_before_recover_stays_retired(lake: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    purge_all(lake, state)
    restore_killed_at("restored", lake, state)
    shutil.rmtree(lake / CHILD)

    (done,) = recover_all(lake, state)

    assert "given up" in done.what
    assert receipt_of(state, CHILD).status is Status.PURGED
    assert len(list(lake.glob(".r2d2/claims/*/*.json"))) == 2
    give_back(lake, state, CHILD)
    assert rows_below(lake / CHILD) == 200


def test_what_is_wrong_with_one_dataset_does_not_keep_the_others_from_being_recovered(
    lake: Path, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    pq.write_table(base_table(400).slice(200, 100), lake / "other.parquet")
    (done,) = retire(lake, state, ("other.parquet", "all.parquet"), accepted=ALL)
    assert done.done, done.what
    purge_killed_after(0, lake, state)
    restore_killed_at("restore-begun+", lake, state, "other.parquet")
    for claim in lake.glob(".r2d2/claims/*/*-retired.json"):
        if "other.parquet" in claim.read_text():
            claim.write_text("nobody's")

    found = {done.dataset: done.what for done in recover_all(lake, state)}

    assert "damaged" in found["other.parquet"]
    assert found[CHILD] == "its purge was finished"
    assert pq.read_table(lake / "other.parquet").num_rows == 100
