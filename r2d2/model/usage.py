"""What is known of a dataset besides its bytes: who reads and writes it, who may, and how long it lasts. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Reads:
    """How often a dataset is read, as one source tells it (docs/usage.md says what a read is).

    Attributes:
        per_month: reads in a month of 30.44 days.
        source: which log says so.
        since, until: the window that the log covers, UTC.
        readers: principals that were seen, sorted; the first twenty of them.
        more_readers: there were more.
    """

    per_month: float
    source: str
    since: datetime
    until: datetime
    readers: tuple[str, ...] = ()
    more_readers: bool = False


@dataclass(frozen=True)
class Job:
    """What writes a dataset.

    Attributes:
        last_run: UTC; None where the source does not tell.
        live: it is expected to run again.
    """

    name: str
    source: str
    last_run: datetime | None
    live: bool


@dataclass(frozen=True)
class Consumer:
    """What depends on a dataset: ``kind`` is ``exposure``, ``model``, ``job``, ``dashboard`` and the like."""

    name: str
    kind: str
    source: str


@dataclass(frozen=True)
class Writer:
    """Who wrote a table last, as its log tells; empty texts where it does not."""

    job: str
    user: str
    at: datetime
    engine: str


@dataclass(frozen=True)
class Usage:
    """What is known of one dataset besides its bytes.

    Attributes:
        dataset: its id.
        reads: None is unknown, never 0.
        producers: jobs that write it.
        consumers: what depends on it.
        upstream: ids of the datasets that it is made from.
        owner: a person or team; empty if unknown.
        owner_source: who says so.
        hold: a legal hold: nothing of it may go.
        sensitivity: a class such as ``public`` or ``pii``; empty if unknown.
        rights: principals that may read it (``user:alice``, ``group:etl``; ``*`` is everyone); None if unknown.
        region: where its bytes lie; empty if unknown.
        expires: when its first rows or files go by themselves; None if nothing is known to remove them.
        expires_why: what removes them.
    """

    dataset: str
    reads: Reads | None = None
    producers: tuple[Job, ...] = ()
    consumers: tuple[Consumer, ...] = ()
    upstream: tuple[str, ...] = ()
    owner: str = ""
    owner_source: str = ""
    last_writer: Writer | None = None
    tags: frozenset[str] = frozenset()
    hold: bool = False
    sensitivity: str = ""
    rights: frozenset[str] | None = None
    region: str = ""
    expires: datetime | None = None
    expires_why: str = ""
