"""Which rows of a parent stand for a child's: a join of row hashes in one task, spilling to its scratch space.

One parent row for each child row, so that repeated rows come back as often as they were. Of parent rows that equal a
child row those are taken that are spelled alike (-0.0, order of maps, text), if all of the child's rows have such.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from r2d2.config import ContainmentSettings
from r2d2.containment.encoding import as_part
from r2d2.containment.request import Request
from r2d2.containment.row_hash import FAST
from r2d2.containment.scan import BATCH, Connect, Task, open_sources, read_failure, task_connection
from r2d2.containment.scan_sql import Source, hashed_rows, value_of
from r2d2.containment.scanner import Runner
from r2d2.errors import NotContained, NotRetirable
from r2d2.lake.relation import batches
from r2d2.model.dataset import TEXT_FORMATS, DataFile, Dataset
from r2d2.model.edge import Projection
from r2d2.model.family import FLOATING, is_nested
from r2d2.model.packing import pack_files, unpack_files
from r2d2.recovery.recipes.row_places import PLACE, numbered_sources, packed

_TASKS = pa.schema(
    [
        ("task", pa.int32()),
        ("dataset", pa.int32()),
        ("files", pa.string()),  # the child's, in the order of their units, then the parent's
        ("units", pa.string()),  # how many files are of each unit
        ("readers", pa.string()),
        ("request", pa.string()),
        ("spelled", pa.bool_()),
        ("partial", pa.bool_()),  # rows of the child that have none are left out
        ("part", pa.string()),
        ("case_sensitive", pa.bool_()),
        ("memory", pa.string()),
    ]
)
_RESULTS = pa.schema(
    [
        ("dataset", pa.int32()),
        ("unit", pa.int32()),
        ("file", pa.int32()),
        ("rows", pa.int64()),
        ("places", pa.binary()),
        ("error", pa.string()),
    ]
)
#: Files of the parent that one query reads: planning takes its time for each.
_AT_ONCE = 16
#: What pairs of rows have in common: being spelled alike, or being equal.
_ALIKE, _EQUAL = "low, high, spelling", "low, high"
_LACKING = "not every row of it is in the other"


def matched_rows(
    child: Dataset,
    units: Sequence[Sequence[int]],
    parent: Dataset,
    projection: Projection,
    settings: ContainmentSettings,
    run: Runner,
) -> list[dict[int, str]]:
    """For each unit of the child (indexes of its files) the parent's rows: index of its file → bitmap in base64.

    Raises:
        NotRetirable: not every row of the child has one, or a file can't be read.
    """
    found, rows = _answers(
        child, len(units), run(_task(child, units, parent, projection, settings), match_kernel, _RESULTS)
    )
    if sum(rows) != child.rows:
        raise NotRetirable(f"{child.id}: its metadata says {child.rows} rows, a scan found {sum(rows)}", "")
    return found


def held_rows(
    child: Dataset,
    units: Sequence[Sequence[int]],
    parent: Dataset,
    projection: Projection,
    settings: ContainmentSettings,
    run: Runner,
) -> tuple[list[dict[int, str]], list[int]]:
    """As ``matched_rows``, for those rows of the child that the parent has; and how many they are in each unit.

    Raises:
        NotRetirable: a file can't be read.
    """
    tasks = _task(child, units, parent, projection, settings, partial=True)
    return _answers(child, len(units), run(tasks, match_kernel, _RESULTS))


def _answers(child: Dataset, units: int, answers: pa.Table) -> tuple[list[dict[int, str]], list[int]]:
    found: list[dict[int, str]] = [{} for _ in range(units)]
    rows = [0] * units
    for answer in answers.to_pylist():
        if answer["error"] is not None:
            kind = NotContained if answer["error"] == _LACKING else NotRetirable
            raise kind(f"{child.id}: {answer['error']}", "find containments again: `r2d2 run`")
        found[answer["unit"]][answer["file"]] = base64.b64encode(answer["places"]).decode("ascii")
        rows[answer["unit"]] += answer["rows"]
    return found, rows


def _task(
    child: Dataset,
    units: Sequence[Sequence[int]],
    parent: Dataset,
    projection: Projection,
    settings: ContainmentSettings,
    partial: bool = False,
) -> pa.Table:
    shift = len(child.readers)
    files = [child.files[index] for unit in units for index in unit]
    files += [replace(file, reader=file.reader + shift) for file in parent.files]
    row = {
        "task": 0,
        "dataset": 0,
        "files": pack_files(files),
        "units": json.dumps([len(unit) for unit in units]),
        "readers": json.dumps([*child.readers, *parent.readers]),
        "request": Request(projection).to_json(),
        "spelled": (child.format in TEXT_FORMATS) == (parent.format in TEXT_FORMATS),
        "partial": partial,
        "part": "",
        "case_sensitive": settings.case_sensitive,
        "memory": settings.task_memory,
    }
    return pa.Table.from_pylist([row], schema=_TASKS)


def match_kernel(tasks: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Maps a task row to the places of the parent's rows by unit and file, or to the error that ends it."""
    with task_connection() as connect:
        for batch in tasks:
            for task in batch.to_pylist():
                try:
                    yield from (_result(task, found) for found in _matched(task, connect))
                except Exception as error:  # noqa: BLE001  # told as the reason why there is no such recipe
                    failed = {"unit": 0, "file": 0, "rows": 0, "places": b"", "error": read_failure(error)}
                    yield _result(task, failed)


def _result(task: Task, found: Mapping[str, Any]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist([{"dataset": task["dataset"], "error": None, **found}], schema=_RESULTS)


def _matched(task: Task, connect: Connect) -> Iterator[dict[str, Any]]:
    con, _ = connect(task["memory"])
    try:
        _hash(task, connect, general=False)
    except duckdb.ConversionException:
        _hash(task, connect, general=True)
    asked = _counted(con, "asked")
    alike = _paired(con, _ALIKE)
    found = alike if alike == asked else _paired(con, _EQUAL)
    if found == alike < asked:
        _paired(con, _ALIKE)
    if found < asked and not task["partial"]:
        yield {"unit": 0, "file": 0, "rows": 0, "places": b"", "error": _LACKING}
    else:
        yield from _by_file(con)


def _paired(con: duckdb.DuckDBPyConnection, keys: str) -> int:
    """Fills ``pairs``; how many there are."""
    con.execute(f"CREATE OR REPLACE TEMP TABLE pairs AS {_pairs_sql(keys)}").fetchall()
    return _counted(con, "pairs")


def _counted(con: duckdb.DuckDBPyConnection, table: str) -> int:
    return int(con.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0])


def _pairs_sql(keys: str) -> str:
    """The n-th of equal rows of the child with the n-th of those of the parent."""
    ranks = [
        f"(SELECT *, row_number() OVER (PARTITION BY {keys} ORDER BY {order}) AS nth FROM {table})"
        for table, order in (("asked", "unit"), ("held", "file, place"))
    ]
    return f"SELECT a.unit, h.file, h.place FROM {ranks[0]} AS a JOIN {ranks[1]} AS h USING ({keys}, nth)"


def _hash(task: Task, connect: Connect, general: bool) -> None:
    """Fills ``asked`` with the child's rows, ``held`` with those of the parent that have the hash of one of them."""
    con, _ = connect(task["memory"])
    columns = "low UBIGINT, high UBIGINT, spelling UBIGINT"
    con.execute(f"CREATE OR REPLACE TEMP TABLE asked ({columns}, unit INTEGER)").fetchall()
    con.execute(f"CREATE OR REPLACE TEMP TABLE held ({columns}, file INTEGER, place BIGINT)").fetchall()
    files, units = unpack_files(task["files"]), json.loads(task["units"])
    start = 0
    for unit, size in enumerate(units):
        with open_sources(_only(task, files[start : start + size]), connect) as (_, sources):
            for part in sources:
                rows = _rows(task, part, general)
                con.execute(f"INSERT INTO asked SELECT low, high, spelling, {unit} FROM ({rows})").fetchall()
        start += size
    with numbered_sources(_only(task, files[start:]), connect) as (_, sources, _files):
        for first in range(0, len(sources), _AT_ONCE):
            rows = " UNION ALL ".join(
                f"SELECT *, {number} AS file FROM ({_rows(task, sources[number], general, PLACE)})"
                for number in range(first, min(first + _AT_ONCE, len(sources)))
            )
            known = "(low, high) IN (SELECT (low, high) FROM asked)"
            con.execute(
                f"INSERT INTO held SELECT low, high, spelling, file, place FROM ({rows}) WHERE {known}"
            ).fetchall()


def _only(task: Task, files: Sequence[DataFile]) -> dict[str, Any]:
    return {**task, "files": pack_files(files)}


def _rows(task: Task, part: Source, general: bool, place: str = "0") -> str:
    """SQL of the hashes of a source's rows, of how they are spelled, and of their places."""
    projection = Request.from_json(task["request"]).projection
    spelling = _spelling(part, projection) if task["spelled"] else ""
    slot = f"{{'place': {place}, 'spelling': {f'hash({spelling})' if spelling else '0::UBIGINT'}}}"
    rows = hashed_rows([part], [projection], [], FAST, slot, general)
    return f"SELECT lo0 AS low, hi0 AS high, slot.spelling AS spelling, slot.place AS place FROM ({rows})"


def _spelling(part: Source, projection: Projection) -> str:
    """SQL of what equal values of a row may differ in; empty where there is no such leaf."""
    texts = []
    for path, family in projection:
        value, column = value_of(part, path, family) or ("", None)
        if column is None:
            continue
        if column.kind in ("TEXT", "JSON"):
            texts.append(as_part(f"({value})"))
        elif family == FLOATING:
            texts.append(as_part(f"({value})::DOUBLE::BIT::VARCHAR"))
        elif is_nested(family):
            texts.append(as_part(f"({value})::VARCHAR"))
    return f"concat({', '.join(texts)})" if texts else ""


def _by_file(con: duckdb.DuckDBPyConnection) -> Iterator[dict[str, Any]]:
    """The places of each unit and file; a bitmap is made once all of its places are known."""
    held: list[np.ndarray[Any, np.dtype[np.uint64]]] = []
    key: tuple[int, int] | None = None
    for batch in batches(con, "SELECT unit, file, place FROM pairs ORDER BY unit, file, place", BATCH):
        unit, file, place = (batch.column(i).to_numpy() for i in range(3))
        ends = np.flatnonzero((np.diff(unit) != 0) | (np.diff(file) != 0)) + 1
        for a, b in pairwise([0, *ends.tolist(), len(place)]):
            if key is not None and key != (unit[a], file[a]):
                yield _found(key, held)
                held = []
            key = int(unit[a]), int(file[a])
            held.append(place[a:b].astype(np.uint64))
    if key is not None:
        yield _found(key, held)


def _found(key: tuple[int, int], held: Sequence[np.ndarray[Any, np.dtype[np.uint64]]]) -> dict[str, Any]:
    places = np.concatenate(held)
    return {"unit": key[0], "file": key[1], "rows": len(places), "places": packed(places)}
