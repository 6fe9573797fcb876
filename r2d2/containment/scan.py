"""Scans: the files of a dataset are read once, and answer every request for it (DESIGN 5).

DuckDB reads and hashes; the hashes of rows stream from it and are summed and sketched here. Datasets of a few megabytes
that are read alike and asked the same, thresholds apart, are one query; each file belongs to one of them
(``scan_groups``).
"""

from __future__ import annotations

import json
import tempfile
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from decimal import Decimal
from functools import lru_cache
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from r2d2.containment.accumulate import Accumulator, run_starts
from r2d2.containment.kept import Keeper, kept_path
from r2d2.containment.request import Request, Term
from r2d2.containment.row_hash import RowHash
from r2d2.containment.scan_sql import Source, hashed_rows, inside_sql, source
from r2d2.containment.sketch import pack
from r2d2.errors import R2D2Error, UnreadableData
from r2d2.lake.delta_vectors import DeletionVector, deleted_rows
from r2d2.lake.file_tree import shown
from r2d2.lake.layout import Reader
from r2d2.lake.relation import batches as row_batches
from r2d2.lake.relation import locked_connection, open_relation
from r2d2.lake.staging import changed, stage
from r2d2.model.dataset import DataFile
from r2d2.model.edge import Projection
from r2d2.model.packing import pack_files, unpack_files

TASKS = pa.schema(
    [
        ("task", pa.int32()),
        ("dataset", pa.int32()),
        ("files", pa.string()),
        ("part", pa.string()),
        ("keep", pa.string()),
        ("readers", pa.string()),
        ("requests", pa.string()),
        ("case_sensitive", pa.bool_()),
        ("memory", pa.string()),
        ("key", pa.string()),
    ]
)
RESULTS = pa.schema(
    [
        ("dataset", pa.int32()),
        ("request", pa.int32()),
        ("rows", pa.int64()),
        ("low", pa.decimal128(38, 0)),
        ("high", pa.decimal128(38, 0)),
        ("sketch", pa.binary()),
        ("error", pa.string()),
    ]
)
#: Characters of requests that are kept once they are parsed: those with boxes may take megabytes, no two alike.
_SHORT = 1 << 13
#: Rows that leave DuckDB at once.
BATCH = 1 << 16

#: Gives the task's connection, and its scratch directory, for a memory limit.
Connect = Callable[[str], tuple[duckdb.DuckDBPyConnection, Path]]
Task = Mapping[str, Any]


def scan_task(task: Task, connect: Connect) -> list[dict[str, Any]]:
    """The results of one task row: a row for each request, or one with the error that ends the dataset's part."""
    try:
        return scan_fast([task], connect)
    except Exception as error:  # noqa: BLE001  # recorded as the dataset's reason; the others of the task are scanned
        empty = {"rows": 0, "low": Decimal(0), "high": Decimal(0), "sketch": None}
        return [{"dataset": task["dataset"], "request": -1, "error": read_failure(error), **empty}]


def read_failure(error: Exception) -> str:
    """Why a read failed, in one line for the data's owner and without cell values, which an error's text may hold."""
    if isinstance(error, R2D2Error):
        return str(error)
    if isinstance(error, OSError):
        return f"a file could not be read: {error.strerror or 'its store does not say why'}"
    if isinstance(error, duckdb.OutOfMemoryException):
        return "the scan ran out of memory; raise containment.task_memory"
    return "a file could not be read as its metadata says; it may be damaged"


@contextmanager
def task_connection() -> Iterator[Connect]:
    """One DuckDB connection for a task, made when it is first needed, with scratch space of its own."""
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="r2d2-task-")))
        made: list[duckdb.DuckDBPyConnection] = []

        def connect(memory: str) -> tuple[duckdb.DuckDBPyConnection, Path]:
            if not made or not _is_usable(made[-1]):
                made.append(stack.enter_context(locked_connection(scratch, memory)))
            return made[-1], scratch

        yield connect


def _is_usable(con: duckdb.DuckDBPyConnection) -> bool:
    """An internal error in one dataset makes DuckDB refuse whatever comes after it on the same connection."""
    try:
        con.execute("SELECT 1").fetchall()
    except duckdb.Error:
        return False
    return True


@contextmanager
def open_sources(task: Task, connect: Connect) -> Iterator[tuple[duckdb.DuckDBPyConnection, list[Source]]]:
    """The files of a task row as sources, one for each reader.

    Raises:
        UnreadableData: a file is not what it was when it was listed, before the scan or after it (EXACTNESS 1).
    """
    files = unpack_files(task["files"])
    readers = json.loads(task["readers"])
    with unchanged(files), staged(files, task, connect) as (con, paths), ExitStack() as stack:
        sources = []
        ordered = sorted(zip(files, paths, strict=True), key=lambda f: (_source_key(f[0]), branch_key(f[0])))
        for (number, _), group in groupby(ordered, key=lambda f: _source_key(f[0])):
            reader = Reader.from_json(readers[number])
            tables = []
            for _, alike in groupby(group, key=lambda f: branch_key(f[0])):
                members = list(alike)
                table = open_relation(con, reader, [path for _, path in members])
                gone = stack.enter_context(deleted_places(con, members[0][0].vector))
                tables.append((_part(table, reader, task["part"], gone), members[0][0].partition))
            sources.append(source(tables, reader, task["case_sensitive"]))
        yield con, sources


def _part(table: str, reader: Reader, part: str, gone: str) -> str:
    """The rows of a file that a task row asks for, of the rest no row group is read; and that are not ``gone``."""
    terms = []
    if part:
        start, stop = json.loads(part)
        terms.append(f"file_row_number >= {int(start)} AND file_row_number < {int(stop)}")
    if gone:
        terms.append(f"file_row_number NOT IN (SELECT place FROM {gone})")
    if not terms:
        return table
    columns = ", ".join(f"c{i}" for i in range(len(reader.columns)))
    return f"(SELECT {columns} FROM {table} WHERE {' AND '.join(terms)})"


@contextmanager
def deleted_places(con: duckdb.DuckDBPyConnection, vector: str) -> Iterator[str]:
    """The name of a table of the places that a deletion vector takes out; empty where there is none."""
    if not vector:
        yield ""
        return
    name = f"deleted_{uuid.uuid4().hex}"
    con.register(name, pa.table({"place": deleted_rows(DeletionVector.from_json(vector))}))
    try:
        yield name
    finally:
        con.unregister(name)


@contextmanager
def staged(
    files: Sequence[DataFile], task: Task, connect: Connect
) -> Iterator[tuple[duckdb.DuckDBPyConnection, list[Path]]]:
    """A connection, and the files under names of our own."""
    con, scratch = connect(task["memory"])
    with tempfile.TemporaryDirectory(dir=scratch) as directory:
        yield con, stage(files, Path(directory))


@contextmanager
def unchanged(files: Sequence[DataFile]) -> Iterator[None]:
    """Looks before and after that files are what they were when they were listed."""
    _check_unchanged(files)
    yield
    _check_unchanged(files)


def _check_unchanged(files: Sequence[DataFile]) -> None:
    moved = changed(files)
    if moved:
        raise UnreadableData(
            f"changed while it was read: {shown(moved[0])}" + (f" and {len(moved) - 1} more" * (len(moved) > 1))
        )


def _source_key(file: DataFile) -> tuple[int, list[str]]:
    """Files with equal keys are one source: the same reader, and values for the same partition columns."""
    return file.reader, sorted(name for name, _ in file.partition)


def branch_key(file: DataFile) -> tuple[int, str, str]:
    """Files with equal keys are read by one branch of the query: the same reader and partition values.

    One with deleted rows, which are known by their places in it, is a branch of its own.
    """
    return file.reader, json.dumps(file.partition), file.path if file.vector else ""


def scan_fast(tasks: Sequence[Task], connect: Connect) -> list[dict[str, Any]]:
    """The answers for tasks that differ in dataset, files and thresholds only; several if one query can read them.

    As if all numbers were of a common size, which saves asking; once more if one is not.
    """
    try:
        return _scan(tasks, connect, general=False)
    except duckdb.ConversionException:
        return _scan(tasks, connect, general=True)


def _scan(tasks: Sequence[Task], connect: Connect, general: bool) -> list[dict[str, Any]]:
    """The answers for tasks that differ in dataset, files and thresholds only."""
    requests = [requests_of(task) for task in tasks]
    with opened_together(tasks, connect) as (con, sources), ExitStack() as stack:
        keepers = [stack.enter_context(keepers_of(*asked)) for asked in zip(tasks, requests, strict=True)]
        answers = [Accumulator(alike) for alike in zip(*requests, strict=True)]
        _read(con, sources, answers, RowHash(tasks[0]["key"]), general, file_sql(tasks), slots_of(tasks), keepers)
        for answer in answers:
            for found, totals in zip(keepers, answer.totals, strict=True):
                if not answer.request.box and (keeper := found.pop(answer.request.projection, None)):
                    keeper.close(totals)
    return result_rows(tasks, answers)


def requests_of(task: Task) -> tuple[Request, ...]:
    """The requests of a task row; those that many task rows have alike are parsed once."""
    text = task["requests"]
    return _kept_requests(text) if len(text) <= _SHORT else _parsed_requests(text)


def _parsed_requests(text: str) -> tuple[Request, ...]:
    return tuple(Request.from_json(request) for request in json.loads(text))


_kept_requests = lru_cache(maxsize=1024)(_parsed_requests)


def result_rows(tasks: Sequence[Task], answers: Sequence[Accumulator]) -> list[dict[str, Any]]:
    """Rows of ``RESULTS``: the answers of the first slot are the first task's."""
    return [
        {
            "dataset": task["dataset"],
            "request": r,
            "error": None,
            "rows": answer.totals[slot].rows,
            "low": Decimal(answer.totals[slot].low),
            "high": Decimal(answer.totals[slot].high),
            "sketch": pack(found) if (found := answer.sketch(slot)) else None,
        }
        for slot, task in enumerate(tasks)
        for r, answer in enumerate(answers)
    ]


@contextmanager
def opened_together(
    tasks: Sequence[Task], connect: Connect
) -> Iterator[tuple[duckdb.DuckDBPyConnection, list[Source]]]:
    """The files of one task row as sources, or those of several that one query reads, in their order, as one source."""
    if len(tasks) == 1:
        with open_sources(tasks[0], connect) as opened:
            yield opened
        return
    files = [file for task in tasks for file in unpack_files(task["files"])]
    with open_sources({**tasks[0], "files": pack_files(files)}, connect) as (con, sources):
        _check_order(con, sources, len(files))
        yield con, sources


def file_sql(tasks: Sequence[Task]) -> str:
    """SQL of the place of a row's file among those of task rows that are opened together; any place where it is one."""
    return "0::BIGINT" if len(tasks) == 1 else "file_index::BIGINT"


def slots_of(tasks: Sequence[Task]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """The number of the task row that each file belongs to, by the file's place."""
    return np.repeat(np.arange(len(tasks)), [len(unpack_files(task["files"])) for task in tasks])


def _check_order(con: duckdb.DuckDBPyConnection, sources: Sequence[Source], files: int) -> None:
    """Files are told apart by their place in the list; this looks that it is the place that their staged name gives."""
    opened = con.execute(f"SELECT DISTINCT file_index, filename FROM {sources[0].table}").fetchall()
    if any(Path(name).name.partition(".")[0] != str(index) for index, name in opened) or len(opened) > files:
        raise UnreadableData("its files were opened in another order than they were asked for")


def _read(
    con: duckdb.DuckDBPyConnection,
    sources: Sequence[Source],
    answers: Sequence[Accumulator],
    by: RowHash,
    general: bool,
    slot: str,
    slots: np.ndarray[Any, np.dtype[np.int64]],
    keepers: Sequence[Mapping[Projection, Keeper]],
) -> None:
    """One pass over the sources, whose rows go to the answers and to keepers.

    Args:
        general: whether numbers may be of any size.
        slot: SQL of the number of a row's file; 0 where all are of one slot.
        slots: which slot a file belongs to.
        keepers: of each slot by projection: where hashes of all rows are to be kept.
    """
    requests = [answer.request for answer in answers]
    projections = list(dict.fromkeys(request.projection for request in requests))
    terms = list(dict.fromkeys(condition for request in requests for condition in request.box))
    read = [_inside_only(part, [request.box for request in requests]) for part in sources]
    query = hashed_rows(read, projections, terms, by, slot, general)
    for batch in row_batches(con, query, BATCH):
        columns = {name: batch.column(name).to_numpy(zero_copy_only=False) for name in batch.schema.names}
        owners = slots[columns["slot"]]
        if any(keepers):
            _keep(keepers, projections, owners, columns)
        for answer in answers:
            p = projections.index(answer.request.projection)
            _add(answer, owners, columns[f"lo{p}"], columns[f"hi{p}"], _mask(answer.request.box, terms, columns))


def _keep(
    keepers: Sequence[Mapping[Projection, Keeper]],
    projections: Sequence[Projection],
    owners: np.ndarray[Any, np.dtype[np.int64]],
    columns: Mapping[str, Any],
) -> None:
    """Gives each keeper the hashes of its rows; those of one slot follow each other."""
    for start, stop in pairwise([*run_starts(owners).tolist(), len(owners)]):
        for projection, keeper in keepers[owners[start]].items():
            p = projections.index(projection)
            keeper.add(columns[f"lo{p}"][start:stop], columns[f"hi{p}"][start:stop])


@contextmanager
def keepers_of(task: Task, requests: Sequence[Request]) -> Iterator[dict[Projection, Keeper]]:
    """A keeper for each projection of whole datasets, if the task is to keep hashes; who ends none leaves no file."""
    projections = dict.fromkeys(r.projection for r in requests if not r.box) if task["keep"] else {}
    keepers = {p: Keeper(kept_path(task["keep"], task, Request(p).to_json())) for p in projections}
    try:
        yield keepers
    finally:
        for keeper in keepers.values():
            keeper.close(None)


def _inside_only(part: Source, boxes: Sequence[tuple[Term, ...]]) -> Source:
    """The source without rows that no request asks for, so that they are not hashed."""
    if not all(boxes):
        return part
    return replace(part, table=f"(SELECT * FROM {part.table} WHERE {inside_sql(part, list(dict.fromkeys(boxes)))})")


def _mask(box: Sequence[Term], terms: Sequence[Term], columns: Mapping[str, Any]) -> Any:
    masks = [columns[f"in{terms.index(condition)}"] for condition in box]
    return np.logical_and.reduce(masks) if masks else None


def _add(answer: Accumulator, owners: Any, low: Any, high: Any, inside: Any) -> None:
    if inside is None:
        answer.add(owners, low, high)
    else:
        answer.add(owners[inside], low[inside], high[inside])
