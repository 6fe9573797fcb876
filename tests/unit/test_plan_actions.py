"""Views and colder classes, and what each action adds up to."""

from dataclasses import replace

import pytest

from r2d2.config import RetentionSettings
from r2d2.errors import UsageError
from r2d2.model.plan import Action
from r2d2.model.usage import Job, Usage
from r2d2.retention.arithmetic import explain_planned
from tests.small_plans import PAIR, SETTINGS, actions, dataset, line, plan_of

COLDER = replace(SETTINGS, actions=("retire", "colder"), latency_limit=float("inf"))


def test_a_view_stands_in_the_place_of_a_table_that_is_read_by_name() -> None:
    views = replace(SETTINGS, actions=("retire", "redirect"), views=("part",))
    plan = plan_of(PAIR, settings=views)
    part = line(plan, "part")
    assert (part.action, part.parent) == (Action.REDIRECT, "whole")
    assert part.saving_per_month > line(plan_of(PAIR), "part").saving_per_month
    assert plan.bytes_retired == PAIR[1].bytes
    assert actions(plan_of(PAIR, settings=replace(views, views=())))["part"] == "retire", "it is read by its path"
    both = plan_of([*PAIR, dataset("other", 10)], settings=views)
    assert actions(both) == {"whole": "keep", "part": "redirect", "other": "retire"}
    table = [dataset("catalog:db/whole", 30), dataset("catalog:db/part", 10)]
    assert actions(plan_of(table, settings=replace(views, views=())))["catalog:db/part"] == "redirect"


def test_a_view_that_is_too_slow_is_none() -> None:
    views = replace(SETTINGS, actions=("redirect",), views=("part",), latency_limit=300.0)
    assert actions(plan_of(PAIR, settings=views))["part"] == "keep", "reading 30 GiB takes 322 s"
    assert actions(plan_of(PAIR, settings=replace(views, latency_limit=330.0)))["part"] == "redirect"


def test_what_is_seldom_read_moves_to_a_colder_class() -> None:
    colder = replace(SETTINGS, actions=("colder",), accesses_per_month=0.01, maintenance_scans=0.0)
    plan = plan_of(PAIR, settings=colder)
    assert actions(plan) == {"whole": "colder", "part": "colder"}
    whole = line(plan, "whole")
    assert (whole.tier, whole.parent) == ("GLACIER_IR", None)
    assert whole.saving_per_month > 0.5
    assert plan.bytes_retired == 0
    often = replace(colder, accesses_per_month=100.0, maintenance_scans=10.0)
    assert set(actions(plan_of(PAIR, settings=often)).values()) == {"keep"}


def test_an_archive_that_takes_hours_is_no_place_within_an_hour() -> None:
    cold = replace(SETTINGS, actions=("colder",), accesses_per_month=0.0, maintenance_scans=0.0)
    assert line(plan_of(PAIR, settings=cold), "whole").tier == "GLACIER_IR"
    patient = line(plan_of(PAIR, settings=replace(cold, latency_limit=1e6)), "whole").tier
    assert patient not in ("", "GLACIER_IR")


def test_a_parent_moves_to_a_colder_class_only_if_rebuilding_from_there_is_worth_it() -> None:
    cold = replace(SETTINGS, actions=("retire", "colder"), maintenance_scans=0.0, residency_days=0.0)
    seldom = replace(cold, accesses_per_month=0.01)
    assert actions(plan_of(PAIR, settings=seldom)) == {"whole": "colder", "part": "retire"}
    monthly = replace(cold, accesses={"whole": 0.01, "part": 1.0})
    assert actions(plan_of(PAIR, settings=monthly)) == {"whole": "colder", "part": "colder"}
    assert actions(plan_of(PAIR, settings=replace(monthly, actions=("retire",))))["part"] == "retire"


def test_a_pinned_dataset_stays_where_it_is() -> None:
    cold = replace(SETTINGS, actions=("colder",), accesses_per_month=0.0, maintenance_scans=0.0, keep=("whole",))
    assert actions(plan_of(PAIR, settings=cold)) == {"whole": "keep", "part": "colder"}


@pytest.mark.parametrize(
    "settings",
    [
        SETTINGS,
        replace(SETTINGS, actions=("redirect",), views=("part",)),
        replace(SETTINGS, actions=("retire", "colder"), accesses_per_month=0.01, maintenance_scans=0.0),
    ],
)
def test_the_arithmetic_of_every_action_adds_up_to_the_plan(settings: RetentionSettings) -> None:
    plan = plan_of(PAIR, settings=settings)
    named = {d.id: d for d in PAIR}
    for entry in plan.datasets:
        tier = line(plan, entry.parent).tier if entry.parent else ""
        lines = explain_planned(entry, named[entry.dataset], named.get(entry.parent or ""), tier, settings)
        if entry.action is not Action.KEEP:
            assert lines[-1][1] == pytest.approx(entry.saving_per_month, abs=1e-12)
            assert sum(amount for _, amount in lines[:-1]) == pytest.approx(lines[-1][1])


def test_an_action_that_does_not_exist_is_refused() -> None:
    with pytest.raises(UsageError, match="burn"):
        plan_of(PAIR, settings=replace(SETTINGS, actions=("burn",)))


def test_what_a_live_job_writes_does_not_move_to_a_colder_class() -> None:
    nightly = Job("nightly", "lineage", None, live=True)
    plan = plan_of([dataset("a", 30), dataset("b", 10)], Usage("a", producers=(nightly,)), settings=COLDER)
    assert line(plan, "a").action is Action.KEEP
    plan = plan_of(PAIR, Usage("part", producers=(nightly,)), settings=COLDER)
    assert actions(plan) == {"whole": "colder", "part": "stop producer"}
    assert plan.total_saving_per_month == line(plan, "whole").saving_per_month


def test_a_parent_that_moves_from_an_archive_to_a_colder_one_is_waited_for_once() -> None:
    settings = replace(COLDER, accesses_per_month=0.01, storage_classes={"whole": "GLACIER"})
    plan = plan_of(PAIR, settings=settings)
    assert actions(plan) == {"whole": "colder", "part": "retire"}
    assert line(plan, "whole").tier == "DEEP_ARCHIVE"
    hours = line(plan, "part").rebuild_seconds / 3600
    assert 12 < hours < 13
