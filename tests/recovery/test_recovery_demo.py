"""The script that docs/recovery.md shows: find, approve, apply, guard, restore, purge, restore; on disk and in S3."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from tests.s3_servers import bucket
from tests.states import base_table

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "docs/recovery_demo.sh"

pytestmark = pytest.mark.full


def small_demo(lake: Path) -> None:
    """What the script names of the demo lake."""
    for directory in ("warehouse", "archive/lineitem_full", "exports"):
        (lake / directory).mkdir(parents=True)
    items, orders = base_table(2000), base_table(3000, 10_000)
    pq.write_table(items, lake / "warehouse/lineitem.parquet")
    pq.write_table(items.slice(0, 1200), lake / "archive/lineitem_full/part-0.parquet")
    pq.write_table(items.slice(1200), lake / "archive/lineitem_full/part-1.parquet")
    pq.write_table(orders, lake / "warehouse/orders.parquet")
    pacsv.write_csv(orders, lake / "exports/orders.csv")


def run_script(tmp_path: Path, lake: str, state: str) -> list[str]:
    """Runs it; the lines that it prints."""
    r2d2 = tmp_path / "bin/r2d2"
    r2d2.parent.mkdir()
    r2d2.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m r2d2 "$@"\n')
    r2d2.chmod(0o755)
    path = os.pathsep.join([str(r2d2.parent), os.environ["PATH"]])
    environment = os.environ | {"PATH": path, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [SCRIPT, lake, state], check=False, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


def check(lines: list[str]) -> None:
    assert sum(" yes " in line for line in lines) == 3, "two were retired; one was restored, and the other purged"
    assert any("archive/lineitem_full is at" in line and "from its quarantine" in line for line in lines)
    assert any("exports/orders.csv is at" in line and "from its recipe" in line for line in lines)
    digests = [word for line in lines for word in line.split() if word.startswith("r2d2-1:")]
    assert len(digests) == 2
    assert len(set(digests)) == 1


def files(lake: Path) -> dict[str, bytes]:
    own = (path for path in lake.rglob("*") if path.is_file() and ".r2d2" not in path.parts)
    return {str(path.relative_to(lake)): path.read_bytes() for path in own}


def test_on_disk(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    small_demo(lake)
    before = files(lake)
    check(run_script(tmp_path, str(lake), str(tmp_path / "state")))
    assert files(lake) == before


@pytest.mark.parametrize("versioned", [False, True])
def test_in_s3(tmp_path: Path, endpoint: str, s3: str, versioned: bool) -> None:
    client: Any = bucket(endpoint, f"{s3}-demo")
    if versioned:
        client.put_bucket_versioning(Bucket=f"{s3}-demo", VersioningConfiguration={"Status": "Enabled"})
    small_demo(tmp_path / "lake")
    before = files(tmp_path / "lake")
    for name, content in before.items():
        client.put_object(Bucket=f"{s3}-demo", Key=f"lake/{name}", Body=content)
    check(run_script(tmp_path, f"s3://{s3}-demo/lake", f"s3://{s3}-demo/state"))
    listed = client.list_objects_v2(Bucket=f"{s3}-demo", Prefix="lake/")["Contents"]
    names = [entry["Key"] for entry in listed if "/.r2d2/" not in entry["Key"]]
    found = {name.removeprefix("lake/"): client.get_object(Bucket=f"{s3}-demo", Key=name)["Body"] for name in names}
    assert {name: body.read() for name, body in found.items()} == before
