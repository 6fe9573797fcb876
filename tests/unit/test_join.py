"""The join decides by every row: bags, whatever the parts; nothing for what could not be read whole (EXACTNESS 7)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from r2d2.config import ContainmentSettings
from r2d2.containment import join as join_module
from r2d2.containment.join import CompareHashes, CompareValues, JoinResult, hash_kernel, join_pairs
from r2d2.containment.request import COMPLETE
from r2d2.containment.row_hash import RowHash
from r2d2.containment.sketch import Sketch, merge, pack, unpack
from r2d2.containment.views import Pair
from r2d2.lake.kernels import Kernel, run_shuffled_here
from r2d2.model.dataset import Dataset
from r2d2.model.edge import Projection
from r2d2.model.family import NUMBER
from tests.containment_runs import parquet_dataset
from tests.sampling import examples

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
    for split in SPLITS:
        found, failed = join(lake, (0, 1), settings=split)
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


FIXED = settings(derandomize=True, deadline=None, database=None)
#: Rows that share a half, and rows at the ends of ranges.
halves = st.sampled_from([0, 1, 2**32 - 1, 2**32, 2**63 - 1, 2**63, 2**64 - 1]) | st.integers(0, 2**64 - 1)
rows = st.lists(st.tuples(halves, halves), max_size=12)


def arrays(listed: Sequence[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:  # type: ignore[type-arg]
    low, high = (np.asarray([row[half] for row in listed], np.uint64) for half in (0, 1))
    return low, high


def bag(of: Sketch) -> dict[tuple[int, int], int]:
    whole = merge([of])
    return dict(zip(zip(whole.low.tolist(), whole.high.tolist(), strict=True), whole.count.tolist(), strict=True))


@FIXED
@given(rows, st.integers(1, 40))
def test_ranges_hold_every_row_once_and_equal_rows_together(listed: list[tuple[int, int]], ranges: int) -> None:
    low, high = arrays(listed)
    parts = join_module._ranged(join_module._counted(low, high), ranges)
    assert len(parts) == ranges
    expected = {row: listed.count(row) for row in listed}
    place: dict[tuple[int, int], int] = {}
    for number, part in enumerate(parts):
        for row, count in bag(part).items():
            assert place.setdefault(row, number) == number
            assert count == expected[row]
    assert place.keys() == expected.keys()
    by_range = sorted(place, key=lambda row: (place[row], row))
    assert by_range == sorted(place), "a range is a range of the low half"


def test_ranges_are_of_equal_width_and_reach_both_ends() -> None:
    low = np.asarray([0, 2**62, 2**63, 3 * 2**62, 2**64 - 1, 2**62 - 1], np.uint64)
    whole = Sketch(COMPLETE, low, low, np.ones(6, np.int64))
    parts = join_module._ranged(whole, 4)
    assert [sorted(part.low.tolist()) for part in parts] == [[0, 2**62 - 1], [2**62], [2**63], [3 * 2**62, 2**64 - 1]]


@pytest.mark.parametrize("ranges", [1, 3, 7])
def test_values_are_cut_into_the_same_ranges_as_hashes(tmp_path: Path, ranges: int) -> None:
    """Both ways give each row one range, whatever the file it comes from."""
    lake = [dataset(tmp_path, "p", range(200)), dataset(tmp_path, "c", range(50, 120))]
    sides = [(index, A) for index in (0, 1)]
    for by in (RowHash(), RowHash(values=True)):
        tasks = join_module._tasks(lake, sides, ranges, SPLITS[0], by)
        batches = list(hash_kernel(iter(tasks.to_batches())))
        seen: dict[int, set[int]] = {0: set(), 1: set()}
        for row in (row for batch in batches for row in batch.to_pylist()):
            assert row["error"] is None
            if by.values:
                part = pa.ipc.open_stream(row["rows"]).read_all()
                listed = part["lo0"].to_pylist()
            else:
                listed = unpack(row["rows"], COMPLETE).low.tolist()
            assert {((low >> 32) * ranges) >> 32 for low in listed} == {row["range"]}
            seen[row["side"]] |= set(listed)
        assert (len(seen[0]), len(seen[1])) == (200, 70)
        assert seen[1] < seen[0]


@settings(FIXED, max_examples=examples(200))
@given(rows, rows, st.booleans(), st.integers(1, 5), st.integers(1, 5))
def test_the_comparison_of_packed_rows_is_that_of_the_bags(
    parent: list[tuple[int, int]], rest: list[tuple[int, int]], near: bool, cuts: int, ranges: int
) -> None:
    """Rows come packed in parts, cut anywhere, with and without their counts."""
    child = parent[::2] + (rest if not near else rest[:1])
    received: dict[int, list[dict[str, object]]] = {number: [] for number in range(ranges)}
    for side, listed in ((0, parent), (1, child)):
        for cut in range(cuts):
            for number, part in enumerate(
                join_module._ranged(join_module._counted(*arrays(listed[cut::cuts])), ranges)
            ):
                if len(part.low):
                    received[number].append({"range": number, "side": side, "rows": pack(part), "error": None})
    lacking, shown, total = 0, {}, {0: 0, 1: 0}
    for packed in received.values():
        batch = pa.RecordBatch.from_pylist(packed, schema=join_module._PACKED)
        for row in (row for found in CompareHashes([(0, 0, 1)])(iter([batch])) for row in found.to_pylist()):
            if row["pair"] is None:
                total[row["side"]] += row["rows"]
            else:
                lacking += row["lacking"]
                shown[row["row_hash"]] = row["in_child"], row["in_parent"]
    expected = {f"{high:016x}{low:016x}": (child.count((low, high)), parent.count((low, high))) for low, high in child}
    assert total == {0: len(parent), 1: len(child)}
    assert lacking == sum(mine > theirs for mine, theirs in expected.values())
    assert bool(shown) == bool(lacking)
    assert all(expected[row] == counts and counts[0] > counts[1] for row, counts in shown.items())


def values_part(side: int, rows: Sequence[tuple[int, int, str, int]]) -> dict[str, object]:
    """Rows as they travel where values are compared: both halves of the hash, the encoding, how often."""
    names = {"lo0": pa.uint64(), "hi0": pa.uint64(), "row0": pa.string(), "n": pa.int64()}
    columns = zip(zip(*rows, strict=True), names.values(), strict=True)
    table = pa.table([pa.array(column, kind) for column, kind in columns], names=list(names))
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return {"range": 0, "side": side, "rows": sink.getvalue().to_pybytes(), "error": None}


def test_rows_of_one_hash_are_told_apart_by_their_values() -> None:
    """As if somebody had made rows that collide: "b" and "c" have one hash. Counts of parts are added up by value."""
    packed = [
        values_part(0, [(1, 1, "a", 2), (5, 5, "b", 1)]),
        values_part(0, [(5, 5, "b", 2), (9, 9, "d", 1)]),
        values_part(1, [(1, 1, "a", 2), (5, 5, "b", 3)]),
        values_part(2, [(1, 1, "a", 2), (5, 5, "c", 1)]),
        values_part(3, [(5, 5, "b", 4)]),
    ]
    batch = pa.RecordBatch.from_pylist(packed, schema=join_module._PACKED)
    compare = CompareValues([(0, 0, 1), (1, 0, 2), (2, 0, 3)], "1GB")
    rows = [row for found in compare(iter([batch])) for row in found.to_pylist()]
    assert {row["side"]: row["rows"] for row in rows if row["pair"] is None} == {0: 6, 1: 5, 2: 3, 3: 4}
    found = {
        row["pair"]: (row["lacking"], row["row_hash"], row["in_child"], row["in_parent"])
        for row in rows
        if row["pair"] is not None
    }
    five = "0000000000000005" * 2
    assert found == {1: (1, five, 1, 0), 2: (1, five, 4, 3)}


def test_rows_that_repeat_are_packed_once_and_others_take_sixteen_bytes(tmp_path: Path) -> None:
    lake = [dataset(tmp_path, "same", [7] * 50_000), dataset(tmp_path, "all", range(50_000))]
    tasks = join_module._tasks(lake, [(0, A), (1, A)], 1, SPLITS[0], RowHash())
    size = {0: 0, 1: 0}
    for row in (row for batch in hash_kernel(iter(tasks.to_batches())) for row in batch.to_pylist()):
        size[row["side"]] += len(row["rows"])
    assert size[0] < 100
    assert 16 * 50_000 <= size[1] < 16 * 50_000 + 100


@pytest.mark.parametrize("rows_at_once", [1, 1000])
def test_sides_that_are_packed_in_several_parts_are_the_same_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows_at_once: int
) -> None:
    monkeypatch.setattr(join_module, "_PACK_ROWS", rows_at_once)
    monkeypatch.setattr(join_module, "BATCH", 2048)
    lake = [dataset(tmp_path, "p", [*range(9000), *range(9000)]), dataset(tmp_path, "c", [*range(0, 9000, 2), 0])]
    lake.append(dataset(tmp_path, "d", [*range(0, 9000, 2), 0, 0]))
    parts = []

    def run(*arguments: object) -> pa.Table:
        tasks, kernel = arguments[:2]
        assert isinstance(tasks, pa.Table)
        parts.append(sum(batch.num_rows for batch in _as_kernel(kernel)(iter(tasks.to_batches()))))
        return run_shuffled_here(*arguments)  # type: ignore[arg-type]

    failed: dict[int, str] = {}
    found = join_pairs(run, lake, SPLITS[0], [Pair(0, 1, A), Pair(0, 2, A)], failed)
    assert failed == {}
    assert [result.lacking for result in found.values()] == [0, 1]
    assert parts[0] > 3, "several parts a side"


def _as_kernel(kernel: object) -> Kernel:
    assert callable(kernel)
    return kernel
