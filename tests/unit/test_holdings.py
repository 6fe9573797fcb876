"""What is billed besides rows: logs and old versions, small objects, metadata, early deletion."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from r2d2.catalog import records
from r2d2.catalog.delta_tables import other_files
from r2d2.catalog.discovery import discover
from r2d2.config import DiscoverySettings, RetentionSettings
from r2d2.lake.file_tree import FileStat
from r2d2.model import DataFile, Dataset, OtherFiles
from r2d2.retention.holdings import DAY_NS, early_deletion, held_bytes, held_objects, monthly_storage
from r2d2.retention.prices import storage_class
from tests.small_lakes import delta

GB = 2**30
KIB = 1024
NOW = 20_000 * DAY_NS
SETTINGS = RetentionSettings()


def dataset(*sizes: int, age: float = 1000.0, **fields: object) -> Dataset:
    files = tuple(DataFile(f"f{n}", size, NOW - int(age * DAY_NS), f"f{n}") for n, size in enumerate(sizes))
    return Dataset("a", "parquet", "/a", "v1", files=files, bytes=sum(sizes), **fields)  # type: ignore[arg-type]


def in_class(name: str) -> RetentionSettings:
    return RetentionSettings(storage_class=name)


def month(held: Dataset, settings: RetentionSettings) -> float:
    return monthly_storage(held, storage_class(held, settings), settings)


def test_the_log_and_old_versions_of_a_table_leave_with_it(tmp_path: Path) -> None:
    table = tmp_path / "t"
    delta(table, "a.parquet")
    (table / "old.parquet").write_bytes(b"x" * 1000)
    (found,) = discover([str(tmp_path)], DiscoverySettings(), None, None).candidates
    held = Dataset("t", "delta", "t", "v0", files=found.files, bytes=found.bytes, others=found.others)
    on_disk = [path.stat().st_size for path in table.rglob("*") if path.is_file()]
    assert found.bytes == (table / "a.parquet").stat().st_size
    assert held_bytes(held) == sum(on_disk) > found.bytes + 1000
    assert held_objects(held) == len(on_disk)


def test_a_state_gives_back_what_a_table_holds_and_one_of_an_older_version_nothing() -> None:
    held = dataset(7, others=(OtherFiles(2, 30, NOW), OtherFiles(1, 4, 5)))
    row = records.dataset_row("run", held)
    assert records.dataset_of(row) == held
    older = {**row, "detail": row["detail"].replace('"others"', '"unknown"')}
    assert records.dataset_of(older) == replace(held, others=())


def test_files_are_counted_together_by_day_and_size() -> None:
    stats = [FileStat("", size, int(day * DAY_NS), "") for day, size in [(1.1, 9), (1.9, 16), (1.5, 17), (2.0, 16)]]
    expected = (
        OtherFiles(2, 25, int(1.9 * DAY_NS)),
        OtherFiles(1, 17, int(1.5 * DAY_NS)),
        OtherFiles(1, 16, 2 * DAY_NS),
    )
    assert other_files(stats) == expected


def test_files_that_others_refer_to_stay_and_are_not_counted() -> None:
    held = dataset(GB, 2 * GB, pins=("f1", "elsewhere"))
    assert (held_bytes(held), held_objects(held)) == (GB, 1)
    assert month(held, SETTINGS) == pytest.approx(0.023)


def test_small_objects_are_billed_by_the_smallest_size_of_their_class() -> None:
    held = dataset(*[KIB] * 1000, GB, others=(OtherFiles(500, 500 * 128 * KIB, NOW), OtherFiles(10, 10, NOW)))
    billed = 1000 * 128 * KIB + GB + 500 * 128 * KIB + 10 * 128 * KIB
    assert month(held, in_class("STANDARD_IA")) == pytest.approx(billed / GB * 0.0125)
    assert month(held, SETTINGS) == pytest.approx(held_bytes(held) / GB * 0.023)


def test_each_object_of_an_archive_is_billed_for_its_metadata() -> None:
    held = dataset(*[KIB] * 1000, others=(OtherFiles(24, 48 * KIB, NOW),))
    own = (1000 + 48 + 1024 * 32) * KIB / GB * 0.00099
    assert month(held, in_class("DEEP_ARCHIVE")) == pytest.approx(own + 1024 * 8 * KIB / GB * 0.023)


def test_what_goes_early_is_billed_for_the_rest_of_its_shortest_time() -> None:
    settings = in_class("GLACIER_IR")
    prices = storage_class(dataset(), settings)
    young = dataset(GB, age=20)
    cost = early_deletion(young, prices, settings, 0, NOW)
    assert cost == pytest.approx(70 / 30.4375 * 0.004)
    assert early_deletion(young, prices, settings, 30, NOW) == pytest.approx(40 / 30.4375 * 0.004), "quarantine counts"
    assert early_deletion(dataset(GB, age=60), prices, settings, 30, NOW) == 0
    assert early_deletion(young, storage_class(young, SETTINGS), SETTINGS, 0, NOW) == 0
    small = dataset(KIB, age=20)
    assert early_deletion(small, prices, settings, 0, NOW) == pytest.approx(cost * 128 * KIB / GB)
    future = dataset(GB, age=-5)
    assert early_deletion(future, prices, settings, 0, NOW) == pytest.approx(90 / 30.4375 * 0.004)


def test_the_factor_multiplies_all_that_is_stored() -> None:
    for name in ("STANDARD", "STANDARD_IA", "DEEP_ARCHIVE"):
        settings, held = in_class(name), dataset(KIB, GB, age=3)
        dearer = replace(settings, storage_price_factor=100.0)
        assert month(held, dearer) == pytest.approx(100 * month(held, settings))
        prices = storage_class(held, settings)
        once = early_deletion(held, prices, settings, 1, NOW)
        assert early_deletion(held, prices, dearer, 1, NOW) == pytest.approx(100 * once)
