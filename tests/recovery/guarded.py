"""Small lakes with one retired dataset, and the guard on them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable, write_deltalake

from r2d2.model.receipt import Acceptance
from r2d2.recovery.guard.guard import Finding, guard
from tests.recovery_runs import ALL, at_work, purge_all, retire

ROWS = pa.table(
    {
        "id": pa.array(range(2000), pa.int64()),
        "day": ["a", "b"] * 1000,
        "text": [str(i * 7919) for i in range(2000)],
    }
)
#: What of them the retired dataset holds.
SLICE = ROWS.slice(200, 1500)
NOW = datetime.now(UTC)


def guarded(lake: Path, state: Path, now: datetime = NOW, *overrides: str) -> Finding:
    """What the guard says of the one dataset that is retired."""
    with at_work(lake, state, *overrides) as recovery:
        (finding,) = guard(recovery, now)
    return finding


def table_and_slice(
    tmp_path: Path, purged: bool = False, accepted: frozenset[Acceptance] = ALL, child: pa.Table = SLICE
) -> tuple[Path, Path]:
    """A lake with a Delta table ``t`` and ``slice.parquet``, which is retired; and the state."""
    lake, state = tmp_path / "lake", tmp_path / "state"
    lake.mkdir()
    write_deltalake(str(lake / "t"), ROWS.slice(0, 1000))
    write_deltalake(str(lake / "t"), ROWS.slice(1000), mode="append")
    pq.write_table(child, lake / "slice.parquet")
    retired(lake, state, "slice.parquet", "t", purged, accepted)
    return lake, state


def file_and_slice(tmp_path: Path, purged: bool = False) -> tuple[Path, Path]:
    """The same with a plain file ``all.parquet``."""
    lake, state = tmp_path / "lake", tmp_path / "state"
    lake.mkdir()
    pq.write_table(ROWS, lake / "all.parquet")
    pq.write_table(SLICE, lake / "slice.parquet")
    retired(lake, state, "slice.parquet", "all.parquet", purged)
    return lake, state


def retired(
    lake: Path, state: Path, child: str, parent: str, purged: bool = False, accepted: frozenset[Acceptance] = ALL
) -> None:
    """Retires a dataset, and purges it."""
    (outcome,) = retire(lake, state, (child, parent), accepted=accepted)
    assert outcome.done, outcome
    if purged:
        (gone,) = purge_all(lake, state)
        assert gone.done, gone


def vacuum(table: Path) -> None:
    """Removes at once whatever the newest version does not hold."""
    DeltaTable(str(table)).vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)


def rows_of(path: Path) -> pa.Table:
    """The rows of a file by ``id``."""
    return pq.read_table(path).sort_by("id")
