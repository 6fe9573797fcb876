"""What is known of the datasets below a topic, summed up."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from r2d2.model.dataset import Dataset
from r2d2.visible import masked_id

#: A date in a name: a year, with or without a month and a day; ``2024-01-31``, ``202401``, ``2024_01``, ``2024``.
_DATE = re.compile(r"(?<!\d)((?:19|20)\d\d)(?:[-_/.]?(0[1-9]|1[0-2])(?:[-_/.]?(0[1-9]|[12]\d|3[01]))?)?(?!\d)")


@dataclass(frozen=True)
class Facts:
    """Of some datasets.

    Attributes:
        datasets: how many.
        rows: of those whose rows are known.
        unknown_rows: datasets whose rows are not.
        bytes: of data files.
        held: datasets all of whose rows another one holds, as was proven.
        formats, owners: how many datasets have which.
        first, last: dates in their names, as far as names give them (``2024``, ``2024-01``); empty without one. Those
            of partitions are none.
    """

    datasets: int = 0
    rows: int = 0
    unknown_rows: int = 0
    bytes: int = 0
    held: int = 0
    formats: Mapping[str, int] = field(default_factory=dict)
    owners: Mapping[str, int] = field(default_factory=dict)
    first: str = ""
    last: str = ""


def facts_of(dataset: Dataset, held: bool, owner: str) -> Facts:
    """Of one dataset.

    Args:
        held: whether another one holds all its rows.
        owner: empty if unknown.
    """
    dates = sorted(_dates(masked_id(dataset.id)))  # facts are told where values of partitions may not be
    return Facts(
        datasets=1,
        rows=dataset.rows or 0,
        unknown_rows=int(dataset.rows is None),
        bytes=dataset.bytes,
        held=int(held),
        formats={dataset.format: 1},
        owners={owner: 1} if owner else {},
        first=dates[0] if dates else "",
        last=dates[-1] if dates else "",
    )


def summed(parts: Iterable[Facts]) -> Facts:
    """Of all of them together."""
    each = list(parts)
    formats: Counter[str] = Counter()
    owners: Counter[str] = Counter()
    for part in each:
        formats.update(part.formats)
        owners.update(part.owners)
    return Facts(
        datasets=sum(part.datasets for part in each),
        rows=sum(part.rows for part in each),
        unknown_rows=sum(part.unknown_rows for part in each),
        bytes=sum(part.bytes for part in each),
        held=sum(part.held for part in each),
        formats=dict(formats.most_common()),
        owners=dict(owners.most_common()),
        first=min((part.first for part in each if part.first), default=""),
        last=max((part.last for part in each if part.last), default=""),
    )


def _dates(name: str) -> Iterator[str]:
    for match in _DATE.finditer(name):
        yield "-".join(part for part in match.groups() if part)
