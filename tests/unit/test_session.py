"""How kernels are run over tasks, without a JVM."""

from __future__ import annotations

import importlib
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zipimport import zipimporter

import pyarrow as pa
import pytest

from r2d2.errors import ScanError, UsageError
from r2d2.lake import workers
from r2d2.lake.jars import jar_properties
from r2d2.lake.kernels import InWorker, Kernel, shared_out
from r2d2.lake.spark_files import Access
from r2d2.lake.workers import Workers

SCHEMA = pa.schema([("task", pa.int32()), ("n", pa.int64())])


def doubled(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        rows = [{**row, "n": 2 * row["n"]} for row in batch.to_pylist()]
        yield pa.RecordBatch.from_pylist(rows, schema=SCHEMA)


def failing(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    raise RuntimeError("no such luck\nand more")
    yield from batches


def tasks(*numbers: int) -> pa.Table:
    return pa.table({"task": pa.array(numbers, pa.int32()), "n": range(len(numbers))}, schema=SCHEMA)


def run(master: str, some: pa.Table, kernel: Kernel, schema: pa.Schema) -> pa.Table:
    session: Any = SimpleNamespace(sparkContext=SimpleNamespace(master=master))
    return Workers(session, Access.OPENED).map_tasks(some, kernel, schema)


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of rows of each Spark job."""
    made: list[int] = []

    def planned(_: Any, given: pa.Table) -> Any:
        made.append(given.num_rows)
        return SimpleNamespace(mapInArrow=lambda *_: None)

    monkeypatch.setattr(workers, "_planned", planned)
    monkeypatch.setattr(workers, "collected", lambda _, schema: schema.empty_table())
    return made


def test_a_single_task_on_this_machine_is_no_spark_job(jobs: list[int]) -> None:
    assert run("local[2]", tasks(0, 0, 0), doubled, SCHEMA)["n"].to_pylist() == [0, 2, 4]
    assert jobs == []


@pytest.mark.parametrize(("master", "numbers"), [("local[2]", (0, 1)), ("yarn", (0, 0)), ("spark://host:7077", (0,))])
def test_several_tasks_or_another_machine_are_a_spark_job(
    jobs: list[int], master: str, numbers: tuple[int, ...]
) -> None:
    run(master, tasks(*numbers), doubled, SCHEMA)
    assert jobs == [len(numbers)]


def test_no_tasks_are_no_job(jobs: list[int]) -> None:
    assert run("yarn", tasks(), doubled, SCHEMA).num_rows == 0
    assert jobs == []


def test_a_task_that_fails_is_a_job_that_failed() -> None:
    with pytest.raises(ScanError, match=r"a task failed: no such luck$"):
        run("local[2]", tasks(0), failing, SCHEMA)


def test_a_worker_forgets_archives_after_each_task_and_finds_their_modules_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = tmp_path / "some.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("r2d2_in_archive_a.py", "")
        file.writestr("r2d2_in_archive_b.py", "")
    monkeypatch.syspath_prepend(str(archive))
    importlib.import_module("r2d2_in_archive_a")
    assert isinstance(sys.path_importer_cache[str(archive)], zipimporter)
    rows = InWorker(doubled)(iter(tasks(0).to_batches()))
    assert [batch.num_rows for batch in rows] == [1]
    assert not [path for path, finder in sys.path_importer_cache.items() if isinstance(finder, zipimporter)]
    importlib.import_module("r2d2_in_archive_b")


@pytest.mark.parametrize("most", [0, 1, 7, 100, 10**9])
def test_work_is_shared_out_over_few_tasks_of_nearly_one_size(most: int) -> None:
    sizes = [0, 1, 90, 3, 3, 3, 50, 2]
    found = shared_out(sizes, most)
    loads = [sum(size for size, task in zip(sizes, found, strict=True) if task == each) for each in set(found)]
    assert len(loads) <= max(1, min(len(sizes), -(-sum(sizes) // max(1, most))))
    assert max(loads) - min(loads) <= max(sizes)
    assert shared_out([], most) == []


def test_jars_for_s3_leave_out_the_bundle_and_not_hadoops_own_connector() -> None:
    found = jar_properties({"s3", "iceberg"})
    packages, excludes = found["spark.jars.packages"].split(","), found["spark.jars.excludes"].split(",")
    assert [name for name in packages if "hadoop-aws" in name or "iceberg" in name or "delta-spark" in name] != []
    assert "software.amazon.awssdk:bundle" in excludes
    assert "org.apache.hadoop:*" not in excludes
    assert "org.apache.hadoop:*" in jar_properties(())["spark.jars.excludes"].split(",")


def test_an_unknown_jar_set_is_named() -> None:
    with pytest.raises(UsageError, match="there is no jar set 'hudi'"):
        jar_properties({"hudi"})
