"""ORC and Avro files: read by Spark as they are, grouped as Parquet is, and refused where Spark would change them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fastavro
import pyarrow as pa
import pyarrow.orc as orc
import pytest

from r2d2.catalog.described import describe
from r2d2.catalog.discovery import discover
from r2d2.catalog.listing import Candidate
from r2d2.catalog.reading import FileToRead, files_of
from r2d2.catalog.spark_file_sets import with_sources
from r2d2.catalog.summaries import summarize_files
from r2d2.config import DiscoverySettings
from r2d2.lake.kernels import run_here
from r2d2.lake.spark_formats import columns_of, summarize
from r2d2.lake.storage import storage_for
from r2d2.model.dataset import DataFile, FileSummary
from tests.tables.lake_runs import run_lake
from tests.tables.truths import base_rows, relations, write_relatives

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def found(lake: Path) -> dict[str, Candidate]:
    """What is known once the heads of all files are: those that can't be read keep their candidates as they were."""
    listed = discover([str(lake)], DiscoverySettings(), None, None).candidates
    return {each.id: each for each in with_sources(listed, summarize_files(files_of(listed), run_here))}


def stood(lake: Path) -> dict[str, tuple[str, str]]:
    """Status and reason of what can't be read."""
    listed = discover([str(lake)], DiscoverySettings(), None, None).candidates
    summaries = summarize_files(files_of(listed), run_here)
    return {each.id: (each.status, each.reason) for each in describe(listed, summaries, unread)}


def unread(files: Sequence[FileToRead]) -> dict[str, FileSummary]:
    """Spark, which reads nothing."""
    return {file.file.path: FileSummary(rows=1) for file in files}


def write_orc(path: Path, **columns: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    orc.write_table(pa.table(columns), path)
    return path


def write_avro(path: Path, *fields: dict[str, Any], records: tuple[dict[str, Any], ...] = ()) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as stream:
        fastavro.writer(stream, {"type": "record", "name": "r", "fields": list(fields)}, records)
    return path


@pytest.mark.spark
def test_rows_of_orc_and_avro_are_those_that_were_written(spark: SparkSession, tmp_path: Path) -> None:
    """In directories whose names are patterns for Spark, with dates that an older calendar would move."""
    lake = tmp_path / "lake"
    lake.mkdir()
    for kind in ("orc", "avro"):
        rows = base_rows(kind)
        days = pa.array([date(1500, 1, 1 + n) for n in range(rows.num_rows)])
        rows = rows.set_column(rows.column_names.index("day"), "day", days)
        rows = rows.drop_columns(["at"]) if kind == "orc" else rows
        name = f"{kind} [a-z]*"
        spark.createDataFrame(rows).repartition(3).write.format(kind).save(str(lake / name))
        write_relatives(lake, name, rows)
    listing = run_lake([str(lake)], tmp_path / "state")
    for kind in ("orc", "avro"):
        assert listing.datasets[f"{kind} [a-z]*"].error == ""
        assert listing.among(f"{kind} [a-z]*") == relations(f"{kind} [a-z]*")


def test_parts_of_different_columns_are_datasets_of_their_own(tmp_path: Path) -> None:
    write_orc(tmp_path / "t/part-0.orc", a=[1])
    write_orc(tmp_path / "t/part-1.orc", a=["x"])
    write_orc(tmp_path / "same/part-0.orc", a=[1])
    write_orc(tmp_path / "same/part-1.orc", a=[1, 2])
    listing = found(tmp_path)
    assert sorted(listing) == ["same", "t/part-0.orc", "t/part-1.orc"]
    assert [file.rows for file in listing["same"].files] == [1, 2]
    assert listing["t/part-1.orc"].source is not None
    assert listing["t/part-1.orc"].source.paths == (str(tmp_path / "t/part-1.orc"),)


def test_damaged_and_empty_files_are_errors_of_their_dataset_alone(tmp_path: Path) -> None:
    whole = write_orc(tmp_path / "whole.orc", a=[1]).read_bytes()
    (tmp_path / "cut.orc").write_bytes(whole[:-5])
    (tmp_path / "empty.orc").touch()
    (tmp_path / "empty.avro").touch()
    (tmp_path / "text.avro").write_text("Obj of no kind")
    write_avro(tmp_path / "whole.avro", {"name": "a", "type": "long"})
    status = {name: status for name, (status, _) in stood(tmp_path).items()}
    bad = dict.fromkeys(("cut.orc", "empty.orc", "empty.avro", "text.avro"), "error")
    assert status == {**bad, "whole.orc": "ok", "whole.avro": "ok"}


def test_what_spark_would_give_as_something_else_is_refused(tmp_path: Path) -> None:
    write_orc(tmp_path / "times.orc", at=pa.array([datetime(2024, 1, 1)], pa.timestamp("ns")))
    write_orc(tmp_path / "inner.orc", s=pa.array([{"at": datetime(2024, 1, 1)}], pa.struct({"at": pa.timestamp("ns")})))
    write_orc(tmp_path / "k/k=1/part-0.orc", a=[1])
    write_avro(tmp_path / "union.avro", {"name": "u", "type": ["null", "int", "string"]})
    write_avro(tmp_path / "time.avro", {"name": "t", "type": {"type": "int", "logicalType": "time-millis"}})
    inner = {"type": "array", "items": {"type": "string", "logicalType": "uuid"}}
    write_avro(tmp_path / "uuid.avro", {"name": "u", "type": inner})
    reasons = {name: reason for name, (_, reason) in stood(tmp_path).items()}
    assert {status for status, _ in stood(tmp_path).values()} == {"unsupported"}
    assert reasons["times.orc"].startswith("column at holds times")
    assert reasons["inner.orc"].startswith("column s holds times")
    assert reasons["union.avro"] == "column u is a union of several types"
    assert reasons["time.avro"] == "column t is of the type time-millis"
    assert reasons["uuid.avro"] == "column u is of the type uuid"
    assert reasons["k"].startswith("k=v directories")


@pytest.mark.spark
def test_an_avro_file_that_another_writer_made_is_read(spark: SparkSession, tmp_path: Path) -> None:
    price = {"type": "bytes", "logicalType": "decimal", "precision": 8, "scale": 2}
    fields = ({"name": "a", "type": ["null", "long"]}, {"name": "price", "type": price})
    records = tuple({"a": n or None, "price": Decimal(n).scaleb(-2)} for n in range(5))
    (tmp_path / "lake").mkdir()
    write_avro(tmp_path / "lake/t.avro", *fields, records=records)
    rows = pa.table({"a": [None, 1, 2, 3, 4], "price": pa.array([r["price"] for r in records], pa.decimal128(8, 2))})
    write_relatives(tmp_path / "lake", "t.avro", rows)
    assert run_lake([str(tmp_path / "lake")], tmp_path / "state").among("t.avro") == relations("t.avro")


def test_what_a_field_of_orc_is_called_is_not_what_it_is(tmp_path: Path) -> None:
    kind = pa.struct({"timestamp": pa.int32(), "union": pa.map_(pa.string(), pa.int32())})
    write_orc(tmp_path / "x.orc", s=pa.array([{"timestamp": 1, "union": None}], kind))
    file = DataFile(*storage_for(str(tmp_path)).stat(str(tmp_path / "x.orc")))
    assert columns_of(summarize(file, "orc")).names == ("s",)
