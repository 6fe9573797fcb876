"""Usage in a whole run: collected before the plan, kept in the state, listed and explained without Spark."""

from __future__ import annotations

from pathlib import Path

import pytest

from r2d2.catalog import runs
from r2d2.catalog.state import open_state
from tests.conftest import R2D2
from tests.states import base_table, run_job, write
from tests.usage_fakes import written

WINDOW = "2026-09-01,2026-10-01"


@pytest.mark.spark
def test_a_run_keeps_what_sources_say_and_commands_list_it(tmp_path: Path, r2d2: R2D2) -> None:
    lake, state = tmp_path / "lake", tmp_path / "state"
    write(lake / "sales/base.parquet", base_table())
    write(lake / "copy/again.csv", base_table())
    rows = (f"sales/base.parquet,ann,60,{WINDOW}", f"{lake},,0,{WINDOW}")
    reads = written(tmp_path, "reads.csv", "dataset,reader,count,since,until", *rows)
    lineage = written(tmp_path, "l.csv", "job,input,output,last_run", "copy,sales/base.parquet,copy/again.csv,")
    facts = written(tmp_path, "f.csv", "dataset,key,value", "sales/*,owner,\x1b[31mred", "x,colour,red")
    settings = (f"usage.reads_csv={reads}", f"usage.lineage_csv={lineage}", f"usage.facts_csv={facts}")
    job = run_job(lake, state, *settings)
    assert [(problem.where, problem.status) for problem in job.problems] == [(facts, "usage")]

    opened = open_state(str(state))
    by_id = {usage.dataset: usage for usage in runs.usage(opened, runs.find_run(opened))}
    copied = by_id["copy/again.csv"]
    assert copied.reads is not None
    assert (copied.reads.per_month, copied.upstream) == (0, ("sales/base.parquet",))

    listed = r2d2.json("usage", "--state", str(state))
    assert isinstance(listed, list)
    assert [(row["dataset"], row["owner"]) for row in listed] == [
        ("copy/again.csv", ""),
        ("sales/base.parquet", "\x1b[31mred"),
    ]
    for output in ("table", "csv"):
        assert "again.csv" in r2d2("usage", "--state", str(state), "--format", output).stdout
    assert "\x1b" not in r2d2("usage", "--state", str(state)).stdout

    explained = r2d2("explain", "sales/base.parquet", "--state", str(state)).stdout
    assert "Reads: 60.9 a month, says csv reads.csv of 2026-09-01 to 2026-10-01" in explained
    assert "Depended on by: job copy" in explained
    assert "Owner: ‹U+001B›[31mred, says facts" in explained

    again = r2d2("retention", "--state", str(state), "--set", f"usage.lineage_csv={tmp_path / 'gone'}")
    assert again.returncode == 0, again.stderr
    assert f"note: {tmp_path / 'gone'}: usage.lineage_csv: can't be read" in again.stderr
    run = runs.find_run(opened)
    assert [problem["where"] for problem in run.problems] == [str(tmp_path / "gone")]
    assert all(usage.reads is None for usage in runs.usage(opened, run))


@pytest.mark.spark
def test_a_rolling_window_is_seen_over_three_runs(tmp_path: Path) -> None:
    lake, state = tmp_path / "lake", tmp_path / "state"
    write(lake / "kept.parquet", base_table())
    for start in (0, 10, 20):
        write(lake / "window.parquet", base_table(start=start))
        job = run_job(lake, state)
    opened = open_state(str(state))
    kept, window = runs.usage(opened, runs.find_run(opened))
    assert (kept.expires, window.expires) == (None, job.started)
    assert window.expires_why == "rolling window on id"
