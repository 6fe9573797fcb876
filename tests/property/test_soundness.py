"""Each way to decide is sound on the side that its name says, whatever bounds, sketches and parts it is given.

The measures are those of generated bags of numbers, taken in Python; what is true is decided on the bags themselves.
``tests.mutants`` drops the preconditions one by one, and these tests fail.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from hashlib import sha256

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from r2d2.containment.decide import (
    decide,
    holds_for_child,
    proves_by_box,
    proves_by_complete_sketches,
    proves_by_digest,
    refutes_by_box,
    refutes_by_digest,
    refutes_by_sketch,
)
from r2d2.containment.request import COMPLETE, Term
from r2d2.containment.scanner import Measure
from r2d2.containment.sketch import Sketch, merge, pack, refutes_on_common_range, sketch_of, unpack
from r2d2.model.edge import Grade

SETTINGS = settings(max_examples=400, derandomize=True, deadline=None, database=None)
Bag = Counter[int]

BAGS = st.lists(st.integers(0, 7), min_size=1, max_size=8).map(Counter)
BOUNDS = st.one_of(st.just(COMPLETE), st.integers(0, COMPLETE))


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Bag, Bag]:
    """A child and a parent that holds it, or nearly does."""
    child = draw(BAGS)
    parent = child + draw(st.one_of(st.just(Counter()), BAGS))
    if draw(st.booleans()):
        parent = parent - Counter([draw(st.integers(0, 7))]) + Counter([draw(st.integers(0, 7))])
    return child, parent


def halves(value: int) -> tuple[int, int]:
    digest = sha256(str(value).encode()).digest()
    return int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:16], "little")


def measure(bag: Bag, bound: int = 0, inside: Callable[[int], bool] = lambda value: True) -> Measure:
    """What a scan gives for the rows in a box, with the sketch below a bound."""
    kept = Counter({value: count for value, count in bag.items() if inside(value)})
    sums = [sum(halves(value)[half] * count for value, count in kept.items()) for half in (0, 1)]
    return Measure(kept.total(), sums[0], sums[1], sketch(kept, bound) if bound else None)


def sketch(bag: Bag, bound: int) -> Sketch:
    """As it comes from a task: row by row, packed and unpacked."""
    listed = [halves(value) for value in bag.elements() if halves(value)[0] < bound]
    low, high = (np.asarray([row[half] for row in listed], np.uint64) for half in (0, 1))
    return unpack(pack(sketch_of(low, high, bound)), bound)


def contained(child: Bag, parent: Bag) -> bool:
    return not child - parent


@SETTINGS
@given(pairs())
def test_a_digest_proves_and_refutes_only_what_is_so(bags: tuple[Bag, Bag]) -> None:
    child, parent = bags
    if proves_by_digest(measure(child), measure(parent)):
        assert contained(child, parent)
    if refutes_by_digest(measure(child), measure(parent)):
        assert not contained(child, parent)


@SETTINGS
@given(pairs(), BOUNDS, BOUNDS)
def test_sketches_of_any_bounds_refute_only_what_is_not_contained_and_prove_only_if_they_hold_all(
    bags: tuple[Bag, Bag], mine: int, theirs: int
) -> None:
    child, parent = bags
    a, b = measure(child, mine or 1), measure(parent, theirs or 1)
    if refutes_by_sketch(a, b):
        assert not contained(child, parent)
    if proves_by_complete_sketches(a, b):
        assert contained(child, parent)
    if mine == theirs == COMPLETE:
        assert bool(proves_by_complete_sketches(a, b)) == contained(child, parent)


@SETTINGS
@given(BAGS, st.lists(st.tuples(st.integers(0, 2**8), BOUNDS), min_size=1, max_size=3))
def test_merged_parts_are_the_sketch_of_the_whole_below_the_smallest_bound(
    bag: Bag, parts: list[tuple[int, int]]
) -> None:
    dealt: list[Bag] = [Counter() for _ in parts]
    for place, value in enumerate(bag.elements()):
        dealt[(parts[0][0] + place) % len(parts)][value] += 1
    merged = merge([sketch(part, bound or 1) for part, (_, bound) in zip(dealt, parts, strict=True)])
    whole = sketch(bag, min(bound or 1 for _, bound in parts))
    assert merged.bound == whole.bound
    assert all(np.array_equal(getattr(merged, part), getattr(whole, part)) for part in ("low", "high", "count"))
    assert refutes_on_common_range(merged, whole) is None


@SETTINGS
@given(
    bags=pairs(),
    bound=BOUNDS,
    low=st.integers(-1, 8),
    high=st.integers(-1, 8),
    vague=st.sets(st.integers(0, 7)),
    typed=st.booleans(),
    claimed=st.booleans(),
)
def test_a_box_proves_however_it_was_found_and_refutes_only_if_it_holds_for_every_row_of_the_child(
    bags: tuple[Bag, Bag], bound: int, low: int, high: int, vague: set[int], typed: bool, claimed: bool
) -> None:
    """On text some rows (``vague``) can't be compared with a bound: they count as inside, so the child's own count says
    less there, and only bounds that are valid by the metadata may refute.
    """
    child, parent = bags
    covered = all(low <= value <= high for value in child)
    box = (Term(("x",), "number", Decimal(low), Decimal(high), nulls=False, valid=claimed and covered),)
    inside = measure(parent, bound, lambda value: low <= value <= high)
    own = measure(child, inside=lambda value: low <= value <= high or (not typed and value in vague))
    mine = measure(child, bound)
    if proves_by_box(mine, inside):
        assert contained(child, parent)
    if holds_for_child(mine, box, own, typed) and refutes_by_box(mine, inside):
        assert not contained(child, parent)
    for whole in (None, measure(parent, 1), measure(parent, bound)):
        verdict = decide(mine, whole, inside)
        assert verdict.grade is not Grade.PROVEN or contained(child, parent)
        assert verdict.grade is not Grade.REFUTED or not contained(child, parent)
