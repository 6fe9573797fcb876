"""Rebuilds a child from its recipe, as new files in a directory of their own (DELETION 3).

Nothing is put in the child's place here, and nothing of the parent is changed. What was written is read back: its
identity says whether it is the same data.
"""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Container, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from r2d2.config import ContainmentSettings
from r2d2.containment.digest import digests_under
from r2d2.containment.scanner import Chunk, Runner, chunks, planned
from r2d2.errors import LakeError, R2D2Error, Tampered, UnreadableData
from r2d2.lake.file_tree import joined, shown
from r2d2.lake.local_writes import BEING_WRITTEN, make_directory
from r2d2.lake.storage import is_local, storage_for
from r2d2.model.dataset import DataFile, Dataset
from r2d2.model.packing import pack_files
from r2d2.model.recipe import FileRecord, Manifest, Recipe, RecipeKind
from r2d2.recovery.identity.identity import look_at
from r2d2.recovery.moves.pins import as_now
from r2d2.recovery.rebuild.kernels import COUNTS, REFUSED, TASKS, WRITTEN, CopyFiles, CountRows, Row, WriteRows
from r2d2.recovery.rebuild.plan import Job, jobs
from r2d2.recovery.recipes.selection import needed_files

_PLANNING_BYTES = 1_000_000


@dataclass(frozen=True)
class Built:
    """What a rebuild wrote, as it was read back.

    Attributes:
        files: in the order of the manifest's.
        identity: see ``recovery.identity``; of copies, whose bytes were compared, it is the child's.
        digest: of its rows, as the manifest's; taken only where the identity is another.
        bytes_read: of the parent's files.
        seconds: it took, with reading back.
        dataset: what was written.
        headers: of its files, each different one once.
    """

    files: tuple[FileRecord, ...]
    identity: str
    digest: str
    bytes_read: int
    seconds: float
    dataset: Dataset
    headers: tuple[str, ...]


def rebuild(recipe: Recipe, into: str, settings: ContainmentSettings, run: Runner) -> Built:
    """Writes the child's files, with the names, row counts and permission bits that they had.

    Args:
        into: absolute path or URL that takes the place of the child's location: a directory that is empty or missing,
            or, where the child is one file, that file, which is missing.

    Raises:
        UnreadableData: a file of the parent can't be read, or is not the one that the recipe was made from.
        LakeError: a disk or a store refused.
        Tampered: the recipe gives other rows or files than the child had.
        R2D2Error: it can't be written.
    """
    started = time.monotonic()
    recipe = as_now(recipe)
    scratch = into.rpartition("/")[0] if recipe.manifest.is_file else into
    prefix = f"{BEING_WRITTEN}{uuid.uuid4().hex}-"
    try:
        if recipe.copies:
            written, size = _copied(recipe, scratch, prefix, settings, run)
        else:
            written, size = _written(recipe, scratch, prefix, settings, run)
        _put_in_place(recipe.manifest, written, into)
    except OSError as error:
        raise R2D2Error(f"can't write the rebuilt files: {error.strerror or error}") from error
    finally:
        _remove_strays(scratch, prefix)
    dataset = _dataset(recipe.manifest, into)
    built = look_at([dataset], settings, run)[0]
    if isinstance(built, str):
        raise UnreadableData(f"what was rebuilt can't be read back: {built}")
    _check_copies(recipe, built.files)
    # the same bytes are the same data, whatever a newer library makes of their headers
    identity = recipe.manifest.identity if recipe.copies else built.identity
    same = identity == recipe.manifest.identity
    digest = recipe.manifest.digest if same else _digest(dataset, recipe.manifest, settings, run)
    return Built(built.files, identity, digest, size, time.monotonic() - started, dataset, built.headers)


def _digest(dataset: Dataset, manifest: Manifest, settings: ContainmentSettings, run: Runner) -> str:
    """Of the rows that were written; empty where there is none."""
    found, _ = digests_under([dataset], {0: manifest.projection}, settings, run)
    return str(found[0]) if 0 in found else ""


def _copied(
    recipe: Recipe, into: str, prefix: str, settings: ContainmentSettings, run: Runner
) -> tuple[dict[int, str], int]:
    """Where each file of the child was copied to, and the bytes that were read."""
    files = [recipe.parent.files[parent] for _, parent in recipe.copies]
    rows = [_task([file], [child], file.size) for (child, _), file in zip(recipe.copies, files, strict=True)]
    found = run(planned(rows, TASKS, settings.task_bytes), CopyFiles(into, prefix), WRITTEN)
    return _places(found), sum(file.size for file in files)


def _written(
    recipe: Recipe, into: str, prefix: str, settings: ContainmentSettings, run: Runner
) -> tuple[dict[int, str], int]:
    """Where each file of the child was written to, and about how many bytes were read for that."""
    needed = [set(files) for files in needed_files(recipe)]
    parent = recipe.parent.as_dataset()
    asked = set[DataFile]().union(*needed)
    parts = chunks(replace(parent, files=tuple(file for file in parent.files if file in asked)), settings.task_bytes)
    counts = _counts(recipe, parts, needed, settings, run)
    rows = [_write_task(job, parts, needed[job.unit]) for job in jobs(recipe, counts, settings.task_bytes)]
    size = sum(int(row["bytes"]) - _PLANNING_BYTES for row in rows)
    kernel = WriteRows(recipe, into, prefix, settings.task_memory)
    found = run(planned(rows, TASKS, settings.task_bytes), kernel, WRITTEN)
    return _places(found), size


def _counts(
    recipe: Recipe,
    parts: Sequence[Chunk],
    needed: Sequence[Container[DataFile]],
    settings: ContainmentSettings,
    run: Runner,
) -> list[list[int]]:
    """Of each unit the rows in each part of the parent."""
    if recipe.kind is RecipeKind.SAME and len(needed) == 1 and all(_is_counted(part) for part in parts):
        return [[_known_rows(part) for part in parts]]
    rows = []
    for number, part in enumerate(parts):
        places = [[i for i, file in enumerate(part.files) if file in files] for files in needed]
        asked = [(unit, held) for unit, held in enumerate(places) if held]
        rows.append(_task(part.files, [number, part.part, asked], part.bytes))
    found = [[0] * len(parts) for _ in needed]
    kernel = CountRows(recipe, settings.task_memory)
    for answer in _checked(run(planned(rows, TASKS, settings.task_bytes), kernel, COUNTS)):
        found[answer["unit"]][answer["part"]] = answer["rows"]
    return found


def _is_counted(part: Chunk) -> bool:
    """Whether metadata says how many rows it has: not of a range of rows some of which may be deleted."""
    return all(file.rows is not None for file in part.files) and not (part.stop and part.files[0].vector)


def _known_rows(part: Chunk) -> int:
    return part.stop - part.start if part.stop else sum(file.rows or 0 for file in part.files)


def _write_task(job: Job, parts: Sequence[Chunk], needed: Container[DataFile]) -> dict[str, Any]:
    files: list[DataFile] = []
    asked, size = [], 0
    for piece in job.pieces:
        part = parts[piece.part]
        held = [file for file in part.files if file in needed]
        asked.append([list(range(len(files), len(files) + len(held))), part.part, piece.skip, piece.take])
        files += held
        size += part.bytes
    return _task(files, [job.unit, job.files, asked], size)


def _task(files: Sequence[DataFile], spec: object, size: int) -> dict[str, Any]:
    packed = {"files": pack_files(files), "spec": json.dumps(spec)}
    return {"task": 0, "dataset": 0, "bytes": size + _PLANNING_BYTES, **packed}


def _places(found: pa.Table) -> dict[int, str]:
    return {answer["file"]: answer["place"] for answer in _checked(found)}


def _checked(found: pa.Table) -> list[Row]:
    """The answers of tasks.

    Raises:
        UnreadableData: one of them failed.
        LakeError: a disk or a store refused.
    """
    answers: list[Row] = found.to_pylist()
    error = next((answer["error"] for answer in answers if answer["error"] is not None), None)
    if error is None:
        return answers
    if error.startswith(REFUSED):
        raise LakeError(f"it can't be rebuilt: {error}", "look for rights and space, then try again")
    raise UnreadableData(f"it can't be rebuilt: {error}")


def _check_copies(recipe: Recipe, built: Sequence[FileRecord]) -> None:
    wrong = next(
        (child for child, _ in recipe.copies if built[child].sha256 != recipe.manifest.files[child].sha256), None
    )
    if wrong is not None:
        name = shown(recipe.manifest.files[wrong].name)
        raise Tampered(f"the copy of {name} has other bytes than it had", "the parent's file is not what it was")


def _put_in_place(manifest: Manifest, written: dict[int, str], into: str) -> None:
    """Gives what was written its names, and on disk its permission bits."""
    if sorted(written) != list(range(len(manifest.files))):
        raise Tampered("the recipe does not say how all files of the child come back", "")
    storage = storage_for(into)
    for index, record in enumerate(manifest.files):
        target = joined(into, record.name)
        if not is_local(into):
            storage.rename(written[index], target)
            continue
        if is_local(manifest.location):
            os.chmod(written[index], record.mode)
        make_directory(os.path.dirname(target))
        storage.rename(written[index], target)
    if is_local(into):
        for name, mode in sorted(manifest.modes, reverse=True):
            with suppress(FileNotFoundError):  # a directory without data files is not made
                os.chmod(joined(into, name), mode)


def _remove_strays(into: str, prefix: str) -> None:
    """What tasks that were run twice, or failed, have left."""
    storage = storage_for(into)
    with suppress(FileNotFoundError):
        for name in storage.names(into):
            if name.startswith(prefix):
                with suppress(FileNotFoundError):
                    storage.delete(joined(into, name))


def _dataset(manifest: Manifest, location: str) -> Dataset:
    """What was written, as a dataset that can be looked at."""
    storage = storage_for(location)
    readers = list(dict.fromkeys(manifest.readers))
    files = []
    for record in manifest.files:
        now = storage.stat(joined(location, record.name))
        reader = readers.index(manifest.readers[record.header])
        files.append(DataFile(*now, reader=reader, rows=record.rows, partition=record.partition))
    return Dataset(
        manifest.dataset,
        manifest.format,
        location,
        "",
        tuple(files),
        tuple(readers),
        rows=manifest.rows,
    )
