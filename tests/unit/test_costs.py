"""The arithmetic of keeping and rebuilding, each term by hand."""

import math
from dataclasses import replace

import pytest

from r2d2.config import RetentionSettings
from r2d2.errors import UsageError
from r2d2.model import DataFile, Dataset, OtherFiles
from r2d2.retention import costs
from r2d2.retention.transfers import read_requests, write_requests

GB = 2**30
MONTH = 365.25 / 12
SETTINGS = RetentionSettings(
    storage_price=0.02,
    read_price=0.4,
    write_price=5.0,
    compute_price=3.6,
    maintenance_scans=2,
    accesses_per_month=3,
    startup_seconds=10,
    read_mb_per_second=GB / 10e6,  # 10 s a GB
    write_mb_per_second=GB / 20e6,  # 20 s a GB
    residency_days=MONTH / 2,
    guard_checks=20,
    parent_commits=10,
    grace_days=MONTH,
)


def dataset(name: str, size: int, files: int = 0, **fields: object) -> Dataset:
    file = DataFile("f", 1, 1, "f")
    given = {"bytes": size, "files": (file,) * files, **fields}
    return Dataset(name, "parquet", f"/lake/{name}", "v1", **given)  # type: ignore[arg-type]


def test_storage_is_gigabytes_times_price_times_factor() -> None:
    assert costs.storage_cost(dataset("a", 5 * GB), replace(SETTINGS, storage_price_factor=10)) == pytest.approx(1.0)


def test_reading_costs_requests_and_core_seconds() -> None:
    # 1 GB: 128 parts of 8 MiB at 0.4 a thousand; 10 s at 0.001 a second.
    assert costs.read_cost(dataset("a", GB), SETTINGS) == pytest.approx(0.0512 + 0.01)


def test_reading_an_archived_class_costs_retrieval_and_a_request_for_each_object_to_bring_it_online() -> None:
    settings = replace(SETTINGS, storage_classes={"a": "GLACIER"}, compute_price=0.0)
    expected = 1000 * 0.05 / 1000 + 2 * 0.01 + 1000 * 0.0004 / 1000
    assert costs.read_cost(dataset("a", 2 * GB, files=1000), settings) == pytest.approx(expected)


def test_many_small_files_take_a_request_each() -> None:
    assert read_requests(dataset("a", GB, files=5000), SETTINGS) == 5000
    assert read_requests(dataset("a", 0), SETTINGS) == 1


def test_a_store_that_bills_smaller_parts_bills_more_requests() -> None:
    assert read_requests(dataset("a", GB), replace(SETTINGS, prices="adls")) == 256
    assert write_requests(dataset("a", GB), SETTINGS) == 128


def test_a_rebuild_costs_startup_reading_the_parent_and_writing_the_child() -> None:
    cost = costs.rebuild_cost(dataset("p", 2 * GB), dataset("c", GB), SETTINGS)
    assert cost == pytest.approx(0.01 + (256 * 0.0004 + 0.02) + (128 * 0.005 + 0.02))


def test_a_restored_copy_lies_in_the_hottest_class_whatever_its_own() -> None:
    settings = RetentionSettings(storage_classes={"c": "GLACIER_IR"}, compute_price=0.0, residency_days=MONTH)
    child = dataset("c", GB)
    assert costs.write_cost(child, settings) == pytest.approx(128 * 0.005 / 1000)
    assert costs.residency_cost(child, settings) == pytest.approx(0.023)
    assert costs.storage_cost(child, settings) == pytest.approx(0.004)


def test_a_restored_copy_holds_the_rows_and_not_the_log() -> None:
    child = dataset("c", GB, others=(OtherFiles(9, 5 * GB, 1),))
    assert costs.storage_cost(child, SETTINGS) == pytest.approx(6 * 0.02)
    assert costs.residency_cost(child, SETTINGS) == pytest.approx(0.02 / 2)


def test_accesses_come_from_the_first_matching_pattern() -> None:
    settings = replace(SETTINGS, accesses={"a*": 7.0, "ab": 9.0})
    assert [costs.accesses_per_month(dataset(n, 1), settings) for n in ("ab", "b")] == [7.0, 3]


@pytest.mark.parametrize(
    ("accesses", "days", "restores"),
    [(3, MONTH / 2, 3 / 2.5), (3, 0, 3), (0, 7, 0), (1e9, MONTH / 4, 4), (0.01, 7, 0.01)],
)
def test_accesses_while_a_restored_copy_is_there_need_no_restore(accesses: float, days: float, restores: float) -> None:
    settings = replace(SETTINGS, accesses_per_month=accesses, residency_days=days)
    assert costs.restores_per_month(dataset("a", 1), settings) == pytest.approx(restores, rel=0.01)


def test_a_dataset_that_is_read_all_the_time_is_stored_all_the_time_though_it_is_retired() -> None:
    settings = replace(SETTINGS, accesses_per_month=1e9)
    child = dataset("c", GB)
    times = costs.restores_per_month(child, settings)
    assert times * costs.residency_cost(child, settings) == pytest.approx(costs.storage_cost(child, settings))


def test_guarding_costs_the_requests_of_its_checks_and_of_the_parents_changes() -> None:
    assert costs.guard_cost(SETTINGS) == pytest.approx((20 * costs.GUARD_REQUESTS + 10) * 0.4 / 1000)


def test_a_retired_dataset_costs_guard_and_restores() -> None:
    parent, child = dataset("p", 2 * GB), dataset("c", GB)
    profile = costs.profile(child, SETTINGS)
    restore = costs.rebuild_cost(parent, child, SETTINGS) + 0.02 / 2
    expected = costs.guard_cost(SETTINGS) + 3 / 2.5 * restore
    assert costs.retired_cost(parent, child, SETTINGS) == pytest.approx(expected)
    by_profile = costs.startup_cost(SETTINGS) + costs.profile(parent, SETTINGS).read + profile.write + profile.residency
    assert profile.guard + profile.accesses * by_profile == pytest.approx(expected)


def test_retiring_takes_two_proofs_the_recipe_and_quarantine_once() -> None:
    parent, child = dataset("p", 2 * GB), dataset("c", GB)
    own = 2 * costs.read_cost(child, SETTINGS) + costs.RECIPE_REQUESTS * 0.005 + 0.02
    assert costs.profile(child, SETTINGS).once == pytest.approx(own)
    both = costs.once_cost(costs.profile(child, SETTINGS), costs.profile(parent, SETTINGS))
    assert both == pytest.approx(own + 2 * costs.read_cost(parent, SETTINGS))


def test_the_payback_is_the_time_in_which_savings_make_up_for_what_was_spent_once() -> None:
    assert costs.payback_months(6, 2) == 3
    assert costs.payback_months(0, 2) == 0
    assert costs.payback_months(0, 0) == costs.payback_months(1, -1) == math.inf


@pytest.mark.parametrize(
    "broken",
    [
        {"storage_price": math.inf},
        {"read_price_factor": -1.0},
        {"accesses": {"*": -1.0}},
        {"accesses": {"*": math.nan}},
        {"latency_limits": {"*": -1.0}},
        {"latency_limit": math.nan},
        {"evacuation_limit": -1.0},
        {"payback_months": -1.0},
        {"residency_days": math.inf},
        {"guard_checks": -1.0},
        {"parent_commits": math.nan},
        {"grace_days": -1.0},
        {"shared_rebuilds": 0},
        {"read_mb_per_second": 0.0},
        {"min_saving": math.inf},
        {"accesses_factor": -1.0},
        {"min_age_days": math.nan},
        {"switching_share": math.inf},
        {"solver_seconds": math.nan},
    ],
)
def test_settings_that_no_plan_can_be_computed_with_are_refused(broken: dict[str, object]) -> None:
    with pytest.raises(UsageError, match=next(iter(broken))):
        costs.check_settings(replace(SETTINGS, **broken))  # type: ignore[arg-type]


def test_an_infinite_latency_limit_is_allowed() -> None:
    costs.check_settings(replace(SETTINGS, latency_limit=math.inf))


@pytest.mark.parametrize(
    ("amount", "text"),
    [(0, "0.00 X"), (1234.567, "1,234.57 X"), (0.0321, "0.032 X"), (4.2e-8, "0.000000042 X"), (-0.001, "-0.001 X")],
)
def test_small_amounts_of_money_are_not_shown_as_nothing(amount: float, text: str) -> None:
    assert costs.money(amount, "X") == text


def test_seconds_are_shown_without_decimals_that_say_nothing() -> None:
    assert [costs.seconds_text(s) for s in (41, 60.04, 3600, 12345.6)] == ["41 s", "60.0 s", "3,600 s", "12,346 s"]
