"""Text comes back byte for byte, whoever wrote it: dialect, frame and the spelling of values are the child's."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq
import pytest

from r2d2.lake.layout import Column, Reader
from r2d2.recovery.formats.writers import open_writer
from r2d2.recovery.identity.text import text_rows
from tests.recovery.rebuilds import rebuilt, recipes
from tests.sampling import some

_TIMES = [datetime(2020, 1, 1, 1, 2, 3), datetime(2020, 1, 1, 1, 2, 3, 500000)]
ROWS = pa.table(
    {
        "i": pa.array(range(20), pa.int32()),
        "s": ["a,b", 'q"x/', "", None, "é\n "] * 4,
        "d": pa.array([Decimal("1.50"), None, Decimal("-0.25"), Decimal("0.00"), Decimal("123.40")] * 4),
        "f": [1.0, 1e-5, 1e16, None, 1.5] * 4,
        "b": [True, False, None, True] * 5,
        "day": [date(2020, 1, 1), None] * 10,
        "t": pa.array(_TIMES * 10, pa.timestamp("us")),
        "z": pa.array(_TIMES * 10, pa.timestamp("us", "UTC")),
        "o": pa.array([{"a": 1, "b": "x"}, None] * 10),
    }
)
CHILD = ROWS
FLAT = CHILD.drop_columns(["o"])


def _duckdb(options: str, table: pa.Table = FLAT) -> Callable[[Path], object]:
    def write(path: Path) -> None:
        with duckdb.connect() as con:
            con.execute("SET TimeZone = 'UTC'")
            con.register("child", table)
            con.execute(f"COPY child TO '{path}' ({options})")

    return write


def _changed(change: Callable[[bytes], bytes]) -> Callable[[Path], object]:
    def write(path: Path) -> None:
        _duckdb("FORMAT csv")(path)
        path.write_bytes(change(path.read_bytes()))

    return write


def _java(path: Path) -> None:
    """As Spark writes: backslashes before quotes, times with a T and milliseconds, doubles of Java."""
    lines = ["i,s,f,z"]
    for row in FLAT.to_pylist():
        text = row["s"] if row["s"] in (None, "é\n ") else row["s"].replace('"', '\\"')
        quoted = "" if text is None else f'"{text}"'
        double = {None: "", 1e-5: "1.0E-5", 1e16: "1.0E16"}.get(row["f"], str(row["f"]))
        time = row["z"].strftime("%Y-%m-%dT%H:%M:%S.") + f"{row['z'].microsecond // 1000:03}Z"
        lines.append(f"{row['i']},{quoted},{double},{time}")
    path.write_text("\n".join(lines) + "\n", newline="")


def _python_json(path: Path, **style: Any) -> None:
    rows = CHILD.select(["i", "s", "f", "b", "o"]).to_pylist()
    kept = [{key: value for key, value in row.items() if value is not None} for row in rows]
    path.write_text("\n".join(json.dumps(row, **style) for row in kept), newline="")


def _zipped(path: Path) -> None:
    _python_json(path)
    path.write_bytes(gzip.compress(path.read_bytes()))


WRITERS: dict[str, Callable[[Path], object]] = {
    "duckdb.csv": _duckdb("FORMAT csv"),
    "duckdb.tsv": _duckdb("FORMAT csv, DELIMITER '\t', FORCE_QUOTE *"),
    "null_token.csv": _duckdb("FORMAT csv, NULLSTR 'NULL'", FLAT.drop_columns(["s"])),
    "arrow.csv": lambda path: pc.write_csv(FLAT, path),
    "pandas.csv": lambda path: FLAT.select(["i", "f", "t", "z"]).to_pandas().to_csv(path, index=False),
    "polars.csv": lambda path: pl.from_arrow(FLAT.select(["i", "f", "s", "t"])).write_csv(path),
    "spark.csv": _java,
    "mark.csv": _changed(lambda text: b"\xef\xbb\xbf" + text[:-1]),
    "crlf.csv": _changed(lambda text: re.sub(rb"(?<!\xa9)\n", b"\r\n", text)),
    "utf16.csv": _changed(lambda text: text.decode().encode("utf-16")),
    "python.jsonl": _python_json,
    "compact.jsonl": lambda path: _python_json(path, ensure_ascii=False, separators=(",", ":")),
    "pandas.jsonl": lambda path: (
        FLAT.select(["i", "s", "f", "b"]).to_pandas().to_json(path, orient="records", lines=True)
    ),
    "polars.jsonl": lambda path: pl.from_arrow(FLAT.select(["i", "s", "f", "b"])).write_ndjson(path),
    "zipped.jsonl.gz": _zipped,
}


@pytest.fixture(scope="module")
def parent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("lake") / "parent.parquet"
    pq.write_table(ROWS, path)
    return path


@pytest.mark.parametrize("name", some(list(WRITERS), 6))
def test_text_comes_back_as_it_was_spelled(tmp_path: Path, parent: Path, name: str) -> None:
    child = tmp_path / name
    WRITERS[name](child)
    recipe = next(recipes(child, parent))
    built = rebuilt(recipe, tmp_path / "out" / name)
    assert built.identity == recipe.manifest.identity
    found, was = ((path.read_bytes()) for path in (tmp_path / "out" / name, child))
    unpacked = gzip.decompress if name.endswith(".gz") else bytes
    assert unpacked(found) == unpacked(was)


@pytest.mark.parametrize(("spelling", "other"), [("polars.jsonl", "pandas.jsonl"), ("arrow.csv", "polars.csv")])
def test_text_comes_back_from_text_that_spells_otherwise(tmp_path: Path, spelling: str, other: str) -> None:
    for name in (spelling, other):
        WRITERS[name](tmp_path / name)
    child, parent = (tmp_path / name for name in sorted((spelling, other), key=lambda name: name == spelling))
    recipe = next(recipes(child, parent))
    assert rebuilt(recipe, tmp_path / "out" / child.name).identity == recipe.manifest.identity


def test_nested_values_are_written_as_json(tmp_path: Path) -> None:
    was = tmp_path / "was.jsonl"
    was.write_text('{"a": [1.50, null], "b": {"k": "x\\n", "j": null}}\n{"a": null, "b": null}\n{"a": [], "b": {}}\n')
    reader = Reader("json", (Column("a", "JSON"), Column("b", "JSON")), {"shape": "lines", "compression": "none"})
    header, rows, _ = text_rows(was, reader) or ("", 0, 0)
    writer = open_writer(header, tmp_path / "is.jsonl")
    lists = pa.array([[Decimal("1.5"), None], None, []], pa.list_(pa.decimal128(5, 1)))
    maps = pa.array([[("k", "x\n"), ("j", None)], None, []], pa.map_(pa.string(), pa.large_string()))
    writer.write(pa.RecordBatch.from_arrays([lists, maps], ["c0", "c1"]))
    writer.close()
    assert rows == 3
    assert (tmp_path / "is.jsonl").read_text() == was.read_text()


def test_what_no_writer_gives_back_ends_as_another_identity(tmp_path: Path, parent: Path) -> None:
    _changed(lambda text: text + b"\n")(tmp_path / "blank_line.csv")
    recipe = next(recipes(tmp_path / "blank_line.csv", parent))
    assert rebuilt(recipe, tmp_path / "out" / "blank_line.csv").identity != recipe.manifest.identity
