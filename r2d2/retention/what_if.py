"""What the plan would be at other prices or limits: the settings of a run, changed by name.

Prices, speeds and numbers of accesses are changed by a factor, for every dataset alike; limits are set to a value, for
every dataset, whatever pattern it falls under.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from r2d2.config import RetentionSettings
from r2d2.errors import UsageError

Change = Callable[[RetentionSettings, float], RetentionSettings]


def _scaled(name: str) -> Change:
    return lambda settings, factor: replace(settings, **{name: getattr(settings, name) * factor})


def _accesses(settings: RetentionSettings, factor: float) -> RetentionSettings:
    by_pattern = {pattern: number * factor for pattern, number in settings.accesses.items()}
    return replace(
        settings,
        accesses_per_month=settings.accesses_per_month * factor,
        accesses=by_pattern,
        accesses_factor=settings.accesses_factor * factor,
    )


def _latency_limit(settings: RetentionSettings, seconds: float) -> RetentionSettings:
    return replace(settings, latency_limit=seconds, latency_limits={})


def _whole(value: float) -> int:
    if not math.isfinite(value):
        raise UsageError(f"--what-if: a limit of {value} is no number of datasets or bytes", "0 is no limit")
    return math.floor(value)


FACTORS: Mapping[str, Change] = {
    "storage_price": _scaled("storage_price_factor"),
    "read_price": _scaled("read_price_factor"),
    "write_price": _scaled("write_price_factor"),
    "compute_price": _scaled("compute_price"),
    "maintenance_scans": _scaled("maintenance_scans"),
    "accesses": _accesses,
    "residency_days": _scaled("residency_days"),
    "guard_checks": _scaled("guard_checks"),
    "grace_days": _scaled("grace_days"),
    "startup_seconds": _scaled("startup_seconds"),
    "read_mb_per_second": _scaled("read_mb_per_second"),
    "write_mb_per_second": _scaled("write_mb_per_second"),
}
VALUES: Mapping[str, Change] = {
    "latency_limit": _latency_limit,
    "min_saving": lambda settings, value: replace(settings, min_saving=value),
    "max_rebuild_cost": lambda settings, value: replace(settings, max_rebuild_cost=value),
    "max_retired_datasets": lambda settings, value: replace(settings, max_retired_datasets=_whole(value)),
    "max_retired_bytes": lambda settings, value: replace(settings, max_retired_bytes=_whole(value)),
    "payback_months": lambda settings, value: replace(settings, payback_months=value),
    "evacuation_limit": lambda settings, value: replace(settings, evacuation_limit=value),
}


def changed(settings: RetentionSettings, assignments: Sequence[str]) -> RetentionSettings:
    """The settings with ``NAME=NUMBER`` applied, each name once.

    Raises:
        UsageError: an unknown name, or one that is given twice; no number.
    """
    seen = set[str]()
    for text in assignments:
        name, _, number = text.partition("=")
        if name not in FACTORS and name not in VALUES:
            hint = f"a factor: {', '.join(FACTORS)}; a value: {', '.join(VALUES)}"
            raise UsageError(f"--what-if {text}: there is no {name!r}", hint)
        if name in seen:
            raise UsageError(f"--what-if {text}: {name} is given twice", "give each name once")
        seen.add(name)
        settings = {**FACTORS, **VALUES}[name](settings, _number(text, number))
    return settings


def _number(text: str, number: str) -> float:
    try:
        return float(number)
    except ValueError:
        raise UsageError(f"--what-if {text}: {number!r} is no number", "for example storage_price=0.5") from None
