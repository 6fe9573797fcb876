"""The settings that a report shows."""

from __future__ import annotations

from collections.abc import Mapping

from r2d2.config import RetentionSettings, Settings, describe
from r2d2.retention.prices import default_class, price_sheet

#: Sections of the settings that may hold credentials (Spark properties), so no report shows them.
_PRIVATE_SECTIONS = ("spark",)


def storage_price(settings: RetentionSettings) -> float:
    """Money for 10^9 bytes a month in the default class."""
    return default_class(settings).storage * settings.storage_price_factor * 10**9 / price_sheet(settings).gb


def shown_settings(settings: Settings) -> tuple[tuple[str, str], ...]:
    """Prices and limits, and whatever differs from its default."""
    always = ("retention.prices", "retention.storage_price_factor", "retention.latency_limit")
    found = []
    for key, default in describe():
        section, _, name = key.partition(".")
        value = getattr(getattr(settings, section), name)
        if section not in _PRIVATE_SECTIONS and (key in always or value != default):
            found.append((key, _setting_text(value)))
    return tuple(found)


def _setting_text(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} = {item}" for key, item in value.items())
    if isinstance(value, tuple):
        return ", ".join(str(item) for item in value)
    return str(value).lower() if isinstance(value, bool) else str(value)
