"""Names and values that take themselves for SQL, paths, HTML or commands are data like any other, in every format."""

from __future__ import annotations

import csv
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from r2d2.cli import main
from r2d2.demo.delta import write_delta
from tests.adversarial.naive import answer
from tests.states import SMALL_SKETCH, base_table, results, run_job

#: Names of columns, keys, fields and partitions, and values of cells. None may be more than that.
PAYLOADS = [
    "'); DROP TABLE t; --",
    '"; SELECT pg_sleep(9); --',
    "COPY (SELECT 1) TO 'pwned.csv'",
    "*?[a-z]{x,y}",
    "../../etc/passwd",
    "/etc/passwd",
    "file:///etc/passwd",
    "<script>alert('pwned')</script>",
    '"><img src=x onerror=alert(1)>',
    "</script><svg onload=alert(2)>",
    "javascript:alert(3)",
    "\x1b[2J\x1b]0;pwned\x07",
    "abc\u202egnp.exe\u2066",
    "a\nb",
    "{{7*7}}${7*7}%s%(x)s",
    "=cmd|' /C calc'!A0",
    "$(touch pwned)`touch pwned`",
    "back\\slash\\",
    "c0",
    "r2d2",
]
#: Stands in every cell of text: no page and no line of output may show what cells hold.
CANARY = "canary-5b1f"
ROWS = 3 * len(PAYLOADS)


def table(nested: bool) -> pa.Table:
    """Columns named by the payloads that hold the payloads; nested ones also as fields of a struct."""
    ids = pa.array(range(ROWS), pa.int64())
    flat = {name: [f"{CANARY}{PAYLOADS[(i + shift) % len(PAYLOADS)]}" for i in range(ROWS)] for shift, name in NAMED}
    found = pa.table({"id": ids, **flat})
    if not nested:
        return found
    fields = pa.StructArray.from_arrays([found.column(name).combine_chunks() for _, name in NAMED], PAYLOADS)
    return found.append_column("nested", fields)


NAMED = list(enumerate(PAYLOADS))


def write_text(path: Path, rows: pa.Table) -> None:
    records = rows.to_pylist()
    if path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(record) + "\n" for record in records))
        return
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
        writer.writerows([rows.column_names, *(record.values() for record in records)])


def escaped(text: str) -> str:
    """A partition's name or value in a directory name, as Spark writes it."""
    return re.sub(r"[\x00-\x1f\x7f\"#%'*/:=?\\{\[\]^]", lambda found: f"%{ord(found[0]):02X}", text)


def hive_lake(lake: Path) -> set[tuple[str, str]]:
    """Partition values and a partition column that are payloads."""
    values = [value for value in PAYLOADS if value.isprintable() and not value.startswith(".")]
    for number, value in enumerate(values):
        directory = lake / f"hive/{escaped('<b>?*')}={escaped(value)}"
        directory.mkdir(parents=True)
        pq.write_table(pa.table({"id": [number]}), directory / "data.parquet")
    pq.write_table(pa.table({"id": [2, 3], "<b>?*": values[2:4]}), lake / "hive_part.parquet")
    pq.write_table(pa.table({"id": [2, 3], "<b>?*": values[3:5]}), lake / "hive_other.parquet")
    return {("hive", "hive_part.parquet")}


def make_lake(lake: Path) -> set[tuple[str, str]]:
    """A lake of hostile datasets beside an ordinary pair; the pairs that hold."""
    (lake / "good").mkdir(parents=True)
    pq.write_table(base_table(), lake / "good/base.parquet")
    pq.write_table(base_table().slice(9, 40), lake / "good/part.parquet")
    nested, flat = table(True), table(False)
    for name, rows in (("whole", slice(0, ROWS)), ("part", slice(5, 25))):
        length = rows.stop - rows.start
        pq.write_table(nested.slice(rows.start, length), lake / f"{name}.parquet")
        write_text(lake / f"{name}.jsonl", nested.slice(rows.start, length))
        write_text(lake / f"{name}.csv", flat.slice(rows.start, length))
    write_delta(lake / "<i>delta", [flat.select(["id", *PAYLOADS[:9]])])
    hostile_properties(lake / "<i>delta")
    pq.write_table(flat.slice(1, 9).select(["id", PAYLOADS[7]]), lake / "of_delta.parquet")
    (lake / "shared").mkdir()
    for part in range(2):
        pq.write_table(base_table(10, 1000 + 10 * part), lake / f"shared/part-{part}.parquet")
    (lake / "half").mkdir()
    os.link(lake / "shared/part-0.parquet", lake / "half/part-0.parquet")
    pairs = {(a, b) for a in ("whole.parquet", "whole.jsonl") for b in ("whole.parquet", "whole.jsonl") if a != b}
    pairs |= {(a, b) for a in ("part.parquet", "part.jsonl") for b in ("part.parquet", "part.jsonl") if a != b}
    pairs |= {(f"whole.{a}", f"part.{b}") for a in ("parquet", "jsonl") for b in ("parquet", "jsonl", "csv")}
    pairs |= {(f"{name}.{a}", f"{name}.csv") for name in ("whole", "part") for a in ("parquet", "jsonl")}
    pairs |= {("whole.csv", "part.csv"), ("good/base.parquet", "good/part.parquet")}
    pairs |= {(f"whole.{a}", "<i>delta") for a in ("parquet", "jsonl", "csv")}
    pairs |= {(f"whole.{a}", "of_delta.parquet") for a in ("parquet", "jsonl", "csv")}
    return pairs | {("<i>delta", "of_delta.parquet")} | hive_lake(lake)


def hostile_properties(directory: Path) -> None:
    """The table's name, description and properties are payloads."""
    (log,) = (directory / "_delta_log").glob("*.json")
    actions = [json.loads(line) for line in log.read_text().splitlines()]
    for action in actions:
        if "metaData" in action:
            action["metaData"] |= {"id": PAYLOADS[7], "name": PAYLOADS[8], "description": PAYLOADS[11]}
            action["metaData"]["configuration"] = dict(zip(PAYLOADS, reversed(PAYLOADS), strict=True))
    log.write_text("".join(json.dumps(action) + "\n" for action in actions))


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The working directory, into which nothing may be written."""
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    yield tmp_path / "elsewhere"
    assert os.listdir(tmp_path / "elsewhere") == []


def test_hostile_names_and_values_are_compared_as_what_they_are(tmp_path: Path, elsewhere: Path) -> None:
    expected = make_lake(tmp_path / "lake")
    found = answer(tmp_path / "lake")
    assert found.errors == {}
    assert found.pairs == expected


def test_a_value_changed_within_a_payload_is_seen(tmp_path: Path) -> None:
    """Nothing of a value is read as syntax: one character of each payload makes another row."""
    for number, payload in enumerate(PAYLOADS):
        other = payload[:-1] + ("a" if payload[-1] != "a" else "b")
        pq.write_table(pa.table({"n": [number] * 2, "v": [payload, CANARY]}), tmp_path / f"{number}-a.parquet")
        write_text(tmp_path / f"{number}-b.csv", pa.table({"n": [number], "v": [payload]}))
        write_text(tmp_path / f"{number}-c.jsonl", pa.table({"n": [number], "v": [other]}))
    pairs = answer(tmp_path).pairs
    assert pairs == {(f"{number}-a.parquet", f"{number}-b.csv") for number in range(len(PAYLOADS))}


@dataclass(frozen=True)
class Run:
    lake: Path
    state: Path
    expected: set[tuple[str, str]]
    found: dict[str, Any]


@pytest.fixture(scope="module")
def run(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The main job on the whole lake."""
    directory = tmp_path_factory.mktemp("hostile")
    expected = make_lake(directory / "lake")
    (directory / "elsewhere").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(directory / "elsewhere")
        run_job(directory / "lake", directory / "state", SMALL_SKETCH)
    assert os.listdir(directory / "elsewhere") == []
    assert not list(directory.rglob("pwned*"))
    assert sorted(os.listdir(directory)) == ["elsewhere", "lake", "state"]
    return Run(directory / "lake", directory / "state", expected, results(directory / "state"))


@pytest.mark.spark
def test_the_main_job_proves_all_pairs_of_a_hostile_lake_and_plans_nothing_for_shared_files(run: Run) -> None:
    assert [row["error"] for row in run.found["datasets"] if row["error"]] == []
    assert run.found["pairs"] == run.expected
    decisions = {row["dataset"]: row for row in run.found["plan"]["datasets"]}
    assert {decisions[name]["action"] for name in ("shared", "half")} == {"keep"}


class Page(HTMLParser):
    """What a browser makes of a page: its elements, and the scripts that it runs."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.handlers: list[str] = []
        self.targets: list[str] = []
        self.scripts: list[str] = []
        self.inside = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handlers += [name for name, _ in attrs if name.startswith("on")]
        self.targets += [value or "" for name, value in attrs if name in ("href", "src", "action", "xlink:href")]
        self.inside = tag == "script"

    def handle_endtag(self, tag: str) -> None:
        self.inside = False

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.scripts.append(data)


@pytest.mark.spark
def test_the_report_runs_nothing_of_the_lakes_and_shows_no_cell(run: Run) -> None:
    text = (run.state / "report.html").read_text()
    page = Page(text)
    assert page.handlers == []
    assert not [target for target in page.targets if target and not target.startswith(("#", "data:"))]
    assert not [script for script in page.scripts if re.search(r"^\s*alert\(|<script|<svg", script)]
    assert CANARY not in text
    assert "<script>alert" not in text
    assert "<img" not in text
    assert harmless(text)


def harmless(text: str) -> bool:
    """No control or direction character but line ends."""
    hostile = {*map(chr, range(32)), *map(chr, range(0x7F, 0xA0)), "\u202e", "\u2066"}
    return not set(text) & (hostile - {"\n"})


@pytest.mark.spark
def test_the_terminal_shows_no_cell_and_no_control_character(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    names = sorted({name for pair in run.expected for name in pair})
    for command in (["datasets"], ["edges"], ["plan"], *(["explain", name] for name in names)):
        for form in ([],) if command[0] == "explain" else ([], ["--format", "json"]):
            assert main([*command, *form, "--state", str(run.state)]) == 0
            shown = capsys.readouterr()
            assert CANARY not in shown.out + shown.err, command
            if not form:
                assert harmless(shown.out + shown.err), command
