"""What later runs make of retirements: what is needed is kept, what is retired takes no part, slow restores count."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from r2d2 import pipeline
from r2d2.catalog import runs
from r2d2.catalog.discovery import discover
from r2d2.catalog.listing import Candidate
from r2d2.config import DiscoverySettings, RetentionSettings
from r2d2.errors import NotFound
from r2d2.job import resumed_job
from r2d2.model.dataset import CLAIMED
from r2d2.progress import Progress
from r2d2.recovery.claims.claimed import marked
from r2d2.recovery.records.derived import keep_derived
from r2d2.recovery.records.measured import restores_factor
from r2d2.retention.arithmetic import explain_planned
from r2d2.retention.latency import slowed
from r2d2.retention.policies import pinned_datasets
from tests.recovery_runs import at_work, give_back, opened, retire, settings_of
from tests.recovery_states import planned, whole_and_part


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    whole_and_part(tmp_path / "lake")
    return tmp_path / "lake"


def seen(lake: Path, state: Path) -> dict[str, Candidate]:
    """The lake as a run with a state sees it."""
    listing = discover([str(lake)], DiscoverySettings(), str(state), None)
    return {each.id: each for each in marked(listing, opened(state))}


def test_what_another_state_needs_is_kept_and_says_for_whom(lake: Path, tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    planned(lake, ours)
    retire(lake, theirs, ("copy.parquet", "base.parquet"))
    assert f"copy.parquet is rebuilt from it (state {theirs})" in seen(lake, ours)["base.parquet"].properties[CLAIMED]
    planned(lake, ours)
    state = opened(ours)
    (base,) = (each for each in runs.datasets(state, runs.find_run(state)) if each.id == "base.parquet")
    assert not pinned_datasets([base], RetentionSettings()), "it was looked at without what claims say"
    claimed = seen(lake, ours)["base.parquet"].properties
    kept = pinned_datasets([replace(base, properties=claimed)], RetentionSettings())["base.parquet"]
    assert kept.startswith("kept: claimed by another state of r2d2: ")
    give_back(lake, theirs, "copy.parquet")
    assert CLAIMED not in seen(lake, ours)["base.parquet"].properties


def test_what_this_state_retired_says_nothing_against_its_own_plans(lake: Path, tmp_path: Path) -> None:
    retire(lake, tmp_path / "state", ("copy.parquet", "base.parquet"))
    with at_work(lake, tmp_path / "state") as recovery:
        keep_derived(recovery.state, recovery.journal.records)
    assert CLAIMED not in seen(lake, tmp_path / "state")["base.parquet"].properties


def test_a_claim_that_can_not_be_read_keeps_the_dataset_all_the_same(lake: Path, tmp_path: Path) -> None:
    planned(lake, tmp_path / "state")
    retire(lake, tmp_path / "other", ("copy.parquet", "base.parquet"))
    for claim in lake.glob(".r2d2/claims/*/*-parent.json"):
        claim.write_bytes(b"\xff{")
    assert CLAIMED in seen(lake, tmp_path / "state")["base.parquet"].properties


def test_what_is_retired_where_it_is_takes_no_part(lake: Path, tmp_path: Path) -> None:
    planned(lake, tmp_path / "state")
    retire(lake, tmp_path / "other", ("copy.parquet", "base.parquet"))
    (lake / "copy.parquet").write_bytes((lake / "range.parquet").read_bytes())  # as objects in a store stay
    found = seen(lake, tmp_path / "state")
    assert {name: each.status for name, each in found.items()} == {
        "base.parquet": "ok",
        "range.parquet": "ok",
        "copy.parquet": "retired",
    }


def test_a_fenced_table_is_said_to_be_retired(tmp_path: Path) -> None:
    table = tmp_path / "lake/table"
    write_deltalake(str(table), pa.table({"id": [1, 2]}))
    features = ["r2d2Retired"]
    fence = {"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": features, "writerFeatures": features}
    (table / "_delta_log/00000000000000000001.json").write_text(json.dumps({"protocol": fence}))
    (found,) = discover([str(tmp_path / "lake")], DiscoverySettings(), None, None).candidates
    assert (found.status, found.reason.partition(":")[0]) == ("retired", "it is retired by r2d2")


def restored(state: Path, *ratios: float, plan: int = 1) -> None:
    """Restores that took so many times what was promised, one after the other."""
    at = datetime(2026, 1, 1, tzinfo=UTC)
    rows = [
        {"receipt": str(i), "at": at + timedelta(days=i), "plan": plan, "seconds": 60 * r, "promised_seconds": 60.0}
        for i, r in enumerate(ratios)
    ]
    opened(state).append("restores", rows)


@pytest.mark.parametrize(
    ("ratios", "factor"),
    [
        ((), 1.0),
        ((0.1, 0.2), 1.0),
        ((1.5, 0.2), 1.5),
        ((9.0, *[1.2] * 19), 1.2),  # one in twenty may be an accident
        ((9.0, 9.0, *[1.2] * 18), 9.0),
        ((9.0, 9.0, *[1.2] * 20), 1.2),  # only the newest count
    ],
)
def test_rebuilds_take_as_long_as_19_of_the_20_newest_restores(
    lake: Path, tmp_path: Path, ratios: tuple[float, ...], factor: float
) -> None:
    planned(lake, tmp_path / "state", "copy.parquet")
    restored(tmp_path / "state", *ratios)
    assert restores_factor(opened(tmp_path / "state")) == pytest.approx(factor)


def test_runs_are_found_by_their_plans_each_once_and_the_newest_first(lake: Path, tmp_path: Path) -> None:
    for child in ("copy.parquet", "range.parquet", "copy.parquet"):
        planned(lake, tmp_path / "state", child)
    state = opened(tmp_path / "state")
    newest, middle, oldest = runs.runs(state)
    assert runs.runs_of_plans(state, {1, 2, 3}) == [newest, middle, oldest]
    assert runs.runs_of_plans(state, [1, 3, 1]) == [newest, oldest]
    assert runs.runs_of_plans(state, ()) == []
    assert runs.run_of_plan(state, 2) == middle
    with pytest.raises(NotFound, match="no plan 4"):
        runs.runs_of_plans(state, {1, 4})


def test_slow_restores_slow_later_promises_once_and_not_again_each_time(lake: Path, tmp_path: Path) -> None:
    """A restore that takes what a plan with the factor promised confirms the factor; it does not raise it."""
    planned(lake, tmp_path / "state", "copy.parquet")
    restored(tmp_path / "state", 2.0)
    state = opened(tmp_path / "state")
    run = runs.find_run(state)
    job = resumed_job(run, state, settings_of(), Progress(quiet=True), runs.PLANNED)
    found = runs.datasets(state, run)
    with state.locked():
        plan = pipeline.retention_stage(job, found, (), ())
        job.record(runs.PLANNED)
    assert plan.number == 2
    assert runs.run_of_plan(state, 2).retention.rebuild_factor == 2.0
    assert runs.run_of_plan(state, 2).retention.startup_seconds == 60.0
    again = {"receipt": "b", "at": datetime.now(UTC), "plan": 2, "seconds": 60.0, "promised_seconds": 60.0}
    state.append("restores", [again])
    assert restores_factor(state) == pytest.approx(2.0)


def test_the_arithmetic_says_that_restores_made_it_slower(lake: Path, tmp_path: Path) -> None:
    plan = planned(lake, tmp_path / "state", "copy.parquet")
    state = opened(tmp_path / "state")
    found = {each.id: each for each in runs.datasets(state, runs.find_run(state))}
    child, parent = found["copy.parquet"], found["base.parquet"]
    (entry,) = plan.retired
    lines = dict(explain_planned(entry, child, parent, "", slowed(RetentionSettings(), 2.5)))
    assert any(" of a core (all speeds / 2.5: restores)" in label for label in lines)
