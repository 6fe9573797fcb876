"""Policies and actions, each by a lake of two or three datasets in which only it decides."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt
import pytest

from r2d2.config import RetentionSettings
from r2d2.errors import UsageError
from r2d2.model import Dataset, Edge, Grade, Plan, PlannedDataset
from r2d2.model.plan import Action
from r2d2.model.usage import Consumer, Job, Reads, Usage
from r2d2.retention.arithmetic import explain_planned
from r2d2.retention.context import Context
from r2d2.retention.planner import make_plan

Numbers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
GB = 2**30
NOW = datetime(2026, 6, 1, tzinfo=UTC)
SETTINGS = RetentionSettings()


def dataset(name: str, gigabytes: float = 10, **fields: object) -> Dataset:
    given = {"rows": int(gigabytes * 100), "modified_ns": 0, **fields}
    return Dataset(name, "parquet", f"/lake/{name}", "v1", bytes=int(gigabytes * GB), **given)  # type: ignore[arg-type]


PAIR = [dataset("whole", 30), dataset("part", 10)]
COPIES = [dataset("source", 12, rows=1000), dataset("copy", 10, rows=1000)]


def plan_of(
    datasets: list[Dataset],
    *usage: Usage,
    groups: list[tuple[str, ...]] | None = None,
    settings: RetentionSettings = SETTINGS,
    previous: Plan | None = None,
    roots: int = 1,
) -> Plan:
    """The first holds all others, unless groups say that they are equal."""
    first, *others = datasets
    edges = [] if groups else [Edge(first.id, d.id, Grade.PROVEN, 1, 2, False, "join", "") for d in others]
    context = Context({u.dataset: u for u in usage}, previous, roots, NOW)
    return make_plan(datasets, edges, groups or [], settings, context)


def actions(plan: Plan) -> dict[str, str]:
    return {line.dataset: line.action.value for line in plan.datasets}


def line(plan: Plan, name: str) -> PlannedDataset:
    return next(line for line in plan.datasets if line.dataset == name)


def equal(plan_settings: RetentionSettings = SETTINGS, *usage: Usage) -> Plan:
    return plan_of(COPIES, *usage, groups=[("source", "copy")], settings=plan_settings)


class AtOnce:
    """Rebuilds that take no time and no money."""

    def rebuild(self, child: Numbers, parent: Numbers) -> tuple[Floats, Floats]:
        return np.zeros(len(child)), np.zeros(len(parent))


def test_a_latency_limit_of_zero_keeps_even_what_is_rebuilt_at_once() -> None:
    edges = [Edge("whole", "part", Grade.PROVEN, 1, 2, False, "join", "")]
    for limit, action in ((0.0, "keep"), (1e-9, "retire")):
        plan = make_plan(PAIR, edges, [], replace(SETTINGS, latency_limit=limit), recipes=lambda _: AtOnce())
        assert actions(plan)["part"] == action


def test_without_policies_the_larger_copy_goes() -> None:
    assert actions(equal()) == {"source": "retire", "copy": "keep"}


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


@pytest.mark.parametrize(
    "limit", [{"max_retired_datasets": 1}, {"max_retired_bytes": 11 * GB}, {"max_rebuild_cost": 0.06}]
)
def test_a_budget_of_the_plan_keeps_what_saves_less_and_says_so(limit: dict[str, float]) -> None:
    lake = [dataset("whole", 30), dataset("large", 10), dataset("small", 5)]
    assert actions(plan_of(lake)) == {"whole": "keep", "large": "retire", "small": "retire"}
    plan = plan_of(lake, settings=replace(SETTINGS, **limit))  # type: ignore[arg-type]
    assert actions(plan) == {"whole": "keep", "large": "retire", "small": "keep"}
    assert f"retention.{next(iter(limit))}) are used up" in line(plan, "small").reason
    assert plan.optimal


def test_of_duplicates_the_one_goes_that_a_budget_has_room_for() -> None:
    """Without it the larger one would."""
    lake, group = [dataset("large", 40, rows=9), dataset("small", 10, rows=9)], [("large", "small")]
    assert actions(plan_of(lake, groups=group)) == {"large": "retire", "small": "keep"}
    limited = replace(SETTINGS, max_retired_bytes=20 * GB)
    assert actions(plan_of(lake, groups=group, settings=limited)) == {"large": "keep", "small": "retire"}


def test_duplicates_share_the_load_of_what_is_rebuilt_from_them() -> None:
    """Each of two kept copies has time for one of the two parts."""
    lake = [dataset("a", 10, rows=9), dataset("b", 10, rows=9), dataset("x", 9, rows=5), dataset("y", 9, rows=5)]
    edges = [Edge("a", child, Grade.PROVEN, 1, 2, False, "join", "") for child in "xy"]
    limited = replace(SETTINGS, evacuation_limit=400.0, keep=("a", "b"))
    plan = make_plan(lake, edges, [("a", "b")], limited)
    assert {line(plan, "x").parent, line(plan, "y").parent} == {"a", "b"}


def test_what_can_not_be_rebuilt_together_in_time_is_not_retired_together() -> None:
    lake = [dataset("whole", 30), dataset("large", 10), dataset("small", 5)]
    seconds = {line.dataset: line.rebuild_seconds for line in plan_of(lake).datasets}
    enough = replace(SETTINGS, evacuation_limit=seconds["large"] + seconds["small"])
    assert actions(plan_of(lake, settings=enough))["small"] == "retire"
    short = replace(enough, evacuation_limit=enough.evacuation_limit - 1)
    assert actions(plan_of(lake, settings=short)) == {"whole": "keep", "large": "retire", "small": "keep"}
    assert "retention.evacuation_limit" in line(plan_of(lake, settings=short), "small").reason
    assert actions(plan_of(lake, settings=replace(short, shared_rebuilds=2)))["small"] == "retire"


def test_what_does_not_pay_back_in_time_is_kept_and_says_so() -> None:
    plan = plan_of(PAIR, settings=replace(SETTINGS, payback_months=0.5))
    assert "does not pay back" in line(plan, "part").reason
    part = line(plan_of(PAIR), "part")
    assert 0 < part.once_cost < 12 * part.saving_per_month


def test_the_plan_says_what_it_takes_once_and_when_that_is_saved() -> None:
    plan = plan_of(PAIR)
    assert plan.once_cost == pytest.approx(line(plan, "part").once_cost)
    assert replace(plan, run_cost=5.0).once_cost == pytest.approx(plan.once_cost + 5)
    assert plan.payback_months == pytest.approx(plan.once_cost / plan.total_saving_per_month)


def test_a_line_says_what_would_change_it() -> None:
    assert line(plan_of(PAIR), "part").changes_if.startswith("it would stay if it had to be back within less than ")
    slow = plan_of(PAIR, settings=replace(SETTINGS, latency_limit=100.0))
    needed = line(slow, "part").changes_if
    assert needed.startswith("it could be retired with a latency limit of ")
    seconds = float(needed.rpartition(" of ")[2].removesuffix(" s").replace(",", ""))
    assert actions(plan_of(PAIR, settings=replace(SETTINGS, latency_limit=seconds)))["part"] == "retire"


def test_the_number_of_reads_at_which_it_would_stay_is_where_the_plan_changes() -> None:
    rare = replace(SETTINGS, residency_days=1.0)
    told = line(plan_of(PAIR, settings=rare), "part").changes_if
    times = float(told.partition("more than ")[2].partition(" times")[0].replace(",", ""))
    for factor, action in ((0.97, "retire"), (1.03, "keep")):
        often = replace(rare, accesses={"part": times * factor}, payback_months=float("inf"))
        assert actions(plan_of(PAIR, settings=often))["part"] == action


# --- views and colder classes


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


# --- the plan before


def test_an_equal_plan_of_the_other_way_round_does_not_displace_the_one_before() -> None:
    twins = [dataset("a", 10), dataset("b", 10)]
    first = plan_of(twins, groups=[("a", "b")])
    assert actions(first) == {"a": "keep", "b": "retire"}
    other = replace(
        first,
        datasets=tuple(
            replace(entry, dataset={"a": "b", "b": "a"}[entry.dataset], parent=entry.parent and "b")
            for entry in first.datasets
        ),
    )
    assert actions(plan_of(twins, groups=[("a", "b")], previous=other)) == {"a": "retire", "b": "keep"}


def test_a_reversal_must_beat_the_cost_of_switching() -> None:
    twins = [dataset("a", 10.2), dataset("b", 10)]
    group = [("a", "b")]
    assert actions(plan_of(twins, groups=group)) == {"a": "retire", "b": "keep"}
    before = plan_of([dataset("a", 10), dataset("b", 10.2)], groups=group)
    assert actions(before) == {"a": "keep", "b": "retire"}
    assert actions(plan_of(twins, groups=group, previous=before)) == {"a": "keep", "b": "retire"}, "2% are not enough"
    twins[0] = dataset("a", 13)
    after = plan_of(twins, groups=group, previous=before)
    assert actions(after) == {"a": "retire", "b": "keep"}
    alone = plan_of(twins, groups=group)
    assert after.total_saving_per_month == pytest.approx(alone.total_saving_per_month), "it is no money"


def test_what_was_let_go_is_not_kept_again_for_a_little() -> None:
    """Of two copies the smaller would be kept; it is gone already, and the other is new."""
    twins, group = [dataset("a", 10), dataset("b", 10.2)], [("a", "b")]
    before = plan_of([dataset("a", 10), dataset("c", 9)], groups=[("a", "c")])
    assert actions(before) == {"a": "retire", "c": "keep"}
    assert actions(plan_of(twins, groups=group)) == {"a": "keep", "b": "retire"}
    assert actions(plan_of(twins, groups=group, previous=before)) == {"a": "retire", "b": "keep"}


def test_among_parents_of_one_cost_that_of_the_plan_before_is_taken() -> None:
    lake = [dataset("a", 30, rows=9), dataset("b", 30, rows=8), dataset("part", 10)]
    edges = [Edge(parent, "part", Grade.PROVEN, 1, 2, False, "join", "") for parent in "ab"]
    first = make_plan(lake, edges, [], SETTINGS)
    assert line(first, "part").parent == "a"
    moved = replace(first, datasets=tuple(replace(e, parent=e.parent and "b") for e in first.datasets))
    assert line(make_plan(lake, edges, [], SETTINGS, Context(previous=moved)), "part").parent == "b"


def test_an_action_that_does_not_exist_is_refused() -> None:
    with pytest.raises(UsageError, match="burn"):
        plan_of(PAIR, settings=replace(SETTINGS, actions=("burn",)))


def test_a_budget_far_below_the_lake_s_size_retires_nothing() -> None:
    settings = replace(SETTINGS, max_retired_bytes=1, latency_limit=float("inf"))
    huge = [dataset("whole", 3 * 2**22), dataset("part", 2**22)]
    assert actions(plan_of(huge, settings=settings)) == {"whole": "keep", "part": "keep"}


COLDER = replace(SETTINGS, actions=("retire", "colder"), latency_limit=float("inf"))


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


@pytest.mark.parametrize("days", [float("inf"), 1e300])
def test_a_window_longer_than_any_log_makes_all_reads_unknown(days: float) -> None:
    reads = Usage("part", reads=Reads(1e9, "log", NOW - timedelta(days=400), NOW))
    settings = replace(SETTINGS, read_window_days=days)
    assert plan_of(PAIR, reads, settings=settings).datasets == plan_of(PAIR, settings=settings).datasets


@pytest.mark.parametrize("broken", [{"read_window_days": float("nan")}, {"max_pairs": -1}])
def test_limits_that_are_none_are_refused(broken: dict[str, object]) -> None:
    with pytest.raises(UsageError, match=next(iter(broken))):
        plan_of(PAIR, settings=replace(SETTINGS, **broken))  # type: ignore[arg-type]


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


def test_what_stays_because_a_change_is_not_worth_it_is_said_to() -> None:
    settings = replace(SETTINGS, payback_months=float("inf"))
    before = plan_of(PAIR, settings=replace(settings, max_retired_bytes=1))
    assert line(before, "part").could_go
    saves = line(plan_of(PAIR, settings=settings), "part").saving_per_month
    share = 1.01 * saves / (10 * 0.023)
    after = plan_of(PAIR, settings=replace(settings, switching_share=share), previous=before)
    assert line(after, "part").reason.startswith("kept as in the plan before: saves ")


def test_what_does_not_pay_back_because_its_parent_is_dear_to_prove_is_said_to() -> None:
    settings = replace(SETTINGS, latency_limit=float("inf"), accesses_per_month=0.001)
    plan = plan_of([dataset("whole", 8000), dataset("part", 1)], settings=settings)
    assert "does not pay back" in line(plan, "part").reason


def test_of_more_duplicates_than_there_is_room_for_pairs_not_all_are_rebuilt_from_the_same_few() -> None:
    copies = [dataset(f"d{n:02}", 10) for n in range(40)]
    two = 2 * (SETTINGS.startup_seconds + 10 * GB / 1e8 + 10 * GB / 5e7) + 1
    settings = replace(SETTINGS, evacuation_limit=two, max_pairs=160)
    plan = plan_of(copies, groups=[tuple(d.id for d in copies)], settings=settings)
    assert sum(line.action is Action.RETIRE for line in plan.datasets) > 4 * 2


def test_copies_that_differ_in_rights_are_not_retired_to_what_holds_both_either() -> None:
    three = [dataset("top", 30), dataset("a", 10, rows=9), dataset("b", 10, rows=9)]
    edges = [Edge("top", "a", Grade.PROVEN, 1, 2, False, "join", "")]
    usage = {"a": Usage("a", sensitivity="pii"), "b": Usage("b", sensitivity="public")}
    plan = make_plan(three, edges, [("a", "b")], SETTINGS, Context(usage))
    assert set(actions(plan).values()) == {"keep"}
    assert "a person must decide" in line(plan, "a").reason


def test_what_was_kept_for_want_of_a_parent_is_let_go_when_there_is_one() -> None:
    """That is no change of mind, and need not save more than another."""
    settings = replace(SETTINGS, payback_months=float("inf"), switching_share=10.0)
    before = make_plan(PAIR, [], [], settings)
    assert not line(before, "part").could_go
    assert actions(plan_of(PAIR, settings=settings, previous=before))["part"] == "retire"


def test_classes_of_nearly_one_cost_do_not_take_turns() -> None:
    settings = replace(SETTINGS, actions=("colder",))

    def planned(often: float, previous: Plan | None = None) -> Plan:
        return plan_of([dataset("alone", 100)], settings=replace(settings, accesses_per_month=often), previous=previous)

    def tier(plan: Plan) -> str:
        return line(plan, "alone").tier

    low, high = 0.01, 0.5
    cold = tier(planned(low))
    assert cold != tier(planned(high)) != ""
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if tier(planned(middle)) == cold else (low, middle)
    for before, now in ((low, high), (high, low)):
        assert tier(planned(before)) != tier(planned(now))
        assert tier(planned(now, planned(before))) == tier(planned(before))


def test_an_evacuation_limit_that_nothing_keeps_to_retires_nothing() -> None:
    for limit in (1e-30, 1e-12, 1.0):
        assert set(actions(plan_of(PAIR, settings=replace(SETTINGS, evacuation_limit=limit))).values()) == {"keep"}


def test_the_number_of_reads_at_which_it_could_go_is_where_the_plan_changes() -> None:
    often = replace(SETTINGS, residency_days=1.0, accesses_per_month=25.0, payback_months=float("inf"))
    told = line(plan_of(PAIR, settings=often), "part").changes_if
    times = float(told.partition("less than ")[2].partition(" times")[0])
    assert actions(plan_of(PAIR, settings=replace(often, accesses_per_month=times * 0.97)))["part"] == "retire"
    assert actions(plan_of(PAIR, settings=replace(often, accesses_per_month=times * 1.03)))["part"] == "keep"
