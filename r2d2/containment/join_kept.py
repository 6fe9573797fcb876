"""The join where scans of the same run kept the hashes of both sides on this machine: no row is read or sent again.

A task compares one parent with some of its children, in one range of hashes if they are many. What it can't find whole
is left to the join that reads the files (``join``).
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from r2d2.config import ContainmentSettings
from r2d2.containment.join import JoinResult, range_of
from r2d2.containment.kept import kept_path, kept_rows
from r2d2.containment.request import COMPLETE
from r2d2.containment.row_hash import RowHash
from r2d2.containment.scan import read_failure, unchanged
from r2d2.containment.scanner import Runner, planned, task_rows
from r2d2.containment.sketch import (
    Counts,
    Hashes,
    Sketch,
    lacking_rows,
    pack,
    row_hash,
    sketch_of,
    surely_holds,
    unpack,
)
from r2d2.containment.views import Pair
from r2d2.errors import UnreadableData
from r2d2.model.dataset import Dataset
from r2d2.model.edge import Projection, Witness
from r2d2.model.packing import pack_files, unpack_files

_TASKS = pa.schema(
    [
        ("task", pa.int32()),
        ("parent", pa.string()),
        ("children", pa.string()),
        ("range", pa.int32()),
        ("ranges", pa.int32()),
    ]
)
_COUNTS = pa.schema(
    [
        ("pair", pa.int32()),
        ("missing", pa.bool_()),
        ("failed", pa.int32()),
        ("lacking", pa.int64()),
        ("row_hash", pa.string()),
        ("in_child", pa.int64()),
        ("in_parent", pa.int64()),
        ("error", pa.string()),
    ]
)
#: A dataset (index) under a projection.
Side = tuple[int, Projection]
#: Both halves of hashes, and how often each occurs if not once.
Rows = tuple[Hashes, Hashes, Counts | None]
#: Rows of the sides that one task takes, at most, if it has several children.
_TASK_ROWS = 8_000_000


@dataclass(frozen=True)
class KeptJoin:
    """Compares pairs by kept hashes.

    Attributes:
        run: runs the kernel; its tasks must see the directory.
        keep: where the hashes are.
    """

    run: Runner
    datasets: Sequence[Dataset]
    settings: ContainmentSettings
    by: RowHash
    keep: str

    def __call__(
        self, pairs: Sequence[Pair], sketches: Mapping[Side, Sketch], failed: dict[int, str]
    ) -> dict[Pair, JoinResult]:
        """Results for those of the pairs whose hashes are all there.

        Args:
            sketches: of small sides, which hold all their rows; the hashes of the others are in the directory.
            failed: gets the datasets whose files have changed since they were scanned.
        """
        if not pairs:
            return {}
        counted = self.run(self._tasks(pairs, sketches), compare_kernel, _COUNTS).to_pylist()
        missing = {row["pair"] for row in counted if row["missing"]}
        for row in counted:
            if row["error"] is not None:
                failed[row["failed"]] = row["error"]
        lacking: dict[int, int] = defaultdict(int)
        witness: dict[int, Witness] = {}
        for row in counted:
            lacking[row["pair"]] += row["lacking"]
            if row["lacking"]:
                witness[row["pair"]] = Witness(row["row_hash"], row["in_child"], row["in_parent"])
        return {
            pair: JoinResult(lacking[i], witness.get(i))
            for i, pair in enumerate(pairs)
            if i in lacking and i not in missing and not {pair.parent, pair.child} & failed.keys()
        }

    def _tasks(self, pairs: Sequence[Pair], sketches: Mapping[Side, Sketch]) -> pa.Table:
        groups: dict[tuple[int, Projection], list[tuple[int, Pair]]] = defaultdict(list)
        for number, pair in enumerate(pairs):
            groups[pair.parent, pair.projection].append((number, pair))
        rows: list[dict[str, Any]] = []
        for (parent, projection), members in groups.items():
            for some in self._shared_out(members):
                rows += self._rows(parent, projection, some, sketches)
        return planned(rows, _TASKS, _TASK_ROWS)

    def _shared_out(self, members: Sequence[tuple[int, Pair]]) -> Iterator[list[tuple[int, Pair]]]:
        """Children of one parent in lists of at most ``_TASK_ROWS`` rows, or a single one."""
        some: list[tuple[int, Pair]] = []
        rows = 0
        for number, pair in members:
            own = self.datasets[pair.child].rows or 0
            if some and rows + own > _TASK_ROWS:
                yield some
                some, rows = [], 0
            some.append((number, pair))
            rows += own
        yield some

    def _rows(
        self,
        parent: int,
        projection: Projection,
        members: Sequence[tuple[int, Pair]],
        sketches: Mapping[Side, Sketch],
    ) -> Iterator[dict[str, Any]]:
        """A task row for each range."""
        held = {pair.child: sketches.get((pair.child, projection)) for _, pair in members}
        children = [{"pair": n, **self._side(pair.child, projection, held[pair.child])} for n, pair in members]
        both = {"parent": json.dumps(self._side(parent, projection, None)), "children": json.dumps(children)}
        largest = max(self.datasets[pair.child].rows or 0 for _, pair in members)
        together = (self.datasets[parent].rows or 0) + largest
        ranges = 1 + together // self.settings.join_rows_per_task
        size = ((self.datasets[parent].rows or 0) + sum(self.datasets[p.child].rows or 0 for _, p in members)) // ranges
        for number in range(ranges):
            yield {**both, "range": number, "ranges": ranges, "bytes": size}

    def _side(self, index: int, projection: Projection, sketch: Sketch | None) -> dict[str, Any]:
        if sketch is not None:
            files = pack_files(self.datasets[index].files)
            return {"dataset": index, "sketch": b64encode(pack(sketch)).decode("ascii"), "files": [files]}
        tasks = task_rows(self.datasets, index, [projection], self.settings, self.by)
        paths = [str(kept_path(self.keep, task, json.loads(task["requests"])[0])) for task in tasks]
        return {
            "dataset": index,
            "rows": self.datasets[index].rows,
            "paths": paths,
            "files": [task["files"] for task in tasks],
        }


def compare_kernel(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Maps task rows (``_TASKS``) to counts (``_COUNTS``), a row for each pair."""
    for batch in batches:
        for task in batch.to_pylist():
            yield pa.RecordBatch.from_pylist(list(_compared(task)), schema=_COUNTS)


def _compared(task: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    side, spot = json.loads(task["parent"]), (task["range"], task["ranges"])
    children = json.loads(task["children"])
    rows, error = _rows_of(side, spot)
    parent = None if rows is None else _sketch(rows)
    for child in children:
        pair = {"pair": child["pair"], "missing": False, "lacking": 0}
        if parent is None:
            yield {**pair, "missing": True, "failed": side["dataset"], "error": error}
            continue
        rows, error = _rows_of(child, spot)
        if rows is None:
            yield {**pair, "missing": True, "failed": child["dataset"], "error": error}
            continue
        yield {**pair, **_lacking(rows, parent)}


def _lacking(rows: Rows, parent: Sketch) -> dict[str, Any]:
    """What the parent lacks of a child's rows: nothing, or how many, with the first as witness."""
    low, high, count = rows
    if count is None and surely_holds(parent, low, high):
        return {}
    child = _sketch(rows)
    lacking, held = lacking_rows(child, parent)
    if not len(lacking):
        return {}
    first = lacking[0]
    shown = row_hash(int(child.low[first]), int(child.high[first]))
    counts = {"in_child": int(child.count[first]), "in_parent": int(held[0])}
    return {"lacking": len(lacking), "row_hash": shown, **counts}


def _sketch(rows: Rows) -> Sketch:
    low, high, count = rows
    return sketch_of(low, high, COMPLETE, count)


def _rows_of(side: Mapping[str, Any], spot: tuple[int, int]) -> tuple[Rows | None, str | None]:
    """The rows of a side in a range; None if their hashes are not all there, or with why they say nothing any more."""
    found = (_listed if "sketch" in side else _kept)(side, spot)
    if found is None:
        return None, None
    try:
        with unchanged([file for text in side["files"] for file in unpack_files(text)]):
            pass
    except UnreadableData as changed:
        return None, read_failure(changed)
    return found, None


def _inside(low: Hashes, spot: tuple[int, int]) -> npt.NDArray[np.bool_] | None:
    """Which rows lie in a range; None for all."""
    number, ranges = spot
    return None if ranges == 1 else range_of(low, ranges) == number


def _listed(side: Mapping[str, Any], spot: tuple[int, int]) -> Rows:
    sketch = unpack(b64decode(side["sketch"]), COMPLETE)
    inside = _inside(sketch.low, spot)
    rows = sketch.low, sketch.high, sketch.count
    return rows if inside is None else (rows[0][inside], rows[1][inside], rows[2][inside])


def _kept(side: Mapping[str, Any], spot: tuple[int, int]) -> Rows | None:
    rows, parts = 0, []
    for path in side["paths"]:
        found = kept_rows(Path(path), lambda low: _inside(low, spot))
        if found is None:
            return None
        rows += found[0]
        parts += found[1]
    if rows != side["rows"]:
        return None
    low, high = (np.concatenate([part[half] for part in parts]) for half in (0, 1))
    return low, high, None
