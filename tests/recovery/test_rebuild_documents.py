"""JSON documents come back byte for byte, whoever wrote them; those that are spaced unevenly are left alone."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from r2d2.recovery.erase.erase import erase
from r2d2.recovery.erase.keys import Keys
from r2d2.recovery.formats import json_document
from tests.recovery.rebuilds import identity_at, rebuilt, recipes
from tests.recovery_runs import ALL, at_work, give_back, retire

ROWS = pa.table(
    {
        "i": pa.array(range(20), pa.int32()),
        "s": ["a,b", 'q"x/', "", None, "é\n]},"] * 4,
        "d": pa.array([Decimal("1.50"), None, Decimal("-0.25"), Decimal("0.00"), Decimal("123.40")] * 4),
        "o": pa.array([{"a": 1, "b": {"c": "x"}}, None, {"a": None, "b": None}, None] * 5),
    }
)
LISTS = [[1, "é/"], [], [{"j": [None, True], "k": {}}], {}, {"m": [[]]}]


def _records(nulls: bool) -> list[dict[str, Any]]:
    rows = [{**row, "d": None if row["d"] is None else float(row["d"])} for row in ROWS.to_pylist()]
    return [{key: value for key, value in row.items() if nulls or value is not None} for row in rows]


def _python(nulls: bool = True, **style: Any) -> Callable[[Path], object]:
    return lambda path: path.write_text(json.dumps(_records(nulls), **style), newline="")


def _changed(change: Callable[[str], bytes], **style: Any) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(change(json.dumps(_records(nulls=False), **style)))


def _duckdb(path: Path) -> None:
    with duckdb.connect() as con:
        con.register("child", ROWS.drop_columns(["o"]))
        con.execute(f"COPY child TO '{path}' (FORMAT json, ARRAY true)")


WRITERS: dict[str, Callable[[Path], object]] = {
    "python.json": _python(),
    "compact.json": _python(separators=(",", ":"), ensure_ascii=False),
    "two spaces.json": _python(indent=2),
    "no NULLs.json": _python(nulls=False, indent=4, ensure_ascii=False),
    "tabs.json": _changed(lambda text: f"{text}\n".encode(), indent="\t"),
    "pandas.json": _python(separators=(",", ":"), indent=4),
    "crlf.json": _changed(lambda text: text.replace("\n", "\r\n").encode("utf-8-sig"), indent=1),
    "lines.json": _changed(lambda text: text.replace('}, {"i"', '},\n{"i"').encode()),
    "zipped.json.gz": _changed(lambda text: gzip.compress(text.encode()), indent=2),
    "duckdb.json": _duckdb,
}


@pytest.fixture(scope="module")
def parent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("lake") / "parent.parquet"
    pq.write_table(ROWS, path)
    return path


@pytest.mark.parametrize("name", WRITERS)
def test_a_document_comes_back_as_it_was_written(tmp_path: Path, parent: Path, name: str) -> None:
    child = tmp_path / name
    WRITERS[name](child)
    recipe = next(recipes(child, parent))
    built = rebuilt(recipe, tmp_path / "out" / name)
    found, was = ((path.read_bytes()) for path in (tmp_path / "out" / name, child))
    unpacked = gzip.decompress if name.endswith(".gz") else bytes
    assert unpacked(found) == unpacked(was)
    assert built.identity == recipe.manifest.identity


@pytest.mark.parametrize("style", [{}, {"indent": 2}, {"indent": 3, "separators": (",", ":")}], ids=str)
def test_lists_and_objects_in_them_come_back_from_text_that_spaces_otherwise(tmp_path: Path, style: Any) -> None:
    records = [{"id": i, "x": LISTS[i % len(LISTS)], "s": f"text {i}"} for i in range(20)]
    (tmp_path / "child.json").write_text(json.dumps(records, **style))
    (tmp_path / "parent.jsonl").write_text("\n".join(json.dumps(each, separators=(" ,", ": ")) for each in records))
    recipe = next(recipes(tmp_path / "child.json", tmp_path / "parent.jsonl"))
    rebuilt(recipe, tmp_path / "out/child.json")
    assert (tmp_path / "out/child.json").read_text() == (tmp_path / "child.json").read_text()


def test_a_document_of_one_record_comes_back(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/part-0.json").write_text(json.dumps([{"i": 1}], indent=2))
    (tmp_path / "docs/part-1.json").write_text(json.dumps([{"i": 2}, {"i": 3}], indent=2))
    pq.write_table(pa.table({"i": [3, 2, 1]}), tmp_path / "parent.parquet")
    recipe = next(recipes(tmp_path / "docs", tmp_path / "parent.parquet"))
    rebuilt(recipe, tmp_path / "out")
    assert identity_at(tmp_path / "out") == recipe.manifest.identity
    assert (tmp_path / "out/part-0.json").read_text() == (tmp_path / "docs/part-0.json").read_text()


def test_records_that_cross_what_is_read_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, parent: Path) -> None:
    monkeypatch.setattr(json_document, "_CHUNK", 7)
    WRITERS["two spaces.json"](tmp_path / "x.json")
    recipe = next(recipes(tmp_path / "x.json", parent))
    assert rebuilt(recipe, tmp_path / "out/x.json").identity == recipe.manifest.identity


def big(lake: Path, text: str) -> None:
    lake.mkdir()
    pq.write_table(pa.table({"i": range(300), "s": [f"text {i}" for i in range(300)]}), lake / "all.parquet")
    (lake / "x.json").write_text(text)


RECORDS = [{"i": i, "s": f"text {i}"} for i in range(300)]


@pytest.mark.parametrize("odd", ["}, {", "},\n{"])
def test_a_document_that_is_spaced_unevenly_is_left_alone(tmp_path: Path, odd: str) -> None:
    text = json.dumps(RECORDS, indent=2)
    big(tmp_path / "lake", text.replace("},\n  {", odd, 1))
    (outcome,) = retire(tmp_path / "lake", tmp_path / "state", ("x.json", "all.parquet"), accepted=ALL)
    assert not outcome.done
    assert "its JSON documents have unlike spaces between their records" in outcome.what


@pytest.mark.parametrize("left", [299, 1])
def test_people_s_rows_are_erased_from_documents(tmp_path: Path, left: int) -> None:
    lake = tmp_path / "lake"
    big(lake, json.dumps(RECORDS, indent=2))
    assert retire(lake, tmp_path / "state", ("x.json", "all.parquet"))[0].done
    gone = tuple((f"text {i}",) for i in range(300 - left))
    with at_work(lake, tmp_path / "state") as recovery:
        (outcome,) = erase(recovery, Keys(("s",), gone))
    assert outcome.done, outcome
    if not (lake / "x.json").exists():
        give_back(lake, tmp_path / "state", "x.json")
    assert (lake / "x.json").read_text() == json.dumps(RECORDS[-left:], indent=2)
