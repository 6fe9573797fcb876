"""Measures of datasets: answers to requests, from the cache of the state or from one Spark job over the rest."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import pyarrow as pa

from r2d2.config import ContainmentSettings
from r2d2.containment.request import Request
from r2d2.containment.row_hash import FAST, RowHash
from r2d2.containment.scan import RESULTS, TASKS, branch_key, pack_files, scan_kernel
from r2d2.containment.sketch import Sketch, merge, unpack
from r2d2.lake.fingerprint import code_fingerprint
from r2d2.lake.kernels import Kernel
from r2d2.model.dataset import DataFile, Dataset

#: Runs a kernel over tasks: ``lake.session.map_tasks`` with its session, or ``lake.kernels.run_here``.
Runner = Callable[[pa.Table, Kernel, pa.Schema], pa.Table]


#: What it costs to plan the query of one task row, and of one request in it, as bytes that would be scanned meanwhile.
PLANNING_BYTES, _REQUEST_BYTES = 6_000_000, 1_000_000
_MOST_BRANCHES = 16
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
    """Answers requests. ``failed`` collects datasets whose scan gave no whole, stable version, with the reason."""

    datasets: Sequence[Dataset]
    settings: ContainmentSettings
    run: Runner
    cache: MeasureCache
    by: RowHash = FAST
    failed: dict[int, str] = field(default_factory=dict)
    bytes_read: int = 0
    files_read: int = 0

    @cached_property
    def keys(self) -> list[str]:
        """What each dataset was when it was listed."""
        return [dataset_key(dataset) for dataset in self.datasets]

    def measure(self, wanted: Mapping[int, Sequence[Request]]) -> dict[tuple[int, Request], Measure]:
        """Answers to all requests for the datasets (by index), except for datasets that failed."""
        keys = {
            (index, request): measure_key(self.keys[index], request, self.settings.case_sensitive, self.by)
            for index, requests in wanted.items()
            for request in requests
        }
        known = self.cache.measures(keys.values())
        missing: dict[int, list[Request]] = defaultdict(list)
        for (index, request), key in keys.items():
            if key not in known:
                missing[index].append(request)
        fresh = self._scan(missing)
        self.cache.add_measures({keys[entry]: measure for entry, measure in fresh.items()})
        found = {entry: known[key] for entry, key in keys.items() if key in known} | fresh
        return {entry: measure for entry, measure in found.items() if entry[0] not in self.failed}

    def _scan(self, missing: Mapping[int, Sequence[Request]]) -> dict[tuple[int, Request], Measure]:
        results = self.run(scan_tasks(self.datasets, missing, self.settings, self.by), scan_kernel, RESULTS)
        self.bytes_read += sum(self.datasets[index].bytes for index in missing)
        self.files_read += sum(len(self.datasets[index].files) for index in missing)
        parts: dict[tuple[int, int], list[Measure]] = defaultdict(list)
        for row in results.to_pylist():
            if row["error"] is not None:
                self.failed[row["dataset"]] = row["error"]
                continue
            request = missing[row["dataset"]][row["request"]]
            sketch = unpack(row["sketch"], request.threshold) if row["sketch"] is not None else None
            measure = Measure(row["rows"], int(row["low"]), int(row["high"]), sketch)
            parts[row["dataset"], row["request"]].append(measure)
        answers = {
            (index, missing[index][r]): _merged(measures)
            for (index, r), measures in parts.items()
            if index not in self.failed
        }
        self._check_rows(answers)
        return {entry: measure for entry, measure in answers.items() if entry[0] not in self.failed}

    def _check_rows(self, answers: Mapping[tuple[int, Request], Measure]) -> None:
        """Every row accounted for (EXACTNESS 1): a scan of the whole must see as many rows as the metadata says."""
        for (index, request), measure in answers.items():
            if not request.box and measure.rows != self.datasets[index].rows:
                self.failed[index] = (
                    f"its metadata says {self.datasets[index].rows} rows, a scan found {measure.rows}; "
                    "its files may be damaged or have changed"
                )


def scan_tasks(
    datasets: Sequence[Dataset], wanted: Mapping[int, Sequence[Request]], settings: ContainmentSettings, by: RowHash
) -> pa.Table:
    """Task rows (``scan.TASKS``) that answer the requests for datasets (by index), with planned ids."""
    rows: list[dict[str, object]] = []
    for index, requests in wanted.items():
        asked = json.dumps([request.to_json() for request in requests])
        for files in chunks(datasets[index].files, settings.task_bytes):
            rows.append(
                {
                    "task": 0,
                    "dataset": index,
                    "files": pack_files(files),
                    "readers": json.dumps(datasets[index].readers),
                    "requests": asked,
                    "case_sensitive": settings.case_sensitive,
                    "memory": settings.task_memory,
                    "key": by.key,
                    "bytes": sum(file.size for file in files) + PLANNING_BYTES + len(requests) * _REQUEST_BYTES,
                }
            )
    return planned(rows, TASKS, settings.task_bytes)


def dataset_key(dataset: Dataset) -> str:
    """Identifies what the dataset was when it was listed: place, version, and each file as it was."""
    content = [dataset.location, dataset.version, dataset.readers]
    files = [[f.path, f.size, f.mtime_ns, f.identity, f.ctime_ns, f.reader, f.partition] for f in dataset.files]
    return hashlib.sha256(json.dumps([content, files]).encode("ascii")).hexdigest()


def measure_key(key: str, request: Request, case_sensitive: bool, by: RowHash = FAST) -> str:
    """Key of a measure: ``dataset_key``, request, the code that reads and hashes, and the secret it hashes with."""
    parts = f"{key}\n{request.to_json()}\n{code_fingerprint(*_CODE)}\n{case_sensitive}\n{by.fingerprint}"
    return hashlib.sha256(parts.encode("utf-8", "surrogatepass")).hexdigest()


def chunks(files: Sequence[DataFile], most_bytes: int) -> list[list[DataFile]]:
    """Files cut so that each chunk holds at most ``most_bytes`` or a single file, and few that are read differently.

    Files with another reader or other partition values are another branch of the query. *Seen*: 100 branches of ten
    columns took 6 s and 0.9 GB to plan, 300 took 40 s and 2.3 GB; 16 take 0.2 s.
    """
    result: list[list[DataFile]] = []
    size, branches = 0, set[tuple[object, ...]]()
    for file in sorted(files, key=branch_key):
        branch = branch_key(file)
        if not result or size + file.size > most_bytes or len(branches | {branch}) > _MOST_BRANCHES:
            result.append([])
            size, branches = 0, set()
        result[-1].append(file)
        size += file.size
        branches.add(branch)
    return result


def planned(rows: list[dict[str, object]], schema: pa.Schema, most_bytes: int) -> pa.Table:
    """Task rows with planned ids in ``task``: the largest first, small ones packed together up to ``most_bytes``.

    ``rows`` carry their size in ``bytes``, which does not travel.
    """
    rows.sort(key=lambda row: -int(str(row["bytes"])))
    task, filled = -1, most_bytes
    for row in rows:
        size = int(str(row.pop("bytes")))
        if filled + size > most_bytes:
            task, filled = task + 1, 0
        row["task"] = task
        filled += size
    return pa.Table.from_pylist(rows, schema=schema)


def _merged(parts: Sequence[Measure]) -> Measure:
    sketches = [part.sketch for part in parts if part.sketch is not None]
    return Measure(
        sum(part.rows for part in parts),
        sum(part.low for part in parts),
        sum(part.high for part in parts),
        merge(sketches) if sketches else None,
    )
