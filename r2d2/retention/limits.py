"""Limits of a whole plan."""

from __future__ import annotations

from r2d2.config import RetentionSettings
from r2d2.errors import UsageError

_NAMES = ("max_rebuild_cost", "max_retired_datasets", "max_retired_bytes")


def limits_of_plan(settings: RetentionSettings) -> dict[str, float]:
    """The budgets that are set, by the name of their setting."""
    return {name: float(getattr(settings, name)) for name in _NAMES if getattr(settings, name)}


def check_limits(settings: RetentionSettings) -> None:
    """Refuses limits that are none.

    Raises:
        UsageError: one is negative.
    """
    for name in (*_NAMES, "read_window_days", "max_pairs"):
        if not getattr(settings, name) >= 0:
            raise UsageError(f"retention.{name} is {getattr(settings, name)}", "give a number of at least 0")
