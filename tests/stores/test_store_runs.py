"""A lake and its state in a store that fails every 20th call: the same findings as on disk, and no secret anywhere."""

from __future__ import annotations

import json
import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from r2d2.cli import main
from r2d2.demo.lake import DemoTruth
from tests.conftest import R2D2
from tests.s3_servers import SECRET, Faults, environment, faulty

pytestmark = pytest.mark.spark


def upload(client: Any, bucket: str, lake: Path) -> None:
    """A lake as it is, without its links, which stores don't have; absolute paths in its logs lead to the store."""

    def one(path: Path) -> None:
        content = path.read_bytes()
        if path.suffix == ".json" and path.parent.name == "_delta_log":
            content = content.replace(f"file://{lake}".encode(), f"s3://{bucket}/lake".encode())
        client.put_object(Bucket=bucket, Key=f"lake/{path.relative_to(lake)}", Body=content)

    files = [Path(above) / name for above, _, names in os.walk(lake) for name in names]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, (path for path in files if not path.is_symlink() and not path.match("*_link/*"))))


def contents(client: Any, bucket: str, prefix: str) -> dict[str, bytes]:
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    keys = [entry["Key"] for page in pages for entry in page.get("Contents", ())]
    return {key: client.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What a command that must succeed prints, with what it says besides; in this process, as it needs no Spark."""
    code = main([*arguments])
    out, err = capsys.readouterr()
    assert code == 0, err
    return out + err


def pairs(edges: object) -> set[tuple[str, str]]:
    assert isinstance(edges, list)
    return {(edge["parent"], edge["child"]) for edge in edges}


def test_a_small_lake_is_proven_reported_and_not_read_again(
    endpoint: str, s3: str, other_client: Any, r2d2: R2D2, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = pa.table({"id": range(5000), "name": [f"n{i % 700}" for i in range(5000)]})
    (tmp_path / "t").mkdir()
    pq.write_table(table, tmp_path / "t/all.parquet")
    pq.write_table(table.slice(100, 900), tmp_path / "t/some [1] #é.parquet")
    pyarrow.csv.write_csv(table, tmp_path / "all.csv")
    upload(other_client, s3, tmp_path)
    lake, state = f"s3://{s3}/lake", f"s3://{s3}/state"
    with faulty(endpoint, faults := Faults(20)) as url, environment(url):
        first = r2d2("run", lake, "--state", state)
        assert first.returncode == 0, first.stderr
        edges = said(capsys, "edges", "--all", "--state", state, "--format", "json")
        assert pairs(json.loads(edges)) == {
            ("t/all.parquet", "t/some [1] #é.parquet"),
            ("all.csv", "t/some [1] #é.parquet"),
            ("all.csv", "t/all.parquet"),
            ("t/all.parquet", "all.csv"),
        }
        read = Counter(faults.reads)
        second = said(capsys, "run", lake, "--state", state)
        assert "nothing has changed since" in second
        assert not [path for path in faults.reads - read if f"/{s3}/lake/" in path], "no data file is read again"
        explained = said(capsys, "explain", "all.csv", "--state", state)
    kept = contents(other_client, s3, "state/")
    assert kept["state/report.html"].lower().startswith(b"<!doctype html>")
    assert f"report: {state}/report.html" in second
    assert sum(faults.failed.values()) > 5
    assert SECRET not in first.stdout + first.stderr + edges + second + explained
    assert not [key for key, content in kept.items() if SECRET.encode() in content]


@pytest.mark.full
def test_the_demo_is_found_as_planted(
    endpoint: str, s3: str, other_client: Any, r2d2: R2D2, demo_lake: tuple[Path, DemoTruth]
) -> None:
    lake, truth = demo_lake
    upload(other_client, s3, lake)
    with faulty(endpoint, faults := Faults(20)) as url, environment(url):
        state = f"s3://{s3}/state"
        done = r2d2("run", f"s3://{s3}/lake", "--state", state)
        assert done.returncode == 0, done.stderr
        listed = r2d2.json("datasets", "--state", state)
        found = pairs(r2d2.json("edges", "--all", "--state", state))
    assert isinstance(listed, list)
    names = {dataset["dataset"] for dataset in listed}
    assert found == {pair for pair in truth.contained - truth.shared if names.issuperset(pair)}
    assert set(faults.failed) == set(Faults.WAYS)
