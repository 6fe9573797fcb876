"""Summaries of whole files, real ones included, against plain Python."""

from __future__ import annotations

import csv
import gzip
import json
import os
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from r2d2.catalog.reading import FileToRead
from r2d2.catalog.summaries import summarize_files
from r2d2.lake import arrays, text_summary
from r2d2.lake.kernels import run_here
from r2d2.lake.layout import Reader
from r2d2.lake.text_encoding import not_utf8
from r2d2.lake.text_profile import Profile, profiles
from r2d2.lake.text_stack import Stack
from r2d2.lake.text_summary import TextFile, summarize, summarize_all, summarize_values
from r2d2.model.dataset import FileSummary, Leaf
from r2d2.model.family import NARROWEST_FIRST, narrowest_common
from tests.containment_runs import data_file
from tests.sampling import FULL

LAKES = Path(__file__).parents[3] / "shared" / "data" / "lakes"
TEXT = ("boolean", "number", "floating", "date", "timestamp", "instant", "string")
EVERY = tuple(f for f in NARROWEST_FIRST if f != "presence")
needs_lakes = pytest.mark.skipif(not LAKES.is_dir(), reason="needs ../shared/data/lakes, which only the project has")


def of(folder: Path, data: bytes | str, kind: str = "csv") -> FileSummary:
    path = folder / "file"
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return summarize(path, kind, False)


def leaf(summary: FileSummary, *path: str) -> Leaf:
    assert summary.status == "ok", summary.reason
    return next(found for found in summary.leaves if found.path == path)


def limits(found: Leaf, family: str) -> tuple[Any, Any]:
    bounds = found.bounds[family]
    assert (bounds.low_tight, bounds.high_tight, bounds.low_valid, bounds.high_valid) == (True, True, True, True)
    return bounds.low, bounds.high


def test_a_leaf_admits_what_all_its_values_convert_to(tmp_path: Path) -> None:
    columns = {
        "number": (["1", "-2.50", "1e3"], ("number", "floating", "string")),
        "zip": (["00501", "10001", "10002"], ("string",)),
        "big": (["9007199254740993", "1", "2"], ("number", "string")),
        "special": (["NaN", "1.5", "-inf"], ("floating", "string")),
        "flag": (["true", "false", "TRUE"], ("boolean", "string")),
        "day": (["2020-02-29", "0001-01-01", "9999-12-31"], ("date", "string")),
        "moment": (["2020-01-01 00:00:00", "2020-01-01T00:00:00.5", "1969-12-31 23:59:59"], ("timestamp", "string")),
        "instant": (["2020-01-01 00:00:00Z", "2020-01-01T00:00:00+01", ""], ("instant", "string")),
        "quoted": (['"1"', '""', "2"], ("string",)),
        "nothing": (["", "", ""], EVERY),
    }
    lines = [",".join(columns), *(",".join(values[i] for values, _ in columns.values()) for i in range(3))]
    summary = of(tmp_path, "\n".join(lines))
    assert {found.path[0]: found.families for found in summary.leaves} == {n: f for n, (_, f) in columns.items()}
    assert summary.rows == 3
    assert [found.nulls for found in summary.leaves] == [0, 0, 0, 0, 0, 0, 0, 1, 0, 3]
    assert limits(leaf(summary, "number"), "number") == (Decimal("-2.5"), Decimal(1000))
    assert limits(leaf(summary, "number"), "floating") == (-2.5, 1000.0)
    assert limits(leaf(summary, "number"), "string") == ("-2.50", "1e3")
    assert limits(leaf(summary, "special"), "floating") == (float("-inf"), 1.5)
    assert limits(leaf(summary, "flag"), "boolean") == (False, True)
    assert limits(leaf(summary, "day"), "date") == (-719162, 2932896)
    assert limits(leaf(summary, "moment"), "timestamp") == (-(10**9), 1577836800_500_000_000)
    assert limits(leaf(summary, "instant"), "instant") == (1577833200 * 10**9, 1577836800 * 10**9)
    assert leaf(summary, "nothing").bounds == {}


@pytest.mark.parametrize(
    "values",
    [
        ["1", "-1", "0", "10", "9", "-10", "-9.5", "-9.55", "1e30", "-1e30", "0.5", ".25"],
        ["1e300", "2e299", "-1e300", "-1e-300", "1e-300"],
        ["-1", "-1.5", "-1.55", "-1.4", "-123456789012345678901234567890.5"],
        [
            "123456789012345678901234567890",
            "123456789012345678901234567891",
            "99999999999999999999999999999.99999999999",
        ],
        ["0.00000000001", "0.000000000011"],
        ["-0", "0.0"],
        ["9" * 400, "1" + "0" * 398],
    ],
)
def test_bounds_of_numbers_are_exact_whatever_their_length(tmp_path: Path, values: list[str]) -> None:
    found = leaf(of(tmp_path, "n,m\n" + "".join(f"{v},x\n" for v in values)), "n")
    assert limits(found, "number") == (min(map(Decimal, values)), max(map(Decimal, values)))


def test_strings_are_bounded_by_their_bytes_and_long_ones_not_at_all(tmp_path: Path) -> None:
    found = of(tmp_path, "a,b\né,x\nz,y\n😀," + "y" * 257 + "\n\uffff,z\n")
    assert limits(leaf(found, "a"), "string") == ("z", "😀")
    assert limits(leaf(found, "b"), "string") == ("x", "z")
    assert leaf(of(tmp_path, "a,b\nx," + "z" * 257 + "\n"), "b").bounds == {}


def test_a_column_of_nan_only_has_no_bounds(tmp_path: Path) -> None:
    assert "floating" not in leaf(of(tmp_path, "a,b\nNaN,x\nnan,y\n"), "a").bounds


def test_a_value_past_the_first_thousand_rules_a_family_out(tmp_path: Path) -> None:
    found = leaf(of(tmp_path, "a,b\n" + "1,x\n" * 5000 + "0x10,x\n"), "a")
    assert found.families == ("string",)
    assert leaf(of(tmp_path, "a,b\n" + ",x\n" * 5000 + "7,x\n"), "a").families == ("number", "floating", "string")


def test_json_values_keep_their_kind(tmp_path: Path) -> None:
    rows = [
        {"n": 1.50, "s": "2020-01-01", "digits": "12", "b": True, "mixed": 1, "o": {"x": 1}, "l": [1]},
        {"n": 2, "s": "2020-01-02", "digits": "7", "b": None, "mixed": "1", "o": None, "l": [2.0]},
    ]
    for kind, text in (("json", json.dumps(rows)), ("jsonl", "\n".join(map(json.dumps, rows)))):
        summary = of(tmp_path, text, kind)
        assert {found.path: found.families for found in summary.leaves} == {
            ("n",): ("number", "floating", "json"),
            ("s",): ("date", "string", "json"),
            ("digits",): ("number", "floating", "string", "json")[2:],
            ("b",): ("boolean", "json"),
            ("mixed",): ("json",),
            ("o",): ("presence",),
            ("o", "x"): ("number", "floating", "json"),
            ("l",): ("json",),
        }
        assert leaf(summary, "o", "x").nulls == 1
        assert leaf(summary, "b").nulls == 1
        assert limits(leaf(summary, "n"), "number") == (Decimal("1.5"), Decimal(2))
        assert limits(leaf(summary, "s"), "string") == ("2020-01-01", "2020-01-02")
        assert Reader.from_json(summary.reader).format == "json"


def test_header_only_is_a_table_of_no_rows(tmp_path: Path) -> None:
    summary = of(tmp_path, "a,b\n")
    assert (summary.status, summary.rows, [f.families for f in summary.leaves]) == ("ok", 0, [EVERY, EVERY])


@pytest.mark.parametrize(
    ("data", "kind", "status", "reason"),
    [
        (b"", "csv", "unsupported", "empty file"),
        (b"a,b\n1,SECRET,3\n", "csv", "error", "line 2 has 3 fields instead of 2"),
        (b'a,b\n1,2\n3,"SECRET\n4,5\n', "csv", "error", "line 3 opens a quote that is never closed"),
        (b"a,A\n1,2\n", "csv", "unsupported", "columns 1 and 2 have the same name, but for case: 'a', 'A'"),
        (b'{"a": 1}\n{"a": SECRET}\n', "jsonl", "error", "line 2 is no valid JSON (Expecting value)"),
        (b'{"a": [1]}', "json", "unsupported", "a JSON object, not a list of records"),
        (b"a,b\n1,\xff\n", "tsv", "unsupported", str(not_utf8(2))),
    ],
)
def test_refusals_have_a_reason_without_values(
    tmp_path: Path, data: bytes, kind: str, status: str, reason: str
) -> None:
    summary = of(tmp_path, data, kind)
    assert (summary.status, summary.reason) == (status, reason)


def test_missing_files_and_directories_are_errors_of_their_dataset(tmp_path: Path) -> None:
    assert summarize(tmp_path / "none.csv", "csv", False).reason == "can't be read: No such file or directory"
    assert summarize(tmp_path, "csv", False).status == "error"


def test_duckdb_losing_rows_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unchecked(path: Path, kind: str, compressed: bool) -> tuple[Reader, int]:
        return reader, 3

    reader = Reader.from_json(of(tmp_path, "a,b\n1,2\n").reader)
    monkeypatch.setattr(text_summary.csv_text, "inspect", unchecked)
    summary = of(tmp_path, b'a,b\n1,2\n3,"4\n5,6\n')
    assert summary.status == "error"
    assert "rows of it, but it holds 3" in summary.reason


@pytest.mark.parametrize(("small", "who"), [(1 << 20, "Arrow can't read record 2"), (0, "DuckDB can't read line 2")])
def test_what_a_reader_says_of_a_line_is_masked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small: int, who: str
) -> None:
    monkeypatch.setattr(arrays, "MOST_BYTES", small)
    reader = Reader.from_json(of(tmp_path, "a,b\n1,2\n").reader)
    monkeypatch.setattr(text_summary.csv_text, "inspect", lambda *_: (reader, 1))
    summary = of(tmp_path, b"a,b\n1,SECRET,3\n")
    assert (summary.status, summary.reason) == ("error", f"{who} of it; the file may be damaged")


def test_hostile_file_names_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "xa.csv").write_text("other\n1\n2\n3\n")
    for name in (
        "x[ab].csv",
        "*.csv",
        "'; DROP TABLE t; --.csv",
        "new\nline.csv",
        "😀.csv",
        "-.csv",
        "~.csv",
        "a{b,c}",
    ):
        (tmp_path / name).write_text("a,b\n1,2\n")
        summary = summarize(Path(name), "csv", False)
        assert (summary.rows, [found.path for found in summary.leaves]) == (1, [("a",), ("b",)])


def test_gzip_and_a_given_connection_give_the_same(tmp_path: Path) -> None:
    data = b"a,b\n1,x\n2,\n"
    plain = of(tmp_path, data)
    path = tmp_path / "file.gz"
    path.write_bytes(gzip.compress(data))
    with duckdb.connect() as con:
        for _ in range(2):
            assert summarize(path, "csv", True, con).leaves == plain.leaves
        assert con.execute("SELECT count(*) FROM duckdb_tables()").fetchall() == [(0,)]


def test_large_files_are_scanned_in_place_with_the_same_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = "a,b,c\n" + "".join(f"{i},{i / 8},{'' if i % 3 else f'2020-01-0{i % 9 + 1}'}\n" for i in range(3000))
    small = of(tmp_path, data)
    monkeypatch.setattr(text_summary, "_SMALL", 0)
    monkeypatch.setattr(text_summary, "_COLUMNS_PER_TABLE", 2)
    assert of(tmp_path, data) == small


def test_wide_files_are_read(tmp_path: Path) -> None:
    width = 2000
    summary = of(tmp_path, ",".join(f"n{i}" for i in range(width)) + "\n" + ",".join("7" * width) + "\n")
    assert summary.rows == 1
    assert {found.families for found in summary.leaves} == {("number", "floating", "string")}
    assert len(summary.leaves) == width


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.chdir(tmp_path)
    summarize(Path(__file__), "csv", False)
    of(tmp_path, '[{"a": 1}]', "json")
    assert os.listdir(tmp_path) == ["file"]


def test_partition_values_are_text() -> None:
    families, bounds = summarize_values(["01", "1", None])
    assert families == ("string",)
    assert (bounds["string"].low, bounds["string"].high) == ("01", "1")
    families, bounds = summarize_values(["2024", "2023"])
    assert families == ("number", "floating", "string")
    assert (bounds["number"].low, bounds["number"].high) == (Decimal(2023), Decimal(2024))
    assert summarize_values([None, None]) == (EVERY, {})
    assert summarize_values([]) == (EVERY, {})


# --- the real lakes -----------------------------------------------------------------------------------------

#: No tables, and said to be none.
NO_TABLES = {
    "MODZCTA_2010_WGS1984.geo.json",
    "UHF42.geo.json",
    "earthquakes.json",
    "miserables.json",
    "datapackage.json",
}


def test_many_files_are_said_to_hold_what_each_alone_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    contents = {
        "a.csv": "n,t,s\n1,NA,x\n,2,\n1,2,x\n",
        "b.csv": "n;s\n1e3;\n-0.5;y\n12345678901234567890123456789012;z\n",
        "bad.csv": "a,b\n1,2,3\n",
        "utf16.csv": "n,s\n1,é\n",
        "none.csv": "n,s\n",
        "quoted.csv": 'n,s\n"NA",x\nNA,y\n1,z\n',
        "c.json": '[{"n": 1.50, "o": {"p": [1]}}, {"n": null, "o": null}, {"n": 1.5}]',
        "d.jsonl": '{"d": "2020-01-01", "b": true}\n{"d": "2021-01-01"}\n',
        "bad.json": '[{"a": 1}, {"a": }]',
        "gone.csv": "",
    }
    files = []
    for name, content in contents.items():
        path = tmp_path / name
        path.write_bytes(content.encode("utf-16" if name == "utf16.csv" else "utf-8"))
        files.append(TextFile(path, path.suffix[1:], compressed=False))
    (tmp_path / "gone.csv").unlink()
    together = summarize_all(files)
    assert together == [summarize(file.path, file.format, False) for file in files]
    monkeypatch.setattr(arrays, "MOST_BYTES", 0)
    assert together == summarize_all(files)
    assert [summary.status == "ok" for summary in together].count(False) == 3


def test_files_that_are_looked_at_in_parts_say_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = []
    for i in range(6):
        (tmp_path / f"{i}.csv").write_text(f"n,s\n{i},x{i}\n")
        files.append(TextFile(tmp_path / f"{i}.csv", "csv", compressed=False))
    expected = summarize_all(files)
    monkeypatch.setattr(text_summary, "_TOGETHER", 20)
    assert summarize_all(files) == expected
    assert [leaf(summary, "n").bounds["number"].low for summary in expected] == list(map(Decimal, range(6)))


def test_where_a_query_on_many_files_fails_each_is_looked_at_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = []
    for i in range(3):
        (tmp_path / f"{i}.csv").write_text(f"n,s\n{i},x{i}\n")
        files.append(TextFile(tmp_path / f"{i}.csv", "csv", compressed=False))

    def failing(stack: Stack, positions: Sequence[int]) -> dict[int, Profile]:
        if len(positions) > 2:
            raise duckdb.OutOfMemoryException("SECRET")
        return profiles(stack, positions)

    expected = summarize_all(files)
    monkeypatch.setattr(text_summary, "profiles", failing)
    assert summarize_all(files) == expected


@pytest.fixture(scope="module")
def real() -> dict[Path, FileSummary]:
    files = [p for p in LAKES.glob("*/lake/**/*") if p.suffix in (".csv", ".tsv", ".json")]
    found = summarize_files([FileToRead(data_file(p), p.suffix[1:]) for p in sorted(files)], run_here)
    return {Path(path): summary for path, summary in found.items()}


@FULL
@needs_lakes
def test_every_real_file_is_read_or_is_no_table(real: dict[Path, FileSummary]) -> None:
    assert len(real) == 122
    assert {p.name for p, summary in real.items() if summary.status != "ok"} == NO_TABLES
    assert all("a JSON object, not a list of records" in s.reason for s in real.values() if s.status != "ok")


@FULL
@needs_lakes
def test_real_rows_and_nulls_are_those_of_the_csv_module(real: dict[Path, FileSummary]) -> None:
    for path, summary in real.items():
        if path.suffix == ".csv":
            header, *rows = rows_by_hand(path)
            assert [found.path for found in summary.leaves] == [(name,) for name in header]
            assert summary.rows == len(rows)
            if '""' not in path.read_text(encoding="utf-8"):
                told = [found.nulls for found in summary.leaves]
                empty = [column.count("") for column in zip(*rows, strict=True)]
                assert told == [None if t is None else e for t, e in zip(told, empty, strict=True)]


@FULL
@needs_lakes
def test_tokens_for_null_in_real_files(real: dict[Path, FileSummary]) -> None:
    found = {
        (path.name, column.name, column.null_token)
        for path, summary in real.items()
        if summary.status == "ok"
        for column in Reader.from_json(summary.reader).columns
        if column.null_token
    }
    assert found == {
        ("tests-by-zcta.csv", "modzcta", "NA"),
        ("covid-like-illness-by-boro.csv", "Admit_5_12", "NA"),
        ("covid-like-illness-by-boro.csv", "Visit_5_12", "NA"),
    }


@FULL
@needs_lakes
def test_real_pairs_are_contained_under_the_narrowest_common_families(real: dict[Path, FileSummary]) -> None:
    pairs = 0
    for truth in sorted(LAKES.glob("*/truth.json")):
        for parent, child in json.loads(truth.read_text())["edges"]:
            files = [truth.parent / "lake" / name for name in (child, parent)]
            inside, outside = (real[path] for path in files)
            families = {
                found.path: narrowest_common(found.families, leaf(outside, *found.path).families)
                for found in inside.leaves
            }
            assert None not in families.values(), (parent, child)
            few, many = (bag(path, families) for path in files)
            assert few <= many, (parent, child)
            pairs += 1
    assert pairs > 20


def rows_by_hand(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return [row for row in csv.reader(file) if row]


def bag(path: Path, families: dict[tuple[str, ...], str | None]) -> Counter[tuple[Any, ...]]:
    if path.suffix == ".json":
        records = json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal, parse_int=Decimal)
    else:
        header, *rows = rows_by_hand(path)
        records = [dict(zip(header, (cell or None for cell in row), strict=True)) for row in rows]
    return Counter(tuple(value_by_hand(r.get(p[0]), f) for p, f in families.items()) for r in records)


def value_by_hand(value: Any, family: str | None) -> Any:
    if family == "number" and value is not None:
        return Decimal(value)
    return float(value) if family == "floating" and value is not None else value
