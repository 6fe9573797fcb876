"""Files that Spark hands to workers which may not open them: its ``binaryFile`` reader gives the bytes.

Hosted Spark runs Python in a sandbox that sees no storage. The same kernels then read the same bytes, from the task's
scratch space; nothing is decoded on the way, so that it is as exact, and slower.
"""

from __future__ import annotations

import enum
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from r2d2.errors import EnvironmentMissing, R2D2Error, UnreadableData
from r2d2.lake.delta_vectors import DeletionVector
from r2d2.lake.file_tree import shown
from r2d2.lake.handed import handed
from r2d2.lake.kernels import Kernel, for_spark
from r2d2.lake.session import shares_disk
from r2d2.lake.spark_rows import spark_path, spark_pattern
from r2d2.lake.staging import known_suffix
from r2d2.lake.storage import storage_for
from r2d2.model.dataset import DataFile
from r2d2.model.packing import unpack_files
from r2d2.version import __version__

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


class Access(enum.Enum):
    """How workers get at the bytes of files."""

    AUTO = "auto"
    OPENED = "open"
    HANDED = "handed"


#: What one row of ``binaryFile`` can hold.
_MOST_BYTES = 2**31 - 1
#: Workers that are asked.
_PROBES = 4
_PROBED = pa.schema([("versions", pa.string()), ("reads", pa.bool_())])


def probe(spark: SparkSession, tasks: pa.Table) -> Access:
    """Whether workers can open the files of tasks, found out by trying; they must be set up as this process is.

    Raises:
        EnvironmentMissing: they lack a package, or have another version of one.
    """
    if are_children(spark):
        return Access.OPENED
    path = _readable(tasks)
    rows = spark.range(0, _PROBES, 1, _PROBES).mapInArrow(for_spark(Probe(path)), "versions string, reads boolean")
    try:
        found = rows.toArrow()
    except Exception as error:
        raise EnvironmentMissing(
            f"Spark's Python workers can't run r2d2: {_last_line(error)}",
            "give them an environment that has it: spark-submit --archives, or spark.pyspark.python (docs/deploy.md)",
        ) from error
    other = sorted(set(found["versions"].to_pylist()) - {versions()})
    if other:
        raise EnvironmentMissing(
            f"Spark's Python workers have {other[0]}, this process has {versions()}",
            "give the workers the same versions: hashes of different ones can't be compared",
        )
    return Access.OPENED if all(found["reads"].to_pylist()) else Access.HANDED


def versions() -> str:
    """The versions on which results depend, of this process."""
    import duckdb

    python = ".".join(map(str, sys.version_info[:2]))
    return f"r2d2 {__version__}, duckdb {duckdb.__version__}, pyarrow {pa.__version__}, Python {python}"


@dataclass(frozen=True)
class Probe:
    """The kernel that says what a worker is; ``path``: a file to open, empty for none."""

    path: str

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """One row for each batch."""
        for _ in batches:
            yield pa.RecordBatch.from_pylist([{"versions": versions(), "reads": _can_open(self.path)}], schema=_PROBED)


def _can_open(path: str) -> bool:
    try:
        if path:
            storage_for(path).open(path).close()
    except (OSError, R2D2Error):
        return False
    return True


def are_children(spark: SparkSession) -> bool:
    """Whether workers are children of this process, with its rights and its Python."""
    own = os.environ.get("PYSPARK_PYTHON") == sys.executable
    return shares_disk(spark) and own and not spark.conf.get("spark.pyspark.python", "")


def _readable(tasks: pa.Table) -> str:
    """A file that this process can open; workers that can't are sandboxed. Empty if there is none."""
    texts = tasks["files"].to_pylist() if "files" in tasks.schema.names else []
    some = (file.path for text in texts[:100] for file in unpack_files(text)[:1])
    return next((path for path in some if _can_open(path)), "")


def with_contents(spark: SparkSession, tasks: pa.Table) -> DataFrame:
    """Task rows and the bytes of their files, those of one task in one partition."""
    from pyspark.sql import functions as F

    rows = [{"task": row["task"], "row": _packed(row, tasks.schema)} for row in tasks.to_pylist()]
    wanted = [(row["task"], file) for row in tasks.to_pylist() for file in _needed(unpack_files(row["files"]))]
    asked = [
        {"task": task, "own": file.path, "path": spark_path(file.path)}
        for task, file in dict.fromkeys(wanted)
        if not _refusal(file) and file.size
    ]
    told = spark.createDataFrame(pa.Table.from_pylist(rows, schema=_ROWS))
    nothing = [F.lit(None).cast(kind).alias(name) for name, kind in _CONTENT]
    frame = told.select("task", "row", *nothing)
    if asked:
        paths = sorted({spark_pattern(each["own"]) for each in asked})
        reader = spark.read.format("binaryFile").option("recursiveFileLookup", "true")  # no directory is a column
        contents = reader.load(paths).withColumn("modified", F.unix_millis("modificationTime"))
        files = spark.createDataFrame(pa.Table.from_pylist(asked, schema=_ASKED)).join(contents, "path")
        frame = frame.unionAll(
            files.select("task", F.lit(None).cast("binary").alias("row"), *[name for name, _ in _CONTENT])
        )
    return frame.repartitionById(1 + max(tasks["task"].to_pylist()), F.col("task"))


_ROWS = pa.schema([("task", pa.int32()), ("row", pa.binary())])
_ASKED = pa.schema([("task", pa.int32()), ("own", pa.string()), ("path", pa.string())])
_CONTENT = (("own", "string"), ("modified", "bigint"), ("content", "binary"))


def _refusal(file: DataFile) -> str:
    """Why Spark's reader can't hand a file over; empty if it can."""
    name = file.path.rstrip("/").rpartition("/")[2]
    if name.startswith(("_", ".")) or ":" in name:
        return "Spark's reader passes over files of such a name"
    return "it is larger than the 2 GiB that Spark hands over at once" if file.size > _MOST_BYTES else ""


def _needed(files: Sequence[DataFile]) -> list[DataFile]:
    """Files and what belongs to them: a deletion vector has a checksum and is known by nothing else."""
    vectors = [DeletionVector.from_json(file.vector).path for file in files if file.vector]
    return [*files, *(DataFile(path, -1, 0, "") for path in dict.fromkeys(vectors) if path)]


def _packed(row: Mapping[str, Any], schema: pa.Schema) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, schema) as stream:
        stream.write_batch(pa.RecordBatch.from_pylist([row], schema=schema))
    return bytes(sink.getvalue().to_pybytes())


@dataclass(frozen=True)
class OverFiles:
    """A kernel over task rows that come with the bytes of their files."""

    kernel: Kernel

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """What the kernel gives for the task rows."""
        with tempfile.TemporaryDirectory(prefix="r2d2-handed-") as scratch:
            tasks: list[pa.RecordBatch] = []
            kept: dict[str, tuple[Path, int]] = {}
            for batch in batches:
                for row in _rows(batch):
                    if row["row"] is not None:
                        tasks += pa.ipc.open_stream(row["row"]).read_all().to_batches()
                        continue
                    path = Path(scratch, f"{len(kept)}{known_suffix(row['own'])}")
                    path.write_bytes(row["content"])
                    kept[row["own"]] = path, row["modified"]
            whole = pa.Table.from_batches(tasks).combine_chunks()
            files = [file for text in whole["files"].to_pylist() for file in _needed(unpack_files(text))]
            with handed({file.path: self._handed(file, kept, Path(scratch)) for file in files}):
                yield from self.kernel(iter(whole.to_batches()))

    def _handed(self, file: DataFile, kept: Mapping[str, tuple[Path, int]], scratch: Path) -> Path | R2D2Error:
        if not file.size:
            empty = scratch / f"empty{known_suffix(file.path)}"
            empty.touch()
            return empty
        if file.path not in kept:
            return UnreadableData(f"{shown(file.path)}: {_refusal(file) or 'Spark did not hand it over'}")
        path, modified = kept[file.path]
        if file.size < 0:
            return path
        if path.stat().st_size != file.size or modified != file.mtime_ns // 1_000_000:
            return UnreadableData(f"changed while it was read: {shown(file.path)}")
        return path


def _rows(batch: pa.RecordBatch) -> Iterator[dict[str, Any]]:
    """One at a time: each may hold a whole file."""
    for position in range(batch.num_rows):
        yield {name: batch.column(name)[position].as_py() for name in batch.schema.names}


def _last_line(error: BaseException) -> str:
    """Python's own message stands at the end of a traceback that Spark passes on."""
    lines = [line.strip() for line in str(error).splitlines() if "Error" in line]
    return lines[-1] if lines else type(error).__name__
