"""Table logs come from strangers: whatever they name, nothing outside of the roots is opened, and no store is asked."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from r2d2.demo.delta import write_commit, write_delta
from r2d2.lake.object_storage import ObjectStorage
from tests.adversarial.naive import Answer, answer

TABLE = pa.table({"id": list(range(20)), "name": [f"name {i}" for i in range(20)]})
COLUMNS = [{"name": n, "type": t, "nullable": True, "metadata": {}} for n, t in (("id", "long"), ("name", "string"))]
#: Time of access of what lies outside of the lake: it changes when a file is read.
_UNREAD = 1.0


def named(lake: Path, table: str, path: str, size: int = 1) -> Path:
    """A table whose log names one file."""
    metadata = {
        "id": table,
        "format": {"provider": "parquet", "options": {}},
        "schemaString": json.dumps({"type": "struct", "fields": COLUMNS}),
        "partitionColumns": [],
        "configuration": {},
    }
    add = {"path": path, "partitionValues": {}, "size": size, "modificationTime": 1, "dataChange": True}
    protocol = {"minReaderVersion": 1, "minWriterVersion": 2}
    write_commit(lake / table, 0, [{"protocol": protocol}, {"metaData": metadata}, {"add": add}])
    return lake / table


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """A lake with an ordinary pair; beside it lies a table that is not in it."""
    (tmp_path / "lake").mkdir()
    pq.write_table(TABLE, tmp_path / "lake/base.parquet")
    pq.write_table(TABLE.slice(3, 5), tmp_path / "lake/part.parquet")
    write_delta(tmp_path / "outside/table", [TABLE])
    return tmp_path / "lake"


def looked_at(lake: Path) -> Answer:
    """What r2d2 says; fails if a file outside was opened, or the ordinary pair is not proven as ever."""
    outside = [path for path in (lake.parent / "outside").rglob("*") if path.is_file()]
    for path in outside:
        os.utime(path, (_UNREAD, path.stat().st_mtime))
    found = answer(lake)
    assert [path for path in outside if path.stat().st_atime != _UNREAD] == []
    assert found.pairs == {("base.parquet", "part.parquet")}
    outside[0].read_bytes()
    if outside[0].stat().st_atime == _UNREAD:
        pytest.skip("this file system keeps no times of access, so that nothing could be seen")
    return found


def secret(lake: Path) -> Path:
    (found,) = (lake.parent / "outside/table").glob("*.parquet")
    return found


NAMED: dict[str, tuple[Callable[[Path], str], str]] = {
    "dots": (lambda lake: f"../../outside/table/{secret(lake).name}", "'..'"),
    "encoded dots": (lambda lake: f"%2e%2e/%2E%2E/outside/table/{secret(lake).name}", "'..'"),
    "absolute path": (lambda lake: quote(str(secret(lake))), "outside of the lake's roots"),
    "file URL": (lambda lake: secret(lake).as_uri(), "outside of the lake's roots"),
    "password file": (lambda _: "/etc/passwd", "outside of the lake's roots"),
    "endless device": (lambda _: "/dev/zero", "outside of the lake's roots"),
    "process": (lambda _: "/proc/self/environ", "outside of the lake's roots"),
    "NUL": (lambda _: "a%00b", "NUL"),
    "terminal escape": (lambda _: "%1b%5d0;pwned%07.parquet", r"\x1b]0;pwned\x07.parquet, which is missing"),
}


@pytest.mark.parametrize("name", NAMED)
def test_a_log_that_names_files_outside_of_the_lake_is_refused_and_they_stay_unread(lake: Path, name: str) -> None:
    path, words = NAMED[name]
    named(lake, "hostile", path(lake), secret(lake).stat().st_size)
    assert words in looked_at(lake).refused("hostile")


@pytest.mark.parametrize(
    "url",
    [
        "s3://attacker/x.parquet",
        "s3a://169.254.169.254/latest/meta-data",
        "http://attacker.example/x",
        "hdfs://attacker:8020/x",
        "gs://attacker/x",
        "abfss://c@attacker.dfs.core.windows.net/x",
        "s3://key:secret@attacker/x",
        "nosuchscheme://x/y",
    ],
)
def test_no_store_is_asked_for_what_a_log_names(lake: Path, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """Its name would reach the stranger's host, and waiting for it would hold up the run."""

    def asked(_: ObjectStorage) -> object:
        raise AssertionError("a store is asked")

    monkeypatch.setattr(ObjectStorage, "client", property(asked))
    named(lake, "hostile", url)
    assert "outside of the lake's roots" in looked_at(lake).refused("hostile")


def linked_log(table: Path, outside: Path) -> None:
    (table / "_delta_log").symlink_to(outside / "_delta_log")


def linked_commit(table: Path, outside: Path) -> None:
    (table / "_delta_log").mkdir()
    (commit,) = (outside / "_delta_log").iterdir()
    (table / "_delta_log" / commit.name).symlink_to(commit)


def linked_file(table: Path, outside: Path) -> None:
    (commit,) = (outside / "_delta_log").iterdir()
    (table / "_delta_log").mkdir()
    (table / "_delta_log" / commit.name).write_bytes(commit.read_bytes())
    (data,) = table.glob("*.parquet")
    data.unlink()
    data.symlink_to(outside / data.name)


@pytest.mark.parametrize("link", [linked_log, linked_commit, linked_file])
def test_a_table_that_is_in_part_a_link_out_of_the_lake_is_refused_and_the_link_not_followed(
    lake: Path, link: Callable[[Path, Path], None]
) -> None:
    """The same table, a link away: what lies outside would be compared as if it were the lake's."""
    table = lake / "hostile"
    table.mkdir()
    (table / secret(lake).name).write_bytes(secret(lake).read_bytes())
    link(table, lake.parent / "outside/table")
    assert "lake's roots" in looked_at(lake).refused("hostile")


def test_a_table_that_is_a_link_inside_of_the_lake_is_read(lake: Path) -> None:
    (lake / "tables").mkdir()
    write_delta(lake / "tables/a", [TABLE.slice(0, 9)])
    (lake / "tables/logs").mkdir()
    (lake / "tables/a/_delta_log").rename(lake / "tables/logs/a")
    (lake / "tables/a/_delta_log").symlink_to(lake / "tables/logs/a")
    assert ("base.parquet", "tables/a") in answer(lake).pairs


@pytest.mark.parametrize("content", [os.mkfifo, lambda path: path.symlink_to("/dev/zero"), Path.mkdir])
def test_a_log_that_would_be_read_for_ever_is_refused(lake: Path, content: Callable[[Path], None]) -> None:
    (lake / "hostile/_delta_log").mkdir(parents=True)
    content(lake / "hostile/_delta_log" / f"{0:020}.json")
    assert "_delta_log/" in looked_at(lake).refused("hostile")


def test_a_log_of_deeply_nested_json_and_of_large_texts_is_refused_or_read(lake: Path) -> None:
    named(lake, "deep", "x")
    with (lake / f"deep/_delta_log/{0:020}.json").open("a") as log:
        log.write('{"add": ' + "[" * 100_000 + "]" * 100_000 + "}\n")
    write_delta(lake / "large", [TABLE.slice(0, 2)])
    with (lake / f"large/_delta_log/{0:020}.json").open("a") as log:
        log.write(json.dumps({"commitInfo": {"note": "x" * 10_000_000}}) + "\n")
    found = answer(lake)
    assert "is cut or damaged at line" in found.errors["deep"]
    assert ("base.parquet", "large") in found.pairs
