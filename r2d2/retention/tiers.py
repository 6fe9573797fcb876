"""Colder classes as a choice beside keeping and retiring ("Towards Optimizing Storage Costs in the Cloud", arXiv
2305.14818): what it would cost to keep a dataset in each of them, and to move it there.

A class that costs less to hold costs more to read. Whoever reads the dataset pays that, and each rebuild of what is
rebuilt from it; in an archive both wait for the first byte.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from r2d2.config import RetentionSettings
from r2d2.model import Dataset
from r2d2.retention.costs import EPSILON, class_keep_cost, keep_cost, payback_months
from r2d2.retention.holdings import early_deletion, held_objects
from r2d2.retention.latency import latency_limit, read_seconds, within
from r2d2.retention.price_sheets import StorageClass
from r2d2.retention.prices import colder_classes, storage_class
from r2d2.retention.transfers import class_read_cost, requests_cost


@dataclass(frozen=True)
class Tier:
    """One dataset in a colder class.

    Attributes:
        name: of the class.
        keep: money a month if it is kept there: storage, maintenance, and what its own accesses cost more than in the
            hottest class; comparable to ``CostProfile.keep``.
        read: money to read it once from there, as the parent of a rebuild; instead of ``CostProfile.read``.
        first_byte_seconds: until reading begins; 0 for an online class.
        once: money to move it there: a request for each object, and for those that leave their class before its
            shortest time the rest of that.
    """

    name: str
    keep: float
    read: float
    first_byte_seconds: float
    once: float


def colder_tiers(dataset: Dataset, settings: RetentionSettings, now_ns: int | None = None) -> tuple[Tier, ...]:
    """The classes after the dataset's own on the price sheet, hot to cold; none if there is none.

    Args:
        now_ns: when it would move, nanoseconds since 1970-01-01 UTC; now if not given.
    """
    leaving = early_deletion(dataset, storage_class(dataset, settings), settings, now_ns=now_ns)
    return tuple(_tier(dataset, each, leaving, settings) for each in colder_classes(dataset, settings))


def useful_tiers(
    datasets: Sequence[Dataset], pinned: Collection[str], settings: RetentionSettings, now_ns: int
) -> dict[int, tuple[Tier, ...]]:
    """By position of the datasets, the classes in which each costs less, waits no longer than it may and pays back.

    Args:
        pinned: ids of those that stay as they are.
    """
    if "colder" not in settings.actions:
        return {}
    found: dict[int, tuple[Tier, ...]] = {}
    for number, dataset in enumerate(datasets):
        if dataset.id not in pinned:
            here = keep_cost(dataset, settings)
            limit, seconds = latency_limit(dataset, settings), read_seconds(dataset.bytes, settings)
            good = tuple(
                tier
                for tier in colder_tiers(dataset, settings, now_ns)
                if here - tier.keep > max(EPSILON, settings.min_saving)
                and within(tier.first_byte_seconds + seconds, limit)
                and payback_months(tier.once, here - tier.keep) <= settings.payback_months
            )
            found |= {number: good} if good else {}
    return found


def _tier(dataset: Dataset, prices: StorageClass, leaving: float, settings: RetentionSettings) -> Tier:
    return Tier(
        name=prices.name,
        keep=class_keep_cost(dataset, prices, settings),
        read=class_read_cost(dataset, prices, settings),
        first_byte_seconds=prices.first_byte_seconds,
        once=leaving + requests_cost(held_objects(dataset), prices.write),
    )
