"""How long a Delta table keeps what its newest version does not hold any more (DELETION 4)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta

#: Property → what Delta takes where it is not set.
KEPT = {"delta.deletedFileRetentionDuration": "interval 7 days", "delta.logRetentionDuration": "interval 30 days"}
_UNITS = {"week", "day", "hour", "minute", "second", "millisecond", "microsecond"}
_PART = re.compile(r"\s*([+-]?\d+)\s+([a-z]+?)s?(?=\s|$)")


def kept_for(configuration: Mapping[str, str]) -> timedelta:
    """For how long at least files and log entries stay after they left the newest version.

    Args:
        configuration: properties of the table.

    Raises:
        ValueError: a property is not an interval as Delta takes them; it is named.
    """
    return min(_interval(name, configuration.get(name, usual)) for name, usual in KEPT.items())


def _interval(name: str, text: str) -> timedelta:
    """Of units that always last equally long: Delta takes no others for these properties."""
    rest = re.sub(r"^\s*interval\s", " ", text.lower().replace("'", ""))
    total, at = timedelta(), 0
    while found := _PART.match(rest, at):
        number, unit, at = int(found[1]), found[2], found.end()
        if unit not in _UNITS:
            break
        total += timedelta(**{f"{unit}s": number})
    if at == 0 or rest[at:].strip() or (found and found[2] not in _UNITS):
        raise ValueError(f"{name} is {text!r}, which is no interval of weeks, days, hours or less")
    return total
