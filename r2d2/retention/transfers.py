"""What moving a dataset's bytes costs: requests, retrieval, and the core that is busy meanwhile."""

from __future__ import annotations

import math

from r2d2.config import RetentionSettings
from r2d2.model import Dataset
from r2d2.retention.latency import read_seconds
from r2d2.retention.price_sheets import StorageClass
from r2d2.retention.prices import price_sheet


def class_read_cost(dataset: Dataset, prices: StorageClass, settings: RetentionSettings) -> float:
    """Money to read the dataset once from a class: requests, retrieval and compute."""
    fetched = fetch_cost(dataset, prices, settings)
    return fetched + compute_cost(read_seconds(dataset.bytes, settings), settings)


def fetch_cost(dataset: Dataset, prices: StorageClass, settings: RetentionSettings) -> float:
    """What a store of one class bills for reading the dataset once, without compute."""
    restored = requests_cost(max(1, len(dataset.files)), prices.restore)
    retrieved = dataset.bytes / price_sheet(settings).gb * prices.retrieval
    return requests_cost(read_requests(dataset, settings), prices.read) + restored + retrieved


def read_requests(dataset: Dataset, settings: RetentionSettings) -> int:
    """Read requests of one scan: one for each part that the store moves at once, at least one for each file."""
    return max(1, len(dataset.files), math.ceil(dataset.bytes / price_sheet(settings).part_bytes))


def write_requests(dataset: Dataset, settings: RetentionSettings) -> int:
    """Write requests of one rebuild: one for each part that the store moves at once."""
    return max(1, math.ceil(dataset.bytes / price_sheet(settings).part_bytes))


def requests_cost(number: float, price_per_thousand: float) -> float:
    """Money for requests."""
    return number / 1000 * price_per_thousand


def compute_cost(seconds: float, settings: RetentionSettings) -> float:
    """Money for a core."""
    return seconds / 3600 * settings.compute_price
