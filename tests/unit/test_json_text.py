from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from r2d2.errors import R2D2Error, UnsupportedData
from r2d2.lake import json_text
from r2d2.lake.layout import Reader, leaf_columns


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 1}) as connection:
        yield connection


def put(folder: Path, text: str, name: str = "0.json") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def table(con: duckdb.DuckDBPyConnection, path: Path, format: str = "json") -> tuple[Reader, list[tuple[Any, ...]]]:  # noqa: A002
    reader, count, _ = json_text.inspect(path, False, format)
    rows = con.execute(f"SELECT * FROM {json_text.relation(con, reader, [path])}").fetchall()
    assert len(rows) == count
    return reader, rows


def paths(reader: Reader) -> list[tuple[tuple[str, ...], bool]]:
    return [(leaf.path, leaf.presence) for leaf in leaf_columns(reader)]


def test_numbers_keep_every_digit(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    _, rows = table(con, put(tmp_path, '[{"a": 9007199254740993, "b": 1.10}, {"a": 1e400, "b": 0.100000000000000005}]'))
    assert rows == [("9007199254740993", "1.1"), ("1e400", "0.100000000000000005")]


def test_missing_keys_and_null_are_null_and_texts_are_quoted(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    _, rows = table(con, put(tmp_path, '{"a": "x\\"\\u00e9"}\n{"a": null, "b": ""}\n{"b": true}\n'))
    assert rows == [('"x\\"é"', None), (None, '""'), (None, "true")]


def test_objects_are_opened_and_a_null_object_is_not_an_object_of_nulls(
    con: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    text = '[{"o": {"x": 1, "p": {"y": 2}}}, {"o": {"x": null, "p": {}}}, {"o": null}, {}]'
    reader, rows = table(con, put(tmp_path, text))
    assert paths(reader) == [(("o",), True), (("o", "x"), False), (("o", "p"), True), (("o", "p", "y"), False)]
    assert rows == [
        (True, "1", True, "2"),
        (True, None, True, None),
        (False, None, False, None),
        (False, None, False, None),
    ]


def test_lists_and_mixed_values_stay_one_leaf(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    text = '[{"m": {"b": 1.0, "a": [2]}, "l": [{"k": 1.50}]}, {"m": 5, "l": []}, {"m": {"b": 1}, "l": null}]'
    reader, rows = table(con, put(tmp_path, text))
    assert paths(reader) == [(("m",), False), (("l",), False)]
    assert rows == [('{"a":[2],"b":1}', '[{"k":1.5}]'), ("5", "[]"), ('{"b":1}', None)]


def test_a_key_with_dots_is_no_nested_key(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    reader, _ = table(con, put(tmp_path, '[{"a.b": 1, "a": {"b": 2}}]'))
    assert paths(reader) == [(("a.b",), False), (("a",), True), (("a", "b"), False)]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"type": "FeatureCollection", "features": []}', "a JSON object, not a list of records"),
        ('{\n  "type": "x"\n}', "a JSON object, not a list of records, nor one record a line: line 1"),
        ('[{"id": 1, "Name": 2}, {"name": 3}]', 'keys "Name" and "name" have the same name, but for case'),
        ('[{"o": {"A": 1}}, {"o": {"a": 1}}]', 'keys "A" and "a"'),
        ("[]", "no columns: an empty list"),
        ("[{}, {}]", "no columns: its records have no keys"),
        ('[{"a":' + '{"b":' * 150 + "1" + "}" * 151 + "]", "levels deep"),
        (json.dumps([{f"k{i}": 1} for i in range(20_002)]), "different keys"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(UnsupportedData, match=reason):
        json_text.sniff(put(tmp_path, text), False)


def test_one_line_is_a_table_only_as_json_lines(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    path = put(tmp_path, '{"a": 1}\n')
    assert table(con, path, "jsonl")[1] == [("1",)]
    with pytest.raises(UnsupportedData):
        json_text.sniff(path, False)


def test_a_relation_can_be_scanned_more_than_once_and_covers_all_files(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_text, "_BATCH_ROWS", 7)
    files = [put(tmp_path, json.dumps([{"a": i + n} for i in range(20)]), f"{n}.json") for n in (0, 100)]
    reader = json_text.sniff(files[0], False)
    assert reader == json_text.sniff(files[1], False)
    source = json_text.relation(con, reader, files)
    for _ in range(2):
        assert con.execute(f"SELECT count(*), sum(c0::INT) FROM {source}").fetchall() == [(40, 2380)]


def test_a_file_that_changed_since_it_was_looked_at_is_an_error(con: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    path = put(tmp_path, '[{"a": {"b": 1}}]')
    reader = json_text.sniff(path, False)
    for text in ('[{"a": {"b": 1, "c": 2}}]', '[{"a": 5}]', '[{"z": 5}]', "[{"):
        source = json_text.relation(con, reader, [put(tmp_path, text)])
        with pytest.raises(duckdb.Error):
            con.execute(f"SELECT * FROM {source}").fetchall()


def test_readers_travel_as_json(tmp_path: Path) -> None:
    reader = json_text.sniff(put(tmp_path, '[{"a.\\"b": {"c\'": 1}}]'), False)
    again = Reader.from_json(reader.to_json())
    assert again == reader
    assert paths(again) == [(('a."b',), True), (('a."b', "c'"), False)]


def test_damaged_files_name_the_place(tmp_path: Path) -> None:
    with pytest.raises(R2D2Error, match="line 2"):
        json_text.sniff(put(tmp_path, '{"a": 1}\n{"a": SECRET}\n'), False)
