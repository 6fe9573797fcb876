"""Guard, while plain files that retired datasets are rebuilt from change; what it mends; and that it reads no data."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from itertools import product
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake

from r2d2.lake.kernels import Kernel
from r2d2.model.receipt import Status
from r2d2.recovery import restore as restoring
from r2d2.recovery.guard.guard import Verdict, guard
from tests.recovery.guarded import NOW, ROWS, SLICE, file_and_slice, guarded, retired, rows_of, table_and_slice
from tests.recovery_runs import at_work, give_back, purge_all, receipt_of, recover_all, retire
from tests.sampling import FULL, some


def overwritten(file: Path) -> None:
    pq.write_table(ROWS.slice(0, 10), file)


def gone(file: Path) -> None:
    file.unlink()


def replaced_by_a_directory(file: Path) -> None:
    file.unlink()
    file.mkdir()
    pq.write_table(ROWS.slice(0, 300), file / "part.parquet")


@pytest.mark.parametrize("change", some([overwritten, gone, replaced_by_a_directory], 1))
def test_files_that_are_overwritten_or_gone_bring_the_dataset_back(
    tmp_path: Path, change: Callable[[Path], None]
) -> None:
    lake, state = file_and_slice(tmp_path)
    change(lake / "all.parquet")
    finding = guarded(lake, state)
    assert finding.verdict is Verdict.RESTORED, finding
    assert rows_of(lake / "slice.parquet") == SLICE
    assert receipt_of(state, "slice.parquet").status is Status.RESTORED


def test_what_a_crash_left_half_done_keeps_the_guard_from_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake, state = file_and_slice(tmp_path)
    pq.write_table(SLICE, lake / "other.parquet")
    retired(lake, state, "other.parquet", "all.parquet")
    bring_back = restoring.bring_back
    monkeypatch.setattr(restoring, "bring_back", interrupted)
    with pytest.raises(KeyboardInterrupt):
        give_back(lake, state, "other.parquet")
    monkeypatch.setattr(restoring, "bring_back", bring_back)
    overwritten(lake / "all.parquet")
    with at_work(lake, state) as recovery:
        found = {finding.dataset: finding for finding in guard(recovery, NOW)}
    assert found["slice.parquet"].verdict is Verdict.RESTORED
    assert (found["other.parquet"].verdict, found["other.parquet"].hint[:18]) == (Verdict.UNSURE, "run `r2d2 recover ")
    assert rows_of(lake / "slice.parquet") == SLICE
    recover_all(lake, state)
    assert rows_of(lake / "other.parquet") == SLICE


def interrupted(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_purged_dataset_follows_rows_that_were_written_anew(tmp_path: Path) -> None:
    lake, state = file_and_slice(tmp_path, purged=True)
    pq.write_table(ROWS.take(list(reversed(range(2000)))), lake / "all.parquet")
    assert guarded(lake, state).verdict is Verdict.CARRIED
    give_back(lake, state, "slice.parquet")
    assert rows_of(lake / "slice.parquet") == SLICE


def test_a_purged_copy_follows_rows_that_were_written_anew(tmp_path: Path) -> None:
    lake, state = tmp_path / "lake", tmp_path / "state"
    lake.mkdir()
    pacsv.write_csv(ROWS, lake / "all.csv")
    before = shutil.copy(lake / "all.csv", lake / "copy.csv").read_bytes()
    retired(lake, state, "copy.csv", "all.csv", purged=True)
    pacsv.write_csv(ROWS.take(list(reversed(range(2000)))), lake / "all.csv")
    assert guarded(lake, state).verdict is Verdict.CARRIED
    give_back(lake, state, "copy.csv")
    assert sorted((lake / "copy.csv").read_bytes().splitlines()) == sorted(before.splitlines())


def test_a_purged_dataset_comes_back_from_old_files_of_a_table_that_were_copied_back(tmp_path: Path) -> None:
    lake, state = table_and_slice(tmp_path, purged=True)
    for file in (lake / "t").glob("*.parquet"):
        os.utime(file, (1, 1))
    write_deltalake(str(lake / "t"), ROWS.slice(0, 10), mode="overwrite")
    finding = guarded(lake, state)
    assert finding.verdict is Verdict.RESTORED, finding
    assert rows_of(lake / "slice.parquet") == SLICE


@pytest.mark.parametrize("purged", some([False, True], 1))
def test_files_that_were_only_touched_or_copied_back_are_the_same(tmp_path: Path, purged: bool) -> None:
    lake, state = file_and_slice(tmp_path, purged)
    shutil.copy(lake / "all.parquet", tmp_path / "kept")
    shutil.copy(tmp_path / "kept", lake / "all.parquet")
    os.utime(lake / "all.parquet", ns=(1, 1))
    assert guarded(lake, state).verdict is Verdict.CARRIED
    assert guarded(lake, state).verdict is Verdict.GOOD


def test_a_dataset_whose_path_is_in_use_stays_in_quarantine(tmp_path: Path) -> None:
    lake, state = file_and_slice(tmp_path)
    (lake / "slice.parquet").write_bytes(b"somebody else's")
    overwritten(lake / "all.parquet")
    finding = guarded(lake, state)
    assert finding.verdict in (Verdict.KEPT, Verdict.UNSURE), finding
    assert (lake / "slice.parquet").read_bytes() == b"somebody else's"
    (lake / "slice.parquet").unlink()
    with at_work(lake, state) as recovery:
        assert not recovery.receipts[finding.receipt].frozen
    assert guarded(lake, state).verdict is Verdict.RESTORED
    assert rows_of(lake / "slice.parquet") == SLICE


@FULL
def test_a_store_that_can_not_be_looked_at_decides_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from r2d2.lake.local_storage import LocalStorage

    lake, state = file_and_slice(tmp_path)
    looks = LocalStorage.stat

    def denied(self: LocalStorage, path: str) -> object:
        if path.endswith("/all.parquet"):
            raise PermissionError(13, "Permission denied", path)
        return looks(self, path)

    with at_work(lake, state) as recovery:
        monkeypatch.setattr(LocalStorage, "stat", denied)
        (finding,) = guard(recovery, NOW)
        monkeypatch.undo()
    assert finding.verdict is Verdict.UNSURE
    assert "all.parquet" in finding.what
    assert receipt_of(state, "slice.parquet").status is Status.QUARANTINED


@pytest.mark.parametrize("purged", some([False, True], 1))
def test_a_file_that_can_not_be_read_for_the_moment_decides_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, purged: bool
) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    lake, state = file_and_slice(tmp_path, purged)
    pq.write_table(ROWS.take(list(reversed(range(2000)))), lake / "all.parquet")
    with monkeypatch.context() as patch:
        patch.setattr("r2d2.recovery.rebuild.kernels.opened", refused)
        finding = guarded(lake, state)
    assert (finding.verdict, "Permission denied" in finding.what) == (Verdict.UNSURE, True), finding
    assert not (lake / "slice.parquet").exists()
    assert guarded(lake, state).verdict is Verdict.CARRIED


@pytest.mark.parametrize("make", [file_and_slice, table_and_slice])
def test_where_nothing_changed_no_data_is_read(tmp_path: Path, make: Callable[[Path], tuple[Path, Path]]) -> None:
    def no_scan(tasks: pa.Table, kernel: Kernel, schema: pa.Schema) -> pa.Table:
        raise AssertionError("data was read")

    lake, state = make(tmp_path)
    with at_work(lake, state) as recovery:
        recovery.run = no_scan
        recovery.look = lambda: pytest.fail("the lake was listed")
        (finding,) = guard(recovery, NOW)
    assert finding.verdict is Verdict.GOOD
    assert not finding.what


@FULL
def test_the_journal_tells_that_the_guard_looked(tmp_path: Path) -> None:
    lake, state = file_and_slice(tmp_path)
    guarded(lake, state)
    with at_work(lake, state) as recovery:
        last = recovery.journal.records[-1]
    assert (last.event, last.facts["findings"]) == ("guarded", {"good": 1})


def _claims(lake: Path) -> list[Path]:
    return sorted((lake / ".r2d2/claims").rglob("*.json"))


@pytest.mark.parametrize("case", some(list(product([0, 1], ["gone", "changed", "other"])), 2))
def test_claims_that_are_gone_or_changed_are_made_again(tmp_path: Path, case: tuple[int, str]) -> None:
    which, damage = case
    lake, state = file_and_slice(tmp_path)
    both = _claims(lake)
    if damage == "gone":
        both[which].unlink()
    elif damage == "changed":
        both[which].write_text(both[which].read_text().replace("parquet", "parquex"))
    else:
        both[which].write_bytes(both[1 - which].read_bytes())
    finding = guarded(lake, state)
    assert finding.verdict is Verdict.GOOD, finding
    assert len(finding.mended) == 1
    assert "claim" in finding.mended[0]
    assert not guarded(lake, state).mended


def test_who_retired_the_parent_while_no_claim_stood_gives_the_dataset_back(tmp_path: Path) -> None:
    lake, state = file_and_slice(tmp_path)
    for claim in _claims(lake):
        claim.unlink()
    pq.write_table(ROWS, lake / "twin.parquet")
    (other,) = retire(lake, tmp_path / "theirs", ("all.parquet", "twin.parquet"))
    assert other.done, other
    finding = guarded(lake, state)
    assert finding.verdict is Verdict.RESTORED, finding
    assert rows_of(lake / "slice.parquet") == SLICE


@pytest.mark.parametrize("purged", some([False, True], 1))
def test_a_recipe_that_was_tampered_with_is_mended_from_the_other_copy(tmp_path: Path, purged: bool) -> None:
    lake, state = file_and_slice(tmp_path, purged)
    (kept,) = (lake / ".r2d2/quarantine").glob("*/recipe.json.gz")
    kept.write_bytes(b"something else")
    finding = guarded(lake, state)
    assert finding.mended, finding
    shutil.rmtree(state / "recipes")
    finding = guarded(lake, state)
    assert finding.mended, finding
    assert guarded(lake, state).mended == ()
    give_back(lake, state, "slice.parquet")
    assert rows_of(lake / "slice.parquet") == SLICE


@pytest.mark.parametrize("purged", some([False, True], 1))
def test_a_recipe_that_can_not_be_read_for_the_moment_decides_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, purged: bool
) -> None:
    from r2d2.lake.local_storage import LocalStorage

    lake, state = file_and_slice(tmp_path, purged)
    shutil.rmtree(state / "recipes")
    reads = LocalStorage.read_bytes

    def denied(self: LocalStorage, path: str) -> bytes:
        if path.endswith("/recipe.json.gz"):
            raise PermissionError(13, "Permission denied", path)
        return reads(self, path)

    with monkeypatch.context() as patch:
        patch.setattr(LocalStorage, "read_bytes", denied)
        assert guarded(lake, state).verdict is Verdict.UNSURE
    assert guarded(lake, state).verdict is Verdict.GOOD
    give_back(lake, state, "slice.parquet")
    assert rows_of(lake / "slice.parquet") == SLICE


@pytest.mark.parametrize("purged", some([False, True], 1))
def test_a_recipe_that_nobody_has_any_more_brings_back_what_is_in_quarantine(tmp_path: Path, purged: bool) -> None:
    lake, state = file_and_slice(tmp_path, purged)
    (kept,) = (lake / ".r2d2/quarantine").glob("*/recipe.json.gz")
    kept.write_bytes(b"something else")
    shutil.rmtree(state / "recipes")
    finding = guarded(lake, state)
    assert finding.verdict is (Verdict.LOST if purged else Verdict.RESTORED), finding
    if not purged:
        assert rows_of(lake / "slice.parquet") == SLICE


@FULL
def test_a_purge_waits_until_the_recipe_was_carried_over(tmp_path: Path) -> None:
    lake, state = table_and_slice(tmp_path)
    DeltaTable(str(lake / "t")).optimize.compact()
    (kept,) = purge_all(lake, state)
    assert not kept.done
    assert "guard" in kept.hint
    guarded(lake, state)
    (gone_now,) = purge_all(lake, state)
    assert gone_now.done, gone_now
