"""Predicates as text and in words."""

from __future__ import annotations

from decimal import Decimal

import pytest

from r2d2.containment.request import Term
from r2d2.recovery.recipes.predicate import Condition, Filled, Listed, Range, describe, from_json, to_json

PRICE = Term(("item", "price"), "number", Decimal("1.50"), Decimal(20), False, True)
CONDITIONS: list[tuple[Condition, str, str]] = [
    (Range(PRICE), "a range of item.price", "item.price in [1.50 .. 20]"),
    (
        Range(Term(("x",), "floating", 0.1, float("inf"), True, False), nan=True),
        "(a range of x or NULL)",
        "(x in [0.1 .. inf] or NULL)",
    ),
    (Listed(("kind",), "string", ("a", "b;'"), False), "kind is one of 2 values", """kind in ('a', "b;'")"""),
    (Listed(("kind",), "string", ("secret",), True), "(kind is one value or NULL)", "(kind in ('secret') or NULL)"),
    (Listed(("kind",), "string", (), True), "kind is NULL", "kind is NULL"),
    (Filled(("a.b",), "date"), "a.b is not NULL", "a.b is not NULL"),
]


@pytest.mark.parametrize(("condition", "masked", "shown"), CONDITIONS, ids=[masked for _, masked, _ in CONDITIONS])
def test_values_are_told_only_to_those_who_may_see_them(condition: Condition, masked: str, shown: str) -> None:
    assert describe((condition,), show_values=False) == masked
    assert describe((condition,), show_values=True) == shown


def test_a_predicate_comes_back_from_its_text() -> None:
    predicate = tuple(condition for condition, _, _ in CONDITIONS)
    assert from_json(to_json(predicate)) == predicate
    assert (to_json(()), from_json(""), describe((), show_values=False)) == ("", (), "all rows")
