"""The rows of a parent by their places in its files, and reading those that are listed.

Parquet numbers its rows; rows of text are numbered as its records follow each other (``recovery.identity_text``), those
of a JSON document are not. Lists are Roaring bitmaps of 64 bits, as base64.
"""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyroaring import BitMap64

from r2d2.containment.scan import Connect, Task, deleted_places, staged, unchanged
from r2d2.containment.scan_sql import Source, source, text_sql
from r2d2.errors import Tampered
from r2d2.lake.layout import Reader
from r2d2.lake.relation import open_relation
from r2d2.model.dataset import DataFile
from r2d2.model.names import fold
from r2d2.model.packing import unpack_files
from r2d2.recovery.identity.text_rows import only_records

#: The column of a numbered source that numbers its rows, from 0.
PLACE = "place"


def packed(places: npt.NDArray[np.uint64]) -> bytes:
    """Places of rows as a bitmap."""
    bitmap = BitMap64(places)
    bitmap.run_optimize()
    return bytes(bitmap.serialize())


def unpacked(text: str) -> npt.NDArray[np.int64]:
    """The places of a bitmap in base64, sorted.

    Raises:
        Tampered: it is none.
    """
    try:
        return np.asarray(BitMap64.deserialize(base64.b64decode(text, validate=True)).to_array(), np.int64)
    except (ValueError, OverflowError, MemoryError) as error:
        raise Tampered("a recipe's list of rows is damaged", "restore from the other copy of the recipe") from error


@contextmanager
def listed_sources(
    task: Task, connect: Connect, held: Mapping[DataFile, str]
) -> Iterator[tuple[duckdb.DuckDBPyConnection, list[Source]]]:
    """The files of a task row, each as a source of those of its rows that are listed.

    Args:
        held: the bitmap of each file.

    Raises:
        UnreadableData: a file is not what it was when it was listed, before the scan or after it.
    """
    files, readers = _asked(task)
    with unchanged(files), staged(files, task, connect) as (con, paths), ExitStack() as stack:
        sources = []
        for file, path in zip(files, paths, strict=True):
            reader, places = readers[file.reader], unpacked(held[file])
            if reader.format == "parquet":
                name = stack.enter_context(_registered(con, places))
                where = _within(name, task["part"])
            else:
                reader, path = only_records(path, reader, places)  # the file is read in its place
                where = ""
            sources.append(_source(con, reader, path, file, where, task["case_sensitive"]))
        yield con, sources


@contextmanager
def numbered_sources(
    task: Task, connect: Connect
) -> Iterator[tuple[duckdb.DuckDBPyConnection, list[Source], list[DataFile]]]:
    """The files of a task row, each as a source of its own whose rows are numbered; deleted ones are left out."""
    files, readers = _asked(task)
    with unchanged(files), staged(files, task, connect) as (con, paths), ExitStack() as stack:
        sources = []
        for file, path in zip(files, paths, strict=True):
            gone = stack.enter_context(deleted_places(con, file.vector))
            where = f"file_row_number NOT IN (SELECT place FROM {gone})" if gone else ""
            place = "file_row_number" if readers[file.reader].format == "parquet" else "row_number() OVER () - 1"
            sources.append(_source(con, readers[file.reader], path, file, where, task["case_sensitive"], place))
        yield con, sources, files


def _asked(task: Task) -> tuple[list[DataFile], list[Reader]]:
    return unpack_files(task["files"]), [Reader.from_json(text) for text in json.loads(task["readers"])]


def _source(
    con: duckdb.DuckDBPyConnection,
    reader: Reader,
    path: Path,
    file: DataFile,
    where: str,
    case_sensitive: bool,
    place: str = "",
) -> Source:
    """Rows of one file; with the column ``PLACE`` where SQL for it is given."""
    table = open_relation(con, reader, [path])
    names = sorted(name for name, _ in file.partition)
    values = dict(file.partition)
    columns = [f"c{i}" for i in range(len(reader.columns))]
    columns += [f"{text_sql(values[name])} AS p{i}" for i, name in enumerate(names)]
    columns += [f"{place} AS {PLACE}"] if place else []
    return replace(
        source([(table, ())], reader, case_sensitive),
        table=f"(SELECT {', '.join(columns)} FROM {table}{where and f' WHERE {where}'})",
        partition={fold((name,), case_sensitive): f"p{i}" for i, name in enumerate(names)},
    )


@contextmanager
def _registered(con: duckdb.DuckDBPyConnection, places: npt.NDArray[np.int64]) -> Iterator[str]:
    name = f"listed_{uuid.uuid4().hex}"
    con.register(name, pa.table({PLACE: pa.array(places, pa.int64())}))
    try:
        yield name
    finally:
        con.unregister(name)


def _within(listed: str, part: str) -> str:
    inside = f"file_row_number IN (SELECT {PLACE} FROM {listed})"
    if not part:
        return inside
    start, stop = json.loads(part)
    return f"{inside} AND file_row_number >= {int(start)} AND file_row_number < {int(stop)}"
