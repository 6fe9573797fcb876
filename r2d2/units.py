"""Numbers as people read them: ``12.3 MB``, ``1.2 s``, ``1,234``, ``0.0042 USD``."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

_BYTE_UNITS = ("B", "kB", "MB", "GB", "TB", "PB", "EB")


def count(number: int | None) -> str:
    """A whole number with thousands marked; ``unknown`` for None.

    >>> count(1234567)
    '1,234,567'
    """
    return "unknown" if number is None else f"{number:,}"


def human_bytes(size: float) -> str:
    """Bytes in powers of 1,000, three digits that count.

    >>> human_bytes(12_345_678)
    '12.3 MB'
    """
    value, unit = float(size), 0
    while _rounded(value) >= 1000 and unit < len(_BYTE_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    if unit == 0:
        return f"{value:.0f} B"
    return f"{value:,.{_digits(value)}f} {_BYTE_UNITS[unit]}"


def human_seconds(seconds: float) -> str:
    """A duration, in the two largest units.

    >>> human_seconds(75)
    '1 min 15 s'
    """
    if not math.isfinite(seconds):
        return "unknown"
    if seconds < 10:
        return f"{seconds:.2g} s" if seconds < 1 else f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    if whole < 48 * 3600:
        return f"{whole // 3600:,} h {whole % 3600 // 60} min"
    return f"{whole // 86400:,} days {whole % 86400 // 3600} h"


def money(amount: float, currency: str) -> str:
    """An amount to the cent; below a cent two digits that count.

    >>> money(1234.5, "USD"), money(0.00123, "USD")
    ('1,234.50 USD', '0.0012 USD')
    """
    if amount and abs(amount) < 0.01:
        decimals = min(12, 1 - math.floor(math.log10(abs(amount))))
        return f"{amount:.{decimals}f} {currency}"
    return f"{amount:,.2f} {currency}"


def plural(number: int, one: str, many: str = "") -> str:
    """``1 dataset``, ``2 datasets``; ``many`` where it is not ``one`` + s."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def some_of(names: Sequence[str], most: int = 3) -> str:
    """The first names, and how many more there are.

    >>> some_of(["a", "b"]), some_of(["a", "b", "c", "d", "e"])
    ('a, b', 'a, b, c and 2 more')
    """
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more:,} more" if more > 0 else "")


def no_part(number: int, by_status: Mapping[str, int]) -> str:
    """How many datasets take part in no pair, and how many of each status; empty for none.

    >>> no_part(3, {"empty": 1, "error": 2}), no_part(1, {})
    ('3 take no part: 2 error, 1 empty', '1 takes no part')
    """
    if not number:
        return ""
    order = sorted(by_status.items(), key=lambda item: (-item[1], item[0]))
    parts = ", ".join(f"{amount:,} {status}" for status, amount in order)
    return f"{number:,} {'takes' if number == 1 else 'take'} no part" + (f": {parts}" if parts else "")


def percent(part: float, whole: float) -> str:
    """``part`` of ``whole``: whole percents; never 0% or 100% where that is not exact.

    >>> percent(1, 3), percent(1, 100_000), percent(99_999, 100_000)
    ('33%', '<1%', '>99%')
    """
    if not whole:
        return "0%"
    share = 100 * part / whole
    if 0 < share < 1:
        return "<1%"
    if 99 < share < 100:
        return ">99%"
    return f"{share:.0f}%"


def _rounded(value: float) -> float:
    return round(value, _digits(value))


def _digits(value: float) -> int:
    """Decimals that leave three digits that count; 99.95 rounds to three before the point."""
    if value >= 99.95:
        return 0
    return 1 if value >= 9.995 else 2
