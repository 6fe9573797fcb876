"""Small datasets that are read alike are scanned by one query: each gets its own rows, sketch and kept hashes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from r2d2.config import ContainmentSettings
from r2d2.containment import scan
from r2d2.containment.kept import kept_path, kept_rows
from r2d2.containment.request import COMPLETE, Request
from r2d2.containment.row_hash import FAST
from r2d2.containment.scan_groups import scanned_together
from r2d2.containment.scan_sql import hashed_rows
from r2d2.containment.scanner import Scanner, task_rows
from r2d2.containment.sketch import threshold
from r2d2.lake.kernels import run_here
from r2d2.model.dataset import Dataset
from tests.containment_runs import Memory, candidate, data_file, datasets_of, parquet_dataset
from tests.unit.test_scanner import packed, partitioned, projection_of, scanner, task_of, written


@pytest.fixture
def queries(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of sources of each query that scans run, one after the other."""
    made: list[int] = []

    def counted(sources: Sequence[Any], *args: Any) -> str:
        made.append(len(sources))
        return hashed_rows(sources, *args)

    monkeypatch.setattr(scan, "hashed_rows", counted)
    return made


def test_300_small_files_of_one_schema_take_one_query_and_each_gets_its_own_rows(
    tmp_path: Path, queries: list[int]
) -> None:
    lake = [
        parquet_dataset(written(tmp_path / f"{i}.parquet", {"a": [i, i, i + 1], "b": ["x"] * 3})) for i in range(300)
    ]
    requests = [Request(projection_of(lake[0]), COMPLETE), Request(projection_of(lake[0], "b"))]
    reading = scanner(lake, ContainmentSettings(task_bytes=1 << 40))
    found = reading.measure(dict.fromkeys(range(300), requests))
    assert reading.failed == {}
    assert queries == [1]
    assert {found[i, requests[1]].low for i in range(300)} == {found[0, requests[1]].low}
    for i in range(0, 300, 37):
        alone = scanner([lake[i]]).measure({0: requests})
        for request in requests:
            assert found[i, request].same_rows(alone[0, request])
        assert packed(found[i, requests[0]]) == packed(alone[0, requests[0]])


def test_datasets_of_several_files_are_scanned_together_and_not_mixed_up(tmp_path: Path, queries: list[int]) -> None:
    """Files whose order by name is not that of their datasets; empty files, which give no row to any."""
    names = [["z", "a", "m"], ["b"], ["c", "y"]]
    values = {"z": [1, 1], "a": [2], "m": [], "b": [1, 2, 3], "c": [], "y": [9]}
    lake = [
        parquet_dataset(
            *(written(tmp_path / f"{name}.parquet", {"v": pa.array(values[name], pa.int64())}) for name in files),
            name=files[0],
        )
        for files in names
    ]
    request = Request(projection_of(lake[0]), COMPLETE)
    together = scanner(lake).measure({i: [request] for i in range(3)})
    assert queries == [1]
    for i, dataset in enumerate(lake):
        alone = scanner([dataset]).measure({0: [request]})[0, request]
        assert together[i, request].same_rows(alone)
        assert packed(together[i, request]) == packed(alone)
    assert [together[i, request].rows for i in range(3)] == [3, 3, 1]


def test_only_what_is_small_or_read_alike_and_asked_the_same_is_scanned_together(tmp_path: Path) -> None:
    a, b = (parquet_dataset(written(tmp_path / f"{n}.parquet", {"v": [1]})) for n in "ab")
    other = parquet_dataset(written(tmp_path / "o.parquet", {"v": pa.array([1], pa.int8())}))
    request, more = Request(projection_of(a)), Request(projection_of(a), COMPLETE)
    split = partitioned(tmp_path / "p", {(("y", "1"),): {"v": [1]}})
    text = tmp_path / "t.csv"
    text.write_text("v\n1\n")
    (csv,) = datasets_of([candidate("t", "csv", [data_file(text)], text)])
    tasks = [
        {**task_of(dataset, asked), "dataset": number}
        for number, (dataset, asked) in enumerate(
            [(a, request), (b, request), (a, more), (other, request), (split, request), (csv, request), (csv, request)]
        )
    ]
    for number, alone in enumerate(({"key": "00" * 32}, {"part": "[0, 1]"}, {"keep": str(tmp_path)}), 7):
        tasks.append({**task_of(b, request), "dataset": number, **alone})
    groups = sorted(sorted(task["dataset"] for task in group) for group in scanned_together(tasks))
    assert groups == [[0, 1, 2, 5, 6, 9], [3], [4], [7], [8]]


def prices(rows: int, start: int = 0) -> dict[str, Any]:
    """Columns that no array is held of, whose values are all different."""
    numbers = range(start, start + rows)
    return {
        "price": pa.array([f"{n}.25" for n in numbers]).cast(pa.decimal128(15, 2)),
        "name": [f"n{n}" for n in numbers],
    }


def keeping(lake: Sequence[Dataset], directory: Path) -> Scanner:
    directory.mkdir()
    return Scanner(lake, ContainmentSettings(sketch_size=100), run_here, Memory(), FAST, str(directory))


def kept(reading: Scanner, index: int, request: Request) -> tuple[list[int], list[int]] | None:
    """All hashes that were kept of a dataset, sorted."""
    (task,) = task_rows(reading.datasets, index, [request.projection], reading.settings, FAST)
    found = kept_rows(kept_path(reading.keep, task, Request(request.projection).to_json()), lambda low: None)
    if found is None:
        return None
    low, high = (np.sort(np.concatenate([part[half] for part in found[1]])).tolist() for half in (0, 1))
    return low, high


def test_datasets_of_any_number_of_rows_are_scanned_together_each_with_its_own_sketch_and_kept_hashes(
    tmp_path: Path, queries: list[int]
) -> None:
    sizes = [90, 100, 101, 700, 5000, 70_000, 1, 333]
    lake = [parquet_dataset(written(tmp_path / f"{n}.parquet", prices(n, 7 * n))) for n in sizes]
    requests = {
        i: [Request(projection_of(lake[i], *names), threshold(n, 100)) for names in ((), ("name",))]
        for i, n in enumerate(sizes)
    }
    together = keeping(lake, tmp_path / "together")
    found = together.measure(requests)
    assert together.failed == {}
    assert queries == [1]
    for i, asked in requests.items():
        alone = keeping([lake[i]], tmp_path / f"alone {i}")
        for request, measure in alone.measure({0: asked}).items():
            assert found[i, request[1]].same_rows(measure)
            assert packed(found[i, request[1]]) == packed(measure)
            assert kept(together, i, request[1]) == kept(alone, 0, request[1])
            assert (kept(together, i, request[1]) is None) == (sizes[i] <= 100)


@pytest.mark.parametrize("columns", [["price", "name"], ["name"]])  # by one query, and held as arrays
def test_datasets_of_the_same_files_keep_their_hashes_both(tmp_path: Path, columns: list[str]) -> None:
    tables = [{name: prices(900, i)[name] for name in columns} for i in range(2)]
    lake = [parquet_dataset(written(tmp_path / f"{i}.parquet", table)) for i, table in enumerate(tables)]
    lake.append(replace(lake[0], id="clone"))
    reading = keeping(lake, tmp_path / "kept")
    request = Request(projection_of(lake[0]), threshold(900, 100))
    found = reading.measure({i: [request] for i in range(3)})
    assert reading.failed == {}
    assert found[0, request].same_rows(found[2, request])
    hashes = [kept(reading, i, request) for i in range(3)]
    assert [len(rows[0]) for rows in hashes if rows] == [900] * 3
    assert hashes[0] == hashes[2] != hashes[1]


@pytest.mark.parametrize("harm", ["damaged", "changed", "none"])
def test_hashes_are_kept_of_those_only_that_were_read_whole(tmp_path: Path, harm: str) -> None:
    options = {"compression": "ZSTD", "use_dictionary": False}
    lake = [parquet_dataset(written(tmp_path / f"{i}.parquet", prices(900, i), **options)) for i in range(6)]
    path = tmp_path / "4.parquet"
    if harm == "damaged":
        content = bytearray(path.read_bytes())
        content[50:400] = os.urandom(350)
        path.write_bytes(content)
        lake[4] = parquet_dataset(path)
    elif harm == "changed":
        os.utime(path)
    reading = keeping(lake, tmp_path / "kept")
    request = Request(projection_of(lake[0]), threshold(900, 100))
    reading.measure({i: [request] for i in range(6)})
    good = set(range(6)) - ({4} if harm != "none" else set())
    assert {i for i in range(6) if kept(reading, i, request)} == good
    assert set(reading.failed) == set(range(6)) - good
    assert len(list((tmp_path / "kept").iterdir())) == len(good)


@pytest.mark.parametrize("harm", ["damaged", "gone", "changed", "other rows"])
def test_one_bad_file_among_many_that_are_scanned_together_fails_alone(tmp_path: Path, harm: str) -> None:
    lake = [
        parquet_dataset(
            written(
                tmp_path / f"{i}.parquet",
                {"a": [f"secret-{i}-{n}" for n in range(500)]},
                compression="ZSTD",
                use_dictionary=False,
            )
        )
        for i in range(40)
    ]
    path = tmp_path / "17.parquet"
    content, before = bytearray(path.read_bytes()), path.stat()
    content[50:400] = os.urandom(350)
    if harm == "damaged":  # since before it was listed
        path.write_bytes(content)
        lake[17] = parquet_dataset(path)
    elif harm == "gone":
        path.unlink()
    elif harm == "changed":
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    else:
        lake[17] = replace(lake[17], rows=499)
    request = Request(projection_of(lake[0]), COMPLETE)
    reading = scanner(lake)
    found = reading.measure({i: [request] for i in range(40)})
    assert set(reading.failed) == {17}
    assert "secret" not in reading.failed[17]
    assert {i for i, _ in found} == set(range(40)) - {17}
    for i in (0, 16, 18, 39):
        assert found[i, request].same_rows(scanner([lake[i]]).measure({0: [request]})[0, request])
