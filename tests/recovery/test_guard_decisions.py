"""Rows that a retired dataset holds were deleted in its parent: a person is asked, and then heard (DELETION 4)."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake

from r2d2.errors import NotRetirable, UsageError
from r2d2.model.receipt import Status
from r2d2.recovery.guard.frozen import decide
from r2d2.recovery.guard.guard import Verdict
from r2d2.recovery.recipes.recipe_store import load
from r2d2.recovery.records.receipts import of_dataset
from tests.recovery.guarded import NOW, ROWS, SLICE, guarded, retired, rows_of, table_and_slice, vacuum
from tests.recovery_runs import at_work, give_back, purge_all, receipt_of, recover_all
from tests.sampling import FULL, some

CHILD = "slice.parquet"
LEFT = SLICE.filter(pc.not_equal(SLICE["id"], 700))
LATE = NOW + timedelta(days=31)


def deleted(tmp_path: Path, purged: bool = False) -> tuple[Path, Path]:
    """A lake in whose table a row of the retired slice was deleted, and the guard has looked."""
    lake, state = table_and_slice(tmp_path, purged)
    DeltaTable(str(lake / "t")).delete("id = 700")
    finding = guarded(lake, state)
    assert finding.verdict is Verdict.ASKED, finding
    assert "--decide" in finding.hint
    return lake, state


def decided(lake: Path, state: Path, decision: str) -> None:
    with at_work(lake, state) as recovery:
        decide(recovery, of_dataset(recovery.receipts, CHILD), decision, "ann")


def test_nothing_comes_back_and_nothing_is_purged_until_somebody_decides(tmp_path: Path) -> None:
    lake, state = deleted(tmp_path)
    (kept,) = purge_all(lake, state)
    assert not kept.done
    assert "frozen" in kept.what
    until = receipt_of(state, CHILD).facts["frozen_until"]
    assert guarded(lake, state, NOW + timedelta(days=20)).verdict is Verdict.ASKED
    assert receipt_of(state, CHILD).facts["frozen_until"] == until
    assert not (lake / CHILD).exists()


@FULL
def test_a_purged_dataset_is_in_quarantine_again_while_a_person_is_asked(tmp_path: Path) -> None:
    lake, state = deleted(tmp_path, purged=True)
    assert receipt_of(state, CHILD).status is Status.QUARANTINED
    vacuum(lake / "t")
    assert guarded(lake, state).verdict is Verdict.ASKED
    give_back(lake, state, CHILD)
    assert rows_of(lake / CHILD) == SLICE


@FULL
@pytest.mark.parametrize("purged", some([False, True], 1))
def test_restore_brings_the_deleted_rows_back(tmp_path: Path, purged: bool) -> None:
    lake, state = deleted(tmp_path, purged)
    vacuum(lake / "t")
    decided(lake, state, "restore")
    assert rows_of(lake / CHILD) == SLICE


@pytest.mark.parametrize("purged", some([False, True], 1))
def test_honour_gives_the_deleted_rows_up_and_nothing_else(tmp_path: Path, purged: bool) -> None:
    lake, state = deleted(tmp_path, purged)
    decided(lake, state, "honour")
    receipt = receipt_of(state, CHILD)
    assert (receipt.status, receipt.frozen) == (Status.QUARANTINED, "")
    vacuum(lake / "t")
    assert guarded(lake, state).verdict is Verdict.GOOD
    (gone,) = purge_all(lake, state)
    assert gone.done, gone
    give_back(lake, state, CHILD)
    assert rows_of(lake / CHILD) == LEFT


def test_no_byte_of_a_row_that_was_given_up_is_left_in_quarantine(tmp_path: Path) -> None:
    secret = "a text that no other row has"
    rows = ROWS.set_column(2, "text", pa.array([secret if i == 700 else str(i * 7919) for i in range(2000)]))
    lake, state = tmp_path / "lake", tmp_path / "state"
    lake.mkdir()
    write_deltalake(str(lake / "t"), rows)
    pq.write_table(rows.slice(200, 1500), lake / CHILD, compression="none")
    retired(lake, state, CHILD, "t")
    DeltaTable(str(lake / "t")).delete("id = 700")
    guarded(lake, state)
    decided(lake, state, "honour")
    kept = [path for path in (lake / ".r2d2").rglob("*") if path.is_file()]
    assert kept
    assert not [path for path in kept if secret.encode() in path.read_bytes()]
    assert len(list((state / "recipes").glob("*.parquet"))) == 1  # of the recipe in force


def test_after_the_deadline_the_deletion_is_honoured(tmp_path: Path) -> None:
    lake, state = deleted(tmp_path)
    finding = guarded(lake, state, LATE)
    assert finding.verdict is Verdict.HONOURED, finding
    give_back(lake, state, CHILD)
    assert rows_of(lake / CHILD) == LEFT


@FULL
def test_where_rows_were_changed_too_there_is_no_deadline(tmp_path: Path) -> None:
    lake, state = table_and_slice(tmp_path)
    DeltaTable(str(lake / "t")).delete("id = 700")
    DeltaTable(str(lake / "t")).update(updates={"text": "'other'"}, predicate="id = 800")
    assert guarded(lake, state).verdict is Verdict.ASKED
    assert guarded(lake, state, LATE).verdict is Verdict.ASKED
    give_back(lake, state, CHILD)
    assert rows_of(lake / CHILD) == SLICE


@FULL
def test_what_is_deleted_later_is_asked_with_the_first_question(tmp_path: Path) -> None:
    lake, state = deleted(tmp_path)
    until = receipt_of(state, CHILD).facts["frozen_until"]
    DeltaTable(str(lake / "t")).delete("id = 701")
    assert guarded(lake, state, NOW + timedelta(days=5)).verdict is Verdict.ASKED
    assert receipt_of(state, CHILD).facts["frozen_until"] == until
    assert guarded(lake, state, LATE).verdict is Verdict.HONOURED
    give_back(lake, state, CHILD)
    assert rows_of(lake / CHILD) == LEFT.filter(pc.not_equal(LEFT["id"], 701))


@FULL
def test_rows_that_are_there_again_end_the_question(tmp_path: Path) -> None:
    lake, state = deleted(tmp_path)
    DeltaTable(str(lake / "t")).restore(1)
    finding = guarded(lake, state)
    assert finding.verdict in (Verdict.CARRIED, Verdict.GOOD), finding
    assert not receipt_of(state, CHILD).frozen
    (gone,) = purge_all(lake, state)
    assert gone.done, gone


@FULL
def test_a_row_that_is_left_once_is_given_up_once(tmp_path: Path) -> None:
    """Bags: the slice holds a row twice, its parent now once."""
    lake, state = tmp_path / "lake", tmp_path / "state"
    lake.mkdir()
    twice = pa.concat_tables([ROWS, ROWS.slice(700, 1)])
    write_deltalake(str(lake / "t"), ROWS)
    write_deltalake(str(lake / "t"), ROWS.slice(700, 1), mode="append")
    pq.write_table(twice, lake / CHILD)
    retired(lake, state, CHILD, "t")
    table = DeltaTable(str(lake / "t"))
    table.delete("id = 700")
    write_deltalake(str(lake / "t"), ROWS.slice(700, 1), mode="append")
    assert guarded(lake, state).verdict is Verdict.ASKED
    decided(lake, state, "honour")
    give_back(lake, state, CHILD)
    assert rows_of(lake / CHILD) == ROWS


@FULL
def test_a_decision_is_somebodys_and_on_something(tmp_path: Path) -> None:
    lake, state = deleted(tmp_path)
    with at_work(lake, state) as recovery:
        receipt = of_dataset(recovery.receipts, CHILD)
        with pytest.raises(UsageError, match="--by"):
            decide(recovery, receipt, "honour", " ")
        with pytest.raises(UsageError, match="none of honour, restore"):
            decide(recovery, receipt, "both", "ann")
        decide(recovery, receipt, "honour", "ann")
        with pytest.raises(UsageError, match="nothing is to be decided"):
            decide(recovery, recovery.receipts[receipt.id], "honour", "ann")


@FULL
def test_where_nothing_would_be_left_honour_changes_nothing(tmp_path: Path) -> None:
    lake, state = table_and_slice(tmp_path)
    DeltaTable(str(lake / "t")).delete("id >= 0")
    assert guarded(lake, state).verdict is Verdict.ASKED
    with pytest.raises(NotRetirable, match="nothing of it would be left"):
        decided(lake, state, "honour")
    give_back(lake, state, CHILD)
    assert rows_of(lake / CHILD) == SLICE


@pytest.mark.parametrize("moment", some(["adopt", "remove", "refill", "place"], 2))
@pytest.mark.parametrize("parent_goes", some([False, True], 1))
def test_an_honour_that_was_interrupted_is_gone_on_with_whatever_became_of_the_parent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str, parent_goes: bool
) -> None:
    lake, state = deleted(tmp_path)
    with monkeypatch.context() as patch:
        kill_at(patch, moment)
        with pytest.raises(Killed):
            decided(lake, state, "honour")
    if parent_goes:
        shutil.rmtree(lake / "t")
    recover_all(lake, state)
    wanted = SLICE if moment == "adopt" else LEFT
    with at_work(lake, state) as recovery:
        (receipt,) = recovery.receipts.values()
        assert (receipt.status, receipt.facts.get("replacing", False)) == (Status.QUARANTINED, False)
        assert load(recovery.state, receipt).manifest.rows == len(wanted)
    give_back(lake, state, CHILD)
    assert rows_of(lake / CHILD) == wanted


class Killed(BaseException):
    """The process is gone."""


def kill_at(patch: pytest.MonkeyPatch, moment: str) -> None:
    from r2d2.recovery import purge
    from r2d2.recovery.guard import honour, kept_again

    module, name = {
        "adopt": (honour, "adopt"),
        "remove": (purge, "go_on"),
        "refill": (honour, "keep_again"),
        "place": (kept_again, "_said"),
    }[moment]

    def killed(*_: object, **__: object) -> None:
        raise Killed

    patch.setattr(module, name, killed)


def as_table(rows: pa.Table, where: Path) -> None:
    write_deltalake(str(where), rows, partition_by=["day"])


def as_partitions(rows: pa.Table, where: Path) -> None:
    for day in ("a", "b"):
        (where / f"day={day}").mkdir(parents=True)
        part = rows.filter(pc.equal(rows["day"], day)).drop_columns(["day"])
        pq.write_table(part, where / f"day={day}/part.parquet")


def read_back(where: Path) -> list[tuple[int, str, str]]:
    """The rows of a table, or of a directory of partitions."""
    if (where / "_delta_log").exists():
        rows = DeltaTable(str(where)).to_pyarrow_table()
    else:
        rows = ds.dataset(where, partitioning="hive").to_table()
    return sorted((row["id"], str(row["day"]), row["text"]) for row in rows.to_pylist())


@FULL
@pytest.mark.parametrize("purged", [False, True])
@pytest.mark.parametrize("decision", ["honour", "restore"])
@pytest.mark.parametrize("condition", ["id = 700", "day = 'a'"])
@pytest.mark.parametrize("make", [as_table, as_partitions])
def test_tables_and_partitions_are_decided_on_as_well(
    tmp_path: Path, make: Callable[[pa.Table, Path], None], condition: str, decision: str, purged: bool
) -> None:
    lake, state = tmp_path / "lake", tmp_path / "state"
    lake.mkdir()
    write_deltalake(str(lake / "t"), ROWS)
    make(SLICE, lake / "child")
    retired(lake, state, "child", "t", purged)
    DeltaTable(str(lake / "t")).delete(condition)
    assert guarded(lake, state).verdict is Verdict.ASKED
    with at_work(lake, state) as recovery:
        decide(recovery, of_dataset(recovery.receipts, "child"), decision, "ann")
    vacuum(lake / "t")
    if decision == "honour":
        assert guarded(lake, state).verdict is Verdict.GOOD
        give_back(lake, state, "child")
    gone = (lambda row: row["id"] == 700) if condition == "id = 700" else (lambda row: row["day"] == "a")
    left = [row for row in SLICE.to_pylist() if decision == "restore" or not gone(row)]
    assert read_back(lake / "child") == sorted((row["id"], row["day"], row["text"]) for row in left)
