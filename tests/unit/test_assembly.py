"""Datasets are put together only from files that fit together; everything else says why not."""

from __future__ import annotations

import json
import os
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from r2d2.catalog.assembly import assemble
from r2d2.catalog.discovery import discover
from r2d2.catalog.listing import Candidate, plain_candidate
from r2d2.config import DiscoverySettings
from r2d2.lake import parquet
from r2d2.lake.layout import Reader
from r2d2.lake.storage import storage_for
from r2d2.model.dataset import Bounds, DataFile, Dataset, FileSummary, Leaf

Partition = tuple[tuple[str, str | None], ...]
EXACT = (True, True, True, True)
SHARED = Path(os.environ.get("R2D2_SHARED", "/work/shared")) / "data" / "conformance.tar.gz"


def _candidate(
    root: Path, tables: Mapping[str, pa.Table | bytes], partitions: Mapping[str, Partition] | None = None, **fields: Any
) -> tuple[Candidate, dict[str, FileSummary]]:
    """A dataset ``d`` of Parquet files under ``root``, and what they say of themselves."""
    files, summaries = [], {}
    for name, content in tables.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            pq.write_table(content, path)
        stat = storage_for(str(path)).stat(str(path))
        partition = (partitions or {}).get(name, ())
        files.append(DataFile(*stat, partition=partition))
        summaries[str(path)] = parquet.summarize(path)
    ids = tuple(f"d/{name}" for name in tables)
    base = Candidate("d", "parquet", str(root), files=tuple(files), file_ids=ids, parts=True)
    return plain_candidate(Candidate(**{**_fields(base), **fields})), summaries


def _fields(candidate: Candidate) -> dict[str, Any]:
    return {name: getattr(candidate, name) for name in candidate.__dataclass_fields__}


def _made(format_: str, *files: FileSummary, **fields: Any) -> Dataset:
    """The dataset of files that say ``files`` of themselves."""
    listed = tuple(DataFile(f"/lake/d/{i}", 1, 1, f"i{i}") for i in range(len(files)))
    ids = tuple(f"d/{i}" for i in range(len(files)))
    candidate = Candidate(**{**_fields(Candidate("d", format_, "/lake/d", "v", listed, ids)), **fields})
    (dataset,) = assemble([candidate], {file.path: summary for file, summary in zip(listed, files, strict=True)})
    return dataset


def _leaf(dataset: Dataset, *path: str) -> Leaf:
    assert dataset.status in ("ok", "empty"), dataset.error
    return next(leaf for leaf in dataset.leaves if leaf.path == path)


def _text(rows: int, *leaves: Leaf) -> FileSummary:
    return FileSummary(rows, Reader("csv", ()).to_json(), leaves)


def _number(name: str, low: int, high: int, nulls: int = 0, flags: Sequence[bool] = EXACT) -> Leaf:
    bounds = {"number": Bounds(Decimal(low), Decimal(high), *flags)}
    return Leaf((name,), ("number", "floating", "string"), "text", nulls, bounds)


# Files that fit together.


def test_parts_become_one_dataset_with_its_totals(tmp_path: Path) -> None:
    one = pa.table({"a": pa.array([1, None], pa.int32()), "b": ["x", "y"]})
    other = pa.table({"b": ["w"], "a": pa.array([9], pa.int64())})
    candidate, summaries = _candidate(tmp_path, {"part-0.parquet": one, "part-1.parquet": other, "part-2.parquet": one})
    (dataset,) = assemble([candidate], summaries)
    assert (dataset.id, dataset.status, dataset.rows) == ("d", "ok", 5)
    assert [(file.reader, file.rows) for file in dataset.files] == [(0, 2), (1, 1), (0, 2)]
    assert len(dataset.readers) == 2
    assert [leaf.path for leaf in dataset.leaves] == [("a",), ("b",)]
    assert (_leaf(dataset, "a").families, _leaf(dataset, "a").nulls) == (("number",), 2)
    assert _leaf(dataset, "a").bounds["number"] == Bounds(Decimal(1), Decimal(9), *EXACT)
    assert _leaf(dataset, "b").bounds["string"] == Bounds("w", "y", *EXACT)
    assert (dataset.version, dataset.bytes) == (candidate.version, candidate.bytes)


@pytest.mark.parametrize(
    "other",
    [
        pa.table({"a": [1.5]}),
        pa.table({"a": [1], "b": [2]}),
        pa.table({"A": [1]}),
        pa.table({"b": [1]}),
    ],
    ids=["family", "more columns", "case", "other column"],
)
def test_parts_of_another_schema_are_datasets_of_their_own(other: pa.Table, tmp_path: Path) -> None:
    candidate, summaries = _candidate(tmp_path, {"part-0.parquet": pa.table({"a": [1]}), "part-1.parquet": other})
    datasets = assemble([candidate], summaries)
    assert [(d.id, d.status, d.rows) for d in datasets] == [
        ("d/part-0.parquet", "ok", 1),
        ("d/part-1.parquet", "ok", 1),
    ]
    assert len({d.version for d in datasets} | {candidate.version}) == 3
    assert [d.location for d in datasets] == [file.path for file in candidate.files]


def test_one_bad_file_is_never_left_out(tmp_path: Path) -> None:
    tables = {
        "part-0.parquet": pa.table({"a": [1]}),
        "part-1.parquet": b"",
        "part-2.parquet": pa.table({"n": pa.nulls(1)}),
    }
    (dataset,) = assemble(*_pair(_candidate(tmp_path, tables)))
    assert dataset.status == "error"
    assert dataset.reason == "part-1.parquet: the file is empty (0 bytes) (and 1 more of its files)"
    assert (dataset.leaves, dataset.rows) == ((), None)


def test_a_file_of_which_nothing_is_known_is_an_error(tmp_path: Path) -> None:
    candidate, _ = _candidate(tmp_path, {"part-0.parquet": pa.table({"a": [1]})})
    (dataset,) = assemble([candidate], {})
    assert (dataset.status, dataset.reason) == ("error", "part-0.parquet: nothing was learned of it")


def test_a_candidate_that_can_not_be_used_stays_what_it_is() -> None:
    (dataset,) = assemble([Candidate("d", "iceberg", "/lake/d", status="unsupported", reason="Iceberg table")], {})
    assert dataset.error == "unsupported: Iceberg table"


def test_no_rows_is_empty_and_datasets_are_sorted(tmp_path: Path) -> None:
    empty, summaries = _candidate(tmp_path / "e", {"part-0.parquet": pa.table({"a": pa.array([], pa.int64())})}, id="z")
    none = Candidate("b", "delta", "/lake/b", schema=_schema(a="long"))
    datasets = assemble([empty, none], summaries)
    assert [(d.id, d.status, d.rows) for d in datasets] == [("b", "empty", 0), ("z", "empty", 0)]
    assert [leaf.families for leaf in datasets[0].leaves] == [("number",)]


# Bounds and null counts over files.


def test_bounds_are_tight_where_the_outermost_file_is_and_valid_where_all_are() -> None:
    unsure = _number("a", -3, 7, flags=(False, False, False, True))
    dataset = _made("csv", _text(5, _number("a", 1, 9, 2)), _text(4, unsure))
    assert _leaf(dataset, "a").bounds["number"] == Bounds(Decimal(-3), Decimal(9), False, True, False, True)
    assert _leaf(dataset, "a").nulls == 2


def test_files_without_rows_or_values_do_not_count_against_bounds() -> None:
    nothing = Leaf(("a",), ("number", "floating", "date", "string"), "text", 0)
    nulls = Leaf(("a",), ("number", "floating", "date", "string"), "text", 3)
    dataset = _made("csv", _text(0, nothing), _text(5, _number("a", 1, 9)), _text(3, nulls))
    leaf = _leaf(dataset, "a")
    assert (leaf.families, leaf.nulls) == (("number", "floating", "string"), 3)
    assert leaf.bounds["number"] == Bounds(Decimal(1), Decimal(9), *EXACT)


def test_a_file_that_has_values_and_no_bounds_takes_the_bounds_away() -> None:
    silent = Leaf(("a",), ("number", "string"), "text", None)
    dataset = _made("csv", _text(5, _number("a", 1, 9)), _text(3, silent))
    assert (_leaf(dataset, "a").bounds, _leaf(dataset, "a").nulls) == ({}, None)


def test_families_of_text_are_those_of_all_files_narrowest_first() -> None:
    words = Leaf(("a",), ("date", "string"), "text", 0, {"string": Bounds("x", "y", *EXACT)})
    assert _leaf(_made("csv", _text(1, _number("a", 1, 1)), _text(1, words)), "a").families == ("string",)
    clash = _made("jsonl", _text(1, _number("a", 1, 1)), _text(1, Leaf(("a",), ("presence",))))
    assert clash.status == "unsupported"
    assert 'column "a" is of different types in its files' in clash.reason


def test_keys_that_a_json_part_lacks_are_null_there() -> None:
    here = _text(4, _number("a", 1, 9, 1), Leaf(("o",), ("presence",), nulls=0), _number("k", 0, 0))
    dataset = _made("jsonl", here, _text(3, _number("a", 4, 5)), parts=True)
    assert (_leaf(dataset, "k").nulls, _leaf(dataset, "k").bounds["number"].low) == (3, 0)
    assert (_leaf(dataset, "o").families, _leaf(dataset, "o").nulls) == (("presence",), 0)
    assert _leaf(dataset, "a").nulls == 1


def test_files_that_a_rule_puts_together_must_have_the_same_columns() -> None:
    dataset = _made("csv", _text(1, _number("a", 1, 1)), _text(1, _number("b", 1, 1)))
    assert dataset.error == 'unsupported: 0: has no column "b", which other files have'


def test_names_that_differ_only_in_case_are_refused_unless_they_are_told_apart() -> None:
    both = _text(1, _number("a", 1, 1), _number("A", 1, 1))
    assert _made("csv", both).error == 'unsupported: columns "a" and "A" differ only in case'
    listed = DataFile("/lake/d", 1, 1, "i")
    candidate = Candidate("d", "csv", "/lake/d", "v", (listed,), ("d",))
    (dataset,) = assemble([candidate], {"/lake/d": both}, True)
    assert dataset.status == "ok"
    nested = _text(1, Leaf(("s", "x"), ("number",)), Leaf(("S", "y"), ("number",)))
    assert '"s" and "S"' in _made("jsonl", nested).reason


# Partition columns of directories.


def test_hive_partitions_are_text_leaves_known_exactly(tmp_path: Path) -> None:
    table = pa.table({"a": [1, 2]})
    partitions: dict[str, Partition] = {"k=01/x.parquet": (("k", "01"),), "k=7/y.parquet": (("k", "7"),)}
    partitions["k=__HIVE_DEFAULT_PARTITION__/z.parquet"] = (("k", None),)
    candidate, summaries = _candidate(tmp_path, dict.fromkeys(partitions, table), partitions, partition_columns=("k",))
    (dataset,) = assemble([candidate], summaries)
    leaf = _leaf(dataset, "k")
    assert (dataset.rows, leaf.nulls, "string" in leaf.families, "number" in leaf.families) == (6, 2, True, False)
    assert leaf.bounds["string"] == Bounds("01", "7", *EXACT)
    assert [file.partition for file in dataset.files] == [file.partition for file in candidate.files]


def test_a_partition_column_that_the_files_have_too_is_refused(tmp_path: Path) -> None:
    candidate, summaries = _candidate(
        tmp_path, {"K=1/x.parquet": pa.table({"k": [1]})}, {"K=1/x.parquet": (("K", "1"),)}, partition_columns=("K",)
    )
    (dataset,) = assemble([candidate], summaries)
    assert dataset.error == 'unsupported: partition column "K" is also a column of the files'


def test_a_partition_without_rows_does_not_widen_bounds(tmp_path: Path) -> None:
    tables = {"k=1/x.parquet": pa.table({"a": [1]}), "k=9/y.parquet": pa.table({"a": pa.array([], pa.int64())})}
    partitions: dict[str, Partition] = {"k=1/x.parquet": (("k", "1"),), "k=9/y.parquet": (("k", "9"),)}
    (dataset,) = assemble(*_pair(_candidate(tmp_path, tables, partitions, partition_columns=("k",))))
    assert _leaf(dataset, "k").bounds["number"] == Bounds(Decimal(1), Decimal(1), *EXACT)


def _pair(made: tuple[Candidate, dict[str, FileSummary]]) -> tuple[list[Candidate], dict[str, FileSummary]]:
    return [made[0]], made[1]


# Delta tables.


def _schema(**types: Any) -> str:
    fields = [{"name": name, "type": kind, "nullable": True, "metadata": {}} for name, kind in types.items()]
    return json.dumps({"type": "struct", "fields": fields})


def _struct(**types: Any) -> Any:
    return json.loads(_schema(**types))


def _delta(root: Path, schema: str, tables: Mapping[str, pa.Table], **fields: Any) -> Dataset:
    (dataset,) = assemble(*_pair(_candidate(root, tables, format="delta", parts=False, schema=schema, **fields)))
    return dataset


def test_a_delta_table_has_the_leaves_of_its_schema_and_old_files_lack_some(tmp_path: Path) -> None:
    schema = _schema(
        a="long",
        new="string",
        s=_struct(x="integer", y="date"),
        n={"type": "array", "elementType": "double", "containsNull": True},
    )
    old = pa.table({"a": pa.array([1, 2], pa.int32()), "s": pa.array([{"x": 1}, None], pa.struct([("x", pa.int32())]))})
    structs = pa.array([{"x": 5, "y": None}], pa.struct([("x", pa.int32()), ("y", pa.date32())]))
    fresh = pa.table({"a": [7], "new": ["v"], "s": structs, "n": [[0.5]]})
    dataset = _delta(tmp_path, schema, {"0.parquet": old, "1.parquet": fresh})
    assert (dataset.status, dataset.rows) == ("ok", 3)
    assert [(leaf.path, leaf.families, leaf.nulls) for leaf in dataset.leaves] == [
        (("a",), ("number",), 0),
        (("new",), ("string",), 2),
        (("s",), ("presence",), 0),
        (("s", "x"), ("number",), 1),
        (("s", "y"), ("date",), 3),
        (("n",), ("list<floating>",), None),
    ]
    assert _leaf(dataset, "a").bounds["number"] == Bounds(Decimal(1), Decimal(7), *EXACT)
    assert _leaf(dataset, "new").bounds["string"] == Bounds("v", "v", *EXACT)


@pytest.mark.parametrize(
    ("kind", "stored", "family"),
    [
        ("byte", pa.int8(), "number"),
        ("short", pa.int16(), "number"),
        ("decimal(20,2)", pa.decimal128(20, 2), "number"),
        ("float", pa.float32(), "floating"),
        ("double", pa.float64(), "floating"),
        ("boolean", pa.bool_(), "boolean"),
        ("binary", pa.binary(), "binary"),
        ("string", pa.string(), "string"),
        ("date", pa.date32(), "date"),
        ("timestamp", pa.timestamp("us", "UTC"), "instant"),
        ("timestamp_ntz", pa.timestamp("us"), "timestamp"),
        ({"type": "array", "elementType": "long", "containsNull": True}, pa.list_(pa.int64()), "list<number>"),
        (
            {"type": "map", "keyType": "string", "valueType": "date", "valueContainsNull": True},
            pa.map_(pa.string(), pa.date32()),
            "map<string,date>",
        ),
        (
            {"type": "array", "elementType": _struct(b="long", a="string"), "containsNull": True},
            pa.list_(pa.struct([("a", pa.string()), ("b", pa.int64())])),
            "list<struct<a:string,b:number>>",
        ),
    ],
    ids=str,
)
def test_types_of_delta_are_those_of_its_files(kind: Any, stored: pa.DataType, family: str, tmp_path: Path) -> None:
    dataset = _delta(tmp_path, _schema(c=kind), {"0.parquet": pa.table({"c": pa.nulls(2, stored)})})
    assert _leaf(dataset, "c").families == (family,)


@pytest.mark.parametrize(
    "kind", ["variant", "void", "interval year to month", "decimal(39,0)", {"type": "udt"}], ids=str
)
def test_types_of_delta_without_a_family_are_refused_by_column(kind: Any, tmp_path: Path) -> None:
    dataset = _delta(tmp_path, _schema(a="long", s=_struct(odd=kind)), {"0.parquet": pa.table({"a": [1]})})
    assert dataset.status == "unsupported"
    assert '"s"."odd" is of the type' in dataset.reason


def test_widened_types_of_delta_are_refused_where_the_family_changed(tmp_path: Path) -> None:
    table = pa.table({"c": pa.array([1], pa.int32())})
    assert _delta(tmp_path, _schema(c="long"), {"0.parquet": table}).status == "ok"
    widened = _delta(tmp_path, _schema(c="double"), {"0.parquet": table})
    assert widened.error == 'unsupported: column "c" is floating in the table, but number in its files'


def test_a_struct_that_may_be_null_in_the_table_and_not_in_its_files_is_one_struct(tmp_path: Path) -> None:
    kind = pa.struct([("x", pa.int32())])
    table = pa.table([pa.array([{"x": 1}], kind)], pa.schema([pa.field("s", kind, nullable=False)]))
    dataset = _delta(tmp_path, _schema(s=_struct(x="integer")), {"0.parquet": table})
    assert dataset.error == ""
    assert _leaf(dataset, "s").families == ("presence",)


def test_rows_of_the_log_must_be_those_of_the_files(tmp_path: Path) -> None:
    candidate, summaries = _candidate(
        tmp_path, {"0.parquet": pa.table({"c": [1, 2]})}, format="delta", parts=False, schema=_schema(c="long")
    )
    (file,) = candidate.files
    for rows, error in ((2, ""), (1002, "unprovable: 0.parquet: the table's log says 1,002 rows, the file has 2")):
        listed = replace(file, rows=rows)
        (dataset,) = assemble([Candidate(**{**_fields(candidate), "files": (listed,)})], summaries)
        assert dataset.error == error


def test_partition_columns_of_delta_are_typed_by_the_table(tmp_path: Path) -> None:
    names = ("k", "d", "s")
    partitions: dict[str, Partition] = {
        "0.parquet": (("k", "10"), ("d", "2024-02-29"), ("s", "x")),
        "1.parquet": (("k", "9"), ("d", None), ("s", "")),
    }
    made = _candidate(
        tmp_path,
        dict.fromkeys(partitions, pa.table({"a": [1, 2]})),
        partitions,
        format="delta",
        parts=False,
        schema=_schema(a="long", k="integer", d="date", s="string"),
        partition_columns=names,
    )
    (dataset,) = assemble(*_pair(made))
    assert [(leaf.path[0], leaf.families, leaf.nulls) for leaf in dataset.leaves[1:]] == [
        ("k", ("number",), 0),
        ("d", ("date",), 2),
        ("s", ("string",), 2),
    ]
    assert _leaf(dataset, "k").bounds["number"] == Bounds(Decimal(9), Decimal(10), *EXACT)
    assert dataset.files[1].partition == (("k", "9"), ("d", None), ("s", None))


@pytest.mark.parametrize(
    ("kind", "value"), [("float", "0.1"), ("binary", "x"), ("timestamp", "2024-01-01 00:00:00"), ("integer", "1x")]
)
def test_partition_values_that_are_not_exact_are_refused(kind: str, value: str, tmp_path: Path) -> None:
    made = _candidate(
        tmp_path,
        {"0.parquet": pa.table({"a": [1]})},
        {"0.parquet": (("k", value),)},
        format="delta",
        parts=False,
        schema=_schema(a="long", k=kind),
        partition_columns=("k",),
    )
    (dataset,) = assemble(*_pair(made))
    assert dataset.status == "unsupported"
    assert 'partition column "k"' in dataset.reason


@pytest.mark.parametrize("schema", ["", "{", "[]", '{"type":"struct"}', '{"type":"struct","fields":[{"name":1}]}'])
def test_a_damaged_schema_is_an_error(schema: str, tmp_path: Path) -> None:
    assert _delta(tmp_path, schema, {"0.parquet": pa.table({"a": [1]})}).status == "error"


@pytest.mark.skipif(not SHARED.exists(), reason=f"needs {SHARED}, which is not part of the repository")
def test_conformance_tables_have_the_rows_that_others_read_or_are_refused(tmp_path: Path) -> None:
    with tarfile.open(SHARED) as archive:
        wanted = [m for m in archive.getmembers() if m.name.lstrip("./").startswith("delta")]
        archive.extractall(tmp_path, wanted, filter="data")
    truth = json.loads((tmp_path / "delta_tables.json").read_text())["tables"]
    found = discover([str(tmp_path)], DiscoverySettings(), None, None).candidates
    tables = [candidate for candidate in found if candidate.format == "delta"]
    files = {file.path for table in tables for file in table.files}
    datasets = {d.location: d for d in assemble(tables, {path: parquet.summarize(Path(path)) for path in files})}
    compared = 0
    for table in truth:
        dataset = datasets[str(tmp_path / table["path"])]
        assert dataset.status in ("ok", "empty") or dataset.reason.isprintable()
        if dataset.status in ("ok", "empty"):
            compared += 1
            assert dataset.rows == table["rows"], table["path"]
            names = {leaf.path[0] for leaf in dataset.leaves}
            assert names == {name for name, _ in table["columns"]}, table["path"]
    assert compared >= 70


def test_a_table_can_not_set_what_its_files_say_of_themselves() -> None:
    fields = {"properties": {"row_groups": "many", "null_tokens": "x", "delta.tableId": "t"}}
    parts = [replace(_text(1, _number("a", 1, 1)), properties={"row_groups": groups}) for groups in (1, 2)]
    assert _made("parquet", *parts, **fields).properties == {"delta.tableId": "t"}
