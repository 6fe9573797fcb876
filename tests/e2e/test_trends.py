"""What a report says of runs before it and of other limits, from the main job."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from r2d2.catalog import runs
from r2d2.catalog.state import open_state
from r2d2.cli import main
from tests.states import base_table, run_job, small_lake, write

DEAR = "retention.storage_price_factor=1e9"


def charts_of(state: Path) -> dict[str, Any]:
    """The records of the page's charts."""
    page = (state / "report.html").read_text(encoding="utf-8")
    text = page.partition('<script type="application/json" id="charts">')[2].partition("</script>")[0]
    return dict(json.loads(text)["charts"])


def records(state: Path, chart: str) -> list[dict[str, Any]]:
    return list(charts_of(state)[chart]["data"][0]["values"])


def test_runs_on_the_lake_and_other_limits_are_drawn(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lake, state = tmp_path / "lake", tmp_path / "state"
    small_lake(lake)
    run_job(lake, state, DEAR)
    run_job([lake / "base.parquet"], state, DEAR)  # another lake
    write(lake / "more.parquet", base_table(50, 7000))
    run_job(lake, state, DEAR)
    opened = open_state(str(state))
    last = runs.find_run(opened)
    first, second = records(state, "growth")
    assert (first["at"], second["at"]) == tuple(
        round(run.started.timestamp() * 1000) for run in (runs.runs(opened)[2], last)
    )
    assert second["lake"] == sum(dataset.bytes for dataset in runs.datasets(opened, last)) > first["lake"]
    assert second["gone"] == runs.plan(opened, last).bytes_retired > 0
    limits = {record["label"]: record for record in records(state, "tradeoff")}
    assert [label for label, record in limits.items() if record["chosen"]] == ["1 h"]
    assert limits["1 h"]["saving"] == runs.plan(opened, last).total_saving_per_month
    capsys.readouterr()
    for label, seconds in (("no wait", 0.0), ("any time", math.inf)):
        what = ("--what-if", f"latency_limit={seconds}", "--format", "json")
        assert main(["plan", "--state", str(state), *what]) == 0
        assert json.loads(capsys.readouterr().out)["total_saving_per_month"] == limits[label]["saving"]


def test_a_report_that_is_written_again_is_the_same_whatever_the_settings_are_now(
    spark: SparkSession, tmp_path: Path
) -> None:
    small_lake(tmp_path / "lake")
    run_job(tmp_path / "lake", tmp_path / "state", DEAR)
    before = charts_of(tmp_path / "state")
    assert main(["report", "--state", str(tmp_path / "state")]) == 0
    assert charts_of(tmp_path / "state") == before


def test_owners_get_a_page_each_and_a_chat_a_summary(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small_lake(tmp_path / "lake")
    facts = tmp_path / "facts.csv"
    facts.write_text("dataset,key,value\n**,owner,ana\n", encoding="utf-8")
    run_job(tmp_path / "lake", tmp_path / "state", DEAR, f"usage.facts_csv={facts}")
    capsys.readouterr()
    assert (
        main(["report", "--state", str(tmp_path / "state"), "--owners", str(tmp_path / "to/owners"), "--markdown"]) == 0
    )
    said = capsys.readouterr()
    assert said.out.startswith("### R2D2: ")
    assert f"1 page for owners: {tmp_path}/to/owners" in said.err
    (page,) = (tmp_path / "to/owners").glob("ana-*.html")
    assert "Every row is in " in page.read_text(encoding="utf-8")


def test_owners_are_not_asked_again_what_is_decided_and_pages_that_nobody_needs_go(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state, pages = tmp_path / "state", tmp_path / "owners"
    small_lake(tmp_path / "lake")
    facts = tmp_path / "facts.csv"
    facts.write_text("dataset,key,value\n**,owner,ana\n", encoding="utf-8")
    run_job(tmp_path / "lake", state, DEAR, f"usage.facts_csv={facts}")
    report = ["report", "--state", str(state), "--owners", str(pages)]
    assert main(report) == 0
    (ana,) = pages.glob("ana-*.html")
    (pages / "notes.html").write_text("mine", encoding="utf-8")
    index = (pages / "index.html").read_text(encoding="utf-8")
    assert f'<a href="{ana.name}"><bdi>ana</bdi></a>' in index
    capsys.readouterr()
    assert main(["review", "list", "--state", str(state), "--format", "json"]) == 0
    names = [row["dataset"] for row in json.loads(capsys.readouterr().out)]
    who = ["--state", str(state), "--by", "ana", "--note", "read daily"]
    assert main(["review", "reject", *who, names[0]]) == 0
    assert main(report) == 0
    text = ana.read_text(encoding="utf-8")
    assert f"<strong><bdi>{names[0]}</bdi></strong>" not in text
    assert all(f"<strong><bdi>{name}</bdi></strong>" in text for name in names[1:])
    assert "Decided already: 1 to be kept." in text
    whole = (state / "report.html").read_text(encoding="utf-8")
    assert "1 of these was rejected and stays (as of " in whole
    assert "Left out: 1 rejected." in whole
    assert main(["review", "approve", *who, *names[1:]]) == 0
    assert main(report) == 0
    assert "Nothing of yours is left to decide on." in ana.read_text(encoding="utf-8")
    assert "Nothing is left to decide on." in (pages / "index.html").read_text(encoding="utf-8")
    facts.write_text("dataset,key,value\n**,owner,ben\n", encoding="utf-8")
    run_job(tmp_path / "lake", state, DEAR, f"usage.facts_csv={facts}")
    assert main(report) == 0
    assert sorted(path.name[:4] for path in pages.iterdir()) == ["ben-", "inde", "note"]


def test_who_owned_a_dataset_when_it_went_is_told_of_it_in_quarantine(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lake, state, pages = tmp_path / "lake", tmp_path / "state", tmp_path / "owners"
    table = base_table()
    write(lake / "base.parquet", table)
    write(lake / "range.parquet", table.slice(100, 80))
    facts = tmp_path / "facts.csv"
    facts.write_text("dataset,key,value\n**,owner,ana\n", encoding="utf-8")
    run_job(lake, state, DEAR, f"usage.facts_csv={facts}")
    on = ["--state", str(state)]
    assert main(["review", "approve", *on, "--by", "ana", "--note", "no", "range.parquet"]) == 0
    assert main(["apply", *on, "--yes"]) == 0
    run_job(lake, state, DEAR)
    assert main(["report", *on, "--owners", str(pages)]) == 0
    (page,) = pages.glob("ana-*.html")
    text = page.read_text(encoding="utf-8")
    assert "1 dataset of yours was retired and can be given back at once." in text
    assert f"r2d2 restore --state {state} range.parquet</code>" in text


def test_a_second_state_takes_no_directory_of_the_first(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small_lake(tmp_path / "lake")
    for name in ("one", "two"):
        run_job(tmp_path / "lake", tmp_path / name, DEAR)
    owners = ["--owners", str(tmp_path / "pages")]
    assert main(["report", "--state", str(tmp_path / "one"), *owners]) == 0
    before = (tmp_path / "pages/index.html").read_bytes()
    capsys.readouterr()
    assert main(["report", "--state", str(tmp_path / "two"), *owners]) == 2
    assert "is of another state's owners: nothing was written there" in capsys.readouterr().err
    assert (tmp_path / "pages/index.html").read_bytes() == before
