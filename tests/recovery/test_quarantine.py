"""Quarantine: a dataset goes out of its readers' sight whole, and comes back with the same bytes (DELETION 2)."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake

from r2d2.errors import NotRetirable
from r2d2.recovery.context import Recovery
from r2d2.recovery.moves.bring_back import bring_back
from r2d2.recovery.moves.lake_writer import LakeWriter
from r2d2.recovery.moves.places import Area
from r2d2.recovery.moves.put_away import Kind, PutAway
from r2d2.recovery.moves.quarantine import is_whole, plan_away, put_away
from tests.recovery_runs import ALL, at_work, retire, snapshot

ROWS = pa.table({"id": pa.array(range(20), pa.int64()), "day": ["a", "b"] * 10})


def parquet_directory(lake: Path) -> str:
    (lake / "d").mkdir(parents=True)
    pq.write_table(ROWS.slice(0, 10), lake / "d/part-0.parquet")
    pq.write_table(ROWS.slice(10), lake / "d/part-1.parquet")
    (lake / "d/_SUCCESS").touch()
    (lake / "d").chmod(0o750)
    return "d"


def parquet_file(lake: Path) -> str:
    lake.mkdir(parents=True, exist_ok=True)
    pq.write_table(ROWS, lake / "it's 😀.parquet")
    (lake / ".it's 😀.parquet.crc").write_bytes(b"crc")
    return "it's 😀.parquet"


def partitioned(lake: Path) -> str:
    for day in ("a", "b"):
        (lake / f"p/day={day}").mkdir(parents=True)
        pq.write_table(ROWS.select(["id"]).slice(0, 5), lake / f"p/day={day}/part-0.parquet")
    return "p"


def csv_file(lake: Path) -> str:
    lake.mkdir(parents=True, exist_ok=True)
    pacsv.write_csv(ROWS, lake / "x.csv")
    return "x.csv"


def delta(lake: Path) -> str:
    write_deltalake(str(lake / "t"), ROWS, partition_by=["day"])
    write_deltalake(str(lake / "t"), ROWS, mode="append")
    return "t"


def one_of_two(lake: Path) -> str:
    """A directory whose files are a dataset each."""
    lake.mkdir(parents=True, exist_ok=True)
    pq.write_table(ROWS, lake / "one.parquet")
    pq.write_table(ROWS.select(["id"]), lake / "two.parquet")
    return "one.parquet"


KINDS = [parquet_directory, parquet_file, partitioned, csv_file, delta, one_of_two]


def away_of(recovery: Recovery, name: str) -> PutAway:
    return plan_away(recovery.datasets()[name], Area(recovery.lake.roots[0], "r1"), "in-place", "ann")


@pytest.mark.parametrize("make", KINDS)
def test_what_is_put_away_is_gone_and_comes_back_as_it_was(tmp_path: Path, make: Callable[[Path], str]) -> None:
    lake = tmp_path / "lake"
    name = make(lake)
    before = snapshot(lake)
    with at_work(lake, tmp_path / "state") as recovery:
        away = away_of(recovery, name)
        put_away(recovery.lake, away)
        assert is_whole(away)
        assert name not in recovery.look()
        assert not any(part == name or part.startswith(f"{name}/") for part in snapshot(lake))
        (note,) = lake.glob("_*.retired-by-r2d2.txt")
        assert "r2d2 restore" in note.read_text()
        assert bring_back(recovery.lake, away) == ()
        assert name in recovery.look()
    assert snapshot(lake) == before
    assert not list(lake.glob("_*.retired-by-r2d2.txt"))


@pytest.mark.parametrize("make", KINDS)
def test_bringing_back_can_be_done_twice(tmp_path: Path, make: Callable[[Path], str]) -> None:
    lake = tmp_path / "lake"
    name = make(lake)
    before = snapshot(lake)
    with at_work(lake, tmp_path / "state") as recovery:
        away = away_of(recovery, name)
        put_away(recovery.lake, away)
        bring_back(recovery.lake, away)
        assert bring_back(recovery.lake, away) == ()
    assert snapshot(lake) == before


def test_a_fenced_table_is_read_and_written_by_nobody_and_works_again_afterwards(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    name = delta(lake)
    writer = DeltaTable(str(lake / name))
    with at_work(lake, tmp_path / "state") as recovery:
        away = away_of(recovery, name)
        assert away.kind is Kind.FENCED_RENAMED
        recovery.lake.put(away.fence, away.fence_text.encode())
        with pytest.raises(Exception, match=r"r2d2Retired|unsupported|protocol"):
            write_deltalake(str(lake / name), ROWS, mode="append")
        with pytest.raises(Exception, match=r"r2d2Retired|nsupported|rotocol|ommit"):
            write_deltalake(writer, ROWS, mode="append")  # it was in flight
        with pytest.raises(Exception, match=r"r2d2Retired|nsupported|rotocol"):
            DeltaTable(str(lake / name)).to_pyarrow_table()
        bring_back(recovery.lake, away)
    assert DeltaTable(str(lake / name)).to_pyarrow_table().num_rows == 40


def test_a_commit_that_was_faster_than_the_fence_is_kept(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    name = delta(lake)
    with at_work(lake, tmp_path / "state") as recovery:
        away = away_of(recovery, name)
        write_deltalake(str(lake / name), ROWS, mode="append")
        with pytest.raises(NotRetirable, match="changed"):
            put_away(recovery.lake, away)
        assert bring_back(recovery.lake, away) == ()
    assert DeltaTable(str(lake / name)).to_pyarrow_table().num_rows == 60


class Meddling(LakeWriter):
    """Somebody else writes right after a rename, or right before it."""

    def __init__(self, lake: LakeWriter, meddle: Callable[[str, str], None], first: bool) -> None:
        super().__init__(lake.roots, lake.fence)
        self.meddle, self.first = meddle, first

    def rename(self, source: str, target: str) -> None:
        if self.first:
            self.meddle(source, target)
        super().rename(source, target)
        if not self.first:
            self.meddle(source, target)


def late_file(source: str, target: str) -> None:
    os.makedirs(source, exist_ok=True)
    Path(source, "late.parquet").write_bytes(b"late")


def open_handle(source: str, target: str) -> None:
    """A writer that had a file open goes on writing to it, wherever it is."""
    found = next(Path(target).glob("part-0.parquet"))
    found.write_bytes(found.read_bytes() + b"more")


def same_name(source: str, target: str) -> None:
    os.makedirs(source, exist_ok=True)
    Path(source, "part-0.parquet").write_bytes(b"new")


@pytest.mark.parametrize("first", [True, False])
def test_a_file_that_is_written_during_the_move_survives_and_the_move_is_undone(tmp_path: Path, first: bool) -> None:
    lake = tmp_path / "lake"
    name = parquet_directory(lake)
    before = snapshot(lake)
    with at_work(lake, tmp_path / "state") as recovery:
        away = away_of(recovery, name)
        with pytest.raises(NotRetirable):
            put_away(Meddling(recovery.lake, late_file, first), away)
        assert bring_back(recovery.lake, away) == ()
    after = snapshot(lake)
    assert (lake / "d/late.parquet").read_bytes() == b"late"
    assert {name: after[name] for name in before} == before


def test_what_is_written_to_an_open_file_during_the_move_survives(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    name = parquet_directory(lake)
    content = (lake / "d/part-0.parquet").read_bytes()
    with at_work(lake, tmp_path / "state") as recovery:
        away = away_of(recovery, name)
        with pytest.raises(NotRetirable):
            put_away(Meddling(recovery.lake, open_handle, first=False), away)
        assert bring_back(recovery.lake, away) == ()
    assert (lake / "d/part-0.parquet").read_bytes() == content + b"more"


def test_a_file_of_the_same_name_is_not_written_over_and_the_old_one_is_kept(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    name = parquet_directory(lake)
    content = (lake / "d/part-0.parquet").read_bytes()
    with at_work(lake, tmp_path / "state") as recovery:
        away = away_of(recovery, name)
        with pytest.raises(NotRetirable):
            put_away(Meddling(recovery.lake, same_name, first=False), away)
        (left,) = bring_back(recovery.lake, away)
    assert (lake / "d/part-0.parquet").read_bytes() == b"new"
    assert Path(left.path).read_bytes() == content
    assert (lake / "d/part-1.parquet").exists()


def other_table(source: str, target: str) -> None:
    """An append that finds no table makes one."""
    write_deltalake(source, ROWS.slice(0, 3))


def commit_on_its_way(source: str, target: str) -> None:
    """One that had read the table before the fence, and makes the directory of its log again."""
    log = Path(source, "_delta_log")
    log.mkdir(parents=True)
    newest = max(Path(target, "_delta_log").glob("*.json"))
    assert "R2D2" in newest.read_text()
    (log / newest.name).write_text(json.dumps({"commitInfo": {"operation": "WRITE"}}))


def test_a_table_that_is_made_at_the_old_path_during_the_move_is_not_mixed_with_the_old_one(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    name = delta(lake)
    rows = DeltaTable(str(lake / name)).to_pyarrow_table().num_rows
    with at_work(lake, tmp_path / "state") as recovery:
        away = away_of(recovery, name)
        with pytest.raises(NotRetirable):
            put_away(Meddling(recovery.lake, other_table, first=False), away)
        assert bring_back(recovery.lake, away)
        assert bring_back(recovery.lake, away)
    assert DeltaTable(str(lake / name)).to_pyarrow_table().num_rows == 3
    assert DeltaTable(away.place).to_pyarrow_table().num_rows == rows


def test_a_commit_that_was_on_its_way_during_the_move_is_the_tables(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    name = delta(lake)
    before = DeltaTable(str(lake / name))
    with at_work(lake, tmp_path / "state") as recovery:
        away = away_of(recovery, name)
        with pytest.raises(NotRetirable):
            put_away(Meddling(recovery.lake, commit_on_its_way, first=False), away)
        assert bring_back(recovery.lake, away) == ()
    after = DeltaTable(str(lake / name))
    assert after.version() == before.version() + 1
    assert after.to_pyarrow_table().num_rows == before.to_pyarrow_table().num_rows


def test_a_dataset_whose_retirement_was_undone_is_nobodys_even_if_not_all_could_go_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = tmp_path / "lake"
    name = parquet_directory(lake)
    pq.write_table(ROWS, lake / "all.parquet")
    real = LakeWriter.rename

    def rename(self: LakeWriter, source: str, target: str) -> None:
        real(self, source, target)
        if target.endswith("/data"):
            same_name(source, target)

    monkeypatch.setattr(LakeWriter, "rename", rename)
    (done,) = retire(lake, tmp_path / "state", (name, "all.parquet"), accepted=ALL)
    monkeypatch.undo()

    assert not done.done
    assert "is kept: " in done.what
    assert not list(lake.glob(".r2d2/claims/*/*"))
    assert not list(lake.glob("*.txt"))


def test_what_lies_beside_a_dataset_in_its_directory_is_not_moved(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    parquet_directory(lake)
    pq.write_table(ROWS, lake / "d/other.parquet")
    os.rename(lake / "d/part-0.parquet", lake / "d/x.parquet")
    os.rename(lake / "d/part-1.parquet", lake / "d/y.parquet")
    with at_work(lake, tmp_path / "state") as recovery:
        away = away_of(recovery, "d/x.parquet")
        put_away(recovery.lake, away)
        assert sorted(snapshot(lake)) == ["d/_SUCCESS", "d/other.parquet", "d/y.parquet"]
        bring_back(recovery.lake, away)


def test_a_dataset_with_anothers_retired_data_below_it_is_left_alone(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    name = parquet_directory(lake)
    (lake / "d/.r2d2").mkdir()
    (lake / "d/.r2d2/lock").touch()
    with at_work(lake, tmp_path / "state") as recovery, pytest.raises(NotRetirable, match="retired data"):
        away_of(recovery, name)
