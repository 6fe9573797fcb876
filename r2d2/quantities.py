"""Sizes and times as people write them: ``10GB``, ``1.5GiB``, ``30m``; the same for flags, files and environment."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from decimal import Decimal

SIZE_HINT = "bytes, or a number with kB, MB, GB, TB (powers of 1,000) or KiB, MiB, GiB, TiB: for example 10GB"
TIME_HINT = "seconds, or a number with s, m, h or d: for example 30m"

_SIZES = {"": 1, "b": 1} | {
    f"{letter}{between}b": base**power
    for between, base in (("", 1000), ("i", 1024))
    for power, letter in enumerate("kmgtp", 1)
}
_TIMES = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_NUMBER = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]*)", re.ASCII)


def size_of(value: object) -> int:
    """Bytes, parts of one rounded up: what is limited to a little must not be unlimited.

    Raises:
        ValueError: it is no size.

    >>> size_of("10GB"), size_of("1.5 KiB"), size_of(7)
    (10000000000, 1536, 7)
    """
    return math.ceil(_amount(value, _SIZES))


def seconds_of(value: object) -> float:
    """Seconds.

    Raises:
        ValueError: it is no time.

    >>> seconds_of("30m"), seconds_of("0.5"), seconds_of("2d")
    (1800.0, 0.5, 172800.0)
    """
    return float(_amount(value, _TIMES))


def _amount(value: object, units: Mapping[str, int]) -> Decimal:
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return Decimal(value)
    match = _NUMBER.fullmatch(value.strip().lower()) if isinstance(value, str) else None
    if match is None or match[2] not in units:
        raise ValueError(value)
    return Decimal(match[1]) * units[match[2]]
