"""The schema graph of many random schemas: r2d2, and on demand the paper's clustering and brute force beside it.

``python -m benchmarks.schema_graph [--schemas N] [--turns N] [--paper] [--brute] [--sample N]``. The schemas are those
of ``schema_catalogue``, all different. The clock runs from the classes in memory until the last pair was streamed,
counted and added to the checksum; the times (wall and CPU) are the medians of the turns. What it takes before that to
group datasets by schema is printed apart. The peak is that of the process (VmHWM, started anew for each way), which
includes the catalogue itself. Fails where r2d2 finds other pairs than those that are pinned, or than brute force does.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.paper_schema_graph import paper_pairs
from benchmarks.schema_catalogue import SEED, catalogue, datasets_of
from r2d2.containment.schema_graph import SchemaClass, fitting_blocks, schema_classes
from r2d2.containment.schema_index import Ints, PairBlock
from r2d2.model.dataset import Dataset, LeafPath

#: Parents that brute force compares a child with in one go; a multiple of 8.
PARENTS = 8192
Row = NDArray[np.uint8]


@dataclass(frozen=True)
class Found:
    """How many pairs, and a sum over all of them that depends on each, whatever their order."""

    pairs: int
    checksum: int

    def __add__(self, other: Found) -> Found:
        return Found(self.pairs + other.pairs, (self.checksum + other.checksum) % 2**64)


#: By number of schemas. Brute force finds the same for the first two (``--brute``), and for a sample of the last.
PINNED = {
    10_000: Found(142_969, 0x8AF0C6968788FAD5),
    100_000: Found(4_259_185, 0x4AD20E002A0AF34E),
    1_000_000: Found(116_179_041, 0x24068BEB26F7C0A9),
}


def main() -> None:
    """Builds the catalogue and prints a line for each way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--schemas", type=int, default=100_000, help="different schemas (default 100,000)")
    parser.add_argument("--turns", type=int, default=1)
    parser.add_argument("--paper", action="store_true", help="the paper's clustering, too; holds all pairs")
    parser.add_argument("--brute", action="store_true", help="all pairs compared, too; for 100,000 schemas at most")
    parser.add_argument("--sample", type=int, default=0, help="all pairs of so many random children compared, too")
    arguments = parser.parse_args()
    classes = catalogue(arguments.schemas)
    leaves = sum(len(entry.schema) for entry in classes)
    print(f"{len(classes):,} schemas, {leaves:,} leaves, seed {SEED}; the catalogue takes {peak_mb():,.0f} MB at most")
    group(datasets_of(classes))
    ways: dict[str, Callable[[], Found]] = {"r2d2": lambda: r2d2(classes)}
    if arguments.paper:
        ways["paper's clusters"] = lambda: of_keys(paper_pairs(classes))
    if arguments.brute:
        ways["brute force"] = lambda: total(brute_force(classes, range(len(classes))), len(classes))
    check(report(ways, arguments.turns), len(classes))
    if arguments.sample:
        check_sample(classes, arguments.sample)


def group(datasets: Sequence[Dataset]) -> None:
    """Times the step before: from datasets to classes."""
    start = time.perf_counter()
    classes = schema_classes(datasets, case_sensitive=False)
    seconds = time.perf_counter() - start
    print(f"{len(datasets):,} datasets with these schemas are grouped into {len(classes):,} classes in {seconds:.2f} s")


def report(ways: dict[str, Callable[[], Found]], turns: int) -> dict[str, Found]:
    """Times each way, and prints what it found; ``x`` is its CPU time by that of the first."""
    print(f"{'':<18}{'s':>9}{'CPU s':>9}{'x':>8}{'peak MB':>10}{'pairs':>14}  checksum")
    answers: dict[str, Found] = {}
    base = 0.0
    for name, way in ways.items():
        start_peak_anew()
        seconds, processor = [], []
        for _ in range(turns):
            start, start_processor = time.perf_counter(), time.process_time()
            answers[name] = way()
            seconds.append(time.perf_counter() - start)
            processor.append(time.process_time() - start_processor)
        median, cpu, answer = statistics.median(seconds), statistics.median(processor), answers[name]
        base = base or cpu
        times = f"{median:9.2f}{cpu:9.2f}{cpu / base:8.1f}"
        print(f"{name:<18}{times}{peak_mb():10,.0f}{answer.pairs:14,}  {answer.checksum:016x}")
    return answers


def check(found: dict[str, Found], schemas: int) -> None:
    """Ends with an error where r2d2 differs from brute force or from what is pinned."""
    for name, truth in (("brute force", found.get("brute force")), ("what is pinned", PINNED.get(schemas))):
        if truth is None:
            continue
        if found["r2d2"] != truth:
            raise SystemExit(f"r2d2 differs from {name}: {truth}")
        print(f"r2d2 finds exactly the pairs of {name}")


def check_sample(classes: Sequence[SchemaClass], size: int) -> None:
    """Ends with an error where r2d2 finds other parents of some random children than brute force."""
    children = np.random.default_rng(SEED).choice(len(classes), size, replace=False)
    truth = total(brute_force(classes, children.tolist()), len(classes))
    blocks = ((block, np.isin(block.children, children)) for block in fitting_blocks(classes))
    found = total((PairBlock(block.parents[of], block.children[of]) for block, of in blocks), len(classes))
    if found != truth:
        raise SystemExit(f"r2d2 differs from brute force in {size:,} random children: {truth}")
    print(f"r2d2 finds exactly the {truth.pairs:,} parents that brute force finds of {size:,} random children")


def r2d2(classes: Sequence[SchemaClass]) -> Found:
    """Streams and counts."""
    return total(fitting_blocks(classes), len(classes))


def total(blocks: Iterator[PairBlock], schemas: int) -> Found:
    """Of all the blocks; none is kept."""
    return sum((of_keys(block.parents * schemas + block.children) for block in blocks), Found(0, 0))


def of_keys(keys: Ints) -> Found:
    """Of pairs given as parent * number of schemas + child. The finaliser of splitmix64 mixes each key."""
    mixed = keys.astype(np.uint64)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return Found(len(keys), int(mixed.sum(dtype=np.uint64)))


def brute_force(classes: Sequence[SchemaClass], children: Sequence[int]) -> Iterator[PairBlock]:
    """The children (indexes) against every parent, by rows of bits: no filter, no order, and no code of r2d2's."""
    numbers: defaultdict[tuple[LeafPath, str], int] = defaultdict(count().__next__)
    wanted = {
        child: [[numbers[path, family] for family in families] for path, families in classes[child].schema]
        for child in children
    }
    for first in range(0, len(classes), PARENTS):
        rows = _holders(classes[first : first + PARENTS], numbers)
        for child, leaves in wanted.items():
            parents = _holding(rows, leaves) + first
            if len(classes[child].members) < 2:
                parents = parents[parents != child]
            yield PairBlock(parents, np.full(len(parents), child))


def _holders(parents: Sequence[SchemaClass], numbers: Mapping[tuple[LeafPath, str], int]) -> Row:
    """For each (path, family) that has a number a row of bits, one for each of the parents, set if that holds it."""
    rows = np.zeros((len(numbers), PARENTS // 8), np.uint8)
    for index, parent in enumerate(parents):
        every = ((path, family) for path, families in parent.schema for family in families)
        rows[[numbers[key] for key in every if key in numbers], index >> 3] |= 128 >> (index & 7)
    return rows


def _holding(rows: Row, leaves: Sequence[Sequence[int]]) -> Ints:
    """The parents of a block that hold each leaf under one of its families."""
    fits = np.bitwise_and.reduce(rows[[families[0] for families in leaves if len(families) == 1]], axis=0)
    for families in leaves:
        if len(families) > 1:
            fits &= np.bitwise_or.reduce(rows[families], axis=0)
    return np.flatnonzero(np.unpackbits(fits)) if fits.any() else np.empty(0, np.int64)


def start_peak_anew() -> None:
    """Sets the peak that the system keeps to the memory in use now (Linux)."""
    Path("/proc/self/clear_refs").write_text("5")


def peak_mb() -> float:
    """The largest resident memory so far, in 10^6 bytes (Linux)."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024 / 1e6


if __name__ == "__main__":
    main()
