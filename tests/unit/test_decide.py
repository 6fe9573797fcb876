"""Each way to decide a pair is sound on the side that its name says, and says nothing beyond (EXACTNESS 7)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from r2d2.containment.decide import (
    UNDECIDED,
    decide,
    proves_by_box,
    proves_by_complete_sketches,
    proves_by_digest,
    refutes_by_box,
    refutes_by_digest,
    refutes_by_sketch,
    times,
)
from r2d2.containment.request import COMPLETE, Term
from r2d2.containment.scanner import Measure
from r2d2.containment.sketch import Sketch, pack, unpack
from r2d2.model.edge import Grade
from r2d2.model.family import NUMBER

SMALL = Measure(3, 30, 300)
LARGE = Measure(9, 90, 900)


def term(valid: bool) -> Term:
    return Term(("a",), NUMBER, Decimal(1), Decimal(2), nulls=False, valid=valid)


def sketch(rows: dict[int, int], bound: int = COMPLETE) -> Sketch:
    return unpack(pack(rows), bound)


@pytest.mark.parametrize("other", [Measure(4, 30, 300), Measure(3, 31, 300), Measure(3, 30, 301)])
def test_a_digest_proves_only_if_count_and_both_sums_agree(other: Measure) -> None:
    assert proves_by_digest(SMALL, SMALL) is not None
    assert proves_by_digest(SMALL, other) is None
    assert proves_by_box(SMALL, other) is None


@pytest.mark.parametrize("other", [Measure(3, 31, 300), Measure(3, 30, 301), Measure(2, 30, 300)])
def test_as_many_other_rows_or_more_rows_refute(other: Measure) -> None:
    verdict = refutes_by_digest(SMALL, other)
    assert verdict is not None
    assert verdict.grade is Grade.REFUTED


def test_fewer_rows_than_the_parent_refute_nothing() -> None:
    assert refutes_by_digest(SMALL, LARGE) is None
    assert refutes_by_digest(SMALL, SMALL) is None


def test_a_sketch_refutes_with_its_witness_and_never_proves() -> None:
    child, parent = replace(SMALL, sketch=sketch({5: 2}, 9)), replace(LARGE, sketch=sketch({5: 1}, 9))
    verdict = refutes_by_sketch(child, parent)
    assert verdict is not None
    assert verdict.witness is not None
    assert (verdict.witness.in_child, verdict.witness.in_parent) == (2, 1)
    assert refutes_by_sketch(parent, child) is None
    assert decide(parent, replace(child, rows=100), (), None, None, True) is UNDECIDED


def test_only_complete_sketches_prove() -> None:
    whole = replace(SMALL, sketch=sketch({5: 3}))
    assert proves_by_complete_sketches(whole, replace(LARGE, sketch=sketch({5: 3, 6: 6}))) is not None
    assert proves_by_complete_sketches(whole, replace(LARGE, sketch=sketch({5: 2, 6: 7}))) is None
    assert proves_by_complete_sketches(whole, replace(LARGE, sketch=sketch({5: 3}, COMPLETE - 1))) is None
    assert (
        proves_by_complete_sketches(replace(SMALL, sketch=sketch({5: 3}, 9)), replace(LARGE, sketch=sketch({5: 3})))
        is None
    )
    assert proves_by_complete_sketches(SMALL, replace(LARGE, sketch=sketch({5: 3}))) is None


def test_a_box_refutes_only_if_all_rows_of_the_child_lie_in_it() -> None:
    """Bounds that do not hold for every row: the rows beyond them may well be in the parent."""
    outside = Measure(2, 20, 200)
    inside = Measure(2, 21, 200)
    assert refutes_by_box(SMALL, (term(True),), inside, SMALL, True) is not None
    assert refutes_by_box(SMALL, (term(True),), inside, outside, True) is None


def test_as_many_other_rows_in_the_box_refute_and_more_say_nothing() -> None:
    assert refutes_by_box(SMALL, (term(True),), Measure(3, 31, 300), SMALL, True) is not None
    assert refutes_by_box(SMALL, (term(True),), Measure(3, 30, 301), SMALL, True) is not None
    assert refutes_by_box(SMALL, (term(True),), SMALL, SMALL, True) is None
    assert refutes_by_box(SMALL, (term(True),), LARGE, SMALL, True) is None


def test_where_terms_are_not_exact_on_the_child_a_box_refutes_only_with_valid_bounds() -> None:
    """A number too long to be compared counts as inside, on the child's side too: its count then proves no validity."""
    few = Measure(2, 21, 200)
    assert refutes_by_box(SMALL, (term(True), term(False)), few, SMALL, child_typed=False) is None
    assert refutes_by_box(SMALL, (term(True), term(True)), few, SMALL, child_typed=False) is not None
    assert refutes_by_box(SMALL, (term(False),), few, SMALL, child_typed=True) is not None


def test_without_a_box_or_its_measures_nothing_is_decided_by_it() -> None:
    assert decide(SMALL, LARGE, (), None, None, True) is UNDECIDED
    assert decide(SMALL, LARGE, (term(True),), Measure(2, 0, 0), None, True) is UNDECIDED
    assert decide(SMALL, LARGE, (term(True),), None, SMALL, True) is UNDECIDED


def test_the_cheapest_way_that_decides_is_the_one_that_is_named() -> None:
    box = (term(True),)
    assert decide(SMALL, SMALL, box, SMALL, SMALL, True).how == "digest"
    assert decide(SMALL, LARGE, box, SMALL, SMALL, True).how == "box"
    assert decide(SMALL, LARGE, box, Measure(1, 1, 1), SMALL, True).how == "box"
    assert decide(LARGE, SMALL, box, SMALL, SMALL, True).how == "digest"
    lacking = replace(SMALL, sketch=sketch({5: 1}, 9)), replace(LARGE, sketch=sketch({}, 9))
    assert decide(*lacking, box, Measure(1, 1, 1), SMALL, True).how == "sketch"


def test_times_in_words() -> None:
    assert [times(n) for n in (0, 1, 2)] == ["not at all", "once", "2 times"]
