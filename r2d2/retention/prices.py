"""What a dataset's bytes and requests are billed: its class on the price sheet, as the settings change it.

A figure is the sheet's, unless ``retention.price_overrides`` names it (``CLASS.figure``, or ``egress`` and the like for
the whole sheet). ``storage_price``, ``read_price`` and ``write_price`` hold for datasets that no pattern of
``storage_classes`` gives a class.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from r2d2.catalog.listing import Candidate
from r2d2.config import RetentionSettings
from r2d2.errors import UsageError
from r2d2.model import Dataset
from r2d2.retention.latency import first_match
from r2d2.retention.price_data import SHEETS
from r2d2.retention.price_sheets import (
    CLASS_FIGURES,
    SHEET_FIGURES,
    UNITS,
    PriceSheet,
    Source,
    StorageClass,
)

_BASE = ("storage", "read", "write")


def price_sheet(settings: RetentionSettings) -> PriceSheet:
    """The sheet that the settings choose, with the figures that they override."""
    return _sheet(settings.prices, tuple(sorted(settings.price_overrides.items())))


def class_name(dataset: Dataset | Candidate, settings: RetentionSettings) -> str:
    """The class of a dataset: the first pattern of ``storage_classes`` that covers it, else the default."""
    pattern = first_match(settings.storage_classes, dataset)
    return default_class_name(settings) if pattern is None else settings.storage_classes[pattern]


def default_class_name(settings: RetentionSettings) -> str:
    """The class of datasets that no pattern gives one."""
    return settings.storage_class or price_sheet(settings).classes[0].name


def storage_class(dataset: Dataset | Candidate, settings: RetentionSettings) -> StorageClass:
    """What a dataset is billed, request prices with their factors, the storage price without its own.

    Raises:
        KeyError: a class that does not exist; ``check_prices`` finds it before.
    """
    pattern = first_match(settings.storage_classes, dataset)
    return default_class(settings) if pattern is None else _named(settings.storage_classes[pattern], settings)


def default_class(settings: RetentionSettings) -> StorageClass:
    """What datasets are billed that no pattern gives a class."""
    given = settings.storage_price, settings.read_price, settings.write_price
    return _changed(_named(default_class_name(settings), settings), given, _factors(settings))


def hottest_class(settings: RetentionSettings) -> StorageClass:
    """The class in which restored copies are kept, and what is new."""
    name = price_sheet(settings).classes[0].name
    return default_class(settings) if name == default_class_name(settings) else _named(name, settings)


def colder_classes(dataset: Dataset, settings: RetentionSettings) -> tuple[StorageClass, ...]:
    """The classes after the dataset's own on the sheet, hot to cold."""
    names = [each.name for each in price_sheet(settings).classes]
    return tuple(_named(name, settings) for name in names[names.index(class_name(dataset, settings)) + 1 :])


def without_archived(candidates: Sequence[Candidate], settings: RetentionSettings) -> Iterator[Candidate]:
    """The candidates, those in an archived class with the status ``archived`` unless they are to be read."""
    for candidate in candidates:
        found = storage_class(candidate, settings)
        if found.archived and not settings.read_archived and candidate.status == "ok":
            reason = (
                f"its storage class {found.name} is archived; restore it and set retention.read_archived to read it"
            )
            yield replace(candidate, status="archived", reason=reason)
        else:
            yield candidate


def source_of(sheet: PriceSheet, figure: str, class_: str = "") -> Source:
    """Where a figure is from, of a class or of the whole sheet."""
    for name in (f"{class_}.{figure}", figure):
        for source in sheet.sources:
            if name in source.figures:
                return source
    raise KeyError(f"{sheet.name}: {class_}.{figure} has no source")


def price_rows() -> Iterator[dict[str, Any]]:
    """All figures of all sheets, as ``r2d2 prices`` lists them."""
    for sheet in SHEETS.values():
        for figure in SHEET_FIGURES:
            yield _row(sheet, "", figure, getattr(sheet, figure))
        for each in sheet.classes:
            for figure in CLASS_FIGURES:
                yield _row(sheet, each.name, figure, getattr(each, figure))


def check_prices(settings: RetentionSettings) -> None:
    """Refuses classes and figures that do not exist, and prices in another currency than the plan's.

    Raises:
        UsageError: there is one.
    """
    sheet = SHEETS[settings.prices]
    names = [each.name for each in sheet.classes]
    given = {f"retention.storage_classes {pattern!r}": name for pattern, name in settings.storage_classes.items()}
    given |= {"retention.storage_class": settings.storage_class} if settings.storage_class else {}
    for where, name in given.items():
        if name not in names:
            raise UsageError(f"{where}: {settings.prices} has no class {name!r}", ", ".join(names))
    known = {*SHEET_FIGURES, *(f"{name}.{figure}" for name in names for figure in CLASS_FIGURES)}
    for key, value in settings.price_overrides.items():
        if key not in known:
            hint = f"CLASS.FIGURE of {', '.join(names)} and {', '.join(CLASS_FIGURES)}; or {', '.join(SHEET_FIGURES)}"
            raise UsageError(f"retention.price_overrides: {settings.prices} has no {key!r}", hint)
        if not (math.isfinite(value) and value >= 0) or (key in ("gb", "part_bytes") and value < 1):
            raise UsageError(f"retention.price_overrides {key} is {value}", "give a finite number of at least 0")
    _check_currency(settings, sheet)


def _check_currency(settings: RetentionSettings, sheet: PriceSheet) -> None:
    base = all(getattr(settings, f"{figure}_price") is not None for figure in _BASE)
    if settings.currency != sheet.currency and (settings.storage_classes or not base):
        raise UsageError(
            f"the prices of {sheet.name} are in {sheet.currency}, retention.currency is {settings.currency}",
            "leave the currency, or give storage_price, read_price and write_price in yours and no storage_classes",
        )


def _named(name: str, settings: RetentionSettings) -> StorageClass:
    key = settings.prices, tuple(sorted(settings.price_overrides.items()))
    return _class(*key, name, _factors(settings))


def _factors(settings: RetentionSettings) -> tuple[float, float]:
    return settings.read_price_factor, settings.write_price_factor


@lru_cache(maxsize=64)
def _sheet(name: str, overrides: tuple[tuple[str, float], ...]) -> PriceSheet:
    changes: dict[str, dict[str, Any]] = {}
    for key, value in overrides:
        class_, _, figure = key.rpartition(".")
        changes.setdefault(class_, {})[figure] = value
    sheet = SHEETS[name]
    classes = tuple(replace(each, **changes.get(each.name, {})) for each in sheet.classes)
    return replace(sheet, classes=classes, **changes.get("", {}))


@lru_cache(maxsize=256)
def _class(
    sheet: str, overrides: tuple[tuple[str, float], ...], name: str, factors: tuple[float, float]
) -> StorageClass:
    found = {each.name: each for each in _sheet(sheet, overrides).classes}[name]
    return replace(found, read=found.read * factors[0], write=found.write * factors[1])


@lru_cache(maxsize=256)
def _changed(
    found: StorageClass, given: tuple[float | None, float | None, float | None], factors: tuple[float, float]
) -> StorageClass:
    """The class with the prices of storage, reads and writes that are given; the others have their factors already."""
    numbers = zip(_BASE, given, (1.0, *factors), strict=True)
    new: dict[str, Any] = {figure: price * factor for figure, price, factor in numbers if price is not None}
    return replace(found, **new)


def _row(sheet: PriceSheet, class_: str, figure: str, value: float) -> dict[str, Any]:
    source = source_of(sheet, figure, class_)
    return {
        "sheet": sheet.name,
        "class": class_,
        "figure": figure,
        "value": float(value),
        "unit": UNITS[figure].replace("currency", sheet.currency),
        "source": source.url,
        "as_of": source.as_of,
        "note": source.note,
    }
