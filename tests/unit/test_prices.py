"""Price sheets: every figure has a source, settings override figures, and what does not exist is refused."""

from __future__ import annotations

from collections import Counter
from dataclasses import fields

import pytest

from r2d2.catalog.listing import Candidate
from r2d2.config import RetentionSettings
from r2d2.errors import UsageError
from r2d2.model import Dataset
from r2d2.retention.price_data import SHEETS
from r2d2.retention.price_sheets import CLASS_FIGURES, SHEET_FIGURES, UNITS, PriceSheet, StorageClass
from r2d2.retention.prices import (
    check_prices,
    class_name,
    colder_classes,
    default_class,
    hottest_class,
    price_rows,
    price_sheet,
    storage_class,
    without_archived,
)

OWN = {"storage_price": 1.0, "read_price": 0.0, "write_price": 0.0}
A, B = (Dataset(name, "parquet", name, "v1") for name in "ab")


def test_every_figure_of_every_sheet_names_a_page_and_a_date_or_that_there_is_none() -> None:
    rows = list(price_rows())
    assert len(rows) == sum(len(SHEET_FIGURES) + len(CLASS_FIGURES) * len(s.classes) for s in SHEETS.values())
    assert all(row["source"].startswith("https://") for row in rows)
    assert all(row["as_of"] == "undated" or row["as_of"].startswith("202") for row in rows)
    assert all(row["note"] for row in rows if row["as_of"] == "undated"), "where it came from instead is said"


@pytest.mark.parametrize("sheet", SHEETS.values(), ids=list(SHEETS))
def test_no_source_is_there_for_nothing_and_no_figure_has_two(sheet: PriceSheet) -> None:
    names = [each.name for each in sheet.classes]
    known = {*SHEET_FIGURES, *CLASS_FIGURES, *(f"{name}.{figure}" for name in names for figure in CLASS_FIGURES)}
    named = Counter(figure for source in sheet.sources for figure in source.figures)
    assert set(named) <= known
    assert set(named.values()) == {1}


def test_every_field_of_a_class_and_of_a_sheet_is_a_figure_with_a_unit() -> None:
    assert [f.name for f in fields(StorageClass)] == ["name", *CLASS_FIGURES]
    assert {f.name for f in fields(PriceSheet) if f.type == "float"} == set(SHEET_FIGURES)
    assert set(UNITS) == {*CLASS_FIGURES, *SHEET_FIGURES}


@pytest.mark.parametrize("sheet", SHEETS.values(), ids=list(SHEETS))
def test_colder_is_cheaper_to_hold_and_no_cheaper_to_read(sheet: PriceSheet) -> None:
    storage = [each.storage for each in sheet.classes]
    reading = [each.read * 128 + each.retrieval * 1000 + each.restore for each in sheet.classes if not each.archived]
    assert storage == sorted(storage, reverse=True)
    assert reading == sorted(reading)
    assert not sheet.classes[0].archived


def test_the_default_is_s3_standard_as_it_always_was() -> None:
    found = storage_class(A, RetentionSettings())
    assert (found.name, found.storage, found.read, found.write) == ("STANDARD", 0.023, 0.0004, 0.005)


def test_a_pattern_gives_a_class_and_what_has_none_the_default() -> None:
    settings = RetentionSettings(prices="gcs", storage_classes={"a": "ARCHIVE"}, storage_class="NEARLINE")
    assert [storage_class(each, settings).name for each in (A, B)] == ["ARCHIVE", "NEARLINE"]
    assert [class_name(each, settings) for each in (A, B)] == ["ARCHIVE", "NEARLINE"]
    assert [each.name for each in colder_classes(B, settings)] == ["COLDLINE", "ARCHIVE"]
    assert hottest_class(settings).name == "STANDARD"


def test_prices_as_set_hold_for_what_no_pattern_gives_a_class() -> None:
    settings = RetentionSettings(storage_price=1.0, write_price=2.0, storage_classes={"a": "STANDARD"})
    assert (storage_class(A, settings).storage, storage_class(B, settings).storage) == (0.023, 1.0)
    assert (default_class(settings).read, default_class(settings).write) == (0.0004, 2.0)
    assert hottest_class(settings).storage == 1.0


def test_any_figure_can_be_overridden() -> None:
    for row in price_rows():
        key = f"{row['class']}.{row['figure']}" if row["class"] else row["figure"]
        settings = RetentionSettings(prices=row["sheet"], price_overrides={key: 12345.0})
        check_prices(settings)
        sheet = price_sheet(settings)
        whole = {each.name: each for each in sheet.classes}.get(row["class"], sheet)
        assert getattr(whole, row["figure"]) == 12345.0
        others = [f for f in (CLASS_FIGURES if row["class"] else SHEET_FIGURES) if f != row["figure"]]
        assert all(getattr(whole, other) != 12345.0 for other in others)


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({"storage_classes": {"a": "HOT"}}, "s3 has no class 'HOT'"),
        ({"storage_class": "HOT"}, "s3 has no class 'HOT'"),
        ({"prices": "adls", "storage_classes": {"a": "STANDARD"}}, "adls has no class 'STANDARD'"),
        ({"price_overrides": {"STANDARD.colour": 1.0}}, "has no 'STANDARD.colour'"),
        ({"price_overrides": {"storage": 1.0}}, "has no 'storage'"),
        ({"price_overrides": {"STANDARD.read": -1.0}}, "STANDARD.read is -1"),
        ({"price_overrides": {"gb": 0.0}}, "gb is 0"),
        ({"currency": "EUR"}, "in USD, retention.currency is EUR"),
        ({"currency": "EUR", "storage_classes": {"a": "GLACIER"}, **OWN}, "in USD"),
    ],
)  # fmt: skip
def test_what_does_not_exist_or_does_not_fit_is_refused(given: dict[str, object], what: str) -> None:
    with pytest.raises(UsageError, match=what):
        check_prices(RetentionSettings(**given))  # type: ignore[arg-type]


def test_prices_of_ones_own_may_be_in_any_currency() -> None:
    check_prices(RetentionSettings(currency="EUR", **OWN))


def test_what_lies_in_an_archived_class_is_not_read_unasked() -> None:
    settings = RetentionSettings(storage_classes={"a": "GLACIER"})
    candidates = [Candidate("a", "parquet", "/a"), Candidate("b", "parquet", "/b")]
    assert [c.status for c in without_archived(candidates, settings)] == ["archived", "ok"]
    everything = RetentionSettings(storage_class="DEEP_ARCHIVE")
    assert [c.status for c in without_archived(candidates, everything)] == ["archived", "archived"]
    assert [
        c.status for c in without_archived(candidates, RetentionSettings(prices="gcs", storage_class="ARCHIVE"))
    ] == [
        "ok",
        "ok",
    ], "every class of GCS is online"
