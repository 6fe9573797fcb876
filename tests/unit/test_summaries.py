"""Many files are summarised by one job, and one bad file is one bad summary."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from r2d2.catalog import codec, summaries
from r2d2.catalog.reading import FileToRead
from r2d2.catalog.summaries import RESULTS, TASKS, kernel, summarize_files, summary_texts
from r2d2.lake import parquet
from r2d2.lake.storage import storage_for
from r2d2.model.dataset import DataFile, FileSummary

Kernel = Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]


def _listed(path: Path, format_: str = "parquet") -> FileToRead:
    stat = storage_for(str(path)).stat(str(path))
    return FileToRead(DataFile(*stat), format_)


def _parquet(path: Path, rows: int = 3) -> FileToRead:
    pq.write_table(pa.table({"c": list(range(rows))}), path)
    return _listed(path)


class _Job:
    """Runs the kernel as Spark does, a call for each task; remembers the tasks."""

    def __init__(self) -> None:
        self.tasks: list[list[str]] = []

    def __call__(self, tasks: pa.Table, run: Kernel, schema: pa.Schema) -> pa.Table:
        assert tasks.schema == TASKS
        results = []
        for task in sorted(set(tasks["task"].to_pylist())):
            part = tasks.filter(pa.compute.equal(tasks["task"], task))
            self.tasks.append(part["key"].to_pylist())
            results += list(run(iter(part.to_batches())))
        return pa.Table.from_batches(results, schema)


def test_files_of_every_format_are_summarised(tmp_path: Path) -> None:
    (tmp_path / "b.csv").write_text("a,b\n1,x\n2,y\n")
    (tmp_path / "c.jsonl").write_text('{"a": 1}\n{"a": 2}\n')
    files = [
        _parquet(tmp_path / "a.parquet"),
        _listed(tmp_path / "b.csv", "csv"),
        _listed(tmp_path / "c.jsonl", "jsonl"),
    ]
    found = summarize_files(files, _Job())
    assert {Path(path).name: (s.status, s.rows) for path, s in found.items()} == {
        "a.parquet": ("ok", 3),
        "b.csv": ("ok", 2),
        "c.jsonl": ("ok", 2),
    }
    assert found[str(tmp_path / "a.parquet")] == parquet.summarize(tmp_path / "a.parquet")


def test_one_bad_file_is_one_bad_summary(tmp_path: Path) -> None:
    good, gone = _parquet(tmp_path / "good.parquet"), _parquet(tmp_path / "gone.parquet")
    (tmp_path / "gone.parquet").unlink()
    (tmp_path / "bad.parquet").write_bytes(b"PAR1")
    (tmp_path / "bad.csv").write_text('a,b\n1,2,3\n"')
    (tmp_path / "bad.json").write_text("{")
    bad = [_listed(tmp_path / f"bad.{suffix}", suffix) for suffix in ("parquet", "csv", "json")]
    found = summarize_files([good, gone, *bad], _Job())
    assert [found[file.file.path].status == "ok" for file in (good, gone, *bad)] == [True, False, False, False, False]
    assert all(summary.reason for summary in found.values() if summary.status != "ok")


def test_a_failure_nobody_thought_of_is_recorded_and_logged_without_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(path: Path) -> FileSummary:
        raise RuntimeError(f"boom\x1b[31m {path.name}")

    monkeypatch.setattr(parquet, "summarize", fail)
    file = _parquet(tmp_path / "a.parquet")
    summary = summarize_files([file], _Job())[file.file.path]
    assert summary.status == "error"
    assert summary.reason == "can't be read: it is damaged in a way that R2D2 does not know"
    (record,) = caplog.records
    assert f"{file.file.path}: RuntimeError at {__file__}:" in record.getMessage()
    assert "boom" not in record.getMessage(), "it could be a value of the file"
    assert summary.reason.isprintable()


def test_a_file_that_changes_while_it_is_read_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = _parquet(tmp_path / "a.parquet")
    real = parquet.summarize

    def disturbed(path: Path) -> FileSummary:
        summary = real(path)
        os.utime(tmp_path / "a.parquet", ns=(1, 1))
        return summary

    monkeypatch.setattr(parquet, "summarize", disturbed)
    assert "changed while it was read" in summarize_files([file], _Job())[file.file.path].reason


@pytest.mark.parametrize("name", ["a'b.parquet", "x[ab]*?.parquet", "new\nline.parquet", "\U0001f600;--.parquet"])
def test_odd_names_are_read_as_they_are(name: str, tmp_path: Path) -> None:
    (tmp_path / "xa.parquet").write_bytes(b"a decoy that a glob would find")
    file = _parquet(tmp_path / name)
    assert summarize_files([file], _Job())[file.file.path].rows == 3


def test_footers_are_packed_by_count_and_texts_by_bytes_into_tasks_of_one_size(tmp_path: Path) -> None:
    footers = [_parquet(tmp_path / f"{i}.parquet") for i in range(5)]
    texts = []
    for i, size in enumerate((10, 10_000, 400_000)):
        (tmp_path / f"{i}.csv").write_text("a\n" + "1\n" * (size // 2))
        texts.append(_listed(tmp_path / f"{i}.csv", "csv"))
    job = _Job()
    found = summarize_files([*footers, *texts], job, files_per_task=2, task_bytes=200_000)
    tasks = sorted(sorted(Path(key).name for key in task) for task in job.tasks)
    assert ["2.csv"] in tasks, "what is larger than a task is one alone"
    assert sorted(name for task in tasks for name in task) == sorted(Path(f.file.path).name for f in (*footers, *texts))
    assert len(tasks) == 6
    assert max(sum(name.endswith(".parquet") for name in task) for task in tasks) <= 2
    assert len(found) == 8


def test_a_file_that_is_named_twice_is_read_once(tmp_path: Path) -> None:
    job = _Job()
    file = _parquet(tmp_path / "a.parquet")
    assert len(summarize_files([file, file], job)) == 1
    assert [len(task) for task in job.tasks] == [1]


def test_a_local_footer_is_read_where_it_is_and_what_the_kernel_said_is_what_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = _parquet(tmp_path / "a*.parquet")
    monkeypatch.setattr(summaries.staging, "stage", lambda *_: pytest.fail("a local Parquet file was staged"))
    texts = summary_texts([file], _Job())
    assert list(texts) == [file.file.path]
    assert summarize_files([file], _Job()) == {path: codec.from_json(text) for path, text in texts.items()}
    assert codec.to_json(codec.from_json(texts[file.file.path])) == texts[file.file.path]


def test_no_files_are_no_work() -> None:
    def run(tasks: pa.Table, kernel_: Kernel, schema: pa.Schema) -> pa.Table:
        assert tasks.num_rows == 0
        return schema.empty_table()

    assert summarize_files([], run) == {}


def test_an_answer_that_is_missing_is_an_error(tmp_path: Path) -> None:
    file = _parquet(tmp_path / "a.parquet")
    assert summarize_files([file], lambda _, __, schema: schema.empty_table())[file.file.path].status == "error"


def test_the_kernel_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(summaries.tempfile, "tempdir", str(tmp_path / "scratch"))
    (tmp_path / "scratch").mkdir()
    summarize_files([_parquet(tmp_path / "a.parquet")], _Job())
    assert list((tmp_path / "scratch").iterdir()) == []
    assert list(kernel(iter([TASKS.empty_table().to_batches()[0]] if TASKS.empty_table().to_batches() else []))) == []
    assert RESULTS.names == ["key", "summary"]
