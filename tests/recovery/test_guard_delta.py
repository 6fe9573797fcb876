"""Guard, while a Delta table that retired datasets are rebuilt from changes: no row is lost (DELETION 4)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake

from r2d2.model.receipt import Acceptance, Status
from r2d2.recovery.guard import Finding, Verdict, guard
from tests.recovery_runs import at_work, give_back, purge_all, receipt_of, retire, snapshot

ROWS = pa.table(
    {
        "id": pa.array(range(2000), pa.int64()),
        "day": ["a", "b"] * 1000,
        "text": [str(i * 7919) for i in range(2000)],
    }
)
NOW = datetime.now(UTC)
Change = Callable[[str], object]


def guarded(lake: Path, state: Path, now: datetime = NOW) -> Finding:
    """What the guard says of the one dataset that is retired."""
    with at_work(lake, state) as recovery:
        (finding,) = guard(recovery, now)
    return finding


def retired(tmp_path: Path, purged: bool = False, parent: str = "t") -> tuple[Path, Path, dict[str, tuple[str, int]]]:
    """A lake with a table and a slice of it, which is retired; lake, state, and what the slice was."""
    lake, state = tmp_path / "lake", tmp_path / "state"
    lake.mkdir()
    write_deltalake(str(lake / "t"), ROWS.slice(0, 1000))
    write_deltalake(str(lake / "t"), ROWS.slice(1000), mode="append")
    pq.write_table(ROWS.slice(200, 1500), lake / "slice.parquet")
    before = {name: seen for name, seen in snapshot(lake).items() if name == "slice.parquet"}
    (outcome,) = retire(lake, state, ("slice.parquet", parent), accepted=frozenset(Acceptance))
    assert outcome.done, outcome
    if purged:
        (gone,) = purge_all(lake, state)
        assert gone.done, gone
    return lake, state, before


def append(table: str) -> object:
    return write_deltalake(table, ROWS.slice(200, 300), mode="append")


def optimize(table: str) -> object:
    return DeltaTable(table).optimize.compact()


def delete_other_rows(table: str) -> object:
    return DeltaTable(table).delete("id < 100")


def delete(table: str) -> object:
    return DeltaTable(table).delete("id = 700")


def update(table: str) -> object:
    return DeltaTable(table).update(updates={"text": "'other'"}, predicate="id = 700")


def merge(table: str, only_deletes: bool = False) -> object:
    source = pa.table({"id": pa.array([700, 701], pa.int64())})
    merging = DeltaTable(table).merge(source, predicate="t.id = s.id", source_alias="s", target_alias="t")
    if only_deletes:
        return merging.when_matched_delete().execute()
    return merging.when_matched_update({"text": "'other'"}).execute()


def merge_deletes(table: str) -> object:
    return merge(table, only_deletes=True)


def overwrite(table: str) -> object:
    return write_deltalake(table, ROWS.slice(0, 10), mode="overwrite")


def overwrite_with_the_same(table: str) -> object:
    return write_deltalake(table, ROWS, mode="overwrite")


def add_column(table: str) -> object:
    more = ROWS.slice(0, 10).append_column("more", pa.array([1] * 10))
    return write_deltalake(table, more, mode="append", schema_mode="merge")


def other_schema(table: str) -> object:
    return write_deltalake(table, ROWS.select(["id"]), mode="overwrite", schema_mode="overwrite")


def vacuum(table: str) -> object:
    return DeltaTable(table).vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)


def drop(table: str) -> object:
    import shutil

    return shutil.rmtree(table)


#: What is done to the parent, and what becomes of a dataset that is rebuilt from it: in quarantine, and purged.
CHANGES: dict[Change, Verdict] = {
    append: Verdict.GOOD,
    add_column: Verdict.GOOD,
    vacuum: Verdict.GOOD,
    optimize: Verdict.CARRIED,
    delete_other_rows: Verdict.CARRIED,
    overwrite_with_the_same: Verdict.CARRIED,
    delete: Verdict.ASKED,
    merge_deletes: Verdict.ASKED,
    update: Verdict.RESTORED,
    merge: Verdict.RESTORED,
    overwrite: Verdict.RESTORED,
    other_schema: Verdict.RESTORED,
}


@pytest.mark.parametrize("purged", [False, True])
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_change_of_the_parent_loses_no_row(tmp_path: Path, change: Change, purged: bool) -> None:
    lake, state, before = retired(tmp_path, purged)
    change(str(lake / "t"))
    finding = guarded(lake, state)
    assert finding.verdict is CHANGES[change], finding
    vacuum(str(lake / "t"))  # whatever the guard did, it does not rest on what the table cleans away
    if finding.verdict is not Verdict.RESTORED:
        assert receipt_of(state, "slice.parquet").status is (
            Status.QUARANTINED if finding.verdict is Verdict.ASKED or not purged else Status.PURGED
        )
        give_back(lake, state, "slice.parquet")
    found = snapshot(lake)
    if not purged:
        assert found["slice.parquet"] == before["slice.parquet"]
    assert pq.read_table(lake / "slice.parquet").sort_by("id") == ROWS.slice(200, 1500)
