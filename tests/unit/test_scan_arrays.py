"""Small files that are held as arrays have the hashes of rows that a query on each of them gives."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from r2d2.config import ContainmentSettings
from r2d2.containment import scan_arrays, scan_groups
from r2d2.containment.hashing import hashed_leaves
from r2d2.containment.kept import kept_path
from r2d2.containment.request import COMPLETE, Request
from r2d2.containment.row_hash import FAST
from r2d2.containment.scan import task_connection
from r2d2.containment.scan_groups import scan_tasks_together
from r2d2.containment.scanner import scan_tasks
from r2d2.model.dataset import Dataset
from r2d2.model.family import narrowest_common
from tests.containment_runs import candidate, data_file, datasets_of, parquet_dataset
from tests.generated_forms import forms_of, written
from tests.generated_tables import tables
from tests.sampling import examples

Answer = tuple[Any, ...]


def tasks_of(lake: Sequence[Dataset], keep: str = "") -> list[dict[str, Any]]:
    """Each dataset under every view of all its leaves that one family of each leaf makes."""
    wanted = {i: requests_of(dataset) for i, dataset in enumerate(lake)}
    kept = set(wanted) if keep else set()
    return list(scan_tasks(lake, wanted, ContainmentSettings(), FAST, keep, kept).to_pylist())


def requests_of(dataset: Dataset) -> list[Request]:
    most = max(len(leaf.families) for leaf in dataset.leaves)
    views = [
        tuple(sorted((leaf.path, leaf.families[min(n, len(leaf.families) - 1)]) for leaf in dataset.leaves))
        for n in range(most)
    ]
    return [Request(view, COMPLETE) for view in dict.fromkeys(views)]


def answers(tasks: Sequence[dict[str, Any]]) -> set[Answer]:
    with task_connection() as connect:
        rows = scan_tasks_together(tasks, connect)
    names = ("dataset", "request", "rows", "low", "high", "sketch", "error")
    return {tuple(row[name] for name in names) for row in rows}


def assert_same(lake: Sequence[Dataset], monkeypatch: pytest.MonkeyPatch) -> None:
    tasks = tasks_of(lake)
    held = answers(tasks)
    with monkeypatch.context() as patch:
        patch.setattr(scan_groups, "is_small", lambda *_: False)
        expected = {answer for task in tasks for answer in answers([task])}
    assert not [error for *_, error in expected if error]
    assert held == expected


@settings(max_examples=examples(60), deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data(), made=st.lists(tables(), min_size=2, max_size=4))
def test_generated_tables_in_every_form(data: st.DataObject, made: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryDirectory() as name:
        candidates = []
        for i, table in enumerate(made):
            form = data.draw(st.sampled_from(forms_of(table)))
            candidates.append(data.draw(written(table, form, Path(name), f"t{i}-{form}")).candidate)
        assert_same([d for d in datasets_of(candidates) if d.status == "ok"], monkeypatch)


def text(path: Path, content: str, encoding: str = "utf-8") -> Dataset:
    path.write_text(content, encoding=encoding)
    (found,) = datasets_of([candidate(path.stem, path.suffix[1:], [data_file(path)], path)])
    assert found.status == "ok", found.error
    return found


def test_text_under_all_its_views_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = [
        text(tmp_path / "a.csv", "n,d,s,t\n1,2020-01-01,x,NA\n,,,NA\n1e3,2021-01-01,,2\n1,2020-01-01,x,NA\n"),
        text(tmp_path / "b.csv", 'n;s\n9007199254740993;"a;""b"\n0.10;""\n'),
        text(tmp_path / "u.csv", "n,s\n1,é\n2,ü\n", "utf-16"),
        text(tmp_path / "c.json", '[{"n": 1, "o": {"p": null}}, {"n": 1.0, "o": null}, {"o": {"p": [1, "x"]}}]'),
        text(tmp_path / "d.jsonl", '{"n": true}\n{"n": false}\n{"n": null}\n'),
        parquet_dataset(written_parquet(tmp_path / "p.parquet")),
    ]
    assert_same(lake, monkeypatch)


def written_parquet(path: Path) -> Path:
    columns = {
        "i": pa.array([1, None, 10**15, -1]),
        "f": pa.array([float("nan"), -0.0, None, 0.5]),
        "s": pa.array(["x", None, "x", ""]).dictionary_encode(),
        "t": pa.array([0, 1, None, -1], pa.timestamp("us")),
        "z": pa.array([0, 1, None, -1], pa.timestamp("us", "Europe/Berlin")),
        "b": pa.array([True, None, False, True]),
    }
    pq.write_table(pa.table(columns), path, row_group_size=2)
    return path


def test_the_same_rows_in_text_and_in_types_have_the_same_hashes(tmp_path: Path) -> None:
    csv = text(tmp_path / "a.csv", "i,s\n1,x\n,\n1,x\n")
    typed = parquet_dataset(written_small(tmp_path / "p.parquet"))
    families = {leaf.path: leaf.families for leaf in csv.leaves}
    view = tuple((leaf.path, narrowest_common(families[leaf.path], leaf.families) or "") for leaf in typed.leaves)
    wanted = {0: [Request(view, COMPLETE)], 1: [Request(view, COMPLETE)]}
    tasks = scan_tasks([csv, typed], wanted, ContainmentSettings(), FAST).to_pylist()
    assert len({answer[1:] for answer in answers(tasks)}) == 1


def written_small(path: Path) -> Path:
    pq.write_table(pa.table({"i": [1, None, 1], "s": ["x", None, "x"]}), path)
    return path


def test_one_query_for_each_family_and_width_whatever_the_number_of_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []

    def counted(*args: Any) -> str:
        made.append("leaves")
        return hashed_leaves(*args)

    monkeypatch.setattr(scan_arrays, "hashed_leaves", counted)
    lake = [text(tmp_path / f"{i}.csv", f"n,s{i}\n{i},x\n") for i in range(8)]
    assert len(answers(tasks_of(lake))) == sum(len(requests_of(dataset)) for dataset in lake)
    assert len(made) == len({family for leaf in lake[0].leaves for family in leaf.families})


def test_a_file_that_became_something_else_fails_alone(tmp_path: Path) -> None:
    lake = [text(tmp_path / f"{i}.csv", f"n,s\n{i},x\n") for i in range(5)]
    tasks = tasks_of(lake)
    (tmp_path / "3.csv").write_text("n,s\n9,xyz\n")
    found = answers(tasks)
    assert {dataset for dataset, *_, error in found if error} == {3}
    assert {dataset for dataset, *_, error in found if not error} == {0, 1, 2, 4}


def test_a_file_that_is_gone_fails_alone(tmp_path: Path) -> None:
    lake = [text(tmp_path / f"{i}.csv", f"n,s\n{i},x\n") for i in range(5)]
    tasks = tasks_of(lake)
    (tmp_path / "0.csv").unlink()
    assert {dataset for dataset, *_, error in answers(tasks) if error} == {0}


def test_hashes_are_kept_where_the_task_asks_for_it(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    lake = [text(tmp_path / "a.csv", "n,s\n1,x\n2,y\n")]
    (task,) = tasks_of(lake, str(tmp_path / "kept"))
    found = answers([task])
    requests = [Request.from_json(request) for request in json.loads(task["requests"])]
    for number, request in enumerate(requests):
        kept = kept_path(task["keep"], task, Request(request.projection).to_json()).read_bytes()
        low = np.frombuffer(kept[8:24], "<u8")
        (expected,) = [answer[3] for answer in found if answer[1] == number]
        assert sum(map(int, low)) == expected


def test_a_parquet_file_that_unpacks_to_much_is_not_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pq.write_table(pa.table({"s": ["x" * 50_000_000]}), tmp_path / "p.parquet", compression="zstd")
    lake = [parquet_dataset(tmp_path / "p.parquet")]
    assert (tmp_path / "p.parquet").stat().st_size < 1_000_000
    held: list[int] = []

    def counted(_: object, asked: Sequence[object]) -> list[object]:
        held.append(len(asked))
        return []

    monkeypatch.setattr(scan_groups, "hashed_files", counted)
    assert {error for *_, error in answers(tasks_of(lake))} == {None}
    assert held == [0]
