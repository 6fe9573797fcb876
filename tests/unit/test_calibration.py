"""From times to settings; the measuring itself is in tests/e2e/test_calibrate.py."""

from __future__ import annotations

import pytest

from r2d2.config import load_settings
from r2d2.retention.calibration import Calibration, Throughput, sample_table, slow_of
from r2d2.retention.costs import check_settings


def calibration(read: float, write: float, cores: int = 8, together: float = 500.0) -> Calibration:
    return Calibration(cores, 1, 12.345, Throughput(read, read, together), Throughput(write, write, together))


def test_of_few_trials_the_slowest_counts_and_of_many_the_fifth_in_a_hundred() -> None:
    assert slow_of([3.0, 1.0, 2.0]) == 1.0
    assert slow_of([3.0, 1.0, 2.0], higher_is_slower=True) == 3.0
    assert slow_of([float(n) for n in range(100)]) == 5.0
    assert slow_of([float(n) for n in range(100)], higher_is_slower=True) == 94.0


@pytest.mark.parametrize(
    ("read", "write", "cores", "expected"), [(100, 200, 8, 2), (100, 100, 8, 5), (100, 100, 3, 3), (600, 100, 8, 1)]
)
def test_as_many_rebuilds_run_at_once_as_the_store_carries_and_there_are_cores(
    read: float, write: float, cores: int, expected: int
) -> None:
    assert calibration(read, write, cores).shared_rebuilds == expected


def test_the_settings_can_be_used_as_they_are() -> None:
    found = calibration(123.456, 0.98765).settings
    assert found["retention.read_mb_per_second"] == 123.0
    assert found["retention.write_mb_per_second"] == 0.988
    loaded = load_settings(overrides=tuple(f"{key}={value}" for key, value in found.items()), environ={})
    check_settings(loaded.retention)
    assert loaded.retention.startup_seconds == 12.3


def test_the_table_is_the_same_each_time_and_about_as_large_as_asked() -> None:
    assert sample_table(10_000).equals(sample_table(10_000))
    assert sample_table(1).num_rows == 1
