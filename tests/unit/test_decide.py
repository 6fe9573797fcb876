"""Each way to decide a pair is sound on the side that its name says, and says nothing beyond (EXACTNESS 7)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

from r2d2.containment.decide import (
    UNDECIDED,
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
from r2d2.containment.sketch import Sketch, sketch_of
from r2d2.model.edge import Grade
from r2d2.model.family import NUMBER

SMALL = Measure(3, 30, 300)
LARGE = Measure(9, 90, 900)


def term(valid: bool) -> Term:
    return Term(("a",), NUMBER, Decimal(1), Decimal(2), nulls=False, valid=valid)


def sketch(rows: dict[int, int], bound: int = COMPLETE) -> Sketch:
    low = np.asarray(list(rows), np.uint64)
    return sketch_of(low, np.zeros(len(low), np.uint64), bound, np.asarray(list(rows.values()), np.int64))


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
    assert int(verdict.witness.row_hash, 16) == 5
    assert refutes_by_sketch(parent, child) is None
    assert decide(parent, replace(child, rows=100), None) is UNDECIDED


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


def test_a_box_holds_for_a_child_only_if_all_its_rows_lie_in_it() -> None:
    """Bounds that do not hold for every row: the rows beyond them may well be in the parent."""
    outside = Measure(2, 20, 200)
    assert holds_for_child(SMALL, (term(True),), SMALL, child_typed=True)
    assert not holds_for_child(SMALL, (term(True),), outside, child_typed=True)


def test_too_few_rows_in_the_box_or_as_many_others_refute_and_more_say_nothing() -> None:
    for inside in (Measure(2, 21, 200), Measure(0, 0, 0), Measure(3, 31, 300), Measure(3, 30, 301)):
        verdict = refutes_by_box(SMALL, inside)
        assert verdict is not None
        assert (verdict.grade, verdict.how) == (Grade.REFUTED, "box")
    assert refutes_by_box(SMALL, SMALL) is None
    assert refutes_by_box(SMALL, LARGE) is None


def test_a_row_that_is_not_in_the_box_is_the_witness() -> None:
    child, inside = replace(SMALL, sketch=sketch({5: 2, 6: 1}, 9)), replace(LARGE, sketch=sketch({5: 1, 6: 8}, 9))
    verdict = refutes_by_box(child, inside)
    assert verdict is not None
    assert verdict.witness is not None
    assert (verdict.how, verdict.witness.in_child, verdict.witness.in_parent) == ("box", 2, 1)


def test_where_terms_are_not_exact_on_the_child_a_box_holds_only_with_valid_bounds() -> None:
    """A number too long to be compared counts as inside, on the child's side too: its count then proves no validity."""
    assert not holds_for_child(SMALL, (term(True), term(False)), SMALL, child_typed=False)
    assert holds_for_child(SMALL, (term(True), term(True)), SMALL, child_typed=False)
    assert holds_for_child(SMALL, (term(False),), SMALL, child_typed=True)


def test_without_a_measure_of_the_parent_or_its_box_nothing_is_decided() -> None:
    assert decide(SMALL, None, None) is UNDECIDED
    assert decide(SMALL, LARGE, None) is UNDECIDED


def test_a_box_alone_never_refutes_for_nothing_says_yet_that_it_holds_for_the_child() -> None:
    for inside in (Measure(2, 0, 0), Measure(3, 31, 300)):
        assert decide(SMALL, None, inside) is UNDECIDED
        assert decide(SMALL, LARGE, inside) is UNDECIDED


def test_the_cheapest_way_that_decides_is_the_one_that_is_named() -> None:
    assert decide(SMALL, SMALL, SMALL).how == "digest"
    assert decide(SMALL, LARGE, SMALL).how == "box"
    assert decide(SMALL, None, SMALL).how == "box"
    assert decide(LARGE, SMALL, SMALL).how == "digest"
    lacking = replace(SMALL, sketch=sketch({5: 1}, 9)), replace(LARGE, sketch=sketch({}, 9))
    assert decide(*lacking, SMALL).how == "sketch"
    held = replace(SMALL, sketch=sketch({5: 3})), replace(LARGE, sketch=sketch({5: 3, 6: 6}))
    assert decide(*held, SMALL).how == "sketch"
