"""What Spark hands over: the same as from files, refused where it would not be exact, and checked against the log."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import types as T

from r2d2.catalog import codec
from r2d2.catalog.assembly import assemble
from r2d2.catalog.described import describe, left_to_spark
from r2d2.catalog.listing import Candidate
from r2d2.catalog.reading import FileToRead, files_of, needs_of
from r2d2.catalog.summaries import RESULTS, TASKS, kernel, summarize_files
from r2d2.errors import UnreadableData, UnsupportedData
from r2d2.lake import spark_rows
from r2d2.lake.kernels import Kernel, run_here, split_sources
from r2d2.lake.spark_files import OverFiles
from r2d2.lake.spark_rows import over_rows, run_refused, run_without_rows
from r2d2.model.dataset import DataFile, FileSummary, source_file
from r2d2.model.packing import pack_files, unpack_files
from r2d2.model.source import SparkSource
from tests.containment_runs import candidate, data_file

SOURCE = SparkSource("delta", ("/t",), options={"versionAsOf": "3"})
ROWS = pa.table({"k": pa.array(range(10)), "s": [None, *map(str, range(9))]})


def spark_candidate(rows: int | None = None) -> Candidate:
    file = DataFile("/t/a.parquet", 10, 5, "1:1", rows=rows)
    return Candidate("t", "delta", "/t", "v3", files=(file,), source=SOURCE, fingerprint="f1")


def tasks_of(own: Candidate) -> pa.Table:
    (read,) = files_of([own])
    row = {"task": 0, "key": read.file.path, "path": read.file.path, "files": pack_files([read.file])}
    return pa.Table.from_pylist([{**row, "format": read.format}], schema=TASKS)


def handing(*parts: pa.Table) -> spark_rows.OverRows:
    """What runs in Spark's workers, each of which gets a part of the rows."""

    def run(tasks: pa.Table, some: Kernel, schema: pa.Schema) -> pa.Table:
        (text,) = tasks["files"].to_pylist()
        own = over_rows(some, tasks, unpack_files(text)[0].path)
        batches = [batch for part in parts for batch in own(iter(part.to_batches()))]
        return pa.Table.from_batches(batches, schema=schema)

    return run  # type: ignore[return-value]  # it is called as a runner


def summary(own: Candidate, *parts: pa.Table) -> FileSummary:
    (found,) = summarize_files(files_of([own]), handing(*parts)).values()
    return found


def test_rows_that_are_handed_over_in_parts_give_the_summary_of_a_file_that_holds_them_all(tmp_path: Path) -> None:
    pq.write_table(ROWS, tmp_path / "whole.parquet")
    (whole,) = summarize_files([FileToRead(data_file(tmp_path / "whole.parquet"), "parquet")], run_here).values()
    for parts in ([ROWS], [ROWS.slice(0, 3), ROWS.slice(3)], [ROWS.slice(0, 9), ROWS.slice(9), ROWS.slice(0, 0)]):
        found = summary(spark_candidate(), *parts)
        assert (found.rows, found.reader, found.status) == (10, whole.reader, "ok")
        assert [(leaf.path, leaf.families, leaf.nulls) for leaf in found.leaves] == [
            (leaf.path, leaf.families, leaf.nulls) for leaf in whole.leaves
        ]
        for own, theirs in zip(found.leaves, whole.leaves, strict=True):
            assert own.bounds == theirs.bounds


def test_a_source_without_rows_is_empty_and_keeps_its_columns() -> None:
    own = spark_candidate()
    tasks = tasks_of(own)
    assert list(over_rows(kernel, tasks, tasks["key"][0].as_py())(iter([]))) == []
    found = run_without_rows(kernel, tasks, tasks["key"][0].as_py(), ROWS.schema, RESULTS).to_pylist()
    (dataset,) = assemble([own], {found[0]["key"]: codec.from_json(found[0]["summary"])})
    assert (dataset.status, [leaf.path for leaf in dataset.leaves]) == ("empty", [("k",), ("s",)])


@pytest.mark.parametrize(
    ("why", "status"), [(UnsupportedData("no such type"), "unsupported"), (UnreadableData("cut"), "error")]
)
def test_a_source_that_cannot_be_read_says_why(why: UnsupportedData | UnreadableData, status: str) -> None:
    own = spark_candidate()
    tasks = tasks_of(own)
    (row,) = run_refused(kernel, tasks, {tasks["key"][0].as_py(): why}, RESULTS).to_pylist()
    (dataset,) = assemble([own], {row["key"]: codec.from_json(row["summary"])})
    assert (dataset.status, dataset.reason) == (status, str(why))


def test_rows_that_spark_reads_must_be_as_many_as_the_log_says() -> None:
    for told, status in ((10, "ok"), (None, "ok"), (11, "unprovable")):
        own = spark_candidate(told)
        (dataset,) = assemble([own], {files_of([own])[0].file.path: summary(own, ROWS)})
        assert dataset.status == status
    assert dataset.reason == "the table's log says 11 rows, Spark read 10"


@pytest.mark.parametrize(
    "kind",
    [
        T.DayTimeIntervalType(),
        T.YearMonthIntervalType(),
        T.NullType(),
        T.VariantType(),
        T.ArrayType(T.DayTimeIntervalType()),
        T.MapType(T.StringType(), T.VariantType()),
        T.StructType([T.StructField("a", T.NullType())]),
    ],
)
def test_a_type_that_arrow_or_parquet_would_change_is_refused_at_any_depth(kind: T.DataType) -> None:
    with pytest.raises(UnsupportedData, match="column c is of the type"):
        spark_rows._refuse_inexact(T.StructType([T.StructField("ok", T.LongType()), T.StructField("c", kind)]))


def test_types_that_are_kept_as_they_are_pass() -> None:
    flat = [
        *(T.ByteType(), T.ShortType(), T.IntegerType(), T.LongType(), T.FloatType(), T.DoubleType(), T.BooleanType()),
        *(T.DecimalType(38, 10), T.StringType(), T.CharType(3), T.VarcharType(3), T.BinaryType(), T.DateType()),
        *(T.TimestampType(), T.TimestampNTZType(), T.ArrayType(T.LongType()), T.MapType(T.StringType(), T.DateType())),
    ]
    spark_rows._refuse_inexact(T.StructType([T.StructField(f"c{i}", kind) for i, kind in enumerate(flat)]))


def table_of(tmp_path: Path, **fields: object) -> Candidate:
    pq.write_table(pa.table({"k": [1]}), tmp_path / "a.parquet")
    own = candidate("t", "parquet", [data_file(tmp_path / "a.parquet")], tmp_path)
    return replace(own, fallback=SOURCE, unsuited="as a whole it is something else", **fields)  # type: ignore[arg-type]


def test_a_table_whose_files_can_be_read_and_are_not_the_table_is_left_to_spark(tmp_path: Path) -> None:
    own = table_of(tmp_path)
    summaries = summarize_files(files_of([own]), run_here)
    (left,) = left_to_spark([own], summaries, assemble([own], summaries)).values()
    assert (left.source, left.unsuited) == (SOURCE, "")

    def read(wanted: object) -> dict[str, FileSummary]:
        assert wanted == files_of([left])
        return {files_of([left])[0].file.path: summary(left, ROWS)}

    (dataset,) = describe([own], summaries, read)
    assert (dataset.status, dataset.rows, dataset.source, len(dataset.files)) == ("ok", 10, SOURCE, 1)
    assert dataset.scanned == (source_file(SOURCE, dataset.bytes, dataset.modified_ns, dataset.version, 10),)


@pytest.mark.parametrize("damage", ["unsupported", "error"])
def test_a_table_with_a_file_that_cannot_be_read_is_not_left_to_spark(tmp_path: Path, damage: str) -> None:
    own = table_of(tmp_path)
    summaries = {read.file.path: FileSummary(status=damage, reason="x") for read in files_of([own])}
    assert left_to_spark([own], summaries, assemble([own], summaries)) == {}
    assert left_to_spark([own], {}, assemble([own], {})) == {}
    without = replace(own, fallback=None)
    good = summarize_files(files_of([own]), run_here)
    assert left_to_spark([without], good, assemble([without], good)) == {}


def test_tasks_are_told_apart_by_what_reads_them(tmp_path: Path) -> None:
    pq.write_table(ROWS, tmp_path / "spark:{}.parquet")
    plain = tasks_of(candidate("p", "parquet", [data_file(tmp_path / "spark:{}.parquet")], tmp_path))
    both = pa.concat_tables([plain, tasks_of(spark_candidate())])
    direct, by_spark = split_sources(both)
    assert direct == plain
    assert by_spark == tasks_of(spark_candidate())


def test_jars_of_s3_are_asked_for_where_spark_may_have_to_read_there() -> None:
    at = {"location": "s3://b/t"}
    assert needs_of([replace(spark_candidate(), **at)]) == {"s3"}
    assert needs_of([replace(spark_candidate(), source=None, format="delta", **at)]) == {"s3"}
    assert needs_of([replace(spark_candidate(), source=None, format="parquet", **at)]) == set()
    assert needs_of([replace(spark_candidate(), source=replace(SOURCE, needs=("iceberg",)))]) == {"iceberg"}
    assert needs_of([replace(spark_candidate(), status="error", **at)]) == set()


def test_a_source_is_the_same_after_a_journey() -> None:
    whole = SparkSource("iceberg", ("/a", "s3://b/c"), ("cat", "d", "t"), {"x": "1"}, "{}", ("iceberg", "s3"))
    assert SparkSource.from_json(whole.to_json()) == whole
    assert SparkSource.from_json(SparkSource().to_json()) == SparkSource()


@pytest.mark.parametrize("change", [{"modified": 4}, {"content": b"a\n12\n"}])
def test_bytes_of_a_file_that_changed_since_it_was_listed_are_not_read(change: dict[str, object]) -> None:
    listed = DataFile("/lake/a.csv", 4, 5_000_000, "1:1")
    row = {"task": 0, "key": listed.path, "path": listed.path, "files": pack_files([listed]), "format": "csv"}
    for extra, status in (({}, "ok"), (change, "error")):
        found = pa.Table.from_batches(OverFiles(kernel)(handed_rows(row, {**extra})), schema=RESULTS).to_pylist()
        assert codec.from_json(found[0]["summary"]).status == status


def handed_rows(row: dict[str, object], extra: dict[str, object]) -> Iterator[pa.RecordBatch]:
    """What reaches a worker: a task row, and a file's bytes."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, TASKS) as stream:
        stream.write_batch(pa.RecordBatch.from_pylist([row], schema=TASKS))
    kinds = pa.schema({"row": pa.binary(), "own": pa.string(), "modified": pa.int64(), "content": pa.binary()})
    content = {"row": None, "own": row["path"], "modified": 5, "content": b"a\n1\n", **extra}
    yield pa.RecordBatch.from_pylist([content], schema=kinds)
    yield pa.RecordBatch.from_pylist([{"row": sink.getvalue().to_pybytes()}], schema=kinds)
