"""What a price sheet says: classes, their figures with units, and where each figure is from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class StorageClass:
    """What one class bills.

    Attributes:
        storage: a GB a month.
        read, write: 1,000 requests.
        retrieval: a GB that is read.
        restore: 1,000 objects that are brought online before they can be read.
        min_days: what is deleted or moved earlier is billed for so many days all the same.
        min_bytes: a smaller object is billed as one of this size.
        overhead: bytes that each object is billed for besides its own.
        overhead_hot: the same, at the price of the sheet's hottest class.
        first_byte_seconds: until an object can be read; 0 for an online class.
    """

    name: str
    storage: float
    read: float
    write: float
    retrieval: float = 0.0
    restore: float = 0.0
    min_days: float = 0.0
    min_bytes: float = 0.0
    overhead: float = 0.0
    overhead_hot: float = 0.0
    first_byte_seconds: float = 0.0

    @property
    def archived(self) -> bool:
        """Objects must be brought online before they can be read; they are not read unasked."""
        return self.first_byte_seconds > 0


#: What a class has figures for, in the order in which they are shown.
CLASS_FIGURES = (
    "storage",
    "read",
    "write",
    "retrieval",
    "restore",
    "min_days",
    "min_bytes",
    "overhead",
    "overhead_hot",
    "first_byte_seconds",
)
#: What a sheet has figures for as a whole.
SHEET_FIGURES = ("gb", "part_bytes", "egress")
#: In which unit a figure is; ``currency`` stands for the sheet's.
UNITS: Mapping[str, str] = {
    "storage": "currency a GB a month",
    "read": "currency for 1,000 requests",
    "write": "currency for 1,000 requests",
    "retrieval": "currency a GB",
    "restore": "currency for 1,000 objects",
    "min_days": "days",
    "min_bytes": "bytes an object",
    "overhead": "bytes an object",
    "overhead_hot": "bytes an object, at the hottest class's price",
    "first_byte_seconds": "seconds",
    "gb": "bytes",
    "part_bytes": "bytes a request",
    "egress": "currency a GB between regions",
}


@dataclass(frozen=True)
class Source:
    """Where figures are from.

    Attributes:
        figures: names of figures, for all classes, or ``CLASS.figure`` for one, which goes before.
        url: the page that sets the price.
        as_of: when it did: a year, a month or a day; ``undated`` where the page does not tell.
        note: how the figure came here, where not from that page itself.
    """

    figures: tuple[str, ...]
    url: str
    as_of: str
    note: str = ""


@dataclass(frozen=True)
class PriceSheet:
    """What one store bills.

    Attributes:
        region: that the prices are for, in words.
        gb: bytes of what the store calls a GB.
        part_bytes: what one request moves at most.
        egress: a GB that goes to another region.
        classes: from hot to cold.
    """

    name: str
    currency: str
    region: str
    gb: float
    part_bytes: float
    egress: float
    classes: tuple[StorageClass, ...]
    sources: Sequence[Source]
