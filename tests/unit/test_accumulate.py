"""Rows that stream in are counted, summed and listed exactly, however they are cut and whoever else is scanned."""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from r2d2.containment import accumulate
from r2d2.containment.accumulate import Accumulator
from r2d2.containment.request import COMPLETE, Request
from r2d2.containment.sketch import Sketch
from tests.sampling import examples

FIXED = settings(derandomize=True, deadline=None, database=None, max_examples=examples(200))
HALF = 2**63
SLOTS = 4
#: (slot, low, high): rows that repeat, that share a half, that lie at the ends of the range and at the bound.
Row = tuple[int, int, int]
halves = st.sampled_from([0, 1, 2**32 - 1, 2**32, HALF - 1, HALF, COMPLETE - 1]) | st.integers(0, COMPLETE - 1)
rows = st.lists(st.tuples(st.integers(0, SLOTS - 1), halves, halves), min_size=1, max_size=12).flatmap(
    lambda some: st.lists(st.sampled_from(some), max_size=60)
)
bounds = st.sampled_from([0, 1, HALF, COMPLETE - 1, COMPLETE]) | st.integers(1, COMPLETE)


def request(bound: int) -> Request:
    return Request(((("a",), "number"),), bound)


def streamed(listed: list[Row], cuts: list[int], bound: int, slots: int = SLOTS) -> Accumulator:
    """The rows in batches that end at the cuts."""
    found = Accumulator([request(bound)] * slots)
    stops = [0, *sorted(min(cut, len(listed)) for cut in cuts), len(listed)]
    for start, stop in itertools.pairwise(stops):
        part = listed[start:stop]
        slot = np.asarray([row[0] for row in part], np.int64)
        low, high = (np.asarray([row[half] for row in part], np.uint64) for half in (1, 2))
        found.add(slot, low, high)
    return found


def content(sketch: Sketch | None) -> dict[tuple[int, int], int]:
    assert sketch is not None
    keys = list(zip(sketch.low.tolist(), sketch.high.tolist(), strict=True))
    assert keys == sorted(set(keys)), "sorted, each row once"
    return dict(zip(keys, sketch.count.tolist(), strict=True))


def check(found: Accumulator, listed: list[Row], bound: int, slots: int = SLOTS) -> None:
    for slot in range(slots):
        mine = [row[1:] for row in listed if row[0] == slot]
        total = found.totals[slot]
        assert (total.rows, total.low, total.high) == (len(mine), sum(r[0] for r in mine), sum(r[1] for r in mine))
        sketch = found.sketch(slot)
        if bound:
            assert content(sketch) == Counter(row for row in mine if row[0] < bound)
            assert sketch is not None
            assert sketch.bound == bound
        else:
            assert sketch is None


@FIXED
@given(rows, st.lists(st.integers(0, 60), max_size=6), bounds)
def test_any_cuts_and_any_order_of_slots_give_the_same_answers(listed: list[Row], cuts: list[int], bound: int) -> None:
    check(streamed(listed, cuts, bound), listed, bound)


@FIXED
@given(rows, st.lists(st.integers(0, 60), max_size=6), bounds, st.integers(0, 9))
def test_so_do_rows_that_are_brought_together_while_others_still_come(
    listed: list[Row], cuts: list[int], bound: int, pending: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(accumulate, "_PENDING", pending)
        check(streamed(listed, cuts, bound), listed, bound)


def test_a_slot_without_rows_and_a_dataset_without_any_have_empty_answers() -> None:
    check(streamed([], [], COMPLETE), [], COMPLETE)
    check(streamed([(1, 5, 5)], [], 7), [(1, 5, 5)], 7)


def test_a_sketch_may_be_asked_for_again_and_by_each_slot() -> None:
    listed = [(i % SLOTS, i, i) for i in range(40)]
    found = streamed(listed, [7, 20], COMPLETE)
    check(found, listed, COMPLETE)
    check(found, listed, COMPLETE)


def test_sums_of_the_largest_hashes_do_not_wrap() -> None:
    count = 200_000
    found = Accumulator([request(0)] * 1)
    largest = np.full(count, COMPLETE - 1, np.uint64)
    for _ in range(3):
        found.add(np.zeros(count, np.int64), largest, largest)
    assert found.totals[0].low == found.totals[0].high == 3 * count * (COMPLETE - 1)


def test_a_row_that_repeats_takes_no_more_room_the_more_often_it_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accumulate, "_PENDING", 1000)
    found = Accumulator([request(COMPLETE)] * 2)
    for _ in range(50):
        found.add(np.repeat(np.arange(2), 200), np.full(400, 7, np.uint64), np.full(400, 8, np.uint64))
        assert sum(len(part[0]) for part in found._listed) <= 1000
    assert content(found.sketch(0)) == content(found.sketch(1)) == {(7, 8): 10_000}


def test_a_thousand_datasets_at_once_keep_their_own_rows() -> None:
    rng = np.random.default_rng(5)
    count = 200_000
    slots = np.repeat(np.arange(1000), count // 1000)
    low, high = rng.integers(0, COMPLETE, (2, count), np.uint64, endpoint=False)
    found = Accumulator([request(COMPLETE)] * 1000)
    for start in range(0, count, 1 << 14):
        found.add(*(part[start : start + (1 << 14)] for part in (slots, low, high)))
    assert [found.totals[slot].rows for slot in (0, 999)] == [200, 200]
    assert content(found.sketch(0)) == Counter(zip(low[:200].tolist(), high[:200].tolist(), strict=True))
    assert content(found.sketch(999)) == Counter(zip(low[-200:].tolist(), high[-200:].tolist(), strict=True))
