"""The rows of a parent by their places in its files, and reading those that are listed.

Only Parquet numbers its rows. Lists are Roaring bitmaps of 64 bits, as base64.
"""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
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
    with numbered_sources(task, connect) as (con, sources, files), ExitStack() as stack:
        found = []
        for part, file in zip(sources, files, strict=True):
            name = stack.enter_context(_registered(con, unpacked(held[file])))
            found.append(replace(part, table=f"(SELECT * FROM {part.table} WHERE {_within(name, task['part'])})"))
        yield con, found


@contextmanager
def numbered_sources(
    task: Task, connect: Connect
) -> Iterator[tuple[duckdb.DuckDBPyConnection, list[Source], list[DataFile]]]:
    """The files of a task row, each as a source of its own whose rows are numbered; deleted ones are left out."""
    files = unpack_files(task["files"])
    readers = [Reader.from_json(text) for text in json.loads(task["readers"])]
    with unchanged(files), staged(files, task, connect) as (con, paths), ExitStack() as stack:
        sources = []
        for file, path in zip(files, paths, strict=True):
            gone = stack.enter_context(deleted_places(con, file.vector))
            sources.append(_numbered(con, readers[file.reader], path, file, gone, task["case_sensitive"]))
        yield con, sources, files


def _numbered(
    con: duckdb.DuckDBPyConnection, reader: Reader, path: Path, file: DataFile, gone: str, case_sensitive: bool
) -> Source:
    table = open_relation(con, reader, [path])
    names = sorted(name for name, _ in file.partition)
    values = dict(file.partition)
    columns = [f"c{i}" for i in range(len(reader.columns))]
    columns += [f"{text_sql(values[name])} AS p{i}" for i, name in enumerate(names)]
    where = f" WHERE file_row_number NOT IN (SELECT place FROM {gone})" if gone else ""
    return replace(
        source([(table, ())], reader, case_sensitive),
        table=f"(SELECT {', '.join(columns)}, file_row_number AS {PLACE} FROM {table}{where})",
        partition={fold((name,), case_sensitive): f"p{i}" for i, name in enumerate(names)},
    )


@contextmanager
def _registered(con: duckdb.DuckDBPyConnection, places: Sequence[int] | npt.NDArray[np.int64]) -> Iterator[str]:
    name = f"listed_{uuid.uuid4().hex}"
    con.register(name, pa.table({PLACE: pa.array(places, pa.int64())}))
    try:
        yield name
    finally:
        con.unregister(name)


def _within(listed: str, part: str) -> str:
    inside = f"{PLACE} IN (SELECT {PLACE} FROM {listed})"
    if not part:
        return inside
    start, stop = json.loads(part)
    return f"{inside} AND {PLACE} >= {int(start)} AND {PLACE} < {int(stop)}"
