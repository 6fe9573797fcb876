"""What a dataset costs a month, kept or retired. All amounts are money in ``settings.currency`` (docs/costs.md).

kept     = storage + maintenance + accesses
         = billed GB x price x factor + scans a month x read(own bytes) + accesses x what a colder class bills more
retired  = guard + restores a month x (rebuild + residency)
rebuild  = start-up + read(parent's bytes) + write(child's bytes)
restores = accesses / (1 + accesses x residency in months)
read     = requests + objects brought online + GB retrieved + seconds of a core
write    = requests + seconds of a core
once     = proofs x (read(child) + read(parent)) + recipe + quarantine + deleting early

A restored copy stays for the time of residency and serves the accesses of that time; the next access after that needs
another restore. So the time from one restore to the next is the residency and then the wait for an access, 1 /
accesses on average, which gives the number above (accesses are a Poisson process). A rebuild keeps one core busy from
its start to its end. Like the latency, the cost of a rebuild is a parent's term plus a child's term. Restored copies
lie in the hottest class, whatever the dataset's own was.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal

from r2d2.config import RetentionSettings
from r2d2.errors import UsageError
from r2d2.model import Dataset
from r2d2.retention.holdings import DAYS_PER_MONTH, early_deletion, monthly_storage
from r2d2.retention.latency import first_match, latency_limit, read_seconds, write_seconds
from r2d2.retention.price_sheets import StorageClass
from r2d2.retention.prices import check_prices, hottest_class, price_sheet, storage_class
from r2d2.retention.transfers import class_read_cost, compute_cost, fetch_cost, requests_cost, write_requests

#: The part size that S3 clients read and upload by default.
PART_BYTES = 8 * 1024 * 1024
#: Requests of one check of the guard: is the parent at a version that the recipe names, is the recipe there.
GUARD_REQUESTS = 2
#: Proofs that read both sides before anything is gone: when it goes to quarantine, and when it is purged.
PROOFS = 2
#: Writes of one retirement: marker beside the parent, recipe, note at the old place.
RECIPE_REQUESTS = 3

#: A retirement must save more than this a month: a ten-thousandth of a cent is noise, not money.
EPSILON = 1e-6

_FINITE = (
    "storage_price",
    "storage_price_factor",
    "read_price",
    "read_price_factor",
    "write_price",
    "write_price_factor",
    "compute_price",
    "maintenance_scans",
    "accesses_per_month",
    "accesses_factor",
    "residency_days",
    "guard_checks",
    "parent_commits",
    "grace_days",
    "startup_seconds",
    "min_saving",
    "min_age_days",
    "switching_share",
    "solver_seconds",
)


@dataclass(frozen=True)
class CostProfile:
    """What the model needs to know of one dataset.

    Attributes:
        keep: money a month if it is kept.
        read: money to read it once, as the parent of a rebuild.
        write: money to write it once, as the child of a rebuild.
        read_seconds: seconds to read it once, from the first request on.
        write_seconds: seconds to write it once.
        accesses: expected restores a month if it is retired: those accesses that no restored copy serves.
        limit: seconds within which it must be rebuilt.
        residency: money to keep a restored copy for its time, for each restore.
        guard: money a month for guarding it while it is retired.
        once: money to retire it, once, but for what its parent's part is (``once_cost``).
    """

    keep: float
    read: float
    write: float
    read_seconds: float
    write_seconds: float
    accesses: float
    limit: float
    residency: float = 0.0
    guard: float = 0.0
    once: float = 0.0


def check_settings(settings: RetentionSettings) -> None:
    """Refuse amounts that no plan can be computed with.

    Raises:
        UsageError: a negative or infinite price, time or number of accesses; a negative limit; no throughput.
    """
    amounts = {f"retention.{name}": getattr(settings, name) for name in _FINITE}
    amounts |= {f"retention.accesses {pattern!r}": value for pattern, value in settings.accesses.items()}
    for name, value in amounts.items():
        if value is not None and not (math.isfinite(value) and value >= 0):
            raise UsageError(f"{name} is {value}", "give a finite number of at least 0")
    check_prices(settings)
    limits = {f"retention.{name}": getattr(settings, name) for name in ("latency_limit", "evacuation_limit")}
    limits |= {f"retention.latency_limits {pattern!r}": value for pattern, value in settings.latency_limits.items()}
    for name, value in limits.items():
        if not value >= 0:
            raise UsageError(f"{name} is {value}", "give seconds; 0 keeps the dataset, inf allows any time")
    if not settings.payback_months >= 0:
        raise UsageError(f"retention.payback_months is {settings.payback_months}", "give months; inf allows any time")
    for name in ("read_mb_per_second", "write_mb_per_second", "rebuild_factor", "shared_rebuilds"):
        if not 0 < getattr(settings, name) < math.inf:
            raise UsageError(f"retention.{name} is {getattr(settings, name)}", "give a finite number above 0")


def profile(dataset: Dataset, settings: RetentionSettings, now_ns: int | None = None) -> CostProfile:
    """The dataset's numbers under these settings.

    Args:
        now_ns: when it would be retired, nanoseconds since 1970-01-01 UTC; now if not given.
    """
    prices = storage_class(dataset, settings)
    storage, read = monthly_storage(dataset, prices, settings), class_read_cost(dataset, prices, settings)
    return CostProfile(
        keep=storage + settings.maintenance_scans * read + access_cost(dataset, prices, settings),
        read=read,
        write=write_cost(dataset, settings),
        read_seconds=prices.first_byte_seconds + read_seconds(dataset.bytes, settings),
        write_seconds=write_seconds(dataset.bytes, settings),
        accesses=restores_per_month(dataset, settings),
        limit=latency_limit(dataset, settings),
        residency=residency_cost(dataset, settings),
        guard=guard_cost(settings),
        once=math.fsum(_once_parts(dataset, prices, storage, read, settings, now_ns).values()),
    )


def storage_cost(dataset: Dataset, settings: RetentionSettings) -> float:
    """Money a month for holding all that leaves with the dataset, as it is billed."""
    return monthly_storage(dataset, storage_class(dataset, settings), settings)


def maintenance_cost(dataset: Dataset, settings: RetentionSettings) -> float:
    """Money a month for full scans of the dataset, for privacy and upkeep."""
    return settings.maintenance_scans * read_cost(dataset, settings)


def access_cost(dataset: Dataset, prices: StorageClass, settings: RetentionSettings) -> float:
    """Money a month that its own accesses cost more in a class than in the hottest; nothing in that one."""
    hottest = hottest_class(settings)
    if prices is hottest:
        return 0.0
    hot = fetch_cost(dataset, hottest, settings)
    return accesses_per_month(dataset, settings) * max(0.0, fetch_cost(dataset, prices, settings) - hot)


def keep_cost(dataset: Dataset, settings: RetentionSettings) -> float:
    """Money a month if the dataset is kept."""
    return class_keep_cost(dataset, storage_class(dataset, settings), settings)


def class_keep_cost(dataset: Dataset, prices: StorageClass, settings: RetentionSettings) -> float:
    """Money a month if the dataset is kept in a class: storage, maintenance, dearer accesses."""
    scans = settings.maintenance_scans * class_read_cost(dataset, prices, settings)
    return monthly_storage(dataset, prices, settings) + scans + access_cost(dataset, prices, settings)


def read_cost(dataset: Dataset, settings: RetentionSettings) -> float:
    """Money to read the dataset once: requests, retrieval and compute."""
    return class_read_cost(dataset, storage_class(dataset, settings), settings)


def write_cost(dataset: Dataset, settings: RetentionSettings) -> float:
    """Money to write the dataset once, as a restored copy: requests and compute."""
    requests = requests_cost(write_requests(dataset, settings), hottest_class(settings).write)
    return requests + compute_cost(write_seconds(dataset.bytes, settings), settings)


def residency_cost(dataset: Dataset, settings: RetentionSettings) -> float:
    """Money to store a restored copy, its rows only, for the time of residency."""
    gigabytes = dataset.bytes / price_sheet(settings).gb
    month = gigabytes * hottest_class(settings).storage * settings.storage_price_factor
    return month * settings.residency_days / DAYS_PER_MONTH


def guard_cost(settings: RetentionSettings) -> float:
    """Money a month for guarding one retired dataset: its checks, and each change of its parent is read once."""
    requests = settings.guard_checks * GUARD_REQUESTS + settings.parent_commits
    return requests_cost(requests, hottest_class(settings).read)


def startup_cost(settings: RetentionSettings) -> float:
    """Money for the core that waits while a rebuild starts."""
    return compute_cost(settings.startup_seconds, settings)


def rebuild_cost(parent: Dataset, child: Dataset, settings: RetentionSettings) -> float:
    """Money for one rebuild of ``child`` from ``parent``, without keeping what it gives."""
    return startup_cost(settings) + read_cost(parent, settings) + write_cost(child, settings)


def retired_cost(parent: Dataset, child: Dataset, settings: RetentionSettings) -> float:
    """Money a month if ``child`` is retired and rebuilt from ``parent``."""
    once = rebuild_cost(parent, child, settings) + residency_cost(child, settings)
    return guard_cost(settings) + restores_per_month(child, settings) * once


def once_parts(dataset: Dataset, settings: RetentionSettings, now_ns: int | None = None) -> dict[str, float]:
    """Money to retire the dataset, once, by what for; without what its parent's part is."""
    prices = storage_class(dataset, settings)
    storage, read = storage_cost(dataset, settings), read_cost(dataset, settings)
    return _once_parts(dataset, prices, storage, read, settings, now_ns)


def _once_parts(
    dataset: Dataset, prices: StorageClass, storage: float, read: float, settings: RetentionSettings, now_ns: int | None
) -> dict[str, float]:
    return {
        "proof": PROOFS * read,
        "recipe": requests_cost(RECIPE_REQUESTS, hottest_class(settings).write),
        "quarantine": storage * settings.grace_days / DAYS_PER_MONTH,
        "early deletion": early_deletion(dataset, prices, settings, settings.grace_days, now_ns),
    }


def once_cost(child: CostProfile, parent: CostProfile) -> float:
    """Money to retire ``child``, once, if it is rebuilt from ``parent``, which each proof reads too."""
    return child.once + PROOFS * parent.read


def payback_months(once: float, saving: float) -> float:
    """Months until a saving a month has paid what it took once; infinite if it never does.

    >>> payback_months(6.0, 2.0), payback_months(0.0, 1.0), payback_months(1.0, 0.0)
    (3.0, 0.0, inf)
    """
    return once / saving if saving > 0 else math.inf


def accesses_per_month(dataset: Dataset, settings: RetentionSettings) -> float:
    """Expected accesses a month: the first pattern that matches, else what logs tell, else the default."""
    pattern = first_match(settings.accesses, dataset)
    if pattern is not None:
        return settings.accesses[pattern]
    if dataset.reads is not None:
        return dataset.reads * settings.accesses_factor
    return settings.accesses_per_month


def restores_per_month(dataset: Dataset, settings: RetentionSettings) -> float:
    """Expected restores a month of a retired dataset: accesses that no restored copy serves."""
    accesses = accesses_per_month(dataset, settings)
    return accesses / (1 + accesses * settings.residency_days / DAYS_PER_MONTH)


def access_seconds(dataset: Dataset, settings: RetentionSettings) -> float:
    """Seconds to read the dataset once, the wait for the first byte included."""
    return storage_class(dataset, settings).first_byte_seconds + read_seconds(dataset.bytes, settings)


def rebuild_seconds(parent: Dataset, child: Dataset, settings: RetentionSettings) -> float:
    """Seconds for one rebuild of ``child`` from ``parent``."""
    return settings.startup_seconds + access_seconds(parent, settings) + write_seconds(child.bytes, settings)


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
