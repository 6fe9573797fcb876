"""The join decides by every row: bags, whatever the parts; nothing for what could not be read whole (EXACTNESS 7)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from r2d2.config import ContainmentSettings
from r2d2.containment.join import JoinResult, join_pairs
from r2d2.containment.views import Pair
from r2d2.lake.kernels import run_shuffled_here
from r2d2.model.dataset import Dataset
from r2d2.model.edge import Projection
from r2d2.model.family import NUMBER
from tests.containment_runs import parquet_dataset

A: Projection = ((("a",), NUMBER),)
SPLITS = [ContainmentSettings(), ContainmentSettings(join_rows_per_task=1), ContainmentSettings(task_bytes=1)]


def numbers(path: Path, *values: int | None) -> Path:
    pq.write_table(pa.table({"a": pa.array(values, pa.int64())}), path)
    return path


def dataset(directory: Path, name: str, *parts: Sequence[int | None]) -> Dataset:
    """One file for each part."""
    paths = [numbers(directory / f"{name}{i}.parquet", *part) for i, part in enumerate(parts)]
    return parquet_dataset(*paths, name=name)


def join(
    datasets: Sequence[Dataset], *pairs: tuple[int, int], settings: ContainmentSettings = SPLITS[0]
) -> tuple[dict[tuple[int, int], JoinResult], dict[int, str]]:
    failed: dict[int, str] = {}
    asked = [Pair(parent, child, A) for parent, child in pairs]
    found = join_pairs(run_shuffled_here, datasets, settings, asked, failed)
    return {(pair.parent, pair.child): result for pair, result in found.items()}, failed


@pytest.mark.parametrize("settings", SPLITS)
def test_each_pair_is_decided_by_how_often_each_row_occurs(tmp_path: Path, settings: ContainmentSettings) -> None:
    lake = [
        dataset(tmp_path, "all", [1, 2, 2, None, 7], [3, None]),
        dataset(tmp_path, "in", [2], [2, None, None]),
        dataset(tmp_path, "twice", [1, 1]),
        dataset(tmp_path, "other", [9, 1, 8]),
        dataset(tmp_path, "null", [None, None, None]),
    ]
    found, failed = join(lake, (0, 1), (0, 2), (0, 3), (0, 4), (1, 4), settings=settings)
    assert failed == {}
    assert {pair: result.lacking for pair, result in found.items()} == {
        (0, 1): 0,
        (0, 2): 1,
        (0, 3): 2,
        (0, 4): 1,
        (1, 4): 1,
    }
    assert found[0, 1].witness is None
    witnesses = {pair: (r.witness.in_child, r.witness.in_parent) for pair, r in found.items() if r.witness}
    assert witnesses == {(0, 2): (2, 1), (0, 3): (1, 0), (0, 4): (3, 2), (1, 4): (3, 2)}


def test_the_witness_is_the_same_however_the_work_is_split_if_there_is_only_one(tmp_path: Path) -> None:
    lake = [dataset(tmp_path, "p", [1, 2], [3]), dataset(tmp_path, "c", [3, 4])]
    hashes = {join(lake, (0, 1), settings=settings)[0][0, 1].witness for settings in SPLITS}
    assert len(hashes) == 1
    (witness,) = hashes
    assert witness is not None
    assert len(witness.row_hash) == 32


def test_parts_of_a_parent_are_added_up_before_the_verdict(tmp_path: Path) -> None:
    lake = [dataset(tmp_path, "p", [5], [5], [5]), dataset(tmp_path, "c", [5, 5, 5])]
    assert join(lake, (0, 1))[0][0, 1].lacking == 0


def test_one_dataset_may_be_parent_and_child(tmp_path: Path) -> None:
    lake = [dataset(tmp_path, "x", [1, 2, 3]), dataset(tmp_path, "y", [1, 2]), dataset(tmp_path, "z", [1])]
    found, _ = join(lake, (0, 1), (1, 2), (0, 2), (2, 1))
    assert [found[pair].lacking for pair in ((0, 1), (1, 2), (0, 2), (2, 1))] == [0, 0, 0, 1]


def test_no_pairs_read_nothing() -> None:
    def never(*args: object) -> pa.Table:
        raise AssertionError("nothing is to be run")

    assert join_pairs(never, [], ContainmentSettings(), [], {}) == {}


def test_a_file_that_changed_gives_no_verdict_and_the_others_go_on(tmp_path: Path) -> None:
    lake = [dataset(tmp_path, "p", [1, 2, 3]), dataset(tmp_path, "c", [1, 2]), dataset(tmp_path, "d", [1, 3])]
    os.utime(tmp_path / "c0.parquet", ns=(1, 1))
    found, failed = join(lake, (0, 1), (0, 2))
    assert set(found) == {(0, 2)}
    assert "changed while it was read" in failed[1]


def test_a_part_of_a_parent_that_cannot_be_read_is_never_taken_for_missing_rows(tmp_path: Path) -> None:
    lake = [dataset(tmp_path, "p", [1], [2]), dataset(tmp_path, "c", [2])]
    (tmp_path / "p1.parquet").unlink()
    for settings in SPLITS:
        found, failed = join(lake, (0, 1), settings=settings)
        assert found == {}
        assert set(failed) == {0}


def test_rows_that_the_metadata_does_not_know_of_give_no_verdict(tmp_path: Path) -> None:
    lake = [dataset(tmp_path, "p", [1, 2]), replace(dataset(tmp_path, "c", [2]), rows=5)]
    found, failed = join(lake, (0, 1))
    assert found == {}
    assert failed == {1: "its metadata says 5 rows, a scan found 1"}


def test_large_sides_are_compared_within_little_memory(tmp_path: Path) -> None:
    lake = [
        dataset(tmp_path, "p", range(60_000)),
        dataset(tmp_path, "c", range(1, 60_000, 2)),
        dataset(tmp_path, "d", [-1, 5]),
    ]
    settings = ContainmentSettings(task_memory="50MB", join_rows_per_task=10_000)
    found, failed = join(lake, (0, 1), (0, 2), settings=settings)
    assert failed == {}
    assert (found[0, 1].lacking, found[0, 2].lacking) == (0, 1)
