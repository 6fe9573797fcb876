"""One table in the forms that a real lake has: Spark's Parquet with INT96, Delta, exports with tokens, UTF-16."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from r2d2 import pipeline
from r2d2.catalog import runs
from r2d2.commands.explain import explain_lines
from r2d2.config import load_settings
from r2d2.progress import Progress

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark

EPOCH = datetime.datetime(1969, 12, 31, 23, 0, tzinfo=datetime.UTC)
ROWS = [
    (
        i,
        None if i % 5 == 0 else i * 10,
        EPOCH + datetime.timedelta(minutes=i, milliseconds=i),
        f"é{i}" if i % 3 else None,
    )
    for i in range(300)
]


def _utf16(path: Path, rows: list[tuple[int, int | None, datetime.datetime, str | None]]) -> None:
    """As spreadsheets export it."""
    lines = ["id;n;at;name"]
    for number, n, at, name in rows:
        lines.append(f"{number};{'NULL' if n is None else n};{at.isoformat(sep=' ')};{name or ''}")
    path.parent.mkdir(parents=True)
    path.write_bytes(b"\xff\xfe" + "".join(f"{line}\r\n" for line in lines).encode("utf-16-le"))


def test_the_same_rows_are_proven_in_every_form_and_other_rows_are_not(spark: SparkSession, tmp_path: Path) -> None:
    lake, key = tmp_path / "lake", "spark.sql.parquet.outputTimestampType"
    frame = spark.createDataFrame(ROWS, "id INT, n INT, at TIMESTAMP, name STRING").coalesce(1)
    before = spark.conf.get(key)
    try:
        spark.conf.set(key, "INT96")
        frame.write.parquet(str(lake / "int96"))
        frame.write.format("delta").save(str(lake / "delta"))
        spark.conf.set(key, "TIMESTAMP_MICROS")
        frame.write.parquet(str(lake / "micros"))
    finally:
        spark.conf.set(key, before)
    export = frame.write.option("header", True).option("nullValue", "NA").option("emptyValue", '""')
    export.csv(str(lake / "export"))
    _utf16(lake / "sheet" / "rows.csv", ROWS)
    changed = [*ROWS[:150], (150, 7, ROWS[150][2], ROWS[150][3]), *ROWS[151:]]
    _utf16(lake / "other" / "rows.csv", changed)
    job = pipeline.run([str(lake)], str(tmp_path / "state"), load_settings(environ={}), Progress(quiet=True)).job
    run = runs.find_run(job.state, job.run_id)
    datasets = runs.datasets(job.state, run)
    assert {d.id.split("/")[0]: d.error for d in datasets} == dict.fromkeys(
        ("int96", "delta", "micros", "export", "sheet", "other"), ""
    )
    edges = runs.all_pairs(datasets, runs.proven(job.state, run), runs.groups(job.state, run))
    pairs = {(edge.parent.split("/")[0], edge.child.split("/")[0]) for edge in edges}
    same = ("int96", "delta", "micros", "sheet")
    assert pairs >= {(a, b) for a in same for b in same if a != b}
    assert not any("other" in pair for pair in pairs)
    # Spark's NA stands for NULL in the names, too, where it is a text like any other
    assert not any("export" in pair for pair in pairs)
    (sheet,) = (d.id for d in datasets if d.id.startswith("sheet"))
    text = "\n".join(explain_lines(job.state, run, sheet))
    assert "read as fields between semicolons" in text
    assert "UTF-16 (little endian)" in text
    assert 'NULL in column "n" counts as NULL' in text
