"""Storage classes: what holding, reading and writing costs where the bytes lie.

Prices are those of Amazon S3 in us-east-1, in USD (https://aws.amazon.com/s3/pricing/, as of 2025-01); another store's
are set as ``retention.storage_price`` and so on, which hold for every dataset without a class.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from r2d2.catalog.listing import Candidate
from r2d2.config import RetentionSettings
from r2d2.errors import UsageError
from r2d2.model import Dataset
from r2d2.retention.latency import first_match


@dataclass(frozen=True)
class StorageClass:
    """Prices of one class.

    Attributes:
        storage: a GB a month.
        read, write: 1,000 requests.
        retrieval: a GB that is read.
        archived: objects must be restored before they can be read; they are not read unasked.
    """

    storage: float
    read: float
    write: float
    retrieval: float
    archived: bool = False


CLASSES: Mapping[str, StorageClass] = {
    "STANDARD": StorageClass(0.023, 0.0004, 0.005, 0.0),
    "STANDARD_IA": StorageClass(0.0125, 0.001, 0.01, 0.01),
    "ONEZONE_IA": StorageClass(0.01, 0.001, 0.01, 0.01),
    "GLACIER_IR": StorageClass(0.004, 0.01, 0.02, 0.03),
    "GLACIER": StorageClass(0.0036, 0.0004, 0.03, 0.01, archived=True),
    "DEEP_ARCHIVE": StorageClass(0.00099, 0.0004, 0.05, 0.02, archived=True),
}


def storage_class(dataset: Dataset, settings: RetentionSettings) -> StorageClass:
    """The class of a dataset: the first pattern of ``storage_classes`` that covers it, else the prices as set.

    Raises:
        UsageError: a class that does not exist.
    """
    name = class_name(dataset, settings)
    if name is None:
        return StorageClass(settings.storage_price, settings.read_price, settings.write_price, 0.0)
    return CLASSES[name]


def class_name(dataset: Dataset | Candidate, settings: RetentionSettings) -> str | None:
    """Its name; None where the prices as set hold."""
    pattern = first_match(settings.storage_classes, dataset)
    return None if pattern is None else settings.storage_classes[pattern]


def without_archived(candidates: Sequence[Candidate], settings: RetentionSettings) -> Iterator[Candidate]:
    """The candidates, those in an archived class with the status ``archived`` unless they are to be read."""
    for candidate in candidates:
        name = class_name(candidate, settings)
        if name is not None and CLASSES[name].archived and not settings.read_archived and candidate.status == "ok":
            reason = f"its storage class {name} is archived; restore it and set retention.read_archived to read it"
            yield replace(candidate, status="archived", reason=reason)
        else:
            yield candidate


def check_classes(settings: RetentionSettings) -> None:
    """Refuses classes that do not exist.

    Raises:
        UsageError: there is one.
    """
    for pattern, name in settings.storage_classes.items():
        if name not in CLASSES:
            raise UsageError(f"retention.storage_classes {pattern!r}: there is no class {name!r}", ", ".join(CLASSES))
    if settings.storage_classes and settings.currency != "USD":
        raise UsageError(
            f"retention.storage_classes has prices in USD, retention.currency is {settings.currency}",
            "leave the currency, or give prices by retention.storage_price and so on",
        )
