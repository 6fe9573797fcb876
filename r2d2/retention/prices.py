"""What a dataset's bytes and requests are billed: its class on the price sheet, as the settings change it.

A figure is the sheet's, unless ``retention.price_overrides`` names it (``CLASS.figure``, or ``egress`` and the like for
the whole sheet). ``storage_price``, ``read_price`` and ``write_price`` hold for datasets that no pattern of
``storage_classes`` gives a class.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
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
#: Books by the identity of their settings, which can't be hashed: each dataset asks several times.
_BOOKS: dict[int, tuple[RetentionSettings, PriceBook]] = {}
_MOST_BOOKS = 16


@dataclass(frozen=True)
class PriceBook:
    """A sheet as the settings have it.

    Attributes:
        sheet: with the figures that they override.
        classes: by name, with the factors of request prices.
        default: what datasets are billed that no pattern gives a class.
        hottest: the class in which restored copies are kept, and what is new.
    """

    sheet: PriceSheet
    classes: Mapping[str, StorageClass]
    default: StorageClass
    hottest: StorageClass


def price_book(settings: RetentionSettings) -> PriceBook:
    """What the settings make of the sheet that they choose.

    Raises:
        KeyError: ``storage_class`` does not exist; ``check_prices`` finds it before.
    """
    known = _BOOKS.get(id(settings))
    if known is None or known[0] is not settings:
        if len(_BOOKS) >= _MOST_BOOKS:
            _BOOKS.clear()
        known = _BOOKS[id(settings)] = settings, _book(settings)
    return known[1]


def price_sheet(settings: RetentionSettings) -> PriceSheet:
    """The sheet that the settings choose, with the figures that they override."""
    return price_book(settings).sheet


def default_class(settings: RetentionSettings) -> StorageClass:
    """What datasets are billed that no pattern gives a class."""
    return price_book(settings).default


def hottest_class(settings: RetentionSettings) -> StorageClass:
    """The class in which restored copies are kept, and what is new."""
    return price_book(settings).hottest


def class_name(dataset: Dataset | Candidate, settings: RetentionSettings) -> str:
    """The class of a dataset: the first pattern of ``storage_classes`` that covers it, else the default."""
    return storage_class(dataset, settings).name


def storage_class(dataset: Dataset | Candidate, settings: RetentionSettings) -> StorageClass:
    """What a dataset is billed, request prices with their factors, the storage price without its own.

    Raises:
        KeyError: a class that does not exist; ``check_prices`` finds it before.
    """
    book = price_book(settings)
    pattern = first_match(settings.storage_classes, dataset) if settings.storage_classes else None
    return book.default if pattern is None else book.classes[settings.storage_classes[pattern]]


def colder_classes(dataset: Dataset, settings: RetentionSettings) -> tuple[StorageClass, ...]:
    """The classes after the dataset's own on the sheet, hot to cold."""
    classes = price_book(settings).classes
    names = list(classes)
    return tuple(classes[name] for name in names[names.index(class_name(dataset, settings)) + 1 :])


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


def _book(settings: RetentionSettings) -> PriceBook:
    sheet = _overridden(SHEETS[settings.prices], settings.price_overrides)
    factors = {"storage": 1.0, "read": settings.read_price_factor, "write": settings.write_price_factor}
    classes = {each.name: _scaled(each, factors) for each in sheet.classes}
    hottest = sheet.classes[0].name
    name = settings.storage_class or hottest
    given = {figure: getattr(settings, f"{figure}_price") for figure in factors}
    new: dict[str, Any] = {figure: given[figure] * factors[figure] for figure in factors if given[figure] is not None}
    default = replace(classes[name], **new)
    return PriceBook(sheet, classes, default, default if name == hottest else classes[hottest])


def _scaled(found: StorageClass, factors: Mapping[str, float]) -> StorageClass:
    return replace(found, read=found.read * factors["read"], write=found.write * factors["write"])


def _overridden(sheet: PriceSheet, overrides: Mapping[str, float]) -> PriceSheet:
    changes: dict[str, dict[str, Any]] = {}
    for key, value in overrides.items():
        class_, _, figure = key.rpartition(".")
        changes.setdefault(class_, {})[figure] = value
    classes = tuple(replace(each, **changes.get(each.name, {})) for each in sheet.classes)
    return replace(sheet, classes=classes, **changes.get("", {}))


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
