"""Lists in JSON against typed lists: compared where every value converts losslessly, and only there (EXACTNESS 4)."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from r2d2.errors import UnreadableData
from r2d2.lake.json_canonical import parse
from r2d2.lake.json_nested import encoded
from r2d2.lake.json_shape import MOST_KEYS, Shape
from r2d2.lake.layout import Column
from r2d2.lake.parquet_types import family_of
from r2d2.model.dataset import Dataset
from r2d2.model.family import Nested, taken_apart
from tests.containment_runs import candidate, contained, data_file, datasets_of, proven_pairs

BOTH = {("typed", "text"), ("text", "typed")}


def lake(directory: Path, typed: pa.Table, *records: str) -> tuple[Dataset, ...]:
    """The table as Parquet, and the records as JSON lines."""
    pq.write_table(typed, directory / "t.parquet")
    (directory / "t.jsonl").write_text("\n".join(records) + "\n", encoding="utf-8")
    return datasets_of(
        [
            candidate("typed", "parquet", [data_file(directory / "t.parquet")], directory / "t.parquet"),
            candidate("text", "jsonl", [data_file(directory / "t.jsonl")], directory / "t.jsonl"),
        ]
    )


def pairs(directory: Path, typed: pa.Table, *records: str) -> set[tuple[str, str]]:
    return proven_pairs(contained(lake(directory, typed, *records)))


STRUCTS = pa.list_(pa.struct([("Price", pa.decimal128(12, 2)), ("day", pa.date32())]))
UTC = UTC


@pytest.mark.parametrize(
    ("kind", "values", "texts"),
    [
        (pa.list_(pa.int8()), [[1, None], [], None], ["[1.0, null]", "[]", "null"]),
        (pa.list_(pa.list_(pa.int64())), [[[1], [2]], [None, []]], ["[[1], [2]]", "[null, []]"]),
        (pa.list_(pa.decimal128(38, 0)), [[2**64 + 1]], ["[18446744073709551617]"]),
        (pa.list_(pa.float64()), [[0.1, -0.0, 1e300]], ["[0.10, 0, 1E300]"]),
        (pa.list_(pa.bool_()), [[True, False]], ["[true, false]"]),
        (pa.list_(pa.string()), [["a;vb", "é\\", ""]], ['["a;vb", "\\u00e9\\\\", ""]']),
        (pa.list_(pa.date32()), [[date(1969, 12, 31)]], ['["1969-12-31"]']),
        (pa.list_(pa.timestamp("us")), [[datetime(1969, 12, 31, 23, 59, 59, 5)]], ['["1969-12-31T23:59:59.000005"]']),
        (pa.list_(pa.timestamp("us", "UTC")), [[datetime(2020, 1, 1, tzinfo=UTC)]], ['["2020-01-01 02:30:00+02:30"]']),
        (STRUCTS, [[{"Price": Decimal("1.50"), "day": None}, None]], ['[{"price": 1.5}, null]']),
        (pa.list_(pa.map_(pa.string(), pa.int8())), [[[("b", 1), ("a", None)]]], ['[{"a": null, "b": 1}]']),
    ],
    ids=str,
)
def test_a_list_in_json_equals_the_typed_list_that_it_spells(
    tmp_path: Path, kind: pa.DataType, values: list[Any], texts: list[str]
) -> None:
    table = pa.table({"x": pa.array(values, kind)})
    assert pairs(tmp_path, table, *(f'{{"x": {text}}}' for text in texts)) == BOTH


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        (pa.list_(pa.int8()), [1], "[1, null]"),
        (pa.list_(pa.int8()), [], "[null]"),
        (pa.list_(pa.int8()), [], "null"),
        (pa.list_(pa.int8()), [1], '["1"]'),
        (pa.list_(pa.int8()), [1], "1"),
        (pa.list_(pa.list_(pa.int8())), [[1], [2]], "[[1, 2]]"),
        (pa.list_(pa.decimal128(38, 0)), [9007199254740992], "[9007199254740993]"),
        (pa.list_(pa.float64()), [0.1], "[0.1000000000000000055]"),
        (pa.list_(pa.string()), ["a", "b"], '["b", "a"]'),
        (STRUCTS, [None], "[{}]"),
        (STRUCTS, [{"Price": None, "day": None}], '[{"price": null, "extra": 1}]'),
        (STRUCTS, [{"Price": 1, "day": None}], '[{"price": 1, "PRICE": 1}]'),
        (pa.list_(pa.map_(pa.string(), pa.int8())), [[("a", 1)]], '[{"a": 2}]'),
    ],
    ids=str,
)
def test_a_list_in_json_that_spells_another_value_is_not_contained(
    tmp_path: Path, kind: pa.DataType, value: Any, text: str
) -> None:
    assert pairs(tmp_path, pa.table({"x": pa.array([value], kind)}), f'{{"x": {text}}}') == set()


def test_one_value_that_does_not_convert_keeps_the_column_from_being_compared_as_typed(tmp_path: Path) -> None:
    typed = pa.table({"x": [[1], [2]], "n": [1, 2]})
    (text,) = [d for d in lake(tmp_path, typed, '{"x": [1], "n": 1}', '{"x": ["2"], "n": 2}') if d.id == "text"]
    assert {leaf.path: leaf.families for leaf in text.leaves}[("x",)] == ("json",)


def test_files_of_one_json_dataset_admit_what_all_of_them_admit(tmp_path: Path) -> None:
    pq.write_table(pa.table({"x": [[1], [2], None]}), tmp_path / "t.parquet")
    for name, text in (("a", '{"x": [1]}\n{"x": null}\n'), ("b", '{"x": [2.0]}\n'), ("c", '{"x": [2.5]}\n')):
        (tmp_path / f"{name}.jsonl").write_text(text)
    typed = candidate("typed", "parquet", [data_file(tmp_path / "t.parquet")], tmp_path)
    files = {name: data_file(tmp_path / f"{name}.jsonl") for name in "abc"}
    same = candidate("same", "jsonl", [files["a"], files["b"]], tmp_path)
    other = candidate("other", "jsonl", [files["a"], files["c"]], tmp_path)
    found = proven_pairs(contained(datasets_of([typed, same, other])))
    assert found == {("typed", "same"), ("same", "typed")}


def test_a_shape_survives_text_and_merging_notes_both() -> None:
    one, two = Shape(), Shape()
    one.note(parse('[1, {"a": [null, "x"]}]'))
    two.note(parse('[1.5, {"a": null, "b": true}]'))
    assert Shape.from_json(one.to_json()) == one
    both = Shape()
    for text in ('[1, {"a": [null, "x"]}]', '[1.5, {"a": null, "b": true}]'):
        both.note(parse(text))
    assert one.merged(two) == both == two.merged(one)


def test_objects_of_countless_keys_admit_nothing_and_cost_no_more_than_their_limit() -> None:
    shape = Shape()
    shape.note(parse(json.dumps([{str(i): 1} for i in range(MOST_KEYS + 5)])))
    assert shape.items is not None
    assert len(shape.items.keys or {}) == MOST_KEYS
    assert not shape.admits("list<map<string,number>>")


def test_a_value_that_stopped_to_convert_fails_the_scan() -> None:
    for text, family in (("[1]", "list<string>"), ("1", "list<number>"), ('[{"b": 1}]', "list<struct<a:number>>")):
        with pytest.raises(UnreadableData, match="changed while it was read"):
            encoded(parse(text), family)


def test_families_with_any_field_names_are_taken_apart() -> None:
    names = ["a", 'b "c", d>:<', "e<f>", "", "ü"]
    column = Column("x", "STRUCT", tuple(Column(name, "LIST", (Column("e", "BIGINT"),)) for name in names))
    parts = taken_apart(family_of(column))
    assert parts == Nested("struct", ("list<number>",) * len(names), tuple(sorted(names)))
