"""What a dataset costs a month, kept or retired. All amounts are money in ``settings.currency``.

kept    = storage + maintenance
        = GB x price x factor + scans a month x read(own bytes)
retired = accesses a month x rebuild
rebuild = start-up + read(parent's bytes) + write(child's bytes)
read, write = requests x price of a request + GB read x price of retrieval + seconds x price of a core second

A GB is 10^9 bytes. A request moves at most ``PART_BYTES``; a file takes at least one read request. A rebuild keeps one
core busy from its start to its end. Like the latency, the cost of a rebuild is a parent's term plus a child's term.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from r2d2.config import RetentionSettings
from r2d2.errors import UsageError
from r2d2.model import Dataset
from r2d2.retention.latency import first_match, latency_limit, read_seconds, write_seconds
from r2d2.retention.storage_classes import check_classes, storage_class

BYTES_PER_GB = 10**9
#: The part size that S3 clients read and upload by default.
PART_BYTES = 8 * 1024 * 1024

#: A retirement must save more than this a month: a ten-thousandth of a cent is noise, not money.
EPSILON = 1e-6

_PRICES = ("storage_price", "storage_price_factor", "read_price", "write_price", "compute_price", "maintenance_scans")
_FINITE = (*_PRICES, "accesses_per_month", "startup_seconds", "min_saving")


@dataclass(frozen=True)
class CostProfile:
    """What the model needs to know of one dataset.

    Attributes:
        keep: money a month if it is kept.
        read: money to read it once, as the parent of a rebuild.
        write: money to write it once, as the child of a rebuild.
        read_seconds: seconds to read it once.
        write_seconds: seconds to write it once.
        accesses: expected accesses a month, each of which rebuilds it if it is retired.
        limit: seconds within which it must be rebuilt.
    """

    keep: float
    read: float
    write: float
    read_seconds: float
    write_seconds: float
    accesses: float
    limit: float


def check_settings(settings: RetentionSettings) -> None:
    """Refuse amounts that no plan can be computed with.

    Raises:
        UsageError: a negative or infinite price, time or number of accesses; a negative limit; no throughput.
    """
    amounts = {f"retention.{name}": getattr(settings, name) for name in _FINITE}
    amounts |= {f"retention.accesses {pattern!r}": value for pattern, value in settings.accesses.items()}
    for name, value in amounts.items():
        if not (math.isfinite(value) and value >= 0):
            raise UsageError(f"{name} is {value}", "give a finite number of at least 0")
    check_classes(settings)
    limits = {"retention.latency_limit": settings.latency_limit}
    limits |= {f"retention.latency_limits {pattern!r}": value for pattern, value in settings.latency_limits.items()}
    for name, value in limits.items():
        if not value >= 0:
            raise UsageError(f"{name} is {value}", "give seconds; 0 keeps the dataset, inf allows any time")
    for name in ("read_mb_per_second", "write_mb_per_second"):
        if not 0 < getattr(settings, name) < math.inf:
            raise UsageError(f"retention.{name} is {getattr(settings, name)}", "give a throughput above 0")


def profile(dataset: Dataset, settings: RetentionSettings) -> CostProfile:
    """The dataset's numbers under these settings."""
    return CostProfile(
        keep=storage_cost(dataset, settings) + maintenance_cost(dataset, settings),
        read=read_cost(dataset, settings),
        write=write_cost(dataset, settings),
        read_seconds=read_seconds(dataset.bytes, settings),
        write_seconds=write_seconds(dataset.bytes, settings),
        accesses=accesses_per_month(dataset, settings),
        limit=latency_limit(dataset, settings),
    )


def storage_cost(dataset: Dataset, settings: RetentionSettings) -> float:
    """Money a month for holding the dataset's bytes."""
    return dataset.bytes / BYTES_PER_GB * storage_class(dataset, settings).storage * settings.storage_price_factor


def maintenance_cost(dataset: Dataset, settings: RetentionSettings) -> float:
    """Money a month for full scans of the dataset, for privacy and upkeep."""
    return settings.maintenance_scans * read_cost(dataset, settings)


def keep_cost(dataset: Dataset, settings: RetentionSettings) -> float:
    """Money a month if the dataset is kept."""
    return storage_cost(dataset, settings) + maintenance_cost(dataset, settings)


def read_cost(dataset: Dataset, settings: RetentionSettings) -> float:
    """Money to read the dataset once: requests, retrieval and compute."""
    prices = storage_class(dataset, settings)
    moved = _requests(read_requests(dataset), prices.read) + dataset.bytes / BYTES_PER_GB * prices.retrieval
    return moved + _compute(read_seconds(dataset.bytes, settings), settings)


def write_cost(dataset: Dataset, settings: RetentionSettings) -> float:
    """Money to write the dataset once: requests and compute."""
    prices = storage_class(dataset, settings)
    return _requests(write_requests(dataset), prices.write) + _compute(write_seconds(dataset.bytes, settings), settings)


def startup_cost(settings: RetentionSettings) -> float:
    """Money for the core that waits while a rebuild starts."""
    return _compute(settings.startup_seconds, settings)


def rebuild_cost(parent: Dataset, child: Dataset, settings: RetentionSettings) -> float:
    """Money for one rebuild of ``child`` from ``parent``."""
    return startup_cost(settings) + read_cost(parent, settings) + write_cost(child, settings)


def accesses_per_month(dataset: Dataset, settings: RetentionSettings) -> float:
    """Expected accesses a month: the first pattern that matches, else the default."""
    pattern = first_match(settings.accesses, dataset)
    return settings.accesses_per_month if pattern is None else settings.accesses[pattern]


def read_requests(dataset: Dataset) -> int:
    """Read requests of one scan: one for each part of ``PART_BYTES``, at least one for each file."""
    return max(1, len(dataset.files), -(-dataset.bytes // PART_BYTES))


def write_requests(dataset: Dataset) -> int:
    """Write requests of one rebuild: one for each part of ``PART_BYTES``."""
    return max(1, -(-dataset.bytes // PART_BYTES))


def explain_costs(dataset: Dataset, parent: Dataset | None, settings: RetentionSettings) -> list[tuple[str, float]]:
    """The arithmetic of one dataset as (label, money a month); the last line is the sum of those before it.

    Kept (``parent`` is None): what it costs. Retired: what leaves the bill, less the expected rebuilds; the sum is the
    plan's ``saving_per_month``.
    """
    lines = list(_kept_lines(dataset, settings))
    total = "cost a month"
    if parent is not None:
        lines += _rebuild_lines(dataset, parent, settings)
        total = "saving a month"
    return [*lines, (total, math.fsum(amount for _, amount in lines))]


def money(amount: float, currency: str) -> str:
    """An amount for people: cents, or two significant digits where cents would show nothing.

    >>> money(1.2, "USD"), money(0.000417, "USD"), money(0, "USD")
    ('1.20 USD', '0.00042 USD', '0.00 USD')
    """
    if amount == 0 or not math.isfinite(amount) or abs(amount) >= 0.1:
        return f"{amount:,.2f} {currency}"
    return f"{Decimal(f'{amount:.2g}'):f} {currency}"


def seconds_text(seconds: float) -> str:
    """Seconds for people, without decimals that say nothing."""
    return f"{seconds:,.0f} s" if seconds >= 1000 or seconds == round(seconds) else f"{seconds:.1f} s"


def _kept_lines(dataset: Dataset, settings: RetentionSettings) -> Iterator[tuple[str, float]]:
    price = f"{storage_class(dataset, settings).storage:g} {settings.currency} a GB"
    factor = f" x {settings.storage_price_factor:g}" if settings.storage_price_factor != 1 else ""
    yield f"storage: {dataset.bytes / BYTES_PER_GB:,.6g} GB at {price}{factor}", storage_cost(dataset, settings)
    yield f"maintenance: {settings.maintenance_scans:g} full scans", maintenance_cost(dataset, settings)


def _rebuild_lines(dataset: Dataset, parent: Dataset, settings: RetentionSettings) -> Iterator[tuple[str, float]]:
    times = accesses_per_month(dataset, settings)
    reading, writing = read_seconds(parent.bytes, settings), write_seconds(dataset.bytes, settings)
    reads, writes = read_requests(parent), write_requests(dataset)
    source, target = storage_class(parent, settings), storage_class(dataset, settings)
    retrieval = [("reading the parent, retrieval", parent.bytes / BYTES_PER_GB * source.retrieval)]
    for label, amount in (
        (f"start-up, {seconds_text(settings.startup_seconds)} of a core", startup_cost(settings)),
        (f"reading the parent, {reads:,} requests", _requests(reads, source.read)),
        *(retrieval if source.retrieval else ()),
        (f"reading the parent, {seconds_text(reading)} of a core", _compute(reading, settings)),
        (f"writing, {writes:,} requests", _requests(writes, target.write)),
        (f"writing, {seconds_text(writing)} of a core", _compute(writing, settings)),
    ):
        yield f"{times:g} rebuilds: {label}", -times * amount


def _requests(number: int, price_per_thousand: float) -> float:
    return number / 1000 * price_per_thousand


def _compute(seconds: float, settings: RetentionSettings) -> float:
    return seconds / 3600 * settings.compute_price
