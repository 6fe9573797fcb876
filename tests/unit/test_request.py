"""Requests travel as text and come back as they were: they key the cache and reach the tasks."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from r2d2.containment.request import COMPLETE, Request, Term, bound_of, term, text_of
from r2d2.model.dataset import Bounds, BoundValue
from r2d2.model.family import BOOLEAN, DATE, FLOATING, INSTANT, NUMBER, STRING, TIMESTAMP
from r2d2.model.names import fold

#: The same examples in every run.
FIXED = settings(derandomize=True, deadline=None, database=None)

VALUES: dict[str, st.SearchStrategy[BoundValue]] = {
    NUMBER: st.decimals(allow_nan=False, allow_infinity=False),
    FLOATING: st.floats(allow_nan=False),
    DATE: st.integers(-(2**31), 2**31),
    TIMESTAMP: st.integers(-(2**63), 2**63),
    INSTANT: st.integers(-(2**63), 2**63),
    BOOLEAN: st.booleans(),
    STRING: st.text(),
}
paths = st.lists(st.text(), min_size=1, max_size=3).map(tuple)


@st.composite
def terms(draw: st.DrawFn) -> Term:
    family = draw(st.sampled_from(sorted(VALUES)))
    low, high = draw(VALUES[family]), draw(VALUES[family])
    return Term(draw(paths), family, low, high, draw(st.booleans()), draw(st.booleans()))


projections = st.lists(st.tuples(paths, st.sampled_from(sorted(VALUES))), min_size=1, max_size=3).map(tuple)
requests = st.builds(Request, projections, st.integers(0, COMPLETE), st.lists(terms(), max_size=3).map(tuple))


@FIXED
@given(requests)
def test_a_request_comes_back_as_it_was(request: Request) -> None:
    back = Request.from_json(request.to_json())
    assert back == request
    assert back.to_json() == request.to_json()
    for mine, theirs in zip(request.box, back.box, strict=True):
        assert [type(mine.low), type(mine.high)] == [type(theirs.low), type(theirs.high)]


@FIXED
@given(requests, requests)
def test_different_requests_have_different_texts(a: Request, b: Request) -> None:
    assert (a == b) or a.to_json() != b.to_json()


def test_names_that_no_encoding_holds_travel_too() -> None:
    request = Request((((chr(0xDC80), "a.b"), STRING),), 0)
    assert Request.from_json(request.to_json()) == request
    assert request.to_json().isascii()


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), 5e-324, 0.1, -0.0])
def test_a_double_comes_back_to_the_bit(value: float) -> None:
    assert text_of(bound_of(text_of(value), FLOATING)) == text_of(value)


def test_a_long_number_comes_back_to_the_digit() -> None:
    long = Decimal("1." + "3" * 399)
    assert bound_of(text_of(long), NUMBER) == long


def test_names_are_folded_level_by_level_unless_case_matters() -> None:
    assert fold(("A.b", "C"), case_sensitive=False) == ("a.b", "c")
    assert fold(("A.b", "C"), case_sensitive=True) == ("A.b", "C")


def test_a_term_takes_both_bounds_to_be_valid() -> None:
    made = term(("a",), DATE, Bounds(1, 2, low_valid=True, high_valid=False), nulls=True)
    assert made == Term(("a",), DATE, 1, 2, nulls=True, valid=False)
