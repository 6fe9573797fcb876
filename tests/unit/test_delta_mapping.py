"""Delta tables whose files name columns otherwise than the table: read as the table names them, or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from r2d2.catalog.discovery import discover
from r2d2.config import ContainmentSettings, DiscoverySettings
from r2d2.containment.request import Request
from r2d2.containment.row_hash import FAST
from r2d2.containment.scan import RESULTS
from r2d2.containment.scan_groups import scan_kernel
from r2d2.containment.scanner import scan_tasks
from r2d2.model.dataset import Dataset
from r2d2.model.edge import Projection
from tests.containment_runs import datasets_of


def field(name: str, kind: Any, physical: str) -> dict[str, Any]:
    told = {"delta.columnMapping.id": 1, "delta.columnMapping.physicalName": physical}
    return {"name": name, "type": kind, "nullable": True, "metadata": told}


def struct(*fields: dict[str, Any]) -> dict[str, Any]:
    return {"type": "struct", "fields": list(fields)}


def mapped(
    table: Path, schema: dict[str, Any], *files: pa.Table, partitions: tuple[str, ...] = (), mode: str = "name"
) -> None:
    """A Delta table; each file's partition values are given by the metadata of its schema."""
    log = table / "_delta_log"
    log.mkdir(parents=True)
    actions: list[dict[str, Any]] = [
        {"protocol": {"minReaderVersion": 2, "minWriterVersion": 5}},
        {
            "metaData": {
                "id": "t",
                "format": {"provider": "parquet"},
                "schemaString": json.dumps(schema),
                "partitionColumns": list(partitions),
                "configuration": {"delta.columnMapping.mode": mode},
            }
        },
    ]
    for number, rows in enumerate(files):
        name = f"part-{number}.parquet"
        values = {k.decode(): v.decode() for k, v in (rows.schema.metadata or {}).items()}
        pq.write_table(rows.replace_schema_metadata(None), table / name)
        size = (table / name).stat().st_size
        actions.append({"add": {"path": name, "partitionValues": values, "size": size, "modificationTime": 1}})
    (log / f"{0:020d}.json").write_text("\n".join(map(json.dumps, actions)))


def dataset(lake: Path, name: str) -> Dataset:
    listed = discover([str(lake)], DiscoverySettings(), None, None).candidates
    (found,) = (each for each in datasets_of(listed) if each.id == name)
    return found


def rows_of(found: Dataset, projection: Projection) -> tuple[int, int, int]:
    assert found.status == "ok", found.reason
    tasks = scan_tasks([found], {0: [Request(projection)]}, ContainmentSettings(), FAST)
    results = pa.Table.from_batches(scan_kernel(iter(tasks.to_batches())), schema=RESULTS).to_pylist()
    assert not [row["error"] for row in results if row["error"]]
    low, high = (sum(int(row[name]) for row in results) for name in ("low", "high"))
    return sum(row["rows"] for row in results), low, high


def projection_of(found: Dataset) -> Projection:
    return tuple((leaf.path, leaf.families[0]) for leaf in found.leaves)


def test_columns_and_fields_at_every_depth_have_the_names_of_the_table(tmp_path: Path) -> None:
    inner = struct(field("x", "long", "p1"), field("y", "string", "p2"))
    schema = struct(
        field("id", "long", "c-1"),
        field("st", inner, "c-2"),
        field("many", {"type": "array", "elementType": inner, "containsNull": True}, "c-3"),
        field("by", {"type": "map", "keyType": "string", "valueType": inner, "valueContainsNull": True}, "c-4"),
    )
    values = [{"p1": 1, "p2": "a"}, {"p1": None, "p2": "b"}, None]
    kind = pa.struct({"p1": pa.int64(), "p2": pa.string()})
    physical = pa.table(
        {
            "c-1": pa.array([1, 2, 3]),
            "c-2": pa.array(values, kind),
            "c-3": pa.array([[values[0]], [], None], pa.list_(kind)),
            "c-4": pa.array([[("k", values[1])], None, []], pa.map_(pa.string(), kind)),
        }
    )
    mapped(tmp_path / "t", schema, physical)
    plain = pa.struct({"x": pa.int64(), "y": pa.string()})
    types = {"id": pa.int64(), "st": plain, "many": pa.list_(plain), "by": pa.map_(pa.string(), plain)}
    renamed = pa.table(
        {
            "id": [1, 2, 3],
            "st": pa.array([{"x": 1, "y": "a"}, {"x": None, "y": "b"}, None], plain),
            "many": pa.array([[{"x": 1, "y": "a"}], [], None], types["many"]),
            "by": pa.array([[("k", {"x": None, "y": "b"})], None, []], types["by"]),
        }
    )
    pq.write_table(renamed, tmp_path / "plain.parquet")
    found, expected = dataset(tmp_path, "t"), dataset(tmp_path, "plain.parquet")
    assert {(leaf.path, leaf.families) for leaf in found.leaves} == {
        (own.path, own.families) for own in expected.leaves
    }
    projection = projection_of(expected)
    assert rows_of(found, projection) == rows_of(expected, projection)


def test_a_column_that_was_dropped_is_not_taken_for_a_new_one_of_its_name(tmp_path: Path) -> None:
    schema = struct(field("id", "long", "id"), field("v", "long", "col-new"))
    old = pa.table({"id": [1, 2], "v": [77, 78]})  # the physical name of a column that the table has no more
    new = pa.table({"id": [3], "v": [79], "col-new": [5]})
    mapped(tmp_path / "t", schema, old, new)
    pq.write_table(pa.table({"id": [1, 2, 3], "v": pa.array([None, None, 5], pa.int64())}), tmp_path / "plain.parquet")
    found, expected = dataset(tmp_path, "t"), dataset(tmp_path, "plain.parquet")
    assert [leaf.path for leaf in found.leaves] == [("id",), ("v",)]
    assert rows_of(found, projection_of(expected)) == rows_of(expected, projection_of(expected))
    assert {leaf.path[0]: leaf.nulls for leaf in found.leaves} == {"id": 0, "v": 2}


def test_swapped_names_are_the_tables(tmp_path: Path) -> None:
    mapped(tmp_path / "t", struct(field("a", "long", "b"), field("b", "long", "a")), pa.table({"a": [1], "b": [2]}))
    pq.write_table(pa.table({"a": [2], "b": [1]}), tmp_path / "plain.parquet")
    found, expected = dataset(tmp_path, "t"), dataset(tmp_path, "plain.parquet")
    assert rows_of(found, projection_of(expected)) == rows_of(expected, projection_of(expected))


def test_partition_values_are_those_of_the_physical_column(tmp_path: Path) -> None:
    schema = struct(field("id", "long", "c-1"), field("day", "date", "c-2"))
    parts = [pa.table({"c-1": [n]}).replace_schema_metadata({"c-2": f"2024-01-0{n}"}) for n in (1, 2)]
    mapped(tmp_path / "t", schema, *parts, partitions=("day",))
    days = pa.array([19723, 19724], pa.int32()).cast(pa.date32())
    pq.write_table(pa.table({"id": [1, 2], "day": days}), tmp_path / "plain.parquet")
    found, expected = dataset(tmp_path, "t"), dataset(tmp_path, "plain.parquet")
    assert rows_of(found, projection_of(expected)) == rows_of(expected, projection_of(expected))


def test_columns_that_are_known_by_their_numbers_are_left_to_spark(tmp_path: Path) -> None:
    mapped(tmp_path / "t", struct(field("a", "long", "b")), pa.table({"b": [1]}), mode="id")
    (listed,) = discover([str(tmp_path)], DiscoverySettings(), None, None).candidates
    assert (listed.status, listed.unsuited) == ("ok", "its columns are mapped by their numbers")
    assert listed.fallback is not None
    assert dict(listed.fallback.options) == {"versionAsOf": "0"}


def test_what_could_be_read_in_several_ways_is_not_left_to_spark(tmp_path: Path) -> None:
    """A time in a partition value has the zone of whoever reads it, and a plain table's files must fit its log."""
    schema = struct(field("id", "long", "c-1"), field("at", "timestamp", "c-2"))
    part = pa.table({"c-1": [1]}).replace_schema_metadata({"c-2": "2024-01-01 00:00:00"})
    mapped(tmp_path / "times", schema, part, partitions=("at",), mode="id")
    mapped(tmp_path / "plain", struct(field("a", "long", "a")), pa.table({"a": [1]}), mode="none")
    listed = {c.id: c for c in discover([str(tmp_path)], DiscoverySettings(), None, None).candidates}
    assert listed["times"].fallback is listed["plain"].fallback is None


def test_a_rename_changes_the_fingerprint_though_no_file_changes(tmp_path: Path) -> None:
    marks = []
    for name in ("a", "z"):
        mapped(tmp_path / name / "t", struct(field(name, "long", "b")), pa.table({"b": [1]}))
        (listed,) = discover([str(tmp_path / name)], DiscoverySettings(), None, None).candidates
        marks.append(listed.fingerprint)
    assert marks[0] != marks[1]


def test_a_file_that_spells_a_name_in_another_case_holds_that_column(tmp_path: Path) -> None:
    mapped(tmp_path / "t", struct(field("a", "long", "A")), pa.table({"A": [1]}), pa.table({"a": [2]}))
    found = dataset(tmp_path, "t")
    assert [(leaf.path, leaf.nulls) for leaf in found.leaves] == [(("a",), 0)]


def test_two_columns_of_one_name_in_files_are_an_error(tmp_path: Path) -> None:
    mapped(tmp_path / "t", struct(field("a", "long", "p"), field("b", "long", "P")), pa.table({"p": [1]}))
    assert dataset(tmp_path, "t").error == 'error: its log finds two columns in files by one name, "p"'


@pytest.mark.parametrize(
    "changed", [{"metadata": None}, {"metadata": {"delta.columnMapping.physicalName": 5}}, {"name": 5}, {"type": {}}]
)
def test_a_damaged_schema_of_mapped_columns_is_an_error_of_its_table(tmp_path: Path, changed: dict[str, Any]) -> None:
    mapped(tmp_path / "t", struct(field("a", "long", "p") | changed), pa.table({"p": [1]}))
    assert "schema in the table's log is damaged" in dataset(tmp_path, "t").error


def test_a_partition_column_that_the_schema_spells_otherwise_is_an_error(tmp_path: Path) -> None:
    rows = pa.table({"a": [1]}).replace_schema_metadata({"K": "x"})
    plain = {"metadata": {}}
    schema = struct(field("a", "long", "") | plain, field("k", "string", "") | plain)
    mapped(tmp_path / "t", schema, rows, partitions=("K",), mode="none")
    assert dataset(tmp_path, "t").error == 'error: its partition column "K" is not in its schema'
