"""What a dataset holds, as its store bills it: not only rows, and not only bytes.

A table's log, its checkpoints and the files of older versions lie in its directory and go with it. Files that other
datasets refer to, or that lie elsewhere, stay, and are not counted. Colder classes bill small objects as larger ones,
each object for its metadata, and what is deleted early for the rest of its time. Versions that a bucket's own rules
keep of deleted objects are unknown here.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from r2d2.config import RetentionSettings
from r2d2.model import Dataset, OtherFiles
from r2d2.retention.price_sheets import StorageClass
from r2d2.retention.prices import hottest_class, price_sheet

#: Of a month, the mean: 365.25 / 12.
DAYS_PER_MONTH = 30.4375
DAY_NS = 86_400 * 10**9


def held_bytes(dataset: Dataset) -> int:
    """Bytes that leave with the dataset."""
    return dataset.bytes - _elsewhere(dataset) + sum(group.bytes for group in dataset.others)


def held_objects(dataset: Dataset) -> int:
    """Objects that leave with the dataset."""
    return sum(group.number for group in _groups(dataset))


def padding_bytes(dataset: Dataset, prices: StorageClass) -> float:
    """Bytes that are billed besides those held: up to the smallest size, and for metadata, at the class's price."""
    if not prices.min_bytes and not prices.overhead:
        return 0.0
    return sum(_padding(group, prices) for group in _groups(dataset))


def monthly_storage(dataset: Dataset, prices: StorageClass, settings: RetentionSettings) -> float:
    """Money for a month of everything that the dataset holds, in one class."""
    own = (held_bytes(dataset) + padding_bytes(dataset, prices)) * prices.storage
    hot = held_objects(dataset) * prices.overhead_hot * hottest_class(settings).storage if prices.overhead_hot else 0.0
    return (own + hot) / price_sheet(settings).gb * settings.storage_price_factor


def early_deletion(
    dataset: Dataset, prices: StorageClass, settings: RetentionSettings, days: float = 0.0, now_ns: int | None = None
) -> float:
    """Money for what has not been there for the class's shortest time when it goes.

    Args:
        days: from now until it goes.
        now_ns: nanoseconds since 1970-01-01 UTC; the clock's if not given.
    """
    if not prices.min_days:
        return 0.0
    now = time.time_ns() if now_ns is None else now_ns
    byte_days = 0.0
    for group in _groups(dataset):
        missing = prices.min_days - max(0.0, (now - group.mtime_ns) / DAY_NS) - days
        byte_days += max(0.0, missing) * (group.bytes + _padding(group, prices))
    month = byte_days / DAYS_PER_MONTH / price_sheet(settings).gb
    return month * prices.storage * settings.storage_price_factor


def _groups(dataset: Dataset) -> Iterator[OtherFiles]:
    """All objects that leave with the dataset; one for a dataset whose files are not known."""
    pins = frozenset(dataset.pins)
    for file in dataset.files:
        if file.identity not in pins:
            yield OtherFiles(1, file.size, file.mtime_ns)
    if not dataset.files:
        yield OtherFiles(1, dataset.bytes, dataset.modified_ns)
    yield from dataset.others


def _padding(group: OtherFiles, prices: StorageClass) -> float:
    return max(0.0, group.number * prices.min_bytes - group.bytes) + group.number * prices.overhead


def _elsewhere(dataset: Dataset) -> int:
    """Bytes of its rows in files that stay: other datasets refer to them, or they lie elsewhere."""
    pins = frozenset(dataset.pins)
    return sum(file.size for file in dataset.files if file.identity in pins) if pins else 0
