"""Policies, each by a lake of two or three datasets in which only it decides."""

from dataclasses import replace
from datetime import timedelta

import pytest

from r2d2.config import RetentionSettings
from r2d2.model import Edge, Grade, Plan
from r2d2.model.dataset import DataFile
from r2d2.model.plan import Action
from r2d2.model.usage import Consumer, Job, Reads, Usage
from r2d2.retention.context import Context
from r2d2.retention.planner import make_plan
from tests.small_plans import NOW, PAIR, SETTINGS, actions, dataset, line, plan_of

COPIES = [dataset("source", 12, rows=1000), dataset("copy", 10, rows=1000)]


def equal(plan_settings: RetentionSettings = SETTINGS, *usage: Usage) -> Plan:
    return plan_of(COPIES, *usage, groups=[("source", "copy")], settings=plan_settings)


def test_without_policies_the_larger_copy_goes() -> None:
    assert actions(equal()) == {"source": "retire", "copy": "keep"}


def test_a_view_is_never_retired_and_may_stand_for_what_it_contains() -> None:
    view = replace(dataset("view", 12, rows=1000), retirable=False)
    plan = plan_of([view, COPIES[1]], groups=[("view", "copy")])
    assert actions(plan) == {"view": "keep", "copy": "retire"}
    assert line(plan, "view").reason == "kept: a view has no bytes of its own"


def test_a_dataset_with_a_file_outside_of_its_directory_is_never_retired() -> None:
    elsewhere = (DataFile("/lake/source/part-0.parquet", 6, 1, "1:1"), DataFile("/other/part-1.parquet", 6, 1, "1:2"))
    table = replace(dataset("source", 12, rows=1000), location="/lake/source", files=elsewhere)
    plan = plan_of([table, COPIES[1]], groups=[("source", "copy")])
    assert actions(plan) == {"source": "keep", "copy": "retire"}
    assert line(plan, "source").reason == "kept: some of its files lie outside of its directory"


def test_a_smaller_copy_without_owner_never_displaces_its_source() -> None:
    owned = Usage("source", owner="ann", owner_source="facts")
    assert actions(equal(SETTINGS, owned)) == {"source": "keep", "copy": "retire"}
    made = Usage("copy", upstream=("source",))
    assert actions(equal(SETTINGS, made)) == {"source": "keep", "copy": "retire"}
    assert actions(equal(replace(SETTINGS, keep=("copy",)), owned)) == {"source": "keep", "copy": "keep"}


def test_who_wrote_a_table_last_is_not_its_owner() -> None:
    wrote = Usage("source", owner="etl", owner_source="delta commit")
    assert actions(equal(SETTINGS, wrote)) == {"source": "retire", "copy": "keep"}


def test_a_copy_that_a_dashboard_reads_is_kept_before_one_that_nothing_reads() -> None:
    used = Usage("source", consumers=(Consumer("sales", "dashboard", "dbt"),))
    assert actions(equal(SETTINGS, used)) == {"source": "keep", "copy": "retire"}


def test_a_world_readable_copy_never_displaces_the_restricted_one_and_a_person_is_asked() -> None:
    plan = equal(SETTINGS, Usage("source", rights=frozenset({"group:hr"})), Usage("copy", rights=frozenset({"*"})))
    assert actions(plan) == {"source": "keep", "copy": "keep"}
    assert "a person must decide" in line(plan, "source").reason
    (finding,) = plan.findings
    assert "source" in finding
    assert "copy" in finding


def test_copies_of_different_sensitivity_are_a_finding() -> None:
    plan = equal(SETTINGS, Usage("source", sensitivity="pii"), Usage("copy", sensitivity="public"))
    assert actions(plan) == {"source": "keep", "copy": "keep"}
    assert len(plan.findings) == 1


def test_copies_of_which_one_has_unknown_rights_are_no_finding() -> None:
    plan = equal(SETTINGS, Usage("source", rights=frozenset({"group:hr"})))
    assert actions(plan) == {"source": "retire", "copy": "keep"}
    assert plan.findings == ()


@pytest.mark.parametrize(
    ("child", "parent", "action"),
    [
        ({"user:a"}, {"user:b"}, "keep"),
        ({"user:a", "user:b"}, {"user:b"}, "keep"),
        ({"user:b"}, {"user:a", "user:b"}, "retire"),
        ({"*"}, {"user:b"}, "keep"),
        ({"user:a"}, {"*"}, "retire"),
    ],
)
def test_readers_of_the_parent_must_include_those_of_the_child(child: set[str], parent: set[str], action: str) -> None:
    plan = plan_of(PAIR, Usage("whole", rights=frozenset(parent)), Usage("part", rights=frozenset(child)))
    assert actions(plan)["part"] == action


def test_a_parent_in_another_region_is_no_parent() -> None:
    plan = plan_of(PAIR, Usage("whole", region="eu-west-1"), Usage("part", region="us-east-1"))
    assert line(plan, "part").reason == "kept: what holds all its rows lies in another region"
    assert actions(plan_of(PAIR, Usage("whole", region="eu-west-1"))) == {"whole": "keep", "part": "retire"}


def test_a_parent_in_another_root_is_one_only_if_that_is_allowed() -> None:
    lake = [dataset("a/whole", 30), dataset("b/part", 10)]
    assert "another root" in line(plan_of(lake, roots=2), "b/part").reason
    allowed = replace(SETTINGS, across_roots=True)
    assert actions(plan_of(lake, roots=2, settings=allowed))["b/part"] == "retire"
    assert actions(plan_of(lake, roots=1))["b/part"] == "retire", "directories of one root"


def test_a_parent_that_expires_before_the_child_is_no_parent() -> None:
    soon, late = NOW + timedelta(days=3), NOW + timedelta(days=9)
    plan = plan_of(PAIR, Usage("whole", expires=soon))
    assert line(plan, "part").reason == "kept: what holds all its rows loses them before it does"
    assert actions(plan_of(PAIR, Usage("whole", expires=late), Usage("part", expires=soon)))["part"] == "retire"
    assert actions(plan_of(PAIR, Usage("whole", expires=soon), Usage("part", expires=late)))["part"] == "keep"


@pytest.mark.parametrize(
    ("usage", "why"),
    [
        (Usage("part", hold=True), "kept: it is under a legal hold"),
        (Usage("part", tags=frozenset({"backup"})), "kept: it is tagged 'backup' (retention.keep_tags)"),
    ],
)
def test_holds_and_tags_keep(usage: Usage, why: str) -> None:
    assert line(plan_of(PAIR, usage), "part").reason == why


def test_what_changed_a_short_time_ago_is_kept() -> None:
    young = [PAIR[0], replace(PAIR[1], modified_ns=int((NOW - timedelta(days=2)).timestamp()) * 10**9)]
    plan = plan_of(young, settings=replace(SETTINGS, min_age_days=3.0))
    assert line(plan, "part").reason == "kept: it changed 2.0 days ago, less than retention.min_age_days of 3"
    assert actions(plan_of(young, settings=replace(SETTINGS, min_age_days=1.0)))["part"] == "retire"


def reads(per_month: float, days: float = 60) -> Usage:
    return Usage("part", reads=Reads(per_month, "s3 log", NOW - timedelta(days=days), NOW))


def test_reads_from_logs_decide_and_unknown_ones_only_if_the_policy_says_so() -> None:
    careful = replace(SETTINGS, unknown_reads="keep", residency_days=0.0)
    assert "no log tells" in line(plan_of(PAIR, settings=careful), "part").reason
    assert actions(plan_of(PAIR, reads(0.0), settings=careful))["part"] == "retire"
    assert actions(plan_of(PAIR, reads(500.0), settings=careful))["part"] == "keep"
    assert actions(plan_of(PAIR, settings=replace(careful, accesses={"part": 1.0})))["part"] == "retire"


def test_a_log_of_a_day_tells_nothing_of_a_month() -> None:
    careful = replace(SETTINGS, unknown_reads="keep")
    assert "no log tells for long enough" in line(plan_of(PAIR, reads(0.0, days=1), settings=careful), "part").reason


def test_a_nightly_copy_is_never_retired_its_job_is_named_and_no_saving_counted() -> None:
    nightly = Usage("part", producers=(Job("copy_orders", "dbt", NOW, live=True),))
    plan = plan_of(PAIR, nightly)
    part = line(plan, "part")
    assert (part.action, part.parent, part.saving_per_month) == (Action.STOP_PRODUCER, "whole", 0.0)
    assert "copy_orders would write it again" in part.reason
    assert plan.total_saving_per_month == 0
    assert plan.retired == ()
    stopped = Usage("part", producers=(Job("copy_orders", "dbt", None, live=False),))
    assert actions(plan_of(PAIR, stopped))["part"] == "retire"


def test_nothing_is_rebuilt_from_what_a_job_writes_again_and_should_not() -> None:
    """The copy is cheaper to read than the whole; without the job the part would be rebuilt from it."""
    lake = [dataset("whole", 90), dataset("copy", 12), dataset("part", 10)]
    held = (("whole", "copy"), ("copy", "part"))
    edges = [Edge(*pair, Grade.PROVEN, 1, 2, False, "join", "") for pair in held]
    settings = replace(SETTINGS, keep=("copy",))
    assert line(make_plan(lake, edges, [], settings), "part").parent == "copy"
    nightly = {"copy": Usage("copy", producers=(Job("nightly", "dbt", NOW, live=True),))}
    plan = make_plan(lake, edges, [], SETTINGS, Context(nightly))
    assert actions(plan) == {"whole": "keep", "copy": "stop producer", "part": "retire"}
    assert line(plan, "part").parent == "whole"


def test_what_a_job_writes_is_a_parent_where_nothing_else_holds_its_rows() -> None:
    fed = Usage("whole", producers=(Job("etl", "dbt", NOW, live=True),))
    assert actions(plan_of(PAIR, fed)) == {"whole": "keep", "part": "retire"}


def test_a_nightly_copy_that_would_not_pay_is_simply_kept() -> None:
    nightly = Usage("part", producers=(Job("copy_orders", "dbt", NOW, live=True),))
    assert actions(plan_of(PAIR, nightly, settings=replace(SETTINGS, latency_limit=1.0)))["part"] == "keep"


def test_what_a_dashboard_reads_needs_its_sign_off_or_is_kept() -> None:
    read = Usage("part", consumers=(Consumer("sales", "dashboard", "dbt"),))
    assert line(plan_of(PAIR, read), "part").conditions == ("sign-off of dashboard sales",)
    kept = plan_of(PAIR, read, settings=replace(SETTINGS, consumers="keep"))
    assert line(kept, "part").reason == "kept: dashboard sales reads it (retention.consumers)"


def test_two_pinned_duplicates_are_feasible_and_both_go_if_only_their_container_is_kept() -> None:
    group = [("a", "b")]
    three = [dataset("top", 30), dataset("a", 10), dataset("b", 10)]
    edges = [Edge("top", "a", Grade.PROVEN, 1, 2, False, "join", "")]
    assert actions(make_plan(three, edges, group, SETTINGS)) == {"top": "keep", "a": "retire", "b": "retire"}
    pinned = make_plan(three, edges, group, replace(SETTINGS, keep=("a", "b")))
    assert set(actions(pinned).values()) == {"keep"}
    assert pinned.optimal


@pytest.mark.parametrize("groups", [[("a", "text"), ("text", "b")], [("text", "b"), ("a", "text")]])
def test_rights_count_in_each_group_of_a_text_dataset_that_is_in_two(groups: list[tuple[str, ...]]) -> None:
    copies = [dataset("a", 10), dataset("text", 10), dataset("b", 10)]
    usage = Usage("text", sensitivity="pii"), Usage("a", sensitivity="public"), Usage("b", sensitivity="public")
    plan = plan_of(copies, *usage, groups=groups)
    assert set(actions(plan).values()) == {"keep"}
    assert len(plan.findings) == 2


def test_the_first_of_duplicates_of_which_none_may_go_is_not_said_to_have_none() -> None:
    plan = equal(replace(SETTINGS, accesses_per_month=1000.0, residency_days=0.0))
    assert actions(plan) == {"source": "keep", "copy": "keep"}
    assert "hold the same rows" in line(plan, "copy").reason
    assert "saves nothing" in line(plan, "source").reason


def test_copies_that_differ_in_rights_are_not_retired_to_what_holds_both_either() -> None:
    three = [dataset("top", 30), dataset("a", 10, rows=9), dataset("b", 10, rows=9)]
    edges = [Edge("top", "a", Grade.PROVEN, 1, 2, False, "join", "")]
    usage = {"a": Usage("a", sensitivity="pii"), "b": Usage("b", sensitivity="public")}
    plan = make_plan(three, edges, [("a", "b")], SETTINGS, Context(usage))
    assert set(actions(plan).values()) == {"keep"}
    assert "a person must decide" in line(plan, "a").reason
