"""Sketches: the rows of a dataset whose hash lies below a bound, with how often each occurs (DESIGN 5, EXACTNESS 7).

A sketch is complete up to its bound: a hash below it that is not listed does not occur. One with the bound
``COMPLETE`` holds every row. Parts of a dataset are merged by adding counts below the smallest of their bounds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from r2d2.containment.request import COMPLETE
from r2d2.model.edge import Witness

Hashes = npt.NDArray[np.uint64]
Counts = npt.NDArray[np.int64]
_HALF, _SHIFT = np.uint64(0xFFFFFFFF), np.uint64(32)
#: Fewer hashes are sorted at once anyhow; of more than 2^24 too many would agree in the bits that are left.
_MANY, _POSITION_BITS = 20_000, 24
#: Hashes that are searched at a time.
_BLOCK = 512


@dataclass(frozen=True)
class Sketch:
    """Distinct 128-bit row hashes with a low half below ``bound``, sorted by (low, high), and how often each occurs."""

    bound: int
    low: Hashes
    high: Hashes
    count: Counts

    @property
    def complete(self) -> bool:
        """Whether it holds every row."""
        return self.bound >= COMPLETE


def threshold(rows: int, size: int) -> int:
    """The bound below which about ``size`` of ``rows`` distinct rows fall; ``COMPLETE`` if all do."""
    return COMPLETE if rows <= size else COMPLETE * size // rows


def sketch_of(low: Hashes, high: Hashes, bound: int, count: Counts | None = None) -> Sketch:
    """The sketch of rows given by the halves of their hashes, in any order; each counts once, or ``count`` times."""
    order = _order(low)
    sorted_low, sorted_high = low[order], high[order]
    tied = sorted_low[1:] == sorted_low[:-1]
    if not tied.any():  # as it nearly always is: no row occurs twice
        return Sketch(bound, sorted_low, sorted_high, np.ones(len(low), np.int64) if count is None else count[order])
    if np.any(sorted_high[1:][tied] != sorted_high[:-1][tied]):  # different rows with one low half
        order = np.lexsort((high, low))
        sorted_low, sorted_high = low[order], high[order]
    same = (sorted_low[1:] == sorted_low[:-1]) & (sorted_high[1:] == sorted_high[:-1])
    starts = np.flatnonzero(np.concatenate(([True], ~same)))
    sums = np.diff(np.append(starts, len(low))) if count is None else np.add.reduceat(count[order], starts)
    return Sketch(bound, sorted_low[starts], sorted_high[starts], sums.astype(np.int64, copy=False))


def _order(low: Hashes) -> npt.NDArray[np.int64]:
    """What sorts hashes: by their leading bits with the position in the others, which is faster by half."""
    bits = max(1, (len(low) - 1).bit_length())
    if len(low) < _MANY or bits > _POSITION_BITS:
        return np.argsort(low)
    places = np.uint64((1 << bits) - 1)
    keys = np.sort((low & ~places) | np.arange(len(low), dtype=np.uint64))
    order: npt.NDArray[np.int64] = (keys & places).astype(np.int64)
    found = low[order]
    turned = np.any(found[1:] < found[:-1])  # some agree in their leading bits, which few hashes do
    return np.argsort(low) if turned else order


def pack(sketch: Sketch) -> bytes:
    """A sketch as bytes: low halves, high halves, and counts where a row occurs more than once."""
    parts = [sketch.low.astype("<u8").tobytes(), sketch.high.astype("<u8").tobytes()]
    repeated = bool(len(sketch.count)) and int(sketch.count.max()) > 1
    if repeated:
        parts.append(sketch.count.astype("<i8").tobytes())
    return b"".join([*parts, bytes([3 if repeated else 2])])


def unpack(data: bytes, bound: int) -> Sketch:
    """The reverse of ``pack``, with the bound that was asked for."""
    columns = data[-1]
    entries = (len(data) - 1) // (8 * columns)
    low, high, *counts = np.frombuffer(data[:-1], "<u8").reshape(columns, entries)
    count = counts[0].astype(np.int64) if counts else np.ones(entries, np.int64)
    return Sketch(bound, low, high, count)


def merge(parts: Sequence[Sketch]) -> Sketch:
    """The sketch of all parts, in any order, together: counts of equal hashes added, cut at the smallest bound."""
    bound = min((part.bound for part in parts), default=COMPLETE)
    kept = [below(part, bound) for part in parts]
    low = np.concatenate([_NONE, *(part.low for part in kept)])
    high = np.concatenate([_NONE, *(part.high for part in kept)])
    return sketch_of(low, high, bound, np.concatenate([_NO_COUNTS, *(part.count for part in kept)]))


def refutes_on_common_range(child: Sketch, parent: Sketch) -> Witness | None:
    """A row below both bounds that the child holds more often than the parent: no containment. None proves nothing."""
    bound = min(child.bound, parent.bound)
    mine, theirs = below(child, bound), below(parent, bound)
    lacking, held = lacking_rows(mine, theirs)
    if not len(lacking):
        return None
    row = lacking[0]
    return Witness(row_hash(int(mine.low[row]), int(mine.high[row])), int(mine.count[row]), int(held[0]))


def lacking_rows(child: Sketch, parent: Sketch) -> tuple[npt.NDArray[np.int64], Counts]:
    """Rows (positions) that the child holds more often than the parent, and how often that holds each of them.

    Both must be of one range of hashes; the child's may be in any order.
    """
    held = _counts_in(child, parent)
    lacking = np.flatnonzero(child.count > held)
    return lacking, held[lacking]


def surely_holds(parent: Sketch, low: Hashes, high: Hashes) -> bool:
    """Whether the parent holds all rows that are given by the halves of their hashes; False where that takes counting.

    Each low half occurs once and is found in the parent, and the high halves that stand beside those there have the sum
    that they have here: so a row that the parent lacks needs a low half of another one, and a high half that makes up
    for all others (docs/hashing.md gives the chance). Rows of one range of hashes, in any order.
    """
    wanted = np.sort(low)
    if not len(parent.low) or not len(wanted) or np.any(wanted[1:] == wanted[:-1]):
        return False
    at = np.minimum(_search(parent.low, wanted), len(parent.low) - 1)
    return np.array_equal(parent.low[at], wanted) and exact_sum(parent.high[at]) == exact_sum(high)


def exact_sum(hashes: Hashes) -> int:
    """Their sum over the integers; of up to 2^32 hashes."""
    return exact_sums(hashes, np.zeros(1, np.int64))[0] if len(hashes) else 0


def exact_sums(hashes: Hashes, starts: npt.NDArray[np.int64]) -> list[int]:
    """Exact sums of runs: of both halves of 32 bits apart, which can't overflow in up to 2^32 hashes."""
    low = np.add.reduceat(hashes & _HALF, starts)
    high = np.add.reduceat(hashes >> _SHIFT, starts)
    return [a + (b << 32) for a, b in zip(low.tolist(), high.tolist(), strict=True)]


def row_hash(low: int, high: int) -> str:
    """A row's hash as it is shown: 32 hexadecimal digits, the high half first."""
    return f"{high:016x}{low:016x}"


def below(sketch: Sketch, bound: int) -> Sketch:
    """The part of a sketch below a bound, which must not exceed its own."""
    if sketch.bound <= bound:
        return sketch
    stop = int(np.searchsorted(sketch.low, np.uint64(bound), side="left"))
    return Sketch(bound, sketch.low[:stop], sketch.high[:stop], sketch.count[:stop])


def _search(held: Hashes, wanted: Hashes) -> npt.NDArray[np.int64]:
    """Where each hash stands among others, or would, both sorted; in blocks, so that what is searched is cached."""
    edges = [*np.searchsorted(held, wanted[::_BLOCK]).tolist(), len(held)]
    found = np.empty(len(wanted), np.int64)
    for number, (start, stop) in enumerate(pairwise(edges)):
        block = slice(number * _BLOCK, (number + 1) * _BLOCK)
        found[block] = np.searchsorted(held[start:stop], wanted[block]) + start
    return found


_NONE, _NO_COUNTS = np.empty(0, np.uint64), np.empty(0, np.int64)


def _counts_in(wanted: Sketch, held: Sketch) -> Counts:
    """How often each row of ``wanted`` occurs in ``held``."""
    counts = np.zeros(len(wanted.low), np.int64)
    if not len(held.low):
        return counts
    at = np.searchsorted(held.low, wanted.low, side="left")
    while True:
        inside = at < len(held.low)
        clipped = np.where(inside, at, 0)
        tied = inside & (held.low[clipped] == wanted.low)
        found = tied & (held.high[clipped] == wanted.high)
        counts[found] = held.count[clipped[found]]
        other = tied & ~found  # another row with the same low half: the one that is looked for may come after it
        if not other.any():
            return counts
        at = np.where(other, at + 1, len(held.low))
