"""Colder classes of one dataset, by hand, and against a dataset that already lies there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from r2d2.config import RetentionSettings
from r2d2.model import DataFile, Dataset, OtherFiles
from r2d2.retention.costs import keep_cost, profile, read_cost
from r2d2.retention.holdings import DAY_NS
from r2d2.retention.price_data import SHEETS
from r2d2.retention.tiers import Tier, colder_tiers

GB = 2**30
NOW = 20_000 * DAY_NS
FILES = tuple(DataFile(f"f{n}", GB, NOW - 10 * DAY_NS, f"f{n}") for n in range(4))
DATASET = Dataset("a", "parquet", "/a", "v1", files=FILES, bytes=4 * GB, others=(OtherFiles(6, 6000, NOW),))
SETTINGS = RetentionSettings(compute_price=0.0, maintenance_scans=0.5, accesses_per_month=2.0)


def tiers(settings: RetentionSettings = SETTINGS) -> dict[str, Tier]:
    return {tier.name: tier for tier in colder_tiers(DATASET, settings, NOW)}


def test_the_classes_after_its_own_come_from_hot_to_cold() -> None:
    assert list(tiers()) == ["STANDARD_IA", "ONEZONE_IA", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE"]
    assert list(tiers(replace(SETTINGS, storage_class="GLACIER"))) == ["DEEP_ARCHIVE"]
    assert list(tiers(replace(SETTINGS, storage_classes={"a": "DEEP_ARCHIVE"}))) == []
    assert list(tiers(replace(SETTINGS, prices="on-premises"))) == []


def test_a_tier_costs_storage_scans_and_what_its_accesses_retrieve() -> None:
    tier = tiers()["STANDARD_IA"]
    requests = 512 * 0.001 / 1000
    held = (4 * GB + 6 * 128 * 1024) / GB * 0.0125  # the log's small objects are billed as 128 KiB each
    scans = 0.5 * (requests + 4 * 0.01)
    accesses = 2 * (4 * 0.01 + 512 * (0.001 - 0.0004) / 1000)
    assert tier.keep == pytest.approx(held + scans + accesses)
    assert tier.read == pytest.approx(requests + 4 * 0.01)
    assert tier.once == pytest.approx(10 * 0.01 / 1000)
    assert tier.first_byte_seconds == 0


def test_an_archive_waits_and_its_objects_are_brought_online() -> None:
    tier = tiers()["GLACIER"]
    assert tier.first_byte_seconds == 5 * 3600
    assert tier.read == pytest.approx(512 * 0.0004 / 1000 + 4 * 0.05 / 1000 + 4 * 0.01)


def test_leaving_a_class_early_is_paid_for() -> None:
    settings = replace(SETTINGS, storage_class="STANDARD_IA")
    rest = 20 / 30.4375 * 4 * 0.0125  # the rows are 10 days old
    log = 30 / 30.4375 * 6 * 128 * 1024 / GB * 0.0125
    assert tiers(settings)["GLACIER_IR"].once == pytest.approx(rest + log + 10 * 0.02 / 1000)


@pytest.mark.parametrize("sheet", list(SHEETS))
def test_a_tier_is_what_a_dataset_costs_that_lies_there(sheet: str) -> None:
    settings = replace(SETTINGS, prices=sheet, compute_price=0.05, storage_price_factor=7.0)
    for tier in tiers(settings).values():
        there = replace(settings, storage_classes={"a": tier.name})
        assert tier.keep == pytest.approx(keep_cost(DATASET, there))
        assert tier.read == pytest.approx(read_cost(DATASET, there))
        waits = profile(DATASET, there).read_seconds - profile(DATASET, settings).read_seconds
        assert tier.first_byte_seconds == pytest.approx(waits)


def test_what_is_never_read_is_cheapest_in_the_coldest_class_and_what_is_always_read_in_the_hottest() -> None:
    unread = replace(SETTINGS, accesses_per_month=0.0, maintenance_scans=0.0)
    costs = [keep_cost(DATASET, unread), *(tier.keep for tier in tiers(unread).values())]
    assert costs == sorted(costs, reverse=True)
    busy = replace(SETTINGS, accesses_per_month=100.0)
    assert keep_cost(DATASET, busy) < min(tier.keep for tier in tiers(busy).values())
