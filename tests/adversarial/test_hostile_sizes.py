"""Huge texts, many columns and deep nesting: proven or refused, in bounded time and memory, each in its own process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.sampling import FULL
from tests.states import base_table

GOOD = {("good/base.parquet", "good/part.parquet")}
FORMS = ["parquet", "csv", "jsonl"]
#: The peak is that of this process: ``ru_maxrss`` begins with what pytest, which started it, had taken.
_MEASURED = """
import json, re, sys
from pathlib import Path
from tests.adversarial.naive import answer
found = answer(Path(sys.argv[1]))
peak = int(re.search(r"VmHWM:\\s+([0-9]+) kB", Path("/proc/self/status").read_text())[1]) / 1e6
print(json.dumps([sorted(found.pairs), found.errors, peak]))
"""


def in_full_except(one: str) -> list[Any]:
    """All forms as parameters; but one are ``full``."""
    return [pytest.param(form, marks=() if form == one else FULL) for form in FORMS]


@dataclass(frozen=True)
class Measured:
    pairs: set[tuple[str, str]]
    errors: dict[str, str]
    gigabytes: float


def measured(lake: Path, seconds: float) -> Measured:
    """What a process of its own finds beside an ordinary pair; fails if it dies or takes longer."""
    (lake / "good").mkdir(parents=True, exist_ok=True)
    pq.write_table(base_table(), lake / "good/base.parquet")
    pq.write_table(base_table().slice(9, 40), lake / "good/part.parquet")
    environment = os.environ | {"PYTHONPATH": os.getcwd()}
    command = [sys.executable, "-c", _MEASURED, str(lake)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=seconds)
    assert done.returncode == 0, done.stderr[-2000:]
    pairs, errors, gigabytes = json.loads(done.stdout)
    found = {(str(parent), str(child)) for parent, child in pairs}
    assert found >= GOOD
    print(f"{lake.name}: {gigabytes:.2f} GB")
    return Measured(found - GOOD, errors, gigabytes)


def write(path: Path, table: pa.Table) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        pq.write_table(table, path)
    elif path.suffix == ".csv":
        records: Iterable[Iterable[object]] = [table.column_names, *(row.values() for row in table.to_pylist())]
        path.write_text("".join(",".join(map(str, record)) + "\n" for record in records))
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in table.to_pylist()))


@pytest.mark.parametrize("suffix", in_full_except("jsonl"))
def test_texts_of_ten_megabytes_are_compared_to_the_last_character(tmp_path: Path, suffix: str) -> None:
    size = 10_000_000
    whole = pa.table({"id": [1, 2], "text": ["x" * size, "x" * (size - 1) + "y"]})
    write(tmp_path / f"whole.{suffix}", whole)
    write(tmp_path / f"part.{suffix}", whole.slice(1, 1))
    write(tmp_path / f"other.{suffix}", pa.table({"id": [2], "text": ["x" * (size - 2) + "yx"]}))
    found = measured(tmp_path, seconds=60)
    assert found.pairs == {(f"whole.{suffix}", f"part.{suffix}")}
    assert found.errors == {}
    assert found.gigabytes < 1


@pytest.mark.full
def test_a_text_record_beyond_its_limit_is_refused_with_its_line(tmp_path: Path) -> None:
    long = "x" * (65 * 1024 * 1024)
    (tmp_path / "long.csv").write_text(f"id,text\n1,{long}\n")
    (tmp_path / "long.jsonl").write_text(f'{{"id": 1, "text": "{long}"}}\n')
    found = measured(tmp_path, seconds=60)
    assert found.pairs == set()
    assert "record at line 2 is longer than 32 MiB" in found.errors["long.csv"]
    assert "line 1 is longer than 64 MiB" in found.errors["long.jsonl"]
    assert found.gigabytes < 1


def wide(directory: Path, suffix: str, columns: int) -> set[tuple[str, str]]:
    """A pair of so many columns, and one that differs in the last of them."""
    table = pa.table({f"c{i}": [i, i + 1, i + 2] for i in range(columns)})
    write(directory / f"whole.{suffix}", table)
    write(directory / f"part.{suffix}", table.slice(1, 2))
    last = pa.array([-1, columns + 1], pa.int64())
    write(directory / f"other.{suffix}", table.slice(1, 2).set_column(columns - 1, f"c{columns - 1}", last))
    return {(f"whole.{suffix}", f"part.{suffix}")}


@pytest.mark.parametrize("suffix", in_full_except("csv"))
def test_a_thousand_columns_are_compared_in_bounded_time_and_memory(tmp_path: Path, suffix: str) -> None:
    expected = wide(tmp_path, suffix, 1000)
    found = measured(tmp_path, seconds=60)
    assert found.pairs == expected
    assert found.errors == {}
    assert found.gigabytes < 1


@pytest.mark.full
@pytest.mark.parametrize("suffix", FORMS)
def test_ten_thousand_columns_are_compared_or_refused_for_their_memory(tmp_path: Path, suffix: str) -> None:
    """The memory that a task may take holds 10,000 columns of Parquet, hardly as many of JSON, and not those of CSV."""
    expected = wide(tmp_path, suffix, 10_000)
    found = measured(tmp_path, seconds=600)
    assert all("raise containment.task_memory" in reason for reason in found.errors.values())
    assert (found.errors.keys() == {"whole.csv", "part.csv", "other.csv"}) == (suffix == "csv")
    assert found.pairs == (set() if found.errors else expected)
    assert not (found.errors and suffix == "parquet")
    assert found.gigabytes < 2


def nested_json(levels: int, value: int) -> str:
    return '{"a":' * levels + str(value) + "}" * levels + "\n"


@pytest.mark.parametrize("levels", [pytest.param(1000, marks=FULL), 100_000])
def test_json_of_a_thousand_levels_is_refused_and_of_fifty_is_compared(tmp_path: Path, levels: int) -> None:
    (tmp_path / "deep.jsonl").write_text(nested_json(levels, 1))
    (tmp_path / "deep_list.jsonl").write_text('{"a":' + "[" * levels + "]" * levels + "}\n")
    (tmp_path / "deep.json").write_text(f"[{nested_json(levels, 1)}]")
    (tmp_path / "brackets.json").write_text("[" * levels)
    (tmp_path / "whole.jsonl").write_text(nested_json(50, 1) + nested_json(50, 2))
    (tmp_path / "part.jsonl").write_text(nested_json(50, 2))
    found = measured(tmp_path, seconds=60)
    assert found.pairs == {("whole.jsonl", "part.jsonl")}
    assert found.errors.keys() == {"deep.jsonl", "deep_list.jsonl", "deep.json", "brackets.json"}
    assert all("nested" in found.errors[name] for name in ("deep.jsonl", "deep_list.jsonl", "deep.json"))
    assert found.gigabytes < 1


def test_parquet_of_a_thousand_levels_is_refused_and_of_twenty_is_compared(tmp_path: Path) -> None:
    def structs(levels: int, *values: int) -> pa.Table:
        array = pa.array(values, pa.int64())
        for _ in range(levels):
            array = pa.StructArray.from_arrays([array], ["a"])
        return pa.table({"a": array})

    lists = pa.array([1], pa.int64())
    for _ in range(1000):
        lists = pa.ListArray.from_arrays(pa.array([0, 1], pa.int32()), lists)
    write(tmp_path / "lists.parquet", pa.table({"a": lists}))
    write(tmp_path / "structs.parquet", structs(1000, 1))
    write(tmp_path / "whole.parquet", structs(20, 1, 2))
    write(tmp_path / "part.parquet", structs(20, 2))
    found = measured(tmp_path, seconds=60)
    assert found.pairs == {("whole.parquet", "part.parquet")}
    assert found.errors.keys() == {"lists.parquet", "structs.parquet"}
    assert all("is nested deeper than" in reason for reason in found.errors.values())
    assert found.gigabytes < 1
