"""What is read column by column is what is read record by record, or is left to that."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from r2d2.errors import UnreadableData, UnsupportedData
from r2d2.lake import json_text
from r2d2.lake.json_columns import parsed
from tests.sampling import examples

_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.sampled_from([1.5, 0.1, -0.0, 1e300, 10**120]),
    st.sampled_from(["", "x", "1", "2020-01-01", 'q"\\', "é", "\u2028"]),
)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from("abAß"), inner, max_size=3)),
    max_leaves=6,
)
_RECORDS = st.lists(st.dictionaries(st.sampled_from(["a", "b", "c", "A", "é"]), _VALUES, max_size=4), max_size=6)


def said(by: Callable[[Path], Any], path: Path) -> Any:
    """What a way of reading says of a file, or why it refuses it."""
    try:
        return by(path)
    except (UnreadableData, UnsupportedData) as refusal:
        return type(refusal), str(refusal)


def by_columns(path: Path) -> tuple[Any, Any, list[tuple[Any, ...]]]:
    found = json_text.read_small(path, "jsonl")
    if found is None:
        return by_records(path)
    reader, shapes, table = found
    return reader, shapes, list(zip(*(column.to_pylist() for column in table.columns), strict=True))


def by_records(path: Path) -> tuple[Any, Any, list[tuple[Any, ...]]]:
    with duckdb.connect(config={"threads": 1}) as con:
        reader, rows, shapes = json_text.inspect(path, False, "jsonl")
        found = con.execute(f"FROM {json_text.relation(con, reader, [path])}").fetchall()
    assert len(found) == rows
    return reader, shapes, found


@settings(max_examples=examples(300), deadline=None, suppress_health_check=list(HealthCheck))
@given(held=_RECORDS, lines=st.booleans())
def test_both_ways_say_the_same(tmp_path: Path, held: list[dict[str, Any]], lines: bool) -> None:
    path = tmp_path / "0.json"
    path.write_text("\n".join(map(json.dumps, held)) if lines else json.dumps(held), encoding="utf-8")
    assert said(by_columns, path) == said(by_records, path)


@pytest.mark.parametrize(
    "text",
    [
        '[{"a": 1}, 2]',
        '[{"a": 1},]',
        '[{"a": 1}] x',
        '[{"a": "\\ud800"}]',
        '[{"a": 1, "a": 2}]',
        '[{"a": NaN}]',
        '[{"a": ' + "[" * 300 + "]" * 300 + "}]",
        '{"a": 1}\n{"a": }\n',
        "[]",
        '[{"a": ' + '{"b": ' * 120 + "1" + "}" * 120 + "}]",
    ],
)
def test_what_is_out_of_the_ordinary_is_left_to_the_reader_of_records(tmp_path: Path, text: str) -> None:
    path = tmp_path / "0.json"
    path.write_text(text, encoding="utf-8")
    assert json_text.read_small(path, "json") is None


def test_bytes_that_are_no_utf_8_are_left_to_the_reader_of_records(tmp_path: Path) -> None:
    (tmp_path / "0.json").write_bytes(b'[{"a": "\xff"}]')
    assert json_text.read_small(tmp_path / "0.json", "json") is None


def test_a_file_of_few_bytes_and_many_cells_is_not_held(tmp_path: Path) -> None:
    path = tmp_path / "0.json"
    path.write_text(json.dumps([{f"k{i}": 1} for i in range(300)]))
    assert parsed(path, 100 * 300, 100) is None
    assert parsed(path, 300 * 300, 100) is not None


def test_most_files_are_held(tmp_path: Path) -> None:
    """What the comparison above rests on."""
    path = tmp_path / "0.json"
    path.write_text(json.dumps([{"a": [1, {"b": None}], "b": {"c": 1}, "c": None}, {"a": [], "b": None}]))
    found = json_text.read_small(path, "json")
    assert found is not None
    assert [column.path for column in found[0].columns] == [("a",), ("b",), ("b", "c"), ("c",)]
