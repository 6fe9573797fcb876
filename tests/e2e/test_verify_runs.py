"""``containment.verify`` through whole runs: all three find the same, and the secret stays where it is."""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from r2d2.catalog.state import open_state
from r2d2.cli import main
from tests.states import SMALL_SKETCH, read, results, run_job, small_lake


@pytest.mark.parametrize("mode", ["keyed", "values"])
def test_a_run_finds_the_same_pairs_and_a_second_one_reads_nothing(
    spark: SparkSession, tmp_path: Path, mode: str
) -> None:
    expected = small_lake(tmp_path / "lake")
    verify = f"containment.verify={mode}"
    first = run_job(tmp_path / "lake", tmp_path / "state", SMALL_SKETCH, verify)
    assert results(tmp_path / "state")["pairs"] == expected
    assert ("values" in first.funnel.proven) == (mode == "values")
    again = run_job(tmp_path / "lake", tmp_path / "state", SMALL_SKETCH, verify)
    assert again.funnel.proven == first.funnel.proven
    assert read(again) == {}


def test_the_secret_is_in_no_table_of_the_state_and_not_in_the_report(spark: SparkSession, tmp_path: Path) -> None:
    small_lake(tmp_path / "lake")
    run_job(tmp_path / "lake", tmp_path / "state", SMALL_SKETCH, "containment.verify=keyed")
    secret = open_state(str(tmp_path / "state")).secret()
    holders = []
    for directory, _, names in os.walk(tmp_path / "state"):
        for path in (Path(directory, name) for name in names):
            content = path.read_bytes()
            if path.suffix == ".parquet":
                content += str(pq.read_table(path).to_pydict()).encode()
            if secret.encode() in content or bytes.fromhex(secret) in content:
                holders.append(path.name)
    assert holders == [".r2d2.secret"]


def test_digest_tells_copies_in_any_format_from_changed_ones(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small_lake(tmp_path)
    pq.write_table(pa.table({"a": [[1]]}), tmp_path / "nested.parquet")
    assert main(["digest", str(tmp_path), "--format", "csv", "--quiet"]) == 0
    digests = dict(line.split(",")[:2] for line in capsys.readouterr().out.splitlines()[1:])
    assert digests["base.parquet"] == digests["copy/again.parquet"]
    assert digests["range.parquet"] != digests["changed.parquet"]
    assert len(set(digests.values())) == len(digests) - 1 - (digests["export.csv"] == digests["base.parquet"])
    (tmp_path / "broken.parquet").write_bytes(b"PAR1")
    assert main(["digest", str(tmp_path), "--quiet"]) == 4
    assert "broken.parquet" in capsys.readouterr().out
