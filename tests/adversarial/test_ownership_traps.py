"""Files have owners: aliases, and each cause of ``shared``; a naive reader would retire what others stand on."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from r2d2.config import RetentionSettings
from r2d2.demo.delta import shallow_clone, write_commit, write_delta
from r2d2.model import Action
from r2d2.retention.planner import make_plan
from tests.adversarial.naive import answer, listed, naive_contained, quoted

TABLE = pa.table({"id": list(range(20)), "name": [f"name {i}" for i in range(20)]})


def write(path: Path, table: pa.Table = TABLE) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path)
    return path


def hard_link(source: Path, target: Path) -> None:
    target.mkdir()
    os.link(source / "data.parquet", target / "data.parquet")


def link_to_a_file(source: Path, target: Path) -> None:
    target.mkdir()
    (target / "data.parquet").symlink_to(source / "data.parquet")


def bind_mount(source: Path, target: Path) -> None:
    target.mkdir()
    done = subprocess.run(["mount", "--bind", str(source), str(target)], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"mount is not allowed here: {done.stderr.strip()}")


ALIASES: dict[str, Callable[[Path, Path], object]] = {
    "hard link": hard_link,
    "link to a file": link_to_a_file,
    "link to a directory": lambda a, b: b.symlink_to(a),
    "bind mount": bind_mount,
}


@pytest.mark.parametrize("alias", ALIASES)
def test_two_names_of_one_file_are_one_dataset_and_no_pair(tmp_path: Path, alias: str) -> None:
    """A naive reader finds two copies, deletes one, and has deleted both, or saved nothing."""
    write(tmp_path / "a/data.parquet")
    ALIASES[alias](tmp_path / "a", tmp_path / "b")
    try:
        names = [quoted(tmp_path / f"{name}/data.parquet") for name in "ab"]
        assert naive_contained(*names)
        (dataset,) = listed(tmp_path)
        assert {dataset.id, *dataset.names} == {"a/data.parquet", "b/data.parquet"}
        found = answer(tmp_path)
        assert not found.pairs
        assert not found.errors
    finally:
        if alias == "bind mount":
            subprocess.run(["umount", str(tmp_path / "b")], check=True)


def test_overlapping_roots_give_each_dataset_once(tmp_path: Path) -> None:
    write(tmp_path / "lake/team/data.parquet")
    write(tmp_path / "lake/part.parquet", TABLE.slice(0, 5))
    found = answer(tmp_path / "lake", tmp_path / "lake/team", tmp_path / "lake")
    naive = [*(tmp_path / "lake").rglob("*.parquet"), *(tmp_path / "lake/team").rglob("*.parquet")]
    assert len(naive) == 3, "two copies of the same data, to a reader that goes root by root"
    assert {dataset.id for dataset in found.found.datasets} == {"lake/part.parquet", "team/data.parquet"}
    assert found.pairs == {("team/data.parquet", "lake/part.parquet")}


def test_datasets_that_share_some_files_are_no_pair_and_their_copies_still_are(tmp_path: Path) -> None:
    """What a naive reader takes for a child that can go is the parent's own file."""
    for part in range(2):
        write(tmp_path / f"whole/part-{part}.parquet", TABLE.slice(10 * part, 10))
    (tmp_path / "half").mkdir()
    os.link(tmp_path / "whole/part-0.parquet", tmp_path / "half/part-0.parquet")
    write(tmp_path / "copy.parquet", TABLE.slice(0, 10))
    assert naive_contained(quoted(tmp_path / "whole/*.parquet"), quoted(tmp_path / "half/*.parquet"))
    found = answer(tmp_path)
    assert found.pairs == {
        ("whole", "copy.parquet"),
        ("copy.parquet", "half"),
        ("half", "copy.parquet"),
    }
    shared = {dataset.id: dataset.shared_with for dataset in found.found.datasets if dataset.shared_with}
    assert shared == {"whole": ("half",), "half": ("whole",)}
    edges = (*found.found.edges, *found.found.others)
    compared = {frozenset((edge.parent, edge.child)) for edge in edges}
    assert frozenset(("whole", "half")) not in compared
    large = [replace(dataset, bytes=10**10) for dataset in found.found.datasets]
    plan = make_plan(large, found.found.edges, found.found.duplicates, RetentionSettings())
    assert {line.dataset for line in plan.datasets if line.action is Action.RETIRE} == {"copy.parquet"}


def test_a_shallow_clone_and_its_source_are_no_pair(tmp_path: Path) -> None:
    """The clone holds only a log: to a naive reader it makes its source, whose files it needs, superfluous."""
    write_delta(tmp_path / "source", [TABLE])
    shallow_clone(tmp_path / "source", tmp_path / "clone", 0)
    (log,) = (tmp_path / "clone/_delta_log").glob("*.json")
    (named,) = [json.loads(line)["add"]["path"] for line in log.read_text().splitlines() if '"add"' in line]
    assert not list((tmp_path / "clone").glob("*.parquet"))
    assert naive_contained(quoted(Path(named.removeprefix("file://"))), quoted(tmp_path / "source/*.parquet"))
    found = answer(tmp_path)
    assert not found.pairs
    assert {dataset.id: dataset.shared_with for dataset in found.found.datasets} == {
        "source": ("clone",),
        "clone": ("source",),
    }


def test_a_clone_of_an_older_version_keeps_files_that_the_source_dropped(tmp_path: Path) -> None:
    """What a log refers to is pinned even where no dataset of its own holds it any more."""
    write_delta(tmp_path / "source", [TABLE.slice(0, 10)])
    shallow_clone(tmp_path / "source", tmp_path / "clone", 0)
    (dropped,) = (tmp_path / "source").glob("*.parquet")
    removal = {"path": dropped.name, "deletionTimestamp": 1, "dataChange": True}
    write_commit(tmp_path / "source", 1, [{"remove": removal}])
    write(tmp_path / "copy.parquet", TABLE.slice(0, 10))
    named = (tmp_path / "source/_delta_log" / f"{1:020}.json").read_text()
    assert '"add"' not in named, "by its newest log the source needs no file: a naive reader cleans them all up"
    found = answer(tmp_path)
    datasets = {dataset.id: dataset for dataset in found.found.datasets}
    assert datasets["source"].shared_with == ("clone",)
    assert datasets["source"].status == "empty"
    assert found.pairs == {("clone", "copy.parquet"), ("copy.parquet", "clone")}


def test_files_that_a_table_does_not_name_are_no_rows_of_it_and_no_datasets(tmp_path: Path) -> None:
    write_delta(tmp_path / "table", [TABLE.slice(0, 10)])
    write(tmp_path / "table/removed-long-ago.parquet", TABLE.slice(10, 10))
    write(tmp_path / "child.parquet", TABLE.slice(12, 3))
    assert naive_contained(quoted(tmp_path / "table/*.parquet"), quoted(tmp_path / "child.parquet"))
    found = answer(tmp_path)
    assert {dataset.id for dataset in found.found.datasets} == {"table", "child.parquet"}
    assert not found.pairs
