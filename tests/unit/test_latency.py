"""Rebuild times, limits and the patterns that give them."""

from dataclasses import replace

import pytest

from r2d2.config import RetentionSettings
from r2d2.model import Dataset
from r2d2.retention.costs import rebuild_seconds
from r2d2.retention.latency import first_match, latency_limit, within

SETTINGS = RetentionSettings(startup_seconds=30, read_mb_per_second=100, write_mb_per_second=50)


def dataset(name: str, names: tuple[str, ...] = (), size: int = 0) -> Dataset:
    return Dataset(name, "parquet", f"/lake/{name}", "v1", names=names, bytes=size)


def test_a_rebuild_takes_startup_plus_reading_plus_writing() -> None:
    parent, child = dataset("p", size=2 * 10**9), dataset("c", size=10**9)
    assert rebuild_seconds(parent, child, SETTINGS) == pytest.approx(30 + 20 + 20)


def test_a_rebuild_from_an_archived_parent_waits_for_its_first_byte() -> None:
    settings = replace(SETTINGS, storage_classes={"p": "GLACIER"})
    assert rebuild_seconds(dataset("p"), dataset("c"), settings) == 30 + 5 * 3600
    assert rebuild_seconds(dataset("c"), dataset("p"), settings) == 30, "what is restored is new, and online"


def test_a_rebuild_just_within_its_limit_is_allowed_and_one_just_above_is_not() -> None:
    assert within(60.0, 60.0)
    assert not within(60.0001, 60.0)


def test_a_limit_of_zero_allows_nothing_not_even_a_rebuild_in_no_time() -> None:
    assert not within(0.0, 0.0)


def test_the_first_pattern_in_the_order_given_sets_the_limit() -> None:
    settings = RetentionSettings(latency_limit=9.0, latency_limits={"hot/*": 1.0, "hot/x": 2.0, "*": 3.0})
    assert [latency_limit(dataset(n), settings) for n in ("hot/x", "cold/x")] == [1.0, 3.0]
    assert latency_limit(dataset("hot/x"), RetentionSettings(latency_limit=9.0)) == 9.0


def test_another_name_of_the_same_bytes_matches_too() -> None:
    assert first_match(["alias*"], dataset("a", names=("alias_a",))) == "alias*"
    assert first_match(["alias*"], dataset("a")) is None


def test_a_dataset_name_is_never_read_as_a_pattern() -> None:
    assert first_match(["a*"], dataset("[a]*")) is None
    assert first_match(["[[]a]*"], dataset("[a]*")) == "[[]a]*"


def test_a_pattern_that_names_a_directory_covers_what_lies_in_it() -> None:
    assert first_match(["hot"], dataset("hot/2024/x")) == "hot"
    assert first_match(["hot/*"], dataset("cold/hot/x")) is None
