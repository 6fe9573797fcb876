"""Values of texts, by the grammar of each family (``lake.text_views``): enough of it to tell how values are spelled."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pyarrow as pa

from r2d2.lake.text_views import DATE_PATTERN, INSTANT_PATTERN, TIMESTAMP_PATTERN
from r2d2.model.family import BOOLEAN, DATE, FLOATING, INSTANT, NUMBER, TIMESTAMP

FAMILIES = (BOOLEAN, NUMBER, FLOATING, DATE, TIMESTAMP, INSTANT)
_SPECIAL = "NaN|nan|-?inf|-?Infinity"
_DECIMAL = r"-?(?:0|[1-9]\d*)(?:\.\d+)?"
_PATTERNS = {
    BOOLEAN: re.compile("true|false|True|False|TRUE|FALSE"),
    NUMBER: re.compile(_DECIMAL, re.ASCII),
    FLOATING: re.compile(rf"{_DECIMAL}(?:[eE][+-]?\d{{1,3}})?|{_SPECIAL}", re.ASCII),
    DATE: re.compile(DATE_PATTERN),
    TIMESTAMP: re.compile(TIMESTAMP_PATTERN),
    INSTANT: re.compile(INSTANT_PATTERN),
}
_MOST_DIGITS = 76
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def values_of(texts: Sequence[str], family: str) -> pa.Array | None:
    """The values of texts as an array of the family; None if one of them is no such value."""
    pattern = _PATTERNS[family]
    if not all(pattern.fullmatch(text) for text in texts):
        return None
    try:
        return _values(texts, family)
    except (ValueError, OverflowError, pa.ArrowException):
        return None


def _values(texts: Sequence[str], family: str) -> pa.Array:
    if family == BOOLEAN:
        return pa.array([text.lower() == "true" for text in texts])
    if family == NUMBER:
        scale = max(len(text.partition(".")[2]) for text in texts)
        return pa.array([Decimal(text) for text in texts], pa.decimal256(_MOST_DIGITS, scale))
    if family == FLOATING:
        return pa.array([float(text) for text in texts], pa.float64())
    if family == DATE:
        return pa.array([date.fromisoformat(text) for text in texts])
    return _moments(texts, family)


def _moments(texts: Sequence[str], family: str) -> pa.Array:
    """In microseconds where that is enough: nanoseconds of 64 bits hold 600 years only."""
    found = [_moment(text) for text in texts]
    fine = any(nanoseconds for _, nanoseconds in found)
    units = [micros * 1000 + nanos if fine else micros for micros, nanos in found]
    return pa.array(units, pa.timestamp("ns" if fine else "us", "UTC" if family == INSTANT else None))


def _moment(text: str) -> tuple[int, int]:
    """Microseconds since 1970, and the nanoseconds beyond them."""
    head, _, rest = text.partition(".")
    digits = re.match(r"\d*", rest, re.ASCII)
    fraction = digits[0] if digits else ""
    clock, zone = (head, rest[len(fraction) :]) if rest else (head[:19], head[19:])
    whole = datetime.fromisoformat(f"{clock}{zone or '+00:00'}")
    nanoseconds = int(fraction.ljust(9, "0")) if fraction else 0
    return (whole - _EPOCH) // timedelta(microseconds=1) + nanoseconds // 1000, nanoseconds % 1000
