"""Views in the place of tables: predicates in Spark's SQL, values never read as SQL, and what is refused."""

from __future__ import annotations

from decimal import Decimal

import pytest

from r2d2.containment.request import Term
from r2d2.errors import NotRetirable
from r2d2.model.dataset import BoundValue
from r2d2.recovery.catalogs.catalog_view import conditions_sql
from r2d2.recovery.recipes.predicate import Filled, Listed, Predicate, Range


def ranged(family: str, low: BoundValue, high: BoundValue, nulls: bool = False, nan: bool = False) -> Predicate:
    return (Range(Term(("a",), family, low, high, nulls, True), nan),)


@pytest.mark.parametrize(
    ("predicate", "sql"),
    [
        ((), ""),
        (ranged("number", Decimal("-1.50"), Decimal(7)), "(`a` >= -1.50BD AND `a` <= 7BD)"),
        (ranged("number", Decimal("1E+3"), Decimal(9999)), "(`a` >= 1000BD AND `a` <= 9999BD)"),
        (ranged("date", -1, 3), "(`a` >= DATE_ADD(DATE'1970-01-01', -1) AND `a` <= DATE_ADD(DATE'1970-01-01', 3))"),
        (
            ranged("instant", -1000, 2000),
            "(`a` >= TIMESTAMP'1969-12-31 23:59:59.999999Z' AND `a` <= TIMESTAMP'1970-01-01 00:00:00.000002Z')",
        ),
        (ranged("string", "'; --", "\\\\'", nulls=True), "(`a` >= '\\'; --' AND `a` <= '\\\\\\\\\\'' OR `a` IS NULL)"),
        (
            ranged("floating", 0.1, float("inf")),
            "(`a` >= CAST('0.1' AS DOUBLE) AND `a` <= CAST('inf' AS DOUBLE) AND NOT isnan(`a`))",
        ),
        ((Filled(("a`b",), "string"), Listed(("c",), "boolean", (), True)), "(`a``b` IS NOT NULL) AND (`c` IS NULL)"),
        ((Listed(("c",), "string", ("x\\;y\\\\", "z"), False),), "(`c` IN ('x;y\\\\', 'z'))"),
        ((Listed(("c",), "floating", ("3FF8000000000000",), False),), "(`c` IN (CAST('1.5' AS DOUBLE)))"),
        ((Listed(("c",), "number", ("12", "-0.5"), False),), "(`c` IN (12BD, -0.5BD))"),
    ],
)
def test_a_predicate_is_said_in_sparks_sql(predicate: Predicate, sql: str) -> None:
    assert conditions_sql(predicate) == sql


@pytest.mark.parametrize(
    "predicate",
    [
        ranged("number", Decimal("1e-39"), Decimal(1)),
        ranged("instant", 1, 2000),
        ranged("instant", 0, 10**21),
        ranged("timestamp", 0, 1),
        (Filled(("a", "b"), "string"),),
        (Listed(("c",), "list<string>", ("1[vx;",), False),),
    ],
)
def test_what_spark_does_not_say_exactly_is_refused(predicate: Predicate) -> None:
    with pytest.raises(NotRetirable):
        conditions_sql(predicate)
