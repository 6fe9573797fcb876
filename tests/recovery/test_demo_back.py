"""Every dataset that the demo's plan retires: there and back, with the same bytes and then as the same data."""

from __future__ import annotations

from pathlib import Path

import pytest

from r2d2 import pipeline
from r2d2.catalog import runs
from r2d2.catalog.state import open_state
from r2d2.commands.lake import DEMO_SETTINGS
from r2d2.demo.lake import build_demo
from r2d2.lake.kernels import run_here
from r2d2.model.plan import Plan
from r2d2.model.recipe import Fidelity
from r2d2.progress import Progress
from r2d2.recovery.apply import apply
from r2d2.recovery.identity.identity import Looked, look_at
from r2d2.recovery.parents.doubts import doubts
from tests.recovery_runs import ALL, approve, at_work, give_back, plan_of, purge_all, receipt_of, settings_of, snapshot

#: Why a dataset of the demo is left alone.
NAMED = ("a recipe would take",)


def identities(lake: Path, names: list[str]) -> dict[str, str]:
    with at_work(lake, lake.parent / "looking") as recovery:
        found = recovery.look()
        looked = look_at([found[name] for name in names], settings_of().containment, run_here)
    wrong = {names[i]: each for i, each in looked.items() if not isinstance(each, Looked)}
    assert not wrong
    return {names[i]: each.identity for i, each in looked.items() if isinstance(each, Looked)}


def doubted(lake: Path, plan: Plan) -> set[str]:
    """What a reviewer is told may be left alone."""
    with at_work(lake, lake.parent / "doubting") as recovery:
        found = recovery.datasets()
    told = {entry.dataset: doubts(found[entry.dataset], found[entry.parent or ""]) for entry in plan.retired}
    return {name for name, each in told.items() if any("may be left alone" in text for text in each)}


@pytest.mark.full
@pytest.mark.spark
def test_every_dataset_that_the_demo_retires_comes_back(tmp_path: Path) -> None:
    lake, state = tmp_path / "lake", tmp_path / "state"
    build_demo(lake)
    pipeline.run([str(lake)], str(state), settings_of(*DEMO_SETTINGS), Progress(quiet=True))
    opened = open_state(str(state))
    plan = runs.plan(opened, runs.find_run(opened, reached=runs.PLANNED))
    before = snapshot(lake)
    doubts_before = doubted(lake, plan)
    refused = retired(lake, state)
    assert all(any(why in reason for why in NAMED) for reason in refused.values()), refused
    assert refused.keys() <= doubts_before
    names = [entry.dataset for entry in plan.retired if entry.dataset not in refused]
    assert len(names) >= 29
    assert {name for name in names if receipt_of(state, name).facts["fidelity"] != Fidelity.IDENTICAL} == set()
    for name in names:
        give_back(lake, state, name)
    assert snapshot(lake) == before
    wanted = identities(lake, names)
    assert retired(lake, state).keys() == refused.keys()
    assert {o.dataset: o.what for o in purge_all(lake, state) if not o.done} == {}
    for name in names:
        give_back(lake, state, name)
    found = identities(lake, names)
    assert {name for name in names if found[name] != wanted[name]} == set()


def retired(lake: Path, state: Path) -> dict[str, str]:
    """Applies the state's newest plan to the datasets as they are now; what was not done, and why."""
    with at_work(lake, state, *DEMO_SETTINGS) as recovery:
        made = runs.plan(recovery.state, runs.find_run(recovery.state, reached=runs.PLANNED))
        plan = plan_of(recovery, *((entry.dataset, entry.parent or "") for entry in made.retired))
        outcomes = list(apply(recovery, plan, approve(plan, ALL), lambda _: True))
    return {outcome.dataset: outcome.what for outcome in outcomes if not outcome.done}
