"""The kernels of the paper's sampling: one reads the drawn rows of children, one looks for them in parents.

Both tell rows apart by the hash that proofs rest on, so that nothing is missing here that a comparison of every row
would find. Only drawn columns are read; of Parquet files, only the row groups that hold a drawn row.
"""

from __future__ import annotations

import json
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from r2d2.containment.accumulate import Accumulator
from r2d2.containment.pairs import Ints
from r2d2.containment.request import COMPLETE, Request
from r2d2.containment.row_hash import RowHash
from r2d2.containment.scan import (
    BATCH,
    TASKS,
    Connect,
    Task,
    file_sql,
    opened_together,
    read_failure,
    requests_of,
    slots_of,
    task_connection,
    unchanged,
)
from r2d2.containment.scan_groups import queried_together
from r2d2.containment.scan_sql import Partition, Source, hashed_rows, source
from r2d2.containment.sketch import Hashes, pack
from r2d2.lake.layout import Reader
from r2d2.lake.relation import batches as row_batches
from r2d2.lake.relation import open_relation
from r2d2.lake.staging import stage
from r2d2.model.packing import unpack_files

#: ``places``: for each file the positions of rows to read; ``asked``: the numbers of the requests elsewhere.
DRAW_TASKS = TASKS.append(pa.field("places", pa.string())).append(pa.field("asked", pa.string()))
FIND_TASKS = TASKS.append(pa.field("asked", pa.string()))
#: Rows that were read, and hashes (all of them, or those looked for) with their counts, under the request ``asked``.
FOUND = pa.schema(
    [
        ("dataset", pa.int32()),
        ("asked", pa.int32()),
        ("rows", pa.int64()),
        ("sketch", pa.binary()),
        ("error", pa.string()),
    ]
)
_SHIFT = np.uint64(48)
#: Files of a dataset up to so many bytes in all are read faster with others, and whole, than each at its places.
_SMALL_BYTES = 1_000_000
#: Rows of one file are told apart by so many bits, its place among the files by those above.
_ROW_BITS = 40


@dataclass(frozen=True)
class Lookup:
    """Finds which hashes are among those that are looked for, by their low halves.

    Attributes:
        lows: sorted.
    """

    lows: Hashes

    def within(self, low: Hashes) -> Ints:
        """Positions of the hashes whose low half is looked for."""
        near: Ints = np.flatnonzero(self._starts[low >> _SHIFT])
        at = np.minimum(np.searchsorted(self.lows, low[near]), len(self.lows) - 1)
        found: Ints = near[self.lows[at] == low[near]]
        return found

    @cached_property
    def _starts(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """By the first 16 bits whether any begins so: most rows need no search."""
        starts = np.zeros(1 << 16, bool)
        starts[self.lows >> _SHIFT] = True
        return starts


@dataclass(frozen=True)
class FindKernel:
    """Maps tasks (``FIND_TASKS``) to what of the rows looked for their files hold (``FOUND``).

    Attributes:
        lookups: what to look for, by the number of the request; it travels once for all tasks.
    """

    lookups: Sequence[Lookup]

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """A dataset that can't be read gives one row with its error."""
        yield from _each_query(batches, queried_together, self._found)

    def _found(self, tasks: Sequence[Task], connect: Connect, general: bool) -> list[dict[str, Any]]:
        lookups = [self.lookups[number] for number in json.loads(tasks[0]["asked"])]
        with opened_together(tasks, connect) as (con, sources):
            return _hashed(tasks, con, sources, general, lookups, file_sql(tasks))


def draw_kernel(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Maps tasks (``DRAW_TASKS``) to the hashes of the rows at the places that they name (``FOUND``)."""
    yield from _each_query(batches, _drawn_together, _drawn)


def _drawn_together(tasks: Sequence[Task]) -> list[list[Task]]:
    """Like ``queried_together``, but not of large files: who reads many files at once skips no row groups."""
    large = [sum(file.size for file in unpack_files(task["files"])) > _SMALL_BYTES for task in tasks]
    small = queried_together([task for task, alone in zip(tasks, large, strict=True) if not alone])
    return [*small, *([task] for task, alone in zip(tasks, large, strict=True) if alone)]


def _drawn(tasks: Sequence[Task], connect: Connect, general: bool) -> list[dict[str, Any]]:
    nothing_else = [None] * len(json.loads(tasks[0]["asked"]))
    if len(tasks) == 1:
        with _opened_at_places(tasks[0], connect) as (con, sources):
            return _hashed(tasks, con, sources, general, nothing_else, file_sql(tasks))
    with opened_together(tasks, connect) as (con, (whole,)):
        places = [places for task in tasks for places in json.loads(task["places"])]
        columns = len(Reader.from_json(json.loads(tasks[0]["readers"])[0]).columns)
        some = replace(whole, table=_at_places_of_many(whole.table, columns, places))
        return _hashed(tasks, con, [some], general, nothing_else, "file")


#: Reads tasks by one query; the last argument says whether numbers may be of any size.
_Read = Callable[[Sequence[Task], Connect, bool], list[dict[str, Any]]]


def _each_query(
    batches: Iterator[pa.RecordBatch], together: Callable[[Sequence[Task]], list[list[Task]]], read: _Read
) -> Iterator[pa.RecordBatch]:
    """The results of all tasks; those that one query reads come together, but where it fails each alone."""
    with task_connection() as connect:
        for batch in batches:
            for tasks in together(batch.to_pylist()):
                yield pa.RecordBatch.from_pylist(_results(tasks, connect, read), schema=FOUND)


def _results(tasks: Sequence[Task], connect: Connect, read: _Read) -> list[dict[str, Any]]:
    try:
        return _fast_first(tasks, connect, read)
    except Exception as error:  # noqa: BLE001  # recorded as the dataset's reason; the others go on
        if len(tasks) > 1:
            return [row for task in tasks for row in _results([task], connect, read)]
        return [{"dataset": tasks[0]["dataset"], "asked": -1, "rows": 0, "error": read_failure(error)}]


def _fast_first(tasks: Sequence[Task], connect: Connect, read: _Read) -> list[dict[str, Any]]:
    """As if all numbers were of a common size, which saves asking; once more if one is not."""
    try:
        return read(tasks, connect, False)
    except duckdb.ConversionException:
        return read(tasks, connect, True)


def _hashed(
    tasks: Sequence[Task],
    con: duckdb.DuckDBPyConnection,
    sources: Sequence[Source],
    general: bool,
    lookups: Sequence[Lookup | None],
    file: str,
) -> list[dict[str, Any]]:
    """A row for each task and request, of the rows that the request's lookup finds, or of all where there is none.

    Args:
        tasks: one, or several of the same requests.
        general: whether numbers may be of any size.
        file: SQL of the place of a row's file among those of several tasks.
    """
    projections = [request.projection for request in requests_of(tasks[0])]
    found = [Accumulator([Request(projection, COMPLETE)] * len(tasks)) for projection in projections]
    owners = slots_of(tasks)
    rows = np.zeros(len(tasks), np.int64)
    query = hashed_rows(sources, projections, [], RowHash(tasks[0]["key"]), file, general)
    for batch in row_batches(con, query, BATCH):
        owner = owners[batch.column("slot").to_numpy()]
        rows += np.bincount(owner, minlength=len(tasks))
        for p, lookup in enumerate(lookups):
            low, high = (batch.column(f"{half}{p}").to_numpy(zero_copy_only=False) for half in ("lo", "hi"))
            at = slice(None) if lookup is None else lookup.within(low)
            found[p].add(owner[at], low[at], high[at])
    return [
        {"dataset": task["dataset"], "asked": number, "rows": int(rows[slot]), "sketch": pack(sketch), "error": None}
        for slot, task in enumerate(tasks)
        for number, each in zip(json.loads(task["asked"]), found, strict=True)
        if (sketch := each.sketch(slot)) is not None
    ]


@contextmanager
def _opened_at_places(task: Task, connect: Connect) -> Iterator[tuple[duckdb.DuckDBPyConnection, list[Source]]]:
    """The rows of a task's files at its places, as sources, one for each reader and set of partition columns."""
    files, readers = unpack_files(task["files"]), json.loads(task["readers"])
    con, scratch = connect(task["memory"])
    with unchanged(files), tempfile.TemporaryDirectory(dir=scratch) as directory:
        tables: dict[tuple[int, tuple[str, ...]], list[tuple[str, Partition]]] = defaultdict(list)
        for file, path, places in zip(files, stage(files, Path(directory)), json.loads(task["places"]), strict=True):
            reader = Reader.from_json(readers[file.reader])
            names = tuple(sorted(name for name, _ in file.partition))
            table = open_relation(con, reader, [path])
            if len(places) != file.rows:
                table = _at_places(table, reader, places)
            tables[file.reader, names].append((table, file.partition))
        yield (
            con,
            [
                source(alike, Reader.from_json(readers[number]), task["case_sensitive"])
                for (number, _), alike in tables.items()
            ],
        )


def _at_places(table: str, reader: Reader, places: Sequence[int]) -> str:
    """The rows of one file at places that count from 0: by their number in a Parquet file, of which the other row
    groups are not read, else in the order in which the reader gives them, each once.
    """
    columns = ", ".join(f"c{i}" for i in range(len(reader.columns)))
    wanted = ", ".join(str(int(place)) for place in places)
    if reader.format == "parquet":
        return f"(SELECT {columns} FROM {table} WHERE file_row_number IN ({wanted}))"
    numbered = f"SELECT {columns}, row_number() OVER () - 1 AS place FROM {table}"
    return f"(SELECT {columns} FROM ({numbered}) WHERE place IN ({wanted}))"


def _at_places_of_many(table: str, columns: int, places: Sequence[Sequence[int]]) -> str:
    """The rows at the places of each of many Parquet files, and which ``file`` they stand in."""
    wanted = ", ".join(str((file << _ROW_BITS) + int(place)) for file, some in enumerate(places) for place in some)
    names = ", ".join(f"c{i}" for i in range(columns))
    place = f"(file_index::BIGINT << {_ROW_BITS}) + file_row_number"
    return f"(SELECT {names}, file_index::BIGINT AS file FROM {table} WHERE {place} IN ({wanted}))"
