"""The main job against brute force: exactly the pairs that hold, on generated lakes, on the demo, on real tables."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from r2d2 import pipeline
from r2d2.catalog import runs
from r2d2.cli import main
from r2d2.config import load_settings
from r2d2.demo.lake import DemoTruth
from r2d2.model.edge import Grade
from r2d2.progress import Progress
from tests.lakes import seed_from_environment, tpch_lake
from tests.oracle import contained_pairs

pytestmark = pytest.mark.spark


def found_pairs(lake: Path, state: Path, *overrides: str) -> set[tuple[str, str]]:
    """Every proven pair of a run on the lake."""
    settings = load_settings(overrides=overrides, environ={})
    job = pipeline.run([str(lake)], str(state), settings, Progress(quiet=True)).job
    run = runs.find_run(job.state, job.run_id, runs.FINISHED)
    pairs = runs.all_pairs(runs.datasets(job.state, run), runs.proven(job.state, run), runs.groups(job.state, run))
    return {(edge.parent, edge.child) for edge in pairs}


def test_demo_gives_exactly_the_planted_truth(
    spark: SparkSession, demo_lake: tuple[Path, DemoTruth], tmp_path: Path
) -> None:
    lake, truth = demo_lake
    assert found_pairs(lake, tmp_path / "state") == truth.contained - truth.shared


def test_what_looks_alike_is_told_and_neither_proven_nor_planned(
    spark: SparkSession, demo_lake: tuple[Path, DemoTruth], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lake, _ = demo_lake
    plans = {}
    for topics in ("false", "true"):
        settings = load_settings(overrides=(f"semantics.topics={topics}",), environ={})
        outcome = pipeline.run([str(lake)], str(tmp_path / "state"), settings, Progress(quiet=True))
        plans[topics] = [(line.dataset, line.action, line.parent) for line in outcome.plan.datasets]
    assert plans["true"] == plans["false"]
    first = outcome.topics.look_alikes[0]
    assert (first.other, first.mapping, first.fits) == (
        "scratch/orders_renamed.parquet", (("o_totalprice", "total_price"),), True,
    )  # fmt: skip
    run = runs.find_run(outcome.job.state, outcome.job.run_id)
    assert main(["topics", "--look-alikes", "--state", str(tmp_path / "state"), "--format", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    told = outcome.topics.look_alikes
    assert [(row["dataset"], row["other"]) for row in rows] == [(pair.dataset, pair.other) for pair in told]
    assert rows[0]["mapping"] == [{"from": "o_totalprice", "to": "total_price"}]
    without = runs.runs(outcome.job.state)[1].run_id
    assert main(["topics", "--look-alikes", "--state", str(tmp_path / "state"), "--run", without]) != 0
    assert f"run {without} has no topics" in capsys.readouterr().err
    near = {frozenset((pair.dataset, pair.other)) for pair in told}
    for grade in Grade:
        assert not near & {frozenset((e.parent, e.child)) for e in runs.edges(outcome.job.state, run, grade)}


@pytest.mark.parametrize(
    ("form", "scale", "derived"),
    [
        ("mixed", 0.001, 20),
        *(
            pytest.param(*lake, marks=pytest.mark.full)
            for lake in [
                ("mixed", 0.003, 35),
                ("parquet", 0.01, 40),
                ("csv", 0.002, 30),
                ("json", 0.001, 25),
                ("delta", 0.005, 25),
            ]
        ),
    ],
)
def test_generated_lake_gives_exactly_what_brute_force_finds(
    spark: SparkSession, tmp_path: Path, form: str, scale: float, derived: int
) -> None:
    seed = seed_from_environment()
    tpch_lake(tmp_path / "lake", scale=scale, derived=derived, seed=seed, format=form)
    expected = contained_pairs(tmp_path / "lake")
    assert found_pairs(tmp_path / "lake", tmp_path / "state") == expected, f"R2D2_SEED={seed}"
    assert expected, "a lake without any containment tests nothing"


@pytest.mark.parametrize("seed", [0, *(pytest.param(n, marks=pytest.mark.full) for n in range(1, 5))])
@pytest.mark.full
def test_tpch_at_scale_0_05_gives_exactly_what_brute_force_finds(
    spark: SparkSession, tmp_path: Path, seed: int
) -> None:
    seed += seed_from_environment()
    tpch_lake(tmp_path / "lake", scale=0.05, derived=70, seed=seed)
    found = found_pairs(tmp_path / "lake", tmp_path / "state")
    assert found == contained_pairs(tmp_path / "lake"), f"R2D2_SEED={seed}"


@pytest.mark.full
def test_boxes_and_joins_decide_as_sketches_do(spark: SparkSession, tmp_path: Path) -> None:
    """With sketches that hold next to nothing the other ways have to decide everything."""
    tpch_lake(tmp_path / "lake", scale=0.002, derived=30, seed=seed_from_environment(), format="mixed")
    small = found_pairs(
        tmp_path / "lake",
        tmp_path / "small",
        "containment.sketch_size=1",
        "containment.boxes_per_scan=2",
        "containment.task_bytes=100000",
        "containment.join_rows_per_task=2000",
    )
    assert small == found_pairs(tmp_path / "lake", tmp_path / "large", "containment.sketch_size=1000000")


@pytest.mark.parametrize("name", ["vega", "nychealth"])
def test_real_lake_comes_out_as_its_truth_says(
    spark: SparkSession, real_lakes: Path, tmp_path: Path, name: str
) -> None:
    """The truth lists only children of at least 2 columns and 2 distinct rows."""
    truth = {tuple(pair) for pair in json.loads((real_lakes / name / "truth.json").read_text())["edges"]}
    found = found_pairs(real_lakes / name / "lake", tmp_path / "state")
    assert truth <= found
    extra = {child for parent, child in found - truth}
    state = tmp_path / "state"
    assert all(_too_small_for_the_truth(state, child) for child in extra), found - truth


def _too_small_for_the_truth(state: Path, dataset: str) -> bool:
    from r2d2.catalog.state import open_state

    opened = open_state(str(state))
    (entry,) = [d for d in runs.datasets(opened, runs.find_run(opened)) if d.id == dataset]
    return len({leaf.path[0] for leaf in entry.leaves}) < 2 or (entry.rows or 0) < 2
