"""The arithmetic of keeping and rebuilding, and how it is told."""

import math
from dataclasses import replace

import pytest

from r2d2.config import RetentionSettings
from r2d2.errors import UsageError
from r2d2.model import DataFile, Dataset
from r2d2.retention import costs

GB = 10**9
SETTINGS = RetentionSettings(
    storage_price=0.02,
    read_price=0.4,
    write_price=5.0,
    compute_price=3.6,
    maintenance_scans=2,
    accesses_per_month=3,
    startup_seconds=10,
    read_mb_per_second=100,
    write_mb_per_second=50,
)


def dataset(name: str, size: int, files: int = 0) -> Dataset:
    file = DataFile("f", 1, 1, "f")
    return Dataset(name, "parquet", f"/lake/{name}", "v1", bytes=size, files=(file,) * files)


def test_storage_is_gigabytes_times_price_times_factor() -> None:
    assert costs.storage_cost(dataset("a", 5 * GB), replace(SETTINGS, storage_price_factor=10)) == pytest.approx(1.0)


def test_reading_costs_requests_and_core_seconds() -> None:
    # 1 GB: 120 parts of 8 MiB at 0.4 a thousand; 10 s at 0.001 a second.
    assert costs.read_cost(dataset("a", GB), SETTINGS) == pytest.approx(0.048 + 0.01)


def test_many_small_files_take_a_request_each() -> None:
    assert costs.read_requests(dataset("a", GB, files=5000)) == 5000
    assert costs.read_requests(dataset("a", 0)) == 1


def test_a_rebuild_costs_startup_reading_the_parent_and_writing_the_child() -> None:
    cost = costs.rebuild_cost(dataset("p", 2 * GB), dataset("c", GB), SETTINGS)
    assert cost == pytest.approx(0.01 + (239 * 0.0004 + 0.02) + (120 * 0.005 + 0.02))


def test_accesses_come_from_the_first_matching_pattern() -> None:
    settings = replace(SETTINGS, accesses={"a*": 7.0, "ab": 9.0})
    assert [costs.accesses_per_month(dataset(n, 1), settings) for n in ("ab", "b")] == [7.0, 3]


def test_the_lines_of_a_kept_dataset_add_up_to_its_keep_cost() -> None:
    lines = costs.explain_costs(dataset("a", 7 * GB), None, SETTINGS)
    assert lines[-1][0] == "cost a month"
    assert lines[-1][1] == pytest.approx(costs.keep_cost(dataset("a", 7 * GB), SETTINGS))
    assert math.fsum(amount for _, amount in lines[:-1]) == lines[-1][1]


def test_the_lines_of_a_retired_dataset_add_up_to_its_saving() -> None:
    parent, child = dataset("p", 9 * GB, files=3), dataset("c", 7 * GB)
    lines = costs.explain_costs(child, parent, SETTINGS)
    saving = costs.keep_cost(child, SETTINGS) - 3 * costs.rebuild_cost(parent, child, SETTINGS)
    assert lines[-1] == ("saving a month", pytest.approx(saving))
    assert math.fsum(amount for _, amount in lines[:-1]) == lines[-1][1]


@pytest.mark.parametrize(
    "broken",
    [
        {"storage_price": math.inf},
        {"accesses": {"*": -1.0}},
        {"accesses": {"*": math.nan}},
        {"latency_limits": {"*": -1.0}},
        {"latency_limit": math.nan},
        {"read_mb_per_second": 0.0},
        {"min_saving": math.inf},
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
