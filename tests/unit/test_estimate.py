"""The arithmetic of an estimate, each figure by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from r2d2.config import RetentionSettings
from r2d2.model.dataset import DataFile, Dataset
from r2d2.model.funnel import Funnel, StageFigures
from r2d2.retention.costs import PART_BYTES
from r2d2.retention.estimate import (
    FIXED_SECONDS,
    GZIPPED,
    KEPT_FACTOR,
    METADATA_RATES,
    REREAD_BYTES,
    REREAD_FACTOR,
    SCAN_RATES,
    ClassLine,
    Estimate,
    Rates,
    Share,
    Stage,
    after_scan,
    class_lines,
    longest_text,
    rates_of,
    repeated,
    scan_seconds,
    shares_of,
    stage_of,
    text_seconds,
    whole,
)

FOUR = Rates(4, 1.0, KEPT_FACTOR, "here")


def dataset(name: str, *sizes: int) -> Dataset:
    files = tuple(DataFile(f"{name}/{number}", size, 1, "") for number, size in enumerate(sizes))
    return Dataset(name, "parquet", name, "v", files=files, bytes=sum(sizes))


def test_a_request_moves_a_part_of_a_file_at_most() -> None:
    assert whole(dataset("a", 10, 10, 10)).requests == 3
    assert whole(dataset("a", 3 * PART_BYTES + 1)).requests == 4
    assert whole(dataset("a")).requests == 1


def test_more_cores_than_tasks_do_not_help() -> None:
    reads = [whole(dataset("a", 100)), whole(dataset("b", 50, 50))]
    assert stage_of("scan", "x", reads, 2, 12.0, 8) == Stage("scan", "x", 2, 3, 200, 3, 2, 12.0, 6.0)
    assert stage_of("scan", "x", reads, 100, 12.0, 8).seconds == 1.5
    assert stage_of("scan", "x", [], 0, 0.0, 8).seconds == 0


def test_boxes_and_joins_are_a_multiple_of_all_scans_and_read_again_only_what_is_not_kept() -> None:
    scans = [Stage("a", "", bytes=100, requests=4, tasks=3, core_seconds=10.0, seconds=5.0), Stage("b", "", bytes=300)]
    kept = after_scan(scans, FOUR, kept=True)
    assert (kept.bytes, kept.core_seconds, kept.seconds) == (0, 10 * KEPT_FACTOR, 5 * KEPT_FACTOR)
    again = after_scan(scans, Rates(4, 1.0, REREAD_FACTOR, ""), kept=False)
    assert (again.bytes, again.requests) == (int(400 * REREAD_BYTES), int(4 * REREAD_BYTES))


def test_each_storage_class_has_its_own_prices_and_archived_ones_are_not_read() -> None:
    settings = RetentionSettings(
        storage_classes={"cold*": "GLACIER_IR", "old*": "DEEP_ARCHIVE"}, read_price=1.0
    )  # fmt: skip
    reads = [whole(dataset("cold1", 10**9)), whole(dataset("warm", 500)), whole(dataset("cold2", 10**9))]
    lines = class_lines([*reads, reads[0]], [dataset("old", 7)], settings)
    parts, retrieval = 3 * -(-(10**9) // PART_BYTES), 0.03 * 3 * 10**9 / 2**30
    assert lines == (
        ClassLine("GLACIER_IR", 2, 3 * 10**9, parts, pytest.approx(parts / 1000 * 0.01), pytest.approx(retrieval)),
        ClassLine("STANDARD", 1, 500, 1, 0.001, 0.0),
        ClassLine("DEEP_ARCHIVE", 1, 7, archived=True),
    )


def test_what_is_read_again_costs_again() -> None:
    (again,) = repeated([whole(dataset("a", 100, 100))], 1.5)
    assert (again.bytes, again.requests) == (300, 3)


def test_all_money_is_requests_retrieval_and_cores_from_start_to_end() -> None:
    stages = (Stage("scan", "", bytes=5, seconds=3600 - FIXED_SECONDS),)
    line = ClassLine("STANDARD_IA", 1, 5, 1, 2.0, 3.0)
    found = Estimate(stages, (line,), FOUR, "USD", 0.05, True, 1, 0)
    assert (found.bytes, found.seconds) == (5, 3600)
    assert found.compute_cost == pytest.approx(4 * 0.05)
    assert found.cost == pytest.approx(5.2)


def funnel(scan: float, size: int, join: float) -> Funnel:
    return Funnel(stages=(StageFigures("scan", scan, size, 1), StageFigures("join", join)))


def test_earlier_runs_say_how_fast_the_machine_is_if_they_read_enough() -> None:
    runs = [funnel(10.0, 800_000_000, 5.0), funnel(10.0, 400_000_000, 1.0), funnel(9.0, 9_000_000, 100.0), Funnel()]
    lake = [dataset("a", 10**9)]  # usually 100 MB a second and core; those runs read 60 MB a second on 2 cores
    rates = rates_of(runs, lake, 2, kept=True)
    assert rates.pace == pytest.approx(0.3)
    assert rates.after == pytest.approx(0.3)
    limited = Funnel(stages=(StageFigures("scan and join, best value first", 10.0, 200_000_000, 1),))
    assert rates_of([limited], lake, 2, True) == Rates(2, pytest.approx(0.1), 0.0, "earlier runs on this state")


def test_a_pace_is_that_of_the_formats_that_the_lake_has() -> None:
    """Runs over text are slow, and say nothing bad of the machine."""
    runs = [funnel(10.0, 140_000_000, 0.0)]
    text = replace(dataset("t", 10**9), format="csv")
    assert rates_of(runs, [text], 2, kept=True).pace == pytest.approx(7e6 / SCAN_RATES["csv"])


@pytest.mark.parametrize(("kept", "factor"), [(True, KEPT_FACTOR), (False, REREAD_FACTOR)])
def test_without_earlier_runs_the_rates_are_those_of_the_docs(kept: bool, factor: float) -> None:
    rates = rates_of([funnel(1.0, 5, 1.0)], [], 2, kept)
    assert (rates.pace, rates.after) == (1.0, factor)
    assert "docs/scale.md" in rates.source


def test_text_takes_longer_and_gzipped_text_longer_still() -> None:
    plain, zipped = (replace(dataset("a", 90), format="csv", files=(DataFile(n, 90, 1, ""),)) for n in ("a", "a.GZ"))
    assert text_seconds(plain) == pytest.approx(90 / METADATA_RATES["csv"])
    assert text_seconds(zipped) == pytest.approx(GZIPPED * 90 / METADATA_RATES["csv"])
    assert scan_seconds(dataset("p", 100, 100)) == pytest.approx(200 / SCAN_RATES["parquet"])


def test_a_stage_takes_as_long_as_its_largest_text_file() -> None:
    text = replace(dataset("a", 90, 7), format="csv")
    longest = longest_text([text, dataset("p", 10**9)], text_seconds)
    assert longest == pytest.approx(90 / METADATA_RATES["csv"])
    assert stage_of("metadata", "x", [], 8, 12.0, 8, 5.0).seconds == 5.0


def test_a_limit_leaves_half_to_metadata_and_the_rest_to_the_scan() -> None:
    metadata, scan = [Stage("m", "", bytes=100, seconds=10.0)], [Stage("s", "", bytes=400, seconds=40.0)]
    assert shares_of(0, 0.0, metadata, scan) == ()
    assert shares_of(100, 0.0, metadata, scan) == (Share("max_bytes", 0.5, 0.125),)
    assert shares_of(300, 0.0, metadata, scan) == (Share("max_bytes", 1.0, 0.5),)
    assert shares_of(10**6, 0.0, metadata, scan) == (Share("max_bytes", 1.0, 1.0),)
    assert shares_of(0, FIXED_SECONDS + 30, metadata, scan) == (Share("time_limit", 1.0, 0.5),)
    assert shares_of(0, 1.0, metadata, scan) == (Share("time_limit", 0.0, 0.0),)
    assert shares_of(10, 0.0, [], []) == (Share("max_bytes", 1.0, 1.0),)
