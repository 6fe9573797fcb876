"""Rows that Spark reads: a dataset whose files don't say alone which rows it has streams into the same kernels.

Each of Spark's tasks writes the rows that it is given to a Parquet file in its scratch space, and runs the kernel on
that file as on any other. What Spark's types can't hold exactly is refused before a row is read (EXACTNESS 3).
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from r2d2.errors import R2D2Error, UnreadableData, UnsupportedData
from r2d2.lake.catalog_names import quoted
from r2d2.lake.file_tree import shown
from r2d2.lake.handed import handed
from r2d2.lake.kernels import Kernel
from r2d2.model.source import SparkSource

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import DataType, StructType

#: Types of Spark whose every value Arrow and Parquet keep as it is, by the name that Spark gives them.
_EXACT = frozenset(
    (
        *("boolean", "tinyint", "smallint", "int", "bigint", "float", "double", "decimal", "string", "char", "varchar"),
        *("binary", "date", "timestamp", "timestamp_ntz", "struct", "array", "map"),
    )
)


#: A session's or a table's own settings may say otherwise, and rows be left out without a word (EXACTNESS 1).
_EVERY_ROW = {"ignoreCorruptFiles": "false", "ignoreMissingFiles": "false"}


def frame(spark: SparkSession, source: SparkSource) -> DataFrame:
    """What Spark is to read; nothing is read yet.

    Raises:
        UnsupportedData: it has a column that can't be handed over exactly, or a feature that Spark can't read.
        UnreadableData: Spark can't open it.
    """
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        reader = spark.read.options(**_EVERY_ROW, **source.options)
        if source.schema:
            reader = reader.schema(_schema(source.schema))
        if source.table:
            found = reader.table(".".join(map(quoted, source.table)))
        else:
            found = reader.format(source.format).load([_to_load(source, path) for path in source.paths])
        _refuse_inexact(found.schema)
    except (PySparkException, Py4JError) as error:
        raise refusal(error) from error
    return found


def _to_load(source: SparkSource, path: str) -> str:
    """Tables are opened by their path as it is; to formats of files a path is a pattern."""
    return spark_path(path) if source.format in _TABLE_FORMATS else spark_pattern(path)


def spark_pattern(path: str) -> str:
    """The pattern that only the file at ``path`` matches.

    Spark's own option ``__globPaths__`` is no help: *seen* with it off, each of three files in ``a[b]`` was read three
    times.
    """
    return re.sub(r"([\\*?\[\]{}])", r"\\\1", spark_path(path))


def spark_path(path: str) -> str:
    """A path as Hadoop spells it."""
    if path.startswith("/"):
        return f"file:{path}"
    scheme, separator, rest = path.partition("://")
    return f"{_HADOOP_SCHEMES.get(scheme.lower(), scheme)}{separator}{rest}"


_TABLE_FORMATS = frozenset({"delta", "iceberg"})
_HADOOP_SCHEMES = {"s3": "s3a", "s3n": "s3a", "gcs": "gs", "abfs": "abfss", "az": "abfss"}


def refusal(error: Exception) -> R2D2Error:
    """What a failure of Spark's reader says of a dataset: its kind, never its text, which may cite values."""
    condition = getattr(error, "getCondition", lambda: None)() or ""
    text = str(error)
    if condition == "DATA_SOURCE_NOT_FOUND" or "ClassNotFoundException" in text:
        return UnsupportedData("Spark has no reader for it here: its jars are missing (spark.extras)")
    if "UNSUPPORTED" in condition.upper():
        return UnsupportedData(f"Spark can't read it: {condition}")
    return UnreadableData(f"Spark can't read it: {condition or type(error).__name__}")


def _schema(text: str) -> StructType:
    import json

    from pyspark.sql.types import StructType

    return StructType.fromJson(json.loads(text))


def _refuse_inexact(schema: StructType) -> None:
    for field in schema.fields:
        bad = next(_inexact(field.dataType), None)
        if bad is not None:
            raise UnsupportedData(f"column {shown(field.name)} is of the type {bad}")


def _inexact(kind: DataType) -> Iterator[str]:
    """Names of the types in a type that are not on the list."""
    from pyspark.sql.types import ArrayType, MapType, StructType, UserDefinedType

    name = kind.simpleString().partition("(")[0].partition("<")[0].partition(" ")[0]
    if isinstance(kind, UserDefinedType) or name not in _EXACT:
        yield kind.simpleString()
    elif isinstance(kind, StructType):
        yield from chain.from_iterable(_inexact(field.dataType) for field in kind.fields)
    elif isinstance(kind, ArrayType):
        yield from _inexact(kind.elementType)
    elif isinstance(kind, MapType):
        yield from chain(_inexact(kind.keyType), _inexact(kind.valueType))


@dataclass(frozen=True)
class OverRows:
    """A kernel over rows that Spark hands over.

    Attributes:
        kernel: what runs.
        tasks: its task rows of one source, as an Arrow stream.
        source: the name by which they know the source.
    """

    kernel: Kernel
    tasks: bytes
    source: str

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """What the kernel gives for these rows; nothing where there are none."""
        first = next(batches, None)
        if first is None:
            return
        with tempfile.TemporaryDirectory(prefix="r2d2-rows-") as scratch:
            path = Path(scratch, "rows.parquet")
            self._keep(chain([first], batches), first.schema, path)
            with handed({self.source: path}):
                yield from self.kernel(iter(pa.ipc.open_stream(self.tasks).read_all().to_batches()))

    def _keep(self, batches: Iterator[pa.RecordBatch], schema: pa.Schema, path: Path) -> None:
        with pq.ParquetWriter(path, schema, store_schema=False) as writer:
            for batch in batches:
                writer.write_batch(batch)


def over_rows(kernel: Kernel, tasks: pa.Table, source: str) -> OverRows:
    """The kernel for the task rows of one source."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, tasks.schema) as stream:
        stream.write_table(tasks)
    return OverRows(kernel, sink.getvalue().to_pybytes(), source)


def run_without_rows(kernel: Kernel, tasks: pa.Table, source: str, schema: pa.Schema, result: pa.Schema) -> pa.Table:
    """What the kernel gives for a source that has columns and no rows."""
    with tempfile.TemporaryDirectory(prefix="r2d2-rows-") as scratch:
        path = Path(scratch, "rows.parquet")
        pq.write_table(schema.empty_table(), path, store_schema=False)
        with handed({source: path}):
            return pa.Table.from_batches(kernel(iter(tasks.to_batches())), schema=result)


def run_refused(kernel: Kernel, tasks: pa.Table, why: Mapping[str, R2D2Error], result: pa.Schema) -> pa.Table:
    """What the kernel gives for task rows whose files can't be read, by path."""
    with handed(why):
        return pa.Table.from_batches(kernel(iter(tasks.to_batches())), schema=result)
