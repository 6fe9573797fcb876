"""The tasks of a rebuild: rows of the parent are counted, files of the child are written under names of their own.

Spark may run a task twice: each run writes files that only its own results name.
"""

from __future__ import annotations

import json
import os
import tempfile
import uuid
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from r2d2.containment.scan import Connect, read_failure, task_connection, unchanged
from r2d2.errors import Tampered, UnreadableData
from r2d2.lake.file_tree import joined
from r2d2.lake.local_writes import make_directory
from r2d2.lake.storage import is_local, storage_for
from r2d2.model.dataset import DataFile
from r2d2.model.packing import pack_files, unpack_files
from r2d2.model.recipe import Recipe
from r2d2.recovery.formats.writers import Writer, open_writer
from r2d2.recovery.moves.pins import pieces
from r2d2.recovery.recipes.predicate import from_json, predicate_sql
from r2d2.recovery.recipes.selection import opened, selected, unit_conditions

#: ``files``: of the parent. ``spec``: what to do with them, as JSON, by kernel.
TASKS = pa.schema([("task", pa.int32()), ("dataset", pa.int32()), ("files", pa.string()), ("spec", pa.string())])
COUNTS = pa.schema([("part", pa.int64()), ("unit", pa.int64()), ("rows", pa.int64()), ("error", pa.string())])
WRITTEN = pa.schema([("file", pa.int64()), ("place", pa.string()), ("error", pa.string())])

#: What the error of a task begins with that says nothing about data: a disk or a store refused.
REFUSED = "a file could not be read or written"

Row = Mapping[str, Any]


@dataclass(frozen=True)
class CountRows:
    """Counts rows in parts of the parent. ``spec``: part's number, rows of its file, places of the files by unit."""

    recipe: Recipe
    memory: str

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Maps task rows to counts."""
        with task_connection() as connect:
            for task in _rows(batches):
                part, rows, asked = json.loads(task["spec"])
                try:
                    found: list[dict[str, Any]] = [
                        {"part": part, "unit": unit, "rows": self._count(task, places, rows, unit, connect)}
                        for unit, places in asked
                    ]
                except Exception as error:  # noqa: BLE001  # travels to the driver, which ends the rebuild with it
                    found = [{"error": _failure(error)}]
                yield pa.RecordBatch.from_pylist(found, schema=COUNTS)

    def _count(self, task: Row, places: Sequence[int], rows: str, unit: int, connect: Connect) -> int:
        held = opening(self.recipe, _some(task["files"], places), rows, self.memory)
        with opened(held, connect, self.recipe, unit) as (con, parts):
            predicate = (*from_json(self.recipe.predicate), *unit_conditions(con, self.recipe, unit))
            queries = [f"SELECT count(*) FROM {part.table} WHERE {predicate_sql(part, predicate)}" for part in parts]
            return sum(con.execute(query).fetchall()[0][0] for query in queries)


@dataclass(frozen=True)
class WriteRows:
    """Writes the files of a job. ``spec``: unit, child's files, and pieces as [files' places, rows, skip, take]."""

    recipe: Recipe
    into: str
    prefix: str
    memory: str

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Maps task rows to the places of what was written."""
        with task_connection() as connect:
            for task in _rows(batches):
                try:
                    found: list[dict[str, Any]] = list(self._written(task, connect))
                except Exception as error:  # noqa: BLE001  # travels to the driver, which ends the rebuild with it
                    found = [{"file": -1, "error": _failure(error)}]
                yield pa.RecordBatch.from_pylist(found, schema=WRITTEN)

    def _written(self, task: Row, connect: Connect) -> Iterator[dict[str, Any]]:
        unit, files, _ = json.loads(task["spec"])
        with closing(self._selected(task, connect)) as rows:
            rest = next(rows, None)
            for index in files:
                record = self.recipe.manifest.files[index]
                with Target(self.into, self.prefix) as target:
                    writer = open_writer(self.recipe.manifest.headers[record.header], target.local)
                    rest = _fill(writer, record.rows, rest, rows)
                    writer.close()
                yield {"file": index, "place": target.place, "error": None}
        if rest is not None:
            raise Tampered(f"unit {unit} of the recipe gives more rows than its files had", "")

    def _selected(self, task: Row, connect: Connect) -> Generator[pa.RecordBatch]:
        """The rows of the pieces, one after the other."""
        unit, _, asked = json.loads(task["spec"])
        for places, rows, skip, take in asked:
            held = opening(self.recipe, _some(task["files"], places), rows, self.memory)
            with opened(held, connect, self.recipe, unit) as (con, parts):
                yield from _cut(selected(con, parts, self.recipe, unit), skip, take)


@dataclass(frozen=True)
class CopyFiles:
    """Copies files of the parent. ``spec``: the child's file for each of them."""

    into: str
    prefix: str

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Maps task rows to the places of the copies."""
        for task in _rows(batches):
            try:
                found: list[dict[str, Any]] = list(self._copied(task))
            except Exception as error:  # noqa: BLE001  # travels to the driver, which ends the rebuild with it
                found = [{"file": -1, "error": _failure(error)}]
            yield pa.RecordBatch.from_pylist(found, schema=WRITTEN)

    def _copied(self, task: Row) -> Iterator[dict[str, Any]]:
        for index, file in zip(json.loads(task["spec"]), unpack_files(task["files"]), strict=True):
            with unchanged([file]), Target(self.into, self.prefix) as target:
                _copy(file, target.local)
            yield {"file": index, "place": target.place, "error": None}


def _copy(file: DataFile, target: Path) -> None:
    with closing(storage_for(file.path).open(file.path, file.tag)) as source, target.open("wb") as copy:
        copy.writelines(pieces(source))


class Target:
    """A file that is being written: ``local`` while it is, ``place`` when it is whole and synced."""

    def __init__(self, into: str, prefix: str) -> None:
        name = f"{prefix}{uuid.uuid4().hex}"
        self.place = joined(into, name)
        self._directory = None if is_local(into) else tempfile.TemporaryDirectory(prefix="r2d2-task-")
        self.local = Path(self._directory.name if self._directory else into) / name

    def __enter__(self) -> Target:
        """Only its owner may read it until it gets the rights of the file that it stands for."""
        make_directory(str(self.local.parent))
        os.close(os.open(self.local, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is not None:
                self.local.unlink(missing_ok=True)
            elif self._directory:
                storage_for(self.place).put(self.place, self.local.read_bytes(), only_if="")
            else:
                _sync(self.local)
        finally:
            if self._directory:
                self._directory.cleanup()


def opening(recipe: Recipe, files: str, rows: str, memory: str) -> dict[str, Any]:
    """The fields of ``containment.scan.TASKS`` that opening sources takes.

    Args:
        rows: of the one file that are read, as JSON; empty for all.
    """
    return {
        "files": files,
        "part": rows,
        "readers": json.dumps(recipe.parent.readers),
        "case_sensitive": recipe.parent.case_sensitive,
        "memory": memory,
    }


def _some(files: str, places: Sequence[int]) -> str:
    found = unpack_files(files)
    return pack_files([found[place] for place in places])


def _rows(batches: Iterator[pa.RecordBatch]) -> Iterator[Row]:
    for batch in batches:
        yield from batch.to_pylist()


def _cut(batches: Iterator[pa.RecordBatch], skip: int, take: int) -> Iterator[pa.RecordBatch]:
    """So many rows after the first few.

    Raises:
        Tampered: there are not as many.
    """
    for batch in batches:
        if not take:
            return
        kept = batch.slice(min(skip, batch.num_rows), take)
        skip -= min(skip, batch.num_rows)
        take -= kept.num_rows
        if kept.num_rows:
            yield kept
    if take:
        raise Tampered("the recipe gives fewer rows than its files had", "")


def _fill(
    writer: Writer, wanted: int, rest: pa.RecordBatch | None, rows: Iterator[pa.RecordBatch]
) -> pa.RecordBatch | None:
    """Writes so many rows; what is left of the last batch."""
    while wanted and rest is not None:
        taken = rest.slice(0, wanted)
        try:
            writer.write(taken)
        except pa.ArrowException as error:
            raise UnreadableData("a value can't be written as the child's files held it") from error
        wanted -= taken.num_rows
        rest = rest.slice(taken.num_rows) if taken.num_rows < rest.num_rows else next(rows, None)
    if wanted:
        raise Tampered("the recipe gives fewer rows than its files had", "")
    return rest


def _failure(error: Exception) -> str:
    """Why a task failed, in one line without cell values."""
    if isinstance(error, OSError):
        return f"{REFUSED}: {error.strerror or 'its store does not say why'}"
    return read_failure(error)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
