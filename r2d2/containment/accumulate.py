"""Row hashes as they stream from a scan, counted, summed and sketched: exact, in memory that rows do not grow."""

from __future__ import annotations

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
    """The answer to one request for ``slots`` datasets that are scanned together, while rows stream in."""

    request: Request
    slots: int
    totals: list[Totals] = field(init=False)
    _listed: list[tuple[Slots, Hashes, Hashes]] = field(default_factory=list)
    _sketches: list[list[Sketch]] = field(init=False)
    _pending: int = 0

    def __post_init__(self) -> None:
        self.totals = [Totals() for _ in range(self.slots)]
        self._sketches = [[] for _ in range(self.slots)]

    def add(self, slots: Slots, low: Hashes, high: Hashes) -> None:
        """Adds rows: the slot of each, in runs of equal slots, and the halves of its hash."""
        if not len(low):
            return
        starts = np.flatnonzero(np.concatenate(([True], slots[1:] != slots[:-1])))
        lengths = np.diff(np.append(starts, len(low)))
        sums = zip(
            slots[starts].tolist(), lengths.tolist(), exact_sums(low, starts), exact_sums(high, starts), strict=True
        )
        for slot, *found in sums:
            self.totals[slot].add(*found)
        if self.request.threshold:
            self._list(slots, low, high)

    def sketch(self, slot: int) -> Sketch | None:
        """The sketch of a slot, if the request asks for one; after the last row."""
        if not self.request.threshold:
            return None
        self._bring_together()
        found = self._sketches[slot]
        return found[0] if found else sketch_of(_NONE, _NONE, self.request.threshold)

    def _list(self, slots: Slots, low: Hashes, high: Hashes) -> None:
        if self.request.threshold < COMPLETE:
            kept = np.flatnonzero(low < np.uint64(self.request.threshold))
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
        starts = np.flatnonzero(np.concatenate(([True], slots[1:] != slots[:-1])))
        for start, stop in zip(starts.tolist(), [*starts[1:].tolist(), len(slots)], strict=True):
            part = sketch_of(low[start:stop], high[start:stop], self.request.threshold)
            kept = self._sketches[int(slots[start])]
            kept[:] = [merge([*kept, part]) if kept else part]


_NONE = np.empty(0, np.uint64)
