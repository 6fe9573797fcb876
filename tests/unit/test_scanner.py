"""Scans: one query answers all requests for a dataset; what is not whole and stable gives no answer (EXACTNESS 1)."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from r2d2.config import ContainmentSettings
from r2d2.containment import scan, scan_groups
from r2d2.containment import scanner as scanner_module
from r2d2.containment.join import JoinResult
from r2d2.containment.joins import Joins
from r2d2.containment.request import COMPLETE, Request, Term
from r2d2.containment.scan import (
    TASKS,
    read_failure,
    scan_task,
    task_connection,
)
from r2d2.containment.scan_groups import scan_kernel
from r2d2.containment.scanner import Measure, Scanner, chunks, dataset_key, measure_key, planned
from r2d2.containment.sketch import pack
from r2d2.containment.views import Pair
from r2d2.errors import UnreadableData
from r2d2.lake.handed import handed
from r2d2.lake.kernels import in_jobs, run_here
from r2d2.lake.layout import Column, Reader
from r2d2.model.dataset import DataFile, Dataset, Leaf
from r2d2.model.edge import Projection
from r2d2.model.family import DATE, NUMBER, PRESENCE, STRING
from r2d2.model.packing import pack_files, unpack_files
from r2d2.model.source import SparkSource
from tests.containment_runs import Memory, candidate, data_file, datasets_of, parquet_dataset

DEFAULT = ContainmentSettings()


def written(path: Path, columns: dict[str, Any] | pa.Table, **options: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    table = columns if isinstance(columns, pa.Table) else pa.table(columns)
    pq.write_table(table, path, **options)
    return path


def projection_of(dataset: Dataset, *names: str) -> Projection:
    chosen = (leaf for leaf in dataset.leaves if not names or leaf.path[0] in names)
    return tuple(sorted((leaf.path, leaf.families[0]) for leaf in chosen))


def scanner(
    datasets: Sequence[Dataset], settings: ContainmentSettings = DEFAULT, memory: Memory | None = None
) -> Scanner:
    return Scanner(datasets, settings, run_here, memory or Memory())


def whole(dataset: Dataset, *names: str, settings: ContainmentSettings = DEFAULT) -> Measure:
    """The dataset under a projection, with all its rows listed."""
    request = Request(projection_of(dataset, *names), COMPLETE)
    reading = scanner([dataset], settings)
    found = reading.measure({0: [request]})
    assert reading.failed == {}
    return found[0, request]


def packed(measure: Measure) -> bytes:
    """The rows that a measure lists."""
    assert measure.sketch is not None
    return pack(measure.sketch)


#: Partition values of a file → its columns.
Parts = Mapping[tuple[tuple[str, str | None], ...], dict[str, Any]]


def partitioned(directory: Path, parts: Parts) -> Dataset:
    """A directory of ``k=v`` files."""
    files = [
        data_file(written(directory / f"{i}.parquet", columns), partition)
        for i, (partition, columns) in enumerate(parts.items())
    ]
    (found,) = datasets_of([candidate(directory.name, "parquet", files, directory)])
    return found


def test_how_the_work_is_split_changes_no_answer(tmp_path: Path) -> None:
    paths = [written(tmp_path / f"{i}.parquet", {"a": [i, i, 3], "b": ["x", None, "y"]}) for i in range(4)]
    dataset = parquet_dataset(*paths)
    answers = [whole(dataset, settings=ContainmentSettings(task_bytes=size)) for size in (1, 1000, 1 << 26)]
    assert len({(m.rows, m.low, m.high) for m in answers}) == 1
    assert len({packed(measure) for measure in answers}) == 1


def test_answers_are_the_same_however_many_jobs_bring_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    datasets = [
        parquet_dataset(*[written(tmp_path / f"{d}-{i}.parquet", {"a": [d, i, 3]}) for i in range(3)]) for d in range(3)
    ]
    requests = {i: [Request(projection_of(dataset, "a"), COMPLETE)] for i, dataset in enumerate(datasets)}
    jobs: list[int] = []

    def run(tasks: pa.Table, *kernel: Any) -> pa.Table:
        jobs.append(len(tasks["task"].unique()))
        return run_here(tasks, *kernel)

    def answers(most: int) -> dict[Any, Any]:
        monkeypatch.setattr(scanner_module, "in_jobs", partial(in_jobs, most=most))
        jobs.clear()
        found = Scanner(datasets, ContainmentSettings(task_bytes=1), run, Memory()).measure(requests)
        return {key: (m.rows, m.low, m.high, packed(m)) for key, m in found.items()}

    together, alone = answers(1 << 28), answers(1)
    assert together == alone
    assert jobs == [1] * 9


def test_one_file_or_many_of_different_types_hold_the_same_rows(tmp_path: Path) -> None:
    """Files of one dataset with other widths and scales: DuckDB alone would cast the later ones to the first one's."""
    one = parquet_dataset(
        written(tmp_path / "one.parquet", {"a": pa.array([Decimal("1.0"), Decimal("1.5"), Decimal("2.0")])})
    )
    many = parquet_dataset(
        written(tmp_path / "x.parquet", {"a": pa.array([1, 2], pa.int8())}),
        written(tmp_path / "y.parquet", {"a": pa.array([Decimal("1.5")])}),
    )
    assert len(many.readers) == 2
    assert whole(one).same_rows(whole(many))


def test_partition_values_are_columns_of_the_rows(tmp_path: Path) -> None:
    parts: Parts = {
        (("year", "2023"), ("k", "a'")): {"v": [1, 2]},
        (("k", None), ("year", "2024")): {"v": [3]},
        (("year", "2024"), ("k", ";--")): {"v": [3]},
    }
    split = partitioned(tmp_path / "split", parts)
    flat = parquet_dataset(
        written(
            tmp_path / "f.parquet",
            {"v": [1, 2, 3, 3], "year": [2023, 2023, 2024, 2024], "k": ["a'", "a'", None, ";--"]},
        )
    )
    request = Request(((("k",), STRING), (("v",), NUMBER), (("year",), NUMBER)))
    reading = scanner([split, flat])
    found = reading.measure({0: [request], 1: [request]})
    assert reading.failed == {}
    assert found[0, request].same_rows(found[1, request])


def test_the_same_file_in_two_partitions_is_two_sets_of_rows(tmp_path: Path) -> None:
    a = whole(partitioned(tmp_path / "a", {(("y", "1"),): {"v": [1]}, (("y", "01"),): {"v": [1]}}))
    b = whole(partitioned(tmp_path / "b", {(("y", "1"),): {"v": [1, 1]}}))
    assert not a.same_rows(b)
    assert [len(m.sketch.low) for m in (a, b) if m.sketch] == [2, 1]


def test_hundreds_of_partitions_are_planned_in_seconds(tmp_path: Path) -> None:
    columns = {f"c{i}": [i] for i in range(10)}
    dataset = partitioned(tmp_path / "p", {(("day", str(i)),): columns for i in range(200)})
    task = task_of(dataset, Request(projection_of(dataset)))
    started = os.times().user
    with task_connection() as connect:
        (answer,) = scan_task(task, connect)
    assert (answer["rows"], answer["error"]) == (200, None)
    assert os.times().user - started < 5


def task_of(dataset: Dataset, *requests: Request, memory: str = "1GB") -> dict[str, Any]:
    return {
        "task": 0,
        "dataset": 0,
        "files": pack_files(dataset.files),
        "part": "",
        "keep": "",
        "readers": json.dumps(dataset.readers),
        "requests": json.dumps([request.to_json() for request in requests]),
        "case_sensitive": False,
        "memory": memory,
        "key": "",
    }


def test_a_leaf_that_a_file_lacks_is_null_there(tmp_path: Path) -> None:
    """Delta tables get columns later; JSON files lack keys."""
    old, new = written(tmp_path / "o.parquet", {"a": [1]}), written(tmp_path / "n.parquet", {"a": [2], "b": ["x"]})
    full = parquet_dataset(written(tmp_path / "f.parquet", {"a": [1, 2], "b": [None, "x"]}))
    readers = parquet_dataset(old).readers + parquet_dataset(new).readers
    files = (data_file(old), replace(data_file(new), reader=1))
    evolved = replace(full, id="evolved", files=files, readers=readers)
    assert whole(evolved).same_rows(whole(full))


def test_an_object_that_a_file_lacks_is_a_null_object_there(tmp_path: Path) -> None:
    kind = pa.struct([("x", pa.int64())])
    full = parquet_dataset(written(tmp_path / "f.parquet", {"a": [1, 2], "s": pa.array([None, {"x": None}], kind)}))
    old = written(tmp_path / "o.parquet", {"a": [1]})
    new = written(tmp_path / "n.parquet", {"a": [2], "s": pa.array([{"x": None}], kind)})
    readers = parquet_dataset(old).readers + parquet_dataset(new).readers
    evolved = replace(full, id="e", files=(data_file(old), replace(data_file(new), reader=1)), readers=readers)
    assert (("s",), PRESENCE) in projection_of(full)
    assert whole(evolved).same_rows(whole(full))


def test_a_box_counts_the_rows_inside_in_every_file_and_partition(tmp_path: Path) -> None:
    dataset = partitioned(tmp_path / "p", {(("y", "1"),): {"v": [1, 5, None]}, (("y", "20"),): {"v": [5, 6]}})
    path = (("v",), NUMBER)

    def inside(*terms: Term) -> int:
        request = Request((path,), 0, terms)
        return scanner([dataset]).measure({0: [request]})[0, request].rows

    v, y = (Term((name,), NUMBER, Decimal(5), Decimal(20), nulls=False, valid=True) for name in "vy")
    assert [inside(v), inside(y), inside(v, y), inside(replace(v, nulls=True))] == [3, 2, 2, 4]


def test_a_box_on_a_leaf_that_a_file_lacks_admits_its_rows_if_it_admits_null(tmp_path: Path) -> None:
    dataset = parquet_dataset(written(tmp_path / "f.parquet", {"a": [1, 2]}))
    for nulls, expected in ((True, 2), (False, 0)):
        request = Request(projection_of(dataset), 0, (Term(("gone",), NUMBER, Decimal(0), Decimal(1), nulls, True),))
        assert scanner([dataset]).measure({0: [request]})[0, request].rows == expected


def test_hundreds_of_requests_are_answered_by_one_scan(tmp_path: Path) -> None:
    dataset = parquet_dataset(written(tmp_path / "f.parquet", {f"c{i}": list(range(20)) for i in range(8)}))
    term = Term(("c0",), NUMBER, Decimal(0), Decimal(0), nulls=False, valid=True)
    requests = [
        Request(
            projection_of(dataset, f"c{i % 8}", f"c{i % 7}"),
            COMPLETE if i % 3 == 0 else 0,
            (replace(term, high=Decimal(i)),),
        )
        for i in range(300)
    ]
    found = scanner([dataset]).measure({0: requests})
    assert [found[0, request].rows for request in requests] == [min(20, i + 1) for i in range(300)]


def test_a_file_that_changed_since_it_was_listed_gives_no_answer(tmp_path: Path) -> None:
    kept = parquet_dataset(written(tmp_path / "k.parquet", {"a": [1]}))
    changing = parquet_dataset(written(tmp_path / "c.parquet", {"a": [1]}))
    written(tmp_path / "c.parquet", {"a": [2]})
    os.utime(tmp_path / "c.parquet", ns=(5, 5))
    request = Request(projection_of(kept))
    reading = scanner([kept, changing])
    assert set(reading.measure({0: [request], 1: [request]})) == {(0, request)}
    assert "changed while it was read" in reading.failed[1]


@pytest.mark.parametrize("touched", [False, True])
def test_a_file_that_changes_while_spark_reads_it_gives_no_answer(tmp_path: Path, touched: bool) -> None:
    path = written(tmp_path / "x.parquet", {"a": [1, 2]})
    dataset = replace(parquet_dataset(path), source=SparkSource("orc", (str(path),)))

    def run(tasks: pa.Table, *kernel: Any) -> pa.Table:
        with handed({dataset.scanned[0].path: path}):
            found = run_here(tasks, *kernel)
        if touched:
            os.utime(path, ns=(1, 1))
        return found

    reading = Scanner([dataset], DEFAULT, run, Memory())
    request = Request(projection_of(dataset, "a"), COMPLETE)
    assert len(reading.measure({0: [request]})) == (0 if touched else 1)
    assert reading.failed == ({0: f"changed while it was read: {path}"} if touched else {})


@pytest.mark.parametrize("touched", [False, True])
def test_a_file_that_changes_while_spark_reads_it_for_a_join_gives_no_verdict_and_none_is_kept(
    tmp_path: Path, touched: bool
) -> None:
    path = written(tmp_path / "x.parquet", {"a": [1, 2]})
    by_spark = replace(parquet_dataset(path), source=SparkSource("orc", (str(path),)))
    here = parquet_dataset(written(tmp_path / "y.parquet", {"a": [1]}))
    pair = Pair(0, 1, projection_of(here, "a"))

    def join(pairs: Sequence[Pair], failed: dict[int, str]) -> dict[Pair, JoinResult]:
        if touched:
            os.utime(path, ns=(1, 1))
        return dict.fromkeys(pairs, JoinResult(0, None))

    memory = Memory()
    reading = Scanner([by_spark, here], DEFAULT, run_here, memory)
    joins = Joins(reading, join, memory)
    assert joins.by_hashes([pair], {})[0] == ({} if touched else {pair: JoinResult(0, None)})
    assert reading.failed == ({0: f"changed while it was read: {path}"} if touched else {})
    assert joins.decided([pair], "join") == (set() if touched else {pair})


@pytest.mark.parametrize(("module", "reads", "value"), [(scan, "hashed_rows", [1]), (scan_groups, "small_table", 1)])
def test_a_file_that_changes_while_it_is_read_gives_no_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: ModuleType, reads: str, value: object
) -> None:
    """Also one that is small enough to be held as arrays, which lists are not."""
    dataset = parquet_dataset(written(tmp_path / "f.parquet", {"a": [value]}))
    reader = getattr(module, reads)

    def interrupted(*args: Any) -> Any:
        os.utime(tmp_path / "f.parquet", ns=(7, 7))
        return reader(*args)

    monkeypatch.setattr(module, reads, interrupted)
    reading = scanner([dataset])
    assert reading.measure({0: [Request(projection_of(dataset))]}) == {}
    assert "changed while it was read" in reading.failed[0]


def test_a_file_that_is_gone_gives_no_answer(tmp_path: Path) -> None:
    gone = parquet_dataset(written(tmp_path / "g.parquet", {"a": [1]}))
    (tmp_path / "g.parquet").unlink()
    reading = scanner([gone])
    assert reading.measure({0: [Request(projection_of(gone))]}) == {}
    assert set(reading.failed) == {0}


def test_rows_that_the_metadata_does_not_know_of_make_a_dataset_unprovable(tmp_path: Path) -> None:
    dataset = replace(parquet_dataset(written(tmp_path / "f.parquet", {"a": [1, 2]})), rows=3)
    reading = scanner([dataset])
    assert reading.measure({0: [Request(projection_of(dataset))]}) == {}
    assert reading.failed[0].startswith("its metadata says 3 rows, a scan found 2")


def test_damaged_pages_end_their_dataset_only(tmp_path: Path) -> None:
    path = written(
        tmp_path / "bad.parquet", {"a": [f"secret-{i}" for i in range(2000)]}, compression="ZSTD", use_dictionary=False
    )
    content = bytearray(path.read_bytes())
    content[50:400] = os.urandom(350)
    path.write_bytes(content)
    good = parquet_dataset(written(tmp_path / "good.parquet", {"a": ["x"]}))
    reading = scanner([parquet_dataset(path), good])
    request = Request(projection_of(good))
    assert set(reading.measure({0: [request], 1: [request]})) == {(1, request)}
    assert "secret" not in reading.failed[0]
    assert reading.failed[0].startswith("a file could not be read")


def test_a_value_that_no_form_holds_ends_its_dataset_only_and_is_not_shown(tmp_path: Path) -> None:
    infinite = parquet_dataset(
        written(tmp_path / "i.parquet", {"a": pa.array([2**63 - 1], pa.timestamp("us"))}, write_statistics=False)
    )
    good = parquet_dataset(written(tmp_path / "g.parquet", {"a": pa.array([1], pa.timestamp("us"))}))
    request = Request(projection_of(good))
    reading = scanner([infinite, good])
    assert set(reading.measure({0: [request], 1: [request]})) == {(1, request)}
    assert reading.failed[0] == "a file could not be read as its metadata says; it may be damaged"


def test_a_plan_that_makes_no_sense_ends_its_dataset_only(tmp_path: Path) -> None:
    """Whatever goes wrong with one dataset, the others of the task are scanned."""
    good = parquet_dataset(written(tmp_path / "g.parquet", {"a": [1]}))
    odd = replace(good, id="odd", readers=(Reader("parquet", (Column("a", "INTERVAL"),)).to_json(),))
    request = Request(projection_of(good))
    reading = scanner([odd, good])
    assert set(reading.measure({0: [request], 1: [request]})) == {(1, request)}


def test_a_connection_that_one_dataset_broke_is_replaced_for_the_next(tmp_path: Path) -> None:
    dataset = parquet_dataset(written(tmp_path / "f.parquet", {"a": [1]}))
    task = task_of(dataset, Request(projection_of(dataset)))
    with task_connection() as connect:
        connect("1GB")[0].close()
        assert [row["error"] for row in scan_task(task, connect)] == [None]


def test_errors_show_no_cell_values() -> None:
    assert read_failure(duckdb.ConversionException("Could not convert string 'secret' to INT32")) == (
        "a file could not be read as its metadata says; it may be damaged"
    )
    assert read_failure(OSError(5, "Input/output error", "/x")) == "a file could not be read: Input/output error"
    assert read_failure(UnreadableData("changed while it was read: f")) == "changed while it was read: f"
    assert "task_memory" in read_failure(duckdb.OutOfMemoryException("x"))


def test_a_scan_with_little_memory_is_slow_or_fails_with_its_reason_but_never_wrong(tmp_path: Path) -> None:
    strings = [f"{i:0500}" for i in range(20_000)]
    dataset = parquet_dataset(written(tmp_path / "f.parquet", {"a": strings}))
    request = Request(projection_of(dataset), COMPLETE)
    expected = scanner([dataset]).measure({0: [request]})[0, request]
    reading = scanner([dataset], ContainmentSettings(task_memory="8MB"))
    found = reading.measure({0: [request]})
    assert reading.failed == {0: "the scan ran out of memory; raise containment.task_memory"} or found[
        0, request
    ].same_rows(expected)


def test_answers_of_an_earlier_run_are_not_computed_again(tmp_path: Path) -> None:
    dataset = parquet_dataset(written(tmp_path / "f.parquet", {"a": [1, 2]}))
    request, memory = Request(projection_of(dataset), COMPLETE), Memory()
    first = scanner([dataset], memory=memory).measure({0: [request]})[0, request]
    again = scanner([dataset], memory=memory)
    assert again.measure({0: [request]})[0, request].same_rows(first)
    assert (again.bytes_read, again.files_read) == (0, 0)


def test_what_failed_is_not_remembered(tmp_path: Path) -> None:
    dataset = parquet_dataset(written(tmp_path / "f.parquet", {"a": [1, 2]}))
    memory = Memory()
    scanner([replace(dataset, rows=7)], memory=memory).measure({0: [Request(projection_of(dataset))]})
    assert memory.kept_measures == {}


@pytest.mark.parametrize(
    "change",
    [
        {"size": 1}, {"mtime_ns": 1}, {"ctime_ns": 1}, {"identity": "x"}, {"path": "/x"}, {"reader": 1},
        {"tag": "f"},
        {"partition": (("k", "1"),)}, {"partition": (("k", None),)},
    ],
)  # fmt: skip
def test_the_key_of_a_dataset_changes_with_each_of_its_files(change: dict[str, Any]) -> None:
    file = DataFile("/f", 10, 20, "i", 30, "e", 0, 3, (("k", "01"),))
    dataset = Dataset("d", "parquet", "/", "v", files=(file,), readers=("r", "s"))
    assert dataset_key(replace(dataset, files=(replace(file, **change),))) != dataset_key(dataset)


def test_the_key_of_a_measure_changes_with_what_is_asked() -> None:
    a = Request(((("a",), NUMBER),), 5)
    keys = {
        measure_key(key, request, case)
        for key in "xy"
        for request in (a, replace(a, threshold=6), replace(a, projection=((("a",), STRING),)))
        for case in (True, False)
    }
    assert len(keys) == 12


def test_a_measure_is_the_same_rows_only_if_count_and_both_sums_agree() -> None:
    base = Measure(3, 10, 20)
    assert base.same_rows(Measure(3, 10, 20))
    for other in (Measure(4, 10, 20), Measure(3, 11, 20), Measure(3, 10, 21)):
        assert not base.same_rows(other)


def test_sums_of_many_rows_are_exact(tmp_path: Path) -> None:
    """The same row a million times: its hash times a million, not rounded and not wrapped."""
    one = whole(parquet_dataset(written(tmp_path / "o.parquet", {"a": [1]})))
    many = parquet_dataset(written(tmp_path / "m.parquet", {"a": pa.array([1] * 1_000_000)}))
    request = Request(projection_of(many))
    found = scanner([many]).measure({0: [request]})[0, request]
    assert (found.rows, found.low, found.high) == (10**6, one.low * 10**6, one.high * 10**6)


def test_files_travel_without_loss() -> None:
    files = [
        DataFile("/a\udc80b", 1, 2, "i", 7, "", 3, None, (("k", None), ("l", "v'"))),
        DataFile("s3://b/c", 1, 2, "s3://b/c", 0, '"e"', 0, 9),
    ]
    assert unpack_files(pack_files(files)) == files


def test_chunks_hold_every_file_once_and_no_more_bytes_than_allowed() -> None:
    files = tuple(DataFile(f"/{i}", size, 1, "i") for i, size in enumerate((5, 5, 20, 1, 1, 1, 9)))
    cut = chunks(Dataset("d", "parquet", "/", "v", files=files), 10)
    assert sorted(f.path for chunk in cut for f in chunk.files) == sorted(f.path for f in files)
    assert all(sum(f.size for f in chunk.files) <= 10 or len(chunk.files) == 1 for chunk in cut)
    assert {chunk.part for chunk in cut} == {""}
    assert chunks(Dataset("d", "parquet", "/", "v"), 10) == []


@pytest.mark.parametrize("most_bytes", [1, 2000, 20_000, 1 << 30])
@pytest.mark.parametrize("groups", [1, 7])
def test_a_large_file_is_read_in_parts_that_hold_every_row_once(tmp_path: Path, most_bytes: int, groups: int) -> None:
    rows = 7001
    path = written(tmp_path / "f.parquet", {"a": list(range(rows))}, row_group_size=-(-rows // groups))
    dataset = parquet_dataset(path)
    cut = chunks(dataset, most_bytes)
    assert (len(cut) > 1) == (groups > 1 and most_bytes < path.stat().st_size)
    assert len(cut) <= groups
    if len(cut) > 1:
        assert [chunk.start for chunk in cut] == [0, *(chunk.stop for chunk in cut[:-1])]
        assert cut[-1].stop == rows
    assert abs(sum(chunk.bytes for chunk in cut) - path.stat().st_size) <= len(cut)
    whole_file = whole(dataset)
    in_parts = whole(dataset, settings=ContainmentSettings(task_bytes=most_bytes))
    assert in_parts.same_rows(whole_file)
    assert packed(in_parts) == packed(whole_file)


def test_planned_tasks_are_numbered_from_zero_without_gaps() -> None:
    schema = pa.schema([("task", pa.int32()), ("name", pa.string())])
    rows: list[dict[str, object]] = [
        {"task": 0, "name": str(i), "bytes": size} for i, size in enumerate((1, 50, 3, 99, 2))
    ]
    table = planned(rows, schema, 10)
    assert sorted(table["name"].to_pylist()) == list("01234")
    numbers = table["task"].to_pylist()
    assert sorted(set(numbers)) == list(range(max(numbers) + 1))


def test_an_empty_plan_is_an_empty_table() -> None:
    assert scanner([]).measure({}) == {}


def test_the_kernel_gives_one_row_for_each_request_in_order(tmp_path: Path) -> None:
    dataset = parquet_dataset(written(tmp_path / "f.parquet", {"a": [1, 2], "b": [1, 1]}))
    requests = [Request(projection_of(dataset, "a")), Request(projection_of(dataset, "b"), COMPLETE)]
    tasks = planned([{**task_of(dataset, *requests), "bytes": 1}], TASKS, 10)
    (batch,) = list(scan_kernel(iter(tasks.to_batches())))
    rows = batch.to_pylist()
    assert [(row["request"], row["rows"], row["sketch"] is not None) for row in rows] == [(0, 2, False), (1, 2, True)]


def test_unknown_leaves_of_a_projection_are_null_everywhere(tmp_path: Path) -> None:
    dataset = parquet_dataset(written(tmp_path / "f.parquet", {"a": [1, 2]}))
    wider = replace(dataset, leaves=(*dataset.leaves, Leaf(("b",), (STRING,))))
    null = parquet_dataset(written(tmp_path / "n.parquet", {"a": [1, 2], "b": pa.array([None, None], pa.string())}))
    assert whole(wider).same_rows(whole(null))


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_text_in_partitions_holds_the_rows_of_the_table_it_came_from(tmp_path: Path, kind: str) -> None:
    texts = {"csv": ("v\n1\n2.50\n", "v\n3\n"), "jsonl": ('{"v": 1}\n{"v": 2.50}\n', '{"v": 3}\n{}\n')}[kind]
    files = []
    for number, text in enumerate(texts):
        path = tmp_path / f"{number}.{kind}"
        path.write_text(text)
        files.append(data_file(path, (("day", f"2024-01-0{number + 1}"),)))
    (split,) = datasets_of([candidate("split", kind, files, tmp_path)])
    rows = [(Decimal("1.00"), 0), (Decimal("2.50"), 0), (Decimal("3.00"), 1), *([(None, 1)] if kind == "jsonl" else [])]
    days = pa.array([19723 + day for _, day in rows], pa.int32()).cast(pa.date32())
    flat = parquet_dataset(written(tmp_path / "f.parquet", {"v": [v for v, _ in rows], "day": days}))
    request = Request(((("day",), DATE), (("v",), NUMBER)))
    reading = scanner([split, flat])
    found = reading.measure({0: [request], 1: [request]})
    assert reading.failed == {}
    assert found[0, request].same_rows(found[1, request])


@pytest.mark.parametrize("text", ["123456789012345678", "1e300", "-0.00000000000000000001", "0"])
def test_a_single_partition_of_any_number_is_scanned(tmp_path: Path, text: str) -> None:
    """Its value is a constant of the query: casts that must not be evaluated could fail while it is planned."""
    split = partitioned(tmp_path / "p", {(("y", text),): {"v": [1]}})
    term = Term(("y",), NUMBER, Decimal(-5), Decimal(5), nulls=False, valid=True)
    requests = [Request(((("v",), NUMBER), (("y",), NUMBER)), 0, box) for box in ((), (term,))]
    reading = scanner([split])
    found = reading.measure({0: requests})
    assert reading.failed == {}
    exact = Decimal(text)
    too_long = abs(exact.adjusted()) > 26 or -int(exact.as_tuple().exponent) > 12
    assert found[0, requests[1]].rows == (1 if too_long or abs(exact) <= 5 else 0)
