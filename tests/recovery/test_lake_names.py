"""Whatever datasets are named, they go, come back under their own names, and touch nothing else (DESIGN 4, rule 6)."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from r2d2.recovery.apply import Outcome, apply
from r2d2.recovery.records.receipts import of_dataset
from r2d2.recovery.restore import restore
from tests.recovery_runs import ALL, approve, at_work, plan_of, purge_all, snapshot

ROWS = pa.table({"id": pa.array(range(400), pa.int64()), "text": [f"row {n}" for n in range(400)]})
NAMES = [
    'it\'s "quoted" `twice`',
    "new\nline\r\ttab",
    "emoji 😀 \u202eright to left",
    "e\u0301 and \u00e9",
    "dots..in...it.",
    "-rf",
    "--yes",
    "a%2F..%2Fb%00",
    "$(touch here); rm *",
    "*?[a-z]{b}",
    "back\\slash\\..",
    "~",
    "data",
    "quarantine",
    "s3:",
    "#part?x=1&y=2",
    "kept ",
]
LONGEST = [f"{'x' * 247}.parquet", f"{'日' * 82}z.parquet"]


def lake_of(lake: Path, names: list[str]) -> None:
    """Equal datasets under all names, as directories and as files, and beside the lake what is nobody's business."""
    pq.write_table(ROWS, _made(lake / "kept/part-0.parquet"))
    for name in names:
        pq.write_table(ROWS, _made(lake / "directories" / name / f"{name[:9]} of it-0.parquet"))
        pq.write_table(ROWS, _made(lake / "files" / f"{name}.parquet"))
    for name in LONGEST:
        assert len(name.encode()) == 255
        pq.write_table(ROWS, _made(lake / "files" / name))
    (lake.parent / "precious").write_text("x")


def _made(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def retire_all(lake: Path, state: Path) -> list[Outcome]:
    with at_work(lake, state) as recovery:
        children = sorted(recovery.datasets().keys() - {"kept/part-0.parquet", "kept"})
        parent = next(name for name in recovery.datasets() if name.startswith("kept"))
        plan = plan_of(recovery, *((child, parent) for child in children))
        return list(apply(recovery, plan, approve(plan, ALL), lambda _: True))


def restore_all(lake: Path, state: Path, outcomes: list[Outcome]) -> None:
    with at_work(lake, state) as recovery:
        for outcome in outcomes:
            restore(recovery, of_dataset(recovery.receipts, outcome.dataset))


def around(lake: Path) -> set[str]:
    """What lies beside the lake, the state aside."""
    found = {str(path) for path in lake.parent.rglob("*") if path.is_relative_to(lake) is False}
    return {path for path in found if not path.startswith(str(lake.parent / "state"))}


@pytest.mark.parametrize("names", [NAMES[::5], pytest.param(NAMES, marks=pytest.mark.full)], ids=["some", "all"])
def test_datasets_of_any_name_go_and_come_back(tmp_path: Path, names: list[str]) -> None:
    lake = tmp_path / "lake"
    lake_of(lake, names)
    before, beside, state = snapshot(lake), around(lake), lake.parent / "state"
    outcomes = retire_all(lake, state)
    assert [outcome for outcome in outcomes if not outcome.done] == []
    assert len(outcomes) == 2 * len(names) + len(LONGEST)
    assert set(snapshot(lake)) == {"kept/part-0.parquet"}
    restore_all(lake, state, outcomes)
    assert snapshot(lake) == before
    assert not list(lake.rglob("*.retired-by-r2d2.txt"))
    outcomes = retire_all(lake, state)
    purged = purge_all(lake, state)
    assert [outcome for outcome in purged if not outcome.done] == []
    restore_all(lake, state, outcomes)
    assert set(snapshot(lake)) == set(before)
    assert all(pq.read_table(lake / name, partitioning=None).equals(ROWS) for name in before)
    assert around(lake) == beside
    assert not [path for path in (lake / ".r2d2").rglob("*") if path.is_file() and path.suffix == ".parquet"]


def test_what_lies_in_the_same_directory_stays_and_stands_in_nobodys_way(tmp_path: Path) -> None:
    lake, state = tmp_path / "lake", tmp_path / "state"
    for part in range(2):
        pq.write_table(ROWS.slice(200 * part, 200), _made(lake / f"mixed/part-{part}.parquet"))
    pq.write_table(ROWS, lake / "kept.parquet")
    (lake / "mixed/other.csv").write_text("a\n1\n")
    (lake / "mixed/.part-0.parquet.crc").write_bytes(b"crc")
    before = snapshot(lake)
    for purged in (False, True):
        with at_work(lake, state) as recovery:
            plan = plan_of(recovery, ("mixed", "kept.parquet"))
            (done,) = apply(recovery, plan, approve(plan, ALL), lambda _: True)
        assert done.done, done
        assert set(snapshot(lake)) == {"kept.parquet", "mixed/other.csv"}
        if purged:
            assert [outcome.what for outcome in purge_all(lake, state)] == ["purged; it comes back from its recipe"]
        restore_all(lake, state, [done])
        assert {*snapshot(lake), "mixed/.part-0.parquet.crc"} == set(before)
        assert purged or snapshot(lake) == before
