"""Counting accesses: reads of one dataset by one reader in one hour are one access, in memory that stays small."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import translate
from functools import lru_cache
from re import compile as regex
from sys import intern

import numpy as np
import numpy.typing as npt

from r2d2.catalog.listing import Problem
from r2d2.model.usage import Reads
from r2d2.usage.sources import Faults

#: Seconds of a month: a twelfth of 365.25 days.
MONTH = 365.25 * 86_400 / 12
HOUR = 3_600
#: Readers that are named for each dataset.
MAX_READERS = 20
#: Accesses are 64 bits each: which dataset, and a hash of reader and hour.
_HASH_BITS = 40
_PENDING = 1 << 20
_RECENT = 1 << 16


class Own:
    """Which readers are r2d2 itself: glob patterns of user agents and principals."""

    def __init__(self, patterns: Sequence[str]) -> None:
        self._pattern = regex("|".join(translate(pattern) for pattern in patterns) or r"(?!)")
        self.is_own = lru_cache(maxsize=2**12)(lambda text: bool(text and self._pattern.match(text)))


class Accesses:
    """Distinct (dataset, reader, hour), 8 bytes for each, and who the readers were."""

    def __init__(self) -> None:
        self.readers: dict[int, set[str]] = defaultdict(set)
        self.more_readers: set[int] = set()
        self._known: npt.NDArray[np.uint64] = np.empty(0, np.uint64)
        self._pending = array("Q")
        self._recent: dict[tuple[int, str], int] = {}

    def add(self, dataset: int, reader: str, at: int) -> None:
        """A read at a time in seconds since 1970-01-01 UTC."""
        hour = at // HOUR
        if self._recent.get((dataset, reader)) == hour:
            return
        if len(self._recent) >= _RECENT:
            self._recent.clear()
        self._recent[dataset, reader] = hour
        self._pending.append(dataset << _HASH_BITS | hash((reader, hour)) & ((1 << _HASH_BITS) - 1))
        if len(self._pending) >= max(_PENDING, len(self._known) // 2):
            self._compact()
        self.seen(dataset, reader)

    def seen(self, dataset: int, reader: str) -> None:
        """A reader of a dataset."""
        readers = self.readers[dataset]
        if not reader or reader in readers:
            return
        if len(readers) < MAX_READERS:
            readers.add(intern(reader))  # a text for each line that names them would be kept otherwise
        else:
            self.more_readers.add(dataset)

    def count(self) -> dict[int, int]:
        """Accesses by dataset."""
        self._compact()
        if not len(self._known):
            return {}
        datasets = np.arange(int(self._known[-1]) >> _HASH_BITS, dtype=np.uint64) + np.uint64(1)
        starts = np.searchsorted(self._known, datasets << np.uint64(_HASH_BITS))
        times = np.diff(starts, prepend=0, append=len(self._known)).tolist()
        return {dataset: number for dataset, number in enumerate(times) if number}

    def _compact(self) -> None:
        """Sorts in what is pending; takes twice the memory of what is known, for a moment."""
        pending = np.unique(np.frombuffer(self._pending, np.uint64))
        places = np.searchsorted(self._known, pending)
        new = np.ones(len(pending), bool)
        inside = places < len(self._known)
        new[inside] = self._known[places[inside]] != pending[inside]
        self._known = np.insert(self._known, places[new], pending[new])
        self._pending = array("Q")


@dataclass
class Window:
    """From the first to the last line, seconds since 1970-01-01 UTC."""

    since: float = float("inf")
    until: float = float("-inf")

    def see(self, at: float) -> None:
        """A line at a time."""
        self.since, self.until = min(self.since, at), max(self.until, at)

    @property
    def seconds(self) -> float:
        """Its length; 0 where nothing was seen."""
        return max(0.0, self.until - self.since)


class AccessLog:
    """The reads that one kind of log tells of, with the window and the datasets that it covers.

    A window belongs to a scope: the part of the lake that is logged as one, such as a bucket.

    Args:
        source: what the log is called beside a figure.
    """

    def __init__(self, source: str, faults: Faults) -> None:
        self.source, self.faults = source, faults
        self.windows: dict[str, Window] = defaultdict(Window)
        self.covered: dict[int, str] = {}
        self.extra: dict[int, float] = defaultdict(float)
        self.unmatched = 0
        self._accesses = Accesses()

    def see(self, scope: str, at: float) -> None:
        """A line of any kind."""
        self.windows[scope].see(at)

    def read(self, dataset: int | None, reader: str, at: int) -> None:
        """A read; None where it is of no dataset."""
        if dataset is None:
            self.unmatched += 1
        else:
            self._accesses.add(dataset, reader, at)

    def failed(self, dataset: int | None, reader: str, at: int) -> None:
        """A read that was refused, or of something that is not there: no access."""

    def counted(self, dataset: int, reader: str, times: float, until: float) -> None:  # for ``attempts``
        """So many accesses that were counted elsewhere, the last of them no later than ``until``."""
        self.extra[dataset] += times
        self._accesses.seen(dataset, reader)

    def figures(self) -> dict[int, Reads]:
        """The reads of each dataset that is covered. What is not mentioned in a log with faults is left out."""
        counts = self._accesses.count()
        found = {}
        for dataset, scope in self.covered.items():
            times = counts.get(dataset, 0) + self.extra.get(dataset, 0.0)
            window = self.windows[scope]
            if window.seconds > 0 and (times or not self.faults):
                found[dataset] = self._reads(dataset, times, window)
        return found

    def _reads(self, dataset: int, times: float, window: Window) -> Reads:
        return Reads(
            per_month=times * MONTH / window.seconds,
            source=self.source,
            since=datetime.fromtimestamp(window.since, UTC),
            until=datetime.fromtimestamp(window.until, UTC),
            readers=tuple(sorted(self._accesses.readers.get(dataset, ()))),
            more_readers=dataset in self._accesses.more_readers,
        )

    def problems(self) -> Iterator[Problem]:
        """What is wrong with the files, and windows without length."""
        yield from self.faults.problems()
        for scope in sorted(set(self.covered.values())):
            if self.windows[scope].seconds <= 0:
                where = f"{self.source} {scope}".strip()
                what = f"usage.{self.faults.setting}: all its lines are of one moment, so reads a month can't be told"
                yield Problem(where, what, "give logs of a longer time, or a window (since, until)")


#: Makes a log of what it is called beside a figure, and what is wrong with its files.
LogKind = Callable[[str, Faults], AccessLog]
