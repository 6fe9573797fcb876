"""The stored digest and the encoding under it: docs/encoding.md, the reference and the product say the same."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from r2d2.config import ContainmentSettings
from r2d2.containment.digest import stored_digests
from r2d2.containment.request import Request
from r2d2.containment.row_hash import RowHash
from r2d2.containment.scan import open_sources, task_connection
from r2d2.containment.scan_sql import hashed_rows
from r2d2.containment.scanner import scan_tasks
from r2d2.containment.schema_graph import schema_of
from r2d2.lake.kernels import run_here
from r2d2.model.dataset import Dataset
from tests import encoding_reference as reference
from tests.containment_runs import SECRET, candidate, data_file, datasets_of, parquet_dataset
from tests.generated_tables import GeneratedTable, arrow_tables, tables
from tests.sampling import examples

DOC = Path(__file__).parents[2] / "docs/encoding.md"
BLOCKS = re.findall(r"```\n(.*?)```", DOC.read_text(encoding="utf-8"), re.DOTALL)
VALUES = [line.split("\t") for line in BLOCKS[0].rstrip("\n").split("\n")]
TABLES = [block.split("\n") for block in BLOCKS[1].strip().split("\n\n")]

TYPES: dict[str, pa.DataType] = {
    "floating": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("ns"),
    "instant": pa.timestamp("us", "UTC"),
    "string": pa.string(),
    "binary": pa.binary(),
}


def digest_of(dataset: Dataset) -> str:
    found, failed = stored_digests([dataset], ContainmentSettings(), run_here)
    assert failed == {}
    return str(found[0])


def rows_of(dataset: Dataset, by: RowHash) -> list[tuple[Any, ...]]:
    """What a scan gives for each row: both halves, and its encoding if asked for."""
    projection = tuple((path, families[0]) for path, families in schema_of(dataset, False))
    (task,) = scan_tasks([dataset], {0: [Request(projection)]}, ContainmentSettings(), by).to_pylist()
    with task_connection() as connect, open_sources(task, connect) as (con, sources):
        rows = hashed_rows(sources, [projection], [], by)
        return con.execute(f"SELECT * EXCLUDE (slot) FROM ({rows})").fetchall()


def python_value(given: Any, family: str) -> Any:
    """A vector's JSON as the reference takes it."""
    if given is None or family in ("boolean", "presence", "string"):
        return given
    if family.startswith("list<"):
        return [python_value(item, family[5:-1]) for item in given]
    if family.startswith("map<"):
        key, item = reference.split(family[4:-1])
        return [(python_value(k, key), python_value(v, item)) for k, v in given]
    if family.startswith("struct<"):
        return {name: python_value(given[name], inner) for name, inner in fields_of(family)}
    if family == "floating":
        return float(given)
    return bytes.fromhex(given) if family == "binary" else Decimal(given)


def fields_of(family: str) -> list[tuple[str, str]]:
    return [(name, inner) for name, inner in (field.split(":", 1) for field in reference.split(family[7:-1]))]


def arrow_type(family: str, value: Any) -> pa.DataType:
    if family.startswith("list<"):
        inner = next((item for item in value or [] if item is not None), None)
        return pa.list_(arrow_type(family[5:-1], inner))
    if family.startswith("map<"):
        return pa.map_(pa.string(), pa.int64())
    if family.startswith("struct<"):
        return pa.struct([(name, arrow_type(inner, None)) for name, inner in fields_of(family)])
    if family == "number":
        scale = max(0, -int(value.as_tuple().exponent)) if isinstance(value, Decimal) else 0
        return pa.decimal128(38, max(scale, 1) if value is None or scale < 38 else 38)
    return TYPES[family]


def arrow_value(value: Any, family: str) -> Any:
    if value is None:
        return None
    if family.startswith("list<"):
        return [arrow_value(item, family[5:-1]) for item in value]
    if family == "instant":
        return int(value) // 1000
    return int(value) if family in ("date", "timestamp") else value


@pytest.mark.parametrize(("family", "value", "text"), VALUES, ids=lambda v: str(v)[:30])
def test_each_vector_of_the_document_is_what_the_reference_and_the_product_give(
    tmp_path: Path, family: str, value: str, text: str
) -> None:
    found = python_value(json.loads(value), family)
    assert reference.text(found, family) == text
    kind = arrow_type(family, found)
    pq.write_table(pa.table({"x": pa.array([arrow_value(found, family)], kind)}), tmp_path / "v.parquet")
    ((_, _, encoded),) = rows_of(parquet_dataset(tmp_path / "v.parquet"), RowHash(values=True))
    assert encoded == f"v{text};"


@pytest.mark.parametrize(("described", "rows", "first", "expected"), TABLES, ids=["flat", "nested"])
def test_each_table_of_the_document_has_the_digest_that_stands_there(
    described: str, rows: str, first: str, expected: str
) -> None:
    leaves = [(tuple(c.split(" ", 1)[0].split(".")), c.split(" ", 1)[1]) for c in described.split(", ")]
    values = [[python_value(v, f) for v, (_, f) in zip(r, leaves, strict=True)] for r in json.loads(rows)]
    assert reference.row(values[0], leaves) == first
    assert reference.digest(values, leaves) == expected


def test_the_documents_tables_have_the_same_digest_in_parquet_csv_and_json(tmp_path: Path) -> None:
    flat = pa.table({"NAME": ["a", None, None], "Id": pa.array([1, 2, 2], pa.int16())})
    pq.write_table(flat, tmp_path / "flat.parquet")
    (tmp_path / "flat.csv").write_text('id,name\n2,\n1,"a"\n2.0,\n')
    (tmp_path / "flat.jsonl").write_text('{"id": 2}\n{"name": "a", "id": 1e0}\n{"id": 2, "name": null}\n')
    expected = TABLES[0][3]
    assert digest_of(parquet_dataset(tmp_path / "flat.parquet")) == expected
    for kind in ("csv", "jsonl"):
        path = tmp_path / f"flat.{kind}"
        (dataset,) = datasets_of([candidate(path.name, kind, [data_file(path)], path)])
        assert digest_of(dataset) == expected
    inner = pa.StructArray.from_arrays([pa.array([0, None], pa.date32())], fields=[pa.field("x", pa.date32())])
    nested = pa.table(
        {"b": [0.1, float("nan")], "c": inner, "d": pa.array([[1, 2], []], pa.list_(pa.int8()))},
        schema=pa.schema(
            [pa.field("b", pa.float64()), pa.field("c", inner.type, nullable=False), pa.field("d", pa.list_(pa.int8()))]
        ),
    )
    pq.write_table(nested, tmp_path / "nested.parquet")
    assert digest_of(parquet_dataset(tmp_path / "nested.parquet")) == TABLES[1][3]


@settings(max_examples=examples(60), derandomize=True, deadline=None, database=None)
@given(data=st.data(), table=tables())
def test_generated_tables_have_the_digest_of_the_reference(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, table: GeneratedTable
) -> None:
    path = tmp_path_factory.mktemp("t") / "t.parquet"
    pq.write_table(data.draw(arrow_tables(table)), path)
    dataset = parquet_dataset(path)
    leaves = [(leaf, families[0]) for leaf, families in schema_of(dataset, False)]
    rows = [[reference_value(table, row, leaf, family) for leaf, family in leaves] for row in table.rows]
    assert digest_of(dataset) == reference.digest(rows, leaves)
    assert sorted(encoded for _, _, encoded in rows_of(dataset, RowHash(values=True))) == sorted(
        reference.row(row, leaves) for row in rows
    )


def reference_value(table: GeneratedTable, row: tuple[Any, ...], path: tuple[str, ...], family: str) -> Any:
    value = row[[column.name for column in table.columns].index(path[0])]
    if family == "presence":
        return value is not None
    if len(path) > 1:
        return None if value is None else value[path[1]]
    return list(value.items()) if family.startswith("map<") and value is not None else value


def test_keyed_rows_are_hashed_by_hmac_sha256_of_their_encoding(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": [1, 2, None], "b": ["x", "é;\\", ""]}), tmp_path / "t.parquet")
    dataset = parquet_dataset(tmp_path / "t.parquet")
    expected = [
        hmac.new(bytes.fromhex(SECRET), text.encode(), hashlib.sha256).digest()
        for text in ("v1;vx;", "v2;vé\\;\\\\;", "nv;")
    ]
    halves = {(int.from_bytes(d[:8], "big"), int.from_bytes(d[8:16], "big")) for d in expected}
    assert set(rows_of(dataset, RowHash(SECRET))) == halves


def test_a_dataset_that_changed_or_cannot_be_read_has_no_digest_but_a_reason(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": [1]}), tmp_path / "t.parquet")
    dataset = parquet_dataset(tmp_path / "t.parquet")
    (tmp_path / "t.parquet").write_bytes(b"PAR1")
    found, failed = stored_digests([dataset], ContainmentSettings(), run_here)
    assert found == {}
    assert "changed" in failed[0]
