"""What is known of each dataset while sources are read, before it becomes a ``Usage``."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from r2d2.model.dataset import Dataset
from r2d2.model.usage import Consumer, Job, Reads, Usage, Writer
from r2d2.usage.accesses import MAX_READERS
from r2d2.usage.places import Places


@dataclass
class Draft:
    """One dataset; fields as in ``Usage``."""

    reads: list[Reads] = field(default_factory=list)
    producers: dict[tuple[str, str], Job] = field(default_factory=dict)
    consumers: dict[Consumer, None] = field(default_factory=dict)
    upstream: dict[int, None] = field(default_factory=dict)
    owner: str = ""
    owner_source: str = ""
    last_writer: Writer | None = None
    tags: set[str] = field(default_factory=set)
    hold: bool = False
    sensitivity: str = ""
    rights: frozenset[str] | None = None
    region: str = ""
    expires: datetime | None = None
    expires_why: str = ""

    def owned(self, owner: str, source: str) -> None:
        """Proposes an owner; the first source that names one is taken."""
        if owner and not self.owner:
            self.owner, self.owner_source = owner, source

    def expires_at(self, when: datetime, why: str) -> None:
        """Something removes rows or files at a time; the earliest counts."""
        if self.expires is None or when < self.expires:
            self.expires, self.expires_why = when, why

    def usage(self, dataset: Dataset, datasets: Sequence[Dataset]) -> Usage:
        """The record."""
        return Usage(
            dataset=dataset.id,
            reads=merged(self.reads),
            producers=tuple(sorted(self.producers.values(), key=lambda job: (job.name, job.source))),
            consumers=tuple(sorted(self.consumers, key=lambda each: (each.kind, each.name, each.source))),
            upstream=tuple(sorted(datasets[index].id for index in self.upstream)),
            owner=self.owner,
            owner_source=self.owner_source,
            last_writer=self.last_writer,
            tags=frozenset(self.tags),
            hold=self.hold,
            sensitivity=self.sensitivity,
            rights=self.rights,
            region=self.region,
            expires=self.expires,
            expires_why=self.expires_why,
        )


def merged(reads: Sequence[Reads]) -> Reads | None:
    """The highest figure, with the readers of all: several logs may tell of the same reads, so they are not added."""
    if not reads:
        return None
    highest = max(reads, key=lambda each: (each.per_month, each.source))
    readers = sorted({reader for each in reads for reader in each.readers})
    more = len(readers) > MAX_READERS or any(each.more_readers for each in reads)
    return Reads(
        highest.per_month, highest.source, highest.since, highest.until, tuple(readers[:MAX_READERS]), more_readers=more
    )


class Lineage:
    """Producers, consumers and upstreams, as sources name them.

    Args:
        now: when the run started, UTC.
        live_days: a job is live if it ran within so many days, or if nothing tells when it ran.
    """

    def __init__(self, places: Places, drafts: Sequence[Draft], now: datetime, live_days: float) -> None:
        self.places, self.drafts = places, drafts
        self._alive_since = now - timedelta(days=live_days)
        self.unmatched: dict[str, int] = defaultdict(int)

    def find(self, source: str, *names: str) -> int | None:
        """The dataset that one of its names leads to; what leads to none is counted."""
        found = next((index for name in names if name and (index := self.places.of(name)) is not None), None)
        if found is None and any(names):
            self.unmatched[source] += 1
        return found

    def produced(
        self, dataset: int | None, job: str, source: str, last_run: datetime | None = None, live: bool | None = None
    ) -> None:
        """A job writes a dataset."""
        if dataset is None or not job:
            return
        known = self.drafts[dataset].producers.get((job, source))
        if known is not None and known.last_run is not None and (last_run is None or last_run < known.last_run):
            last_run = known.last_run
        if live is None:
            live = last_run is None or last_run >= self._alive_since
        self.drafts[dataset].producers[job, source] = Job(job, source, last_run, live)

    def consumed(self, dataset: int | None, name: str, kind: str, source: str) -> None:
        """Something depends on a dataset."""
        if dataset is not None and name:
            self.drafts[dataset].consumers[Consumer(name, kind, source)] = None

    def made_from(self, dataset: int | None, upstream: int | None) -> None:
        """A dataset is made from another one."""
        if dataset is not None and upstream is not None and dataset != upstream:
            self.drafts[dataset].upstream[upstream] = None
