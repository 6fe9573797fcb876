"""Row hashes as they stream from a scan, counted, summed and sketched: exact, in memory that rows do not grow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from r2d2.containment.request import COMPLETE, Request
from r2d2.containment.sketch import Hashes, Sketch, exact_sum, exact_sums, merge, sketch_of

#: Listed rows that are kept as they come; more are brought together, so that a row that repeats takes no more room.
_PENDING = 1 << 20

Slots = npt.NDArray[np.int64]


@dataclass
class Totals:
    """Rows, and the exact sums of both halves of their hashes."""

    rows: int = 0
    low: int = 0
    high: int = 0

    def add(self, rows: int, low: int, high: int) -> None:
        """Adds those of further rows."""
        self.rows += rows
        self.low += low
        self.high += high


def add_batch(totals: Totals, low: Hashes, high: Hashes) -> None:
    """Adds the rows of one batch."""
    if len(low):
        totals.add(len(low), exact_sum(low), exact_sum(high))


@dataclass
class Accumulator:
    """The answers to requests that differ in their threshold only, while rows stream in.

    Attributes:
        requests: one for each dataset ("slot") that is scanned together.
    """

    requests: Sequence[Request]
    totals: list[Totals] = field(init=False)
    _last: Hashes = field(init=False)
    _sketched: npt.NDArray[np.bool_] = field(init=False)
    _listed: list[tuple[Slots, Hashes, Hashes]] = field(default_factory=list)
    _sketches: list[list[Sketch]] = field(init=False)
    _pending: int = 0

    def __post_init__(self) -> None:
        thresholds = [request.threshold for request in self.requests]
        self._last = np.asarray([max(0, threshold - 1) for threshold in thresholds], np.uint64)
        self._sketched = np.asarray([threshold > 0 for threshold in thresholds], bool)
        self.totals = [Totals() for _ in thresholds]
        self._sketches = [[] for _ in thresholds]

    @property
    def request(self) -> Request:
        """What is asked of every slot, thresholds apart."""
        return self.requests[0]

    def add(self, slots: Slots, low: Hashes, high: Hashes) -> None:
        """Adds rows: the slot of each, in runs of equal slots, and the halves of its hash."""
        if not len(low):
            return
        starts = run_starts(slots)
        lengths = np.diff(np.append(starts, len(low)))
        sums = zip(
            slots[starts].tolist(), lengths.tolist(), exact_sums(low, starts), exact_sums(high, starts), strict=True
        )
        for slot, *found in sums:
            self.totals[slot].add(*found)
        if self._sketched.any():
            self._list(slots, low, high)

    def sketch(self, slot: int) -> Sketch | None:
        """The sketch of a slot, if its request asks for one; after the last row."""
        if not self._sketched[slot]:
            return None
        self._bring_together()
        found = self._sketches[slot]
        return found[0] if found else sketch_of(_NONE, _NONE, self.requests[slot].threshold)

    def _list(self, slots: Slots, low: Hashes, high: Hashes) -> None:
        if self._last.min() < _LARGEST:
            whose = slots if len(self.requests) > 1 else 0
            kept = np.flatnonzero((low <= self._last[whose]) & self._sketched[whose])
            slots, low, high = slots[kept], low[kept], high[kept]
        self._listed.append((slots, low, high))
        self._pending += len(low)
        if self._pending > _PENDING:
            self._bring_together()

    def _bring_together(self) -> None:
        """Makes sketches of what is listed, one for each slot."""
        if not self._listed:
            return
        slots, low, high = (np.concatenate(parts) for parts in zip(*self._listed, strict=True))
        self._listed, self._pending = [], 0
        if not len(slots):
            return
        order = np.argsort(slots, kind="stable")
        slots, low, high = slots[order], low[order], high[order]
        starts = run_starts(slots)
        for start, stop in zip(starts.tolist(), [*starts[1:].tolist(), len(slots)], strict=True):
            slot = int(slots[start])
            part = sketch_of(low[start:stop], high[start:stop], self.requests[slot].threshold)
            kept = self._sketches[slot]
            kept[:] = [merge([*kept, part]) if kept else part]


def run_starts(slots: Slots) -> npt.NDArray[np.int64]:
    """Where runs of equal slots begin; of one slot at least."""
    return np.flatnonzero(np.concatenate(([True], slots[1:] != slots[:-1])))


_LARGEST = np.uint64(COMPLETE - 1)
_NONE = np.empty(0, np.uint64)
