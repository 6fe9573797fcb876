"""Measures of datasets: answers to requests, from the cache of the state or from one Spark job over the rest."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any, Protocol

import pyarrow as pa

from r2d2.config import ContainmentSettings
from r2d2.containment.budget import Budget
from r2d2.containment.kept import ROW_BYTES
from r2d2.containment.request import Request
from r2d2.containment.row_hash import FAST, RowHash
from r2d2.containment.scan import RESULTS, TASKS, branch_key
from r2d2.containment.scan_groups import scan_kernel, scanned_with_others
from r2d2.containment.sketch import Sketch, merge, unpack
from r2d2.lake.delta_vectors import DeletionVector
from r2d2.lake.file_tree import shown
from r2d2.lake.fingerprint import code_fingerprint
from r2d2.lake.kernels import Kernel, in_jobs, shared_out
from r2d2.lake.staging import changed
from r2d2.model.dataset import DataFile, Dataset
from r2d2.model.edge import Projection
from r2d2.model.packing import pack_files

#: Runs a kernel over tasks: ``lake.workers.Workers.map_tasks`` with its session, or ``lake.kernels.run_here``.
Runner = Callable[[pa.Table, Kernel, pa.Schema], pa.Table]


#: What a task row costs besides its bytes, as bytes that would be scanned meanwhile: to plan a query of its own, each
#: request in it, and a row that is scanned with others in one query.
PLANNING_BYTES, _REQUEST_BYTES, _TOGETHER_BYTES = 6_000_000, 1_000_000, 100_000
_MOST_BRANCHES = 16
_LOOKED_AT_ONCE = 32
#: Bytes of an answer: of a row hash in its sketch, with its count, and of what else is in it.
_LISTED_BYTES, _SUMS_BYTES = 24, 256
_CODE = ("r2d2.lake", "r2d2.containment", "r2d2.model")


@dataclass(frozen=True)
class Measure:
    """The answer to a request: rows in the box, exact sums of both halves of their hashes, a sketch if asked for."""

    rows: int
    low: int
    high: int
    sketch: Sketch | None = None

    def same_rows(self, other: Measure) -> bool:
        """Whether count and both sums are equal: the same bag of rows (docs/hashing.md gives the chance of error)."""
        return (self.rows, self.low, self.high) == (other.rows, other.low, other.high)


class MeasureCache(Protocol):
    """Measures of earlier runs by key; ``catalog.state`` keeps them in a Delta table."""

    def measures(self, keys: Iterable[str]) -> dict[str, Measure]:
        """Those of the keys that are known."""

    def add_measures(self, measures: Mapping[str, Measure]) -> None:
        """Keeps measures for later runs."""


@dataclass
class Scanner:
    """Answers requests.

    Attributes:
        keep: a directory on the disk of all tasks in which they keep the hashes of rows; empty for none.
        budget: what the run may read; only counted here.
        kept: datasets and projections whose hashes were kept.
        failed: datasets whose scan gave no whole, stable version, with the reason.
    """

    datasets: Sequence[Dataset]
    settings: ContainmentSettings
    run: Runner
    cache: MeasureCache
    by: RowHash = FAST
    keep: str = ""
    budget: Budget = field(default_factory=Budget)
    kept: set[tuple[int, Projection]] = field(default_factory=set)
    failed: dict[int, str] = field(default_factory=dict)
    kept_bytes: int = 0
    bytes_read: int = 0
    files_read: int = 0

    @cached_property
    def keys(self) -> list[str]:
        """What each dataset was when it was listed."""
        return [dataset_key(dataset) for dataset in self.datasets]

    def measure(self, wanted: Mapping[int, Sequence[Request]]) -> dict[tuple[int, Request], Measure]:
        """Answers to all requests for the datasets (by index), except for datasets that failed."""
        keys = self._measure_keys(wanted)
        known = self.cache.measures(keys.values())
        missing: dict[int, list[Request]] = defaultdict(list)
        for (index, request), key in keys.items():
            if key not in known:
                missing[index].append(request)
        fresh = self._scan(missing)
        self.cache.add_measures({keys[entry]: measure for entry, measure in fresh.items()})
        found = {entry: known[key] for entry, key in keys.items() if key in known} | fresh
        return {entry: measure for entry, measure in found.items() if entry[0] not in self.failed}

    def known(self, wanted: Mapping[int, Sequence[Request]]) -> set[tuple[int, Request]]:
        """What can be answered without reading."""
        keys = self._measure_keys(wanted)
        found = self.cache.measures(keys.values())
        return {entry for entry, key in keys.items() if key in found}

    def _measure_keys(self, wanted: Mapping[int, Sequence[Request]]) -> dict[tuple[int, Request], str]:
        return {
            (index, request): measure_key(self.keys[index], request, self.settings.case_sensitive, self.by)
            for index, requests in wanted.items()
            for request in requests
        }

    def _scan(self, missing: Mapping[int, Sequence[Request]]) -> dict[tuple[int, Request], Measure]:
        keeping = self._keeping(missing)
        tasks = scan_tasks(self.datasets, missing, self.settings, self.by, self.keep, keeping)
        parts: dict[tuple[int, int], list[Measure]] = defaultdict(list)
        for job in in_jobs(tasks, self._result_sizes(tasks["dataset"].to_pylist(), missing)):
            self._collect(self.run(job, scan_kernel, RESULTS), missing, parts)
        size = sum(self.datasets[index].bytes for index in missing)
        self.budget.charge(size, size)
        self.bytes_read += size
        self.files_read += sum(len(self.datasets[index].files) for index in missing)
        answers = {
            (index, missing[index][r]): _merged(measures)
            for (index, r), measures in parts.items()
            if index not in self.failed
        }
        self._check_rows(answers)
        self.look_again(missing)
        return {entry: measure for entry, measure in answers.items() if entry[0] not in self.failed}

    def _result_sizes(self, rows: Sequence[int], missing: Mapping[int, Sequence[Request]]) -> list[int]:
        """About how many bytes each task row (its dataset) answers with: its share of the sketches, and the sums."""
        shares = Counter(rows)
        sketches = {i: sum(bool(request.threshold) for request in missing[i]) for i in shares}
        sketch = _LISTED_BYTES * self.settings.sketch_size
        return [sketches[i] * sketch // shares[i] + len(missing[i]) * _SUMS_BYTES for i in rows]

    def _collect(
        self,
        results: pa.Table,
        missing: Mapping[int, Sequence[Request]],
        parts: dict[tuple[int, int], list[Measure]],
    ) -> None:
        """Adds the results of a job to those of the jobs before, parts of one dataset merged."""
        for row in results.to_pylist():
            if row["error"] is not None:
                self.failed[row["dataset"]] = row["error"]
                continue
            request = missing[row["dataset"]][row["request"]]
            sketch = unpack(row["sketch"], request.threshold) if row["sketch"] is not None else None
            measure = Measure(row["rows"], int(row["low"]), int(row["high"]), sketch)
            parts[row["dataset"], row["request"]].append(measure)
        for entry, measures in parts.items():
            parts[entry] = [_merged(measures)]

    def _keeping(self, missing: Mapping[int, Sequence[Request]]) -> set[int]:
        """Which datasets' hashes to keep: of those that a sketch does not hold, as far as there is room."""
        found = set()
        for index, requests in missing.items():
            whole = [r.projection for r in requests if not r.box and (index, r.projection) not in self.kept]
            rows = self.datasets[index].rows or 0
            size = rows * ROW_BYTES * len(whole)
            if self.datasets[index].source is not None:
                continue  # of a task row that Spark runs in parts each part would keep its own hashes in one place
            if self.keep and whole and rows > self.settings.sketch_size and self._room(size):
                self.kept_bytes += size
                self.kept.update((index, projection) for projection in whole)
                found.add(index)
        return found

    def _room(self, size: int) -> bool:
        return self.kept_bytes + size <= self.settings.kept_bytes

    def _check_rows(self, answers: Mapping[tuple[int, Request], Measure]) -> None:
        """Every row accounted for (EXACTNESS 1): a scan of the whole must see as many rows as the metadata says."""
        for (index, request), measure in answers.items():
            if not request.box and measure.rows != self.datasets[index].rows:
                self.failed[index] = (
                    f"its metadata says {self.datasets[index].rows} rows, a scan found {measure.rows}; "
                    "its files may be damaged or have changed"
                )

    def look_again(self, indexes: Iterable[int]) -> None:
        """Fails those of which a file is not what was listed any more (EXACTNESS 1).

        Of what Spark has read; what is read here was looked at by whoever read it.
        """
        by_spark = [i for i in indexes if self.datasets[i].source is not None and i not in self.failed]
        files = list({file for i in by_spark for file in self.datasets[i].files})
        with ThreadPoolExecutor(_LOOKED_AT_ONCE) as pool:
            moved = {path for found in pool.map(lambda file: changed([file]), files) for path in found}
        for i in by_spark:
            path = next((file.path for file in self.datasets[i].files if file.path in moved), None)
            if path is not None:
                self.failed[i] = f"changed while it was read: {shown(path)}"


def scan_tasks(
    datasets: Sequence[Dataset],
    wanted: Mapping[int, Sequence[Request]],
    settings: ContainmentSettings,
    by: RowHash,
    keep: str = "",
    keeping: Container[int] = (),
) -> pa.Table:
    """Task rows (``scan.TASKS``) that answer the requests for datasets (by index), with planned ids.

    Args:
        keep: the directory in which the hashes of ``keeping`` are kept.
    """
    return planned(_wanted_rows(datasets, wanted, settings, by, keep, keeping), TASKS, settings.task_bytes)


def scan_work(
    datasets: Sequence[Dataset], wanted: Mapping[int, Sequence[Request]], settings: ContainmentSettings, by: RowHash
) -> tuple[int, int]:
    """How many tasks the requests take, and their work: bytes, and what planning costs as bytes that are scanned."""
    rows = _wanted_rows(datasets, wanted, settings, by, "", ())
    work = sum(int(row["bytes"]) for row in rows)
    return len(planned(rows, TASKS, settings.task_bytes)["task"].unique()), work


def _wanted_rows(
    datasets: Sequence[Dataset],
    wanted: Mapping[int, Sequence[Request]],
    settings: ContainmentSettings,
    by: RowHash,
    keep: str,
    keeping: Container[int],
) -> list[dict[str, Any]]:
    return [
        row
        for index, requests in wanted.items()
        for row in _task_rows(datasets, index, requests, settings, by, keep if index in keeping else "")
    ]


def task_rows(
    datasets: Sequence[Dataset],
    index: int,
    projections: Sequence[Projection],
    settings: ContainmentSettings,
    by: RowHash,
) -> list[dict[str, Any]]:
    """The task rows that read a whole dataset under projections, as scans make them."""
    return _task_rows(datasets, index, [Request(projection) for projection in projections], settings, by, "")


def _task_rows(
    datasets: Sequence[Dataset],
    index: int,
    requests: Sequence[Request],
    settings: ContainmentSettings,
    by: RowHash,
    keep: str,
) -> list[dict[str, Any]]:
    rows = []
    for chunk in chunks(datasets[index], settings.task_bytes):
        row: dict[str, Any] = {
            "task": 0,
            "dataset": index,
            "files": pack_files(chunk.files),
            "part": chunk.part,
            "keep": keep,
            "readers": json.dumps(datasets[index].readers),
            "requests": json.dumps([request.to_json() for request in requests]),
            "case_sensitive": settings.case_sensitive,
            "memory": settings.task_memory,
            "key": by.key,
        }
        own = PLANNING_BYTES + len(requests) * _REQUEST_BYTES
        row["bytes"] = chunk.bytes + (_TOGETHER_BYTES if scanned_with_others(row) else own)
        rows.append(row)
    return rows


def dataset_key(dataset: Dataset) -> str:
    """Identifies what the dataset was when it was listed: place, version, and each file as it was."""
    content: list[object] = [dataset.location, dataset.version, dataset.readers]
    content += [dataset.source.to_json()] if dataset.source else []
    files = [
        [f.path, f.size, f.mtime_ns, f.identity, f.ctime_ns, f.tag, f.reader, f.partition, f.vector]
        for f in dataset.files
    ]
    return hashlib.sha256(json.dumps([content, files]).encode("ascii")).hexdigest()


def measure_key(key: str, request: Request, case_sensitive: bool, by: RowHash = FAST) -> str:
    """Key of a measure: ``dataset_key``, request, the code that reads and hashes, and the secret it hashes with."""
    parts = f"{key}\n{request.to_json()}\n{code_fingerprint(*_CODE)}\n{case_sensitive}\n{by.fingerprint}"
    return hashlib.sha256(parts.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True)
class Chunk:
    """What one task row reads: files, or the rows ``start`` to ``stop`` (excluded) of one file."""

    files: tuple[DataFile, ...]
    start: int = 0
    stop: int = 0
    share: float = 1.0

    @property
    def part(self) -> str:
        """The rows as they travel in a task; empty for all."""
        return json.dumps([self.start, self.stop]) if self.stop else ""

    @property
    def bytes(self) -> int:
        """About how much is read."""
        return int(sum(file.size for file in self.files) * self.share)


def chunks(dataset: Dataset, most_bytes: int) -> list[Chunk]:
    """Files cut so that each chunk reads at most ``most_bytes`` or a row group, and few that are read differently.

    Files with another reader or other partition values are another branch of the query. *Seen*: 100 branches of ten
    columns took 6 s and 0.9 GB to plan, 300 took 40 s and 2.3 GB; 16 take 0.2 s.
    """
    result: list[list[DataFile]] = []
    size, branches = 0, set[tuple[object, ...]]()
    for file in sorted(dataset.scanned, key=branch_key):
        branch = branch_key(file)
        if not result or size + file.size > most_bytes or len(branches | {branch}) > _MOST_BRANCHES:
            result.append([])
            size, branches = 0, set()
        result[-1].append(file)
        size += file.size
        branches.add(branch)
    return [chunk for files in result for chunk in _parts(dataset, files, most_bytes)]


def _parts(dataset: Dataset, files: Sequence[DataFile], most_bytes: int) -> list[Chunk]:
    """One large Parquet file by ranges of its rows, of which a reader skips the row groups of the others."""
    cut = dataset.format in ("parquet", "delta") and dataset.source is None  # what Spark reads it cuts itself
    groups = int(dataset.properties.get("row_groups", 1)) if cut else 1
    parts = min(-(-sum(file.size for file in files) // max(1, most_bytes)), groups)
    deleted = DeletionVector.from_json(files[0].vector).rows if files[0].vector else 0
    rows = (files[0].rows or 0) + deleted
    if len(files) > 1 or parts < 2 or not rows:
        return [Chunk(tuple(files))]
    cuts = [rows * part // parts for part in range(parts + 1)]
    return [Chunk(tuple(files), a, b, 1 / parts) for a, b in pairwise(cuts) if a < b]


def planned(rows: list[dict[str, Any]], schema: pa.Schema, most_bytes: int) -> pa.Table:
    """Task rows with planned ids in ``task``: as few tasks as ``most_bytes`` allows, all of nearly the same size.

    ``rows`` carry their size in ``bytes``, which does not travel; one that is larger is a task of its own.
    """
    rows.sort(key=lambda row: -int(row["bytes"]))
    tasks = shared_out([int(row.pop("bytes")) for row in rows], most_bytes)
    for row, task in zip(rows, tasks, strict=True):
        row["task"] = task
    return pa.Table.from_pylist(rows, schema=schema)


def _merged(parts: Sequence[Measure]) -> Measure:
    if len(parts) == 1:
        return parts[0]
    sketches = [part.sketch for part in parts if part.sketch is not None]
    return Measure(
        sum(part.rows for part in parts),
        sum(part.low for part in parts),
        sum(part.high for part in parts),
        merge(sketches) if sketches else None,
    )
