"""Boxes: the child's bounds as a predicate on the parent's rows (DESIGN 5, EXACTNESS 7).

A term is a function of the value alone, whatever type holds it, so that both sides of a pair agree on who is inside.
On a text dataset a number may be too long to be compared exactly; such rows count as inside, which makes the box
larger and never smaller than the exact one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal, localcontext
from fractions import Fraction

from r2d2.containment.encoding import decimal_shape, is_integer, microseconds, nanoseconds
from r2d2.containment.request import Term, term
from r2d2.lake import text_views
from r2d2.lake.layout import Column
from r2d2.model.dataset import Bounds, BoundValue, Leaf, LeafPath
from r2d2.model.edge import Projection
from r2d2.model.family import DATE, FLOATING, INSTANT, NUMBER, ORDERED, STRING, TIMESTAMP

#: More terms cost more for each row than they exclude.
MOST_TERMS = 4
_TEXT_WHOLE, _TEXT_SCALE = 26, 12


def box_of(projection: Projection, child: Mapping[LeafPath, Leaf], parent: Mapping[LeafPath, Leaf]) -> tuple[Term, ...]:
    """The most selective terms that the child's bounds put on the parent's rows; empty if none excludes a row.

    Args:
        projection: what the pair is compared under; its paths are keys of both mappings.
        child: leaves of the child by folded path.
        parent: leaves of the parent by folded path.
    """
    scored = []
    for path, family in projection:
        bounds = child[path].bounds.get(family)
        if family not in ORDERED or bounds is None:
            continue
        share = _share(bounds, parent[path].bounds.get(family), family)
        if share < 1:
            scored.append((share, path, term(path, family, bounds, child[path].nulls != 0)))
    scored.sort(key=lambda item: item[:2])
    return tuple(entry for _, _, entry in scored[:MOST_TERMS])


def expected_rows(
    projection: Projection, child: Mapping[LeafPath, Leaf], parent: Mapping[LeafPath, Leaf], rows: int
) -> float:
    """About how many of a parent's rows lie in the child's bounds, going by the most selective one."""
    shares = [
        _share(bounds, parent[path].bounds.get(family), family)
        for path, family in projection
        if family in ORDERED and (bounds := child[path].bounds.get(family)) is not None
    ]
    return rows * min(shares, default=1.0)


def term_sql(value: str, column: Column, condition: Term) -> str:
    """SQL BOOLEAN, never NULL: whether the leaf's value lies in the term.

    Args:
        value: SQL of the leaf as the reader delivers it.
        column: the leaf's column.
        condition: the term; its values never enter the SQL as text.
    """
    if column.kind in ("TEXT", "JSON"):
        value = text_views.present(value, column, condition.family)
        inside = _text_inside(text_views.converted(value, column.kind, condition.family), condition)
    else:
        inside = _typed_inside(value, column.kind, condition)
    if condition.family == FLOATING:
        number = text_views.converted(value, column.kind, FLOATING) if column.kind in ("TEXT", "JSON") else value
        inside = f"({inside} OR isnan({number}))"
    return f"CASE WHEN ({value}) IS NULL THEN {str(condition.nulls).lower()} ELSE {inside} END"


def describe(box: Sequence[Term], show_values: bool) -> str:
    """The box for people: names, and the bounds only where cell values may be shown."""
    parts = []
    for condition in box:
        name = ".".join(condition.path)
        parts.append(f"{name} in [{condition.low} .. {condition.high}]" if show_values else f"a range of {name}")
    return " and ".join(parts)


def _share(child: Bounds, parent: Bounds | None, family: str) -> float:
    """Estimated share of the parent's rows inside the child's bounds; 1 only if the term can't exclude any."""
    if parent is None:
        return 0.5
    if _not_above(child.low, parent.low) and _not_above(parent.high, child.high):
        return 1.0 if parent.low_valid and parent.high_valid else 0.99
    if child.low == child.high:
        return 0.0
    if family == STRING or isinstance(parent.low, str | bool):
        return 0.5
    low, high = _finite(parent.low), _finite(parent.high)
    if low is None or high is None or high <= low:
        return 0.5
    inner_low, inner_high = _finite(child.low), _finite(child.high)
    if inner_low is None or inner_high is None:
        return 0.5
    return float(min(Fraction(98, 100), max(Fraction(0), (inner_high - inner_low) / (high - low))))


def _not_above(a: BoundValue, b: BoundValue) -> bool:
    return bool(a <= b)  # type: ignore[operator]  # both are of one family


def _finite(value: BoundValue) -> Fraction | None:
    if isinstance(value, str) or (isinstance(value, float) and value in (float("inf"), float("-inf"))):
        return None
    return Fraction(value)


def _typed_inside(value: str, kind: str, condition: Term) -> str:
    low, high = condition.low, condition.high
    if condition.family == NUMBER:
        return _number_inside(value, kind, Decimal(str(low)), Decimal(str(high)))
    if condition.family in (TIMESTAMP, INSTANT) and kind != "TIMESTAMP_NS":
        return f"{microseconds(value, kind)} BETWEEN {-(-int(low) // 1000)} AND {int(high) // 1000}"
    if condition.family in (TIMESTAMP, INSTANT):
        return f"{nanoseconds(value)} BETWEEN {int(low)} AND {int(high)}"
    return f"({value}) BETWEEN {_literal(low, condition.family)} AND {_literal(high, condition.family)}"


def _number_inside(value: str, kind: str, low: Decimal, high: Decimal) -> str:
    """The bounds brought inwards to the column's scale; one that the type can't reach drops out or excludes all.

    *Seen*: a literal of 38 digits after the point is a double to DuckDB, so bounds are cast from text.
    """
    shape = decimal_shape(kind)
    if shape is None and not is_integer(kind):
        raise ValueError(f"{kind} is no number")
    precision, scale = shape or (20, 0)
    with localcontext() as context:
        context.prec = 1000
        step = Decimal(1).scaleb(-scale)
        least, most = low.quantize(step, ROUND_CEILING), high.quantize(step, ROUND_FLOOR)
        limit = Decimal(10) ** (precision - scale)
    if least >= limit or most <= -limit or least > most:
        return "false"
    exact = kind if shape else "HUGEINT"
    sides = []
    if least > -limit:
        sides.append(f"({value}) >= '{least:f}'::{exact}")
    if most < limit:
        sides.append(f"({value}) <= '{most:f}'::{exact}")
    return " AND ".join(sides) or "true"


def _text_inside(value: str, condition: Term) -> str:
    low, high = condition.low, condition.high
    if condition.family == NUMBER:
        fits = f"regexp_full_match({value}, '-?[0-9]{{1,{_TEXT_WHOLE}}}(\\.[0-9]{{1,{_TEXT_SCALE}}})?')"
        kind = f"DECIMAL({_TEXT_WHOLE + _TEXT_SCALE},{_TEXT_SCALE})"
        inside = _number_inside(f"({value})::{kind}", kind, Decimal(str(low)), Decimal(str(high)))
        return f"CASE WHEN {fits} THEN {inside} ELSE true END"
    if condition.family in (TIMESTAMP, INSTANT):
        return f"({value}) BETWEEN {int(low)} AND {int(high)}"
    return f"({value}) BETWEEN {_literal(low, condition.family)} AND {_literal(high, condition.family)}"


def _literal(value: BoundValue, family: str) -> str:
    if family == FLOATING:
        return f"'{float(value)!r}'::DOUBLE"
    if family == DATE:
        return f"(DATE '1970-01-01' + {int(value)})"
    if family == STRING:
        return f"decode(unhex('{str(value).encode('utf-8').hex()}'))"
    return str(bool(value)).lower()
