"""Row hashes kept on local disk from the scan, so that a join of the same run need not read and hash the rows again.

A file holds blocks of hashes in the order of the rows, and at its end their count and exact sums, by which it is
checked when it is read: one that is cut off or damaged is not used. Nobody else needs it; it goes with the run.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from r2d2.containment.accumulate import Totals, add_batch
from r2d2.containment.sketch import Hashes

#: Says which rows of a block are wanted, by the low halves of their hashes.
Choose = Callable[[Hashes], npt.NDArray[np.bool_] | None]
#: Bytes that a row takes under one projection.
ROW_BYTES = 16
_END = 2**64 - 1
#: More rows than a scan delivers at once are no block.
_MOST_ROWS = 1 << 20


def kept_path(directory: str, task: Mapping[str, Any], projection: str) -> Path:
    """Where the hashes of the rows of a task row under a projection are kept.

    Args:
        projection: the request for it, without threshold and box, as text.
    """
    named = [str(task[name]) for name in ("files", "part", "readers", "case_sensitive", "key")]
    return Path(directory, hashlib.sha256("\n".join([*named, projection]).encode("utf-8")).hexdigest())


class Keeper:
    """Writes the hashes of one projection as they stream from a scan; only a whole file gets its name.

    Several may do so at once for one path, as datasets of the same files have: each is whole, and the last one stays.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._temporary = path, path.with_name(f"{path.name}.{uuid.uuid4().hex}")

    def add(self, low: Hashes, high: Hashes) -> None:
        """Further rows."""
        self._append(len(low).to_bytes(8, "little"), _bytes(low), _bytes(high))

    def close(self, totals: Totals | None) -> None:
        """Ends the file with the totals of all rows; without them it does not hold all, and is removed."""
        if totals:
            self._append(_END.to_bytes(8, "little"), _trailer(totals))
            self._temporary.replace(self._path)
        else:
            self._temporary.unlink(missing_ok=True)

    def _append(self, *parts: bytes | memoryview) -> None:
        """The file is open only while it is written to: hundreds of datasets may be scanned together."""
        with self._temporary.open("ab") as file:
            for part in parts:
                file.write(part)


def _bytes(hashes: Hashes) -> memoryview:
    return np.ascontiguousarray(hashes, "<u8").data


def _trailer(totals: Totals) -> bytes:
    return b"".join(number.to_bytes(16, "little") for number in (totals.rows, totals.low, totals.high))


def kept_rows(path: Path, chosen: Choose) -> tuple[int, list[tuple[Hashes, Hashes]]] | None:
    """How many rows a file holds, and the hashes of the chosen ones; None if it is not there, whole, and as written.

    Args:
        chosen: which rows of a block, by the low halves (None: all); no more than those and a block lie in memory.
    """
    try:
        with path.open("rb") as file:
            return _checked(file, chosen)
    except (OSError, ValueError):
        return None


def _checked(file: IO[bytes], chosen: Choose) -> tuple[int, list[tuple[Hashes, Hashes]]]:
    totals, kept = Totals(), []
    for low, high in _blocks(file):
        add_batch(totals, low, high)
        which = chosen(low)
        kept.append((low, high) if which is None else (low[which], high[which]))
    if file.read() != _trailer(totals):
        raise ValueError("it is not what was written")
    return totals.rows, kept


def _blocks(file: IO[bytes]) -> Iterator[tuple[Hashes, Hashes]]:
    while (rows := int.from_bytes(file.read(8), "little")) != _END:
        if not 0 < rows <= _MOST_ROWS:
            raise ValueError("it ends in the middle, or is damaged")
        halves = np.fromfile(file, "<u8", 2 * rows).reshape(2, rows)
        yield halves[0], halves[1]
