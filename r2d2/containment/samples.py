"""The paper's content-level pruning: every pair that metadata leaves is checked by a sample (docs/paper-mode.md).

Each child's rows are drawn once, whatever the number of its candidate parents; each parent is read once for all of its
candidate children, in the columns that were drawn of them. A pair of which a drawn row is missing is refuted; the
others stay plausible, whatever was drawn.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np
import pyarrow as pa

from r2d2.containment.candidates import Candidates
from r2d2.containment.pairs import HOWS, Ints
from r2d2.containment.request import COMPLETE, Request
from r2d2.containment.sample_scan import DRAW_TASKS, FIND_TASKS, FOUND, FindKernel, Lookup, draw_kernel
from r2d2.containment.sampling import SampleSize
from r2d2.containment.scanner import Measure, Scanner, measure_key, planned, task_rows
from r2d2.containment.schema_index import spans
from r2d2.containment.sketch import Sketch, lacking_rows, merge, pack, unpack
from r2d2.containment.verification import Verification
from r2d2.model.dataset import TEXT_FORMATS, DataFile, Dataset
from r2d2.model.edge import Projection
from r2d2.model.packing import pack_files
from r2d2.progress import Progress

#: What a query costs besides the bytes that it reads, as bytes that would be read meanwhile: 10 ms.
_QUERY_BYTES = 1_000_000
#: Files of a dataset that one query draws rows from, at most: each is a branch of its own.
_FILES = 16


def sampled(candidates: Candidates, scanner: Scanner, progress: Progress) -> Verification:
    """Checks all candidate pairs by samples.

    Args:
        scanner: whose datasets, settings and cache are used; it gets the datasets that could not be read.
    """
    sampler = Sampler(candidates, scanner)
    with progress.stage("draw samples") as reading:
        drawn = sampler.draw()
        reading.files, reading.bytes = sampler.files_read, sampler.bytes_read
    with progress.stage("look up samples") as reading:
        before = sampler.files_read, sampler.bytes_read
        sampler.decide(drawn)
        reading.files, reading.bytes = sampler.files_read - before[0], sampler.bytes_read - before[1]
    return sampler.result


@dataclass(frozen=True)
class Side:
    """A child (index) under the projection that it is compared as: what is drawn of that projection."""

    dataset: int
    columns: Projection


@dataclass(frozen=True)
class Drawn:
    """The samples of all sides, one after the other.

    Attributes:
        rows: hashes under the side's columns, and how often each was drawn; sorted within a side.
        starts, sizes: where in ``rows`` the sample of each side stands.
        digests: of each sample.
    """

    rows: Sketch
    starts: Ints
    sizes: Ints
    digests: Sequence[bytes]

    @staticmethod
    def of(samples: Sequence[Sketch]) -> Drawn:
        """Samples in the order of the sides."""
        low, high, count = (
            np.concatenate([getattr(_NOTHING, part), *(getattr(sample, part) for sample in samples)])
            for part in ("low", "high", "count")
        )
        sizes = np.asarray([len(sample.low) for sample in samples], np.int64)
        digests = [hashlib.sha256(pack(sample)).digest() for sample in samples]
        return Drawn(Sketch(COMPLETE, low, high, count), np.cumsum(sizes) - sizes, sizes, digests)

    def some(self, sides: Ints) -> tuple[Sketch, Ints]:
        """The samples of some sides, one after the other, and for each row which of ``sides`` it belongs to."""
        at = spans(self.starts[sides], self.sizes[sides])
        rows = Sketch(COMPLETE, self.rows.low[at], self.rows.high[at], self.rows.count[at])
        return rows, np.repeat(np.arange(len(sides)), self.sizes[sides])


_NOTHING = Sketch(COMPLETE, np.empty(0, np.uint64), np.empty(0, np.uint64), np.empty(0, np.int64))


@dataclass(frozen=True)
class Search:
    """What one scan of a parent is to find: the samples of sides under the columns that were drawn of them.

    Attributes:
        positions: of the pairs of the parent with each of ``sides``.
    """

    parent: int
    columns: Projection
    sides: Ints
    positions: Ints


class Sampler:
    """One run of the checks; ``result`` has the verdicts."""

    def __init__(self, candidates: Candidates, scanner: Scanner) -> None:
        self.datasets, self.scanner = scanner.datasets, scanner
        self.size = SampleSize.of(scanner.settings)
        self.files_read = self.bytes_read = 0
        each_itself = np.arange(len(self.datasets), dtype=np.int64)
        self.pairs, inside = candidates.pairs(each_itself)
        self.pairs.how[:] = HOWS.index("sample")
        self.result = Verification(self.pairs, each_itself, inside, sample=self.size)
        keys, self._side_of = np.unique(
            self.pairs.child * max(1, len(self.pairs.projections)) + self.pairs.projection, return_inverse=True
        )
        self.sides = [self._side(*divmod(int(key), len(self.pairs.projections))) for key in keys]

    def draw(self) -> Drawn:
        """The samples of all children; a child that can't be read has none, and is noted as failed."""
        keys = [self._key(side.dataset, side.columns, "drawn", str(self.size)) for side in self.sides]
        known = self.scanner.cache.measures(keys)
        missing = [number for number, key in enumerate(keys) if key not in known]
        fresh = self._read_samples(missing)
        self.scanner.cache.add_measures({keys[number]: measure for number, measure in fresh.items()})
        found = (known.get(key) or fresh.get(number) for number, key in enumerate(keys))
        return Drawn.of([(measure and measure.sketch) or _NOTHING for measure in found])

    def decide(self, drawn: Drawn) -> None:
        """Refutes the pairs whose parent lacks a drawn row; the others stay plausible."""
        searches = list(self._searches())
        keys = [self._search_key(search, drawn) for search in searches]
        known = self.scanner.cache.measures(keys)
        missing = [search for search, key in zip(searches, keys, strict=True) if key not in known]
        fresh = self._search(missing, drawn)
        found = {
            key: known.get(key) or fresh.get((search.parent, search.columns))
            for search, key in zip(searches, keys, strict=True)
        }
        self.scanner.cache.add_measures({key: held for key, held in found.items() if held and key not in known})
        for search, key in zip(searches, keys, strict=True):
            if (held := found[key]) and held.sketch:
                self._refute(search, drawn, held.sketch)
        self.pairs.lose(list(self.scanner.failed))

    def _side(self, child: int, projection: int) -> Side:
        key = self.scanner.keys[child]
        return Side(child, self.size.drawn_columns(key, self.pairs.projections[projection]))

    def _key(self, dataset: int, columns: Projection, *what: str) -> str:
        """Key of a result in the cache."""
        settings = self.scanner.settings
        own = measure_key(self.scanner.keys[dataset], Request(columns), settings.case_sensitive, self.scanner.by)
        return hashlib.sha256("\n".join([own, *what]).encode("ascii")).hexdigest()

    def _search_key(self, search: Search, drawn: Drawn) -> str:
        wanted = hashlib.sha256(b"".join(drawn.digests[side] for side in search.sides.tolist()))
        return self._key(search.parent, search.columns, "held", wanted.hexdigest())

    def _read_samples(self, sides: Sequence[int]) -> dict[int, Measure]:
        """Draws rows of some sides, each dataset once for all of its own."""
        by_dataset: dict[int, list[int]] = defaultdict(list)
        for number in sides:
            by_dataset[self.sides[number].dataset].append(number)
        rows = [row for index, numbers in by_dataset.items() for row in self._draw_tasks(index, numbers)]
        parts = self._run(planned(rows, DRAW_TASKS, self.scanner.settings.task_bytes), draw_kernel)
        expected = {index: min(self.size.rows, self.datasets[index].rows or 0) for index in by_dataset}
        found = {number: self._whole(index, read, expected[index]) for (index, number), read in parts.items()}
        return {number: measure for number, measure in found.items() if measure}

    def _draw_tasks(self, index: int, sides: Sequence[int]) -> Iterator[dict[str, Any]]:
        dataset = self.datasets[index]
        if dataset.source is not None:  # the rows that Spark hands over have no places to draw from
            self.scanner.failed[index] = (
                "Spark reads it, and no samples are drawn then; any other containment.verify does"
            )
            return
        places = list(self._places(dataset, self.size.drawn_rows(self.scanner.keys[index], dataset.rows or 0)))
        for start in range(0, len(places), _FILES):
            files = [file for file, _ in places[start : start + _FILES]]
            size = sum(file.size for file in files)
            self.files_read, self.bytes_read = self.files_read + len(files), self.bytes_read + size
            yield {
                **self._task(index, [self.sides[number].columns for number in sides], sides),
                "files": pack_files(files),
                "places": json.dumps([at for _, at in places[start : start + _FILES]]),
                "bytes": _QUERY_BYTES + (size if dataset.format in TEXT_FORMATS else 0),
            }

    @staticmethod
    def _places(dataset: Dataset, drawn: Sequence[int]) -> Iterator[tuple[DataFile, list[int]]]:
        """The files in which drawn rows stand, with their places in the file: rows are counted file by file."""
        starts = list(accumulate((file.rows or 0 for file in dataset.files), initial=0))
        by_file: dict[int, list[int]] = defaultdict(list)
        for row, number in zip(drawn, np.searchsorted(starts, drawn, side="right").tolist(), strict=True):
            by_file[number - 1].append(row - starts[number - 1])
        return ((dataset.files[number], places) for number, places in by_file.items())

    def _searches(self) -> Iterator[Search]:
        """The pairs that can be decided, by parent and by the columns that were drawn."""
        self.pairs.lose(list(self.scanner.failed))
        numbers: dict[Projection, int] = {}
        columns = [numbers.setdefault(side.columns, len(numbers)) for side in self.sides]
        asked = np.asarray(columns, np.int64)[self._side_of]
        opened = self.pairs.open()
        key = self.pairs.parent[opened] * max(1, len(numbers)) + asked[opened]
        order = np.argsort(key, kind="stable")
        opened, starts = opened[order], np.flatnonzero(np.diff(key[order], prepend=-1))
        for positions in np.split(opened, starts[1:]) if len(opened) else ():
            sides = self._side_of[positions]
            yield Search(int(self.pairs.parent[positions[0]]), self.sides[sides[0]].columns, sides, positions)

    def _search(self, searches: Sequence[Search], drawn: Drawn) -> dict[tuple[int, Projection], Measure]:
        """Reads each parent once for all that is looked for in it."""
        wanted: dict[Projection, set[int]] = defaultdict(set)
        by_parent: dict[int, list[Projection]] = defaultdict(list)
        for search in searches:
            wanted[search.columns].update(search.sides.tolist())
            by_parent[search.parent].append(search.columns)
        lookups = [Lookup(np.unique(drawn.some(np.asarray(sorted(sides)))[0].low)) for sides in wanted.values()]
        place = {columns: number for number, columns in enumerate(wanted)}
        rows: list[dict[str, Any]] = []
        for parent, columns in by_parent.items():
            rows += self._search_tasks(parent, columns, [place[each] for each in columns])
        parts = self._run(planned(rows, FIND_TASKS, self.scanner.settings.task_bytes), FindKernel(lookups))
        under, found = list(wanted), {}
        for (parent, number), read in parts.items():
            if held := self._whole(parent, read, self.datasets[parent].rows or 0):
                found[parent, under[number]] = held
        return found

    def _search_tasks(
        self, parent: int, columns: Sequence[Projection], numbers: Sequence[int]
    ) -> Iterator[dict[str, Any]]:
        dataset = self.datasets[parent]
        self.files_read += len(dataset.files)
        self.bytes_read += dataset.bytes
        for row in task_rows(self.datasets, parent, columns, self.scanner.settings, self.scanner.by):
            yield {**row, "asked": json.dumps(numbers), "bytes": row["bytes"] + _QUERY_BYTES}

    def _task(self, index: int, columns: Sequence[Projection], asked: Sequence[int]) -> dict[str, Any]:
        settings = self.scanner.settings
        return {
            "dataset": index,
            "part": "",
            "keep": "",
            "readers": json.dumps(self.datasets[index].readers),
            "requests": json.dumps([Request(each).to_json() for each in columns]),
            "case_sensitive": settings.case_sensitive,
            "memory": settings.task_memory,
            "key": self.scanner.by.key,
            "asked": json.dumps(asked),
        }

    def _run(self, tasks: pa.Table, kernel: Any) -> Mapping[tuple[int, int], list[Measure]]:
        """Answers by dataset and what was asked, part by part; datasets that failed are noted and have none."""
        parts: dict[tuple[int, int], list[Measure]] = defaultdict(list)
        for row in self.scanner.run(tasks, kernel, FOUND).to_pylist():
            if row["error"] is not None:
                self.scanner.failed[row["dataset"]] = row["error"]
            else:
                measure = Measure(row["rows"], 0, 0, unpack(row["sketch"], COMPLETE))
                parts[row["dataset"], row["asked"]].append(measure)
        return {key: found for key, found in parts.items() if key[0] not in self.scanner.failed}

    def _whole(self, index: int, parts: Sequence[Measure], rows: int) -> Measure | None:
        """The parts together; None if they are not all the rows there should be (EXACTNESS 1)."""
        read = sum(part.rows for part in parts)
        if read != rows:
            self.scanner.failed[index] = (
                f"its metadata says {self.datasets[index].rows} rows; {rows} of them were to be read, and {read} were "
                "found; its files may be damaged or have changed"
            )
            return None
        return Measure(read, 0, 0, merge([part.sketch for part in parts if part.sketch]))

    def _refute(self, search: Search, drawn: Drawn, held: Sketch) -> None:
        """Refutes the pairs of a search of which the parent lacks a drawn row."""
        rows, owner = drawn.some(search.sides)
        lacking, in_parent = lacking_rows(rows, held)
        who, first, numbers = np.unique(owner[lacking], return_index=True, return_counts=True)
        at, row = search.positions[who], lacking[first]
        self.pairs.refute(at, "sample")
        self.pairs.number[at] = numbers
        self.pairs.low[at], self.pairs.high[at] = rows.low[row], rows.high[row]
        self.pairs.in_child[at], self.pairs.in_parent[at] = rows.count[row], in_parent[first]
