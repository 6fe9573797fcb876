"""Summaries survive the way to text and back."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest

from r2d2.catalog.codec import from_json, to_json
from r2d2.model.dataset import Bounds, BoundValue, FileSummary, Leaf

VALUES: list[BoundValue] = [
    Decimal("1.10"), Decimal("-1E+30"), Decimal("9" * 38), 0, -(2**70), 10**18 + 1, True, False, 0.1, -0.0, math.inf,
    -math.inf, 5e-324, "", "a\x00\U0001f600", "\ud800", "decimal",
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_bounds_come_back_as_the_same_value_of_the_same_type(value: BoundValue) -> None:
    bounds = Bounds(value, value, low_tight=True, high_valid=True)
    leaf = Leaf(("a.b", "", "\ud800"), ("number", "string"), "BIGINT", 3, {"number": bounds})
    summary = FileSummary(2**60, "{}", (leaf, Leaf(("x",), ("presence",))), {"rows": 1, "why": [None]}, "ok", "é")
    text = to_json(summary)
    back = from_json(text)
    assert back == summary
    assert text.isascii()
    found = back.leaves[0].bounds["number"].low
    assert type(found) is type(value)
    assert repr(found) == repr(value)


def test_equal_summaries_give_equal_text() -> None:
    one = FileSummary(properties={"a": 1, "b": 2})
    other = FileSummary(properties={"b": 2, "a": 1})
    assert to_json(one) == to_json(other)
