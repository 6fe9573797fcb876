"""Sketches: the rows of a dataset whose hash lies below a bound, with how often each occurs (DESIGN 5, EXACTNESS 7).

A sketch is complete up to its bound: a hash below it that is not listed does not occur. Packed it is a numpy array
of (high half, low half, count), sorted; parts of a dataset are merged by adding counts below the smaller bound.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from r2d2.containment.request import COMPLETE
from r2d2.model.edge import Witness

_ENTRY = np.dtype([("low", "<u8"), ("high", "<u8"), ("count", "<u8")])

Entries = npt.NDArray[np.void]


@dataclass(frozen=True)
class Sketch:
    """Entries with a first half below ``bound``; all rows if ``bound`` is ``COMPLETE``."""

    bound: int
    entries: Entries

    @property
    def complete(self) -> bool:
        """Whether it holds every row."""
        return self.bound >= COMPLETE


def threshold(rows: int, size: int) -> int:
    """The bound below which about ``size`` of ``rows`` distinct rows fall; ``COMPLETE`` if all do."""
    return COMPLETE if rows <= size else COMPLETE * size // rows


def pack(histogram: dict[int, int] | None) -> bytes:
    """A histogram of 128-bit row hashes (high half first) as bytes."""
    entries = np.empty(len(histogram or {}), _ENTRY)
    for i, (key, count) in enumerate((histogram or {}).items()):
        entries[i] = (key & (COMPLETE - 1), key >> 64, count)
    return np.sort(entries, order=("low", "high")).tobytes()


def unpack(data: bytes, bound: int) -> Sketch:
    """The reverse of ``pack``, with the bound that was asked for."""
    return Sketch(bound, np.frombuffer(data, _ENTRY))


def merge(parts: Iterable[Sketch]) -> Sketch:
    """The sketch of all parts together: counts of equal hashes added, cut at the smallest bound."""
    parts = list(parts)
    bound = min((part.bound for part in parts), default=COMPLETE)
    entries = np.concatenate([part.entries for part in parts]) if parts else np.empty(0, _ENTRY)
    keys, inverse = np.unique(entries[["low", "high"]], return_inverse=True)
    merged = np.empty(len(keys), _ENTRY)
    merged["low"], merged["high"] = keys["low"], keys["high"]
    counts = np.zeros(len(keys), np.uint64)
    np.add.at(counts, inverse, entries["count"])
    merged["count"] = counts
    return _below(Sketch(COMPLETE, merged), bound)


def refutes_on_common_range(child: Sketch, parent: Sketch) -> Witness | None:
    """A row below both bounds that the child holds more often than the parent: no containment. None proves nothing."""
    bound = min(child.bound, parent.bound)
    mine, theirs = _below(child, bound).entries, _below(parent, bound).entries
    if not len(mine):
        return None
    in_parent = _counts(mine, theirs)
    lacking = np.flatnonzero(mine["count"] > in_parent)
    if not len(lacking):
        return None
    row = lacking[0]
    text = f"{int(mine['high'][row]):016x}{int(mine['low'][row]):016x}"
    return Witness(text, int(mine["count"][row]), int(in_parent[row]))


def _below(sketch: Sketch, bound: int) -> Sketch:
    if sketch.bound <= bound:
        return sketch
    stop = int(np.searchsorted(sketch.entries["low"], np.uint64(bound), side="left"))
    return Sketch(bound, sketch.entries[:stop])


def _counts(wanted: Entries, held: Entries) -> npt.NDArray[np.uint64]:
    """How often each wanted hash occurs in ``held``; both are sorted by (low, high)."""
    counts = np.zeros(len(wanted), np.uint64)
    if not len(held):
        return counts
    common, mine, theirs = np.intersect1d(
        wanted[["low", "high"]], held[["low", "high"]], assume_unique=True, return_indices=True
    )
    del common
    counts[mine] = held["count"][theirs]
    return counts
