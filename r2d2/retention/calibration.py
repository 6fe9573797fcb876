"""How fast rebuilds are on the store at hand: start-up, reading and writing, alone and side by side.

Real Parquet of mixed columns is written and read, one file by one core, several times: the throughput that is given is
the one that 95 of 100 rebuilds reach (p95), so of few trials it is the slowest. Then as many as there are cores run at
once; what they move together tells how many rebuilds may run at the throughput of one.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from typing import TypeVar

import numpy as np
import pyarrow as pa

from r2d2.config import SparkSettings
from r2d2.errors import EnvironmentMissing
from r2d2.lake.scratch import Scratch, scratch_place
from r2d2.retention.latency import BYTES_PER_MB

#: Files that are written and read one after the other, and starts that are timed.
TRIALS = 8
STARTS = 3
#: Share of trials that may be slower.
SLOWER = 5
#: Bytes of a row of the table below as Parquet, roughly.
_ROW_BYTES = 27
_Found = TypeVar("_Found")
_START = """
import json, sys
from r2d2.config import SparkSettings
from r2d2.lake.session import build_session
spark = build_session(SparkSettings(**json.loads(sys.argv[1])), "r2d2 calibrate")
assert spark.range(1).count() == 1
spark.stop()
"""


@dataclass(frozen=True)
class Throughput:
    """Megabytes (10^6 bytes of files) a second.

    Attributes:
        slow: reached by 95 of 100.
        median: reached by half.
        together: of all cores at once.
    """

    slow: float
    median: float
    together: float


@dataclass(frozen=True)
class Calibration:
    """What was measured.

    Attributes:
        startup_seconds: within which 95 of 100 starts are done.
        bytes: of the files that were written, and read, one after the other.
    """

    cores: int
    bytes: int
    startup_seconds: float
    read: Throughput
    write: Throughput

    @property
    def shared_rebuilds(self) -> int:
        """Rebuilds that run at once at the throughputs of one that runs alone."""
        share = min(each.together / each.slow for each in (self.read, self.write))
        return max(1, min(self.cores, math.floor(share)))

    @property
    def settings(self) -> dict[str, float]:
        """The settings that follow."""
        return {
            "retention.startup_seconds": _digits(self.startup_seconds),
            "retention.read_mb_per_second": _digits(self.read.slow),
            "retention.write_mb_per_second": _digits(self.write.slow),
            "retention.shared_rebuilds": self.shared_rebuilds,
        }


def calibrate(where: str, size: int, settings: SparkSettings, cores: int | None = None) -> Calibration:
    """Measures in a scratch place in the directory ``where``, which is gone afterwards.

    Args:
        size: bytes to write and to read one after the other, about; side by side each core moves a part of that again.
        settings: of the Spark session whose start is timed.
        cores: that rebuilds would share; those of this machine if not given.

    Raises:
        LakeError: ``where`` is no directory, or can't be written to.
        EnvironmentMissing: Spark does not start.
    """
    cores = cores or len(os.sched_getaffinity(0))
    table = sample_table(max(1, size // TRIALS))
    with scratch_place(where) as place:
        names = [f"{number}.parquet" for number in range(TRIALS)]
        written = [_timed(partial(place.write, name, table)) for name in names]
        read = [_timed(partial(place.read, name))[1] for name in names]
        together = _side_by_side(place, table, cores)
    sizes = [file for file, _ in written]
    return Calibration(
        cores=cores,
        bytes=sum(sizes),
        startup_seconds=slow_of([_start(settings) for _ in range(STARTS)], higher_is_slower=True),
        read=_throughput(sizes, read, together[1]),
        write=_throughput(sizes, [seconds for _, seconds in written], together[0]),
    )


def sample_table(size: int) -> pa.Table:
    """A table of keys, dates, amounts and texts, of about so many bytes as a Parquet file; the same each time."""
    rows = max(1, size // _ROW_BYTES)
    rng = np.random.default_rng(7)
    words = np.asarray([f"{word} {n}" for word in ("deliver", "take back", "collect", "none") for n in range(250)])
    return pa.table(
        {
            "key": np.arange(rows),
            "part": rng.integers(0, 2_000_000, rows),
            "amount": rng.integers(100, 10_000_000, rows) / 100,
            "day": pa.array(rng.integers(8_000, 20_000, rows, dtype=np.int32), pa.date32()),
            "comment": words[rng.integers(0, len(words), rows)],
            "digest": rng.integers(0, 2**62, rows),
        }
    )


def slow_of(values: Sequence[float], higher_is_slower: bool = False) -> float:
    """The value that no more than ``SLOWER`` of 100 are slower than; one that was measured, not one between two."""
    slowest_first = sorted(values, reverse=higher_is_slower)
    return slowest_first[len(slowest_first) * SLOWER // 100]


def _side_by_side(place: Scratch, table: pa.Table, cores: int) -> tuple[float, float]:
    """Megabytes a second that all cores write, and read, together."""
    names = [f"shared-{n}.parquet" for n in range(cores)]
    with ThreadPoolExecutor(cores) as pool:
        sizes, wrote = _timed(lambda: list(pool.map(lambda name: place.write(name, table), names)))
        _, read = _timed(lambda: list(pool.map(place.read, names)))
    moved = sum(sizes) / BYTES_PER_MB
    return moved / wrote, moved / read


def _throughput(sizes: Sequence[int], seconds: Sequence[float], together: float) -> Throughput:
    speeds = [size / BYTES_PER_MB / time_ for size, time_ in zip(sizes, seconds, strict=True)]
    return Throughput(slow_of(speeds), float(np.median(speeds)), together)


def _timed(call: Callable[[], _Found]) -> tuple[_Found, float]:
    start = time.perf_counter()
    found = call()
    return found, max(time.perf_counter() - start, 1e-9)


def _start(settings: SparkSettings) -> float:
    """Seconds from nothing to a Spark session that has run a task."""
    command = [sys.executable, "-c", _START, json.dumps(asdict(settings))]
    done, seconds = _timed(lambda: subprocess.run(command, capture_output=True, text=True, check=False))
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no word"])[-1]
        raise EnvironmentMissing(f"Spark did not start: {last}", "`r2d2 demo` shows whether it runs at all")
    return seconds


def _digits(value: float) -> float:
    """Three digits that count, of what is measured anew each time."""
    return float(f"{value:.3g}")
