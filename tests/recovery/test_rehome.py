"""A parent of retired datasets is retired only after their recipes moved to another one that is kept (DELETION 4)."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from r2d2.recovery.guard.guard import Verdict
from tests.recovery.guarded import ROWS, SLICE, guarded, retired, rows_of, table_and_slice
from tests.recovery_runs import ALL, at_work, give_back, receipt_of, retire
from tests.sampling import FULL, some


def chain(tmp_path: Path, purged: bool, grandparent: bool = True) -> tuple[Path, Path]:
    """A slice, retired for ``middle.parquet``, all of which ``all.parquet`` holds, too."""
    lake, state = tmp_path / "lake", tmp_path / "state"
    lake.mkdir()
    pq.write_table(ROWS if grandparent else ROWS.slice(0, 1000), lake / "all.parquet")
    pq.write_table(ROWS.slice(100, 1800), lake / "middle.parquet")
    pq.write_table(SLICE, lake / "slice.parquet")
    retired(lake, state, "slice.parquet", "middle.parquet", purged)
    return lake, state


@pytest.mark.parametrize("purged", some([False, True], 1))
def test_a_parent_goes_once_its_children_are_rebuilt_from_another(tmp_path: Path, purged: bool) -> None:
    lake, state = chain(tmp_path, purged)
    (outcome,) = retire(lake, state, ("middle.parquet", "all.parquet"), accepted=ALL)
    assert outcome.done, outcome
    assert receipt_of(state, "slice.parquet").parent == "all.parquet"
    with at_work(lake, state) as recovery:
        held = [claim.child for claim in recovery.claims.on(str(lake / "all.parquet"))]
        assert sorted(Path(child).name for child in held) == ["middle.parquet", "slice.parquet"]
        middle = recovery.claims.on(str(lake / "middle.parquet"))
        assert [claim.kind for claim in middle] == ["retired"]
    give_back(lake, state, "slice.parquet")
    assert rows_of(lake / "slice.parquet") == SLICE


def test_a_parent_stays_whose_children_no_other_holds(tmp_path: Path) -> None:
    lake, state = chain(tmp_path, purged=False)
    pq.write_table(ROWS.slice(0, 1000), lake / "some.parquet")
    (outcome,) = retire(lake, state, ("middle.parquet", "some.parquet"), accepted=ALL)
    assert not outcome.done
    assert "slice.parquet is rebuilt from middle.parquet" in outcome.what
    assert (lake / "middle.parquet").exists()
    assert receipt_of(state, "slice.parquet").parent == "middle.parquet"


@FULL
def test_a_parent_whose_child_another_state_retired_stays(tmp_path: Path) -> None:
    lake, _ = chain(tmp_path, purged=False)
    (outcome,) = retire(lake, tmp_path / "other", ("middle.parquet", "all.parquet"), accepted=ALL)
    assert not outcome.done
    assert "slice.parquet is rebuilt from it" in outcome.what


@FULL
def test_a_move_that_was_cut_short_is_no_obstacle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from r2d2.recovery.claims.claims import Claims

    class Killed(BaseException):
        pass

    def killed(*_: object) -> None:
        raise Killed

    lake, state = chain(tmp_path, purged=False)
    with monkeypatch.context() as patch:
        patch.setattr(Claims, "release", killed)
        with pytest.raises(Killed):
            retire(lake, state, ("middle.parquet", "all.parquet"), accepted=ALL)
    assert guarded(lake, state).verdict is Verdict.GOOD
    (outcome,) = retire(lake, state, ("middle.parquet", "all.parquet"), accepted=ALL)
    assert outcome.done, outcome


@FULL
def test_a_parent_stays_while_a_person_is_asked_about_rows_that_it_deleted(tmp_path: Path) -> None:
    lake, state = table_and_slice(tmp_path)
    DeltaTable(str(lake / "t")).delete("id = 700")
    assert guarded(lake, state).verdict is Verdict.ASKED
    pq.write_table(ROWS, lake / "all.parquet")
    (outcome,) = retire(lake, state, ("t", "all.parquet"), accepted=ALL)
    assert (outcome.done, "a person is asked about slice.parquet" in outcome.what) == (False, True), outcome
    assert receipt_of(state, "slice.parquet").frozen
