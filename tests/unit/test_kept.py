"""Hashes that a scan keeps are used only if they are all there and as they were written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from r2d2.config import ContainmentSettings
from r2d2.containment.accumulate import Totals, add_batch
from r2d2.containment.join_kept import KeptJoin
from r2d2.containment.kept import Keeper, kept_path, kept_rows
from r2d2.containment.request import Request
from r2d2.containment.row_hash import FAST
from r2d2.containment.scanner import Scanner, task_rows
from r2d2.containment.schema_graph import schema_of
from r2d2.containment.sketch import Hashes
from r2d2.containment.views import Pair
from r2d2.lake.kernels import run_here
from r2d2.model.dataset import Dataset
from r2d2.model.edge import Projection
from tests.containment_runs import Memory, parquet_dataset

RNG = np.random.default_rng(5)
BLOCKS = [RNG.integers(0, 2**63, (2, rows), dtype=np.uint64) for rows in (3, 1, 7)]


def everything(low: Hashes) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return np.ones(len(low), bool)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path, totals = tmp_path / "kept", Totals()
    keeper = Keeper(path)
    for low, high in BLOCKS:
        keeper.add(low, high)
        add_batch(totals, low, high)
    keeper.close(totals)
    return path


def test_what_was_kept_comes_back_in_order(file: Path) -> None:
    found = kept_rows(file, everything)
    assert found is not None
    assert found[0] == 11
    for half in (0, 1):
        assert (
            np.concatenate([part[half] for part in found[1]]).tolist() == np.concatenate(BLOCKS, axis=1)[half].tolist()
        )


def test_only_chosen_rows_stay_in_memory_and_all_are_counted(file: Path) -> None:
    found = kept_rows(file, lambda low: low % 2 == 0)
    assert found is not None
    assert found[0] == 11
    low = np.concatenate([part[0] for part in found[1]])
    assert sorted(low.tolist()) == sorted(n for n in np.concatenate(BLOCKS, axis=1)[0].tolist() if n % 2 == 0)


def test_a_file_that_was_cut_off_anywhere_is_not_used(file: Path) -> None:
    content = file.read_bytes()
    for length in range(len(content)):
        file.write_bytes(content[:length])
        assert kept_rows(file, everything) is None, length
    file.write_bytes(content + b"\0")
    assert kept_rows(file, everything) is None


def test_a_changed_byte_anywhere_is_noticed(file: Path) -> None:
    content = bytearray(file.read_bytes())
    for place in range(len(content)):
        harmed = bytearray(content)
        harmed[place] ^= 0x10
        file.write_bytes(harmed)
        assert kept_rows(file, everything) is None, place


def test_a_scan_that_does_not_end_leaves_no_file(tmp_path: Path) -> None:
    keeper = Keeper(tmp_path / "kept")
    keeper.add(BLOCKS[0][0], BLOCKS[0][1])
    keeper.close(None)
    assert list(tmp_path.iterdir()) == []
    assert kept_rows(tmp_path / "kept", everything) is None


def made(directory: Path, name: str, values: list[int]) -> Dataset:
    pq.write_table(pa.table({"v": values}), directory / f"{name}.parquet")
    return parquet_dataset(directory / f"{name}.parquet")


@pytest.mark.parametrize("harm", ["none", "gone", "damaged", "of another size"])
@pytest.mark.parametrize("rows_per_task", [10, 1_000_000])
def test_pairs_are_decided_by_whole_kept_hashes_only(tmp_path: Path, harm: str, rows_per_task: int) -> None:
    lake = [
        made(tmp_path, "p", list(range(100))),
        made(tmp_path, "c", list(range(0, 100, 2))),
        made(tmp_path, "d", [5, 5]),
    ]
    settings = ContainmentSettings(sketch_size=1, join_rows_per_task=rows_per_task)
    projection: Projection = tuple((path, families[0]) for path, families in schema_of(lake[0], False))
    keep = tmp_path / "keep"
    keep.mkdir()
    scanner = Scanner(lake, settings, run_here, Memory(), keep=str(keep))
    scanner.measure({index: [Request(projection)] for index in range(3)})
    assert scanner.kept == {(index, projection) for index in range(3)}
    (task,) = task_rows(lake, 1, [projection], settings, FAST)
    kept = kept_path(str(keep), task, Request(projection).to_json())
    if harm == "gone":
        kept.unlink()
    elif harm != "none":
        content = kept.read_bytes()
        kept.write_bytes(content[:40] if harm == "of another size" else content[:20] + b"\xff" + content[21:])
    failed: dict[int, str] = {}
    pairs = [Pair(0, 1, projection), Pair(0, 2, projection)]
    found = KeptJoin(run_here, lake, settings, FAST, str(keep))(pairs, {}, failed)
    assert failed == {}
    assert {pair.child: result.lacking for pair, result in found.items()} == (
        {1: 0, 2: 1} if harm == "none" else {2: 1}
    )
    witness = found[pairs[1]].witness
    assert witness is not None
    assert (witness.in_child, witness.in_parent) == (2, 1)
