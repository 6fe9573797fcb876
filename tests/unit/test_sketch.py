"""Sketches: parts add up to the whole, refutations come from the common range only (EXACTNESS 7)."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from r2d2.containment.request import COMPLETE
from r2d2.containment.sketch import (
    Hashes,
    Sketch,
    below,
    exact_sum,
    lacking_rows,
    merge,
    pack,
    refutes_on_common_range,
    row_hash,
    sketch_of,
    surely_holds,
    threshold,
    unpack,
)
from tests.sampling import examples

#: The same examples in every run.
FIXED = settings(derandomize=True, deadline=None, database=None)

HALF = 2**63
#: Hashes that share a half, lie at the ends of the range, and around the middle of it.
halves = st.sampled_from([0, 1, 2, HALF - 1, HALF, HALF + 1, COMPLETE - 1]) | st.integers(0, COMPLETE - 1)
bags = st.dictionaries(st.tuples(halves, halves), st.integers(1, 2**40), max_size=12)
bounds = st.sampled_from([1, HALF, HALF + 1, COMPLETE - 1, COMPLETE]) | st.integers(1, COMPLETE)

Bag = dict[tuple[int, int], int]


def sketch(bag: Bag, bound: int = COMPLETE) -> Sketch:
    """The rows (low, high) whose low half lies below the bound."""
    kept = {key: n for key, n in bag.items() if key[0] < bound}
    low, high = (np.asarray([key[half] for key in kept], np.uint64) for half in (0, 1))
    return sketch_of(low, high, bound, np.asarray(list(kept.values()), np.int64))


def content(of: Sketch) -> Bag:
    found = dict(zip(keys(of), of.count.tolist(), strict=True))
    assert len(found) == len(of.low), "each row once"
    return found


def keys(of: Sketch) -> list[tuple[int, int]]:
    return list(zip(of.low.tolist(), of.high.tolist(), strict=True))


def added(a: Bag, b: Bag) -> Bag:
    return {key: a.get(key, 0) + b.get(key, 0) for key in a.keys() | b.keys()}


@FIXED
@given(bags, bounds)
def test_packing_loses_nothing(bag: Bag, bound: int) -> None:
    expected = {key: n for key, n in bag.items() if key[0] < bound}
    found = unpack(pack(sketch(bag, bound)), bound)
    assert content(found) == expected
    assert found.complete is (bound == COMPLETE)


@FIXED
@given(st.lists(st.tuples(halves, halves), max_size=20, unique=True))
def test_rows_that_occur_once_take_sixteen_bytes_and_lose_nothing(rows: list[tuple[int, int]]) -> None:
    packed = pack(sketch(dict.fromkeys(rows, 1)))
    assert len(packed) == 16 * len(rows) + 1
    assert content(unpack(packed, COMPLETE)) == dict.fromkeys(rows, 1)


def test_a_scan_that_lists_nothing_gives_an_empty_sketch() -> None:
    found = unpack(pack(sketch({})), 7)
    assert (content(found), found.bound) == ({}, 7)


@FIXED
@given(st.lists(st.tuples(halves, halves), max_size=12), st.lists(st.integers(0, 11), max_size=40), bounds)
def test_a_sketch_counts_rows_as_they_come_and_sorts_them(
    rows: list[tuple[int, int]], drawn: list[int], bound: int
) -> None:
    """Repeated rows, and rows that share one half, in any order."""
    listed = [rows[i % len(rows)] for i in drawn] if rows else []
    low, high = (np.asarray([row[half] for row in listed], np.uint64) for half in (0, 1))
    found = sketch_of(low, high, bound)
    assert content(found) == {row: listed.count(row) for row in listed}
    assert keys(found) == sorted(set(listed))
    assert found.bound == bound


@FIXED
@given(bags, bags, bounds, bounds)
def test_merged_parts_are_the_sketch_of_the_whole_below_the_smaller_bound(
    a: Bag, b: Bag, first: int, second: int
) -> None:
    merged = merge([sketch(a, first), sketch(b, second)])
    assert merged.bound == min(first, second)
    assert content(merged) == content(sketch(added(a, b), min(first, second)))


def test_merging_no_parts_gives_the_sketch_of_nothing() -> None:
    assert merge([]).complete
    assert content(merge([])) == {}


@settings(FIXED, max_examples=examples(200))
@given(bags, bags, bounds, bounds)
def test_a_refutation_comes_with_a_row_that_the_parent_holds_too_rarely(a: Bag, b: Bag, mine: int, theirs: int) -> None:
    witness = refutes_on_common_range(sketch(a, mine), sketch(b, theirs))
    common = min(mine, theirs)
    lacking = {key for key, n in a.items() if key[0] < common and n > b.get(key, 0)}
    assert (witness is not None) == bool(lacking)
    if witness:
        key = int(witness.row_hash[16:], 16), int(witness.row_hash[:16], 16)
        assert key in lacking
        assert (witness.in_child, witness.in_parent) == (a[key], b.get(key, 0))


@settings(FIXED, max_examples=examples(200))
@given(bags, bags)
def test_every_row_that_the_parent_holds_too_rarely_is_found_with_how_often_it_is_there(a: Bag, b: Bag) -> None:
    rows, held = lacking_rows(sketch(a), sketch(b))
    found = {keys(sketch(a))[row]: int(count) for row, count in zip(rows, held, strict=True)}
    assert found == {key: b.get(key, 0) for key, n in a.items() if n > b.get(key, 0)}


@FIXED
@given(bags, bags, bounds, bounds)
def test_what_is_contained_is_never_refuted(child: Bag, rest: Bag, mine: int, theirs: int) -> None:
    assert refutes_on_common_range(sketch(child, mine), sketch(added(child, rest), theirs)) is None


@FIXED
@given(bags, bags)
def test_complete_sketches_decide_exactly(child: Bag, parent: Bag) -> None:
    holds = all(n <= parent.get(key, 0) for key, n in child.items())
    assert (refutes_on_common_range(sketch(child), sketch(parent)) is None) is holds


@FIXED
@given(bags, bounds, bounds)
def test_the_part_below_a_bound_holds_what_lies_below_it(bag: Bag, whole: int, cut: int) -> None:
    bound = min(whole, cut)
    found = below(sketch(bag, whole), bound)
    assert (found.bound, content(found)) == (bound, content(sketch(bag, bound)))


def test_a_row_above_the_parents_bound_is_no_witness() -> None:
    """The parent's sketch is silent there: forgetting its bound gave false refutations."""
    child, parent = sketch({(HALF + 5, 1): 1}), sketch({(HALF + 5, 1): 1}, HALF)
    assert content(parent) == {}
    assert refutes_on_common_range(child, parent) is None


def test_rows_that_share_one_half_are_different_rows() -> None:
    assert refutes_on_common_range(sketch({(7, 1): 1}), sketch({(7, 2): 5})) is not None
    assert refutes_on_common_range(sketch({(1, 7): 1}), sketch({(2, 7): 5})) is not None


def test_many_rows_that_share_their_low_half_are_each_found_among_the_others() -> None:
    held = {(7, high): high + 1 for high in range(0, 100, 2)} | {(8, 0): 1}
    assert refutes_on_common_range(sketch(held), sketch(held)) is None
    rows, counts = lacking_rows(sketch(held | {(7, 51): 1, (7, 98): 100}), sketch(held))
    assert counts.tolist() == [0, 99]
    assert [keys(sketch(held | {(7, 51): 1}))[row][1] for row in rows] == [51, 98]


def test_a_row_is_shown_with_its_high_half_first() -> None:
    assert row_hash(0xAB, 0x1) == "0000000000000001" + "00000000000000ab"


@pytest.mark.parametrize(("rows", "size"), [(0, 4), (1, 1), (4, 4), (5, 4), (10**12, 1024), (2**62, 1)])
def test_the_threshold_keeps_everything_of_what_is_small_and_a_fair_share_of_what_is_not(rows: int, size: int) -> None:
    found = threshold(rows, size)
    assert (found == COMPLETE) is (rows <= size)
    assert abs(rows * found / COMPLETE - min(rows, size)) < 0.01


def test_large_sketches_are_compared_whole() -> None:
    rng = np.random.default_rng(3)
    bag = {(int(low), int(high)): 1 for low, high in rng.integers(0, 2**63, (20_000, 2))}
    assert refutes_on_common_range(sketch(bag), sketch(bag)) is None
    lost = max(bag)
    witness = refutes_on_common_range(sketch(bag), sketch({key: 1 for key in bag if key != lost}))
    assert witness is not None
    assert witness.row_hash == f"{lost[1]:016x}{lost[0]:016x}"


@pytest.mark.parametrize("leading", [0, 20, 40, 60])
def test_many_hashes_are_sorted_whatever_bits_they_share(leading: int) -> None:
    rng = np.random.default_rng(leading)
    low = rng.integers(0, 2**64, 30_000, np.uint64) >> np.uint64(leading)
    high = rng.integers(0, 2**64, 30_000, np.uint64)
    rows = sorted(zip(low.tolist(), high.tolist(), strict=True))
    found = sketch_of(low, high, COMPLETE)
    assert keys(found) == rows
    assert found.count.tolist() == [1] * len(rows)


@pytest.mark.parametrize("rows", [1, 511, 512, 513, 1024, 3000])
def test_rows_are_found_wherever_blocks_begin(rows: int) -> None:
    rng = np.random.default_rng(rows)
    low = np.sort(rng.integers(0, 2 * rows, 2 * rows, np.uint64))  # many share their low half
    parent = {(int(key), number % 3): 2 for number, key in enumerate(low)}
    child = {(int(key), 1): 1 + int(key) % 3 for key in rng.integers(0, 3 * rows, rows)}
    expected = sorted(key for key, count in child.items() if count > parent.get(key, 0))
    mine = sketch(child)
    lacking, _ = lacking_rows(mine, sketch(parent))
    assert [keys(mine)[row] for row in lacking] == expected
    turned = Sketch(COMPLETE, mine.low[::-1], mine.high[::-1], mine.count[::-1])
    lacking, _ = lacking_rows(turned, sketch(parent))
    assert [keys(turned)[row] for row in lacking] == expected[::-1]


def random_rows(rows: int) -> tuple[Hashes, Hashes]:
    rng = np.random.default_rng(rows)
    low, high = rng.integers(0, 2**64, (2, rows), np.uint64)
    return low, high


@pytest.mark.parametrize("rows", [1, 600, 30_000])
def test_rows_that_a_parent_holds_are_found_there_in_any_order(rows: int) -> None:
    low, high = random_rows(rows)
    some = np.random.default_rng(1).permutation(rows)[: 1 + rows // 2]
    assert surely_holds(sketch_of(low, high, COMPLETE), low[some], high[some])


@pytest.mark.parametrize("rows", [1, 600, 30_000])
def test_a_row_that_differs_in_either_half_or_comes_twice_is_not_surely_held(rows: int) -> None:
    low, high = random_rows(rows)
    parent = sketch_of(low, high, COMPLETE)
    for at in {0, rows // 2, rows - 1}:
        for bit in (0, 31, 32, 63):
            flip = np.zeros(rows, np.uint64)
            flip[at] = 1 << bit
            assert not surely_holds(parent, low ^ flip, high)
            assert not surely_holds(parent, low, high ^ flip)
        assert not surely_holds(parent, np.append(low, low[at]), np.append(high, high[at]))
        kept = np.delete(np.arange(rows), at)
        assert not surely_holds(sketch_of(low[kept], high[kept], COMPLETE), low, high)


def test_a_parent_that_holds_a_row_twice_holds_it_and_rows_of_one_low_half_are_counted() -> None:
    low, high = np.asarray([5, 5, 9], np.uint64), np.asarray([1, 1, 2], np.uint64)
    assert surely_holds(sketch_of(low, high, COMPLETE), low[1:], high[1:])
    assert not surely_holds(sketch_of(low, high, COMPLETE), low[1:], np.asarray([2, 2], np.uint64))


@FIXED
@given(st.lists(halves, max_size=40))
def test_sums_are_exact(hashes: list[int]) -> None:
    assert exact_sum(np.asarray(hashes, np.uint64)) == sum(hashes)
